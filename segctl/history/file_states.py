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
from segctl.declarations.bindings import Bindings
from segctl.declarations.conditions_file import Condition, read_conditions
from segctl.declarations.segment_file import read_file, read_segment
from segctl.documents.schema import SETTINGS_FILE
from segctl.documents.yaml_reader import parse_document
from segctl.history.commits import FileChange
from segctl.model import Tombstone
from segctl.model.contact_fields import account_path
from segctl.model.values import CONDITIONS_FILE, values_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from segctl.history.commits import Commit
    from segctl.model import Declared
    from segctl.model.values import Value

BlobTimeline: TypeAlias = "list[tuple[int, str | None]]"
"""A file over time: from this commit on, it has this blob, `None` where it is deleted."""


class FileStates:
    """The files of a folder in its history. `segments` has the blobs of each segment file.

    `commits` go from the first one that touched the folder to HEAD; `blobs` has the content of
    every blob that they name; `folder` is relative to the project. What names stand for is
    what the files said of `target` after the same commit; `None` leaves them.
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
        self._target = target
        self._account_path = account_path(folder, target) if target else ""
        self._conditions_path = f"{folder}/{CONDITIONS_FILE}"
        self.settings = _blob_timelines(commit.settings for commit in commits).get(
            SETTINGS_FILE, []
        )
        self._bindings: dict[tuple[str, ...], Bindings] = {}
        self._versions: dict[tuple[str, ...], Declared | Tombstone | None] = {}
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

    def settings_at(self, index: int) -> tuple[FileChange, ...]:
        """Return segctl.yaml as it is after a commit; nothing if there is none."""
        blob = _blob_at(self.settings, index)
        return () if blob is None else (FileChange(SETTINGS_FILE, blob),)

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
                for others in self._sources_of_names():
                    touched |= {index for index, _ in others}
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
        sources = self._blobs_of_names(index) if self._may_use_names(path, blob) else ()
        key = path, blob, query_blob, *sources
        if key not in self._versions:
            queries = {query: self._blobs[query_blob]} if query_blob else {}
            data = self._blobs[blob]
            declarations, _ = read_file(
                path, data, queries, self._folder, self._bindings_of(sources) if sources else None
            )
            if declarations is None and sources:
                # A name that stands for nothing declares the segment all the same.
                declarations, _ = read_file(path, data, queries, self._folder)
            self._versions[key] = declarations[0] if declarations else None
        return self._versions[key]

    def _may_use_names(self, path: str, blob: str) -> bool:
        """Return whether a version of a file, or its query, may use names."""
        if self._target is None or path in {self._account_path, self._conditions_path}:
            return False
        data = self._blobs[blob]
        return b"@" in data or b"parent_list:" in data or b"query_file" in data or b"\\" in data

    def _sources_of_names(self) -> tuple[BlobTimeline, ...]:
        """Return the files that say what names stand for: of the account, conditions, settings."""
        paths = (self._account_path, self._conditions_path)
        return (*(self.segments.get(path, []) for path in paths), self.settings)

    def _blobs_of_names(self, index: int) -> tuple[str, ...]:
        return tuple(_blob_at(timeline, index) or "" for timeline in self._sources_of_names())

    def _bindings_of(self, sources: tuple[str, ...]) -> Bindings:
        """Return what names stood for, by the blobs of `_sources_of_names`."""
        if sources not in self._bindings:
            account, conditions, settings = (
                self._blobs[blob] if blob else None for blob in sources
            )
            known = None if account is None else read_account(self._account_path, account)[0]
            values = {} if settings is None else _values(settings, self._target or "")
            named: Mapping[str, Condition] = {}
            if conditions is not None:
                named = read_conditions(self._conditions_path, conditions, values).sound
            account_names = AccountNames(self._account_path, known)
            self._bindings[sources] = Bindings(account_names, values, conditions=named)
        return self._bindings[sources]

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


def _values(settings: bytes, target: str) -> Mapping[str, Value]:
    value = parse_document(SETTINGS_FILE, settings.decode("utf-8", "replace")).value
    return values_of(value, target) if isinstance(value, dict) else {}


def _blob_timelines(commits: Iterable[tuple[FileChange, ...]]) -> dict[str, BlobTimeline]:
    timelines = defaultdict(list)
    for index, changes in enumerate(commits):
        for change in changes:
            timelines[change.path].append((index, change.blob))
    return dict(timelines)


def _blob_at(timeline: BlobTimeline, index: int) -> str | None:
    position = bisect.bisect_right(timeline, index, key=lambda entry: entry[0]) - 1
    return timeline[position][1] if position >= 0 else None
