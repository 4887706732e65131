"""What must never be shown: the key, whatever looks like one, and who a contact is.

Owns the wrapper that keeps a key out of `repr`, logs and tracebacks, and the mask put over text
that comes from elsewhere (a server's message, a line of a file) before anybody sees it.
"""

from __future__ import annotations

import re

MASK = "SG.***"

_WHOLE = r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
_WHOLE_KEY = re.compile(_WHOLE)
# `KEY_SG.…` is one too; `MSG.contact_id` is not, unless it has the full shape.
_LOOKS_LIKE_KEY = re.compile(rf"(?<![A-Za-z0-9])SG\.[A-Za-z0-9_\-.]{{4,}}|{_WHOLE}")

_SHORTEST_SECRET = 8

# What stands before the @ is one character here, so that a long text costs no more than its length.
# `LIKE '%@example.com'`, which names nobody, is none.
_ADDRESS = re.compile(r"[\w.+'-]@[\w-]{1,63}\.\w")

WITHHELD = "(not shown, since it holds an e-mail address)"
"""What stands for a text that `has_email_address`."""


class Secret:
    """A text that shows itself to nobody but who calls `reveal`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Give the text itself: for the request that it is meant for, and nothing else."""
        return self._text

    def mask(self, text: str) -> str:
        """Put the mask over every occurrence of this secret, and over whatever looks like a key.

        A secret of less than eight characters (`SENDGRID_API_KEY=x`, for an emulator) is no secret,
        and masking it would only spoil every word that it stands in.
        """
        return redact(
            text.replace(self._text, MASK) if len(self._text) >= _SHORTEST_SECRET else text
        )

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


def redact(text: str, *, whole: bool = False) -> str:
    """Put the mask over whatever looks like a SendGrid key.

    `whole` asks for the full shape of one, as in `find_keys`.
    """
    pattern = _WHOLE_KEY if whole else _LOOKS_LIKE_KEY
    return pattern.sub(MASK, text) if "SG." in text else text


def find_keys(text: str, *, whole: bool = False) -> list[int]:
    """Give the offset of everything that looks like a key.

    `whole` asks for the full shape of one (two long parts), for texts in which `SG.` alone can
    stand for something innocent.
    """
    if "SG." not in text:
        return []
    pattern = _WHOLE_KEY if whole else _LOOKS_LIKE_KEY
    return [found.start() for found in pattern.finditer(text)]


def has_email_address(text: str) -> bool:
    """Say whether a server's message holds an e-mail address, and so perhaps the whole contact.

    A name or a telephone number beside it cannot be told from other words, so nothing of such a
    message is shown.
    """
    return "@" in text and _ADDRESS.search(text) is not None
