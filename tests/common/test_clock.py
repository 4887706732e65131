"""The machine's own time, and how a moment is written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from segctl.common.clock import SystemClock, format_utc


def test_the_present_is_in_utc() -> None:
    clock = SystemClock()
    assert clock.now().utcoffset() == timedelta(0)
    before = datetime.now(UTC)
    assert before <= clock.now() <= datetime.now(UTC)


def test_sleeping_takes_time() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    clock.sleep(0.02)
    assert clock.monotonic() - before >= 0.015


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 7, 15, 16, 4, 33, 999_999, tzinfo=UTC), "2026-07-15T16:04:33Z"),
        (
            datetime(2026, 7, 15, 1, 4, 33, tzinfo=timezone(timedelta(hours=2))),
            "2026-07-14T23:04:33Z",
        ),
    ],
)
def test_a_moment_is_written_as_the_api_writes_it(moment: datetime, text: str) -> None:
    assert format_utc(moment) == text
