"""A segment's name as the name of a file that every file system takes, and that people can read.

Owns the way from a name to the stem of a file: lower case, words joined by `-`, accents of Latin
letters left off, letters of other scripts kept. What comes out is never hidden, never a path, no
device of Windows, and unique whatever the case or the Unicode form in which a file system
compares. Knows no file system: what is taken, it is told.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_CHARACTERS = 80
MAX_BYTES = 180
"""In UTF-8: file systems stop at 255, and what is saved beside a file has a longer name."""

_SUFFIXES = (".yaml", ".yml")
_FALLBACK = "segment"
_ID_CHARACTERS = 8

# Windows gives these to devices, whatever the suffix; the last two are segctl's own in the folder.
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", "conin", "conout", "clock"]
    + [f"{port}{number}" for port in ("com", "lpt") for number in range(10)]
    + ["fields", "fixtures"]
)

# Latin letters that Unicode does not take apart.
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
    """Gives out names of files in one folder, each once."""

    def __init__(self, taken: Iterable[str]) -> None:
        """Begin with the names that stand in the folder, suffix and all, those of folders too."""
        self._taken = {
            _folded(stem)
            for stem, dot, suffix in (name.rpartition(".") for name in taken)
            if f"{dot}{suffix}".lower() in _SUFFIXES
        }

    def claim(self, name: str, segment_id: str) -> str:
        """Give a segment a file name, and give it to nobody else.

        Where its name leaves nothing to write, the beginning of its id stands for it.
        """
        stem = slug(name) or slug(f"{_FALLBACK}-{slug(segment_id)[:_ID_CHARACTERS]}")
        chosen, number = stem, 1
        while _folded(chosen) in self._taken:
            number += 1
            chosen = _cut(stem, reserve=len(f"-{number}")) + f"-{number}"
        self._taken.add(_folded(chosen))
        return f"{chosen}{_SUFFIXES[0]}"


def slug(name: str) -> str:
    """Write a name as the stem of a file, or nothing where it holds neither letter nor digit."""
    written = ""
    for char in unicodedata.normalize("NFC", name).translate(_LATIN):
        if unicodedata.category(char).startswith("M"):
            # A mark of another script is part of its word; one on a Latin letter is an accent.
            written += "" if not written or written[-1].isascii() else char
        else:
            written += _written(char)
    stem = _cut("-".join(unicodedata.normalize("NFC", written).split()))
    return f"{_FALLBACK}-{stem}" if stem in _RESERVED else stem


def _written(char: str) -> str:
    """Write one character: as ASCII where it comes apart into that, a space where it is no text."""
    base = "".join(
        part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part)
    )
    if base.isascii() and base.isalnum():
        return base.lower()
    return char.lower() if char.isalnum() else " "


def _cut(stem: str, reserve: int = 0) -> str:
    """Keep as much as fits, with room for `reserve` ASCII characters behind it."""
    stem = stem[: MAX_CHARACTERS - reserve]
    return stem.encode()[: MAX_BYTES - reserve].decode(errors="ignore").rstrip("-")


def _folded(stem: str) -> str:
    """Fold what a file system may hold to be the same name: case, and how accents are written."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", stem).casefold())
