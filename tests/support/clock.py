"""Fake clocks: one where waiting takes no time, and one for threads that wait together."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from segctl.common.clock import WakeEvent
from tests.support.process import HANG

START = datetime(2026, 7, 15, 16, 4, 33, tzinfo=UTC)


class FakeClock:
    """A clock where waiting takes no time. Thread-safe.

    `moment` is the present and may be set; `slept` has every wait in seconds. A call returns the
    present, as an emulator expects of its clock.
    """

    def __init__(self) -> None:
        self.moment = START
        self.slept: list[float] = []
        self._elapsed = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        return self.moment

    def now(self) -> datetime:
        """Return the present moment, in UTC."""
        return self.moment

    def monotonic(self) -> float:
        """Return the elapsed seconds; setting `moment` does not change them."""
        return self._elapsed

    def forward(self, seconds: float = 0.0, **time: float) -> None:
        """Advance without a wait; `time` has the parts of a `timedelta`."""
        self._advance(timedelta(seconds=seconds, **time).total_seconds())

    def sleep(self, seconds: float) -> None:
        """Advance at once, and record the wait."""
        self.slept.append(seconds)
        self._advance(seconds)

    def wait(self, wake_event: WakeEvent, seconds: float) -> bool:
        """Advance at once, unless the event is set; return whether it is set."""
        if wake_event.wait(0):
            return True
        self.sleep(seconds)
        return False

    def _advance(self, seconds: float) -> None:
        # A datetime has microseconds, so it would round short waits away.
        with self._lock:
            self._elapsed += seconds
            self.moment += timedelta(seconds=seconds)


class SteppedClock:
    """A clock that stands still until a test advances it: threads that wait on it do wait.

    A test waits until the expected number of threads are waiting, and then advances it.
    """

    def __init__(self) -> None:
        self._elapsed = 0.0
        self._changed = threading.Condition()
        self._waiting: dict[WakeEvent, float] = {}

    def now(self) -> datetime:
        """Return the present moment, in UTC."""
        return START + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Return the elapsed seconds."""
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        """Wait until the clock has advanced by `seconds`."""
        self.wait(WakeEvent(), seconds)

    def wait(self, wake_event: WakeEvent, seconds: float) -> bool:
        """Wait for the event or until the clock has advanced; return whether the event was set."""
        until = self._elapsed + seconds
        with self._changed:
            self._waiting[wake_event] = until
            self._changed.notify_all()
        wake_event.wait(HANG)
        with self._changed:
            self._waiting.pop(wake_event, None)
            return self._elapsed < until

    def forward(self, seconds: float) -> None:
        """Advance, and wake the threads whose wait is over."""
        with self._changed:
            self._elapsed += seconds
            due = [event for event, until in self._waiting.items() if until <= self._elapsed]
            for wake_event in due:
                del self._waiting[wake_event]
                wake_event.set()

    def wait_until_waiting(self, threads: int) -> None:
        """Wait until this many threads are waiting on this clock."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._waiting) == threads, HANG)
