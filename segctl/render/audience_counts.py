"""Sizes of segments in words and numbers, each with who counted it and when, for every view.

SendGrid's count is of a segment as it is; segctl counts before and after a change, in contacts that
were pulled. Does not add anything up: a contact can be in several segments, and a sum would count
it in each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.common.timestamps import parse_time_or_none
from segctl.model import Create, Reason
from segctl.planning.attention import review_order
from segctl.planning.audience_limits import impact_of
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from segctl.model import Change, Impact, Plan
    from segctl.planning.attention import ReviewItem

NOT_SUMMED = "A contact can be in several segments, so these numbers cannot be added up."
NO_CHANGE = "no contact gained or lost"
OWN_LABEL = "by segctl's count"
_DATE_LENGTH = 10
"""Characters of a date in ISO form."""


def audience_changes(plan: Plan, first: int = 1) -> list[ReviewItem]:
    """Return the changes with an audience before or after them, in the order of review.

    Empty if no change was counted. Steps that only free a name are left out. `first` is the number
    of the plan's first change.
    """
    if all(impact_of(change) is None for change in plan.changes):
        return []
    return [
        item for item in review_order(plan, first) if item.change.reason is not Reason.FREES_NAME
    ]


def counted_by_sendgrid(change: Change) -> str:
    """Return SendGrid's count of a segment and its time; empty where there is none."""
    if isinstance(change, Create) or change.contacts_count is None:
        return ""
    return f"{count(change.contacts_count, 'contact')} now {sendgrid_label(change)}"


def count_cell(change: Change) -> str:
    """Return SendGrid's count as a cell of a table of segctl's own: `4 (SendGrid)`."""
    if isinstance(change, Create) or change.contacts_count is None:
        return "?"
    return f"{change.contacts_count:,} (SendGrid)"


def sendgrid_label(change: Change) -> str:
    """Return whose count it is, and from when: `by SendGrid's count of 2026-06-17 20:36 UTC`."""
    time = None if isinstance(change, Create) else parse_time_or_none(change.counted_at)
    return "by SendGrid's count" + (f" of {time:%Y-%m-%d %H:%M} UTC" if time else "")


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
    if impact is None:
        return ""
    return f"{format_counts(change)} of {format_dataset(impact)} {OWN_LABEL}"
