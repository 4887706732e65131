"""The forms in which a secret may come out, and the check that none does."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PART = 20
"""Length of a piece of a secret that must not be shown; half of it where characters are encoded."""


def forms_of(secret: str) -> Iterator[tuple[str, int]]:
    """Yield a secret as it may be written, and the characters that each of its own takes there.

    For base64, where three characters take four, the forms are those of the three alignments; their
    ends are left out, since they depend on the text around the secret.
    """
    yield secret, 1
    for unit in ("{:02x}", "{:02X}", "%{:02x}", "%{:02X}", "\\x{:02x}", "&#x{:02x};", "{:c}\0"):
        text = "".join(unit.format(byte) for byte in secret.encode())
        yield text, len(text) // len(secret)
    for before in ("", "x", "xx"):
        encoded = base64.b64encode(f"{before}{secret}".encode())[4:-4].decode()
        yield encoded, 1
        yield encoded.replace("+", "-").replace("/", "_"), 1


def pieces_of(secret: str) -> Iterator[str]:
    """Yield every piece of a secret that must not come out, in each form and reversed."""
    for text, width in forms_of(secret):
        size = PART if width == 1 else PART // 2 * width
        for at in range(0, len(text) - size + 1, width):
            piece = text[at : at + size]
            yield from (piece, piece[::-1])
