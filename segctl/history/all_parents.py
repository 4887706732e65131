"""Removals along all parents of merges: what a branch that merged main says about main's removals.

First parents alone would date a removal on main by the merge, after someone may have created a
namesake, and would miss that main protected or forgot the segment. The earliest removal counts
after which no commit declares the name. Pure: runs no git.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.history.former_bindings import read_texts
from segctl.history.name_scan import is_dynamic, possible_name
from segctl.model import Disposal, Tombstone
from segctl.model.values import INSTANCES_FILE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from segctl.declarations.segment_file import Declaration
    from segctl.history.commits import Commit
    from segctl.history.former_bindings import FormerSettings, SettingsReader
    from segctl.planning.ownership import Removal


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a source says of a name: that it is declared, protected or not, or forgotten."""

    name: str
    source: str
    is_declared: bool
    is_protected: bool = False
    is_forgotten: bool = False


@dataclass(frozen=True, slots=True)
class FilesOfBranches:
    """What reads the files of all branches: their contents, and the settings of the target.

    `folder` is relative to the project, `blobs` has the contents, and `scanned_names` the possible
    names in those that were scanned.
    """

    folder: str
    blobs: Mapping[str, bytes]
    scanned_names: dict[str, str]
    settings: SettingsReader


def correct_removals(
    removals: Sequence[Removal],
    commits: Sequence[Commit],
    files: FilesOfBranches,
    *,
    limit: str,
    left_out: Collection[str] = (),
) -> tuple[Removal, ...]:
    """Return removals with the earliest commit, and the protection, that any parent shows.

    A name that any parent forgot after it was last declared is left out. `commits` are those of
    all parents, each after its parents. A removal that is dated after `limit` proves nothing; it
    counts if no earlier one is the last. `left_out` are sources that declare a removed name for
    another segment.
    """
    names = {removal.name for removal in removals}
    reader = _EntryReader(names, files, left_out)
    states = _states(commits, reader)
    declared_later = _declared_later(commits, states)
    forgotten: set[str] = set()
    protected = {removal.name for removal in removals if removal.is_protected}
    last: dict[str, list[Commit]] = {name: [] for name in names}
    for commit in commits:
        state = states[commit.id]
        still = state.declared | declared_later[commit.id]
        forgotten |= state.forgotten - still
        for parent in commit.parents:
            before = states.get(parent, reader.nothing)
            for name in before.declared - still:
                last[name].append(commit)
                if before.protects(name):
                    protected.add(name)
    return tuple(
        _corrected(
            dataclasses.replace(removal, is_protected=removal.name in protected),
            last[removal.name],
            limit,
            is_last=removal.name not in declared_later.get(removal.commit, ()),
        )
        for removal in removals
        if removal.name not in forgotten
    )


def _corrected(removal: Removal, last: Sequence[Commit], limit: str, *, is_last: bool) -> Removal:
    """Return a removal as the earliest of the commits after which no other declares its name.

    If one of them was before `limit`, or `is_last`, the removal stays the one of the first parents
    where that was earlier: a branch that declared the name again makes nothing removable.
    """
    earliest = min(last, key=lambda commit: commit.ref.committed_at, default=None)
    if earliest is None:
        return removal
    removed_at = earliest.ref.committed_at
    if removed_at >= removal.removed_at and (is_last or removed_at <= limit):
        return removal
    return dataclasses.replace(
        removal, commit=earliest.id, removed_at=removed_at, author=earliest.author
    )


@dataclass(frozen=True, slots=True)
class _State:
    """What the files say after a commit, by path, and the names that they declare or forget.

    `dynamic` has the blobs of the files whose names depend on `settings` and on the blob
    `instances` of instances.yaml.
    """

    entries: Mapping[str, tuple[_Entry, ...]]
    declared: frozenset[str]
    forgotten: frozenset[str]
    dynamic: Mapping[str, str]
    settings: FormerSettings
    instances: str | None

    @classmethod
    def of(
        cls,
        entries: Mapping[str, tuple[_Entry, ...]],
        dynamic: Mapping[str, str],
        settings: FormerSettings,
        instances: str | None,
    ) -> _State:
        """Return a state with the names in these entries."""
        items = [entry for of_path in entries.values() for entry in of_path]
        return cls(
            entries,
            frozenset(entry.name for entry in items if entry.is_declared),
            frozenset(entry.name for entry in items if entry.is_forgotten),
            dynamic,
            settings,
            instances,
        )

    def protects(self, name: str) -> bool:
        """Return whether a file declares a name as protected."""
        return any(
            entry.name == name and entry.is_protected
            for of_path in self.entries.values()
            for entry in of_path
        )


