"""Rules about ranges: bounds that exclude each other, or make another bound redundant.

Checks <, <=, > and >= on numbers and times. A time relative to now is compared with another one,
but never with a fixed date: which is later changes from day to day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Severity
from segctl.query import ast
from segctl.query.lint.predicates import Atom, atoms_by_column, atoms_of, is_outermost
from segctl.query.lint.rule import Violation, quote_sql, rule, violation_at
from segctl.query.lint.values import RelativeTime, compare
from segctl.query.parser.tokens import lower

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.query.lint.scope import NodeContext

_LOWER, _UPPER = (">", ">="), ("<", "<=")
_PAST = frozenset(("created_at", "updated_at", "timestamp"))
"""Columns whose times are never in the future."""


@rule("contradictory-bounds", Severity.WARNING, ast.And, ast.Between)
def contradictory_bounds(node: ast.And | ast.Between, context: NodeContext) -> Iterator[Violation]:
    """Report ranges that contain no value.

    `total_spend > 500 AND total_spend < 100` selects nobody: no number is both above 500 and
    below 100. With times this is an easy mistake: now() - 90 days is *before* now() - 30 days, so
    "between 30 and 90 days ago" is > now() - 90 days AND < now() - 30 days.

    Swap the bounds, or write OR to select what is outside both.

    Bad::

        last_order > now() - 30 days AND last_order < now() - 90 days

    Good::

        last_order > now() - 90 days AND last_order < now() - 30 days
    """
    if isinstance(node, ast.Between):
        if context.is_asserted and not node.negated and _clash([*atoms_of(node, context)]):
            low, high = context.source(node.low), context.source(node.high)
            yield violation_at(
                node,
                "the lower bound is above the upper bound",
                f"write {quote_sql(f'BETWEEN {high} AND {low}')}",
            )
        return
    if not is_outermost(node, context):
        return
    for atoms in atoms_by_column(node, context).values():
        clash = _clash(atoms)
        if clash and clash[0].node is not clash[1].node:
            first, second = sorted((atom.node for atom in clash), key=lambda node: node.start)
            quotes = [quote_sql(context.source(bound), 60) for bound in (first, second)]
            yield violation_at(
                second,
                f"{' and '.join(quotes)} are never both true",
                "swap the bounds, or write OR between them",
            )


def _clash(atoms: list[Atom]) -> tuple[Atom, Atom] | None:
    """Return the first two atoms between which there is no value, or `None`."""
    lows = [a for a in atoms if a.kind in _LOWER or (a.kind == "in" and len(a.values) == 1)]
    highs = [a for a in atoms if a.kind in _UPPER or (a.kind == "in" and len(a.values) == 1)]
    for low in lows:
        for high in highs:
            if low is high or (low.kind == "in" and high.kind == "in"):
                continue
            order = compare(low.values[0], high.values[0])
            is_strict = low.kind == ">" or high.kind == "<"
            if order is not None and (order > 0 or (order == 0 and is_strict)):
                return low, high
    return None


@rule("redundant-bound", Severity.INFO, ast.And)
def redundant_bound(node: ast.And, context: NodeContext) -> Iterator[Violation]:
    """Report bounds that another bound makes redundant.

    In `total_spend > 100 AND total_spend > 500`, the second bound alone selects the same
    contacts. Nobody is missing, but one of the two may be a mistake: < for >, or another field.

    Remove the weaker bound, or correct it.

    Bad::

        total_spend > 100 AND total_spend > 500

    Good::

        total_spend > 500
    """
    if not is_outermost(node, context):
        return
    for atoms in atoms_by_column(node, context).values():
        for kinds, sign in ((_LOWER, 1), (_UPPER, -1)):
            bounds = [atom for atom in atoms if atom.kind in kinds]
            if len(bounds) > 1:
                yield from _weaker_bounds(bounds, sign, context)


def _weaker_bounds(bounds: list[Atom], sign: int, context: NodeContext) -> Iterator[Violation]:
    strongest = bounds[0]
    for bound in bounds[1:]:
        order = compare(bound.values[0], strongest.values[0])
        if order is None or (order == 0 and bound.kind == strongest.kind):
            continue
        is_stronger = order * sign > 0 or (order == 0 and "=" not in bound.kind)
        weaker, strongest = (strongest, bound) if is_stronger else (bound, strongest)
        if weaker.node is not strongest.node:
            yield violation_at(
                weaker.node,
                f"{quote_sql(context.source(weaker.node), 60)} is redundant next to"
                f" {quote_sql(context.source(strongest.node), 60)}",
                "remove it, or correct it if you meant something else",
            )


@rule("future-time", Severity.WARNING, ast.Comparison, ast.Between, ast.Not)
def future_time(
    node: ast.Comparison | ast.Between | ast.Not, context: NodeContext
) -> Iterator[Violation]:
    """Report conditions on contacts and events in the future.

    created_at, updated_at and the timestamp of an event are times at which something happened.
    `created_at > NOW()` and `created_at > timestampadd(day, 30, CURRENT_TIMESTAMP)` ask for
    contacts who are created later, and select nobody. Most often, a minus sign is missing.

    Write a negative number: timestampadd(day, -30, CURRENT_TIMESTAMP).

    Bad::

        created_at > timestampadd(day, 30, CURRENT_TIMESTAMP)

    Good::

        created_at > timestampadd(day, -30, CURRENT_TIMESTAMP)
    """
    if isinstance(node, ast.Not) and not isinstance(node.operand, ast.Comparison):
        return  # an inner NOT is a node of its own
    column = _past_column(node.operand if isinstance(node, ast.Not) else node, context)
    for atom in atoms_of(node, context) if column else ():
        value = atom.values[0] if len(atom.values) == 1 else None
        if atom.kind not in (">", ">=", "in") or not isinstance(value, RelativeTime):
            continue
        earliest, _ = value.bounds
        if earliest > 0 or (earliest == 0 and atom.kind != "in"):
            yield violation_at(
                node,
                f"{quote_sql(atom.name)} is never in the future",
                "write a negative number to count back from now, or now() - 30 days",
            )


def _past_column(node: ast.Expression, context: NodeContext) -> ast.Column | None:
    """Return the column of a comparison whose times are never in the future, or `None`."""
    operands: tuple[ast.Expression, ...] = ()
    match node:
        case ast.Comparison(left=left, right=right):
            operands = (left, right)
        case ast.Between(operand=operand):
            operands = (operand,)
    for operand in operands:
        if isinstance(operand, ast.Column) and lower(operand.name.text) in _PAST:
            return operand if context.resolve(operand).table and not operand.path else None
    return None
