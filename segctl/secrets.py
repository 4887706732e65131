"""What must never be shown: the key, and whatever looks like one.

Owns the wrapper that keeps a key out of `repr`, logs and tracebacks, and the mask put over text
that comes from elsewhere (a server's message, a line of a file) before anybody sees it.
"""

from __future__ import annotations

import re

MASK = "SG.***"

_LOOKS_LIKE_KEY = re.compile(r"\bSG\.[A-Za-z0-9_\-.]{4,}")
_WHOLE_KEY = re.compile(r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}")


class Secret:
    """A text that shows itself to nobody but who calls `reveal`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Give the text itself: for the Authorization header and nothing else."""
        return self._text

    def mask(self, text: str) -> str:
        """Put the mask over every occurrence of this secret, and over whatever looks like a key."""
        return redact(text.replace(self._text, MASK) if self._text else text)

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


def redact(text: str) -> str:
    """Put the mask over whatever looks like a SendGrid key."""
    return _LOOKS_LIKE_KEY.sub(MASK, text) if "SG." in text else text


def find_key(text: str, *, whole: bool = False) -> int | None:
    """Give the offset of the first thing that looks like a key, or `None`.

    `whole` asks for the full shape of one (two long parts), for texts in which `SG.` alone can
    stand for something innocent.
    """
    if "SG." not in text:
        return None
    found = (_WHOLE_KEY if whole else _LOOKS_LIKE_KEY).search(text)
    return found.start() if found else None
