"""The clock: the current time, elapsed time and waiting.

Everything that needs time receives a `Clock`, so that tests can pass a fake one. Does not parse
times (`timestamps`).
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


MAX_WAIT_STEP = 0.25
"""The longest uninterrupted wait, in seconds: a signal that arrives just before a wait does not end
it, and on Windows no signal does."""


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
            get_interruptibly(self._signals, seconds)
        except Empty:
            return False
        return True


class Clock(Protocol):
    """A source of time."""

    def now(self) -> datetime:
        """Return the current time, in UTC."""

    def monotonic(self) -> float:
        """Return the seconds since a fixed moment; never runs backwards."""

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""

    def wait(self, wake_event: WakeEvent, seconds: float) -> bool:
        """Wait until the event is set, at most `seconds`; return whether it was set."""


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the current time, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the seconds since a fixed moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""
        time.sleep(seconds)

    def wait(self, wake_event: WakeEvent, seconds: float) -> bool:
        """Wait until the event is set, at most `seconds`; return whether it was set."""
        return wake_event.wait(seconds)


def sleep_unless(stopped: Callable[[], object], seconds: float, clock: Clock) -> None:
    """Wait for `seconds`, or until `stopped()` is true."""
    until = clock.monotonic() + seconds
    while not stopped() and (left := until - clock.monotonic()) > 0:
        clock.sleep(min(left, MAX_WAIT_STEP))


def get_interruptibly(queue: SimpleQueue[T], seconds: float = math.inf) -> T:
    """Return the next item of a queue. Raises `queue.Empty` after `seconds` real seconds.

    Unlike `queue.get()`, Ctrl-C always ends the wait: see `MAX_WAIT_STEP`.
    """
    until = time.monotonic() + seconds
    while True:
        left = until - time.monotonic()
        try:
            return queue.get(timeout=max(0.0, min(left, MAX_WAIT_STEP)))
        except Empty:
            if left <= MAX_WAIT_STEP:
                raise


def format_utc(moment: datetime) -> str:
    """Return a time as the API writes it: `2026-07-15T16:04:33Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
