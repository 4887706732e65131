"""The one seam for time: what day it is, how long something took, how to wait.

Everything that needs time is handed a `Clock`, so that a test can hand it another.
"""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


ATTENTION = 0.25
"""Seconds after which any wait looks up: a signal that came just before the wait began does not end
it, and on Windows none ends it at all."""


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

    def wait(self, seconds: float = math.inf) -> bool:
        """Wait for a ring, so many real seconds at most; return whether there was one."""
        try:
            next_of(self._rings, seconds)
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


def sleep_unless(stopped: Callable[[], object], seconds: float, clock: Clock) -> None:
    """Wait for so many seconds, or until `stopped()` is true."""
    until = clock.monotonic() + seconds
    while not stopped() and (left := until - clock.monotonic()) > 0:
        clock.sleep(min(left, ATTENTION))


def next_of(queue: SimpleQueue[T], seconds: float = math.inf) -> T:
    """Take the next item of a queue. Raises `queue.Empty` after so many real seconds without one.

    Unlike `queue.get()` it is ended by Ctrl-C in any case; see `ATTENTION`.
    """
    until = time.monotonic() + seconds
    while True:
        left = until - time.monotonic()
        try:
            return queue.get(timeout=max(0.0, min(left, ATTENTION)))
        except Empty:
            if left <= ATTENTION:
                raise


def format_utc(moment: datetime) -> str:
    """Write a moment as the API does: `2026-07-15T16:04:33Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
