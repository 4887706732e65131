"""Writes files that are one user's own and may be lost: caches and records.

Owns the way in which a file gets its place: whole, and for its owner alone. What stands in it, who
else writes it, and what a failure means is its owner's business.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def replace(path: Path, text: str) -> None:
    """Put ASCII text in the place of a file, mode 0600, so that nobody ever reads half of it.

    It is written beside it first, as `.STEM.HEX.part`. Raises `OSError`; the file is as it was
    then.
    """
    part = path.with_name(f".{path.stem}.{os.urandom(8).hex()}.part")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(part, flags, 0o600), "wb") as out:
            out.write(text.encode("ascii"))
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
