"""The only place that creates, changes or removes files: below a folder, and through no link.

A pull request can plant a link anywhere in a project, as the file to write or as a folder on the
way. So everything starts at a folder that the user chose, opens one folder after the other from
there without following a link, and acts on a name in the folder that is open. Refuses links, files
with a second name (hard links), pipes and devices.

Windows has no such calls: there, each name is checked just before it is used, which stops what was
planted before, not another process that changes it in that moment. The same holds for libraries
that open paths themselves (`Folder.checked`).
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_HAS_DESCRIPTORS = sys.platform != "win32"
_SAFE = 0
for _name in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"):
    # O_NONBLOCK: opening a pipe without a reader must not block; it is refused.
    _SAFE |= getattr(os, _name, 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_DIRECTORY", 0)
_JUNCTION = 0xA0000003
"""A link to a folder on Windows (IO_REPARSE_TAG_MOUNT_POINT), which `stat` calls a folder."""


class UnsafePath(OSError):
    """A link, or a file with a second name: `strerror` says which part of the path it is."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(errno.ELOOP, f"{place} {reason}")


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder to write in: `inner` is its path below `top`, with forward slashes, or empty.

    `top` may itself be reached through links; below it, none is followed. Names are relative to
    the folder, with forward slashes. Neither needs to exist. All methods raise `OSError`.
    """

    top: Path
    inner: str = ""

    @property
    def path(self) -> Path:
        """The path, for display and for reading."""
        return self.top / self.inner

    def below(self, name: str) -> Folder:
        """Return a folder in this one."""
        return Folder(self.top, self._whole(name))

    def checked(self, name: str) -> Path:
        """Return the path of a file for a library that opens it by itself.

        The file may be missing. Raises `UnsafePath`, and `OSError` for what is no regular file.
        """
        with suppress(FileNotFoundError), self._parent(name) as (parent, last):
            parent.refuse_unsafe(last)
        # Without a link, the parents lead nowhere else.
        return self.path / name

    def refuse_links(self, name: str = "") -> None:
        """Raise `UnsafePath` where a path in this folder, or the folder itself, is behind a link.

        What is missing is no link.
        """
        inner = self._whole(name) if name else self.inner
        outer, _, last = inner.rpartition("/")
        if last:
            with suppress(FileNotFoundError), self._opened(outer) as folder:
                folder.refuse_link(last)

    def is_file(self, name: str) -> bool:
        """Return whether a regular file can be reached without a link."""
        try:
            with self._parent(name) as (parent, last):
                status = parent.status(last)
        except (FileNotFoundError, NotADirectoryError, UnsafePath):
            return False
        return status is not None and stat.S_ISREG(status.st_mode)

    def make(self, mode: int = 0o777) -> None:
        """Create this folder and those above it, up to `top`, where they are missing."""
        with self._opened(self.inner, mode):
            pass

    def make_private(self) -> None:
        """Create this folder for its owner only (mode 0700), or make it so."""
        with self._opened(self.inner, 0o700) as folder:
            if folder.descriptor is not None:
                os.fchmod(folder.descriptor, 0o700)

    def make_new(self, name: str) -> None:
        """Create a folder that does not exist yet, for its owner only (mode 0700)."""
        with self._parent(name) as (parent, last):
            parent.make_folder(last, 0o700)

    def write(self, name: str, data: bytes, mode: int | None = None) -> None:
        """Replace a file, so that no reader sees a part of it. Its folder must exist.

        The file keeps its mode; a new one gets that of the umask. `mode` sets it.
        """
        with self._parent(name) as (parent, last):
            status = parent.refuse_unsafe(last, allow_names=True)
            if mode is None and status is not None:
                mode = stat.S_IMODE(status.st_mode) & 0o777
            part = f".{Path(last).stem}.{os.urandom(8).hex()}.part"
            try:
                parent.create(part, data, mode)
                parent.rename(part, last)
            except BaseException:
                with suppress(OSError):
                    parent.remove(part)
                raise

    def create(self, name: str, data: bytes) -> None:
        """Write a file that does not exist yet, whole or not at all. Its folder must exist."""
        with self._parent(name) as (parent, last):
            parent.refuse_unsafe(last)
            parent.create(last, data, None)

    def open(self, name: str, *, append: bool = False) -> int:
        """Open a file to read and write it, created for its owner only (mode 0600)."""
        flags = os.O_RDWR | os.O_CREAT | (os.O_APPEND if append else 0)
        with self._parent(name) as (parent, last):
            return parent.open_file(last, flags)

    def open_to_read(self, name: str) -> int:
        """Open a file to read it."""
        with self._parent(name) as (parent, last):
            return parent.open_file(last, os.O_RDONLY, allow_names=True)

    def rename(self, name: str, new: str) -> None:
        """Rename a file in this folder, and replace what has the new name."""
        with self._opened(self.inner) as folder:
            folder.refuse_unsafe(name)
            folder.rename(name, new)

    def remove(self, name: str) -> None:
        """Remove a file, or a link itself; a missing one is fine."""
        with suppress(FileNotFoundError), self._parent(name) as (parent, last):
            parent.remove(last)

    def remove_folder(self, name: str) -> None:
        """Remove a folder with its content; links in it are removed, not followed."""
        with suppress(FileNotFoundError), self._parent(name) as (parent, last):
            parent.refuse_link(last)
            parent.remove_folder(last)

    def remove_empty(self) -> None:
        """Remove this folder, which must be empty."""
        outer, _, last = self.inner.rpartition("/")
        with self._opened(outer) as parent:
            parent.remove_empty(last)

    def clear(self, keep: Collection[str] = ()) -> None:
        """Remove everything in this folder but these names; a missing folder is fine."""
        with suppress(FileNotFoundError), self._opened(self.inner) as folder:
            for name in folder.names():
                if name not in keep:
                    folder.remove_any(name)

    def size(self, name: str) -> int | None:
        """Return the size of a regular file in bytes, `None` for a missing one."""
        try:
            with self._parent(name) as (parent, last):
                status = parent.refuse_unsafe(last, allow_names=True)
        except FileNotFoundError:
            return None
        return None if status is None else status.st_size

    def settle(self, name: str) -> None:
        """Make a file readable by its owner only, and wait until it is on the disk."""
        descriptor = self.open(name)
        try:
            if _HAS_DESCRIPTORS:
                os.fchmod(descriptor, 0o600)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def names(self) -> list[str]:
        """Return the names in this folder, sorted; none for a missing one."""
        try:
            with self._opened(self.inner) as folder:
                return folder.names()
        except FileNotFoundError:
            return []

    def _whole(self, name: str) -> str:
        parts = name.split("/")
        if not all(parts) or ".." in parts or "." in parts or Path(name).is_absolute():
            raise ValueError(f"not a name below a folder: {name!r}")
        return f"{self.inner}/{name}" if self.inner else name

    @contextmanager
    def _parent(self, name: str) -> Iterator[tuple[_OpenFolder, str]]:
        """Open the folder of a file; yield it, and the last part of the name."""
        inner, _, last = self._whole(name).rpartition("/")
        with self._opened(inner) as folder:
            yield folder, last

    @contextmanager
    def _opened(self, inner: str, create: int | None = None) -> Iterator[_OpenFolder]:
        """Open a folder below `top`; with the mode `create`, create what is missing."""
        if create is not None:
            self.top.mkdir(create, parents=True, exist_ok=True)
        folder = _OpenFolder.of(self.top)
        try:
            for part in inner.split("/") if inner else ():
                if create is not None:
                    with suppress(FileExistsError):
                        folder.make_folder(part, create)
                outer, folder = folder, folder.enter(part)
                outer.close()
            yield folder
        finally:
            folder.close()


class _OpenFolder:
    """An open folder: operations on names in it, which follow no link.

    `place` is its path below the top. Without a `descriptor` they work by path (Windows).
    """

    def __init__(self, path: Path, place: str, descriptor: int | None) -> None:
        self._path = path
        self._place = place
        self.descriptor = descriptor

    @classmethod
    def of(cls, path: Path) -> _OpenFolder:
        return cls(path, "", _open_folder(path) if _HAS_DESCRIPTORS else None)

    def close(self) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)

    def _at(self, name: str) -> str:
        return name if self.descriptor is not None else os.fspath(self._path / name)

    def _place_of(self, name: str) -> str:
        return f"{self._place}/{name}" if self._place else name

    def enter(self, name: str) -> _OpenFolder:
        """Open a folder in this one. Raises `UnsafePath` for a link."""
        self.refuse_link(name)
        descriptor = None
        if self.descriptor is not None:
            descriptor = _open_folder(name, os.O_NOFOLLOW, self.descriptor)
        elif not stat.S_ISDIR(os.lstat(self._at(name)).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        return _OpenFolder(self._path / name, self._place_of(name), descriptor)

    def names(self) -> list[str]:
        with os.scandir(self._path if self.descriptor is None else self.descriptor) as entries:
            return sorted(entry.name for entry in entries)

    def status(self, name: str) -> os.stat_result | None:
        """Return the status of a name itself, `None` where it is missing."""
        try:
            return os.stat(self._at(name), dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def refuse_link(self, name: str) -> os.stat_result | None:
        """Return the status of a name. Raises `UnsafePath` for a link."""
        status = self.status(name)
        if status is not None and (
            stat.S_ISLNK(status.st_mode) or getattr(status, "st_reparse_tag", 0) == _JUNCTION
        ):
            raise UnsafePath(self._place_of(name), "is a link")
        return status

    def refuse_unsafe(self, name: str, *, allow_names: bool = False) -> os.stat_result | None:
        """Return the status of a name. Raises `UnsafePath` for all but a file, or nothing.

        `allow_names` allows a file with further names (hard links), which do no harm to one that is
        only read, or replaced as a whole.
        """
        status = self.refuse_link(name)
        if status is not None:
            self._refuse_special(name, status, allow_names=allow_names)
        return status

    def _refuse_special(self, name: str, status: os.stat_result, *, allow_names: bool) -> None:
        place = self._place_of(name)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, f"{place} is a folder")
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, f"{place} is not a regular file")
        if status.st_nlink > 1 and not allow_names:
            raise UnsafePath(place, "is a file with another name elsewhere (a hard link)")

    def open_file(self, name: str, flags: int, *, allow_names: bool = False) -> int:
        """Open a regular file."""
        self.refuse_unsafe(name, allow_names=allow_names)
        descriptor = os.open(self._at(name), flags | _SAFE, 0o600, dir_fd=self.descriptor)
        try:
            # It may have become another file since.
            self._refuse_special(name, os.fstat(descriptor), allow_names=allow_names)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def create(self, name: str, data: bytes, mode: int | None) -> None:
        """Write a new file, and remove it again where that fails."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE
        first_mode = 0o666 if mode is None else mode & 0o700
        descriptor = os.open(self._at(name), flags, first_mode, dir_fd=self.descriptor)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                if mode is not None and _HAS_DESCRIPTORS:
                    os.fchmod(descriptor, mode)
        except BaseException:
            with suppress(OSError):
                self.remove(name)
            raise

    def make_folder(self, name: str, mode: int) -> None:
        os.mkdir(self._at(name), mode, dir_fd=self.descriptor)

    def rename(self, name: str, new: str) -> None:
        descriptor = self.descriptor
        os.replace(self._at(name), self._at(new), src_dir_fd=descriptor, dst_dir_fd=descriptor)

    def remove(self, name: str) -> None:
        os.unlink(self._at(name), dir_fd=self.descriptor)

    def remove_empty(self, name: str) -> None:
        os.rmdir(self._at(name), dir_fd=self.descriptor)

    def remove_any(self, name: str) -> None:
        status = os.stat(self._at(name), dir_fd=self.descriptor, follow_symlinks=False)
        (self.remove_folder if stat.S_ISDIR(status.st_mode) else self.remove)(name)

    def remove_folder(self, name: str) -> None:
        shutil.rmtree(self._at(name), dir_fd=self.descriptor)


def _open_folder(path: str | Path, flags: int = 0, parent: int | None = None) -> int:
    """Open a folder, even one in which this user may write but not list the names (Linux)."""
    try:
        return os.open(path, _FOLDER | flags, dir_fd=parent)
    except PermissionError:
        search = getattr(os, "O_PATH", 0)
        if not search:
            raise
        return os.open(path, _FOLDER | flags | search, dir_fd=parent)
