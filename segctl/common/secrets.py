"""API keys and e-mail addresses, which must never be shown.

A wrapper keeps the key out of `repr`, logs and tracebacks; a mask covers whatever looks like a key
in text from elsewhere (a server's message, a line of a file). Does not read or send anything.
"""

from __future__ import annotations

import re

MASK = "SG.***"

_FULL_SHAPE = r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
_FULL_KEY = re.compile(_FULL_SHAPE)
# `KEY_SG.…` matches too; `MSG.contact_id` does not, unless it has the full shape of a key.
_LOOKS_LIKE_KEY = re.compile(rf"(?<![A-Za-z0-9])SG\.[A-Za-z0-9_\-.]{{4,}}|{_FULL_SHAPE}")

_SHORTEST_SECRET = 8

# One character before the @ is enough, and keeps the cost linear in the length of the text.
# `LIKE '%@example.com'` is not an address: it identifies nobody.
_ADDRESS = re.compile(r"[\w.+'-]@[\w-]{1,63}\.\w")

WITHHELD = "(not shown, since it holds an e-mail address)"
"""Shown instead of a text for which `has_email_address` is true."""


class Secret:
    """A text that only `reveal` returns."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text. For the request that needs it, and nothing else."""
        return self._text

    def mask(self, text: str) -> str:
        """Return a text with this secret, and whatever looks like a key, masked.

        A secret of less than eight characters (`SENDGRID_API_KEY=x`, for the emulator) is not
        masked: that would garble every word that contains it.
        """
        return redact(
            text.replace(self._text, MASK) if len(self._text) >= _SHORTEST_SECRET else text
        )

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


def redact(text: str, *, whole: bool = False) -> str:
    """Return a text with whatever looks like a SendGrid key masked.

    `whole` is as in `find_keys`.
    """
    pattern = _FULL_KEY if whole else _LOOKS_LIKE_KEY
    return pattern.sub(MASK, text) if "SG." in text else text


def find_keys(text: str, *, whole: bool = False) -> list[int]:
    """Return the offsets of everything that looks like a SendGrid key.

    `whole` requires the full shape of a key (two long parts), for texts in which `SG.` can mean
    something else.
    """
    if "SG." not in text:
        return []
    pattern = _FULL_KEY if whole else _LOOKS_LIKE_KEY
    return [match.start() for match in pattern.finditer(text)]


def has_key_shape(text: str) -> bool:
    """Return whether a text is a SendGrid key by its shape: `SG.` and two long parts."""
    return _FULL_KEY.fullmatch(text) is not None


def has_email_address(text: str) -> bool:
    """Return whether a server's message has an e-mail address, and so may contain a contact.

    Nothing of such a message may be shown: a name or a telephone number beside the address cannot
    be told from other words.
    """
    return "@" in text and _ADDRESS.search(text) is not None
