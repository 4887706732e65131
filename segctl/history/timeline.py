"""Names over time: which sources declared a name after each commit, and with which content.

A name is declared after a commit if a segment file declares it then (`file_states`); its source is
that file, with the instance where the file declares several segments. A mistake that is repaired
removes nothing, and a file that is broken and then deleted is removed by the commit that deletes
it. A broken file that is moved loses its name. A version with `removed` is valid and declares
nothing.

For speed, `name_scan` looks for the names that all versions may declare, and a file is read,
version by version, only when one of them is asked for. Names that depend on values or instances
need all versions of their files, which are few. Removals need the names that nothing declares now,
which are few. Everything is read at most once. Runs no git, and does not decide what a removal
leads to.
"""

from __future__ import annotations

import bisect
import dataclasses
import re
from collections import defaultdict
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from segctl.errors import file_of
from segctl.history.file_states import FileStates
from segctl.history.former_bindings import SettingsReader
from segctl.history.moved_names import MovedNames, pair_moved_names
from segctl.history.name_scan import possible_name
from segctl.model import Disposal
from segctl.model.proof import CommitRef, DeclaredVersion
from segctl.planning.ownership import Removal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from segctl.history.commits import Commit
    from segctl.model import Declared, Segment

NameTimeline: TypeAlias = "list[tuple[int, tuple[Declared, ...]]]"
"""A name over time: from this commit on, these declarations have it, in the order of sources."""

_HAS_PREVIOUS = re.compile(rb"previous_names|previous_keys|\\")


