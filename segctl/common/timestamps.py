"""Times as the API, git and people write them (`2026-07-15T16:04:33Z`), read."""

from __future__ import annotations

import re
from datetime import UTC, datetime

TIME = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})"
    r"(?:[T ](?P<clock>\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)"
    r"(?P<zone> ?(?:Z|[+-]\d{2}:?\d{2}))?)?",
    re.IGNORECASE,
)
"""A time as SendGrid writes it, and what is left of one when its zone or clock is missing."""


def moment(text: str | None) -> datetime | None:
    """Read a time, in UTC; `None` where it cannot be read or has no zone, and so is no moment."""
    try:
        return parse_moment(text or "")
    except ValueError:
        return None


def parse_moment(text: str) -> datetime:
    """Return a time in UTC. Raises `ValueError` where it cannot be read or has no zone."""
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        raise ValueError("a time without a zone")
    try:
        return read.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time beyond the years 1 to 9999") from None


def parse_utc(text: str | None) -> datetime | None:
    """Read a time as `instant` does, in UTC, which one without a zone is in already."""
    read = instant(text or "")
    return read and read.replace(tzinfo=UTC)


def instant(text: str) -> datetime | None:
    """Read a time with or without a zone, or give `None` for what is none."""
    found = TIME.fullmatch(text.strip())
    if found is None:
        return None
    clock = (found["clock"] or "00:00").replace(",", ".")
    whole, _, fraction = clock.partition(".")
    zone = (found["zone"] or "").strip().upper()
    zone = "+00:00" if zone == "Z" else zone
    try:
        read = datetime.fromisoformat(f"{found['date']}T{whole}{zone}")
        read = read.replace(microsecond=int(fraction[:6].ljust(6, "0")))
        return read.astimezone(UTC) if zone else read
    except (ValueError, OverflowError):
        return None
