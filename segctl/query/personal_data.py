"""E-mail addresses in a text: find them, mask them.

Every message that quotes a query or a file is masked here, before it is cut: half an address is not
recognised as one, but still identifies a person.
"""

from __future__ import annotations

import re

_EMAIL = re.compile(
    r"(?<![\w.+-])(?=[_.+-]{0,63}[^\W_])"  # `_` alone is a wildcard and identifies nobody
    r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
)
_MASK = "***"


def find_email_addresses(text: str) -> list[str]:
    """Return everything in a text that looks like an e-mail address."""
    return _EMAIL.findall(text) if "@" in text else []


def mask_email_addresses(text: str, *, same_length: bool = False) -> str:
    """Return a text with everything masked that looks like an e-mail address.

    `same_length` keeps the rest of the text at its column, for a line of a file.
    """
    if "@" not in text:
        return text
    return _EMAIL.sub(lambda match: "*" * len(match[0]) if same_length else _MASK, text)
