"""Where the pulled contacts of a target stand: their base, and what a pull works with.

Owns the names of the files, their modes, and their removal. The name of a target is fit for a file
(the schema of segctl.yaml sees to it), and no two targets share a file, so accounts never mix.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.common import files
from segctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = "contacts"
_BASE, _PENDING, _PARTS, _LOCK, _NEW = ".duckdb", ".pull.json", ".pull", ".lock", ".new.duckdb"


@dataclass(frozen=True, slots=True)
class ContactStore:
    """The files of one target in the folder that segctl keeps.

    `base` is what can be asked, `pending` what an unfinished pull remembers, `parts` the folder of
    what it has fetched, `new` the base that is being made.
    """

    folder: Path
    target: str

    @property
    def dataset(self) -> Path:
        """The base, once a pull came to its end."""
        return self._file(_BASE)

    @property
    def pull_state(self) -> Path:
        """The state of a pull under way, or interrupted."""
        return self._file(_PENDING)

    @property
    def downloads(self) -> Path:
        """The folder of the files that such a pull has fetched."""
        return self._file(_PARTS)

    @property
    def new_dataset(self) -> Path:
        """The base that such a pull makes, until it takes its place."""
        return self._file(_NEW)

    def _file(self, suffix: str) -> Path:
        return self.folder / f"{self.target}{suffix}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder, and keep every other process out that does this.

        Raises `UsageError` while another one is in, and `OSError`.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        with files.lock(self._file(_LOCK)) as free:
            if not free:
                raise UsageError(
                    f"another segctl is at work on the contacts of `{self.target}`",
                    hint="wait for it, or end it",
                )
            yield

    def clear(self) -> None:
        """Remove what the pull worked with; the base stays. Raises `OSError`."""
        self.remove_new()
        self.pull_state.unlink(missing_ok=True)
        if self.downloads.exists():
            shutil.rmtree(self.downloads)

    def forget(self) -> bool:
        """Remove everything of this target; say whether there was anything.

        Raises `UsageError` while a pull is at work, and `OSError`.
        """
        if not any(
            path.exists()
            for path in (self.dataset, self.pull_state, self.downloads, self.new_dataset)
        ):
            return False
        with self.locked():
            self.clear()
            for suffix in (_BASE, f"{_BASE}.wal"):
                self._file(suffix).unlink(missing_ok=True)
        self._file(_LOCK).unlink(missing_ok=True)
        with suppress(OSError):
            # It may hold what belongs to another target.
            self.folder.rmdir()
        return True

    def remove_new(self) -> None:
        """Remove what an attempt to make a base has left. Raises `OSError`."""
        for suffix in (_NEW, f"{_NEW}.wal"):
            self._file(suffix).unlink(missing_ok=True)


def find_stores(folder: Path) -> tuple[ContactStore, ...]:
    """Find the targets of which there is anything, in the order of their names."""
    names = set()
    for path in folder.glob("*"):
        name, dot, rest = path.name.partition(".")
        if name and f"{dot}{rest}" in {_BASE, _PENDING, _PARTS, _NEW, _LOCK}:
            names.add(name)
    return tuple(ContactStore(folder, name) for name in sorted(names))
