"""The words of a query: pieces of its text with their places, and how words are compared.

Owns `Word`, the folding of case and the guess at what a misspelt word was meant to be. Refuses
to know any grammar, and never changes a text: a word is always a slice of the query.

Case is folded for ASCII alone, because that is all that is provable: `str.upper` makes the
keyword SELECT of one that begins with a long s, and a server need not agree.
"""

from __future__ import annotations

from enum import StrEnum
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_UPPER = str.maketrans(ascii_lowercase, ascii_uppercase)
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)

SHORT = 5
"""Words of up to so many characters may differ in one letter to be near; longer ones in two."""

LONGEST_GUESS = 64
"""Longer words are not compared letter by letter: nobody misspells a keyword at such length."""


class WordKind(StrEnum):
    """What a word is, by its first character."""

    NAME = "name"  # bare: keyword, column, function
    QUOTED = "quoted"  # "between double quotes"
    STRING = "string"  # 'between single quotes'
    NUMBER = "number"
    SYMBOL = "symbol"
    END = "end"  # the empty word after the last one


class Word(NamedTuple):
    """One word: `text` is exactly `query[start:end]`, `upper` the same in ASCII upper case.

    `upper` of a quoted word keeps its quotes, so it never equals a keyword.
    """

    kind: WordKind
    text: str
    upper: str
    start: int
    end: int


def upper(text: str) -> str:
    """Return `text` with its ASCII letters in upper case."""
    return text.upper() if text.isascii() else text.translate(_UPPER)


def lower(text: str) -> str:
    """Return `text` with its ASCII letters in lower case."""
    return text.lower() if text.isascii() else text.translate(_LOWER)


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that `word` most likely was meant to be, or `None`.

    Case does not count, and neither does a candidate equal to `word`. Nearness is counted in
    letters added, dropped, replaced, or swapped with their neighbour: one for words of up to
    `SHORT` characters, two for longer ones. Among equals the first candidate wins.
    """
    if len(word) > LONGEST_GUESS:
        return None
    wanted = upper(word)
    best: str | None = None
    limit = 1 if len(word) <= SHORT else 2
    for candidate in candidates:
        folded = upper(candidate)
        if folded == wanted or abs(len(folded) - len(wanted)) > limit:
            continue
        distance = _distance(wanted, folded)
        if distance <= limit and distance < len(folded) - 1:
            best, limit = candidate, distance - 1
            if limit < 1:
                break
    return best


def _distance(one: str, other: str) -> int:
    """Count the letters to add, drop, replace or swap with a neighbour to get from one to other."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
