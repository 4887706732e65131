"""The wait for SendGrid's update lock on a segment (sendgrid-api.md §1).

Calculates how long to wait; the caller waits, and reads the segment again afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.applying.context import Wait, WaitReason
from segctl.common.timestamps import parse_time_or_none

if TYPE_CHECKING:
    from segctl.applying.context import ApplyContext
    from segctl.model import Remote

LOCK_MARGIN = 2.0
"""Seconds by which this machine's clock and the server's may differ."""

LOCK_POLL = 20.0
"""Seconds between two attempts where the server's times do not show when the lock ends."""

LOCK_DESCRIPTION = "SendGrid requires five minutes between two changes"


class LockWait:
    """The waits for the update lock of one segment, within `ApplyOptions.lock_timeout`."""

    def __init__(self, context: ApplyContext) -> None:
        self._clock = context.clock
        self._timeout = context.options.lock_timeout
        self._lock = context.options.lock
        self._since: float | None = None

    def next_wait(self, remote: Remote) -> Wait | None:
        """Return the next wait, or `None` once the time is up."""
        if self._since is None:
            self._since = self._clock.monotonic()
        remaining = self._since + self._timeout - self._clock.monotonic()
        if remaining < 1:
            return None
        unlocked = self._until_unlocked(remote)
        if unlocked is None:
            seconds = min(LOCK_POLL, remaining)
            return Wait(seconds, LOCK_DESCRIPTION, WaitReason.LOCK, remaining)
        return Wait(min(unlocked, remaining), LOCK_DESCRIPTION, WaitReason.LOCK)

    def _until_unlocked(self, remote: Remote) -> float | None:
        changed = parse_time_or_none(remote.updated_at)
        if changed is None:
            return None
        age = (self._clock.now() - changed).total_seconds()
        seconds = self._lock - age + LOCK_MARGIN
        # A wrong clock, or a lock that does not count from `updated_at`, gives an absurd value.
        is_plausible = 0 < seconds <= self._lock + 2 * LOCK_MARGIN
        return seconds if is_plausible else None
