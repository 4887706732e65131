"""How messages of the planner write commits, dates and names. Pure. Has no message itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMIT_DIGITS = 10
_DATE_LENGTH = len("2026-07-15")
_SHOWN_NAMES = 5


def short_commit(commit: str) -> str:
    """Return the first digits of a commit, enough to find it."""
    return commit[:_COMMIT_DIGITS]


def date_of(time: str | None) -> str:
    """Return the date of an ISO 8601 time; empty where there is none."""
    return (time or "")[:_DATE_LENGTH]


def list_names(names: Sequence[str]) -> str:
    """Return the first names in backticks, and the number of the others."""
    more = len(names) - _SHOWN_NAMES
    shown = ", ".join(f"`{name}`" for name in names[:_SHOWN_NAMES])
    return f"{shown} and {more} more" if more > 0 else shown


def quoted_name(name: str, *, ascii_only: bool = False) -> str:
    """Return a name in double quotes, as YAML reads it.

    Characters that cannot be seen are escaped, with `ascii_only` all that are not ASCII.
    """
    text = name.replace("\\", r"\\").replace('"', r"\"")
    return (
        '"'
        + "".join(
            char
            if char.isprintable() and (char.isascii() or not ascii_only)
            else f"\\U{ord(char):08X}"
            for char in text
        )
        + '"'
    )
