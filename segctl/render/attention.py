"""What a change does and why it needs attention, in words for people who know no API.

Does not decide what needs attention: `planning.attention` does.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, assert_never

from segctl.model import Create, Delete, Patch, Replace, Upgrade
from segctl.model.drift import DriftKind
from segctl.planfile.to_json import action_name
from segctl.planning.attention import Attention
from segctl.planning.audience_limits import audience_change, impact_of
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.model import Change, Plan
    from segctl.planning.attention import ReviewItem

PLAIN_ACTIONS = {
    "create": "new",
    "patch": "changed",
    "replace": "recreated with a new id",
    "upgrade": "recreated with a new id",
    "delete": "removed",
}
"""What each action does to a segment."""

MAX_DESCRIPTION = 500
"""Characters of a description that are shown."""


def plain_action(change: Change) -> str:
    """Return what a change does to its segment: new, changed, removed."""
    return PLAIN_ACTIONS[action_name(change)]


def id_phrase(change: Patch | Replace | Upgrade | Delete) -> str:
    """Return what happens to the id of a segment, for the id to follow."""
    match change:
        case Patch():
            return "keeps its id"
        case Replace():
            return "loses its id"
        case Upgrade():
            return "loses its v1 id"
        case Delete():
            return "id"
        case _:
            assert_never(change)


def describe_attention(item: ReviewItem, plan: Plan) -> str:
    """Return why a change needs attention, names in backticks; empty if it needs none."""
    return "; ".join(
        phrase for reason in item.reasons for phrase in _phrases(reason, item.change, plan)
    )


def _phrases(reason: Attention, change: Change, plan: Plan) -> Iterator[str]:
    match reason:
        case Attention.SCHEDULED:
            number = sum(send.is_scheduled for send in plan.single_sends_to(change))
            verb = "goes" if number == 1 else "go"
            yield f"{count(number, 'scheduled Single Send')} {verb} to it"
        case Attention.AUTOMATION:
            number = sum(item.is_live for item, _ in plan.automations_using(change))
            yield f"{count(number, 'live automation')} {'uses' if number == 1 else 'use'} it"
        case Attention.OUTSIDE_GIT:
            drift = getattr(change, "drift", None)
            may_be = drift is not None and drift.kind is DriftKind.DELETED
            yield f"it {'may undo' if may_be else 'undoes'} what someone did in SendGrid"
        case Attention.ENDS_ID:
            yield _id_ends(change)
        case Attention.PROTECTED:
            yield "it is protected"
        case Attention.LARGE:
            yield _large(change, plan)
        case Attention.WINDOW:
            yield from _windows(change)
        case _:
            assert_never(reason)


def _id_ends(change: Change) -> str:
    if isinstance(change, Delete):
        return "it is deleted, and its id ends"
    return "it gets a new id, and what uses the old one loses it"


def _large(change: Change, plan: Plan) -> str:
    impact = impact_of(change)
    if impact is None:
        return ""
    # Rounded up, so that it differs from the threshold.
    share = math.ceil(audience_change(impact))
    if impact.before:
        return f"its audience changes by {share:,} %, more than {plan.attention:,} %"
    state = "new" if isinstance(change, Create) else "empty"
    return f"it is {state} and gets {share:,} % of all contacts, more than {plan.attention:,} %"


def _windows(change: Change) -> Iterator[str]:
    for clause in change.clauses if isinstance(change, Patch | Replace) else ():
        match clause.window_before, clause.window_after:
            case "", "":
                continue
            case "", after:
                yield f"a time window is added: {clean(after)}"
            case before, "":
                yield f"its time window of {clean(before)} is removed"
            case before, after:
                yield f"its time window changes from {clean(before)} to {clean(after)}"


def description_of(change: Change) -> str:
    """Return what the file says its segment is for, on one line; a long text is cut."""
    text = " ".join(change.metadata.description.split())
    return text if len(text) <= MAX_DESCRIPTION else f"{text[:MAX_DESCRIPTION]}…"


def has_counts(plan: Plan) -> bool:
    """Return whether a plan shows the size of any segment."""
    return any(
        impact_of(change) is not None
        or (not isinstance(change, Create) and change.contacts_count is not None)
        for change in plan.changes
    )


COUNTS_NOTE = (
    "Counts are of contacts in the segment. Unsubscribed and suppressed contacts are left out only "
    "when mail is sent."
)
"""What the numbers of a plan are, and are not."""
