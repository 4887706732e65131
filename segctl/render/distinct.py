r"""Texts that are shown together, so that no two different ones look alike.

`city = 'Zürich'` has two spellings in Unicode, and Cyrillic has a twin of the letter `a`. What
looks like something else is escaped, as `\u0430`; where only that distinguishes two texts, so is
every character in which they differ. Does not compare queries, and does not draw.
"""

# ruff: noqa: RUF001 - the characters that look alike are the data.

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from segctl.common.secrets import redact
from segctl.render.terminal import clean, escape_char, visible_char

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

MAX_LINE = 2_000
"""Characters of a line that are shown."""

_LEAD = 200
"""Characters that are shown before the first difference of two very long lines."""

_LETTERS = {
    "авеһіјкоԛрѕсԁуѵԝхӏ": "abehijkoqpscdyvwxl",  # Cyrillic
    "АВЕЗНІЈКМОРЅСԌТѴԜХУӀ": "ABE3HIJKMOPSCGTVWXYI",
    "αγεικνορςτυχωϲϳ": "ayeikvopctuxwcj",  # Greek
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹ": "ABEZHIKMNOPTYXC",
    "օսհոցյԼՕՍ": "ouhngjLOU",  # Armenian
    "ıȷɑɡɩʋᴏᴄᴠᴡᴢ": "ijagivocvwz",  # Latin
}
_SIGNS = {
    "‐‑‒–—―−⁃": "-",
    "‘’‛′ʹʻʼʽˈ`´": "'",
    "“”„‟″": '"',
    "‚": ",",
    "⁄∕": "/",
    "ː꞉∶": ":",
    "∗⁎": "*",
    "∣ǀ׀": "|",
    "∼˜": "~",
    "ǃ": "!",
    "•∙⋅‧": "·",
}
_LOOKALIKES = str.maketrans(
    {
        **{
            char: twin
            for chars, twins in _LETTERS.items()
            for char, twin in zip(chars, twins, strict=True)
        },
        **{char: twin for chars, twin in _SIGNS.items() for char in chars},
    }
)
"""Characters that look like an ASCII character, or like `·`."""

_FOREIGN = frozenset("".join(_LETTERS))
_BLANK_LETTERS = "\u115f\u1160\u3164\uffa0\u2800"
"""Fillers of Hangul, and the empty pattern of Braille."""

_INVISIBLE_MARKS = re.compile("[\u034f\u17b4\u17b5\u180b-\u180d\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Marks that show nothing, or choose among the shapes of a character."""

_WORD = re.compile(r"\w+")
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")


def distinct(texts: Iterable[str]) -> Callable[[str], str]:
    """Return a function that shows any of some texts on one line, safely, as `clean` does.

    Two different texts among them never look alike, unless they differ in an API key only.
    """
    looks: dict[str, set[str]] = {}
    for text in texts:
        redacted = redact(text, whole=True)
        looks.setdefault(_look(_shown(redacted)), set()).add(redacted)
    differences: dict[str, tuple[int, int]] = {}
    for alike in looks.values():
        if len(alike) > 1:
            differences |= dict.fromkeys(alike, _difference(alike))

    def show(text: str) -> str:
        text = redact(text, whole=True)
        difference = differences.get(text)
        if differences and "\\" in text:
            # A backslash that was written must not look like one of an escape.
            difference = 0, 0
        return _shown(text) if difference is None else _spelled_out(text, *difference)

    return show


def _difference(texts: Collection[str]) -> tuple[int, int]:
    """Return the lengths of the beginning and of the end that texts have in common."""
    start = _common_length(texts)
    return start, _common_length([text[start:][::-1] for text in texts])


def _common_length(texts: Collection[str]) -> int:
    """Return the length of the beginning that texts have in common."""
    first, last = min(texts), max(texts)
    pairs = enumerate(zip(first, last, strict=False))
    return next((index for index, (char, other) in pairs if char != other), len(first))


def distinct_lines(before: str, after: str = "") -> tuple[list[str], list[str]]:
    """Return the lines of two queries for a diff: equal lines are equal, and others look different.

    Kinds of line breaks, and empty lines at both ends, are left out unless nothing else differs.
    """
    old, new = (text.replace("\r\n", "\n").strip("\n").split("\n") for text in (before, after))
    if old == new and before != after:
        old, new = (text.split("\n") for text in (before, after))
    show = distinct((*old, *new))
    return [*map(show, old)], [*map(show, new)]


def shortened(lines: Collection[str]) -> dict[str, str]:
    """Return very long lines shortened, by line: two that differ are never shortened to one text.

    Those with an equal beginning start shortly before their first difference.
    """
    pending, short = [(0, {*lines})], {}
    while pending:
        start, alike = pending.pop()
        groups: dict[str, list[str]] = {}
        for line in alike:
            groups.setdefault(line[start : start + MAX_LINE], []).append(line)
        for group in groups.values():
            if len(group) == 1:
                short[group[0]] = _window(group[0], start)
            else:
                difference = _common_length(group)
                pending.append((max(start + 1, difference - _LEAD), {*group}))
    return short


def _window(line: str, start: int) -> str:
    rest = len(line) - start - MAX_LINE
    lead = f"… ({start:,} characters) … " if start else ""
    more = f" … ({rest:,} more characters)" if rest > 0 else ""
    return f"{lead}{line[start : start + MAX_LINE]}{more}"


def _shown(text: str) -> str:
    """Return a text with everything escaped that by itself looks like something else."""
    return clean(text.replace("\t", "    ")) if text.isascii() else "".join(_shown_chars(text))


def _spelled_out(text: str, start: int, end: int) -> str:
    """Return a text that shows each character by itself between a beginning and an end."""
    shown, last = _shown_chars(text), len(text.rstrip(" "))
    for index in range(start, len(text) - end):
        char = text[index]
        is_plain = char.isascii() and char.isprintable() and char != "\\" and index < last
        shown[index] = char if is_plain else escape_char(char)
    return "".join(shown)


def _shown_chars(text: str) -> list[str]:
    """Return what is shown of each character of a text."""
    shown = ["    " if char == "\t" else visible_char(char) for char in text]
    for match in _BEYOND_ASCII.finditer(text):
        index = match.start()
        if _is_strange(text[index], text[index - 1] if index else ""):
            shown[index] = escape_char(text[index])
    for match in _WORD.finditer(text):
        word = match.group()
        if not word.isascii() and any(char.isascii() and char.isalpha() for char in word):
            for index, char in enumerate(word, match.start()):
                if char in _FOREIGN:
                    shown[index] = escape_char(char)
    return shown


def _is_strange(char: str, before: str) -> bool:
    """Whether a character is an unusual blank, or usually one with the character before it."""
    return (
        unicodedata.category(char) == "Zs"
        or char in _BLANK_LETTERS
        or unicodedata.normalize("NFC", char) != char
        or len(unicodedata.normalize("NFC", before + char)) <= len(before)
        or (before.isascii() and _INVISIBLE_MARKS.match(char) is not None)
    )


def _look(shown: str) -> str:
    """Return a text that two shown texts share if they look alike."""
    if not shown.isascii():
        decomposed = unicodedata.normalize("NFKD", _INVISIBLE_MARKS.sub("", shown))
        shown = unicodedata.normalize("NFC", decomposed.translate(_LOOKALIKES))
    return shown.rstrip()
