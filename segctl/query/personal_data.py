"""What in a text belongs to a person: e-mail addresses, found and masked.

Every message that repeats a piece of a query or of a file passes here, before anything is cut off:
half an address is no address any more to a mask, and a name still to people.
"""

from __future__ import annotations

import re

_EMAIL = re.compile(
    r"(?<![\w.+-])(?=[_.+-]{0,63}[^\W_])"  # `_` alone is a wildcard and names nobody
    r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
)
_MASKED = "***"


def find_email_addresses(text: str) -> list[str]:
    """Give whatever looks like an e-mail address in a text."""
    return _EMAIL.findall(text) if "@" in text else []


def mask_email_addresses(text: str, *, same_length: bool = False) -> str:
    """Put a mask over whatever looks like an e-mail address.

    `same_length` keeps what stands behind it at its column, for a line of a file.
    """
    if "@" not in text:
        return text
    return _EMAIL.sub(lambda found: "*" * len(found[0]) if same_length else _MASKED, text)
