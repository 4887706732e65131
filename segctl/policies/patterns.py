"""Patterns of LIKE as tokens: whether one matches all that another does, or nothing of it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence


class Wildcard(Enum):
    """What a token that is not a character matches."""

    ONE = "any character"
    MANY = "any characters, or none"
    SPACES = "any white space, or none"


Token: TypeAlias = str | Wildcard
Pattern: TypeAlias = tuple[Token, ...]

_MAX_PAIRS = 2_500
"""Pairs of tokens: longer patterns are not compared, since each pair may be looked at."""


def read_pattern(text: str, escape: str = "") -> Pattern:
    """Return a pattern as tokens; two % in a row are one. `escape` precedes a character."""
    tokens: list[Token] = []
    characters = iter(text)
    for character in characters:
        token: Token = character
        if escape and character == escape:
            token = next(characters, character)
        elif character == "%":
            if tokens[-1:] == [Wildcard.MANY]:
                continue
            token = Wildcard.MANY
        elif character == "_":
            token = Wildcard.ONE
        tokens.append(token)
    return tuple(tokens)


def in_lower_case(pattern: Pattern) -> Pattern:
    """Return a pattern with its characters in lower case."""
    return tuple(token.lower() if isinstance(token, str) else token for token in pattern)


def spaced(text: str) -> Pattern:
    """Return the pattern of all texts that differ from `text` by white space around it only."""
    return (Wildcard.SPACES, *text.strip(), Wildcard.SPACES)


def includes(wider: Pattern, narrower: Pattern) -> bool:
    """Return whether a pattern certainly matches every text that another one matches."""
    if len(wider) * len(narrower) > _MAX_PAIRS:
        return False
    # By position in `narrower`: the positions in `wider` to which its text can have led.
    reachable = _closure({0}, wider)
    for token in narrower:
        reachable = _closure(
            {following for place in reachable for following in _follow(wider, place, token)}, wider
        )
    return len(wider) in reachable


def _follow(wider: Pattern, place: int, token: Token) -> Sequence[int]:
    """Return the positions after `place` once `wider` has matched all that a token matches."""
    if place == len(wider):
        return ()
    match wider[place]:
        case Wildcard.MANY:
            return (place,)
        case Wildcard.ONE if token is Wildcard.ONE or isinstance(token, str):
            return (place + 1,)
        case str() as character if character == token:
            return (place + 1,)
        case _:
            return ()


def _closure(places: set[int], pattern: Pattern) -> set[int]:
    closed = set(places)
    for place in places:
        following = place
        while following < len(pattern) and pattern[following] in (Wildcard.MANY, Wildcard.SPACES):
            following += 1
            closed.add(following)
    return closed


def are_disjoint(first: Pattern, second: Pattern) -> bool:
    """Return whether certainly no text matches both patterns, both in lower case."""
    if len(first) * len(second) > _MAX_PAIRS:
        return False
    pending = [(0, 0)]
    seen = {(0, 0)}
    while pending:
        place, other = pending.pop()
        if place == len(first) and other == len(second):
            return False
        steps = set()
        if place < len(first) and first[place] in (Wildcard.MANY, Wildcard.SPACES):
            steps.add((place + 1, other))
        if other < len(second) and second[other] in (Wildcard.MANY, Wildcard.SPACES):
            steps.add((place, other + 1))
        if place < len(first) and other < len(second) and _meet(first[place], second[other]):
            steps.add((_after(first, place), _after(second, other)))
        pending += steps - seen
        seen |= steps
    return True


def _after(pattern: Pattern, place: int) -> int:
    """Return the position after one more character."""
    return place if pattern[place] in (Wildcard.MANY, Wildcard.SPACES) else place + 1


def _meet(first: Token, second: Token) -> bool:
    """Return whether one character can match both tokens."""
    if isinstance(first, str) and isinstance(second, str):
        # Letters beyond A to Z may be the same in another case.
        return first == second or not (first.isascii() and second.isascii())
    for token, other in ((first, second), (second, first)):
        if token is Wildcard.SPACES and isinstance(other, str):
            return other.isspace()
    return True
