"""Names as words and what separates them, and the ways to divide names into families.

Compares names only; what the segments of a family have in common is up to `folding`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

_MAX_POSITIONS = 8
WHOLE_WORD = r"[^\W_]+(?:[-.&+'][^\W_]+)*"
"""The pattern of a word such as `pt-BR` or `acme.com`."""

# The second is for names such as `winback-acme-de`.
_WORDS = (re.compile(f"({WHOLE_WORD})"), re.compile(r"([^\W_]+)"))


@dataclass(frozen=True, slots=True)
class SplitText:
    """A text: a separator, a word, a separator, …, and a separator at its end."""

    words: tuple[str, ...]
    separators: tuple[str, ...]


def splits(texts: Sequence[str]) -> Iterator[list[SplitText]]:
    """Yield the texts split into words, in each way to do it."""
    for pattern in _WORDS:
        parts = [pattern.split(text) for text in texts]
        yield [SplitText(tuple(part[1::2]), tuple(part[::2])) for part in parts]


def varying_positions(texts: Sequence[SplitText]) -> list[int]:
    """Return the positions of the words that are not the same in all texts.

    The texts have equally many words.
    """
    return [
        position
        for position in range(len(texts[0].words))
        if len({text.words[position] for text in texts}) > 1
    ]


def divisions(names: Sequence[str]) -> Iterator[list[list[int]]]:
    """Yield the ways to divide names into families, as lists of their indices.

    The names of a family have a word in common, and often the same separators.
    """
    for texts in splits(names):
        yield from _by_separators(texts)
    for end in (0, -1):
        firsts = ((text.words or ("",))[end] for text in next(splits(names)))
        yield _grouped(firsts)


def _by_separators(texts: Sequence[SplitText]) -> Iterator[list[list[int]]]:
    """Yield the divisions in which all separators of a family are the same.

    Names of the same separators without a word in common are divided by one of their words.
    """
    families: list[list[int]] = []
    without_common_word: list[list[int]] = []
    for members in _grouped(text.separators for text in texts):
        varying = varying_positions([texts[number] for number in members])
        is_family = len(varying) < len(texts[members[0]].words)
        (families if is_family else without_common_word).append(members)
    if not without_common_word:
        yield families
    longest = max((len(texts[members[0]].words) for members in without_common_word), default=0)
    for position in range(min(longest, _MAX_POSITIONS)):
        divided = [
            [members[number] for number in group]
            for members in without_common_word
            for group in _grouped(texts[number].words[position:][:1] for number in members)
        ]
        yield [*families, *divided]


def _grouped(keys: Iterable[Hashable]) -> list[list[int]]:
    """Return the indices of equal keys, in the order of the first of each."""
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for number, key in enumerate(keys):
        groups[key].append(number)
    return [*groups.values()]