def _states(commits: Sequence[Commit], reader: _EntryReader) -> dict[str, _State]:
    """Return the state after each commit, by its id."""
    states: dict[str, _State] = {}
    for commit in commits:
        before = states.get(commit.parents[0]) if commit.parents else None
        states[commit.id] = reader.after(commit, before or reader.nothing)
    return states


def _declared_later(
    commits: Sequence[Commit], states: Mapping[str, _State]
) -> dict[str, frozenset[str]]:
    """Return the names that descendants of each commit declare."""
    nothing: frozenset[str] = frozenset()
    later = dict.fromkeys((commit.id for commit in commits), nothing)
    for commit in reversed(commits):
        names = later[commit.id] | states[commit.id].declared
        for parent in commit.parents:
            if not names <= later.get(parent, nothing):
                later[parent] = later.get(parent, nothing) | names
    return later


class _EntryReader:
    """Reads what versions of files say of some names."""

    def __init__(
        self, names: Collection[str], files: FilesOfBranches, left_out: Collection[str]
    ) -> None:
        self._names = names
        self._files = files
        self._left_out = left_out
        self._instances = f"{files.folder}/{INSTANCES_FILE}"
        self.nothing = _State.of({}, {}, files.settings.default, None)
        self._entries: dict[tuple[str | int | None, ...], tuple[_Entry, ...] | None] = {}

    def after(self, commit: Commit, before: _State) -> _State:
        """Return the state after a commit, `before` being that of its first parent."""
        settings, instances = before.settings, before.instances
        for change in commit.settings:
            settings = self._files.settings.read_change(change, self._files.blobs) or settings
        dynamic = dict(before.dynamic)
        changes: dict[str, tuple[_Entry, ...]] = {}
        for change in commit.segments:
            dynamic.pop(change.path, None)
            if change.path == self._instances:
                instances = change.blob
            elif change.blob and is_dynamic(self._files.blobs[change.blob]):
                dynamic[change.path] = change.blob
            else:
                known = before.entries.get(change.path, ())
                changes[change.path] = self._read(change.path, change.blob, known)
        others_changed = settings is not before.settings or instances != before.instances
        for path, blob in dynamic.items():
            if others_changed or blob != before.dynamic.get(path):
                known = before.entries.get(path, ())
                changes[path] = self._read_dynamic(path, blob, known, settings, instances)
        changed = {
            path: entries
            for path, entries in changes.items()
            if entries != before.entries.get(path, ())
        }
        if not changed and not others_changed and dynamic == before.dynamic:
            return before
        entries = {path: item for path, item in {**before.entries, **changed}.items() if item}
        return _State.of(entries, dynamic, settings, instances)

    def _read(self, path: str, blob: str | None, before: tuple[_Entry, ...]) -> tuple[_Entry, ...]:
        """Return the entries of a version; a broken one says what the version before it did."""
        if blob is None:
            return ()
        data = self._files.blobs[blob] if blob else b""
        scanned_names = self._files.scanned_names
        if blob not in scanned_names:
            scanned_names[blob] = possible_name(data)
        name = scanned_names[blob]
        if not name:
            return before
        if name not in self._names:
            return ()
        key = path, blob
        if key not in self._entries:
            # Most versions have neither key, and need not be read.
            if b"removed" not in data and b"protected" not in data:
                self._entries[key] = self._kept([_Entry(name, path, is_declared=True)])
            else:
                contents = read_texts(path, data, self._files.folder)
                self._entries[key] = self._kept(map(_entry, contents)) if contents else None
        entries = self._entries[key]
        return before if entries is None else entries

    def _read_dynamic(
        self,
        path: str,
        blob: str,
        before: tuple[_Entry, ...],
        settings: FormerSettings,
        instances: str | None,
    ) -> tuple[_Entry, ...]:
        """Return the same of a file whose names depend on what other files say."""
        data = self._files.blobs[instances] if instances else None
        bindings = self._files.settings.texts(settings, self._instances, data)
        key = path, blob, id(bindings)
        if key not in self._entries:
            contents = read_texts(path, self._files.blobs[blob], self._files.folder, bindings)
            self._entries[key] = None if contents is None else self._kept(map(_entry, contents))
        entries = self._entries[key]
        return before if entries is None else entries

    def _kept(self, entries: Iterable[_Entry]) -> tuple[_Entry, ...]:
        """Return the entries of the wanted names, without those that are for another segment."""
        return tuple(
            entry
            for entry in entries
            if entry.name in self._names and entry.source not in self._left_out
        )


def _entry(content: Declaration) -> _Entry:
    if isinstance(content, Tombstone):
        is_forgotten = content.disposal is Disposal.FORGET
        return _Entry(content.name, content.source, is_declared=False, is_forgotten=is_forgotten)
    return _Entry(content.name, content.source, is_declared=True, is_protected=content.protected)
