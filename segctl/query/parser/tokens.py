"""The words of a query: pieces of its text with their places, and how words are compared.

Owns `Word` and the folding of case. Refuses to know any grammar, and never changes a text: a word
is always a slice of the query.

Case is folded for ASCII alone, because that is all that is provable: `str.upper` makes the
keyword SELECT of one that begins with a long s, and a server need not agree.
"""

from __future__ import annotations

from enum import StrEnum
from string import ascii_lowercase, ascii_uppercase
from typing import NamedTuple

_UPPER = str.maketrans(ascii_lowercase, ascii_uppercase)
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


class TokenKind(StrEnum):
    """What a word is, by its first character."""

    NAME = "name"  # bare: keyword, column, function
    QUOTED = "quoted"  # "between double quotes"
    STRING = "string"  # 'between single quotes'
    NUMBER = "number"
    SYMBOL = "symbol"
    END = "end"  # the empty word after the last one


class Token(NamedTuple):
    """One word: `text` is exactly `query[start:end]`, `upper` the same in ASCII upper case.

    `upper` of a quoted word keeps its quotes, so it never equals a keyword.
    """

    kind: TokenKind
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
