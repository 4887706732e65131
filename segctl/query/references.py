"""References in a query: `@list('Newsletter')` and `@single_send('Spring')`, in place of ids.

Finds them as tokens, and puts the ids that they stand for in their place. Does not know what a name
stands for.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from segctl.query.parser.lexer import Lexer
from segctl.query.parser.operands import string_value
from segctl.query.parser.parse import REFERENCES, is_reference
from segctl.query.parser.tokens import TokenKind, lower

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from segctl.query.parser.tokens import Token


class ReferenceKind(StrEnum):
    """What a reference stands for."""

    LIST = "list"
    SINGLE_SEND = "single_send"

    @property
    def noun(self) -> str:
        """The word for it in a sentence."""
        return "list" if self is ReferenceKind.LIST else "Single Send"


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference: `text[start:end]`, by the name in its string."""

    kind: ReferenceKind
    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ReferenceProblem:
    """What is wrong with `text[start:end]`, which begins like a reference."""

    message: str
    hint: str
    start: int
    end: int


class Replacement(NamedTuple):
    """A part of a new text, and the part of the old one in whose place it is."""

    start: int
    end: int
    source_start: int
    source_end: int


def find_references(text: str) -> Iterator[Reference | ReferenceProblem]:
    """Yield every reference of a query in the order of their places; none in strings or comments.

    Any other word after an `@` is left to the parser.
    """
    if "@" not in text:
        return
    lexer = Lexer(text)
    lexer.tokenize()
    tokens = lexer.tokens
    for index, token in enumerate(tokens):
        if is_reference(token) and lower(token.text) in REFERENCES:
            yield _reference(token, tokens[index + 1 : index + 4])


def _reference(word: Token, following: list[Token]) -> Reference | ReferenceProblem:
    kind = ReferenceKind(lower(word.text[1:]))
    shape = [token.text if token.kind is TokenKind.SYMBOL else token.kind for token in following]
    if shape != ["(", TokenKind.STRING, ")"]:
        message = f"`@{kind}` needs the name of a {kind.noun} in single quotes"
        return ReferenceProblem(message, f"write @{kind}('NAME')", word.start, word.end)
    return Reference(kind, string_value(following[1].text[1:-1]), word.start, following[2].end)


def replace_references(
    text: str, ids: Iterable[tuple[Reference, str]]
) -> tuple[str, tuple[Replacement, ...]]:
    """Return the text with a string with the id in place of each reference, and what it replaced.

    `ids` are in the order of their places.
    """
    pieces: list[str] = []
    replacements: list[Replacement] = []
    length = position = 0
    for reference, id_ in ids:
        before, literal = text[position : reference.start], f"'{id_}'"
        length += len(before)
        end = length + len(literal)
        replacements.append(Replacement(length, end, reference.start, reference.end))
        pieces += [before, literal]
        length, position = end, reference.end
    return "".join([*pieces, text[position:]]), tuple(replacements)
