"""Writes files for commands: whole or not at all."""

from __future__ import annotations

from pathlib import Path

from segctl.errors import UsageError


def write_whole(name: str, text: str) -> None:
    """Write a text to a file, through another beside it, so that nobody ever reads half of it.

    Line breaks are written as they are. Raises `UsageError` where that cannot be done; the file is
    as it was then.
    """
    path = Path(name)
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(text.encode("utf-8"))
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UsageError(f"cannot write {name}: {error.strerror or error}") from None
