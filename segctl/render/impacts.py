"""Whom a change reaches, in words and numbers, for every view.

Owns what is said of an `Impact`, and the order in which people want it: the largest change first.
Adds nothing up: a contact can be in several segments, and a sum would count it in each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.model import Create, Delete, Reason, Upgrade
from segctl.reach import audience_change
from segctl.render.style import clean, count

if TYPE_CHECKING:
    from segctl.model import Change, Impact, Patch, Plan, Replace

NOT_SUMMED = "A contact can be in several segments, so these numbers cannot be added up."
STILL = "nobody comes or goes"
_DAY = 10
"""Characters of a date in ISO form."""


def impact_of(change: Change) -> Impact | None:
    """Give the impact of a change; what goes away has none, nor what was no V2 query before."""
    return None if isinstance(change, Delete | Upgrade) else change.impact


def reached(plan: Plan) -> list[tuple[int, Create | Patch | Replace]]:
    """Give what changes an audience, with its number in the plan, the largest change first.

    Those whose impact nobody knows stand at the end. Empty where that is all of them. The steps
    that merely free a name are left out.
    """
    found = [
        (number, change)
        for number, change in enumerate(plan.changes, 1)
        if not isinstance(change, Delete | Upgrade) and change.reason is not Reason.FREES_NAME
    ]
    if all(change.impact is None for _, change in found):
        return []
    return sorted(found, key=lambda pair: -_size(pair[1].impact))


def _size(impact: Impact | None) -> float:
    return -1 if impact is None else audience_change(impact)


def shift(change: Change, *, arrow: str = "->", minus: str = "-") -> str:
    """Say how many are reached, and who comes and goes: `1,203 -> 1,480 (+312, -35)`.

    Empty where nobody knows.
    """
    impact = impact_of(change)
    if impact is None:
        return ""
    if isinstance(change, Create):
        return f"{impact.after:,}"
    moved = f"+{impact.gained:,}, {minus}{impact.lost:,}"
    still = not (impact.gained or impact.lost)
    return f"{impact.before:,} {arrow} {impact.after:,} ({STILL if still else moved})"


def of_base(impact: Impact) -> str:
    """Say what was counted: `8,400 contacts, as of 2026-11-20`."""
    when = f", as of {day(impact)}" if impact.as_of else ""
    return f"{count(impact.base, 'contact')}{when}"


def day(impact: Impact) -> str:
    """Give the day at which a base was taken, in UTC; empty where that is not known."""
    return clean((impact.as_of or "")[:_DAY])


def impact_words(change: Change) -> str:
    """Say it all in one line of text; empty where nobody knows."""
    impact = impact_of(change)
    return "" if impact is None else f"{shift(change)} of {of_base(impact)}"
