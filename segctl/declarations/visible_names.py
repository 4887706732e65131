"""What people cannot see in a segment's name: white space at its ends, and invisible characters."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from segctl.errors import Severity

if TYPE_CHECKING:
    from segctl.documents.document import Document

# Emoji and some scripts are written with them.
_JOINERS = "\u200c\u200d"
_WIDE_SPACE = "\u3000"
# Fillers of Hangul, and the empty pattern of Braille.
_BLANK_LETTERS = "\u115f\u1160\u3164\uffa0\u2800"


def check_visible_name(document: Document, name: str) -> None:
    """Warn of names that look alike to people and are different names to the account."""
    if name != name.strip():
        document.report(
            "name-space",
            "the name starts or ends with white space, which SendGrid does not show",
            path=("name",),
            severity=Severity.WARNING,
            hint="remove it",
        )
    if name.isascii():
        return
    invisible = next(filter(_is_invisible, name.strip()), "")
    if invisible:
        kind = "a blank that is not a space" if _is_blank(invisible) else "an invisible character"
        document.report(
            "name-invisible",
            f"the name contains {kind} (U+{ord(invisible):04X})",
            path=("name",),
            severity=Severity.WARNING,
            hint="type the name instead of pasting it",
        )


def _is_invisible(char: str) -> bool:
    is_control = unicodedata.category(char) == "Cf" and char not in _JOINERS
    return is_control or (char != " " and _is_blank(char))


def _is_blank(char: str) -> bool:
    """Return whether a character looks like a space; the wide one of Japanese does not."""
    is_space = unicodedata.category(char) == "Zs" and char != _WIDE_SPACE
    return is_space or char in _BLANK_LETTERS
