"""The marked block of a CODEOWNERS file: who reviews which segment file. Pure: bytes to bytes.

Everything outside the block stays as it is, to the byte. GitHub takes the last line that matches
a file, and its patterns are those of .gitignore without three things: a character class, a negated
pattern, and a first `#` that a backslash escapes. So a space gets a backslash, and any other
character that means something, somewhere, becomes `?`, which stands for one character.
"""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

from segctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from segctl.model import Declared

FIRST_LINE = "# BEGIN segctl owners. Do not edit: `segctl owners --codeowners` writes these lines."
LAST_LINE = "# END segctl owners"

_MARK = re.compile(rb"[ \t]*#[ \t]*(BEGIN|END)[ \t]+segctl[ \t]+owners\b", re.IGNORECASE)
_LITERAL = frozenset(string.ascii_letters + string.digits + "/._-+@")


def owner_rules(declared: Iterable[Declared], owners: Mapping[str, str], folder: str) -> list[str]:
    """Return a line for each file of a segment with a known owner: its path, and who owns it.

    `owners` maps names to e-mail addresses, @user or @org/team. `folder` is that of the project in
    the repository. Lines with a `?` come first, so that no other file gets their owner.
    """
    who_by_path: dict[str, set[str]] = {}
    for segment in declared:
        if segment.owner in owners:
            for path in (segment.file, segment.query_span.file):
                pattern = _pattern(f"{folder}/{path}" if folder else path)
                who_by_path.setdefault(pattern, set()).add(owners[segment.owner])
    patterns = sorted(who_by_path, key=lambda pattern: ("?" not in pattern, pattern))
    return [f"{pattern} {' '.join(sorted(who_by_path[pattern]))}" for pattern in patterns]


def _pattern(path: str) -> str:
    return "/" + "".join(map(_escaped, path))


def _escaped(char: str) -> str:
    if char in _LITERAL or (not char.isascii() and char.isprintable()):
        return char
    return "\\ " if char == " " else "?"


def with_block(data: bytes, rules: Iterable[str]) -> bytes:
    """Return a CODEOWNERS file with these lines in its block, which is added at the end if missing.

    Raises `UsageError` where the lines that mark the block are not one pair.
    """
    lines = data.splitlines(keepends=True)
    marks = [
        (number, match[1].upper())
        for number, line in enumerate(lines)
        if (match := _MARK.match(line)) is not None
    ]
    if marks and [kind for _, kind in marks] != [b"BEGIN", b"END"]:
        found = ", ".join(f"{kind.decode()} in line {number + 1}" for number, kind in marks)
        raise UsageError(
            f"the block of segctl must have one BEGIN and one END below it, got {found}",
            hint="restore the two lines that mark the block, or remove all of them to have segctl "
            "add a block at the end",
        )
    line_end = "\r\n" if lines and lines[0].endswith(b"\r\n") else "\n"
    block = "".join(f"{line}{line_end}" for line in (FIRST_LINE, *rules, LAST_LINE)).encode()
    if marks:
        (first, _), (last, _) = marks
        if not lines[last].endswith((b"\n", b"\r")):
            # The last line of the file had no line end.
            block = block.removesuffix(line_end.encode())
        return b"".join(lines[:first]) + block + b"".join(lines[last + 1 :])
    if not data:
        return block
    gap = line_end if data.endswith((b"\n", b"\r")) else line_end * 2
    return data + gap.encode() + block


def block_rules(data: bytes) -> list[str]:
    """Return the lines in the block of a CODEOWNERS file in which `with_block` finds no mistake."""
    lines = data.splitlines()
    marks = [number for number, line in enumerate(lines) if _MARK.match(line)]
    inside = lines[marks[0] + 1 : marks[1]] if marks else []
    return [line.decode("utf-8", "replace") for line in inside]
