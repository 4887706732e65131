"""A cache of files that have one row for each contact, so that each file is checked once.

The check takes as long as the count. The cache has a digest of the path, the size and the time of
the last change, and nothing of a file's content. A file that cannot be read or written is checked
again.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from segctl.common.files import read_private_json, write_private_json

if TYPE_CHECKING:
    from pathlib import Path

    from segctl.common.folder import Folder

FILE = "contacts-checked.json"
VERSION = 1
_MAX_FILES = 100


@dataclass(frozen=True, slots=True)
class UniquenessCheck:
    """The cache entry of a file: its folder, the digest of the file's path, the file's state."""

    folder: Folder
    digest: str
    state: str

    @classmethod
    def of(cls, path: Path, folder: Folder) -> UniquenessCheck:
        """Return the entry of a file as it is now. Raises `OSError`."""
        status = path.stat()
        state = f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"
        return cls(folder, sha256(str(path).encode("utf-8", "surrogatepass")).hexdigest(), state)

    @property
    def has_passed(self) -> bool:
        """Whether the file passed the check in this state."""
        return self._read().get(self.digest) == self.state

    def save_passed(self) -> None:
        """Record that the file passed; the most recent files are kept."""
        others = {digest: state for digest, state in self._read().items() if digest != self.digest}
        states = dict([*others.items(), (self.digest, self.state)][-_MAX_FILES:])
        with suppress(OSError):
            write_private_json(self.folder, FILE, VERSION, {"files": states})

    def _read(self) -> dict[str, object]:
        try:
            states = read_private_json(self.folder, FILE, VERSION).get("files")
        except (OSError, ValueError):
            return {}
        return states if isinstance(states, dict) else {}
