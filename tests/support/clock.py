"""The fake clock of every test that does not need threads to meet in time."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segctl.common.clock import WakeEvent

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
