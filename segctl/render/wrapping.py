r"""Lines that fit a terminal: broken between words, with what goes on indented below.

A terminal by itself breaks a line in the middle of a word. Knows nothing of the text but its escape
sequences for colours. A word or a command that is longer than the terminal is left to it.
"""

from __future__ import annotations

import re

from segctl.render.terminal import cells

NARROWEST = 20
"""Columns below which lines are left as they are."""

_HANGING = 4
"""Columns by which the rest of a line is indented below its beginning."""

_COLOR = re.compile("\x1b\\[[0-9;]*m")
_PIECE = re.compile(" +|(?:`segctl [^`]*`|[^ ])+")
"""Blanks, and what is not broken: a word, or a command, which is copied as a whole."""


def wrap(text: str, width: int | None) -> str:
    """Return a text whose lines fit into so many columns; `None` leaves it as it is."""
    if width is None or width < NARROWEST:
        return text
    return "\n".join(_wrap_line(line, width) for line in text.split("\n"))


def _wrap_line(line: str, width: int) -> str:
    if _cells(line) <= width:
        return line
    plain = _COLOR.sub("", line)
    indent = len(plain) - len(plain.lstrip(" "))
    hanging = min(indent + _HANGING, width // 2)
    lines: list[str] = []
    current, used, blank = "", 0, ""
    for piece in _PIECE.findall(line):
        if piece[0] == " ":
            blank = piece
            continue
        size = _cells(piece)
        if used + len(blank) + size > width:
            # A word that fits into a line of its own is not broken for the sake of its indent.
            blank = " " * max(0, min(hanging if current else indent, width - size))
            lines += [current] if current else []
            current, used = "", 0
        current += blank + piece
        used += len(blank) + size
        blank = ""
    return "\n".join([*lines, current + blank])


def _cells(text: str) -> int:
    return cells(_COLOR.sub("", text)) if "\x1b" in text else cells(text)
