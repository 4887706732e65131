"""Conditions rearranged, so that each one is about a single row.

A join asks for rows that fulfil a condition together, and a contact with many events has very many
pairs of them. `alternatives` turns the condition into ORs of ANDs whose parts are about one row
each, or compare two rows; then pairs need not be formed. Every step is exact in three-valued logic:
"is TRUE", "is FALSE" and their opposites are passed down separately, because NOT (a = b) is not
TRUE where a is NULL. Knows no tables: the caller says which conditions are about several rows.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import product
from typing import TYPE_CHECKING, TypeAlias

from segctl.query import ast
from segctl.query.comparison_operators import INVERSE
from segctl.query.value_types import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from segctl.query.value_types import CannotTranslate

MAX_ALTERNATIVES = 32
"""A condition with more alternatives is refused: their number grows exponentially."""

Alternative: TypeAlias = tuple[ast.Expression, ...]
"""Conditions that must all be TRUE."""


class _Wanted(StrEnum):
    """What a condition must be."""

    TRUE = "TRUE"
    FALSE = "FALSE"
    NOT_TRUE = "NOT TRUE"
    NOT_FALSE = "NOT FALSE"


_NEGATED = {
    _Wanted.TRUE: _Wanted.FALSE,
    _Wanted.FALSE: _Wanted.TRUE,
    _Wanted.NOT_TRUE: _Wanted.NOT_FALSE,
    _Wanted.NOT_FALSE: _Wanted.NOT_TRUE,
}
_POSITIVE = (_Wanted.TRUE, _Wanted.NOT_FALSE)


def alternatives(
    nodes: Sequence[ast.Expression], is_shared: Callable[[ast.Expression], bool]
) -> list[Alternative]:
    """Return alternatives, one of which is TRUE exactly where all `nodes` are TRUE.

    `is_shared` says whether a condition is about several rows; only comparisons of two rows are
    left of such conditions. Raises `CannotTranslate` where there are others, and where there are
    too many alternatives.
    """
    return _all_of([_alternatives(node, _Wanted.TRUE, is_shared) for node in nodes], nodes)


def cannot_bound(node: ast.Node, reason: str) -> CannotTranslate:
    """Return the refusal to pair all events of a contact with each other."""
    return refusal(
        node,
        f"only all pairs of a contact's events could tell: {reason}",
        "compare two events by their timestamps or by one equal value, and join with AND",
    )


def _alternatives(  # noqa: PLR0911 - one branch a shape
    node: ast.Expression, wanted: _Wanted, is_shared: Callable[[ast.Expression], bool]
) -> list[Alternative]:
    if not is_shared(node):
        return [(_as_condition(node, wanted),)]
    match node:
        case ast.And(operands=operands) | ast.Or(operands=operands):
            parts = [_alternatives(operand, wanted, is_shared) for operand in operands]
            if isinstance(node, ast.And) == (wanted in _POSITIVE):
                return _all_of(parts, operands)
            return _any_of(parts, node)
        case ast.Not(operand=operand):
            return _alternatives(operand, _NEGATED[wanted], is_shared)
        case ast.IsTruth(operand=operand, value=value, negated=negated):
            inner = _Wanted.TRUE if value else _Wanted.FALSE
            if negated == (wanted in _POSITIVE):
                inner = _Wanted.NOT_TRUE if value else _Wanted.NOT_FALSE
            return _alternatives(operand, inner, is_shared)
        case ast.Between() | ast.In(items=tuple()):
            return _alternatives(_as_comparisons(node), wanted, is_shared)
        case ast.Comparison():
            return _of_comparison(node, wanted)
    raise cannot_bound(node, "this condition is about several events at once")


def _as_condition(node: ast.Expression, wanted: _Wanted) -> ast.Expression:
    match wanted:
        case _Wanted.TRUE:
            return node
        case _Wanted.FALSE:
            return ast.Not(start=node.start, end=node.end, operand=node)
    is_true = wanted is _Wanted.NOT_TRUE
    return ast.IsTruth(start=node.start, end=node.end, operand=node, value=is_true, negated=True)


def _of_comparison(node: ast.Comparison, wanted: _Wanted) -> list[Alternative]:
    comparison = node
    if wanted in (_Wanted.FALSE, _Wanted.NOT_TRUE):
        comparison = _comparison(node, INVERSE[node.op], node.left, node.right)
    if wanted in (_Wanted.TRUE, _Wanted.FALSE) or node.op.startswith("IS "):
        return [(comparison,)]
    nulls = [
        ast.IsNull(start=side.start, end=side.end, operand=side, negated=False)
        for side in (node.left, node.right)
    ]
    return [(comparison,), *((null,) for null in nulls)]


def _as_comparisons(node: ast.Between | ast.In) -> ast.Expression:
    """Return BETWEEN or IN as comparisons, which is what they mean."""
    place = {"start": node.start, "end": node.end}
    comparisons: ast.Expression
    if isinstance(node, ast.Between):
        low = _comparison(node, ">=", node.operand, node.low)
        high = _comparison(node, "<=", node.operand, node.high)
        comparisons = ast.And(**place, operands=(low, high))
    else:
        items = node.items if isinstance(node.items, tuple) else ()
        equalities = tuple(_comparison(node, "=", node.operand, item) for item in items)
        comparisons = ast.Or(**place, operands=equalities)
    return ast.Not(**place, operand=comparisons) if node.negated else comparisons


def _comparison(
    node: ast.Node, op: ast.ComparisonOperator, left: ast.Expression, right: ast.Expression
) -> ast.Comparison:
    return ast.Comparison(start=node.start, end=node.end, op=op, left=left, right=right)


def _all_of(
    parts: Iterable[list[Alternative]], nodes: Sequence[ast.Expression]
) -> list[Alternative]:
    result: list[Alternative] = [()]
    for part, node in zip(parts, nodes, strict=True):
        _check_number(len(result) * len(part), node)
        result = [(*first, *second) for first, second in product(result, part)]
    return result


def _any_of(parts: Iterable[list[Alternative]], node: ast.Expression) -> list[Alternative]:
    result = [alternative for part in parts for alternative in part]
    _check_number(len(result), node)
    return result


def _check_number(count: int, node: ast.Expression) -> None:
    if count > MAX_ALTERNATIVES:
        reason = f"the condition has more than {MAX_ALTERNATIVES} alternatives"
        raise cannot_bound(node, reason)
