"""A changed clause of a query as one line of text. Does not compare queries: `query.diff` does."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, assert_never

from segctl.model.clauses import ChangeKind
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from segctl.model.clauses import ClauseChange
    from segctl.render.terminal import Style

_OPPOSITE = {
    ChangeKind.ADDED: ChangeKind.REMOVED,
    ChangeKind.REMOVED: ChangeKind.ADDED,
    ChangeKind.CHANGED: ChangeKind.CHANGED,
}


def describe_clause(clause: ClauseChange) -> tuple[str, tuple[str, ...], str]:
    """Return the kind of change, the clause (before and after a change), and where it is."""
    place = ", in ".join(clause.path)
    match clause.kind:
        case ChangeKind.ADDED:
            return "added", (clause.after,), place
        case ChangeKind.REMOVED:
            return "removed", (clause.before,), place
        case ChangeKind.CHANGED:
            return "changed", (clause.before, clause.after), place
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
    )


def format_clause(clause: ClauseChange, style: Style) -> str:
    """Return a line with what was added, removed or changed, and where."""
    kind, texts, place = describe_clause(clause)
    paint = {
        ChangeKind.ADDED: style.green,
        ChangeKind.REMOVED: style.red,
        ChangeKind.CHANGED: style.yellow,
    }[clause.kind]
    change = paint(f"{kind:<7}  {' -> '.join(map(clean, texts))}")
    return f"        {change}{style.dim(f'  (in {clean(place)})') if place else ''}"
