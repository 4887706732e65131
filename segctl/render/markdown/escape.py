r"""Foreign text in a comment on GitHub, made harmless.

Two things read it: the Markdown parser, and after that the filters that turn `@name`, `#12`, a
commit's id or `:emoji:` into links and pictures anywhere in the text of the page. Neither reads a
code block, and the filters do not read `<code>`. So everything except segctl's own words is code: a
diff in a fence, the rest in blocks of HTML, which contain no Markdown. A word counts as segctl's
own if it looks like plain English. Does not know what a comment is about.
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
"""The beginning of a comment's marker; no foreign text may contain it."""


def code(text: str) -> Html:
    """Return a text as code, unchanged."""
    return tag("code", text)


def prose(text: str) -> Html:
    """Return a sentence; text in backticks, and text that is not plain English, becomes code."""
    pieces: list[Html] = []
    run: list[str] = []
    for match in _PIECE.finditer(clean(text)):
        quoted, word, space = match.groups()
        if quoted is None and word is not None and not _is_plain(word):
            run.append(word)
            continue
        if space is not None and run:
            run.append(space)
            continue
        pieces += _code_and_punctuation(run)
        run = []
        pieces.append(code(quoted) if quoted is not None else html(word or " "))
    return html([*pieces, *_code_and_punctuation(run)])


def _code_and_punctuation(run: list[str]) -> Iterator[Html]:
    """Yield adjacent words as one piece of code, without the punctuation after it."""
    text = "".join(run)
    if text:
        shown = text.rstrip(" .,;:")
        if shown.count(")") > shown.count("("):
            # The plain words before opened it.
            shown = shown.removesuffix(")")
        before, opened, after = shown.rpartition("(")
        if before.strip() and after and ")" not in after:
            # The plain words behind close it.
            yield from _code_and_punctuation([before])
            yield html(opened)
            yield from _code_and_punctuation([after, text[len(shown) :]])
            return
        yield code(shown) if shown else html(text)
        yield html(text[len(shown) :]) if shown else Html()


def _is_plain(word: str) -> bool:
    return bool(_PLAIN.fullmatch(word)) and not _COMMIT.search(word)


def fence(lines: Iterable[str], language: str) -> str:
    """Return lines in a fence that none of them can end."""
    body = [_without_marker(line) for line in lines]
    longest = max((len(run) for line in body for run in _QUOTE.findall(line)), default=0)
    quotes = "`" * max(3, longest + 1)
    return "\n".join([f"{quotes}{language}", *body, quotes])


def _without_marker(text: str) -> str:
    """Return a text without our marker: comments are found by their source."""
    return text.replace(MARKER, MARKER.replace("--", r"\x2d-"))
