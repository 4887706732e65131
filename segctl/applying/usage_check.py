"""Whether a Single Send goes to a segment that is about to end, asked while an apply goes on.

The plan knew; but an apply can last for an hour, and people go on working in the account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.applying.writes import Conflict
from segctl.planning.safety import is_reference_ignored, targets_phrase

if TYPE_CHECKING:
    from segctl.applying.context import ApplyContext
    from segctl.model import Delete, Replace, Upgrade
    from segctl.model.single_sends import SingleSend

FRESH = 60.0
"""For so many seconds after an apply began, what the plan read of the Single Sends will do."""


def single_sends_using(
    change: Delete | Replace | Upgrade, segment_id: str, context: ApplyContext
) -> tuple[SingleSend, ...]:
    """Give the Single Sends that go to a segment now, unless that was to be ignored.

    Raises `RemoteError`.
    """
    if is_reference_ignored(change, context.ignored):
        return ()
    return context.usage_checker.single_sends_using(segment_id)


def refuse_if_used(change: Delete | Replace, context: ApplyContext) -> None:
    """Raise `Conflict` where a Single Send goes to the segment by now, and `RemoteError`."""
    if (context.clock.now() - context.begun).total_seconds() < FRESH:
        return
    sends = single_sends_using(change, change.id, context)
    if sends:
        raise Conflict(
            f"{targets_phrase(sends)} it since the plan was made",
            "give it another audience in SendGrid and apply again; or "
            f"--ignore-references '{change.name}'",
            change.id,
        )
