"""A segment file as blocks that can be moved: its head, one block per key, its end.

Decides which comment belongs to what:

- the head is what is above the first key: `---`, lines for editors (`# yaml-language-server: …`),
  and everything above a blank line;
- comments and blank lines directly above a key belong to the key; comments after a value stay
  there;
- indented comments below a value belong to that value; those after the last key stay at the end.

Changes no value: a block is a slice of the file, without trailing white space outside scalars, and
with at most one blank line in a row.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.documents.document import Document, Place

_EDITOR_LINE = re.compile(r"#\s*(?:yaml-language-server:|-\*-|vim?:|prettier|yamllint|!)")
_COMMENT = re.compile(r"(?:^|(?<=[ \t\n]))#[^\n]*", re.MULTILINE)
_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*(?P<rest>[^\n]*)")
_DOCUMENT_END = re.compile(r"\.\.\.(?:\s|$)")


@dataclass(frozen=True, slots=True)
class KeyBlock:
    """A key with its value: the comments and blank lines above it, and its own lines."""

    key: str
    above: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileBlocks:
    """A whole file. `below` maps a key to the indented comments after its value."""

    head: tuple[str, ...]
    keys: tuple[KeyBlock, ...]
    end: tuple[str, ...]
    below: dict[str, tuple[str, ...]]

    def with_value(self, key: str, lines: Sequence[str], comments: Sequence[str]) -> FileBlocks:
        """Return the file with other lines for a key.

        The comments below its old value move above the key, and `comments` as well.
        """
        below = dict(self.below)
        moved_up = [line.strip() for line in below.pop(key) if line]
        keys = tuple(
            replace(block, above=(*block.above, *moved_up, *comments), lines=tuple(lines))
            if block.key == key
            else block
            for block in self.keys
        )
        return replace(self, keys=keys, below=below)

    def text(self) -> str:
        """Return the text of the file, which ends with one line feed."""
        lines = [*self.head]
        for block in self.keys:
            above = list(block.above)
            if above and not above[0] and (not lines or not lines[-1]):
                del above[0]
            lines += [*above, *block.lines, *self.below.get(block.key, ())]
        lines += self.end
        while lines and not lines[-1]:
            lines.pop()
        return "".join(f"{line}\n" for line in lines)


class ScalarRanges:
    """Where the scalars of a document are: nothing inside them is a comment."""

    def __init__(self, document: Document) -> None:
        self.ranges = sorted(
            (place.offset, _scalar_end(document.text, place))
            for place in (*document.places.values(), *document.keys.values())
            if place.style is not None and place.end_offset > place.offset
        )
        self.starts = [start for start, _ in self.ranges]

    def contains(self, index: int) -> bool:
        """Whether a character belongs to a scalar."""
        number = bisect_right(self.starts, index) - 1
        return number >= 0 and index < self.ranges[number][1]


def _scalar_end(text: str, place: Place) -> int:
    """Return the end of a scalar, without the empty lines that only follow a block scalar."""
    end = place.end_offset
    if place.style in ("|", ">"):
        header = _BLOCK_HEADER.match(text, place.offset)
        keeps_lines = header is not None and "+" in header.group().partition("#")[0]
        while not keeps_lines and text[end - 2 : end] == "\n\n":
            end -= 1
    return end


def comments_of(document: Document) -> list[str]:
    """Return every comment of a document, sorted, without trailing white space."""
    text = document.text
    comments: list[str] = []
    position = 0
    for start, end in ScalarRanges(document).ranges:
        if start < position:
            continue
        comments += _COMMENT.findall(text[position:start])
        header = _BLOCK_HEADER.match(text, start, end)
        comments += comments_in(header["rest"]) if header else []
        # The line feed of a block scalar precedes what follows the scalar.
        position = end - 1 if text[end - 1 : end] == "\n" else end
    comments += _COMMENT.findall(text[position:])
    return sorted(comment.rstrip() for comment in comments)


def comments_in(text: str) -> list[str]:
    """Return the comments in a part of a file that is not inside a scalar."""
    return [comment.rstrip() for comment in _COMMENT.findall(text)]


def comments_beside(document: Document, key: str) -> list[str]:
    """Return the comments between a key and its value, and on the last line of the value.

    That of a block is the line with its `|`.
    """
    text, place = document.text, document.places[(key,)]
    start = place.offset + 1 if place.style in ("|", ">") else place.end_offset
    end = text.find("\n", start)
    between = text[document.keys[(key,)].end_offset : place.offset]
    return comments_in(between) + comments_in(text[start : end if end >= 0 else len(text)])


def split_blocks(document: Document) -> FileBlocks | str:
    """Split a document that has no diagnostics into blocks, or return why that is not possible."""
    text, root = document.text, document.places[()]
    keys = sorted(
        (place.offset, path[0]) for path, place in document.keys.items() if len(path) == 1
    )
    if not keys or text[root.offset : root.offset + 1] == "{":
        return "its keys are not on lines of their own"
    if any(document.keys[(key,)].column for _, key in keys):
        return "its keys are not at the start of their lines"
    lines = text.split("\n")
    scalars = ScalarRanges(document)
    key_lines = [document.keys[(key,)].line for _, key in keys]
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    head, above = _split_head(lines[: key_lines[0]])
    blocks: list[KeyBlock] = []
    below: dict[str, tuple[str, ...]] = {}
    for number, (_, key) in enumerate(keys):
        first = key_lines[number]
        next_key = key_lines[number + 1] if number + 1 < len(keys) else len(lines)
        end = next_key
        while end - 1 > first and _is_between_values(lines[end - 1], starts[end - 1], scalars):
            end -= 1
        own_lines = tuple(
            line if scalars.contains(starts[index + 1] - 1) else line.rstrip(" \t")
            for index, line in enumerate(lines[first:end], first)
        )
        blocks.append(KeyBlock(str(key), _unindented(above), own_lines))
        below[str(key)], above = _split_below(lines[end:next_key])
    return FileBlocks(head, tuple(blocks), _squeezed(above), below)


def _is_between_values(line: str, start: int, scalars: ScalarRanges) -> bool:
    """Return whether a line belongs to no value: blank, a comment or the document end mark."""
    bare = line.lstrip(" \t")
    if bare and bare[0] != "#" and not _DOCUMENT_END.match(line):
        return False
    return not scalars.contains(start + len(line) - len(bare))


def _split_below(lines: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """Split what follows a value into its indented comments and what belongs to the next key."""
    end = 0
    for number, line in enumerate(lines, 1):
        if line[:1] not in ("", " ", "\t"):
            break
        if line.strip():
            end = number
    return _squeezed(lines[:end]), lines[end:]


def _split_head(lines: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """Split what is above the first key into the head of the file and what belongs to the key."""
    end = 0
    for number, line in enumerate(lines, 1):
        bare = line.strip()
        if not bare or bare[0] != "#" or _EDITOR_LINE.match(bare):
            end = number
    head = list(_squeezed(lines[:end]))
    while head and not head[0]:
        del head[0]
    return tuple(head), lines[end:]


def _unindented(lines: list[str]) -> tuple[str, ...]:
    return tuple(line.lstrip(" \t") for line in _squeezed(lines))


def _squeezed(lines: list[str]) -> tuple[str, ...]:
    """Return lines without trailing white space, and with one blank line at most in a row."""
    squeezed: list[str] = []
    for line in lines:
        bare = line.rstrip(" \t")
        if bare or not squeezed or squeezed[-1]:
            squeezed.append(bare)
    return tuple(squeezed)
