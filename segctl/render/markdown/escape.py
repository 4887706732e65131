r"""Text from elsewhere inside a comment on GitHub.

Owns what makes a text harmless there. Two things read it: the Markdown parser, and behind that the
filters that turn `@name`, `#12`, a commit's id or `:emoji:` into links and pictures wherever they
stand in the text of the page. Neither looks into a code block, and the second not into `<code>`.
So everything but our own words is code: a diff in a fence, the rest inside blocks of HTML, in
which nothing is Markdown. A word is taken for one of ours if it looks like plain English.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from segctl.render.markup import Html, html, tag
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PIECE = re.compile(r"`([^`]+)`|(\S+)|(\s+)")
_WORD = r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*"
_NUMBER = r"\d{1,3}(?:,\d{3})+|\d{1,6}"
_PLAIN = re.compile(
    rf"[(\u201c\u2018]*(?:{_WORD}|{_NUMBER}|[vV]\d|[%…\u2013])?[)\u201d\u2019.,;:!?]*"
)
_COMMIT = re.compile(r"[0-9a-fA-F]{7,}")
_QUOTE = re.compile(r"`+")
MARKER = "<!-- segctl:"
"""How the marker of a comment begins; no text from elsewhere may hold it."""


def code(text: str) -> Html:
    """Show a text as code, to the letter."""
    return tag("code", text)


def prose(text: str) -> Html:
    """Show a sentence: what stands in backticks and what is no plain English becomes code."""
    pieces: list[Html] = []
    run: list[str] = []
    for found in _PIECE.finditer(clean(text)):
        quoted, word, space = found.groups()
        if quoted is None and word is not None and not _is_plain(word):
            run.append(word)
            continue
        if space is not None and run:
            run.append(space)
            continue
        pieces += _ended(run)
        run = []
        pieces.append(code(quoted) if quoted is not None else html(word or " "))
    return html([*pieces, *_ended(run)])


def _ended(run: list[str]) -> Iterator[Html]:
    """Give words that stand together as one piece of code, without what ends a clause."""
    text = "".join(run)
    if text:
        shown = text.rstrip(" .,;:")
        if shown.count(")") > shown.count("("):
            # It was opened among the plain words before.
            shown = shown.removesuffix(")")
        yield code(shown) if shown else html(text)
        yield html(text[len(shown) :]) if shown else Html()


def _is_plain(word: str) -> bool:
    return bool(_PLAIN.fullmatch(word)) and not _COMMIT.search(word)


def fence(lines: Iterable[str], language: str) -> str:
    """Put lines into a fence that none of them can end."""
    body = [_unmarked(line) for line in lines]
    longest = max((len(run) for line in body for run in _QUOTE.findall(line)), default=0)
    quotes = "`" * max(3, longest + 1)
    return "\n".join([f"{quotes}{language}", *body, quotes])


def _unmarked(text: str) -> str:
    """Break what looks like our marker: whoever looks for a comment looks at its source."""
    return text.replace(MARKER, MARKER.replace("--", r"\x2d-"))
