"""The changed clauses of a query as lines of text. Does not compare queries: `query.diff` does."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NamedTuple, assert_never

from segctl.model.clauses import ChangeKind
from segctl.render.distinct import distinct

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.model.clauses import ClauseChange
    from segctl.render.terminal import Style

_OPPOSITE = {
    ChangeKind.ADDED: ChangeKind.REMOVED,
    ChangeKind.REMOVED: ChangeKind.ADDED,
    ChangeKind.CHANGED: ChangeKind.CHANGED,
}


class ClauseText(NamedTuple):
    """A changed clause in words: the kind of change, the clause before and after it, the place.

    Safe to show; the clauses of one query that differ look different.
    """

    kind: str
    texts: tuple[str, ...]
    place: str


def describe_clauses(clauses: Sequence[ClauseChange]) -> Iterator[ClauseText]:
    """Yield the changed clauses of one query as text."""
    show = distinct(text for clause in clauses for text in (clause.before, clause.after))
    for clause in clauses:
        place = ", in ".join(map(show, clause.path))
        match clause.kind:
            case ChangeKind.ADDED:
                yield ClauseText("added", (show(clause.after),), place)
            case ChangeKind.REMOVED:
                yield ClauseText("removed", (show(clause.before),), place)
            case ChangeKind.CHANGED:
                yield ClauseText("changed", (show(clause.before), show(clause.after)), place)
            case _:
                assert_never(clause.kind)


def inverted(clause: ClauseChange) -> ClauseChange:
    """Return the opposite change, which would undo this one."""
    return dataclasses.replace(
        clause,
        kind=_OPPOSITE[clause.kind],
        before=clause.after,
        after=clause.before,
        added_items=clause.removed_items,
        removed_items=clause.added_items,
        window_before=clause.window_after,
        window_after=clause.window_before,
    )


def format_clauses(clauses: Sequence[ClauseChange], style: Style) -> Iterator[str]:
    """Yield a line for each clause, with what was added, removed or changed, and where."""
    paints = {"added": style.green, "removed": style.red, "changed": style.yellow}
    for kind, texts, place in describe_clauses(clauses):
        change = paints[kind](f"{kind:<7}  {' -> '.join(texts)}")
        yield f"        {change}{style.dim(f'  (in {place})') if place else ''}"
