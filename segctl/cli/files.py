"""Writes files for commands: whole or not at all."""

from __future__ import annotations

from pathlib import Path

from segctl.errors import UsageError


def write_whole(name: str, text: str) -> None:
    """Write a text to a file, through another beside it, so that nobody ever reads half of it.

    A link is followed; what is no plain file (a pipe, /dev/stdout) is written into as it is. Line
    breaks are written as they are. Raises `UsageError` where that cannot be done; the file is as
    it was then.
    """
    if not name:
        raise UsageError("the name of the file to write is empty")
    path = Path(name)
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as stream:
                stream.write(text.encode("utf-8"))
            return
        path = path.resolve()
        part = path.with_name(f".{path.name}.part")
        try:
            part.write_bytes(text.encode("utf-8"))
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write {name}: {error.strerror or error}") from None
