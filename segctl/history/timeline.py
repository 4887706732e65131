"""Names over time: which files declared a name after each commit, and with which content.

A name is declared after a commit if a segment file declares it then (`file_states`). A mistake that
is repaired removes nothing, and a file that is broken and then deleted is removed by the commit
that deletes it. A broken file that is moved loses its name. A version with `removed` is valid and
declares nothing.

For speed, `name_scan` looks for the names that all versions may declare, and a file is read,
version by version, only when one of them is asked for. Removals need the names that nothing
declares now, which are few. Everything is read at most once. Runs no git, and does not decide what
a removal leads to.
"""

from __future__ import annotations

import bisect
import dataclasses
from collections import defaultdict
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from segctl.declarations.segment_file import read_file
from segctl.history.file_states import FileStates
from segctl.history.moved_names import MovedNames, pair_moved_names
from segctl.history.name_scan import possible_name
from segctl.model import Disposal, Tombstone
from segctl.model.proof import CommitRef, DeclaredVersion
from segctl.planning.ownership import Removal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from segctl.history.commits import Commit
    from segctl.model import Declared, Segment

NameTimeline: TypeAlias = "list[tuple[int, tuple[Declared, ...]]]"
"""A name over time: from this commit on, these declarations have it, in the order of paths."""


class Timeline:
    """Everything that the history of a folder declared, read on demand.

    `commits` go from the first one that touched the folder to HEAD; `blobs` has the content of
    every blob that they name; `folder` is relative to the project. `moves` has the new paths of the
    files that git finds moved, by commit and old path. `scanned_names` has the possible names
    in the contents that were scanned, by blob. `target` is as for `FileStates`.
    """

    def __init__(
        self,
        commits: Sequence[Commit],
        blobs: Mapping[str, bytes],
        folder: str,
        moves: Mapping[str, Mapping[str, str]] | None = None,
        target: str | None = None,
    ) -> None:
        self.commits = commits
        self.scanned_names: dict[str, str] = {}
        self.blobs = blobs
        self._folder = folder
        self._moves = moves or {}
        self._moved: dict[int, MovedNames] = {}
        self._target = target
        self._files = FileStates(commits, blobs, folder, target)
        self._name_timelines: dict[str, NameTimeline] = {}

    @cached_property
    def _paths(self) -> dict[str, set[str]]:
        """Every name that may ever have been declared, and the files that may have declared it."""
        names, paths = self.scanned_names, defaultdict(set)
        for path, timeline in self._files.segments.items():
            for _, blob in timeline:
                if not blob:
                    continue
                if blob not in names:
                    names[blob] = possible_name(self.blobs[blob])
                if names[blob]:
                    paths[names[blob]].add(path)
        return paths

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
        timeline = Timeline(commits, self.blobs, self._folder, self._moves, self._target)
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
        return sorted(name for name in self._paths if self.name_timeline(name))

    def removals(self, now_declared: Collection[str]) -> tuple[Removal, ...]:
        """Return the latest removal of each name that is declared neither at HEAD nor now."""
        removals = []
        for name in self._paths.keys() - set(now_declared):
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
            holders[0].file,
            commit.id,
            commit.ref.committed_at,
            renamed_to,
            commit.author,
            versions,
            maybe_renamed_to,
            holders[0].metadata,
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
            (index, item.file, item)
            for each in names
            for index, holders in self.name_timeline(each)
            for item in holders
        ]
        versions: dict[Segment, DeclaredVersion] = {}
        for index, file, item in sorted(declarations, key=lambda entry: entry[:2]):
            version = DeclaredVersion(item.segment, file, self.commits[index].ref)
            versions.setdefault(item.segment, version)
        return tuple(versions.values())

    def _names_before(self, name: str) -> set[str]:
        """Return the names that became this one in a file, or were among its `previous_names`."""
        names: set[str] = set()
        for path in self._paths.get(name, ()):
            states = zip(*self._files.states(path), strict=True)
            for (_, before), (index, after) in pairwise(states):
                if before is None or after is None or before.name == name or after.name != name:
                    continue
                if self.declared(name, index - 1) is None:
                    names.add(before.name)
        for index, _ in self.name_timeline(name):
            moved = self._moved_names(index).certain
            names.update(old for old, new in moved.items() if new == name)
        for _, holders in self.name_timeline(name):
            names.update(previous for item in holders for previous in item.previous_names)
        return names

    def uncommitted(self, now_declared: Collection[str]) -> tuple[str, ...]:
        """Return the names that HEAD declares and nothing declares now, sorted."""
        candidates = sorted(self._paths.keys() - set(now_declared))
        return tuple(
            name
            for name in candidates
            if (timeline := self.name_timeline(name)) and timeline[-1][1]
        )

    def renamed_to(self, name: str, index: int) -> str:
        """Return the new name that a commit gave to a name in its file, empty if none.

        The commit may have moved the file, if the segment is recognisable. A name that was declared
        before that commit is not new: its segment moved to that file.
        """
        for path in sorted(self._paths[name]):
            before, after = self._files.state(path, index - 1), self._files.state(path, index)
            if before is None or before.name != name or after is None or after.name == name:
                continue
            if self.declared(after.name, index - 1) is None:
                return after.name
        return self._moved_names(index).certain.get(name, "")

    def maybe_renamed_to(self, name: str, index: int) -> str:
        """Return a new name in a file that git finds similar, though the segment is another one."""
        return self._moved_names(index).unclear.get(name, "")

    def _moved_names(self, index: int) -> MovedNames:
        """Return the new names of a commit in the files that git finds moved."""
        moves = self._moves.get(self.commits[index].id)
        if not moves:
            return MovedNames()
        if index not in self._moved:
            self._moved[index] = self.pair_moved_names(index - 1, index, moves)
        return self._moved[index]

    def pair_moved_names(self, before: int, after: int, moves: Mapping[str, str]) -> MovedNames:
        """Return the new names of the segments that git finds moved between two commits.

        `moves` has the new paths of their files by the old ones.
        """
        paths = {
            change.path
            for commit in self.commits[before + 1 : after + 1]
            for change in commit.segments
        }
        removed, added = (
            {
                path: item
                for path in sorted(paths)
                if (item := self._files.state(path, index)) is not None
                and self.declared(item.name, other) is None
            }
            for index, other in ((before, after), (after, before))
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

    def disposed_by(self, path: str) -> CommitRef | None:
        """Return the commit that wrote `removed` in a file, `None` where none did."""
        index = self._files.disposed_by(path)
        return None if index is None else self.commits[index].ref

    def renamed_by(self, path: str, name: str) -> CommitRef | None:
        """Return the commit that wrote a name in the `previous_names` that a file has now.

        `None` where none did.
        """
        index = self._files.renamed_by(path, name)
        return None if index is None else self.commits[index].ref

    def claimants(self, name: str) -> set[str]:
        """Return the names whose files ever had this one among their `previous_names`."""
        return self._claimants.get(name, set())

    @cached_property
    def _claimants(self) -> dict[str, set[str]]:
        claimants = defaultdict(set)
        for path, timeline in self._files.segments.items():
            # Most files never had the key, and need not be read.
            if any(blob and b"previous_names" in self.blobs[blob] for _, blob in timeline):
                for declared in filter(None, self._files.states(path)[1]):
                    for previous in declared.previous_names:
                        claimants[previous].add(declared.name)
        return claimants

    def was_forgotten(self, name: str, since: int) -> bool:
        """Return whether a file had `removed: forget` for a name after it was last declared.

        The author wants to keep the segment, which holds even after that file is deleted.
        """
        for path in self._paths[name]:
            for index, blob in self._files.segments[path]:
                # Most versions do not have the key, and need not be read.
                if blob and index > since and b"removed" in self.blobs[blob]:
                    contents, _ = read_file(path, self.blobs[blob], {}, self._folder)
                    if any(
                        isinstance(content, Tombstone)
                        and content.disposal is Disposal.FORGET
                        and content.name == name
                        for content in contents or ()
                    ):
                        return True
        return False

    def touched(self, index: int) -> set[str]:
        """Return the names that the files of a commit declared before or after it."""
        paths = self._touched_paths(index)
        states = (self._files.state(path, at) for path in paths for at in (index - 1, index))
        return {declared.name for declared in states if declared is not None}

    def removes_any(self, index: int) -> bool:
        """Return whether a commit removed or renamed any segment."""
        existing = (
            path for path in self._touched_paths(index) if self._files.segments[path][0][0] < index
        )
        before = (self._files.state(path, index - 1) for path in existing)
        return any(
            declared is not None and self.declared(declared.name, index) is None
            for declared in before
        )

    def _touched_paths(self, index: int) -> set[str]:
        commit = self.commits[index]
        paths = {change.path for change in commit.segments}
        for change in commit.queries:
            paths |= self._files.query_readers.get(change.path, set())
        return paths

    def declared(self, name: str, index: int) -> Declared | None:
        """Return what a name meant after a commit; if several files declare it, the first one."""
        holders = self.holders(name, index)
        return holders[0] if holders else None

    def holders(self, name: str, index: int) -> tuple[Declared, ...]:
        """Return all declarations of a name after a commit, by their paths."""
        timeline = self.name_timeline(name)
        position = bisect.bisect_right(timeline, index, key=lambda entry: entry[0]) - 1
        return timeline[position][1] if position >= 0 else ()

    def name_timeline(self, name: str) -> NameTimeline:
        """Return the commits that changed which files declare a name, and their declarations."""
        if name not in self._name_timelines:
            timeline: NameTimeline = []
            self._name_timelines[name] = timeline
            holders: dict[str, Declared] = {}
            for index, path, declared in self._changes(self._paths.get(name, ())):
                before = holders.pop(path, None)
                if declared is not None and declared.name == name:
                    holders[path] = declared
                if before is holders.get(path):
                    continue
                if timeline and timeline[-1][0] == index:
                    timeline.pop()
                timeline.append((index, tuple(holders[path] for path in sorted(holders))))
        return self._name_timelines[name]

    def _changes(self, paths: Iterable[str]) -> list[tuple[int, str, Declared | None]]:
        """Return the states of files with their commits, in the order of commits and paths."""
        changes = [
            (index, path, declared)
            for path in paths
            for index, declared in zip(*self._files.states(path), strict=True)
        ]
        return sorted(changes, key=lambda change: change[:2])
