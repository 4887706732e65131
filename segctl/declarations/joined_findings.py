"""Findings that say the same of many files, joined into one. Pure."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from typing import TYPE_CHECKING

from segctl.common.uuids import UUID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.errors import Diagnostic

_MOST_APART = 3
"""The uses of an unknown list that are reported one by one: more show another account."""

_MOST_PLACES = 10


def join_unknown_lists(diagnostics: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the diagnostics with one for each list that is unknown in many places.

    It has the first of the places, and names the others.
    """
    by_list: dict[tuple[str, str], list[Diagnostic]] = defaultdict(list)
    for diagnostic in diagnostics:
        match = UUID.search(diagnostic.summary) if diagnostic.code == "unknown-list" else None
        if match is not None:
            by_list[match[0].lower(), diagnostic.severity].append(diagnostic)
    joined: dict[int, Diagnostic | None] = {}
    for (list_id, _), uses in by_list.items():
        if len(uses) > _MOST_APART:
            joined |= dict.fromkeys(map(id, uses))
            joined[id(uses[0])] = _joined(list_id, uses)
    kept = (joined.get(id(diagnostic), diagnostic) for diagnostic in diagnostics)
    return tuple(diagnostic for diagnostic in kept if diagnostic is not None)


def _joined(list_id: str, uses: Sequence[Diagnostic]) -> Diagnostic:
    first = uses[0]
    files = [*dict.fromkeys(use.span.file for use in uses if use.span)]
    more = len(files) - _MOST_PLACES
    others = f", and {more:,} more" if more > 0 else ""
    return dataclasses.replace(
        first,
        summary=f"the account has no list `{list_id}`, which {len(files):,} files use: is it "
        "another account?",
        hint=f"the files are {', '.join(files[:_MOST_PLACES])}{others}; {first.hint}",
    )
