"""Rules about ranges: bounds that exclude each other, or of which one says nothing.

Owns <, <=, > and >= about numbers and times. Times counted from now compare with each other, and
never with fixed dates: what is past today is not past tomorrow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Severity
from segctl.query import ast
from segctl.query.lint.predicates import Atom, atoms_by_column, atoms_of, is_outermost
from segctl.query.lint.rule import Spot, quoted, rule
from segctl.query.lint.values import Ago, order
from segctl.query.parser.tokens import lower

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.query.lint.scope import Here

_LOWER, _UPPER = (">", ">="), ("<", "<=")
_PAST = frozenset(("created_at", "updated_at", "timestamp"))
"""Columns that hold no time of the future."""


@rule("contradictory-bounds", Severity.WARNING, ast.And, ast.Between)
def contradictory_bounds(node: ast.And | ast.Between, here: Here) -> Iterator[Spot]:
    """Find ranges that hold no value at all.

    `total_spend > 500 AND total_spend < 100` selects nobody: nothing is both above 500 and
    below 100. With times it happens easily: now() - 90 days lies *before* now() - 30 days, so
    "between 30 and 90 days ago" is > now() - 90 days AND < now() - 30 days.

    Swap the bounds, or write OR if you want what lies outside of both.

    Bad::

        last_order > now() - 30 days AND last_order < now() - 90 days

    Good::

        last_order > now() - 90 days AND last_order < now() - 30 days
    """
    if isinstance(node, ast.Between):
        if here.plain and not node.negated and _clash([*atoms_of(node, here)]):
            low, high = here.source(node.low), here.source(node.high)
            yield Spot(
                node.start,
                node.end,
                "the lower bound lies above the upper one",
                f"write {quoted(f'BETWEEN {high} AND {low}')}",
            )
        return
    if not is_outermost(node, here):
        return
    for atoms in atoms_by_column(node, here).values():
        clash = _clash(atoms)
        if clash and clash[0].node is not clash[1].node:
            one, other = clash
            if one.node.start > other.node.start:
                one, other = other, one
            both = f"{quoted(here.source(one.node), 60)} and {quoted(here.source(other.node), 60)}"
            yield Spot(
                other.node.start,
                other.node.end,
                f"{both} are never true together",
                "swap the bounds, or write OR between them",
            )


def _clash(atoms: list[Atom]) -> tuple[Atom, Atom] | None:
    """Give two atoms between which no value is left."""
    lows = [a for a in atoms if a.kind in _LOWER or (a.kind == "in" and len(a.values) == 1)]
    highs = [a for a in atoms if a.kind in _UPPER or (a.kind == "in" and len(a.values) == 1)]
    for low in lows:
        for high in highs:
            if low is high or (low.kind == "in" and high.kind == "in"):
                continue
            compared = order(low.values[0], high.values[0])
            strict = low.kind == ">" or high.kind == "<"
            if compared is not None and (compared > 0 or (compared == 0 and strict)):
                return low, high
    return None


@rule("redundant-bound", Severity.INFO, ast.And)
def redundant_bound(node: ast.And, here: Here) -> Iterator[Spot]:
    """Note bounds that another bound makes superfluous.

    In `total_spend > 100 AND total_spend > 500` the first says nothing that the second does not.
    Nobody is lost, but one of the two is perhaps a slip: < for >, or another field.

    Delete the weaker one, or correct it.

    Bad::

        total_spend > 100 AND total_spend > 500

    Good::

        total_spend > 500
    """
    if not is_outermost(node, here):
        return
    for atoms in atoms_by_column(node, here).values():
        for kinds, sign in ((_LOWER, 1), (_UPPER, -1)):
            bounds = [atom for atom in atoms if atom.kind in kinds]
            if len(bounds) > 1:
                yield from _weaker(bounds, sign, here)


def _weaker(bounds: list[Atom], sign: int, here: Here) -> Iterator[Spot]:
    strongest = bounds[0]
    for bound in bounds[1:]:
        compared = order(bound.values[0], strongest.values[0])
        if compared is None or (compared == 0 and bound.kind == strongest.kind):
            continue
        stronger = compared * sign > 0 or (compared == 0 and "=" not in bound.kind)
        weak, strongest = (strongest, bound) if stronger else (bound, strongest)
        if weak.node is not strongest.node:
            yield Spot(
                weak.node.start,
                weak.node.end,
                f"{quoted(here.source(weak.node), 60)} says nothing that"
                f" {quoted(here.source(strongest.node), 60)} does not say",
                "delete it, or correct it if it was to be something else",
            )


@rule("future-time", Severity.WARNING, ast.Comparison)
def future_time(node: ast.Comparison, here: Here) -> Iterator[Spot]:
    """Find contacts and events of the future.

    created_at, updated_at and an event's timestamp are times at which something happened.
    `created_at > timestampadd(day, 30, CURRENT_TIMESTAMP)` asks for those of next month and
    selects nobody; mostly the minus is missing.

    Write a negative number: timestampadd(day, -30, CURRENT_TIMESTAMP).

    Bad::

        created_at > timestampadd(day, 30, CURRENT_TIMESTAMP)

    Good::

        created_at > timestampadd(day, -30, CURRENT_TIMESTAMP)
    """
    column = node.left if isinstance(node.left, ast.Column) else node.right
    if not isinstance(column, ast.Column) or lower(column.name.text) not in _PAST:
        return
    for atom in atoms_of(node, here):
        if here.resolve(column).table and atom.kind in (">", ">=", "in") and len(atom.values) == 1:
            value = atom.values[0]
            if isinstance(value, Ago) and value.bounds[0] > 0:
                yield Spot(
                    node.start,
                    node.end,
                    f"{quoted(atom.name)} is never in the future",
                    "count backwards from now: write a negative number, or now() - 30 days",
                )
