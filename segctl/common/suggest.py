"""Did you mean …? The one place that guesses what a misspelt word was to be.

Owns two guesses: `nearest_match`, a slip of the fingers, is certain enough to act on it;
`closest_match` also takes what is merely similar, and is for hints. Refuses to know what the words
are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SHORT = 5
"""Words of up to so many characters may differ in one letter to be near; longer ones in two."""

LONGEST_SLIP = 64
"""Longer words are not compared letter by letter: nobody misspells a keyword at such length."""

_SHORTEST_START = 3
_LONGEST_WORD = 200
"""Nobody misspells a longer one, and comparing takes time that grows with its square."""


def nearest_match(word: str, known: Iterable[str]) -> str:
    """Give the known word that `word` most likely was meant to be, or an empty text.

    Case does not count, and neither does a known word equal to `word`. Nearness is counted in
    letters added, dropped, replaced, or swapped with their neighbour: one for words of up to
    `SHORT` characters, two for longer ones. Among equals the first one wins.
    """
    if len(word) > LONGEST_SLIP:
        return ""
    wanted = word.casefold()
    best = ""
    limit = 1 if len(word) <= SHORT else 2
    for candidate in known:
        folded = candidate.casefold()
        if folded == wanted or abs(len(folded) - len(wanted)) > limit:
            continue
        distance = _distance(wanted, folded)
        if distance <= limit and distance < len(folded) - 1:
            best, limit = candidate, distance - 1
            if limit < 1:
                break
    return best


def closest_match(word: str, known: Iterable[str]) -> str:
    """Give the known word that was perhaps meant, whatever its case, or an empty text.

    A slip comes first; then what is similar as a whole; then what begins so.
    """
    if len(word) > _LONGEST_WORD:
        return ""
    import difflib  # noqa: PLC0415 - only after a mistake

    folded = {candidate.casefold(): candidate for candidate in known}
    wanted = word.casefold()
    found = [wanted] if wanted in folded else [*filter(None, (nearest_match(wanted, folded),))]
    found = found or difflib.get_close_matches(wanted, folded, n=1, cutoff=0.6)
    if not found and len(word) >= _SHORTEST_START:
        found = [candidate for candidate in folded if candidate.startswith(wanted)]
    return folded[found[0]] if found else ""


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Give the hint "did you mean `…`?", or `otherwise` where nothing is near."""
    meant = closest_match(word, known)
    return f"did you mean `{meant}`?" if meant else otherwise


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
