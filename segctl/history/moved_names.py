"""New names in files that git finds moved, and at new keys of instances: which are the same ones.

git compares the text of files, so two segments that are written alike look like one that moved. The
same segment has the description or the audience that it had. Instances of a file are written alike,
whatever they select, so one with another key is the same only by its audience. Pure: runs no git.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segctl.errors import file_of, source_of, split_source
from segctl.planning.equality import audience_key

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping

    from segctl.model import Declared


@dataclass(frozen=True, slots=True)
class MovedNames:
    """New names by removed ones in a commit: of the same segment, or only of a similar file."""

    certain: Mapping[str, str] = field(default_factory=dict)
    unclear: Mapping[str, str] = field(default_factory=dict)


def pair_moved_names(
    moves: Mapping[str, str], removed: Mapping[str, Declared], added: Mapping[str, Declared]
) -> MovedNames:
    """Return the new names of removed segments whose files git finds moved, or whose keys changed.

    `moves` maps the old path of each file to the new one. `removed` and `added` have the segments
    whose names the commit removed and added, by source. A description or an audience that several
    of them have does not identify a segment.
    """
    candidates = dict(_candidates(moves, removed, added))
    if not candidates:
        return MovedNames()
    before, after = (
        Counter(key for item in items.values() for key in _identities(item))
        for items in (removed, added)
    )
    certain: dict[str, str] = {}
    rest: dict[str, list[str]] = {}
    for old, sources in candidates.items():
        for new in sources:
            shared = _identities(removed[old]) & _identities(added[new])
            if split_source(old)[1] != split_source(new)[1]:
                shared &= {audience_key(removed[old].segment)}
            if any(before[key] == after[key] == 1 for key in shared):
                certain[old] = new
                break
        else:
            rest[old] = sources
    unclear = {
        old: _nearest(old, remaining)
        for old, sources in rest.items()
        if (remaining := [new for new in sources if new not in certain.values()])
    }
    return MovedNames(_names(certain, removed, added), _names(unclear, removed, added))


def _names(
    pairs: Mapping[str, str], removed: Mapping[str, Declared], added: Mapping[str, Declared]
) -> dict[str, str]:
    return {removed[old].name: added[new].name for old, new in pairs.items()}


def _candidates(
    moves: Mapping[str, str], removed: Mapping[str, Declared], added: Mapping[str, Declared]
) -> Iterator[tuple[str, list[str]]]:
    """Yield the removed sources, each with those that may be the same segment now.

    In a file that moved, that is the one with the same key, or else every new one; in the same
    file, every new one. A source that has another name is the same segment already.
    """
    new_by_file: dict[str, list[str]] = defaultdict(list)
    for source in added:
        if source not in removed:
            new_by_file[file_of(source)].append(source)
    for source in removed:
        file, key = split_source(source)
        if file in moves:
            same_key = source_of(moves[file], key)
            if same_key in added:
                yield source, [same_key]
            elif new_by_file[moves[file]]:
                yield source, new_by_file[moves[file]]
        elif source not in added and new_by_file[file]:
            yield source, new_by_file[file]


def _nearest(source: str, others: Iterable[str]) -> str:
    """Return the source that has the most keys in common with one."""
    keys = {*split_source(source)[1].split(", ")}
    return max(others, key=lambda other: len(keys & {*split_source(other)[1].split(", ")}))


def _identities(declared: Declared) -> set[Hashable]:
    """Return what identifies a segment under any name: its audience, and its description."""
    audience = audience_key(declared.segment)
    return {audience, declared.description} if declared.description else {audience}
