"""Names through time: which files declared a name after each commit, and what they said.

A name is declared after a commit when a segment file there declares it, read by the same reader as
today's files. A version that this reader refuses (broken YAML, an unknown key, a missing `.sql`)
says nothing: its file goes on declaring what it declared last, until it is repaired or deleted.
So a slip that is repaired removes nothing, and a file that was broken and then deleted was removed
by the commit that deleted it. A broken file that is moved lets go of its name. A version that says
`removed` is sound, and declares nothing.

How it is fast: `names.py` scans all versions for the names that they may declare, and a file is
read, version by version, only when one of them is a name that is asked for. A ledger asks for names
that nobody declares now, which are few; everything is read once.
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from segctl.declarations.segment_file import read_file, read_segment
from segctl.history.name_scan import possible_name
from segctl.model import Disposal, Tombstone
from segctl.planning.ownership import Removal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from segctl.history.commits import Commit, FileChange
    from segctl.model import Declared

NameTimeline: TypeAlias = "list[tuple[int, tuple[Declared, ...]]]"
"""A name through time: from this commit on, these files declare it, in the order of paths."""


class Timeline:
    """All that the history of a folder said, looked into as far as it is asked.

    `commits` go from the oldest to HEAD, from the very first that touched the folder; `blobs` has
    the content of every blob that they name; `folder` is relative to the project.
    """

    def __init__(self, commits: Sequence[Commit], blobs: Mapping[str, bytes], folder: str) -> None:
        self.commits = commits
        self._blobs = blobs
        self._folder = folder
        self._segments = _timelines(commit.segments for commit in commits)
        self._queries = _timelines(commit.queries for commit in commits)
        self._read: dict[tuple[str, str, str], Declared | Tombstone | None] = {}
        self._asked: dict[tuple[str, str], str] = {}
        self._sequences: dict[str, tuple[list[int], list[Declared | None]]] = {}
        self._lines: dict[str, NameTimeline] = {}

    @cached_property
    def _paths(self) -> dict[str, set[str]]:
        """Every name that may ever have been declared, and the files that may have done so."""
        names: dict[str, str] = {}
        paths = defaultdict(set)
        for path, timeline in self._segments.items():
            for _, blob in timeline:
                if not blob:
                    continue
                if blob not in names:
                    names[blob] = possible_name(self._blobs[blob])
                if names[blob]:
                    paths[names[blob]].add(path)
        return paths

    def emptying_commit(self) -> Commit | None:
        """Give the commit that took the last segment file, `None` unless HEAD has none any more."""
        if any(timeline[-1][1] is not None for timeline in self._segments.values()):
            return None
        taking = (one for one in reversed(self.commits) if one.segments)
        return next(taking, None)

    def names(self) -> list[str]:
        """Give every name that was ever declared, sorted. Reads every version of every file."""
        return sorted(name for name in self._paths if self.line(name))

    def removals(self, now_declared: Collection[str]) -> tuple[Removal, ...]:
        """Give the latest removal of each name that is declared neither at HEAD nor now."""
        found = []
        for name in self._paths.keys() - set(now_declared):
            line = self.line(name)
            if not line or line[-1][1]:
                continue
            index, holders = line[-1][0], line[-2][1]
            if self._was_forgotten(name, line[-2][0]):
                continue
            commit = self.commits[index]
            removal = Removal(
                holders[0].segment,
                any(one.protected for one in holders),
                holders[0].file,
                commit.id,
                commit.committed_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                self.renamed_to(name, index),
            )
            found.append((index, name, removal))
        return tuple(removal for _, _, removal in sorted(found, key=lambda one: one[:2]))

    def uncommitted(self, now_declared: Collection[str]) -> tuple[str, ...]:
        """Give the names that HEAD declares and nothing does now, sorted."""
        asked = sorted(self._paths.keys() - set(now_declared))
        return tuple(name for name in asked if (line := self.line(name)) and line[-1][1])

    def renamed_to(self, name: str, index: int) -> str:
        """Give the new name that a commit put in the place of one, in the same file; else nothing.

        A name that was declared before that commit is not new: its segment merely moved there.
        """
        for path in sorted(self._paths[name]):
            before, after = self._held(path, index - 1), self._held(path, index)
            if before is None or before.name != name or after is None or after.name == name:
                continue
            if self.declared(after.name, index - 1) is None:
                return after.name
        return ""

    def claimants(self, name: str) -> set[str]:
        """Give the names whose files ever had this one among their `previous_names`."""
        return self._claims.get(name, set())

    @cached_property
    def _claims(self) -> dict[str, set[str]]:
        claims = defaultdict(set)
        for path, timeline in self._segments.items():
            # Most files never had the key, and need no reading.
            if any(blob and b"previous_names" in self._blobs[blob] for _, blob in timeline):
                for one in filter(None, self._sequence(path)[1]):
                    for old in one.previous_names:
                        claims[old].add(one.name)
        return claims

    def _was_forgotten(self, name: str, since: int) -> bool:
        """Say whether a file said `removed: forget` of a name after it was declared last.

        Whoever wrote that keeps the segment, and that stays so when the file itself goes.
        """
        for path in self._paths[name]:
            for index, blob in self._segments[path]:
                # A version that says so has the key; most have not, and need no reading.
                if blob and index > since and b"removed" in self._blobs[blob]:
                    one, _ = read_file(path, self._blobs[blob], {}, self._folder)
                    forgets = isinstance(one, Tombstone) and one.disposal is Disposal.FORGET
                    if forgets and one is not None and one.name == name:
                        return True
        return False

    def touched(self, index: int) -> set[str]:
        """Give the names that the files which a commit touched declared before it or after it."""
        paths = self._touched(index)
        held = (self._held(path, at) for path in paths for at in (index - 1, index))
        return {one.name for one in held if one is not None}

    def took_away(self, index: int) -> bool:
        """Say whether a commit removed or renamed anything."""
        old = (path for path in self._touched(index) if self._segments[path][0][0] < index)
        held = (self._held(path, index - 1) for path in old)
        return any(one is not None and self.declared(one.name, index) is None for one in held)

    def _touched(self, index: int) -> set[str]:
        commit = self.commits[index]
        paths = {change.path for change in commit.segments}
        for change in commit.queries:
            paths |= self._readers.get(change.path, set())
        return paths

    def declared(self, name: str, index: int) -> Declared | None:
        """Give what a name meant after a commit: that of the first file, were there several."""
        line = self.line(name)
        place = bisect.bisect_right(line, index, key=lambda entry: entry[0]) - 1
        return line[place][1][0] if place >= 0 and line[place][1] else None

    def line(self, name: str) -> NameTimeline:
        """Give the commits that changed which files declare a name, and what these say."""
        if name not in self._lines:
            line: NameTimeline = []
            self._lines[name] = line
            holders: dict[str, Declared] = {}
            for index, path, one in self._changes(self._paths.get(name, ())):
                old = holders.pop(path, None)
                if one is not None and one.name == name:
                    holders[path] = one
                if old is holders.get(path):
                    continue
                if line and line[-1][0] == index:
                    line.pop()
                line.append((index, tuple(holders[key] for key in sorted(holders))))
        return self._lines[name]

    def _changes(self, paths: Iterable[str]) -> list[tuple[int, str, Declared | None]]:
        changes = [
            (index, path, one)
            for path in paths
            for index, one in zip(*self._sequence(path), strict=True)
        ]
        return sorted(changes, key=lambda change: change[:2])

    def _held(self, path: str, index: int) -> Declared | None:
        """Give what a file declared after a commit, or last before it was broken."""
        indexes, states = self._sequence(path)
        place = bisect.bisect_right(indexes, index) - 1
        return states[place] if place >= 0 else None

    def _sequence(self, path: str) -> tuple[list[int], list[Declared | None]]:
        """Give the commits that touched a file, or the query it names, and what it then held."""
        if path not in self._sequences:
            timeline = self._segments[path]
            queries = {self._asks(path, blob) for _, blob in timeline if blob}
            touched = {index for index, _ in timeline}
            for query in queries:
                touched |= {index for index, _ in self._queries.get(query, ())}
            indexes = sorted(index for index in touched if index >= timeline[0][0])
            states: list[Declared | None] = []
            held: Declared | None = None
            for index in indexes:
                blob = _at(timeline, index)
                one = None if blob is None else self._version(path, blob, index) or held
                held = None if isinstance(one, Tombstone) else one
                states.append(held)
            self._sequences[path] = indexes, states
        return self._sequences[path]

    def _version(self, path: str, blob: str, index: int) -> Declared | Tombstone | None:
        """Read one version of a file beside the queries of its time; `None` where it is broken."""
        if not blob:
            return None
        query = self._asks(path, blob)
        content = _at(self._queries.get(query, []), index) or ""
        key = path, blob, content
        if key not in self._read:
            queries = {query: self._blobs[content]} if content else {}
            self._read[key] = read_file(path, self._blobs[blob], queries, self._folder)[0]
        return self._read[key]

    def _asks(self, path: str, blob: str) -> str:
        """Say which `.sql` file a version of a file names; empty where none."""
        data = self._blobs[blob]
        # A key can stand in YAML as it is, or with escapes; there is no third way.
        if b"query_file" not in data and b"\\" not in data:
            return ""
        key = path, blob
        if key not in self._asked:
            probe = _Probe()
            read_segment(path, data, probe, self._folder)
            self._asked[key] = probe.asked
        return self._asked[key]

    @cached_property
    def _readers(self) -> dict[str, set[str]]:
        """Which segment files ever named a `.sql` file."""
        readers = defaultdict(set)
        for path, timeline in self._segments.items():
            for _, blob in timeline:
                if blob:
                    readers[self._asks(path, blob)].add(path)
        return readers


class _Probe(dict[str, bytes]):
    """Holds no query, and remembers which one was asked for."""

    asked = ""

    def __contains__(self, key: object) -> bool:
        self.asked = str(key)
        return False


def _timelines(
    commits: Iterable[tuple[FileChange, ...]],
) -> dict[str, list[tuple[int, str | None]]]:
    timelines = defaultdict(list)
    for index, changes in enumerate(commits):
        for change in changes:
            timelines[change.path].append((index, change.blob))
    return dict(timelines)


def _at(timeline: list[tuple[int, str | None]], index: int) -> str | None:
    place = bisect.bisect_right(timeline, index, key=lambda entry: entry[0]) - 1
    return timeline[place][1] if place >= 0 else None
