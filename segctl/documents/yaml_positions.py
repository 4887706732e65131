"""Positions in a file for the characters of a value: the way back through YAML's scalar styles.

Decodes a scalar again, keeping the place of each character, and trusts the result only if it is the
value that the YAML library returned. Otherwise every character is at the scalar's start, which is
true, if coarse. Reads no files and loads no YAML.

Lines end at LF, CRLF or CR, as in editors; lines and columns count from 1, columns in characters.
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

_MAX_INDENTS = 200
"""The number of indentations that are tried for a block scalar with an indentation indicator."""

_SourcedChar = tuple[str, int]
"""A character of the value, and the index in the file of the first character it was written as."""


@dataclass(frozen=True, slots=True)
class TextMap:
    """Positions in a whole text, such as that of a `.sql` file."""

    text: str
    _starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = (0, *(line_break.end() for line_break in _BREAK.finditer(self.text)))
        object.__setattr__(self, "_starts", starts)

    def locate(self, offset: int) -> tuple[int, int]:
        """Return the line and column of a character; outside the text, of its nearest end.

        A byte order mark at the start of the text is not a column.
        """
        offset = max(0, min(offset, len(self.text)))
        line = bisect_right(self._starts, offset)
        column = offset - self._starts[line - 1] + 1
        if line == 1 and self.text.startswith("\ufeff"):
            column = max(1, column - 1)
        return line, column


@dataclass(frozen=True, slots=True)
class ScalarMap:
    """Positions in the value of one YAML scalar.

    `text` is the whole file; `start_index` and `end_index` are the indices of the scalar's marks
    in it, as PyYAML reports them (libyaml does not count a byte order mark: both ways of counting
    work); `style` is PyYAML's: `None` or `""` for plain, or one of `' " | >`; `value` is the
    scalar's value.
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
        """Whether positions are exact. Otherwise every offset is at the scalar's start."""
        return self._sources() is not None

    def index(self, offset: int) -> int:
        """Return the index in the file of the character at `offset` of the value.

        A space that was folded from a line break is at that break. An offset after the value is
        one past its last character; a negative one is its first.
        """
        sources = self._sources()
        if not sources:
            return self.start_index
        if offset >= len(sources):
            return sources[-1] + 1
        return sources[max(0, offset)]

    def locate(self, offset: int) -> tuple[int, int]:
        """Return the line and column in the file of the character at `offset` of the value."""
        return TextMap(self.text).locate(self.index(offset))

    def _sources(self) -> tuple[int, ...] | None:
        # Decoded on first use: most scalars are never used.
        if not self._known:
            self._known.append(self._prove())
        return self._known[0]

    def _prove(self) -> tuple[int, ...] | None:
        """Return the index of each character, if decoding the scalar again yields the value."""
        for shift in (0, 1) if self.text.startswith("\ufeff") else (0,):
            start, end = self.start_index + shift, self.end_index + shift
            properties = _PROPERTIES.match(self.text, start, end)
            start = properties.end() if properties else start
            for chars in _decodings(self.text, start, end, self.style or ""):
                if "".join(char for char, _ in chars) == self.value:
                    return tuple(source for _, source in chars)
        return None


def _decodings(text: str, start: int, end: int, style: str) -> Iterator[list[_SourcedChar]]:
    """Yield the ways to read `text[start:end]` as a scalar of a style: usually one, or none."""
    if style in ("|", ">"):
        yield from _blocks(text, start, end)
    elif style in ("'", '"'):
        if text[start : start + 1] == style and end - start > 1:
            yield list(_flow(text, start + 1, end - 1, style))
    elif style == "":
        yield list(_flow(text, start, end, style))


def _flow(text: str, start: int, end: int, style: str) -> Iterator[_SourcedChar]:
    """Yield the characters of a plain or quoted scalar; the range is without its quotes."""
    position = start
    while position < end:
        char = text[position]
        if style == '"' and char == "\\":
            chars, position = _escape(text, position, end)
            yield from chars
        elif style == "'" and text.startswith("''", position):
            yield "'", position
            position += 2
        elif fold := _FOLD.match(text, position, end):
            yield from _folded(text, position, fold.end())
            position = fold.end()
        else:
            yield char, position
            position += 1


