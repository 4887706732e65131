"""An SGQL query becomes one of Segments V2: `translate`.

Owns the shape of the whole: SELECT, the tables, the parent list. What is on one row is `values`',
which event a condition is about `predicate`'s. The result is laid out as by `segctl fmt`, was read
again by the parser of V2, and says there exactly what was meant; otherwise nothing is given. A
query is translated whole or refused with every reason; nothing is left out of it.

- One event that a contact must have becomes a JOIN with event_data, the attested form. Several
  events, none, or one beside an OR become `contact_id [NOT] IN (SELECT e.contact_id …)`: that a
  contact has such an event is true or false, never NULL, as in SGQL [I].
- Where such a condition stands below a NOT, the events without a contact_id are left out
  (`e.contact_id IS NOT NULL`): one NULL among them would make NOT IN true for nobody.
- NOT, AND, OR and the comparisons are carried over one by one, so NULL goes through both alike; a
  condition that drops the contacts without a value still does, and `segctl lint` says so.
- A parent list is carried over as parent_list_ids: both filter the contacts of the segment by
  their membership of the list (sendgrid-api.md §1 and §5) [D]. V2 takes one list at the most.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from segctl.query import ast
from segctl.query.catalogue import JOIN_COLUMN, SELECTED_COLUMNS
from segctl.query.format.layout import format_query
from segctl.query.parser.errors import Problem
from segctl.query.parser.parse import parse as parse_sql
from segctl.query.to_sql import SqlWriter
from segctl.query.value_types import CannotTranslate, collect
from segctl.query.visit import walk
from segctl.sgql.expressions import Values
from segctl.sgql.parse import parse
from segctl.sgql.predicates import AllOf, AnyOf, Happened, Holds, NoneOf, Predicate, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from segctl.query.catalogue import ColumnType

_CONTACT, _EVENT = "c", "e"


@dataclass(frozen=True, slots=True)
class Translation:
    """A translated query.

    `notes` are what a person should know before taking it over: where the old query was read as
    the documentation suggests without stating it. Their offsets are in the old query.
    """

    query: str
    parent_list_ids: tuple[str, ...]
    notes: tuple[Problem, ...] = ()


Refused: TypeAlias = tuple[Problem, ...]
"""Why a query has no translation, with offsets in the query; never empty."""


def translate(
    text: str,
    parent_list_ids: Sequence[str] = (),
    fields: Mapping[str, ColumnType] | None = None,
) -> Translation | Refused:
    """Translate a query of the first segments API. Never raises.

    `fields` are the custom fields of the account by name, as the account spells them, `None`
    where they are not known: then nothing is refused for a field that does not exist, and more
    is for one whose type matters.
    """
    parents = tuple(dict.fromkeys(one for one in parent_list_ids if one))
    if len(parents) > 1:
        message = "the segment has several parent lists, and V2 takes one"
        return (Problem("several-parents", message, "", 0, len(text)),)
    found = read(parse(text))
    if found.predicate is None:
        return found.problems
    try:
        query = _Translator(fields).query(found.predicate)
    except CannotTranslate as stop:
        return stop.problems
    parsed = parse_sql(SqlWriter(faithful=True).query(query))
    if parsed.query is None or SqlWriter().query(parsed.query) != SqlWriter().query(query):
        message = "V2's language cannot hold this query in one piece"
        return (Problem("not-translated", message, "", 0, len(text)),)
    notes = sorted((*found.notes, *_joined_texts(query)), key=lambda note: note.start)
    return Translation(format_query(parsed).text, parents, tuple(notes))


def _joined_texts(query: ast.Query) -> Iterator[Problem]:
    """Note each chain of joined texts once: SGQL's page does not say what NULL makes of one."""
    joins = [one for one in walk(query) if isinstance(one, ast.Binary) and one.op == "||"]
    parts = {id(side) for one in joins for side in (one.left, one.right)}
    for one in joins:
        if id(one) not in parts:
            message = "where one of these texts is missing, the whole is read as missing"
            yield Problem("joined-texts", message, "", one.start, one.end)


