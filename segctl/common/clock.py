"""The one seam for time: what day it is, how long something took, how to wait.

Everything that needs time is handed a `Clock`, so that a test can hand it another.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import Protocol


class Bell:
    """Wakes the one thread that waits by it; a ring before the wait counts, too.

    May be rung by any thread and by a signal handler: a `SimpleQueue` takes no lock that the thread
    under the handler could hold, as `threading.Event` does.
    """

    def __init__(self) -> None:
        self._rings: SimpleQueue[None] = SimpleQueue()

    def ring(self) -> None:
        """Wake who waits, or who waits next."""
        self._rings.put(None)

    def wait(self, seconds: float) -> bool:
        """Wait for a ring, so many real seconds at most; give whether there was one."""
        try:
            self._rings.get(timeout=max(0.0, seconds))
        except Empty:
            return False
        return True


class Clock(Protocol):
    """What segctl asks of time."""

    def now(self) -> datetime:
        """Give the present moment, in UTC."""

    def monotonic(self) -> float:
        """Give seconds since some fixed moment; never runs backwards."""

    def sleep(self, seconds: float) -> None:
        """Wait."""

    def wait(self, bell: Bell, seconds: float) -> bool:
        """Wait until the bell rings, so long at most; give whether it rang."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """Give the present moment, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Give seconds since some fixed moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def wait(self, bell: Bell, seconds: float) -> bool:
        """Wait until the bell rings, so long at most; give whether it rang."""
        return bell.wait(seconds)


def format_utc(moment: datetime) -> str:
    """Write a moment as the API does: `2026-07-15T16:04:33Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