def _folded(text: str, start: int, end: int) -> Iterator[_SourcedChar]:
    """Yield what white space with line breaks folds to: a space, or a line feed per further one."""
    first, *others = _YAML_BREAK.finditer(text, start, end)
    if first.group() in ("\u2028", "\u2029"):  # YAML 1.1 does not fold these two
        yield first.group(), first.start()
    elif not others:
        yield " ", first.start()
    for line_break in others:
        yield _line_feed(line_break), line_break.start()


def _line_feed(line_break: re.Match[str]) -> str:
    return line_break.group() if line_break.group() in ("\u2028", "\u2029") else "\n"


def _escape(text: str, position: int, end: int) -> tuple[list[_SourcedChar], int]:
    """Return the characters of a backslash escape, and where it ends."""
    mark = text[position + 1 : position + 2]
    if mark in _CODES:
        end_of_digits = position + 2 + _CODES[mark]
        digits = text[position + 2 : end_of_digits]
        if re.fullmatch(r"[0-9A-Fa-f]+", digits) and int(digits, 16) <= 0x10FFFF:  # noqa: PLR2004
            return [(chr(int(digits, 16)), position)], end_of_digits
    if mark in _ESCAPES:
        return [(_ESCAPES[mark], position)], position + 2
    fold = _FOLD.match(text, position + 1, end)
    if fold is None:
        return [], position + 2
    _, *others = _YAML_BREAK.finditer(text, position, fold.end())
    chars = [(_line_feed(line_break), line_break.start()) for line_break in others]
    return chars, fold.end()


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a block scalar: `text[start:end]`, and its break at `end`, if it has one."""

    start: int
    end: int
    ends: str


def _blocks(text: str, start: int, end: int) -> Iterator[list[_SourcedChar]]:
    """Yield the characters of a block scalar for each indentation that its lines allow.

    With an indentation indicator, the indentation depends on what is around the scalar, which is
    not known here; the value shows which one is right.
    """
    header = _HEADER.match(text, start, end)
    if header is None:
        return
    lines: list[_Line] = []
    position = header.end()
    while position < end:
        line_break = _YAML_BREAK.search(text, position, end)
        stop = line_break.start() if line_break else end
        lines.append(_Line(position, stop, _line_feed(line_break) if line_break else ""))
        position = line_break.end() if line_break else end
    indents = [_indent(text, line) for line in lines]
    filled = [n for n, line in zip(indents, lines, strict=True) if line.start + n < line.end]
    largest = min(filled) if filled else max(indents, default=0)
    has_indicator = any(mark.isdigit() for mark in header["marks"])
    count = min(_MAX_INDENTS, largest + 1) if has_indicator else 1
    for indent in range(largest, largest - count, -1):
        yield list(_block(text, lines, indent, text[start], header["marks"]))


def _indent(text: str, line: _Line) -> int:
    body = text[line.start : line.end]
    return len(body) - len(body.lstrip(" "))


def _block(
    text: str, lines: list[_Line], indent: int, style: str, marks: str
) -> Iterator[_SourcedChar]:
    last: _Line | None = None  # the last line that was not blank
    is_last_loose = False  # it started with white space after the indentation
    blank: list[_Line] = []
    for line in lines:
        begin = line.start + min(indent, _indent(text, line))
        if begin == line.end:
            blank.append(line)
            continue
        is_loose = text[begin] in " \t"
        if last:
            if style == "|" or is_last_loose or is_loose or last.ends != "\n":
                yield last.ends, last.end
            elif not blank:
                yield " ", last.end
        yield from ((blank_line.ends, blank_line.end) for blank_line in blank)
        yield from ((text[index], index) for index in range(begin, line.end))
        last, is_last_loose, blank = line, is_loose, []
    if last and last.ends and "-" not in marks:
        yield last.ends, last.end
    if "+" in marks:
        yield from ((line.ends, line.end) for line in blank if line.ends)
