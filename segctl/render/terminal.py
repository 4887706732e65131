"""Colour, and the safety of what is shown.

Owns the escape codes that we write and the removal of those that others might: a segment's name
comes from an account that many can edit, and must not be able to repaint a terminal or to reorder
a line with bidirectional marks.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from segctl.common.secrets import redact


@dataclass(frozen=True, slots=True)
class Style:
    """Puts colours on text, or leaves it plain."""

    color: bool = False

    def _wrap(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and text else text

    def bold(self, text: str) -> str:
        """Emphasise."""
        return self._wrap("1", text)

    def dim(self, text: str) -> str:
        """Push back."""
        return self._wrap("2", text)

    def red(self, text: str) -> str:
        """Mark what is wrong or goes away."""
        return self._wrap("31", text)

    def green(self, text: str) -> str:
        """Mark what is well or comes."""
        return self._wrap("32", text)

    def yellow(self, text: str) -> str:
        """Mark what changes or needs a look."""
        return self._wrap("33", text)


def clean(text: str) -> str:
    """Show one line of text from elsewhere.

    Every invisible character is written out, and a whole API key, which somebody may have put into
    a name or a query, is masked.
    """
    text = redact(text, whole=True)
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))


def _visible(char: str) -> str:
    # Cc control, Cf format (bidirectional marks among them), Cs surrogate, Zl and Zp line breaks;
    # two that are no characters, and that XML cannot hold.
    if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} or char in "\ufffe\uffff":
        code = ord(char)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004
    return char


def cells(text: str) -> int:
    """Count the columns that a text takes in a terminal: two for a wide character."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def clean_lines(text: str) -> list[str]:
    """Show a text of several lines, each as `clean` shows it; tabs become four spaces."""
    lines = text.replace("\r\n", "\n").split("\n")
    return [clean(line.replace("\t", "    ")) for line in lines]


def percent(part: int, whole: int) -> str:
    """Write a share: "0 %", "<0.1 %", "1.2 %", "34 %"; empty where there is no whole."""
    if not whole:
        return ""
    share = 100 * part / whole
    rounded = f"{share:.0f}" if share >= _ROUGHLY or not part else f"{share:.1f}"
    if rounded == "100" and part < whole:
        return ">99 %"
    # Somebody is not nobody.
    return f"{'<0.1' if rounded == '0.0' else rounded} %"


_ROUGHLY = 10
"""From so many percent on, tenths tell nothing."""


def count(number: int, noun: str) -> str:
    """Write "1 segment", "2 segments", "1,203 segments"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
