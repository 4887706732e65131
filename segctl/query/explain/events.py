"""Plain English for what contacts did: the conditions on one row of `event_data`, as one phrase.

Reads source, type, time and Single Send of an event. Words the values seen in real queries
(sendgrid-api.md §6); other values are shown unchanged. A condition without words is quoted after
the phrase: "for which `…` is true".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segctl.query import ast
from segctl.query.catalogue import JOIN_COLUMN
from segctl.query.explain.phrases import join_with, plain_text, quote_condition, string_value
from segctl.query.explain.times import TimeBound, read_time, time_range
from segctl.query.parser.tokens import lower

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_VERBS = {"processed": "were sent", "delivered": "received", "open": "opened", "click": "clicked"}
_NEGATED_VERBS = {
    "processed": "were not sent", "delivered": "did not receive", "open": "did not open",
    "click": "did not click",
}  # fmt: skip
_SINGLE_SEND_PATH = ("payload", "unique_args", "singlesend_id")
FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
"""The operator to use when the operands change places."""


@dataclass(slots=True)
class EventDescription:
    """The conditions on one event that a contact has, or does not have."""

    types: tuple[str, ...] = ()
    excluded_types: tuple[str, ...] = ()
    source: str | None = None
    single_send: str | None = None
    low: TimeBound | None = None
    high: TimeBound | None = None
    unexplained: list[str] = field(default_factory=list)

    def add(self, node: ast.Expression) -> None:
        """Add a condition on the event."""
        if isinstance(node, ast.And):
            for operand in node.operands:
                self.add(operand)
        elif not (_is_contact_guard(node) or self._add_values(node) or self._add_bound(node)):
            self.unexplained.append(quote_condition(node))

    def _add_values(self, node: ast.Expression) -> bool:
        column, values, negated = _values(node)
        name = lower(column.name.text) if column else ""
        if column is None or not values:
            return False
        path = tuple(step.text for step in column.path if isinstance(step, ast.Name))
        handled = False
        if name == "event_type" and not column.path:
            if negated and not (self.excluded_types or self.types):
                self.excluded_types, handled = values, True
            elif not negated and not (self.types or self.excluded_types):
                self.types, handled = values, True
        elif negated or len(values) > 1:
            handled = False
        elif name == "event_source" and not column.path and self.source is None:
            self.source, handled = values[0], True
        elif (
            name == "data"
            and path == _SINGLE_SEND_PATH == path[: len(column.path)]
            and self.single_send is None
        ):
            self.single_send, handled = values[0], True
        return handled

    def _add_bound(self, node: ast.Expression) -> bool:
        time_bounds = read_time_bounds(node)
        if time_bounds is None:
            return False
        column, low, high = time_bounds
        if lower(column.name.text) != "timestamp" or column.path:
            return False
        if (low and self.low) or (high and self.high):
            return False
        self.low, self.high = low or self.low, high or self.high
        return True

    def phrase(self, *, negated: bool = False, it: str | None = None) -> str:
        """Return the event in words, after `who`; `it` is the Single Send mentioned just before."""
        words = self._action(negated=negated, it=it)
        time = time_range(self.low, self.high, past=True)
        if time:
            words += f" {time}"
        if self.unexplained:
            verb = "is" if len(self.unexplained) == 1 else "are"
            words += f", for which {' and '.join(self.unexplained)} {verb} true"
        return words

    def _action(self, *, negated: bool, it: str | None) -> str:
        if self.types and all(event_type in _VERBS for event_type in self.types):
            verbs = _NEGATED_VERBS if negated else _VERBS
            actions = [verbs[event_type] for event_type in self.types]
            verb = join_with(actions, "and" if negated else "or")
            return f"{verb} {self._message(negated=negated, it=it)}"
        kind = "e-mail event" if self.source == "mail" else "event"
        words = f"have {'no' if negated else 'an'} {kind}"
        if self.source not in (None, "mail"):
            words += f" from the source “{plain_text(self.source or '')}”"
        if self.types:
            words += f" of type {_quoted_types(self.types)}"
        if self.excluded_types:
            words += f" of a type other than {_quoted_types(self.excluded_types)}"
        if self.single_send is not None:
            words += f" for {_single_send(self.single_send, it)}"
        return words

    def _message(self, *, negated: bool, it: str | None) -> str:
        """Return what was sent, opened or clicked: `an e-mail`, `the Single Send …`."""
        if self.single_send is not None:
            message = _single_send(self.single_send, it)
        elif self.source == "mail":
            message = "any e-mail" if negated else "an e-mail"
        else:
            message = "any message" if negated else "a message"
        if self.source not in (None, "mail"):
            message += f" (source “{plain_text(self.source or '')}”)"
        return message


def _single_send(single_send: str, it: str | None) -> str:
    return "it" if single_send == it else f"the Single Send {plain_text(single_send)}"


def _quoted_types(types: Sequence[str]) -> str:
    return join_with([f"“{plain_text(event_type)}”" for event_type in types])


def _is_contact_guard(node: ast.Expression) -> bool:
    """Return whether a condition only says that an event has a contact, as in NOT IN queries."""
    match node:
        case ast.IsNull(operand=ast.Column(name=name, path=()), negated=True):
            return lower(name.text) == JOIN_COLUMN
    return False


def _values(node: ast.Expression) -> tuple[ast.Column | None, tuple[str, ...], bool]:
    """Return which column must have, or must not have, one of which values."""
    match node:
        case ast.Comparison(op="=" | "!=" as op, left=ast.Column() as column, right=right) | (
            ast.Comparison(op="=" | "!=" as op, right=ast.Column() as column, left=right)
        ):
            return column, _string_values((right,)), op == "!="
        case ast.In(operand=ast.Column() as column, items=tuple(items), negated=negated):
            return column, _string_values(items), negated
        case ast.Or(operands=operands):
            read = [_values(operand) for operand in operands]
            columns = {(lower(c.name.text), len(c.path)) for c, _, _ in read if c}
            usable = all(c and not c.path and values and not neg for c, values, neg in read)
            if usable and len(columns) == 1:
                return read[0][0], tuple(v for _, values, _ in read for v in values), False
        case _:
            pass
    return None, (), False


def _string_values(nodes: Iterable[ast.Expression]) -> tuple[str, ...]:
    """Return the values of string literals; nothing if any node is something else."""
    values = [string_value(node) for node in nodes]
    return tuple(value for value in values if value is not None) if None not in values else ()


def read_time_bounds(
    node: ast.Expression,
) -> tuple[ast.Column, TimeBound | None, TimeBound | None] | None:
    """Return the column that a condition limits to a range of times, or `None`."""
    match node:
        case ast.Comparison(op="<" | "<=" | ">" | ">=" as op, left=left, right=right):
            if isinstance(right, ast.Column):
                left, right, op = right, left, FLIPPED[op]  # type: ignore[assignment]
            point = read_time(right)
            if isinstance(left, ast.Column) and point:
                bound = TimeBound(point, inclusive=len(op) > 1)
                return (left, bound, None) if op[0] == ">" else (left, None, bound)
        case ast.Between(operand=ast.Column() as column, low=low, high=high, negated=False):
            start, end = read_time(low), read_time(high)
            if start and end:
                return column, TimeBound(start, inclusive=True), TimeBound(end, inclusive=True)
        case _:
            pass
    return None
