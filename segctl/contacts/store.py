"""The files in which a target's pulled contacts lie, and the files of a pull in progress.

Owns their names, their modes, and their removal. Targets have names that are fit for a file (the
schema of segctl.yaml checks it), and no two targets share a file, so accounts never mix. Does not
read the files.
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
_DATASET = ".duckdb"
_NEW_DATASET = ".new.duckdb"
_PULL_STATE = ".pull.json"
_DOWNLOADS = ".pull"
_LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class ContactStore:
    """The files of one target in segctl's own folder."""

    folder: Path
    target: str

    @property
    def dataset(self) -> Path:
        """The data set that the last complete pull built."""
        return self._file(_DATASET)

    @property
    def new_dataset(self) -> Path:
        """The data set that a pull is building; it replaces `dataset` when it is complete."""
        return self._file(_NEW_DATASET)

    @property
    def pull_state(self) -> Path:
        """The state of a pull that is in progress or was interrupted."""
        return self._file(_PULL_STATE)

    @property
    def downloads(self) -> Path:
        """The folder of the files that such a pull has downloaded."""
        return self._file(_DOWNLOADS)

    def _file(self, suffix: str) -> Path:
        return self.folder / f"{self.target}{suffix}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Create the folder, and lock the target's files against other processes.

        Raises `UsageError` while another process has the lock, and `OSError`.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        with files.lock(self._file(_LOCK)) as is_locked:
            if not is_locked:
                raise UsageError(
                    f"another segctl process is using the contacts of `{self.target}`",
                    hint="wait until it ends, or stop it",
                )
            yield

    def clear(self) -> None:
        """Remove the files of a pull; the data set stays. Raises `OSError`."""
        self.remove_new_dataset()
        self.pull_state.unlink(missing_ok=True)
        if self.downloads.exists():
            shutil.rmtree(self.downloads)

    def forget(self) -> bool:
        """Remove all files of this target; return whether there were any.

        Raises `UsageError` during a pull, and `OSError`.
        """
        paths = (self.dataset, self.pull_state, self.downloads, self.new_dataset)
        if not any(path.exists() for path in paths):
            return False
        with self.locked():
            self.clear()
            for suffix in (_DATASET, f"{_DATASET}.wal"):
                self._file(suffix).unlink(missing_ok=True)
        self._file(_LOCK).unlink(missing_ok=True)
        with suppress(OSError):
            # The folder may contain files of other targets.
            self.folder.rmdir()
        return True

    def remove_new_dataset(self) -> None:
        """Remove an incomplete data set. Raises `OSError`."""
        for suffix in (_NEW_DATASET, f"{_NEW_DATASET}.wal"):
            self._file(suffix).unlink(missing_ok=True)


def find_stores(folder: Path) -> tuple[ContactStore, ...]:
    """Return the stores in a folder that have files, by the name of their target."""
    suffixes = {_DATASET, _PULL_STATE, _DOWNLOADS, _NEW_DATASET, _LOCK}
    targets = set()
    for path in folder.glob("*"):
        target, dot, rest = path.name.partition(".")
        if target and f"{dot}{rest}" in suffixes:
            targets.add(target)
    return tuple(ContactStore(folder, target) for target in sorted(targets))
