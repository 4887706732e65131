"""From a place in a value to the place in the file that holds it.

Owns the way back through YAML's scalar styles: what one character of a scalar's value was
written as, and where. It decodes the scalar once more, keeping the places, and believes itself
only when it arrives at the value that the YAML library gave; otherwise everything is at the
scalar's start, which is true, if coarse. Refuses to read files and to load YAML.

Lines end at LF, CRLF or CR, as editors have it; lines and columns count from 1, columns in
characters.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_BREAK = re.compile(r"\r\n|[\r\n]")
_YAML_BREAK = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")
_PROPERTIES = re.compile(r"(?:[!&]\S*(?:[ \t]+#[^\r\n]*|[ \t\r\n])*)*")
_FOLD = re.compile(r"[ \t]*(?:(?:\r\n|[\r\n\x85\u2028\u2029])[ \t]*)+")
_HEADER = re.compile(r"[|>](?P<marks>[-+1-9]*)[ \t]*(?:#[^\r\n]*)?(?:\r\n|[\r\n])?")
_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f",
    "r": "\r", "e": "\x1b", " ": " ", '"': '"', "\\": "\\", "/": "/", "N": "\x85", "_": "\xa0",
    "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_CODES = {"x": 2, "u": 4, "U": 8}

_WIDEST = 200
"""So many indentations are tried for a block scalar that states its own."""

_Piece = tuple[str, int]
"""A character of the value, and the index in the file of the first character it came from."""


@dataclass(frozen=True, slots=True)
class TextMap:
    """Places in a whole text, as in a `.sql` file."""

    text: str
    _starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = (0, *(found.end() for found in _BREAK.finditer(self.text)))
        object.__setattr__(self, "_starts", starts)

    def locate(self, offset: int) -> tuple[int, int]:
        """Return line and column of a character; outside the text, of its nearest end.

        A byte order mark at the beginning of the text is not a column.
        """
        offset = max(0, min(offset, len(self.text)))
        line = bisect_right(self._starts, offset)
        column = offset - self._starts[line - 1] + 1
        if line == 1 and self.text.startswith("\ufeff"):
            column = max(1, column - 1)
        return line, column


@dataclass(frozen=True, slots=True)
class ScalarMap:
    """Places in the value of one YAML scalar.

    `text` is the whole file; `start_index` and `end_index` are the indices in it of the scalar's
    marks, as PyYAML gives them (libyaml does not count a byte order mark: both ways of counting
    are understood); `style` is PyYAML's: `None` or `""` for plain, or one of `' " | >`; `value`
    is what the scalar says.
    """

    text: str
    start_index: int
    end_index: int
    style: str | None
    value: str
    _known: list[tuple[int, ...] | None] = field(
        default_factory=list, init=False, repr=False, compare=False
    )

    @property
    def proven(self) -> bool:
        """Whether places are exact. Otherwise every offset is at the scalar's start."""
        return self._sources() is not None

    def index(self, offset: int) -> int:
        """Return the index in the file of the character at `offset` of the value.

        A character that was folded from a line break is at that break. An offset behind the
        value is one past its last character, and a negative one is its first.
        """
        sources = self._sources()
        if not sources:
            return self.start_index
        if offset >= len(sources):
            return sources[-1] + 1
        return sources[max(0, offset)]

    def locate(self, offset: int) -> tuple[int, int]:
        """Return line and column in the file of the character at `offset` of the value."""
        return TextMap(self.text).locate(self.index(offset))

    def _sources(self) -> tuple[int, ...] | None:
        # Decoded on the first question: most scalars are never asked about.
        if not self._known:
            self._known.append(self._prove())
        return self._known[0]

    def _prove(self) -> tuple[int, ...] | None:
        """Return the source of each character, if decoding again gives the value."""
        for shift in (0, 1) if self.text.startswith("\ufeff") else (0,):
            start, end = self.start_index + shift, self.end_index + shift
            properties = _PROPERTIES.match(self.text, start, end)
            start = properties.end() if properties else start
            for pieces in _decodings(self.text, start, end, self.style or ""):
                if "".join(char for char, _ in pieces) == self.value:
                    return tuple(source for _, source in pieces)
        return None


def _decodings(text: str, start: int, end: int, style: str) -> Iterator[list[_Piece]]:
    """Yield the ways to read `text[start:end]` as a scalar of a style; mostly one, or none."""
    if style in ("|", ">"):
        yield from _blocks(text, start, end)
    elif style in ("'", '"'):
        if text[start : start + 1] == style and end - start > 1:
            yield list(_flow(text, start + 1, end - 1, style))
    elif style == "":
        yield list(_flow(text, start, end, style))


