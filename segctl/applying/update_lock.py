"""How long it is worth to wait until SendGrid lets a segment be changed (sendgrid-api.md §1).

Owns the reckoning; the waiting is done by who wants to write, and looks again after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.applying.context import Wait, WaitReason
from segctl.common.timestamps import parse_time_or_none

if TYPE_CHECKING:
    from segctl.applying.context import ApplyContext
    from segctl.model import Remote

LOCK_MARGIN = 2.0
"""Seconds by which our clock and the server's may well differ."""

LOCK_POLL = 20.0
"""Seconds between two attempts where the server's times do not tell when the lock ends."""

LOCK_WORDS = "SendGrid wants five minutes between two changes"


class LockPatience:
    """How long is left to wait for one segment."""

    def __init__(self, context: ApplyContext) -> None:
        self._clock = context.clock
        self._timeout = context.options.lock_timeout
        self._lock = context.options.lock
        self._since: float | None = None

    def next_wait(self, now: Remote) -> Wait | None:
        """Give the next wait, or `None` where time is up."""
        if self._since is None:
            self._since = self._clock.monotonic()
        left = self._since + self._timeout - self._clock.monotonic()
        if left < 1:
            return None
        unlocked = self._until_unlocked(now)
        if unlocked is None:
            return Wait(min(LOCK_POLL, left), LOCK_WORDS, WaitReason.LOCK, left)
        return Wait(min(unlocked, left), LOCK_WORDS, WaitReason.LOCK)

    def _until_unlocked(self, now: Remote) -> float | None:
        changed = parse_time_or_none(now.updated_at)
        if changed is None:
            return None
        age = (self._clock.now() - changed).total_seconds()
        seconds = self._lock - age + LOCK_MARGIN
        # A clock that is wrong, or a lock that does not count from there, gives nonsense.
        plausible = 0 < seconds <= self._lock + 2 * LOCK_MARGIN
        return seconds if plausible else None
