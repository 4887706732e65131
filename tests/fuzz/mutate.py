"""Mutations of an input: cut, repeated, spliced, and with pieces that often break readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

PIECES = (
    *(b"", b"\0", b"\xff", b"\xef\xbb\xbf", b"\r", b"\n", b"\t", b"'", b'"', b"\\", b"--", b"/*"),
    *(b"*/", b"(", b")", b"[", b"]", b"{", b"}", b":", b",", b"&a ", b"*a", b"!!x ", b"|\n", b"%"),
    *(b"null", b"true", b"-1", b"1e999", b"NaN", b"9" * 400, b"0001-01-01T00:00:00+23:59"),
    *(b"9999-12-31T23:59:59-23:59", b"\\ud800", "\u202e\u2028é".encode(), b"${x}", b"@", b"#"),
)


def mutate(data: bytes, random: Random) -> bytes:
    """Return the input with one to four random changes, at most four times as long."""
    limit = 4 * len(data) + 4_096
    for _ in range(random.randint(1, 4)):
        start = random.randint(0, len(data))
        end = min(len(data), start + random.choice((0, 0, 1, 4, 40)))
        piece = random.choice((*PIECES, data[end : end + 40], data[start:end] * 50))
        data = (data[:start] + piece + data[end:])[:limit]
    return data
