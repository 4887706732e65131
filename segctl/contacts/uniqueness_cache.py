"""Which files are known to have one row for each contact, so that it is checked once for each file.

To tell a million contacts apart takes as long as to count them. Remembered are a digest of the
path, the size and the moment of the last change: nothing of what stands in a file. What cannot be
read or written is not remembered.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from segctl.common.files import read_private_json, write_private_json

if TYPE_CHECKING:
    from pathlib import Path

FILE = "contacts-checked.json"
VERSION = 1
_MOST = 100


@dataclass(frozen=True, slots=True)
class Check:
    """What is remembered of a file, under `name`, in a folder of our own."""

    folder: Path
    name: str
    state: str

    @classmethod
    def of(cls, path: Path, folder: Path) -> Check:
        """Look at a file. Raises `OSError`."""
        found = path.stat()
        state = f"{found.st_size} {found.st_mtime_ns} {found.st_ino}"
        return cls(folder, sha256(str(path).encode("utf-8", "surrogatepass")).hexdigest(), state)

    @property
    def is_done(self) -> bool:
        """Whether the file was checked as it is."""
        return self._known().get(self.name) == self.state

    def remember(self) -> None:
        """Write down that it was; the files checked last are kept."""
        known = {name: state for name, state in self._known().items() if name != self.name}
        kept = dict([*known.items(), (self.name, self.state)][-_MOST:])
        with suppress(OSError):
            write_private_json(self.folder / FILE, VERSION, {"files": kept})

    def _known(self) -> dict[str, object]:
        try:
            known = read_private_json(self.folder / FILE, VERSION).get("files")
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}