class Timeline:
    """Everything that the history of a folder declared, read on demand.

    `commits` go from the first one that touched the folder to HEAD; `blobs` has the content of
    every blob that they name; `folder` is relative to the project. `moves` has the new paths of the
    files that git finds moved, by commit and old path. `scanned_names` has the possible names
    in the contents that were scanned, by blob. `settings` reads segctl.yaml for the target.
    """

    def __init__(
        self,
        commits: Sequence[Commit],
        blobs: Mapping[str, bytes],
        folder: str,
        moves: Mapping[str, Mapping[str, str]] | None = None,
        settings: SettingsReader | None = None,
    ) -> None:
        self.commits = commits
        self.scanned_names: dict[str, str] = {}
        self.blobs = blobs
        self._folder = folder
        self._moves = moves or {}
        self._moved: dict[int, MovedNames] = {}
        self.settings = settings or SettingsReader(None)
        self._files = FileStates(commits, blobs, folder, self.settings)
        self._name_timelines: dict[str, NameTimeline] = {}

    @cached_property
    def _sources(self) -> dict[str, set[str]]:
        """Every name that may ever have been declared, with what may have declared it."""
        names, sources = self.scanned_names, defaultdict(set)
        for path, timeline in self._files.segments.items():
            if path in self._files.dynamic:
                for name, source in self._files.names(path):
                    sources[name].add(source)
                continue
            for _, blob in timeline:
                if not blob:
                    continue
                if blob not in names:
                    names[blob] = possible_name(self.blobs[blob])
                if names[blob]:
                    sources[names[blob]].add(path)
        return sources

    def since(self, index: int) -> Timeline:
        """Return the history from a commit on, as if it had added all files that exist after it."""
        if index == 0:
            return self
        commits = [*self.commits[index:]]
        if commits:
            segments, queries = self._files.files_at(index)
            commits[0] = dataclasses.replace(
                commits[0],
                segments=segments,
                queries=queries,
                settings=self._files.settings_at(index),
            )
        timeline = Timeline(commits, self.blobs, self._folder, self._moves, self.settings)
        timeline.scanned_names = self.scanned_names
        return timeline

    def emptying_commit(self) -> Commit | None:
        """Return the commit that removed the last segment file, `None` if HEAD has any."""
        if any(timeline[-1][1] is not None for timeline in self._files.segments.values()):
            return None
        removing = (commit for commit in reversed(self.commits) if commit.segments)
        return next(removing, None)

    def names(self) -> list[str]:
        """Return every name that was ever declared, sorted. Reads every version of every file."""
        return sorted(name for name in self._sources if self.name_timeline(name))

    def removals(self, now_declared: Collection[str]) -> tuple[Removal, ...]:
        """Return the latest removal of each name that is declared neither at HEAD nor now."""
        removals = []
        for name in self._sources.keys() - set(now_declared):
            timeline = self.name_timeline(name)
            if not timeline or timeline[-1][1]:
                continue
            index, holders = timeline[-1][0], timeline[-2][1]
            if self.was_forgotten(name, since=timeline[-2][0]):
                continue
            removal = self.removal(
                index,
                holders,
                self.versions(name),
                renamed_to=self.renamed_to(name, index),
                maybe_renamed_to=self.maybe_renamed_to(name, index),
            )
            removals.append((index, name, removal))
        removals.sort(key=lambda entry: entry[:2])
        return tuple(removal for _, _, removal in removals)

    def removal(
        self,
        index: int,
        holders: Sequence[Declared],
        versions: tuple[DeclaredVersion, ...],
        *,
        renamed_to: str = "",
        maybe_renamed_to: str = "",
    ) -> Removal:
        """Return what a commit removed; `holders` are the last declarations of its name."""
        commit = self.commits[index]
        return Removal(
            holders[0].segment,
            any(holder.protected for holder in holders),
            holders[0].source,
            commit.id,
            commit.ref.committed_at,
            renamed_to,
            commit.author,
            versions,
            maybe_renamed_to,
            holders[0].metadata,
            any(self._files.is_lost_by_settings(holder.source, index) for holder in holders),
        )

    def versions(self, name: str) -> tuple[DeclaredVersion, ...]:
        """Return all definitions that were declared under a name or one it was renamed from.

        They are in the order of commits. Each is there once per name, from when it first was.
        """
        waiting, names = [name], {name}
        while waiting:
            earlier = self._names_before(waiting.pop()) - names
            names |= earlier
            waiting += earlier
        declarations = [
            (index, item.source, item)
            for each in names
            for index, holders in self.name_timeline(each)
            for item in holders
        ]
        versions: dict[Segment, DeclaredVersion] = {}
        for index, source, item in sorted(declarations, key=lambda entry: entry[:2]):
            version = DeclaredVersion(item.segment, source, self.commits[index].ref)
            versions.setdefault(item.segment, version)
        return tuple(versions.values())

    def _names_before(self, name: str) -> set[str]:
        """Return the names that became this one in a source, or were among its previous names."""
        names: set[str] = set()
        for source in self._sources.get(name, ()):
            states = zip(*self._files.states(source), strict=True)
            for (_, before), (index, after) in pairwise(states):
                if before is None or after is None or before.name == name or after.name != name:
                    continue
                if self.declared(name, index - 1) is None:
                    names.add(before.name)
        was_declared = False
        for index, holders in self.name_timeline(name):
            # Only a new name can be one that another name became.
            if holders and not was_declared:
                moved = self._moved_names(index).certain
                names.update(old for old, new in moved.items() if new == name)
            was_declared = bool(holders)
        for _, holders in self.name_timeline(name):
            names.update(previous for item in holders for previous in item.previous_names)
        return names

    def uncommitted(self, now_declared: Collection[str]) -> tuple[str, ...]:
        """Return the names that HEAD declares and nothing declares now, sorted."""
        candidates = sorted(self._sources.keys() - set(now_declared))
        return tuple(
            name
            for name in candidates
            if (timeline := self.name_timeline(name)) and timeline[-1][1]
        )

    def renamed_to(self, name: str, index: int) -> str:
        """Return the new name that a commit gave to a name in its source, empty if none.

        The commit may have moved the file or changed the key, if the segment is recognisable. A
        name that was declared before that commit is not new: its segment moved to that source.
        """
        for source in sorted(self._sources[name]):
            before, after = (self._files.state(source, at) for at in (index - 1, index))
            if before is None or before.name != name or after is None or after.name == name:
                continue
            if self.declared(after.name, index - 1) is None:
                return after.name
        return self._moved_names(index).certain.get(name, "")

    def maybe_renamed_to(self, name: str, index: int) -> str:
        """Return a name that a segment may have since a commit, though its audience is another one.

        It is in a file that git finds similar, or at a new key of the same file.
        """
        return self._moved_names(index).unclear.get(name, "")

    def _moved_names(self, index: int) -> MovedNames:
        """Return the new names of a commit in the files that git finds moved, and at new keys."""
        moves = self._moves.get(self.commits[index].id, {})
        if not moves and self._files.with_instances.isdisjoint(self._touched_paths(index)):
            return MovedNames()
        if index not in self._moved:
            self._moved[index] = self.pair_moved_names(index - 1, index, moves)
        return self._moved[index]

    def pair_moved_names(self, before: int, after: int, moves: Mapping[str, str]) -> MovedNames:
        """Return the new names of the segments that moved between two commits.

        `moves` has the new paths of the files that git finds moved, by the old ones.
        """
        paths: set[str] = set()
        for index in range(before + 1, after + 1):
            paths |= {change.path for change in self.commits[index].segments}
            if self._files.changes_names(self.commits[index]):
                paths |= self._files.with_instances
        existing = sorted(path for path in paths if self._files.segments[path][0][0] <= before)
        removed, added = (
            {
                item.source: item
                for path in some_paths
                for item in self._files.declared_in(path, index)
                if self.declared(item.name, other) is None
            }
            # Where there was no file, nothing was removed, and nothing need be read.
            for some_paths, index, other in (
                (existing, before, after),
                (sorted(paths) if existing else [], after, before),
            )
        )
        return pair_moved_names(moves, removed, added)

    def declared_since(self, name: str) -> int | None:
        """Return the commit since which a name has been declared, `None` if HEAD does not."""
        since = None
        for index, holders in reversed(self.name_timeline(name)):
            if not holders:
                break
            since = index
        return since

    def disposed_by(self, source: str) -> CommitRef | None:
        """Return the commit that wrote `removed` in a file, `None` where none did."""
        index = self._files.disposed_by(source)
        return None if index is None else self.commits[index].ref

    def renamed_by(self, source: str, name: str) -> CommitRef | None:
        """Return the commit since which a segment has had a name among its previous ones.

        `None` where none wrote it.
        """
        index = self._files.renamed_by(source, name)
        return None if index is None else self.commits[index].ref

    def claimants(self, name: str) -> set[str]:
        """Return the names whose files ever had this one among their `previous_names`."""
        return self._claimants.get(name, set())

    @cached_property
    def _claimants(self) -> dict[str, set[str]]:
        claimants = defaultdict(set)
        for path, timeline in self._files.segments.items():
            # Most files never had such a key, and need not be read.
            if any(blob and _HAS_PREVIOUS.search(self.blobs[blob]) for _, blob in timeline):
                for index in self._files.contents(path)[0]:
                    for declared in self._files.declared_in(path, index):
                        for previous in declared.previous_names:
                            claimants[previous].add(declared.name)
        return claimants

    def was_forgotten(self, name: str, since: int) -> bool:
        """Return whether a file had `removed: forget` for a name after it was last declared.

        The author wants to keep the segment, which holds even after that file is deleted.
        """
        return any(
            tombstone.disposal is Disposal.FORGET and tombstone.name == name
            for path in {file_of(source) for source in self._sources[name]}
            for tombstone in self._files.tombstones(path, since)
        )

    def touched(self, index: int) -> set[str]:
        """Return the names that the files of a commit declared before or after it."""
        return {
            declared.name
            for path in self._touched_paths(index)
            for at in (index - 1, index)
            for declared in self._files.declared_in(path, at)
        }

    def removes_any(self, index: int) -> bool:
        """Return whether a commit removed or renamed any segment."""
        return any(
            self.declared(declared.name, index) is None
            for path in self._touched_paths(index)
            if self._files.segments[path][0][0] < index
            for declared in self._files.declared_in(path, index - 1)
        )

    def adds_instances(self, path: str, index: int) -> bool:
        """Return whether a commit added a source to a file: maybe a former one at a new key."""
        before = {declared.source for declared in self._files.declared_in(path, index - 1)}
        return any(
            declared.source not in before for declared in self._files.declared_in(path, index)
        )

    def _touched_paths(self, index: int) -> set[str]:
        commit = self.commits[index]
        paths = {change.path for change in commit.segments}
        for change in commit.queries:
            paths |= self._files.query_readers.get(change.path, set())
        if self._files.changes_names(commit):
            paths |= self._files.users_of_names
        return paths

    def declared(self, name: str, index: int) -> Declared | None:
        """Return what a name meant after a commit; if several files declare it, the first one."""
        holders = self.holders(name, index)
        return holders[0] if holders else None

    def holders(self, name: str, index: int) -> tuple[Declared, ...]:
        """Return all declarations of a name after a commit, by their sources."""
        timeline = self.name_timeline(name)
        position = bisect.bisect_right(timeline, index, key=lambda entry: entry[0]) - 1
        return timeline[position][1] if position >= 0 else ()

    def name_timeline(self, name: str) -> NameTimeline:
        """Return the commits that changed what declares a name, and the declarations."""
        if name not in self._name_timelines:
            timeline: NameTimeline = []
            self._name_timelines[name] = timeline
            holders: dict[str, Declared] = {}
            for index, source, declared in self._changes(self._sources.get(name, ())):
                before = holders.pop(source, None)
                if declared is not None and declared.name == name:
                    holders[source] = declared
                if before is holders.get(source):
                    continue
                if timeline and timeline[-1][0] == index:
                    timeline.pop()
                timeline.append((index, tuple(holders[source] for source in sorted(holders))))
        return self._name_timelines[name]

    def _changes(self, sources: Iterable[str]) -> list[tuple[int, str, Declared | None]]:
        """Return the states of sources with their commits, in the order of both."""
        changes = [
            (index, source, declared)
            for source in sources
            for index, declared in zip(*self._files.states(source), strict=True)
        ]
        return sorted(changes, key=lambda change: change[:2])
