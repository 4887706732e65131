"""Tokens of a query: slices of its text with their offsets, and how they compare.

Folds case; knows no grammar and never changes a text.

Only ASCII letters are folded, because only that is certain: `str.upper` turns a word that begins
with a long s into SELECT, and the server may not.
"""

from __future__ import annotations

from enum import StrEnum
from string import ascii_lowercase, ascii_uppercase
from typing import NamedTuple

_UPPER = str.maketrans(ascii_lowercase, ascii_uppercase)
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


class TokenKind(StrEnum):
    """The kind of a token, by its first character."""

    NAME = "name"  # bare: keyword, column, function
    QUOTED = "quoted"  # "in double quotes"
    STRING = "string"  # 'in single quotes'
    NUMBER = "number"
    SYMBOL = "symbol"
    END = "end"  # the empty token after the last one


class Token(NamedTuple):
    """One token: `text` is exactly `query[start:end]`, `upper` the same in ASCII upper case.

    `upper` of a quoted name keeps its quotes, so it never equals a keyword.
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
