"""Times as the API and git write them (`2026-07-15T16:04:33Z`), read."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(text: str | None) -> datetime | None:
    """Read a time, in UTC; `None` where it cannot be read or has no zone, and so is no moment."""
    try:
        read = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return read.astimezone(UTC) if read.tzinfo else None
