"""The body of a comment: its marker, its parts, and what fits into it.

The marker is the first line of the body and nothing else is: `<!-- segctl:plan target=production
project=. commit=… digest=… -->`, each value percent-encoded, `-` for none. A comment is found
again by its beginning up to `commit=`, which says whose it is; the rest is for people and scripts.

GitHub takes comments of 65,536 characters. It has counted characters and bytes at different times
and places, so this counts bytes, of which there are never fewer.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING
from urllib.parse import quote

from segctl.common.secrets import redact
from segctl.render.markdown.escape import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from segctl.render.context import RenderContext

LIMIT = 65_000
"""Bytes of UTF-8 that a comment may have."""


@dataclass(frozen=True, slots=True)
class Part:
    """Blocks that belong together, with what stands around them.

    `left_out` says how many blocks did not fit. The part takes `share` of the room that is left,
    at the most. `short` are the same blocks in a line each: where not all fit, those that come
    later are named at least, and `shortened` says how many.
    """

    blocks: Sequence[str]
    left_out: Callable[[int], str]
    opening: str = ""
    closing: str = ""
    share: float = 1.0
    short: Sequence[str] = ()
    shortened: Callable[[int], str] = str


def marker(kind: str, context: RenderContext, target: str = "", digest: str = "") -> str:
    """Give the hidden line by which a comment is found again."""
    facts = {
        "target": target,
        "project": context.project or ".",
        "commit": context.commit,
        "digest": digest,
    }
    said = " ".join(f"{key}={_value(value)}" for key, value in facts.items())
    return f"{MARKER}{kind} {said} -->"


def _value(text: str) -> str:
    """Write a value so that it holds no space, and no `>`, which would end an HTML comment."""
    return quote(redact(text, whole=True), safe="/", errors="surrogatepass") or "-"


def body(head: str, parts: Sequence[Part], foot: str = "", *, limit: int = LIMIT) -> str:
    """Put a comment together; the head and the foot are always whole."""
    room = limit - _size(head) - _size(foot)
    texts = [head]
    for part in parts:
        if not part.blocks:
            continue
        text = _fitting(part, int(room * part.share))
        room -= _size(text)
        texts.append(text)
    return "".join(f"{text}\n" for text in (*texts, foot) if text)


def _fitting(part: Part, room: int) -> str:
    most = len(part.blocks)
    notes = (part.left_out(most), part.shortened(most) if part.short else "")
    room -= sum(map(_size, (part.opening, part.closing, *notes)))
    # What a block may take beyond the lines that name all the others.
    spare = max(0, room - sum(map(_size, part.short)))
    kept: list[str] = []
    shortened = 0
    for block, line in zip_longest(part.blocks, part.short, fillvalue=""):
        extra = _size(block) - (_size(line) if line else 0)
        if _size(block) <= room and extra <= spare:
            spare -= extra
            text = block
        elif line and _size(line) <= room:
            shortened += 1
            text = line
        else:
            continue
        room -= _size(text)
        kept.append(text)
    missing = most - len(kept)
    texts = (
        part.opening,
        *kept,
        part.closing,
        part.shortened(shortened) if shortened else "",
        part.left_out(missing) if missing else "",
    )
    return "\n".join(text for text in texts if text)


def _size(text: str) -> int:
    """Count the bytes of a text and of the line break behind it."""
    return len(text.encode("utf-8", "surrogatepass")) + 1
