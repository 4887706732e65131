"""The conditions of a query as statements about contacts: "whose country is US".

Owns the meaning of conditions and refuses to arrange them: the result is a tree of statements,
`explain` makes sentences or a list of it. NOT is carried inwards, which is exact in SQL's logic
of three values too. Where a condition leaves out those without a value (`!=`, NOT IN, NOT LIKE),
the statement says so, unless the condition beside it lets them in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from segctl.query import ast
from segctl.query.catalogue import CONTACT_DATA, EVENT_DATA
from segctl.query.explain.events import FLIPPED, Event, bounds
from segctl.query.explain.phrases import (
    field_name,
    listed,
    literal,
    number,
    plain,
    quoted,
    text_of,
    value_text,
)
from segctl.query.explain.statements import (
    Being,
    Doing,
    Fact,
    Group,
    Holding,
    Statement,
    be,
    grouped,
    on_lists,
    verb_of,
)
from segctl.query.explain.times import Bound, exactly, moment, when
from segctl.query.parser.tokens import lower, upper
from segctl.query.visit import walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from segctl.model.contact_fields import ListNames

_NEGATED = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">",
            "IS DISTINCT FROM": "IS NOT DISTINCT FROM",
            "IS NOT DISTINCT FROM": "IS DISTINCT FROM"}  # fmt: skip
_NUMBERS = {"<": "less than", "<=": "at most", ">": "more than", ">=": "at least"}
_PAST = frozenset(("created_at", "updated_at"))
_SEARCHES: Mapping[str, Literal["contain", "start with", "end with"]] = {
    "CONTAINS": "contain", "STARTSWITH": "start with", "ENDSWITH": "end with",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Audience:
    """Reads the conditions of one query.

    `lists` has names of contact lists by id. `events` are the folded aliases of `event_data`,
    `contacts` that of `contact_data` or empty.
    """

    lists: ListNames
    contacts: str
    events: tuple[str, ...]

    def owner(self, column: ast.Column) -> str | None:
        """Return the folded alias of the table that a column belongs to, or `None`."""
        if column.qualifier:
            alias = lower(column.qualifier.text)
            known = (self.contacts, *self.events)
            return alias if alias in known and not column.qualifier.quoted else None
        name = lower(column.name.text)
        if not self.contacts or (len(self.events) == 1 and name in EVENT_DATA
                                 and name not in CONTACT_DATA):  # fmt: skip
            return self.events[0] if len(self.events) == 1 else None
        return self.contacts

    def owners(self, node: ast.Node) -> set[str | None]:
        """Return the aliases of the tables that a condition speaks of."""
        return {self.owner(found) for found in walk(node) if isinstance(found, ast.Column)}

    def statement(self, nodes: Sequence[ast.Expression]) -> Group:
        """Read conditions which all have to hold, and what the joined events are."""
        parts: list[Statement] = []
        events: dict[str, Event] = {}
        for node in _flat(nodes, ast.And):
            owners = self.owners(node)
            alias = next(iter(owners)) if len(owners) == 1 else None
            simple = not any(isinstance(found, ast.Query) for found in walk(node))
            if alias in self.events and simple:
                if alias not in events:
                    events[alias] = Event()
                    parts.append(Doing(events[alias]))
                events[alias].add(node)
            else:
                parts.append(self.read(node))
        missing = [Doing(Event()) for alias in self.events if alias not in events]
        return grouped(every=True, parts=[*missing, *parts])

    def read(self, node: ast.Expression, *, negated: bool = False) -> Statement:
        """Read one condition, or the opposite of it."""
        match node:
            case ast.Not(operand=operand):
                return self.read(operand, negated=not negated)
            case ast.And(operands=operands) | ast.Or(operands=operands):
                if any(owner in self.events for owner in self.owners(node)):
                    return Holding(quoted(node, negated=negated))  # one event, not several
                every = isinstance(node, ast.And) != negated
                return grouped(
                    every=every, parts=[self.read(part, negated=negated) for part in operands]
                )
            case _:
                found = self._leaf(node, negated=negated)
                return found or Holding(quoted(node, negated=negated))

    def field(self, node: ast.Expression) -> str | None:
        """Return the words for a field of a contact, or `None` for anything else."""
        if not isinstance(node, ast.Column) or node.path or self.owner(node) != self.contacts:
            return None
        return field_name(node.name) if self.contacts else None

    def _leaf(  # noqa: C901, PLR0911 - one return a shape
        self, node: ast.Expression, *, negated: bool
    ) -> Statement | None:
        match node:
            case ast.Comparison():
                return self._comparison(node, negated=negated)
            case ast.In(items=ast.Subquery(query=query), operand=operand, negated=no):
                return self._among(operand, query, negated=no != negated)
            case ast.In(items=tuple(items), operand=operand, negated=no):
                return self._one_of(operand, items, negated=no != negated)
            case ast.IsNull(operand=operand, negated=no):
                return self._set(operand, unset=no == negated)
            case ast.IsTruth(operand=operand, value=value, negated=no):
                return self._truth(operand, value=value, unset=no != negated)
            case ast.Like():
                return self._like(node, negated=negated)
            case ast.Between():
                return self._between(node, negated=negated)
            case ast.Exists(query=query):
                event = self._event_of(query, correlated=True)
                return Doing(event, negated) if event else None
            case ast.Call():
                return self._call(node, negated=negated)
            case ast.Column():
                return self._truth(node, value=not negated, unset=False)
            case _:
                return None

    def _set(self, operand: ast.Expression, *, unset: bool) -> Fact | None:
        field = self.field(operand)
        if field is None:
            return None
        return Fact(field, f"{be(field)}{' not' if unset else ''} set", unset=unset)

    def _truth(self, operand: ast.Expression, *, value: bool, unset: bool) -> Fact | None:
        """Say that a field is true; where `unset`, that it is not, which is more than false."""
        field = self.field(operand)
        if field is None:
            return None
        says = f"{lower(str(not value))} or not set" if unset else lower(str(value))
        return Fact(field, f"{be(field)} {says}")

    def _comparison(self, node: ast.Comparison, *, negated: bool) -> Statement | None:  # noqa: PLR0911 - one return a shape
        left, right, op = node.left, node.right, str(node.op)
        field, other = self.field(left), self.field(right)
        if field is None and other is not None:
            left, right, op, field, other = right, left, FLIPPED.get(op, op), other, None
        op = _NEGATED[op] if negated else op
        if field is None or not isinstance(left, ast.Column):
            return None
        is_ = be(field)
        if other is not None:
            same = {"=": "the same as", **_NUMBERS}.get(op)
            return Fact(field, f"{is_} {same} their {other}") if same else None
        past = lower(left.name.text) in _PAST
        at = moment(right)
        if at and op in _NUMBERS:
            bound = Bound(at, inclusive=len(op) > 1)
            if op[0] == ">":
                text = when(bound, None, past=past)
                return Fact(field, f"{is_} {text}", after=bound, past=past, timed=True)
            text = when(None, bound, past=past)
            return Fact(field, f"{is_} {text}", before=bound, past=past, timed=True)
        value = exactly(at) if at else literal(right)
        if value is None:
            return None
        match op:
            case "=" | "IS NOT DISTINCT FROM":
                return Fact(field, f"{is_} {value}")
            case "!=":
                return Fact(field, f"{is_} not {value}", trap=True)
            case "IS DISTINCT FROM":
                return Fact(field, f"{is_} not {value} or {is_} not set")
            case _:
                numeric = number(right)
                words = _NUMBERS[op] if numeric else {">": "greater than", "<": "less than"}.get(
                    op, f"{'greater' if op == '>=' else 'less'} than or equal to")  # fmt: skip
                side = (op, numeric) if numeric else None
                low, high = (side, None) if op[0] == ">" else (None, side)
                return Fact(field, f"{is_} {words} {value}", low=low, high=high)

    def _one_of(
        self, operand: ast.Expression, items: tuple[ast.Expression, ...], *, negated: bool
    ) -> Statement | None:
        field = self.field(operand)
        texts = [literal(item) for item in items]
        known = [text for text in texts if text is not None]
        if field is None or len(known) < len(texts):
            return None
        is_ = be(field)
        if len(known) == 1:
            return Fact(field, f"{is_} {'not ' if negated else ''}{known[0]}", trap=negated)
        if len(known) == 2:  # noqa: PLR2004
            words = f"neither {known[0]} nor" if negated else f"{known[0]} or"
            return Fact(field, f"{is_} {words} {known[1]}", trap=negated)
        words = "none of" if negated else "one of"
        return Fact(field, f"{is_} {words} {listed(known)}", trap=negated)

    def _like(self, node: ast.Like, *, negated: bool) -> Statement | None:
        field, pattern = self.field(node.operand), node.pattern
        if field is None or not isinstance(pattern, ast.String) or node.escape:
            return None
        no = node.negated != negated
        case = ", in upper or lower case" if node.kind == "ILIKE" else ""
        if node.kind in ("RLIKE", "REGEXP"):
            verb, shown = "match", f"the regular expression “{plain(pattern.value)}”"
        else:
            verb, value = _pattern(pattern)
            shown = ("the pattern " if verb == "match" else "") + f"“{plain(value)}”"
        return Fact(field, f"{verb_of(field, verb, no=no)} {shown}{case}", trap=no)

    def _between(self, node: ast.Between, *, negated: bool) -> Statement | None:
        field, no = self.field(node.operand), node.negated != negated
        if field is None or not isinstance(node.operand, ast.Column):
            return None
        is_ = be(field)
        sides = bounds(replace(node, negated=False))
        if sides:
            past = lower(node.operand.name.text) in _PAST
            text = when(sides[1], sides[2], past=past)
            return None if no else Fact(field, f"{is_} {text}", timed=True)
        low, high = literal(node.low), literal(node.high)
        if low is None or high is None:
            return None
        return Fact(field, f"{is_} {'not ' if no else ''}between {low} and {high}", trap=no)

    def _call(self, node: ast.Call, *, negated: bool) -> Statement | None:
        name = "" if node.name.quoted else upper(node.name.text)
        if len(node.args) != 2 or node.distinct:  # noqa: PLR2004
            return None
        one, two = node.args
        if name == "ARRAY_CONTAINS":
            if self.field(one) is None:
                one, two = two, one  # Snowflake has the value first
            return self._contains(one, two, negated=negated)
        if name in _SEARCHES and isinstance(one, ast.Column):
            if lower(one.name.text) == "list_ids":
                return self._contains(one, two, negated=negated)
            field, value = self.field(one), text_of(two)
            if field is None or value is None:
                return None
            verb = verb_of(field, _SEARCHES[name], no=negated)
            return Fact(field, f"{verb} “{plain(value)}”", trap=negated)
        return None

    def _contains(
        self, one: ast.Expression, two: ast.Expression, *, negated: bool
    ) -> Statement | None:
        field = self.field(one)
        values = [text_of(n) for n in (two.items if isinstance(two, ast.Array) else (two,))]
        known = [value for value in values if value is not None]
        if (
            field is None
            or not isinstance(one, ast.Column)
            or len(known) < len(values)
            or not known
        ):
            return None
        if lower(one.name.text) == "list_ids":
            return Being(on_lists(known, self.lists, negated=negated))
        texts = listed([value_text(value) for value in known])
        several = "any of " if len(known) > 1 else ""
        return Fact(field, f"{verb_of(field, 'include', no=negated)} {several}{texts}")

    def _among(
        self, operand: ast.Expression, query: ast.Query, *, negated: bool
    ) -> Statement | None:
        column = isinstance(operand, ast.Column) and lower(operand.name.text) == "contact_id"
        if not column or self.field(operand) is None:
            return None
        event = self._event_of(query, correlated=False)
        if event:
            return Doing(event, negated)
        return None

    def _event_of(self, query: ast.Query, *, correlated: bool) -> Event | None:
        """Read a subquery over events: of IN by what it selects, of EXISTS by what it compares."""
        source = query.sources[0]
        simple = len(query.sources) == 1 and not (query.joins or query.unsupported)
        if not simple or not isinstance(source, ast.Table) or source.schema:
            return None
        if lower(source.name.text) != "event_data" or source.name.quoted:
            return None
        alias = lower((source.alias or source.name).text)
        inner = Audience(self.lists, "", (alias,))
        if not correlated and not _is_id(query.select):
            return None
        event = Event()
        linked = False
        for node in _flat([query.where] if query.where else [], ast.And):
            if correlated and self._links(node, alias):
                linked = True
            elif inner.owners(node) != {alias} or any(isinstance(n, ast.Query) for n in walk(node)):
                return None
            else:
                event.add(node)
        return event if linked or not correlated else None

    def _links(self, node: ast.Expression, alias: str) -> bool:
        """Tell whether a condition says that the event is one of the contact's."""
        return linked(node) == {alias, self.contacts} and alias != self.contacts


