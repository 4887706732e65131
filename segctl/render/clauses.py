"""A changed clause of a query as one line of text, wherever a change is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from segctl.query.changes import ChangeKind
from segctl.render.style import clean

if TYPE_CHECKING:
    from segctl.query.changes import ClauseChange
    from segctl.render.style import Style


def clause_line(clause: ClauseChange, style: Style) -> str:
    """Say what was added, removed or changed, and inside what."""
    match clause.kind:
        case ChangeKind.ADDED:
            what = style.green(f"added    {clean(clause.after)}")
        case ChangeKind.REMOVED:
            what = style.red(f"removed  {clean(clause.before)}")
        case ChangeKind.CHANGED:
            what = style.yellow(f"changed  {clean(clause.before)} -> {clean(clause.after)}")
        case _:
            assert_never(clause.kind)
    place = style.dim(f"  (in {clean(', in '.join(clause.path))})") if clause.path else ""
    return f"        {what}{place}"
