"""Parsing of times as the API, git and people write them (`2026-07-15T16:04:33Z`).

Does not format times: that is done in `clock`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

TIME = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})"
    r"(?:[T ](?P<clock>\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)"
    r"(?P<zone> ?(?:Z|[+-]\d{2}:?\d{2}))?)?",
    re.IGNORECASE,
)
"""A time as SendGrid writes it, with or without the clock and the zone."""


def parse_time(text: str) -> datetime:
    """Return a time in UTC. Raises `ValueError` where it is invalid or has no zone."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time without a zone")
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time beyond the years 1 to 9999") from None


def parse_time_or_none(text: str | None) -> datetime | None:
    """Return a time in UTC, or `None` where it is missing, invalid or has no zone."""
    try:
        return parse_time(text or "")
    except ValueError:
        return None


def parse_lenient_time(text: str) -> datetime | None:
    """Return a time in UTC, or without a zone if the text has none; `None` where it is invalid.

    A text without a clock is midnight.
    """
    match = TIME.fullmatch(text.strip())
    if match is None:
        return None
    clock = (match["clock"] or "00:00").replace(",", ".")
    seconds, _, fraction = clock.partition(".")
    zone = (match["zone"] or "").strip().upper()
    zone = "+00:00" if zone == "Z" else zone
    try:
        time = datetime.fromisoformat(f"{match['date']}T{seconds}{zone}")
        time = time.replace(microsecond=int(fraction[:6].ljust(6, "0")))
        return time.astimezone(UTC) if zone else time
    except (ValueError, OverflowError):
        return None


def parse_time_as_utc(text: str | None) -> datetime | None:
    """Return a time as `parse_lenient_time` does; without a zone it is taken for UTC."""
    time = parse_lenient_time(text or "")
    return time and time.replace(tzinfo=UTC)
