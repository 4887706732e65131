"""Files over time: what each segment file declared after each commit, with what it used then.

That is its query, and what names stood for (`former_bindings`). A version that the reader of
today's files rejects (broken YAML, an unknown key, a missing `.sql` file) counts for nothing: the
file keeps declaring what it last declared, until it is repaired or deleted. One that is not for the
target declares nothing. Every version is read at most once, and only when it is asked for. Runs no
git, and knows no names (`timeline`).

A segment is known by its source: its file, and its instance in a file that declares several.
"""

from __future__ import annotations

import bisect
import dataclasses
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from segctl.declarations.segment_file import read_file, read_segment
from segctl.documents.schema import SETTINGS_FILE
from segctl.errors import file_of
from segctl.history.commits import FileChange
from segctl.history.former_bindings import (
    FormerBindings,
    SettingsReader,
    blob_at,
    blob_timelines,
    read_texts,
)
from segctl.history.name_scan import has_many_names, is_dynamic, naming
from segctl.model import Declared, Tombstone

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    from segctl.declarations.bindings import Bindings
    from segctl.declarations.segment_file import Declaration
    from segctl.history.commits import Commit
    from segctl.history.former_bindings import FormerSettings

Contents: TypeAlias = "Mapping[str, Declaration]"
"""What a file declares, or says `removed` of, by source."""

_NOTHING: Contents = {}


