"""Where each value of a JSON text stands: from a path to an offset.

Owns the walk through a text that is known to be JSON. It costs more than reading, so it is made
only to say where something is wrong. Refuses to judge what it walks past.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]

DEEPEST = 16
"""Levels that are walked into; what lies deeper is at the place of the value that holds it."""

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


@dataclass(slots=True)
class Places:
    """The offsets of a text, in characters.

    `values` and `keys` go from a path (`("changes", 0, "name")`) to where its value and its key
    begin; `repeated` has the offset of each key that its object had before, and the path to it.
    """

    text: str
    values: dict[Path, int] = field(default_factory=dict)
    keys: dict[Path, int] = field(default_factory=dict)
    repeated: list[tuple[int, Path]] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> Places:
        """Walk through a text. Raises `ValueError` where it is no JSON."""
        places = cls(text)
        places._value(0, ())
        return places

    def at(self, path: Path, *, key: bool = False) -> int:
        """Give where the value of a path begins, or its key; the nearest known one above it."""
        if key and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, 0)

    def _value(self, offset: int, path: Path) -> int:
        """Walk through the value at an offset; give where it ends."""
        start = self.values[path] = self._solid(offset)
        if len(path) < DEEPEST:
            match self.text[start : start + 1]:
                case "{":
                    return self._object(start, path)
                case "[":
                    return self._array(start, path)
        return self._skip(start)

    def _object(self, start: int, path: Path) -> int:
        offset = self._solid(start + 1)
        seen: set[str] = set()
        while self.text[offset] != "}":
            name, end = _DECODER.raw_decode(self.text, offset)
            inner = (*path, str(name))
            if name in seen:
                self.repeated.append((offset, inner))
            seen.add(name)
            self.keys[inner] = offset
            offset = self._next(self._value(self._solid(end) + 1, inner))
        return offset + 1

    def _array(self, start: int, path: Path) -> int:
        offset, number = self._solid(start + 1), 0
        while self.text[offset] != "]":
            offset = self._next(self._value(offset, (*path, number)))
            number += 1
        return offset + 1

    def _skip(self, offset: int) -> int:
        return _DECODER.raw_decode(self.text, offset)[1]

    def _solid(self, offset: int) -> int:
        """Give the offset of the first character from here that is no white space."""
        found = _SPACE.match(self.text, offset)
        return found.end() if found else offset

    def _next(self, offset: int) -> int:
        """Step over the comma that may follow a value."""
        offset = self._solid(offset)
        return self._solid(offset + 1) if self.text[offset] == "," else offset
