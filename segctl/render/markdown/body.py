"""The body of a comment: its marker, its parts, and what fits into it.

The marker is the whole first line of the body: `<!-- segctl:plan target=production project=.
commit=… digest=… -->`, each value percent-encoded, `-` for none. A comment is found again by its
beginning up to `commit=`, which identifies its owner; the rest is for people and scripts.

GitHub accepts comments of 65,536 characters. It has counted characters and bytes at different times
and places, so this counts bytes, of which there are never fewer. Does not know what a part is
about.
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
"""Bytes of UTF-8 in a comment."""


@dataclass(frozen=True, slots=True)
class Part:
    """Blocks that belong together, with the text around them.

    `left_out` returns a note for the number of blocks that do not fit. The part uses at most
    `share` of the remaining space. `short` has a line for each block: where not all blocks fit,
    later ones are shortened to their lines, and `shortened` returns a note for their number.
    """

    blocks: Sequence[str]
    left_out: Callable[[int], str]
    opening: str = ""
    closing: str = ""
    share: float = 1.0
    short: Sequence[str] = ()
    shortened: Callable[[int], str] = str


def marker(kind: str, context: RenderContext, target: str = "", digest: str = "") -> str:
    """Return the hidden line by which a comment is found again."""
    fields = {
        "target": target,
        "project": context.project or ".",
        "commit": context.commit,
        "digest": digest,
    }
    pairs = " ".join(f"{key}={_marker_value(value)}" for key, value in fields.items())
    return f"{MARKER}{kind} {pairs} -->"


def _marker_value(text: str) -> str:
    """Return a value without spaces, and without `>`, which could end an HTML comment."""
    return quote(redact(text, whole=True), safe="/", errors="surrogatepass") or "-"


def body(head: str, parts: Sequence[Part], footer: str = "", *, limit: int = LIMIT) -> str:
    """Return a comment; the head and the footer are always complete."""
    space = limit - _size(head) - _size(footer)
    texts = [head]
    for part in parts:
        if not part.blocks:
            continue
        text = _fit(part, int(space * part.share))
        space -= _size(text)
        texts.append(text)
    return "".join(f"{text}\n" for text in (*texts, footer) if text)


def _fit(part: Part, space: int) -> str:
    """Return a part with as many blocks as fit into `space` bytes."""
    total = len(part.blocks)
    notes = (part.left_out(total), part.shortened(total) if part.short else "")
    space -= sum(map(_size, (part.opening, part.closing, *notes)))
    # The space that full blocks may use beyond the short lines of all blocks.
    spare = max(0, space - sum(map(_size, part.short)))
    kept: list[str] = []
    shortened = 0
    for block, line in zip_longest(part.blocks, part.short, fillvalue=""):
        extra = _size(block) - (_size(line) if line else 0)
        if _size(block) <= space and extra <= spare:
            spare -= extra
            text = block
        elif line and _size(line) <= space:
            shortened += 1
            text = line
        else:
            continue
        space -= _size(text)
        kept.append(text)
    missing = total - len(kept)
    texts = (
        part.opening,
        *kept,
        part.closing,
        part.shortened(shortened) if shortened else "",
        part.left_out(missing) if missing else "",
    )
    return "\n".join(text for text in texts if text)


def _size(text: str) -> int:
    """Return the bytes of a text with the line break after it."""
    return len(text.encode("utf-8", "surrogatepass")) + 1
