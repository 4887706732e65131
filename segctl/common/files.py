"""Files read up to a limit, written whole, and locked.

Private files are one user's own and may be lost: caches and records. What a failure means is for
their owners to decide.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LARGEST_PRIVATE = 32 << 20
"""Bytes; a larger private file was not written by segctl."""

_PART = 1 << 16


def read_bounded(path: str | Path, limit: int) -> bytes:
    """Return the first `limit` + 1 bytes of a file: one too many shows that it is too large.

    Raises `OSError`, and `ValueError` for a path with a NUL.
    """
    with FileIO(path) as stream:
        return _read(stream, limit)


def _read(stream: FileIO, limit: int) -> bytes:
    parts = []
    missing = limit + 1
    # Asked for all of it at once, Python takes up that much memory for every file.
    while missing and (part := stream.read(min(missing, _PART))):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def read_private_json(path: Path, version: int) -> dict[str, Any]:
    """Return the content of a file that `write_private_json` wrote.

    Raises `OSError`, and `ValueError` for any other file; its text is the reason.
    """
    # A link could lead anywhere, and a pipe would be waited for.
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0)
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with FileIO(os.open(path, flags)) as stream:
        if not _is_own(os.fstat(stream.fileno())):
            raise ValueError("not a private file of this user")
        data = _read(stream, LARGEST_PRIVATE)
    if len(data) > LARGEST_PRIVATE:
        raise ValueError("the file is too large")
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise ValueError("the file is damaged")  # noqa: TRY004 - of what the file holds
    if content.get("version") != version:
        raise ValueError("written by another version of segctl")
    return content


def _is_own(found: os.stat_result) -> bool:
    """Return whether nobody but this user can have written a file."""
    if not stat.S_ISREG(found.st_mode):
        return False
    if not hasattr(os, "geteuid"):
        return True
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022


def write_private_json(path: Path, version: int, content: Mapping[str, Any]) -> None:
    """Write JSON in the place of a file, for its owner alone (mode 0600).

    Raises `OSError`, and `ValueError` for more than may be read back; the file is as it was then.
    """
    data = json.dumps({"version": version, **content}).encode("ascii")
    if len(data) > LARGEST_PRIVATE:
        raise ValueError("the file is too large")
    _replace(path, data, 0o600)


def _replace(path: Path, data: bytes, mode: int) -> None:
    """Put bytes in the place of a file, so that nobody ever reads half of it.

    They are written beside it first, as `.STEM.HEX.part`. Raises `OSError`.
    """
    part = path.with_name(f".{path.stem}.{os.urandom(8).hex()}.part")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(part, flags, mode), "wb") as out:
            out.write(data)
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


if sys.platform == "win32":
    import msvcrt

    _LOCKED_BYTE = (1 << 31) - 2
    """Windows locks bytes, and a locked one cannot be written: this one is past every content."""

    def _lock(descriptor: int, *, wait: bool) -> None:
        # Waiting ends with an `OSError` after ten seconds.
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int, *, wait: bool) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def hold(descriptor: int) -> None:
    """Hold an open file that no other process can hold then. Raises `OSError`, at once."""
    _lock(descriptor, wait=False)


@contextmanager
def locked(descriptor: int) -> Iterator[None]:
    """Hold an open file, waiting until no other process does.

    Raises `OSError`. On Windows the position in the file moves, and waiting has a limit.
    """
    _lock(descriptor, wait=True)
    try:
        yield
    finally:
        _unlock(descriptor)


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
        _replace(path.resolve(), text.encode("utf-8"), 0o666)
    except OSError as error:
        raise UsageError(f"cannot write {name}: {error.strerror or error}") from None
