"""The check, during an apply, that nothing uses a segment about to be deleted.

The plan checked this too, but an apply can last an hour, and people keep working in the account.
Reads only.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from segctl.applying.write_errors import Conflict
from segctl.model import Upgrade
from segctl.model.references import Usage
from segctl.planning.references import is_reference_ignored, usage_phrase

if TYPE_CHECKING:
    from segctl.applying.context import ApplyContext
    from segctl.model import Delete, Replace

FRESH = 60.0
"""Seconds after the start of an apply during which the references read by the plan are used."""


def usage_of(change: Delete | Replace | Upgrade, segment_id: str, context: ApplyContext) -> Usage:
    """Return what uses a segment now; nothing where the plan ignores its references.

    Where automations are no longer known, those that the plan knew count. Raises `RemoteError`.
    """
    if is_reference_ignored(change, context.ignored):
        return Usage(segment_id)
    references = context.usage_checker.references()
    usage = references.usage_of(segment_id)
    if references.automations is None and isinstance(change, Upgrade) and segment_id == change.id:
        return dataclasses.replace(usage, automations=change.waits_for_automations)
    return usage


def check_unused(change: Delete | Replace, context: ApplyContext) -> None:
    """Raise `Conflict` where something now uses the segment, and `RemoteError`."""
    if (context.clock.now() - context.begun).total_seconds() < FRESH:
        return
    usage = usage_of(change, change.id, context)
    if usage:
        remedy = "choose another audience for it" if usage.sends else "let it use another segment"
        raise Conflict(
            f"{usage_phrase(usage, 'now ')} the segment, so it was left alone",
            f"{remedy} in SendGrid and apply again, or add --ignore-references '{change.name}'",
            change.id,
        )
