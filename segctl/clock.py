"""The one seam for time: what day it is, how long something took, how to wait.

Everything that needs time is handed a `Clock`, so that a test can hand it another.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What segctl asks of time."""

    def now(self) -> datetime:
        """Give the present moment, in UTC."""

    def monotonic(self) -> float:
        """Give seconds since some fixed moment; never runs backwards."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


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


def iso(moment: datetime) -> str:
    """Write a moment as the API does: `2026-07-15T16:04:33Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
