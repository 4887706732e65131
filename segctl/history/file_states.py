"""Files over time: what each segment file declared after each commit, with the query of its time.

A version that the reader of today's files rejects (broken YAML, an unknown key, a missing `.sql`
file) counts for nothing: the file keeps declaring what it last declared, until it is repaired or
deleted. Every version is read at most once, and only when it is asked for. Runs no git, and knows
no names (`timeline`).
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from segctl.declarations.account_file import read_account
from segctl.declarations.account_names import AccountNames
from segctl.declarations.segment_file import read_file, read_segment
from segctl.history.commits import FileChange
from segctl.model import Tombstone
from segctl.model.contact_fields import account_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from segctl.history.commits import Commit
    from segctl.model import Declared

BlobTimeline: TypeAlias = "list[tuple[int, str | None]]"
"""A file over time: from this commit on, it has this blob, `None` where it is deleted."""


class FileStates:
    """The files of a folder in its history. `segments` has the blobs of each segment file.

    `commits` go from the first one that touched the folder to HEAD; `blobs` has the content of
    every blob that they name; `folder` is relative to the project. Names in place of ids are those
    in the file of the account of `target`, as it was after the same commit; `None` leaves them.
    """

    def __init__(
        self,
        commits: Sequence[Commit],
        blobs: Mapping[str, bytes],
        folder: str,
        target: str | None = None,
    ) -> None:
        self.segments = _blob_timelines(commit.segments for commit in commits)
        self._queries = _blob_timelines(commit.queries for commit in commits)
        self._blobs = blobs
        self._folder = folder
        self._account_path = account_path(folder, target) if target else ""
        self._accounts: dict[str, AccountNames] = {}
        self._versions: dict[tuple[str, str, str, str], Declared | Tombstone | None] = {}
        self._query_paths: dict[tuple[str, str], str] = {}
        self._states: dict[str, tuple[list[int], list[Declared | None]]] = {}

    def files_at(self, index: int) -> tuple[tuple[FileChange, ...], tuple[FileChange, ...]]:
        """Return the segment files and the `.sql` files that exist after a commit."""
        segments, queries = (
            tuple(
                FileChange(path, blob)
                for path, timeline in timelines.items()
                if (blob := _blob_at(timeline, index)) is not None
            )
            for timelines in (self.segments, self._queries)
        )
        return segments, queries

    def state(self, path: str, index: int) -> Declared | None:
        """Return what a file declared after a commit, or last declared before it was broken."""
        indexes, states = self.states(path)
        position = bisect.bisect_right(indexes, index) - 1
        return states[position] if position >= 0 else None

    def states(self, path: str) -> tuple[list[int], list[Declared | None]]:
        """Return the commits that touched a file or its query, and what it declared after each."""
        if path not in self._states:
            timeline = self.segments[path]
            queries = {self._query_path(path, blob) for _, blob in timeline if blob}
            touched = {index for index, _ in timeline}
            for query in queries:
                touched |= {index for index, _ in self._queries.get(query, ())}
            if any(self._may_use_names(path, blob) for _, blob in timeline if blob):
                touched |= {index for index, _ in self.segments.get(self._account_path, ())}
            indexes = sorted(index for index in touched if index >= timeline[0][0])
            states: list[Declared | None] = []
            state: Declared | None = None
            for index in indexes:
                blob = _blob_at(timeline, index)
                content = None if blob is None else self._read(path, blob, index) or state
                state = None if isinstance(content, Tombstone) else content
                states.append(state)
            self._states[path] = indexes, states
        return self._states[path]

    def disposed_by(self, path: str) -> int | None:
        """Return the commit that wrote `removed` in a file that has it now, `None` where none did.

        Later changes of such a file do not count.
        """
        disposing = None
        for index, blob in reversed(self.segments.get(path, ())):
            content = None if blob is None else self._read(path, blob, index)
            if not isinstance(content, Tombstone):
                break
            disposing = index
        return disposing

    def renamed_by(self, path: str, name: str) -> int | None:
        """Return the commit since which a file has had a name in `previous_names`, if it has."""
        since = None
        if path in self.segments:
            for index, declared in reversed([*zip(*self.states(path), strict=True)]):
                if declared is None or name not in declared.previous_names:
                    break
                since = index
        return since

    def _read(self, path: str, blob: str, index: int) -> Declared | Tombstone | None:
        """Return a version of a file with the query of its time; `None` where it is broken."""
        if not blob:
            return None
        query = self._query_path(path, blob)
        query_blob = _blob_at(self._queries.get(query, []), index) or ""
        account_blob = ""
        if self._may_use_names(path, blob):
            account_blob = _blob_at(self.segments.get(self._account_path, []), index) or ""
        key = path, blob, query_blob, account_blob
        if key not in self._versions:
            queries = {query: self._blobs[query_blob]} if query_blob else {}
            data, declaration = self._blobs[blob], None
            if account_blob:
                known = self._account_names(account_blob)
                declaration, _ = read_file(path, data, queries, self._folder, known)
            if declaration is None:
                # A name that no id is known for declares the segment all the same.
                declaration, _ = read_file(path, data, queries, self._folder)
            self._versions[key] = declaration
        return self._versions[key]

    def _may_use_names(self, path: str, blob: str) -> bool:
        """Return whether a version of a file, or its query, may use names in place of ids."""
        if path == self._account_path:
            return False
        data = self._blobs[blob]
        return b"@" in data or b"parent_list:" in data or b"query_file" in data or b"\\" in data

    def _account_names(self, blob: str) -> AccountNames:
        if blob not in self._accounts:
            account, _ = read_account(self._account_path, self._blobs[blob])
            self._accounts[blob] = AccountNames(self._account_path, account)
        return self._accounts[blob]

    def _query_path(self, path: str, blob: str) -> str:
        """Return the `.sql` file that a version of a file names; empty if it names none."""
        data = self._blobs[blob]
        # YAML spells a key literally or with backslash escapes.
        if b"query_file" not in data and b"\\" not in data:
            return ""
        key = path, blob
        if key not in self._query_paths:
            probe = _QueryProbe()
            read_segment(path, data, probe, self._folder)
            self._query_paths[key] = probe.requested
        return self._query_paths[key]

    @cached_property
    def query_readers(self) -> dict[str, set[str]]:
        """The segment files that ever named a `.sql` file, by its path."""
        readers = defaultdict(set)
        for path, timeline in self.segments.items():
            for _, blob in timeline:
                if blob:
                    readers[self._query_path(path, blob)].add(path)
        return readers


class _QueryProbe(dict[str, bytes]):
    """An empty mapping of queries that records the path that is looked up."""

    requested = ""

    def __contains__(self, key: object) -> bool:
        self.requested = str(key)
        return False


def _blob_timelines(commits: Iterable[tuple[FileChange, ...]]) -> dict[str, BlobTimeline]:
    timelines = defaultdict(list)
    for index, changes in enumerate(commits):
        for change in changes:
            timelines[change.path].append((index, change.blob))
    return dict(timelines)


def _blob_at(timeline: BlobTimeline, index: int) -> str | None:
    position = bisect.bisect_right(timeline, index, key=lambda entry: entry[0]) - 1
    return timeline[position][1] if position >= 0 else None
