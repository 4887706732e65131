"""Did you mean …? The one place that guesses what a misspelt word was to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHORTEST_START = 3
_LONGEST_WORD = 200
"""Nobody misspells a longer one, and comparing takes time that grows with its square."""


def closest(word: str, known: Iterable[str]) -> str:
    """Give the known word that was perhaps meant, whatever its case, or an empty text."""
    if len(word) > _LONGEST_WORD:
        return ""
    folded = {candidate.casefold(): candidate for candidate in known}
    import difflib  # noqa: PLC0415 - only after a mistake

    found = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    if not found and len(word) >= _SHORTEST_START:
        found = [candidate for candidate in folded if candidate.startswith(word.casefold())]
    return folded[found[0]] if found else ""


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Give the hint "did you mean `…`?", or `otherwise` where nothing is near."""
    meant = closest(word, known)
    return f"did you mean `{meant}`?" if meant else otherwise
