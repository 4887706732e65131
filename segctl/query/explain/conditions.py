"""The conditions of a query as statements about contacts: "whose country is US".

Reads the meaning of conditions; `sentences` arranges the statements. NOT is moved inwards, which is
exact in SQL's three-valued logic too. If a condition excludes contacts without a value (`!=`, NOT
IN, NOT LIKE), the statement says so, unless the condition beside it includes them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from segctl.query import ast
from segctl.query.catalogue import CONTACT_DATA, EVENT_DATA
from segctl.query.explain.events import FLIPPED, EventDescription, read_time_bounds
from segctl.query.explain.phrases import (
    field_name,
    join_with,
    literal_text,
    number_text,
    plain_text,
    quote_condition,
    string_value,
    value_text,
)
from segctl.query.explain.statements import (
    EventStatement,
    FieldStatement,
    QuotedStatement,
    Statement,
    StatementGroup,
    VerbStatement,
    be_form,
    conjugate,
    group_statements,
    list_membership,
)
from segctl.query.explain.times import TimeBound, TimePoint, exact_time, read_time, time_range
from segctl.query.parser.tokens import lower, upper
from segctl.query.visit import walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from segctl.model.contact_fields import ListNames

_NEGATED = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">",
            "IS DISTINCT FROM": "IS NOT DISTINCT FROM",
            "IS NOT DISTINCT FROM": "IS DISTINCT FROM"}  # fmt: skip
_BOUND_WORDS = {"<": "less than", "<=": "at most", ">": "more than", ">=": "at least"}
_ORDER_WORDS = {
    "<": "less than", "<=": "less than or equal to",
    ">": "greater than", ">=": "greater than or equal to",
}  # fmt: skip
_NEVER_FUTURE = frozenset(("created_at", "updated_at"))
_SEARCH_VERBS: Mapping[str, Literal["contain", "start with", "end with"]] = {
    "CONTAINS": "contain", "STARTSWITH": "start with", "ENDSWITH": "end with",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ConditionReader:
    """Reads the conditions of one query.

    `lists` has names of contact lists by ID. `events` are the folded aliases of `event_data`,
    `contacts` is that of `contact_data`, or empty.
    """

    lists: ListNames
    contacts: str
    events: tuple[str, ...]

    def owner(self, column: ast.Column) -> str | None:
        """Return the folded alias of the table of a column, or `None` if that is not certain."""
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
        """Return the aliases of the tables whose columns a condition uses."""
        return {self.owner(column) for column in walk(node) if isinstance(column, ast.Column)}

    def read_all(self, nodes: Sequence[ast.Expression]) -> StatementGroup:
        """Return the statements of conditions that must all be true, and of the joined events."""
        parts: list[Statement] = []
        events: dict[str, EventDescription] = {}
        for node in _flatten(nodes, ast.And):
            owners = self.owners(node)
            alias = next(iter(owners)) if len(owners) == 1 else None
            simple = not any(isinstance(descendant, ast.Query) for descendant in walk(node))
            if alias in self.events and simple:
                if alias not in events:
                    events[alias] = EventDescription()
                    parts.append(EventStatement(events[alias]))
                events[alias].add(node)
            else:
                parts.append(self.read(node))
        missing = [
            EventStatement(EventDescription()) for alias in self.events if alias not in events
        ]
        return group_statements(every=True, parts=[*missing, *parts])

    def read(self, node: ast.Expression, *, negated: bool = False) -> Statement:
        """Return the statement of one condition, or of its negation."""
        match node:
            case ast.Not(operand=operand):
                return self.read(operand, negated=not negated)
            case ast.And(operands=operands) | ast.Or(operands=operands):
                if any(owner in self.events for owner in self.owners(node)):
                    # All of it is about one event, which separate statements would not say.
                    return QuotedStatement(quote_condition(node, negated=negated))
                every = isinstance(node, ast.And) != negated
                return group_statements(
                    every=every, parts=[self.read(part, negated=negated) for part in operands]
                )
            case _:
                statement = self._read_leaf(node, negated=negated)
                return statement or QuotedStatement(quote_condition(node, negated=negated))

    def field_phrase(self, node: ast.Expression) -> str | None:
        """Return the name of a field of the contact in words, or `None` for anything else."""
        if not isinstance(node, ast.Column) or node.path or self.owner(node) != self.contacts:
            return None
        return field_name(node.name) if self.contacts else None

    def _read_leaf(  # noqa: C901, PLR0911 - one return per shape
        self, node: ast.Expression, *, negated: bool
    ) -> Statement | None:
        match node:
            case ast.Comparison():
                return self._read_comparison(node, negated=negated)
            case ast.In(items=ast.Subquery(query=query), operand=operand, negated=is_negated):
                return self._read_in_subquery(operand, query, negated=is_negated != negated)
            case ast.In(items=tuple(items), operand=operand, negated=is_negated):
                return self._read_in_list(operand, items, negated=is_negated != negated)
            case ast.IsNull(operand=operand, negated=is_negated):
                return self._read_is_set(operand, is_unset=is_negated == negated)
            case ast.IsTruth(operand=operand, value=value, negated=is_negated):
                return self._read_truth(operand, value=value, or_unset=is_negated != negated)
            case ast.Like():
                return self._read_like(node, negated=negated)
            case ast.Between():
                return self._read_between(node, negated=negated)
            case ast.Exists(query=query):
                event = self._read_event(query, correlated=True)
                return EventStatement(event, negated) if event else None
            case ast.Call():
                return self._read_call(node, negated=negated)
            case ast.Column():
                return self._read_truth(node, value=not negated, or_unset=False)
            case _:
                return None

    def _read_is_set(self, operand: ast.Expression, *, is_unset: bool) -> FieldStatement | None:
        field = self.field_phrase(operand)
        if field is None:
            return None
        return FieldStatement(
            field, f"{be_form(field)}{' not' if is_unset else ''} set", is_unset=is_unset
        )

    def _read_truth(
        self, operand: ast.Expression, *, value: bool, or_unset: bool
    ) -> FieldStatement | None:
        """Return the statement that a field is `value`; if `or_unset`, the opposite or not set."""
        field = self.field_phrase(operand)
        if field is None:
            return None
        words = f"{lower(str(not value))} or not set" if or_unset else lower(str(value))
        return FieldStatement(field, f"{be_form(field)} {words}")

    def _read_comparison(self, node: ast.Comparison, *, negated: bool) -> Statement | None:
        left, right, op = node.left, node.right, str(node.op)
        field, other_field = self.field_phrase(left), self.field_phrase(right)
        if field is None and other_field is not None:
            left, right, op = right, left, FLIPPED.get(op, op)
            field, other_field = other_field, None
        op = _NEGATED[op] if negated else op
        if field is None or not isinstance(left, ast.Column):
            return None
        if other_field is not None:
            words = {"=": "the same as", **_BOUND_WORDS}.get(op)
            predicate = f"{be_form(field)} {words} their {other_field}"
            return FieldStatement(field, predicate) if words else None
        point = read_time(right)
        if point and op in _BOUND_WORDS:
            past = lower(left.name.text) in _NEVER_FUTURE
            return _time_bound(field, op, point, past=past)
        value = exact_time(point) if point else literal_text(right)
        return None if value is None else _value_comparison(field, op, value, number_text(right))

    def _read_in_list(
        self, operand: ast.Expression, items: tuple[ast.Expression, ...], *, negated: bool
    ) -> Statement | None:
        field = self.field_phrase(operand)
        values = [text for item in items if (text := literal_text(item)) is not None]
        if field is None or len(values) < len(items):
            return None
        if len(values) == 1:
            words = f"{'not ' if negated else ''}{values[0]}"
        elif len(values) == 2:  # noqa: PLR2004
            words = " nor ".join(values) if negated else " or ".join(values)
            words = f"neither {words}" if negated else words
        else:
            words = f"{'not ' if negated else ''}one of {join_with(values)}"
        return FieldStatement(field, f"{be_form(field)} {words}", excludes_unset=negated)

    def _read_like(self, node: ast.Like, *, negated: bool) -> Statement | None:
        field, pattern = self.field_phrase(node.operand), node.pattern
        if field is None or not isinstance(pattern, ast.String) or node.escape:
            return None
        is_negated = node.negated != negated
        case = ", ignoring case" if node.kind == "ILIKE" else ""
        if node.kind in ("RLIKE", "REGEXP"):
            verb, wanted = "match", f"the regular expression “{plain_text(pattern.value)}”"
        else:
            verb, value = _like_verb(pattern)
            wanted = ("the pattern " if verb == "match" else "") + f"“{plain_text(value)}”"
        predicate = f"{conjugate(field, verb, negated=is_negated)} {wanted}{case}"
        return FieldStatement(field, predicate, excludes_unset=is_negated)

    def _read_between(self, node: ast.Between, *, negated: bool) -> Statement | None:
        field, is_negated = self.field_phrase(node.operand), node.negated != negated
        if field is None or not isinstance(node.operand, ast.Column):
            return None
        time_bounds = read_time_bounds(replace(node, negated=False))
        if time_bounds:
            _, low_bound, high_bound = time_bounds
            past = lower(node.operand.name.text) in _NEVER_FUTURE
            predicate = f"{be_form(field)} {time_range(low_bound, high_bound, past=past)}"
            return None if is_negated else FieldStatement(field, predicate, is_time=True)
        low, high = literal_text(node.low), literal_text(node.high)
        if low is None or high is None:
            return None
        predicate = f"{be_form(field)} {'not ' if is_negated else ''}between {low} and {high}"
        return FieldStatement(field, predicate, excludes_unset=is_negated)

    def _read_call(self, node: ast.Call, *, negated: bool) -> Statement | None:
        name = "" if node.name.quoted else upper(node.name.text)
        if len(node.args) != 2 or node.distinct:  # noqa: PLR2004
            return None
        container, item = node.args
        if name == "ARRAY_CONTAINS":
            if self.field_phrase(container) is None:
                container, item = item, container  # Snowflake takes the value first
            return self._read_array_contains(container, item, negated=negated)
        if name in _SEARCH_VERBS and isinstance(container, ast.Column):
            if lower(container.name.text) == "list_ids":
                return self._read_array_contains(container, item, negated=negated)
            field, value = self.field_phrase(container), string_value(item)
            if field is None or value is None:
                return None
            verb = conjugate(field, _SEARCH_VERBS[name], negated=negated)
            return FieldStatement(field, f"{verb} “{plain_text(value)}”", excludes_unset=negated)
        return None

    def _read_array_contains(
        self, array: ast.Expression, item: ast.Expression, *, negated: bool
    ) -> Statement | None:
        field = self.field_phrase(array)
        items = item.items if isinstance(item, ast.Array) else (item,)
        values = [value for node in items if (value := string_value(node)) is not None]
        if field is None or not isinstance(array, ast.Column) or not values:
            return None
        if len(values) < len(items):
            return None
        if lower(array.name.text) == "list_ids":
            return VerbStatement(list_membership(values, self.lists, negated=negated))
        any_of = "any of " if len(values) > 1 else ""
        wanted = join_with([value_text(value) for value in values])
        return FieldStatement(
            field, f"{conjugate(field, 'include', negated=negated)} {any_of}{wanted}"
        )

    def _read_in_subquery(
        self, operand: ast.Expression, query: ast.Query, *, negated: bool
    ) -> Statement | None:
        is_contact_id = isinstance(operand, ast.Column) and _is_contact_id(operand)
        if not is_contact_id or self.field_phrase(operand) is None:
            return None
        event = self._read_event(query, correlated=False)
        return EventStatement(event, negated) if event else None

    def _read_event(self, query: ast.Query, *, correlated: bool) -> EventDescription | None:
        """Return the event that a subquery of IN, or a correlated one of EXISTS, asks for."""
        source = query.sources[0]
        simple = len(query.sources) == 1 and not (query.joins or query.unsupported)
        if not simple or not isinstance(source, ast.Table) or source.schema:
            return None
        if lower(source.name.text) != "event_data" or source.name.quoted:
            return None
        alias = lower((source.alias or source.name).text)
        inner = ConditionReader(self.lists, "", (alias,))
        if not correlated and not _selects_contact_id(query.select):
            return None
        event = EventDescription()
        is_linked = False
        for node in _flatten([query.where] if query.where else [], ast.And):
            if correlated and self._links_contact(node, alias):
                is_linked = True
            elif inner.owners(node) != {alias} or any(isinstance(n, ast.Query) for n in walk(node)):
                return None
            else:
                event.add(node)
        return event if is_linked or not correlated else None

    def _links_contact(self, node: ast.Expression, alias: str) -> bool:
        """Return whether a condition says that the event belongs to the contact."""
        return linked_aliases(node) == {alias, self.contacts} and alias != self.contacts


def _time_bound(field: str, op: str, point: TimePoint, *, past: bool) -> FieldStatement:
    bound = TimeBound(point, inclusive=len(op) > 1)
    after, before = (bound, None) if op[0] == ">" else (None, bound)
    predicate = f"{be_form(field)} {time_range(after, before, past=past)}"
    return FieldStatement(field, predicate, after=after, before=before, past=past, is_time=True)


def _value_comparison(field: str, op: str, value: str, number: str | None) -> FieldStatement:
    """Return the statement of a comparison with a value; `number` is the value if it is one."""
    verb = be_form(field)
    match op:
        case "=" | "IS NOT DISTINCT FROM":
            return FieldStatement(field, f"{verb} {value}")
        case "!=":
            return FieldStatement(field, f"{verb} not {value}", excludes_unset=True)
        case "IS DISTINCT FROM":
            return FieldStatement(field, f"{verb} not {value} or {verb} not set")
        case _ if number is None:
            return FieldStatement(field, f"{verb} {_ORDER_WORDS[op]} {value}")
        case _:
            low, high = ((op, number), None) if op[0] == ">" else (None, (op, number))
            predicate = f"{verb} {_BOUND_WORDS[op]} {value}"
            return FieldStatement(field, predicate, low=low, high=high)


def linked_aliases(node: ast.Expression) -> set[str]:
    """Return the two folded aliases that `a.contact_id = b.contact_id` links, or nothing."""
    match node:
        case ast.Comparison(op="=", left=ast.Column() as left, right=ast.Column() as right):
            if not (_is_contact_id(left) and _is_contact_id(right)):
                return set()
            names = (left.qualifier, right.qualifier)
            return {lower(name.text) for name in names if name and not name.quoted}
        case _:
            return set()


def _selects_contact_id(select: tuple[ast.SelectItem, ...]) -> bool:
    value = select[0].value
    return len(select) == 1 and isinstance(value, ast.Column) and _is_contact_id(value)


def _is_contact_id(column: ast.Column) -> bool:
    return lower(column.name.text) == "contact_id" and not column.path


def _like_verb(pattern: ast.String) -> tuple[str, str]:
    """Return the verb and value of a LIKE pattern: `contain`, or `match` if it is not certain."""
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


def _flatten(
    nodes: Sequence[ast.Expression], kind: type[ast.And | ast.Or]
) -> Iterator[ast.Expression]:
    for node in nodes:
        if isinstance(node, kind):
            yield from _flatten(node.operands, kind)
        else:
            yield node
