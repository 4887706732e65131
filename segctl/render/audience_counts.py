"""Whom a change reaches, in words and numbers, for every view.

Owns what is said of an `Impact`, and the order in which people want it: the largest change first.
Adds nothing up: a contact can be in several segments, and a sum would count it in each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.model import Create, Reason
from segctl.planning.audience_limits import audience_change, impact_of, with_audience
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from segctl.model import Change, Impact, Patch, Plan, Replace

NOT_SUMMED = "A contact can be in several segments, so these numbers cannot be added up."
STILL = "nobody comes or goes"
_DAY = 10
"""Characters of a date in ISO form."""


def reached(plan: Plan) -> list[tuple[int, Create | Patch | Replace]]:
    """Give what changes an audience, with its number in the plan, the largest change first.

    Those whose impact nobody knows stand at the end. Empty where that is all of them. The steps
    that merely free a name are left out.
    """
    numbers = {id(change): number for number, change in enumerate(plan.changes, 1)}
    found = [
        (numbers[id(change)], change)
        for change in with_audience(plan.changes)
        if change.reason is not Reason.FREES_NAME
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


def format_dataset(impact: Impact) -> str:
    """Say what was counted: `8,400 contacts, as of 2026-11-20`."""
    when = f", as of {day(impact)}" if impact.as_of else ""
    return f"{count(impact.base, 'contact')}{when}"


def day(impact: Impact) -> str:
    """Give the day at which a base was taken, in UTC; empty where that is not known."""
    return clean((impact.as_of or "")[:_DAY])


def audience_summary(change: Change) -> str:
    """Say it all in one line of text; empty where nobody knows."""
    impact = impact_of(change)
    return "" if impact is None else f"{shift(change)} of {format_dataset(impact)}"
