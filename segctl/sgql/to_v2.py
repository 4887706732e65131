"""The translation of an SGQL query to Segments V2: `translate`.

Builds the query: SELECT, the tables, the parent list. `expressions` translates conditions on one
row, `predicates` says which event a condition is about. The result is formatted as by `segctl fmt`,
and parsed again to check that V2's language says exactly what was meant; otherwise there is no
translation. A query is translated as a whole or refused with every reason; nothing is left out.

- One event that a contact must have becomes a JOIN with event_data, the form seen in real queries.
  Several events, none, or an event inside an OR become `contact_id [NOT] IN (SELECT e.contact_id
  …)`: whether a contact has such an event is true or false, never NULL, as in SGQL [I].
- Below a NOT, such a condition excludes events without a contact_id (`e.contact_id IS NOT NULL`): a
  single NULL among them would make NOT IN true for no contact.
- NOT, AND, OR and the comparisons are translated one by one, so NULL behaves the same; a condition
  that excludes contacts without a value still does, and `segctl lint` says so.
- A parent list becomes parent_list_ids: both limit the segment to the members of the list
  (sendgrid-api.md §1 and §5) [D]. V2 takes at most one list.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from segctl.query import ast
from segctl.query.catalogue import JOIN_COLUMN, SELECTED_COLUMNS
from segctl.query.format.layout import format_query
from segctl.query.parser.errors import Problem
from segctl.query.parser.parse import parse as parse_sql
from segctl.query.to_sql import SqlWriter
from segctl.query.value_types import CannotTranslate, collect
from segctl.query.visit import walk
from segctl.sgql.expressions import ExpressionTranslator
from segctl.sgql.parse import parse
from segctl.sgql.predicates import (
    AllOf,
    AnyOf,
    ContactCondition,
    EventExists,
    Negation,
    Predicate,
    read_predicate,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from segctl.query.catalogue import ColumnType

_CONTACT, _EVENT = "c", "e"


@dataclass(frozen=True, slots=True)
class Translation:
    """A translated query.

    `notes` are what reviewers should know: where segctl read the old query as the documentation
    suggests without stating it. Their offsets are in the old query.
    """

    query: str
    parent_list_ids: tuple[str, ...]
    notes: tuple[Problem, ...] = ()


def translate(
    text: str,
    parent_list_ids: Sequence[str] = (),
    fields: Mapping[str, ColumnType] | None = None,
) -> Translation | tuple[Problem, ...]:
    """Translate a query of the first segments API, or return why that is not possible.

    The problems are never empty, with offsets in `text`. `fields` are the custom fields of the
    account by their exact names, or `None` if they are unknown: then no query is refused for a
    field that does not exist, and more are refused for fields whose type matters. Never raises.
    """
    parents = tuple(dict.fromkeys(list_id for list_id in parent_list_ids if list_id))
    if len(parents) > 1:
        message = f"the segment has {len(parents)} parent lists, more than V2's limit of 1"
        return (Problem("several-parents", message, "", 0, len(text)),)
    result = read_predicate(parse(text))
    if result.predicate is None:
        return result.problems
    try:
        query = _Translator(fields).query(result.predicate)
    except CannotTranslate as error:
        return error.problems
    parsed = parse_sql(SqlWriter(faithful=True).query(query))
    if parsed.query is None or SqlWriter().query(parsed.query) != SqlWriter().query(query):
        message = "V2's language cannot express this query as a whole"
        return (Problem("not-translated", message, "", 0, len(text)),)
    notes = sorted((*result.notes, *_concatenation_notes(query)), key=lambda note: note.start)
    return Translation(format_query(parsed).text, parents, tuple(notes))


def _concatenation_notes(query: ast.Query) -> Iterator[Problem]:
    """Yield a note for each chain of joined strings: SGQL does not document NULL there."""
    chains = [node for node in walk(query) if isinstance(node, ast.Binary) and node.op == "||"]
    inner = {id(side) for node in chains for side in (node.left, node.right)}
    for node in chains:
        if id(node) not in inner:
            message = "if one of these strings is missing, the result is read as missing"
            yield Problem("joined-texts", message, "", node.start, node.end)


@dataclass(frozen=True, slots=True)
class _Translator:
    fields: Mapping[str, ColumnType] | None

    def query(self, predicate: Predicate) -> ast.Query:
        match predicate:
            case EventExists():
                return self._with_join((), predicate)
            case AllOf(operands=operands):
                contact = [part for part in operands if isinstance(part, ContactCondition)]
                events = [part for part in operands if not isinstance(part, ContactCondition)]
                if len(events) == 1 and isinstance(events[0], EventExists):
                    return self._with_join(contact, events[0])
        if isinstance(predicate, ContactCondition) and predicate.condition == _true(predicate):
            return _select("", None)
        return _select("", self._condition(predicate, below_not=False))

    def _with_join(self, contact: Sequence[ContactCondition], event: EventExists) -> ast.Query:
        translator = ExpressionTranslator(self.fields, _CONTACT, _EVENT)
        conditions = (*(part.condition for part in contact), *event.conditions)
        in_order = sorted(conditions, key=lambda condition: condition.start)
        translated = collect([partial(translator.condition, condition) for condition in in_order])
        on = ast.Comparison(start=0, end=0, op="=", left=_column(_CONTACT), right=_column(_EVENT))
        join = ast.Join(start=0, end=0, kind="INNER", source=_event_data(), on=on, using=())
        return replace(_select(_CONTACT, _conjunction(translated)), joins=(join,))

    def _condition(self, predicate: Predicate, *, below_not: bool) -> ast.Expression:
        match predicate:
            case ContactCondition(condition=condition):
                return ExpressionTranslator(self.fields).condition(condition)
            case EventExists():
                return self._in_events(predicate, below_not=below_not, negated=False)
            case Negation(operand=EventExists() as event):
                return self._in_events(event, below_not=True, negated=True)
            case Negation(operand=operand):
                inner = self._condition(operand, below_not=True)
                return ast.Not(start=0, end=0, operand=inner)
            case AllOf(operands=operands) | AnyOf(operands=operands):
                steps = [partial(self._condition, part, below_not=below_not) for part in operands]
                kind = ast.And if isinstance(predicate, AllOf) else ast.Or
                return kind(start=0, end=0, operands=tuple(collect(steps)))

    def _in_events(self, event: EventExists, *, below_not: bool, negated: bool) -> ast.Expression:
        """Return `contact_id [NOT] IN (SELECT e.contact_id FROM event_data e WHERE …)`."""
        translator = ExpressionTranslator(self.fields, None, _EVENT)
        translated = collect(
            [partial(translator.condition, condition) for condition in event.conditions]
        )
        contact_id = _column(_EVENT)
        if below_not:
            translated.append(ast.IsNull(start=0, end=0, operand=contact_id, negated=True))
        query = ast.Query(
            start=0, end=0, select=(_item(contact_id),), sources=(_event_data(),), joins=(),
            where=_conjunction(translated),
        )  # fmt: skip
        return ast.In(
            start=0, end=0, operand=_column(""), negated=negated,
            items=ast.Subquery(start=0, end=0, query=query),
        )  # fmt: skip


def _true(node: ast.Node) -> ast.Boolean:
    return ast.Boolean(start=node.start, end=node.end, value=True)


def _conjunction(conditions: Sequence[ast.Expression]) -> ast.Expression:
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
