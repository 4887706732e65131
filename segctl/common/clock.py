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


class WakeEvent:
    """An event that wakes the one thread waiting for it, even if it was set before the wait.

    Each `set` ends one wait. Any thread and any signal handler may call it: unlike
    `threading.Event`, a `SimpleQueue` takes no lock that the interrupted thread could hold.
    """

    def __init__(self) -> None:
        self._signals: SimpleQueue[None] = SimpleQueue()

    def set(self) -> None:
        """End the current wait, or else the next one."""
        self._signals.put(None)

    def wait(self, seconds: float = math.inf) -> bool:
        """Wait at most `seconds` real seconds; return whether the event was set."""
        try:
            next_of(self._signals, seconds)
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

    def wait(self, wake_event: WakeEvent, seconds: float) -> bool:
        """Wait until the event is set, at most `seconds`; return whether it was set."""


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

    def wait(self, wake_event: WakeEvent, seconds: float) -> bool:
        """Wait until the event is set, at most `seconds`; return whether it was set."""
        return wake_event.wait(seconds)


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
