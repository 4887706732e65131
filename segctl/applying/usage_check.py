"""The check, during an apply, that no Single Send targets a segment about to be deleted.

The plan checked this too, but an apply can last an hour, and people keep working in the account.
Reads only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.applying.write_errors import Conflict
from segctl.planning.safety import is_reference_ignored, targets_phrase

if TYPE_CHECKING:
    from segctl.applying.context import ApplyContext
    from segctl.model import Delete, Replace, Upgrade
    from segctl.model.single_sends import SingleSend

FRESH = 60.0
"""Seconds after the start of an apply during which the Single Sends read by the plan are used."""


def single_sends_using(
    change: Delete | Replace | Upgrade, segment_id: str, context: ApplyContext
) -> tuple[SingleSend, ...]:
    """Return the Single Sends that target a segment now; none where the plan ignores them.

    Raises `RemoteError`.
    """
    if is_reference_ignored(change, context.ignored):
        return ()
    return context.usage_checker.single_sends_using(segment_id)


def check_unused(change: Delete | Replace, context: ApplyContext) -> None:
    """Raise `Conflict` where a Single Send now targets the segment, and `RemoteError`."""
    if (context.clock.now() - context.begun).total_seconds() < FRESH:
        return
    sends = single_sends_using(change, change.id, context)
    if sends:
        raise Conflict(
            f"{targets_phrase(sends, 'now ')} the segment, so it was left alone",
            "choose another audience for it in SendGrid and apply again, or add "
            f"--ignore-references '{change.name}'",
            change.id,
        )