@dataclass(frozen=True, slots=True)
class _Translator:
    fields: Mapping[str, ColumnType] | None

    def query(self, predicate: Predicate) -> ast.Query:
        match predicate:
            case Happened():
                return self._joined((), predicate)
            case AllOf(operands=operands):
                asking = [one for one in operands if not isinstance(one, Holds)]
                if len(asking) == 1 and isinstance(asking[0], Happened):
                    rest = [one for one in operands if isinstance(one, Holds)]
                    return self._joined(rest, asking[0])
        if isinstance(predicate, Holds) and predicate.condition == _true(predicate):
            return _select("", None)
        return _select("", self._condition(predicate, denied=False))

    def _joined(self, contact: Sequence[Holds], happened: Happened) -> ast.Query:
        values = Values(self.fields, _CONTACT, _EVENT)
        conditions = (*(one.condition for one in contact), *happened.conditions)
        written = collect([partial(values.condition, one) for one in _in_order(conditions)])
        on = ast.Comparison(start=0, end=0, op="=", left=_column(_CONTACT), right=_column(_EVENT))
        join = ast.Join(start=0, end=0, kind="INNER", source=_event_data(), on=on, using=())
        return replace(_select(_CONTACT, _all(written)), joins=(join,))

    def _condition(self, predicate: Predicate, *, denied: bool) -> ast.Expression:
        """Write a condition on the contact; `denied` says that it stands below a NOT."""
        match predicate:
            case Holds(condition=condition):
                return Values(self.fields).condition(condition)
            case Happened():
                return self._in(predicate, denied=denied, negated=False)
            case NoneOf(operand=Happened() as happened):
                return self._in(happened, denied=True, negated=True)
            case NoneOf(operand=operand):
                inner = self._condition(operand, denied=True)
                return ast.Not(start=0, end=0, operand=inner)
            case AllOf(operands=operands) | AnyOf(operands=operands):
                steps = [partial(self._condition, one, denied=denied) for one in operands]
                kind = ast.And if isinstance(predicate, AllOf) else ast.Or
                return kind(start=0, end=0, operands=tuple(collect(steps)))

    def _in(self, happened: Happened, *, denied: bool, negated: bool) -> ast.Expression:
        values = Values(self.fields, None, _EVENT)
        written = collect([partial(values.condition, one) for one in happened.conditions])
        contact_id = _column(_EVENT)
        if denied:
            written.append(ast.IsNull(start=0, end=0, operand=contact_id, negated=True))
        query = ast.Query(
            start=0, end=0, select=(_item(contact_id),), sources=(_event_data(),), joins=(),
            where=_all(written),
        )  # fmt: skip
        return ast.In(
            start=0, end=0, operand=_column(""), negated=negated,
            items=ast.Subquery(start=0, end=0, query=query),
        )  # fmt: skip


def _in_order(conditions: Sequence[ast.Expression]) -> list[ast.Expression]:
    return sorted(conditions, key=lambda one: one.start)


def _true(node: ast.Node) -> ast.Boolean:
    return ast.Boolean(start=node.start, end=node.end, value=True)


def _all(conditions: Sequence[ast.Expression]) -> ast.Expression:
    if len(conditions) == 1:
        return conditions[0]
    return ast.And(start=0, end=0, operands=tuple(conditions))


def _select(alias: str, where: ast.Expression | None) -> ast.Query:
    return ast.Query(
        start=0, end=0, select=tuple(_item(_column(alias, name)) for name in SELECTED_COLUMNS),
        sources=(_table("contact_data", alias),), joins=(), where=where,
    )  # fmt: skip


def _item(value: ast.Expression) -> ast.SelectItem:
    return ast.SelectItem(start=0, end=0, value=value, alias=None)


def _event_data() -> ast.Table:
    return _table("event_data", _EVENT)


def _table(name: str, alias: str) -> ast.Table:
    return ast.Table(
        start=0, end=0, schema=(), name=_name(name), alias=_name(alias) if alias else None
    )


def _column(alias: str, name: str = JOIN_COLUMN) -> ast.Column:
    qualifier = _name(alias) if alias else None
    return ast.Column(start=0, end=0, qualifier=qualifier, name=_name(name))


def _name(text: str) -> ast.Name:
    return ast.Name(start=0, end=0, text=text)
