"""Reading files up to a limit, writing them atomically, and locking them.

Private files belong to one user and may be lost: caches and records. Does not decide what a
failure means.
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
"""Bytes. segctl writes no larger private file."""

_CHUNK = 1 << 16


def read_bounded(path: str | Path, limit: int) -> bytes:
    """Return the first `limit` + 1 bytes of a file: the extra byte shows that it is too large.

    Raises `OSError`, and `ValueError` for a path with a NUL.
    """
    with FileIO(path) as stream:
        return _read(stream, limit)


def _read(stream: FileIO, limit: int) -> bytes:
    chunks = []
    remaining = limit + 1
    # A single read would allocate `limit` bytes for every file.
    while remaining and (chunk := stream.read(min(remaining, _CHUNK))):
        chunks.append(chunk)
        remaining -= len(chunk)
    return b"".join(chunks)


def read_private_json(path: Path, version: int) -> dict[str, Any]:
    """Return the content of a file that `write_private_json` wrote.

    Raises `OSError`, and `ValueError` with the reason for any other file.
    """
    # A link could point anywhere, and a pipe would block.
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
        raise ValueError("the file is damaged")  # noqa: TRY004 - the content is wrong, not a type
    if content.get("version") != version:
        raise ValueError("written by another version of segctl")
    return content


def _is_own(status: os.stat_result) -> bool:
    """Return whether only this user can have written a file."""
    if not stat.S_ISREG(status.st_mode):
        return False
    if not hasattr(os, "geteuid"):
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def write_private_json(path: Path, version: int, content: Mapping[str, Any]) -> None:
    """Replace a file by JSON that only its owner may read (mode 0600).

    Raises `OSError`, and `ValueError` for content that is too large to be read back; then the file
    is unchanged.
    """
    data = json.dumps({"version": version, **content}).encode("ascii")
    if len(data) > LARGEST_PRIVATE:
        raise ValueError("the file is too large")
    _replace(path, data, 0o600)


def _replace(path: Path, data: bytes, mode: int) -> None:
    """Replace a file by bytes, so that no reader sees a part of them.

    They are first written to `.STEM.HEX.part` beside it. Raises `OSError`.
    """
    part = path.with_name(f".{path.stem}.{os.urandom(8).hex()}.part")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(part, flags, mode), "wb") as stream:
            stream.write(data)
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


if sys.platform == "win32":
    import msvcrt

    _LOCKED_BYTE = (1 << 31) - 2
    """Windows locks bytes, and a locked byte cannot be written: this one is beyond any content."""

    def _lock(descriptor: int, *, wait: bool) -> None:
        # LK_LOCK raises `OSError` after ten seconds.
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
    """Lock an open file for this process. Raises `OSError` at once where another one has it."""
    _lock(descriptor, wait=False)


@contextmanager
def locked(descriptor: int) -> Iterator[None]:
    """Lock an open file for this process, and wait while another one has it.

    Raises `OSError`. On Windows the position in the file changes, and the wait has a limit.
    """
    _lock(descriptor, wait=True)
    try:
        yield
    finally:
        _unlock(descriptor)


@contextmanager
def lock(path: Path) -> Iterator[bool]:
    """Lock a file for this process, and yield whether no other process has it. Does not wait.

    Creates the file (mode 0600) and keeps it. The lock ends with the process, however that ends.
    Raises `OSError` where the file cannot be created.
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


def write_atomically(name: str, text: str) -> None:
    """Replace a file by a text, so that no reader sees a part of it.

    Follows a link; writes directly into what is not a regular file (a pipe, /dev/stdout). Line
    breaks are written as they are. Raises `UsageError` where it fails; then the file is unchanged.
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
