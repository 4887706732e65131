"""The segment that had a name before the one that has it now, as far as that is certain.

A name can go from one segment to another: a commit removes A, and the same commit or a later one
renames B to A. A timeline of names cannot tell the two, so this looks at their sources: files, with
the instance where one declares several. Runs no git.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import file_of
from segctl.planning.ownership import FormerSegment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from segctl.history.timeline import NameTimeline, Timeline
    from segctl.model import Declared


def find_former(timeline: Timeline, name: str) -> tuple[FormerSegment, frozenset[str]] | None:
    """Return the segment that had a name before, and the sources that declare its new one since.

    `None` where no commit gave the name to another segment. The former one may live on if its file
    declares another name since, a file has the name among its `previous_names`, or a file asked to
    forget it. Whether git finds its file moved is not looked at.
    """
    entries = timeline.name_timeline(name)
    position = _find_handover(timeline, entries)
    if position is None:
        return None
    index = entries[position][0]
    before = entries[:position]
    removed_index = index
    if not before[-1][1]:
        # A commit before removed the name.
        removed_index = before.pop()[0]
    holders = before[-1][1]
    old_files, new_files = _files(before), _files(entries[position:])
    order = {commit.id: number for number, commit in enumerate(timeline.commits)}
    versions = tuple(
        version
        for version in timeline.versions(name)
        if version.segment.name == name and order[version.commit.id] < removed_index
    )
    removal = timeline.removal(removed_index, holders, versions)
    removed_with = _removed_names(timeline, index)
    in_its_files = _in_files(timeline, removed_with, index - 1, _files(entries[position:][:1]))
    may_live_on = bool(old_files & new_files) or _may_live_on(
        timeline, name, holders, removed_index
    )
    return FormerSegment(removal, removed_with, in_its_files, may_live_on), new_files


def _find_handover(timeline: Timeline, entries: NameTimeline) -> int | None:
    """Return the position of the last entry with which a name went to another segment.

    A name that no file declared for a while went to another one. So did a name that other files
    declare since, if they declared another name before, or have one among their `previous_names`.
    Otherwise the file was only moved.
    """
    if not entries or not entries[-1][1]:
        return None
    for position in range(len(entries) - 1, 0, -1):
        index, holders = entries[position]
        before = entries[position - 1][1]
        if not before:
            return position
        if _files([(index, holders)]) & _files([(index, before)]):
            continue
        removed = _removed_names(timeline, index)
        previous = {previous for holder in holders for previous in holder.previous_names}
        files = _files([(index, holders)])
        if removed & previous or _in_files(timeline, removed, index - 1, files):
            return position
    return None


def _may_live_on(
    timeline: Timeline, name: str, holders: Iterable[Declared], removed_index: int
) -> bool:
    """Return whether the segment that some files declared may have another name or be forgotten."""
    files = {holder.source for holder in holders}
    names = timeline.touched(removed_index)
    return (
        bool(timeline.claimants(name))
        or bool(_in_files(timeline, names, removed_index, files))
        or any(timeline.adds_instances(file_of(file), removed_index) for file in files)
        or timeline.was_forgotten(name, since=removed_index - 1)
    )


def _removed_names(timeline: Timeline, index: int) -> frozenset[str]:
    """Return the names that a commit removed."""
    return frozenset(
        name
        for name in timeline.touched(index)
        if timeline.declared(name, index - 1) is not None and timeline.declared(name, index) is None
    )


def _in_files(
    timeline: Timeline, names: Iterable[str], index: int, files: Collection[str]
) -> frozenset[str]:
    """Return those of the names that some of the files declared after a commit."""
    return frozenset(
        name
        for name in names
        if any(holder.source in files for holder in timeline.holders(name, index))
    )


def _files(entries: NameTimeline) -> frozenset[str]:
    return frozenset(holder.source for _, holders in entries for holder in holders)
