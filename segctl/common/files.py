"""Writes files that are one user's own and may be lost: caches and records.

Owns the way in which a file gets its place (whole, and for its owner alone), and how one process
keeps the others out. What stands in it and what a failure means is its owner's business.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from segctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


def replace(path: Path, text: str) -> None:
    """Put ASCII text in the place of a file, mode 0600, so that nobody ever reads half of it.

    It is written beside it first, as `.STEM.HEX.part`. Raises `OSError`; the file is as it was
    then.
    """
    part = path.with_name(f".{path.stem}.{os.urandom(8).hex()}.part")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(part, flags, 0o600), "wb") as out:
            out.write(text.encode("ascii"))
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


if sys.platform == "win32":
    import msvcrt

    def hold(descriptor: int) -> None:
        """Hold an open file that no other process can hold then. Raises `OSError`, at once."""
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def hold(descriptor: int) -> None:
        """Hold an open file that no other process can hold then. Raises `OSError`, at once."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def lock(path: Path) -> Iterator[bool]:
    """Hold a file that no other process can hold; give whether it was free. It does not wait.

    The file is made, mode 0600, and stays. The hold goes with its process, however that ends.
    Raises `OSError` where the file cannot be made.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            hold(descriptor)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


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