def _flow(text: str, start: int, end: int, style: str) -> Iterator[_Piece]:
    """Decode a plain or quoted scalar, given without its quotes."""
    position = start
    while position < end:
        char = text[position]
        if style == '"' and char == "\\":
            piece, position = _escape(text, position, end)
            yield from piece
        elif style == "'" and text.startswith("''", position):
            yield "'", position
            position += 2
        elif fold := _FOLD.match(text, position, end):
            yield from _folded(text, position, fold.end())
            position = fold.end()
        else:
            yield char, position
            position += 1


def _folded(text: str, start: int, end: int) -> Iterator[_Piece]:
    """Fold white space with line breaks in it: one is a space, each further one a line feed."""
    first, *others = _YAML_BREAK.finditer(text, start, end)
    kept = first.group() in ("\u2028", "\u2029")  # YAML 1.1 does not fold these two
    if kept:
        yield first.group(), first.start()
    elif not others:
        yield " ", first.start()
    for found in others:
        yield _line_feed(found), found.start()


def _line_feed(found: re.Match[str]) -> str:
    return found.group() if found.group() in ("\u2028", "\u2029") else "\n"


def _escape(text: str, position: int, end: int) -> tuple[list[_Piece], int]:
    """Decode a backslash escape; return its characters, and where it ends."""
    mark = text[position + 1 : position + 2]
    if mark in _CODES:
        behind = position + 2 + _CODES[mark]
        digits = text[position + 2 : behind]
        if re.fullmatch(r"[0-9A-Fa-f]+", digits) and int(digits, 16) <= 0x10FFFF:  # noqa: PLR2004
            return [(chr(int(digits, 16)), position)], behind
    if mark in _ESCAPES:
        return [(_ESCAPES[mark], position)], position + 2
    fold = _FOLD.match(text, position + 1, end)
    if fold is None:
        return [], position + 2
    _, *others = _YAML_BREAK.finditer(text, position, fold.end())
    return [(_line_feed(found), found.start()) for found in others], fold.end()


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a block scalar: `text[start:end]`, and its break at `end`, if it has one."""

    start: int
    end: int
    ends: str


def _blocks(text: str, start: int, end: int) -> Iterator[list[_Piece]]:
    """Decode a block scalar by each indentation that its lines allow.

    With an indentation indicator the indentation depends on what is around the scalar, which
    is not known here; and the value tells which one was meant.
    """
    header = _HEADER.match(text, start, end)
    if header is None:
        return
    lines: list[_Line] = []
    position = header.end()
    while position < end:
        found = _YAML_BREAK.search(text, position, end)
        stop = found.start() if found else end
        lines.append(_Line(position, stop, _line_feed(found) if found else ""))
        position = found.end() if found else end
    widths = [_indent(text, line) for line in lines]
    filled = [w for w, line in zip(widths, lines, strict=True) if line.start + w < line.end]
    widest = min(filled) if filled else max(widths, default=0)
    least = max(-1, widest - _WIDEST) if any(m.isdigit() for m in header["marks"]) else widest - 1
    for indent in range(widest, least, -1):
        yield list(_block(text, lines, indent, text[start], header["marks"]))


def _indent(text: str, line: _Line) -> int:
    body = text[line.start : line.end]
    return len(body) - len(body.lstrip(" "))


def _block(text: str, lines: list[_Line], indent: int, style: str, marks: str) -> Iterator[_Piece]:
    last: _Line | None = None  # the last line that was not blank
    loose = False  # it began with a blank, behind the indentation
    blank: list[_Line] = []
    for line in lines:
        begin = line.start + min(indent, _indent(text, line))
        if begin == line.end:
            blank.append(line)
            continue
        is_loose = text[begin] in " \t"
        if last:
            if style == "|" or loose or is_loose or last.ends != "\n":
                yield last.ends, last.end
            elif not blank:
                yield " ", last.end
        yield from ((b.ends, b.end) for b in blank)
        yield from ((text[i], i) for i in range(begin, line.end))
        last, loose, blank = line, is_loose, []
    if last and last.ends and "-" not in marks:
        yield last.ends, last.end
    if "+" in marks:
        yield from ((b.ends, b.end) for b in blank if b.ends)
