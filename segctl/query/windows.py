"""The time window of a condition: how far back or ahead it looks, as in the last 30 days.

For noticing that a change moves one. Does not explain conditions: `explain` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.query import ast
from segctl.query.explain.times import AbsoluteTime, RelativeTime, read_time, unit_of, whole_span
from segctl.query.explain.values import number_text
from segctl.query.parser.tokens import upper
from segctl.query.visit import children

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.query.ast import Node
    from segctl.query.explain.times import TimePoint

_BOUNDS = frozenset(("<", "<=", ">", ">="))
_AGES = frozenset(("DATEDIFF", "TIMEDIFF", "TIMESTAMPDIFF"))


def window_change(before: Node | None, after: Node | None) -> tuple[str, str]:
    """Return the time windows of a condition before and after a change: `30 days`, `90 days`.

    Both are empty where the change moves none, and one where a condition has none.
    """
    old, new = (tuple(_points(node)) if node else () for node in (before, after))
    if old == new:
        return "", ""
    words = _lengths(old), _lengths(new)
    return words if words[0] != words[1] else (_phrases(old), _phrases(new))


def _points(node: Node) -> Iterator[TimePoint]:
    """Yield the points in time by which a condition is bounded, without now."""
    match node:
        case ast.Comparison(op=op, left=left, right=right):
            age = _age(left, right) or _age(right, left)
            if age is not None:
                yield age
                return
            for side in (left, right):
                yield from _point(side, strings=op in _BOUNDS)
        case ast.Between(operand=operand, low=low, high=high):
            for side in (operand, low, high):
                yield from _point(side, strings=True)
        case _:
            yield from _point(node, strings=False)


def _point(node: Node, *, strings: bool) -> Iterator[TimePoint]:
    point = read_time(node, strings=strings)  # type: ignore[arg-type] # matches any node
    if point is None:
        for child in children(node):
            yield from _points(child)
    elif point != RelativeTime(0, "day"):
        yield point


def _age(call: Node, number: Node) -> RelativeTime | None:
    """Return the window of `DATEDIFF(day, since, now) <= 30`, `None` for anything else."""
    match call, number:
        case ast.Call(name=name, args=(part, _, _)), ast.Number() if (
            not name.quoted and upper(name.text) in _AGES
        ):
            return whole_span(number_text(number), unit_of(part), -1)
    return None


def _lengths(points: tuple[TimePoint, ...]) -> str:
    return " and ".join(
        point.span if isinstance(point, RelativeTime) else _phrase(point) for point in points
    )


def _phrases(points: tuple[TimePoint, ...]) -> str:
    return " and ".join(map(_phrase, points))


def _phrase(point: TimePoint) -> str:
    match point:
        case RelativeTime():
            return point.phrase
        case AbsoluteTime():
            return f"{point.day}, {point.clock}" if point.clock else point.day
        case _:
            return point.text
