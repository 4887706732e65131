"""A segment file cut into pieces that can be moved: its head, one piece a key, its end.

Owns the question of which comment belongs to what:

- the head is what stands above the first key: `---`, lines for editors
  (`# yaml-language-server: …`), and everything above a blank line;
- comments and blank lines right above a key go with the key; comments behind a value stay there;
- indented comments below a value go with that value; those behind the last key stay at the end.

Refuses to change any value: pieces are slices of the file, without white space at the ends of
lines outside scalars, and with one blank line where there were several.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.documents.document import Document, Place

_FOR_EDITORS = re.compile(r"#\s*(?:yaml-language-server:|-\*-|vim?:|prettier|yamllint|!)")
_COMMENT = re.compile(r"(?:^|(?<=[ \t\n]))#[^\n]*", re.MULTILINE)
_HEADER = re.compile(r"[|>][-+0-9]*(?P<rest>[^\n]*)")
_END_MARK = re.compile(r"\.\.\.(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Piece:
    """One key with its value: the lines above it (comments, blank lines), and its own lines."""

    key: str
    above: tuple[str, ...]
    lines: tuple[str, ...]

    def with_value(self, lines: Sequence[str], comments: Sequence[str]) -> Piece:
        """Return the piece with other lines and further comments above it."""
        return replace(self, above=(*self.above, *comments), lines=tuple(lines))


@dataclass(frozen=True, slots=True)
class Pieces:
    """A whole file. `below` has, by key, the indented comments that follow the key's value."""

    head: tuple[str, ...]
    keys: tuple[Piece, ...]
    end: tuple[str, ...]
    below: dict[str, tuple[str, ...]]

    def text(self) -> str:
        """Put the file together; it ends with one line feed."""
        lines = [*self.head]
        for piece in self.keys:
            above = list(piece.above)
            if above and not above[0] and (not lines or not lines[-1]):
                del above[0]
            lines += [*above, *piece.lines, *self.below.get(piece.key, ())]
        lines += self.end
        while lines and not lines[-1]:
            lines.pop()
        return "".join(f"{line}\n" for line in lines)


class Scalars:
    """Where the scalars of a document are: nothing in them is a comment."""

    def __init__(self, document: Document) -> None:
        spans = [
            (place.offset, _end(document.text, place))
            for place in (*document.places.values(), *document.keys.values())
            if place.style is not None and place.end_offset > place.offset
        ]
        self.spans = sorted(spans)
        self.starts = [start for start, _ in self.spans]

    def hold(self, index: int) -> bool:
        """Tell whether a character belongs to a scalar."""
        at = bisect_right(self.starts, index) - 1
        return at >= 0 and index < self.spans[at][1]


def _end(text: str, place: Place) -> int:
    """Return where a scalar ends, without the empty lines that only follow a block scalar."""
    end = place.end_offset
    if place.style in ("|", ">"):
        header = _HEADER.match(text, place.offset)
        kept = header is not None and "+" in header.group().partition("#")[0]
        while not kept and text[end - 2 : end] == "\n\n":
            end -= 1
    return end


def comments_of(document: Document) -> list[str]:
    """Return every comment of a document, sorted, without white space at its end."""
    text = document.text
    found: list[str] = []
    position = 0
    for start, end in Scalars(document).spans:
        if start < position:
            continue
        found += _COMMENT.findall(text[position:start])
        header = _HEADER.match(text, start, end)
        found += comments_in(header["rest"]) if header else []
        # The line feed of a block scalar is before what follows it.
        position = end - 1 if text[end - 1 : end] == "\n" else end
    found += _COMMENT.findall(text[position:])
    return sorted(comment.rstrip() for comment in found)


def comments_in(text: str) -> list[str]:
    """Return the comments in a piece of a file that is not within a scalar."""
    return [found.rstrip() for found in _COMMENT.findall(text)]


def cut(document: Document) -> Pieces | str:
    """Cut a document that was read without findings, or say why that is not possible."""
    text, root = document.text, document.places[()]
    keys = sorted(
        (place.offset, path[0]) for path, place in document.keys.items() if len(path) == 1
    )
    if not keys or text[root.offset : root.offset + 1] == "{":
        return "it is not written as one key a line"
    if any(document.keys[(key,)].column for _, key in keys):
        return "its keys do not begin their lines"
    lines = text.split("\n")
    scalars = Scalars(document)
    first_lines = [document.keys[(key,)].line for _, key in keys]
    ends = [0]
    for line in lines:
        ends.append(ends[-1] + len(line) + 1)
    head, above = _head(lines[: first_lines[0]])
    pieces: list[Piece] = []
    below: dict[str, tuple[str, ...]] = {}
    for number, (_, key) in enumerate(keys):
        begin = first_lines[number]
        stop = first_lines[number + 1] if number + 1 < len(keys) else len(lines)
        last = stop
        while last - 1 > begin and _is_loose(lines[last - 1], ends[last - 1], scalars):
            last -= 1
        own = [
            line if scalars.hold(ends[n + 1] - 1) else line.rstrip(" \t")
            for n, line in enumerate(lines[begin:last], begin)
        ]
        pieces.append(Piece(str(key), _tidy(above), tuple(own)))
        below[str(key)], above = _split(lines[last:stop])
    return Pieces(head, tuple(pieces), _squeezed(above), below)


def _is_loose(line: str, start: int, scalars: Scalars) -> bool:
    """Tell whether a line belongs to no value: it is blank, a comment or the mark of the end."""
    bare = line.lstrip(" \t")
    if bare and bare[0] != "#" and not _END_MARK.match(line):
        return False
    return not scalars.hold(start + len(line) - len(bare))


def _split(loose: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """Split what follows a value: indented comments belong to it, the rest to what comes next."""
    until = 0
    for number, line in enumerate(loose, 1):
        if line[:1] not in ("", " ", "\t"):
            break
        if line.strip():
            until = number
    return _squeezed(loose[:until]), loose[until:]


def _head(lines: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """Split what stands above the first key into the file's head and what belongs to the key."""
    until = 0
    for number, line in enumerate(lines, 1):
        bare = line.strip()
        if not bare or bare[0] != "#" or _FOR_EDITORS.match(bare):
            until = number
    head = list(_squeezed(lines[:until]))
    while head and not head[0]:
        del head[0]
    return tuple(head), lines[until:]


def _tidy(lines: list[str]) -> tuple[str, ...]:
    return tuple(line.lstrip(" \t") for line in _squeezed(lines))


def _squeezed(lines: list[str]) -> tuple[str, ...]:
    """Take the white space from the ends of lines, and all blank lines of a run but one."""
    kept: list[str] = []
    for line in lines:
        bare = line.rstrip(" \t")
        if bare or not kept or kept[-1]:
            kept.append(bare)
    return tuple(kept)
