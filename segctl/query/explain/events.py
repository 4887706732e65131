"""Plain English for what contacts did: the conditions on one row of `event_data`, as one phrase.

Owns the reading of event conditions (source, type, time, Single Send) and the words for them.
Knows the values that sendgrid-api.md §6 attests; others are shown as they stand. A condition
that it has no words for is quoted behind the phrase: "for which `…` holds".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segctl.query import ast
from segctl.query.catalogue import JOIN_COLUMN
from segctl.query.explain.phrases import listed, plain, quoted, text_of
from segctl.query.explain.times import Bound, moment, when
from segctl.query.parser.tokens import lower

if TYPE_CHECKING:
    from collections.abc import Iterable

_PAST = {"processed": "were sent", "delivered": "received", "open": "opened", "click": "clicked"}
_NOT = {
    "processed": "were not sent", "delivered": "did not receive", "open": "did not open",
    "click": "did not click",
}  # fmt: skip
_SEND = ("payload", "unique_args", "singlesend_id")
FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
"""What an operator becomes when its sides change places."""


@dataclass(slots=True)
class Event:
    """What is known of one event that a contact has, or has not."""

    types: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    source: str | None = None
    send: str | None = None
    low: Bound | None = None
    high: Bound | None = None
    quotes: list[str] = field(default_factory=list)

    def add(self, node: ast.Expression) -> None:
        """Take one more condition on the event."""
        if isinstance(node, ast.And):
            for operand in node.operands:
                self.add(operand)
        elif not (_goes_without_saying(node) or self._add_values(node) or self._add_bound(node)):
            self.quotes.append(quoted(node))

    def _add_values(self, node: ast.Expression) -> bool:
        column, values, negated = _values(node)
        name = lower(column.name.text) if column else ""
        if column is None or not values:
            return False
        path = tuple(step.text for step in column.path if isinstance(step, ast.Name))
        known = False
        if name == "event_type" and not column.path:
            if negated and not (self.others or self.types):
                self.others, known = values, True
            elif not negated and not (self.types or self.others):
                self.types, known = values, True
        elif negated or len(values) > 1:
            known = False
        elif name == "event_source" and not column.path and self.source is None:
            self.source, known = values[0], True
        elif name == "data" and path == _SEND == path[: len(column.path)] and self.send is None:
            self.send, known = values[0], True
        return known

    def _add_bound(self, node: ast.Expression) -> bool:
        sides = bounds(node)
        if sides is None:
            return False
        column, low, high = sides
        if lower(column.name.text) != "timestamp" or column.path:
            return False
        if (low and self.low) or (high and self.high):
            return False
        self.low, self.high = low or self.low, high or self.high
        return True

    def said(self, *, negated: bool = False, known: str | None = None) -> str:
        """Say it, after `who`. `known` is a Single Send that was just spoken of: `it`."""
        words = self._did(negated=negated, known=known)
        time = when(self.low, self.high, past=True)
        if time:
            words += f" {time}"
        if self.quotes:
            words += f", for which {' and '.join(self.quotes)} holds"
        return words

    def _did(self, *, negated: bool, known: str | None) -> str:
        if self.types and all(kind in _PAST for kind in self.types):
            if self.send is not None:
                thing = "it" if known == self.send else f"the Single Send {plain(self.send)}"
            else:
                kind = "e-mail" if self.source == "mail" else "message"
                thing = f"{'any' if negated else 'an' if kind == 'e-mail' else 'a'} {kind}"
            if self.source not in (None, "mail"):
                thing += f" (source “{plain(self.source or '')}”)"
            verbs = _NOT if negated else _PAST
            said = [verbs[kind] for kind in self.types]
            return f"{listed(said, 'and' if negated else 'or')} {thing}"
        words = f"have {'no' if negated else 'an'} event"
        if self.source == "mail":
            words = f"have {'no' if negated else 'an'} e-mail event"
        elif self.source is not None:
            words += f" of the source “{plain(self.source)}”"
        if self.types:
            words += f" of the type {listed([f'“{plain(kind)}”' for kind in self.types])}"
        if self.others:
            words += f" of a type other than {listed([f'“{plain(kind)}”' for kind in self.others])}"
        if self.send is not None:
            it = "it" if known == self.send else f"the Single Send {plain(self.send)}"
            words += f" of {it}"
        return words


def _goes_without_saying(node: ast.Expression) -> bool:
    """Tell the guard of a NOT IN: that an event is of some contact."""
    match node:
        case ast.IsNull(operand=ast.Column(name=name, path=()), negated=True):
            return lower(name.text) == JOIN_COLUMN
    return False


def _values(node: ast.Expression) -> tuple[ast.Column | None, tuple[str, ...], bool]:
    """Return what column has, or has not, one of which texts."""
    match node:
        case ast.Comparison(op="=" | "!=" as op, left=ast.Column() as column, right=right) | (
            ast.Comparison(op="=" | "!=" as op, right=ast.Column() as column, left=right)
        ):
            found = _texts((right,))
            return column, found, op == "!="
        case ast.In(operand=ast.Column() as column, items=tuple(items), negated=negated):
            return column, _texts(items), negated
        case ast.Or(operands=operands):
            read = [_values(operand) for operand in operands]
            columns = {(lower(c.name.text), len(c.path)) for c, _, _ in read if c}
            usable = all(c and not c.path and values and not no for c, values, no in read)
            if usable and len(columns) == 1:
                return read[0][0], tuple(v for _, values, _ in read for v in values), False
        case _:
            pass
    return None, (), False


def _texts(nodes: Iterable[ast.Expression]) -> tuple[str, ...]:
    """Return the texts of strings; nothing if there is anything else among them."""
    found = [text_of(node) for node in nodes]
    return tuple(text for text in found if text is not None) if None not in found else ()


def bounds(
    node: ast.Expression,
) -> tuple[ast.Column, Bound | None, Bound | None] | None:
    """Read a condition that bounds a column by moments, or return `None`."""
    match node:
        case ast.Comparison(op="<" | "<=" | ">" | ">=" as op, left=left, right=right):
            if isinstance(right, ast.Column):
                left, right, op = right, left, FLIPPED[op]  # type: ignore[assignment]
            at = moment(right)
            if isinstance(left, ast.Column) and at:
                bound = Bound(at, inclusive=len(op) > 1)
                return (left, bound, None) if op[0] == ">" else (left, None, bound)
        case ast.Between(operand=ast.Column() as column, low=low, high=high, negated=False):
            start, end = moment(low), moment(high)
            if start and end:
                return column, Bound(start, inclusive=True), Bound(end, inclusive=True)
        case _:
            pass
    return None
