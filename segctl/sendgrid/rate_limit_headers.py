"""The limits in the headers of a response: how much is left, until when, how long to wait.

Covers the two meanings of `X-RateLimit-Reset` and the forms of `Retry-After` (sendgrid-api.md §2).
`rate_limiter.py` decides what follows. Pure; an unreadable header counts as absent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

EPOCH_FROM = 1_000_000
"""`X-RateLimit-Reset` below this is seconds left, above it an epoch (sendgrid-api.md §2)."""

SKEW = 2.0
"""Seconds by which this machine's clock may differ from the server's `Date`, which has whole
seconds. Beyond that the server's time is used: a clock that is five minutes slow would read an
epoch as five minutes too far."""

LARGEST_SKEW = 86_400.0
"""Seconds beyond which a `Date` is nonsense and this machine's clock is used."""

LONGEST_PAUSE = 366 * 86_400.0
"""Seconds: what is longer (a date in 2099) is read as this, which no one waits for either. The time
that it leads to can be shown, whereas the end of a longer one may be after the year 9999."""

_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
_COUNT = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class RateLimitHeaders:
    """The rate limit as one response states it.

    `limit` requests per window, `None` where it is missing; `remaining` of them; the next window
    begins `reset` seconds after the response. The server rounds that to whole seconds: it may be
    off by one. `is_epoch`: the header has a point in time, not the seconds left.
    """

    limit: int | None
    remaining: int
    reset: float
    is_epoch: bool = False


def read_rate_limit(headers: Mapping[str, str], now: datetime) -> RateLimitHeaders | None:
    """Return the rate limit; `None` without both a plausible remainder and a plausible reset."""
    remaining = _count(headers.get("X-RateLimit-Remaining", ""))
    reset_text = headers.get("X-RateLimit-Reset", "").strip()
    reset = _seconds(reset_text, _server_time(headers, now))
    limit = _count(headers.get("X-RateLimit-Limit", ""))
    if remaining is None or reset is None or (limit is not None and remaining > limit):
        return None
    return RateLimitHeaders(limit, remaining, max(reset, 0.0), float(reset_text) >= EPOCH_FROM)


def requested_pause(status: int, headers: Mapping[str, str], now: datetime) -> float | None:
    """Return how many seconds a response asks to wait, `None` where it asks for nothing readable.

    `Retry-After` holds seconds or a date. `X-RateLimit-Reset` only counts on a 429, since it is on
    every response, and has two meanings (sendgrid-api.md §2).
    """
    pause = retry_after(headers, now)
    if pause is None and status == 429:  # noqa: PLR2004 - the status of a limit
        reset = headers.get("X-RateLimit-Reset", "").strip()
        pause = _seconds(reset, _server_time(headers, now))
    return None if pause is None else max(pause, 0.0)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds of `Retry-After`, which may be a date; below 0 where that is past."""
    text = headers.get("Retry-After", "").strip()
    server_time = _server_time(headers, now)
    pause = _seconds(text, server_time)
    if pause is None and text:
        moment = _date(text)
        pause = None if moment is None else moment - server_time
    return None if pause is None else min(pause, LONGEST_PAUSE)


def _server_time(headers: Mapping[str, str], now: datetime) -> float:
    """Return the epoch with which the server's times are compared."""
    local = now.timestamp()
    remote = _date(headers.get("Date", ""))
    if remote is None or not SKEW < abs(remote - local) <= LARGEST_SKEW:
        return local
    return remote


def read_date(headers: Mapping[str, str]) -> datetime | None:
    """Return the time of a response by the server's clock, `None` where it is not readable."""
    seconds = _date(headers.get("Date", ""))
    try:
        # Earlier times are nonsense, and those in the year 1 leave no room to subtract from.
        return None if seconds is None or seconds < 0 else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, OSError):
        # A time without a zone is local, and some systems cannot convert a year such as 1.
        return None


def _seconds(text: str, server_time: float) -> float | None:
    if _SECONDS.fullmatch(text) is None:
        return None
    value = float(text)
    return min(value - server_time if value >= EPOCH_FROM else value, LONGEST_PAUSE)


def _count(text: str) -> int | None:
    return int(text) if _COUNT.fullmatch(text.strip()) else None
