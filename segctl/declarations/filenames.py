"""File names for segments: readable, and accepted by every file system.

Turns the name of a segment into the stem of a file: lower case, words joined by `-`, accents
removed from Latin letters, letters of other scripts kept. The result is never hidden, never a path
and never a Windows device, and is unique whatever case or Unicode form a file system compares.
Does not touch the file system: it receives the names that are taken.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_CHARACTERS = 80
MAX_BYTES = 180
"""In UTF-8: file systems allow 255, and a temporary file next to it has a longer name."""

_SUFFIXES = (".yaml", ".yml")
_FALLBACK = "segment"
_ID_CHARACTERS = 8

# Windows reserves these for devices, whatever the suffix; segctl itself uses the last four.
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", "conin", "conout", "clock"]
    + [f"{port}{number}" for port in ("com", "lpt") for number in range(10)]
    + ["accounts", "conditions", "fields", "fixtures", "instances"]
)

# Latin letters that Unicode does not decompose.
_LATIN = str.maketrans(
    {
        "ß": "ss", "ẞ": "ss", "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "ø": "o", "Ø": "o",
        "đ": "d", "Đ": "d", "ð": "d", "Ð": "d", "ħ": "h", "Ħ": "h", "ł": "l", "Ł": "l",
        "ŋ": "ng", "Ŋ": "ng", "ŧ": "t", "Ŧ": "t", "þ": "th", "Þ": "th", "\u0131": "i",
        # Mother's Day is two words.
        "'": "", "\u2019": "",
    }
)  # fmt: skip


class FileNames:
    """The names of the files below one folder; each is given to one segment only."""

    def __init__(self, taken: Iterable[str]) -> None:
        """`taken` are the paths of what is in the folder, folders included, with suffixes."""
        self._taken = set()
        self._folders: dict[str, str] = {}
        for path in sorted(taken):
            stem, dot, suffix = path.rpartition(".")
            if f"{dot}{suffix}".lower() in _SUFFIXES:
                self._taken.add(folded(stem))
            self._folder(path)

    def claim(self, name: str, segment_id: str) -> str:
        """Return a new file name for a segment; see `file_stem`."""
        return self.claim_path(file_stem(name, segment_id))

    def claim_path(self, path: str) -> str:
        """Return the path of a new file, with its suffix, for a path without one.

        A folder that exists keeps its spelling, and a name that is taken gets a number.
        """
        outer, slash, stem = path.rpartition("/")
        outer = self._folder(outer) + slash
        candidate, number = stem, 1
        while folded(outer + candidate) in self._taken:
            number += 1
            candidate = shortened(stem, reserve=len(f"-{number}")) + f"-{number}"
        self._taken.add(folded(outer + candidate))
        return f"{outer}{candidate}{_SUFFIXES[0]}"

    def _folder(self, path: str) -> str:
        """Return the spelling of a folder that was met first."""
        outer, slash, name = path.rpartition("/")
        path = f"{self._folder(outer)}/{name}" if slash else name
        return self._folders.setdefault(folded(path), path)


def file_stem(name: str, segment_id: str) -> str:
    """Return the name of a file without its suffix, from a segment's name.

    The start of the id is used where the segment's name has neither letters nor digits.
    """
    return slug(name) or slug(f"{_FALLBACK}-{slug(segment_id)[:_ID_CHARACTERS]}")


def slug(name: str) -> str:
    """Return a name as the stem of a file; empty if it has neither letters nor digits."""
    text = ""
    for char in unicodedata.normalize("NFC", name).translate(_LATIN):
        if unicodedata.category(char).startswith("M"):
            # A mark of another script is part of its word; on a Latin letter, it is an accent.
            text += "" if not text or text[-1].isascii() else char
        else:
            text += _slug_char(char)
    return unreserved(shortened("-".join(unicodedata.normalize("NFC", text).split())))


def _slug_char(char: str) -> str:
    """Return one character: as ASCII if it decomposes to that, a space if it is not text."""
    base = "".join(
        part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part)
    )
    if base.isascii() and base.isalnum():
        return base.lower()
    return char.lower() if char.isalnum() else " "


def unreserved(stem: str) -> str:
    """Return a stem, with a word before it if Windows or segctl reserve the name."""
    return f"{_FALLBACK}-{stem}" if stem.lower() in _RESERVED else stem


def shortened(stem: str, reserve: int = 0) -> str:
    """Return as much of a stem as fits, with room for `reserve` more ASCII characters."""
    stem = stem[: MAX_CHARACTERS - reserve]
    return stem.encode()[: MAX_BYTES - reserve].decode(errors="ignore").rstrip("-")


def folded(stem: str) -> str:
    """Return a form that is equal for stems that a file system may take for the same name."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", stem).casefold())