def linked(node: ast.Expression) -> set[str]:
    """Return the two folded aliases that `a.contact_id = b.contact_id` links, or nothing."""
    match node:
        case ast.Comparison(op="=", left=ast.Column() as left, right=ast.Column() as right):
            if not (_is_contact_id(left) and _is_contact_id(right)):
                return set()
            names = (left.qualifier, right.qualifier)
            return {lower(name.text) for name in names if name and not name.quoted}
        case _:
            return set()


def _is_id(select: tuple[ast.SelectItem, ...]) -> bool:
    value = select[0].value
    return len(select) == 1 and isinstance(value, ast.Column) and _is_contact_id(value)


def _is_contact_id(column: ast.Column) -> bool:
    return lower(column.name.text) == "contact_id" and not column.path


def _pattern(pattern: ast.String) -> tuple[str, str]:
    """Return what a LIKE pattern asks for, and of what, where that is certain."""
    value = pattern.value
    body = value.strip("%")
    escapes = "\\" in pattern.raw.replace('\\"', "").replace("\\'", "")
    if not body or escapes or "%" in body or "_" in body or "%%" in value:
        return "match", value
    match value.startswith("%"), value.endswith("%"):
        case True, True:
            return "contain", body
        case True, False:
            return "end with", body
        case False, True:
            return "start with", body
        case _:
            return "match", value


def _flat(
    nodes: Sequence[ast.Expression], kind: type[ast.And | ast.Or]
) -> Iterator[ast.Expression]:
    for node in nodes:
        if isinstance(node, kind):
            yield from _flat(node.operands, kind)
        else:
            yield node
