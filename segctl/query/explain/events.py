"""What contacts did: the conditions on one row of `event_data`, read as one event.

Reads source, type, time and Single Send of an event; other conditions stay statements about it.
`clauses` words them all.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from segctl.query import ast
from segctl.query.catalogue import JOIN_COLUMN
from segctl.query.comparison_operators import FLIPPED
from segctl.query.explain.operands import SINGLE_SEND_PATH, read_term
from segctl.query.explain.times import NamedTime, TimeBound, TimePoint, read_time
from segctl.query.explain.values import string_values
from segctl.query.parser.tokens import lower
from segctl.query.value_types import ValueType

if TYPE_CHECKING:
    from segctl.query.explain.scope import ExplainScope
    from segctl.query.explain.statements import Statement


@dataclass(frozen=True, slots=True)
class EventDescription:
    """The conditions on one event that a contact has, or does not have.

    `label` is the alias of an event that other conditions refer to. `others` are the conditions
    without a place of their own, all of which must be true.
    """

    label: str = ""
    types: tuple[str, ...] = ()
    excluded_types: tuple[str, ...] = ()
    source: str | None = None
    single_send: str | None = None
    low: TimeBound | None = None
    high: TimeBound | None = None
    others: tuple[Statement, ...] = ()

    @property
    def has_types(self) -> bool:
        """Whether there is a condition on the type already."""
        return bool(self.types or self.excluded_types)


@dataclass(slots=True)
class EventReader:
    """Collects the conditions on one event; `scope` is about that event."""

    scope: ExplainScope
    event: EventDescription = field(default_factory=EventDescription)

    def add(self, node: ast.Expression) -> bool:
        """Add a condition on the event; return whether it has a place in the description."""
        return self._is_contact_guard(node) or self._add_values(node) or self._add_bound(node)

    def add_other(self, statement: Statement) -> None:
        """Add a statement about the event."""
        self.event = replace(self.event, others=(*self.event.others, statement))

    def _is_own(self, column: ast.Column) -> bool:
        return self.scope.owner(column) == self.scope.subject

    def _is_contact_guard(self, node: ast.Expression) -> bool:
        """Return whether a condition only says that an event has a contact, as in NOT IN."""
        match node:
            case ast.IsNull(operand=ast.Column(name=name, path=()) as column, negated=True):
                return lower(name.text) == JOIN_COLUMN and self._is_own(column)
        return False

    def _add_values(self, node: ast.Expression) -> bool:
        column, values, negated = _values(node)
        if column is None or not values or not self._is_own(column):
            return False
        event, name = self.event, lower(column.name.text)
        values = tuple(dict.fromkeys(values))
        known = event.excluded_types if negated else event.types
        if name == "event_type" and not column.path and (known == values or not event.has_types):
            self.event = (
                replace(event, excluded_types=values) if negated else replace(event, types=values)
            )
        elif negated or len(values) > 1:
            return False
        elif name == "event_source" and not column.path and event.source in (None, values[0]):
            self.event = replace(event, source=values[0])
        elif (
            name == "data" and _is_single_send(column) and (event.single_send in (None, values[0]))
        ):
            self.event = replace(event, single_send=values[0])
        else:
            return False
        return True

    def _add_bound(self, node: ast.Expression) -> bool:
        low, high = self._bounds(node)
        event = self.event
        if not (low or high) or (low and event.low) or (high and event.high):
            return False
        self.event = replace(event, low=low or event.low, high=high or event.high)
        return True

    def _bounds(self, node: ast.Expression) -> tuple[TimeBound | None, TimeBound | None]:
        """Return the bounds that a condition sets to the time of the event."""
        match node:
            case ast.Comparison(op="<" | "<=" | ">" | ">=" as op, left=left, right=right):
                word = str(op)
                if not self._is_time(left):
                    left, right, word = right, left, FLIPPED[op]
                point = self._point(right) if self._is_time(left) else None
                if point:
                    bound = TimeBound(point, inclusive=len(word) > 1)
                    return (bound, None) if word[0] == ">" else (None, bound)
            case ast.Between(operand=operand, low=low, high=high, negated=False):
                start, end = self._point(low), self._point(high)
                if self._is_time(operand) and start and end:
                    return TimeBound(start, inclusive=True), TimeBound(end, inclusive=True)
            case _:
                pass
        return None, None

    def _is_time(self, node: ast.Expression) -> bool:
        match node:
            case ast.Column(name=name, path=()):
                return lower(name.text) == "timestamp" and self._is_own(node)
            case _:
                return False

    def _point(self, node: ast.Expression) -> TimePoint | None:
        point = read_time(node, strings=True)
        if point:
            return point
        term = read_term(self.scope, node)
        if term is None or term.type is not ValueType.TIME:
            return None
        return NamedTime(term.noun.removeprefix("the time of ") if term.past else term.noun)


def _is_single_send(column: ast.Column) -> bool:
    keys = tuple(step.text if isinstance(step, ast.Name) else None for step in column.path)
    return keys == SINGLE_SEND_PATH


def _values(node: ast.Expression) -> tuple[ast.Column | None, tuple[str, ...], bool]:
    """Return which column must have, or must not have, one of which values."""
    match node:
        case ast.Comparison(op="=" | "!=" as op, left=ast.Column() as column, right=right) | (
            ast.Comparison(op="=" | "!=" as op, right=ast.Column() as column, left=right)
        ):
            return column, string_values((right,)), op == "!="
        case ast.In(operand=ast.Column() as column, items=tuple(items), negated=negated):
            return column, string_values(items), negated
        case ast.Or(operands=operands):
            read = [_values(operand) for operand in operands]
            columns = {
                (lower(column.qualifier.text) if column.qualifier else "", lower(column.name.text))
                for column, _, _ in read
                if column
            }
            usable = all(
                column and not column.path and values and not negated
                for column, values, negated in read
            )
            if usable and len(columns) == 1:
                return read[0][0], tuple(v for _, values, _ in read for v in values), False
        case _:
            pass
    return None, (), False
