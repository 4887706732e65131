"""The files in which a target's pulled contacts lie, and the files of a pull in progress.

Owns their names, their modes, and their removal. Targets have names that are fit for a file (the
schema of segctl.yaml checks it), and no two targets share a file, so accounts never mix. Does not
read the files.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.common import files
from segctl.common.files import refused_or_failed
from segctl.errors import Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from segctl.common.folder import Folder

FOLDER = "contacts"
_DATASET = ".duckdb"
_DATASET_LOG = ".duckdb.wal"
_NEW_DATASET = ".new.duckdb"
_NEW_DATASET_LOG = ".new.duckdb.wal"
_PULL_STATE = ".pull.json"
_DOWNLOADS = ".pull"
_LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class ContactStore:
    """The files of one target in segctl's own folder."""

    folder: Folder
    target: str

    @property
    def dataset(self) -> Path:
        """The data set that the last complete pull built."""
        return self.folder.path / self._name(_DATASET)

    @property
    def pull_state(self) -> str:
        """The name of the state of a pull that is in progress or was interrupted."""
        return self._name(_PULL_STATE)

    @property
    def downloads(self) -> Folder:
        """The folder of the files that such a pull has downloaded."""
        return self.folder.below(self._name(_DOWNLOADS))

    def _name(self, suffix: str) -> str:
        return f"{self.target}{suffix}"

    def readable_dataset(self) -> Path:
        """Return `dataset`, which may be missing.

        Raises `Refused` if it is behind a link, and is not a file of this folder alone.
        """
        try:
            self.folder.checked(self._name(_DATASET_LOG))
            return self.folder.checked(self._name(_DATASET))
        except OSError as error:
            raise Refused(
                f"cannot read the contacts of `{self.target}`: {error.strerror}",
                hint=f"remove it, and run `segctl --target {self.target} contacts pull`",
            ) from None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Create the folder, and lock the target's files against other processes.

        Raises `UsageError` while another process has the lock, and `OSError`.
        """
        self.folder.make_private()
        with files.lock(self.folder, self._name(_LOCK)) as is_locked:
            if not is_locked:
                raise UsageError(
                    f"another segctl process is using the contacts of `{self.target}`",
                    hint="wait until it ends, or stop it",
                )
            yield

    def start_dataset(self) -> Path:
        """Return the path at which to build a data set; nothing is there. Raises `OSError`."""
        self.remove_new_dataset()
        return self.folder.checked(self._name(_NEW_DATASET))

    def finish_dataset(self) -> None:
        """Replace `dataset` by the one that was built. Raises `OSError`."""
        self.folder.settle(self._name(_NEW_DATASET))
        self.folder.rename(self._name(_NEW_DATASET), self._name(_DATASET))

    def clear(self) -> None:
        """Remove the files of a pull; the data set stays. Raises `OSError`."""
        self.remove_new_dataset()
        self.folder.remove(self.pull_state)
        self.folder.remove_folder(self._name(_DOWNLOADS))

    def forget(self) -> bool:
        """Remove all files of this target; return whether there were any.

        Raises `UsageError` during a pull, and `OSError`.
        """
        suffixes = (_DATASET, _PULL_STATE, _DOWNLOADS, _NEW_DATASET)
        if not {*map(self._name, suffixes)} & {*self.folder.names()}:
            return False
        with self.locked():
            self.clear()
            for suffix in (_DATASET, _DATASET_LOG):
                self.folder.remove(self._name(suffix))
        self.folder.remove(self._name(_LOCK))
        with suppress(OSError):
            # The folder may contain files of other targets.
            self.folder.remove_empty()
        return True

    def remove_new_dataset(self) -> None:
        """Remove an incomplete data set. Raises `OSError`."""
        for suffix in (_NEW_DATASET, _NEW_DATASET_LOG):
            self.folder.remove(self._name(suffix))


def find_stores(folder: Folder) -> tuple[ContactStore, ...]:
    """Return the stores in a folder that have files, by the name of their target.

    Raises `UsageError` if it cannot be read, and `Refused` if it is behind a link.
    """
    suffixes = {_DATASET, _PULL_STATE, _DOWNLOADS, _NEW_DATASET, _LOCK}
    targets = set()
    try:
        names = folder.names()
    except OSError as error:
        raise refused_or_failed("cannot look for contacts", error, "remove the link") from None
    for name in names:
        target, dot, rest = name.partition(".")
        if target and f"{dot}{rest}" in suffixes:
            targets.add(target)
    return tuple(ContactStore(folder, target) for target in sorted(targets))
