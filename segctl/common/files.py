"""Reading files up to a limit, writing texts and private JSON, and locking.

Private files belong to one user and may be lost: caches and records. `folder` does the writing.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segctl.common.folder import Folder, UnsafePath
from segctl.errors import Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from segctl.errors import SegctlError

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


def read_private_json(folder: Folder, name: str, version: int) -> dict[str, Any]:
    """Return the content of a file that `write_private_json` wrote.

    Raises `OSError`, and `ValueError` with the reason for any other file.
    """
    with FileIO(folder.open_to_read(name)) as stream:
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
    if not hasattr(os, "geteuid"):
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def write_private_json(folder: Folder, name: str, version: int, content: Mapping[str, Any]) -> None:
    """Replace a file by JSON that only its owner may read (mode 0600).

    Raises `OSError`, and `ValueError` for content that is too large to be read back; then the file
    is unchanged.
    """
    data = json.dumps({"version": version, **content}).encode("ascii")
    if len(data) > LARGEST_PRIVATE:
        raise ValueError("the file is too large")
    folder.write(name, data, 0o600)


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
def lock(folder: Folder, name: str) -> Iterator[bool]:
    """Lock a file for this process, and yield whether no other process has it. Does not wait.

    Creates the file (mode 0600) and keeps it. The lock ends with the process, however that ends.
    Raises `OSError` where the file cannot be created.
    """
    descriptor = folder.open(name)
    try:
        try:
            hold(descriptor)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def write_text(folder: Folder, name: str, text: str, mode: int | None = None) -> None:
    """Replace a file by a text, so that no reader sees a part of it; create its folder.

    Line breaks are written as they are. `mode` is as for `Folder.write`. Raises `UsageError`, and
    `Refused` for a link; then the file is unchanged.
    """
    try:
        parent, _, _ = name.rpartition("/")
        (folder.below(parent) if parent else folder).make()
        folder.write(name, text.encode("utf-8"), mode)
    except OSError as error:
        raise cannot_write(name, error) from None


def cannot_write(name: str, error: OSError) -> SegctlError:
    """Return the error for a file that cannot be written, or that would be written elsewhere."""
    return refused_or_failed(
        f"cannot write {name}",
        error,
        "replace it by the file or folder itself, or remove it; a link in a project could lead "
        "anywhere, so it is not followed",
    )


def refused_or_failed(what: str, error: OSError, hint: str) -> SegctlError:
    """Return the error for what cannot be done: `Refused` with the hint because of a link."""
    message = f"{what}: {error.strerror or type(error).__name__}"
    return Refused(message, hint=hint) if isinstance(error, UnsafePath) else UsageError(message)


def database_path(folder: Folder, name: str) -> Path:
    """Return the path of an SQLite database that may be opened, created if it is missing.

    Raises `UnsafePath` for a link, for a database with a second name, and if one of the files that
    SQLite keeps beside a database is either: it writes into them and truncates them.
    """
    for suffix in ("", "-journal", "-wal", "-shm"):
        folder.checked(f"{name}{suffix}")
    return folder.path / name


def locate(name: str, project: Path | None) -> tuple[Folder, str]:
    """Return the folder and the name of a file that a user named on the command line.

    A link there is the user's own and is followed, except inside `project`, the top folder of the
    repository, where anyone could have planted it. Raises `UsageError` for an empty name, and
    `OSError`.
    """
    if not name:
        raise UsageError("the name of the file to write is empty")
    inside = _locate_inside(name, project)
    if inside is not None:
        folder, inner = inside
        outer, _, last = inner.rpartition("/")
        return (folder.below(outer) if outer else folder), last
    path = Path(name).resolve()
    return Folder(path.parent), path.name


def locate_folder(path: Path, project: Path) -> Folder:
    """Return a folder that a user named; links are as for `locate`. Raises `OSError`."""
    inside = _locate_inside(path, project)
    return Folder(path) if inside is None else inside[0].below(inside[1])


def _locate_inside(name: str | Path, project: Path | None) -> tuple[Folder, str] | None:
    """Return the folder in `project` from which a path follows no link, and the rest of the path.

    `None` for a path that is not inside.
    """
    if project is None:
        return None
    top = project.resolve()
    path = Path(os.path.abspath(name))  # noqa: PTH100 - `resolve` would follow the links
    for outer in reversed(path.parents):
        place = outer.resolve()
        if place.is_relative_to(top):
            inner = "" if place == top else place.relative_to(top).as_posix()
            return Folder(top, inner), path.relative_to(outer).as_posix()
    return None


def write_named(name: str, text: str, project: Path) -> None:
    """Replace a file that a user named on the command line by a text, or write into a pipe.

    Links are as for `locate`. Raises `UsageError`, and `Refused` for a link inside `project`; then
    the file is unchanged.
    """
    data = text.encode("utf-8")
    try:
        folder, inner = locate(name, project)
        path = Path(name)
        if not path.exists() or path.is_file():
            folder.write(inner, data)
            return
        if folder.top == project.resolve():
            folder.refuse_links(inner)
        with path.open("wb") as stream:
            stream.write(data)
    except OSError as error:
        raise cannot_write(name, error) from None
