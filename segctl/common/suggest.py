"""Suggestions for misspelt words ("did you mean …?").

`nearest_match` finds a typing error and is certain enough to act on; `closest_match` also finds
words that are merely similar, and is for hints. Does not know what the words mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SHORT = 5
"""Words of up to this many characters are near if one letter differs; longer ones if two do."""

LONGEST_SLIP = 64
"""Longer words are not compared letter by letter: no keyword is that long."""

_SHORTEST_PREFIX = 3
_LONGEST_WORD = 200
"""No longer word is a misspelling, and the time to compare grows with the square of the length."""


def nearest_match(word: str, known: Iterable[str]) -> str:
    """Return the known word that `word` is a misspelling of, or an empty text.

    Ignores case, and known words equal to `word`. The distance is the number of letters that are
    added, dropped, replaced, or swapped with their neighbour: at most one for words of up to
    `SHORT` characters, two for longer ones. The first of several equally near words wins.
    """
    if len(word) > LONGEST_SLIP:
        return ""
    target = word.casefold()
    best = ""
    limit = 1 if len(word) <= SHORT else 2
    for candidate in known:
        folded = candidate.casefold()
        if folded == target or abs(len(folded) - len(target)) > limit:
            continue
        distance = _distance(target, folded)
        if distance <= limit and distance < len(folded) - 1:
            best, limit = candidate, distance - 1
            if limit < 1:
                break
    return best


def closest_match(word: str, known: Iterable[str]) -> str:
    """Return the known word that `word` may stand for, whatever its case, or an empty text.

    Prefers a typing error, then a similar word, then a word that begins with `word`.
    """
    if len(word) > _LONGEST_WORD:
        return ""
    import difflib  # noqa: PLC0415 - only after a mistake

    by_folded = {candidate.casefold(): candidate for candidate in known}
    target = word.casefold()
    if target in by_folded:
        return by_folded[target]
    matches = [*filter(None, (nearest_match(target, by_folded),))]
    matches = matches or difflib.get_close_matches(target, by_folded, n=1, cutoff=0.6)
    if not matches and len(word) >= _SHORTEST_PREFIX:
        matches = [candidate for candidate in by_folded if candidate.startswith(target)]
    return by_folded[matches[0]] if matches else ""


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return the hint "did you mean `…`?", or `otherwise` where no word is close."""
    meant = closest_match(word, known)
    return f"did you mean `{meant}`?" if meant else otherwise


def _distance(first: str, second: str) -> int:
    """Return how many letters must be added, dropped, replaced or swapped with a neighbour."""
    before: list[int] = []
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(second, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == second[j - 2] and first[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
