"""New names in files that git finds moved: which segments are the same ones, and which may be.

git compares the text of files, so two segments that are written alike look like one that moved. The
same segment has the description or the audience that it had. Pure: runs no git.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segctl.planning.equality import audience_key

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from segctl.model import Declared


@dataclass(frozen=True, slots=True)
class MovedNames:
    """New names by removed ones in a commit: of the same segment, or only of a similar file."""

    certain: Mapping[str, str] = field(default_factory=dict)
    unclear: Mapping[str, str] = field(default_factory=dict)


def pair_moved_names(
    moves: Mapping[str, str], removed: Mapping[str, Declared], added: Mapping[str, Declared]
) -> MovedNames:
    """Return the new names of removed segments whose files git finds moved.

    `moves` maps the old path of each file to the new one. `removed` and `added` have the segments
    whose names the commit removed and added, by path. A description or an audience that several of
    them have does not identify a segment.
    """
    certain: dict[str, str] = {}
    unclear: dict[str, str] = {}
    pairs = [
        (removed[old], added[new]) for old, new in moves.items() if old in removed and new in added
    ]
    if pairs:
        before = Counter(key for item in removed.values() for key in _identities(item))
        after = Counter(key for item in added.values() for key in _identities(item))
    for old, new in pairs:
        shared = _identities(old) & _identities(new)
        is_same = any(before[key] == after[key] == 1 for key in shared)
        (certain if is_same else unclear)[old.name] = new.name
    return MovedNames(certain, unclear)


def _identities(declared: Declared) -> set[Hashable]:
    """Return what identifies a segment under any name: its audience, and its description."""
    audience = audience_key(declared.segment)
    return {audience, declared.description} if declared.description else {audience}
