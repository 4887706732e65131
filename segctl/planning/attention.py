"""Which changes of a plan a reviewer must look at first, and why.

Every view takes its order from here. Pure, and no words: `render.attention` has them. Refuses
nothing (`safety`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from segctl.model import Create, Delete, Patch, Reason, Replace, Upgrade
from segctl.planning.audience_limits import audience_change, impact_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.model import Change, Plan


class Attention(StrEnum):
    """Why a change needs attention, the most pressing reason first.

    `SCHEDULED`: a scheduled Single Send goes to the segment. `AUTOMATION`: a live automation uses
    it. `ENDS_ID`: the segment is deleted, or gets another id. `OUTSIDE_GIT`: the change undoes
    what someone did in SendGrid. `PROTECTED`: its file has `protected: true`. `LARGE`: its audience
    changes by more than `attention` in segctl.yaml. `WINDOW`: its query looks further back or
    ahead, or less far.
    """

    SCHEDULED = "scheduled-send"
    AUTOMATION = "live-automation"
    ENDS_ID = "id-ends"
    OUTSIDE_GIT = "outside-git"
    PROTECTED = "protected"
    LARGE = "large-change"
    WINDOW = "time-window"


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """A change with its number, and the reasons why it needs attention."""

    number: int
    change: Change
    reasons: tuple[Attention, ...]


def review_order(plan: Plan, first: int = 1) -> tuple[ReviewItem, ...]:
    """Return the changes of a plan, numbered from `first`, in the order in which to review them.

    Those that need attention come first, by their most pressing reason. Among equals the largest
    change of an audience comes first, and those that were not counted are in the order of the plan.
    """
    rank = {reason: place for place, reason in enumerate(Attention)}

    def key(item: ReviewItem) -> tuple[int, float]:
        impact = impact_of(item.change)
        pressing = rank[item.reasons[0]] if item.reasons else len(rank)
        return pressing, 1 if impact is None else -audience_change(impact)

    items = [
        ReviewItem(number, change, attention_of(change, plan))
        for number, change in enumerate(plan.changes, first)
    ]
    return tuple(sorted(items, key=key))


def attention_of(change: Change, plan: Plan) -> tuple[Attention, ...]:
    """Return why a change needs attention, the most pressing reason first; empty for no reason.

    A step that only frees a name needs none: another change of the plan has the segment.
    """
    return () if change.reason is Reason.FREES_NAME else tuple(_reasons(change, plan))


def _reasons(change: Change, plan: Plan) -> Iterator[Attention]:
    if any(send.is_scheduled for send in plan.single_sends_to(change)):
        yield Attention.SCHEDULED
    if any(automation.is_live for automation, _ in plan.automations_using(change)):
        yield Attention.AUTOMATION
    if isinstance(change, Delete | Replace | Upgrade):
        yield Attention.ENDS_ID
    # A segment to create was deleted there, or never applied: too common to stand first.
    if isinstance(change, Patch | Replace) and change.drift is not None:
        yield Attention.OUTSIDE_GIT
    if not isinstance(change, Create | Delete) and change.is_protected:
        yield Attention.PROTECTED
    impact = impact_of(change)
    if impact is not None and audience_change(impact) > plan.attention:
        yield Attention.LARGE
    if isinstance(change, Patch | Replace) and any(
        clause.window_before or clause.window_after for clause in change.clauses
    ):
        yield Attention.WINDOW
