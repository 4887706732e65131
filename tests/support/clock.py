"""The fake clocks: one on which waiting takes no time, one for threads that wait together."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from segctl.common.clock import WakeEvent
from tests.support.process import HANG

START = datetime(2026, 7, 15, 16, 4, 33, tzinfo=UTC)


class FakeClock:
    """A clock on which waiting takes no time. Safe among threads.

    `moment` is the present and may be set; `slept` has every wait in seconds. Called, it returns
    the present, as an emulator asks of its clock.
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
        """Return the seconds that have passed; setting `moment` does not move it."""
        return self._elapsed

    def forward(self, seconds: float = 0.0, **time: float) -> None:
        """Move on without a wait; `time` has the parts of a `timedelta`."""
        self._advance(timedelta(seconds=seconds, **time).total_seconds())

    def sleep(self, seconds: float) -> None:
        """Move on at once, and remember for how long."""
        self.slept.append(seconds)
        self._advance(seconds)

    def wait(self, wake_event: WakeEvent, seconds: float) -> bool:
        """Move on at once, unless the event is set."""
        if wake_event.wait(0):
            return True
        self.sleep(seconds)
        return False

    def _advance(self, seconds: float) -> None:
        # A moment holds microseconds: short waits would be rounded away in it.
        with self._lock:
            self._elapsed += seconds
            self.moment += timedelta(seconds=seconds)


class SteppedClock:
    """A clock that stands still until it is moved: threads that wait by it do wait.

    A test waits until as many threads as it expects are waiting, and then moves it.
    """

    def __init__(self) -> None:
        self._elapsed = 0.0
        self._changed = threading.Condition()
        self._waiting: dict[WakeEvent, float] = {}

    def now(self) -> datetime:
        """Return the present moment, in UTC."""
        return START + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Return the seconds that have passed."""
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        """Wait until the clock was moved so far."""
        self.wait(WakeEvent(), seconds)

    def wait(self, wake_event: WakeEvent, seconds: float) -> bool:
        """Wait until the event is set or the clock has moved so far; return whether it was set."""
        until = self._elapsed + seconds
        with self._changed:
            self._waiting[wake_event] = until
            self._changed.notify_all()
        wake_event.wait(HANG)
        with self._changed:
            self._waiting.pop(wake_event, None)
            return self._elapsed < until

    def forward(self, seconds: float) -> None:
        """Move on, and wake those whose time has come."""
        with self._changed:
            self._elapsed += seconds
            due = [event for event, until in self._waiting.items() if until <= self._elapsed]
            for wake_event in due:
                del self._waiting[wake_event]
                wake_event.set()

    def wait_until_waiting(self, threads: int) -> None:
        """Wait until so many threads wait by this clock."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._waiting) == threads, HANG)
