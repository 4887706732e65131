"""Colours, and text that is safe to show.

Writes segctl's own escape codes, and makes those of others visible: a segment's name comes from an
account that many people can edit, and must not be able to repaint a terminal or to reorder a line
with bidirectional marks. Does not print.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from segctl.common.secrets import redact


@dataclass(frozen=True, slots=True)
class Style:
    """Colours text, or leaves it plain. `width` is the terminal's, `None` for a file or a pipe."""

    color: bool = False
    width: int | None = None

    def _wrap(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and text else text

    def bold(self, text: str) -> str:
        """Return text in bold."""
        return self._wrap("1", text)

    def dim(self, text: str) -> str:
        """Return text that is less prominent."""
        return self._wrap("2", text)

    def red(self, text: str) -> str:
        """Return text in the colour of errors and deletions."""
        return self._wrap("31", text)

    def green(self, text: str) -> str:
        """Return text in the colour of success and additions."""
        return self._wrap("32", text)

    def yellow(self, text: str) -> str:
        """Return text in the colour of changes and warnings."""
        return self._wrap("33", text)


def clean(text: str) -> str:
    """Return one line of foreign text, safe to show.

    Invisible characters are escaped, and a complete API key, which someone may have put into a name
    or a query, is masked.
    """
    text = redact(text, whole=True)
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(visible_char, text))


def visible_char(char: str) -> str:
    """Return a character, escaped if it is invisible or could act on a terminal."""
    # Cc control, Cf format (with bidirectional marks), Cs surrogate, Zl and Zp line breaks; and
    # two noncharacters, which XML cannot contain.
    if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} or char in "\ufffe\uffff":
        return escape_char(char)
    return char


def escape_char(char: str) -> str:
    r"""Return a character as `\xa0`, `\u0430` or `\U0001f600`."""
    code = ord(char)
    if code > 0xFFFF:  # noqa: PLR2004
        return f"\\U{code:08x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004


def cells(text: str) -> int:
    """Return the columns that a text fills in a terminal: two for a wide character."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def clean_lines(text: str) -> list[str]:
    """Return the lines of a foreign text, safe to show; a tab becomes four spaces."""
    lines = text.replace("\r\n", "\n").split("\n")
    return [clean(line.replace("\t", "    ")) for line in lines]


def percent(part: int, whole: int) -> str:
    """Return a share: "0 %", "<0.1 %", "1.2 %", "34 %"; empty where there is no whole."""
    if not whole:
        return ""
    share = 100 * part / whole
    rounded = f"{share:.0f}" if share >= _MIN_ROUNDED or not part else f"{share:.1f}"
    if rounded == "100" and part < whole:
        return ">99 %"
    # A few contacts are not none.
    return f"{'<0.1' if rounded == '0.0' else rounded} %"


_MIN_ROUNDED = 10
"""Percent from which tenths are left out."""


def count(number: int, noun: str) -> str:
    """Return "1 segment", "2 segments", "1,203 segments"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