class FileStates:
    """The files of a folder in its history. `segments` has the blobs of each segment file.

    `commits` go from the first one that touched the folder to HEAD; `blobs` has the content of
    every blob that they name; `folder` is relative to the project. What names stand for is what
    the files said after the same commit, of the target that `settings` reads.
    """

    def __init__(
        self,
        commits: Sequence[Commit],
        blobs: Mapping[str, bytes],
        folder: str,
        settings: SettingsReader,
    ) -> None:
        self.segments = blob_timelines(commit.segments for commit in commits)
        self._queries = blob_timelines(commit.queries for commit in commits)
        self._blobs = blobs
        self._folder = folder
        self._has_target = settings.has_target
        self._former = FormerBindings(commits, self.segments, blobs, folder, settings)
        self._versions: dict[tuple[str | int, ...], Contents | None] = {}
        self._query_paths: dict[tuple[str, str], str] = {}
        self._contents: dict[str, tuple[list[int], list[Contents]]] = {}
        self._states: dict[str, tuple[list[int], list[Declared | None]]] = {}
        self._lost: set[tuple[str, int]] = set()

    def files_at(self, index: int) -> tuple[tuple[FileChange, ...], tuple[FileChange, ...]]:
        """Return the segment files and the `.sql` files that exist after a commit."""
        segments, queries = (
            tuple(
                FileChange(path, blob)
                for path, timeline in timelines.items()
                if (blob := blob_at(timeline, index)) is not None
            )
            for timelines in (self.segments, self._queries)
        )
        return segments, queries

    def settings_at(self, index: int) -> tuple[FileChange, ...]:
        """Return segctl.yaml as it counts after a commit; nothing if there is none."""
        blob = blob_at(self._former.settings_blobs, index)
        return () if blob is None else (FileChange(SETTINGS_FILE, blob),)

    def state(self, source: str, index: int) -> Declared | None:
        """Return what a source declared after a commit, or last declared before it was broken."""
        item = self.contents_at(file_of(source), index).get(source)
        return item if isinstance(item, Declared) else None

    def states(self, source: str) -> tuple[list[int], list[Declared | None]]:
        """Return the commits that may have changed a segment, and what was declared after each."""
        if source not in self._states:
            indexes, contents = self.contents(file_of(source))
            items = (content.get(source) for content in contents)
            states = [item if isinstance(item, Declared) else None for item in items]
            self._states[source] = indexes, states
        return self._states[source]

    def declared_in(self, path: str, index: int) -> Iterator[Declared]:
        """Yield the segments that a file declared after a commit."""
        for item in self.contents_at(path, index).values():
            if isinstance(item, Declared):
                yield item

    def contents_at(self, path: str, index: int) -> Contents:
        """Return what a file said after a commit, or last said before it was broken."""
        indexes, contents = self.contents(path)
        position = bisect.bisect_right(indexes, index) - 1
        return contents[position] if position >= 0 else _NOTHING

    def contents(self, path: str) -> tuple[list[int], list[Contents]]:
        """Return the commits that touched a file or what it uses, and what it said after each."""
        if path not in self._contents:
            timeline = self.segments.get(path, [])
            queries = {self._query_path(path, blob) for _, blob in timeline if blob}
            touched = {index for index, _ in timeline}
            for query in queries:
                touched |= {index for index, _ in self._queries.get(query, ())}
            if path in self.users_of_names:
                touched |= self._former.indexes
            indexes = sorted(index for index in touched if index >= timeline[0][0])
            contents: list[Contents] = []
            content = _NOTHING
            settings: FormerSettings | None = None
            for index in indexes:
                blob = blob_at(timeline, index)
                version = _NOTHING if blob is None else self._read(path, blob, index)
                if version is not None:
                    now = self._former.settings_at(index)
                    is_changed = settings is not None and settings is not now
                    if blob is not None and is_changed and path in self.dynamic:
                        self._note_lost(path, index, content, version, settings)
                    content, settings = version, now
                contents.append(content)
            self._contents[path] = indexes, contents
        return self._contents[path]

    def names(self, path: str) -> Iterator[tuple[str, str]]:
        """Yield the names that versions of a dynamic file declare or remove, with the sources.

        Most versions have those of another one, and need not be read.
        """
        timeline = self.segments[path]
        namings: dict[str, Hashable] = {}
        known: set[Hashable] = set()
        for index in sorted({index for index, _ in timeline} | self._former.indexes):
            blob = blob_at(timeline, index)
            if not blob:
                continue
            if blob not in namings:
                namings[blob] = naming(self._blobs[blob])
            bindings = self._former.texts_at(index, self._former.settings_at(index))
            key = namings[blob], id(bindings)
            if key not in known:
                version = self._parse(path, blob, None, bindings)
                if version is not None:
                    known.add(key)
                    yield from ((item.name, source) for source, item in version.items())

    def _note_lost(
        self,
        path: str,
        index: int,
        before: Contents,
        after: Contents,
        settings: FormerSettings | None,
    ) -> None:
        """Note which segments a file declares no more only since segctl.yaml is another one."""
        gone = [
            (source, item.name)
            for source, item in before.items()
            if isinstance(item, Declared)
            and (source not in after or after[source].name != item.name)
        ]
        blob = blob_at(self.segments[path], index)
        if gone and blob:
            otherwise = self._read(path, blob, index, settings)
            self._lost |= {
                (source, index)
                for source, name in gone
                # A file that goes with the new settings alone may be the same with them.
                if otherwise is None or (source in otherwise and otherwise[source].name == name)
            }

    def is_lost_by_settings(self, source: str, index: int) -> bool:
        """Return whether a commit took a name from a segment only by what segctl.yaml says."""
        self.contents(file_of(source))
        return (source, index) in self._lost

    def disposed_by(self, source: str) -> int | None:
        """Return the commit that wrote `removed` in a file that has it now, `None` where none did.

        Later changes of such a file do not count.
        """
        disposing = None
        path = file_of(source)
        indexes, contents = self.contents(path) if path in self.segments else ([], [])
        for index, content in reversed([*zip(indexes, contents, strict=True)]):
            if not isinstance(content.get(source), Tombstone):
                break
            disposing = index
        return disposing

    def renamed_by(self, source: str, name: str) -> int | None:
        """Return the commit since which a segment has had a name in its previous ones, if it has.

        Those are in `previous_names`, or follow from `previous_keys`.
        """
        since = None
        if file_of(source) in self.segments:
            for index, declared in reversed([*zip(*self.states(source), strict=True)]):
                if declared is None or name not in declared.previous_names:
                    break
                since = index
        return since

    def tombstones(self, path: str, since: int) -> Iterator[Tombstone]:
        """Yield what a file said `removed` of after a commit; most never did, and are not read."""
        timeline = self.segments[path]
        if any(blob and b"removed" in self._blobs[blob] for _, blob in timeline):
            for index, content in zip(*self.contents(path), strict=True):
                if index > since:
                    for item in content.values():
                        if isinstance(item, Tombstone):
                            yield item

    @cached_property
    def dynamic(self) -> frozenset[str]:
        """The files with a version that has instances, or names that values or targets decide."""
        return frozenset(self._paths_of(is_dynamic))

    @cached_property
    def with_instances(self) -> frozenset[str]:
        """The files with a version that may have instances."""
        return frozenset(self._paths_of(has_many_names))

    @cached_property
    def users_of_names(self) -> frozenset[str]:
        """The files with a version that may use names that other files explain."""
        uses = frozenset(self._paths_of(_may_use_names)) if self._has_target else frozenset()
        return uses | self.dynamic

    def _paths_of(self, has: Callable[[bytes], bool]) -> Iterator[str]:
        for path, timeline in self.segments.items():
            if not self._former.is_source(path) and any(
                blob and has(self._blobs[blob]) for _, blob in timeline
            ):
                yield path

    def changes_names(self, commit: Commit) -> bool:
        """Return whether a commit may change what names stand for."""
        return bool(commit.settings) or any(
            self._former.is_source(change.path) for change in commit.segments
        )

    def _read(
        self, path: str, blob: str, index: int, settings: FormerSettings | None = None
    ) -> Contents | None:
        """Return a version of a file with the query of its time; `None` where it is broken.

        `settings` are those of its time, too, if there are none.
        """
        if not blob:
            return None
        query = self._query_path(path, blob)
        query_blob = blob_at(self._queries.get(query, []), index) or ""
        bindings = None
        if path in self.users_of_names:
            bindings = self._former.at(index, settings or self._former.settings_at(index))
        key = path, blob, query_blob, id(bindings)
        if key not in self._versions:
            queries = {query: self._blobs[query_blob]} if query_blob else {}
            self._versions[key] = self._parse(path, blob, queries, bindings)
        return self._versions[key]

    def _parse(
        self, path: str, blob: str, queries: Mapping[str, bytes] | None, bindings: Bindings | None
    ) -> Contents | None:
        """Return what a version declares, whatever its query is where none are given."""
        data = self._blobs[blob]
        if queries is None:
            declarations = read_texts(path, data, self._folder, bindings)
        else:
            declarations, _ = read_file(path, data, queries, self._folder, bindings)
        if declarations is None and bindings is not None and queries is not None:
            # A name that stands for nothing declares the segment all the same.
            texts_only = dataclasses.replace(bindings, texts_only=True)
            declarations, _ = read_file(path, data, queries, self._folder, texts_only)
        if declarations is None:
            return None
        return {declaration.source: declaration for declaration in declarations}

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


def _may_use_names(data: bytes) -> bool:
    """Return whether a version of a file, or its query, may use names."""
    return b"@" in data or b"parent_list:" in data or b"query_file" in data or b"\\" in data
