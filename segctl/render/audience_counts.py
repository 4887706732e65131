"""Audience sizes in words and numbers, for every view.

Formats an `Impact`, and sorts changes by size, the largest first. Does not add anything up: a
contact can be in several segments, and a sum would count it in each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.model import Create, Reason
from segctl.planning.audience_limits import audience_change, impact_of, with_audience
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from segctl.model import Change, Impact, Patch, Plan, Replace

NOT_SUMMED = "A contact can be in several segments, so these numbers cannot be added up."
NO_CHANGE = "no contact gained or lost"
_DATE_LENGTH = 10
"""Characters of a date in ISO form."""


def audience_changes(plan: Plan) -> list[tuple[int, Create | Patch | Replace]]:
    """Return the changes of audiences with their numbers in the plan, the largest change first.

    Changes that were not counted come last; empty where none was. Steps that only free a name are
    left out.
    """
    numbers = {id(change): number for number, change in enumerate(plan.changes, 1)}
    changes = [
        (numbers[id(change)], change)
        for change in with_audience(plan.changes)
        if change.reason is not Reason.FREES_NAME
    ]
    if all(change.impact is None for _, change in changes):
        return []
    return sorted(changes, key=lambda pair: -_size(pair[1].impact))


def _size(impact: Impact | None) -> float:
    return -1 if impact is None else audience_change(impact)


def format_counts(change: Change, *, arrow: str = "->", minus: str = "-") -> str:
    """Return the size of an audience, and who comes and goes: `1,203 -> 1,480 (+312, -35)`.

    Empty where it was not counted.
    """
    impact = impact_of(change)
    if impact is None:
        return ""
    if isinstance(change, Create):
        return f"{impact.after:,}"
    difference = f"+{impact.gained:,}, {minus}{impact.lost:,}"
    if not (impact.gained or impact.lost):
        difference = NO_CHANGE
    return f"{impact.before:,} {arrow} {impact.after:,} ({difference})"


def format_dataset(impact: Impact) -> str:
    """Return what was counted: `8,400 contacts as of 2026-11-20`."""
    date = clean((impact.as_of or "")[:_DATE_LENGTH])
    return f"{count(impact.base, 'contact')}{f' as of {date}' if date else ''}"


def audience_summary(change: Change) -> str:
    """Return all of it in one line; empty where it was not counted."""
    impact = impact_of(change)
    return "" if impact is None else f"{format_counts(change)} of {format_dataset(impact)}"
