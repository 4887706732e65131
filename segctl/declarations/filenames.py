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

# Windows reserves these for devices, whatever the suffix; segctl itself uses the last two.
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", "conin", "conout", "clock"]
    + [f"{port}{number}" for port in ("com", "lpt") for number in range(10)]
    + ["fields", "fixtures"]
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
    """The file names of one folder; each is given to one segment only."""

    def __init__(self, taken: Iterable[str]) -> None:
        """`taken` are the names in the folder, with suffixes, those of subfolders included."""
        self._taken = {
            _folded(stem)
            for stem, dot, suffix in (name.rpartition(".") for name in taken)
            if f"{dot}{suffix}".lower() in _SUFFIXES
        }

    def claim(self, name: str, segment_id: str) -> str:
        """Return a new file name for a segment.

        The start of the id is used where the segment's name has neither letters nor digits.
        """
        stem = slug(name) or slug(f"{_FALLBACK}-{slug(segment_id)[:_ID_CHARACTERS]}")
        candidate, number = stem, 1
        while _folded(candidate) in self._taken:
            number += 1
            candidate = _shortened(stem, reserve=len(f"-{number}")) + f"-{number}"
        self._taken.add(_folded(candidate))
        return f"{candidate}{_SUFFIXES[0]}"


def slug(name: str) -> str:
    """Return a name as the stem of a file; empty if it has neither letters nor digits."""
    text = ""
    for char in unicodedata.normalize("NFC", name).translate(_LATIN):
        if unicodedata.category(char).startswith("M"):
            # A mark of another script is part of its word; on a Latin letter, it is an accent.
            text += "" if not text or text[-1].isascii() else char
        else:
            text += _slug_char(char)
    stem = _shortened("-".join(unicodedata.normalize("NFC", text).split()))
    return f"{_FALLBACK}-{stem}" if stem in _RESERVED else stem


def _slug_char(char: str) -> str:
    """Return one character: as ASCII if it decomposes to that, a space if it is not text."""
    base = "".join(
        part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part)
    )
    if base.isascii() and base.isalnum():
        return base.lower()
    return char.lower() if char.isalnum() else " "


def _shortened(stem: str, reserve: int = 0) -> str:
    """Return as much of a stem as fits, with room for `reserve` more ASCII characters."""
    stem = stem[: MAX_CHARACTERS - reserve]
    return stem.encode()[: MAX_BYTES - reserve].decode(errors="ignore").rstrip("-")


def _folded(stem: str) -> str:
    """Return a form that is equal for stems that a file system may take for the same name."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", stem).casefold())
