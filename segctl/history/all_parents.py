"""Removals along all parents of merges: what a branch that merged main says about main's removals.

First parents alone would date a removal on main by the merge, after someone may have created a
namesake, and would miss that main protected or forgot the segment. The earliest removal counts
after which no commit declares the name. Pure: runs no git.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.declarations.segment_file import read_file
from segctl.history.name_scan import possible_name
from segctl.model import Disposal, Tombstone

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from segctl.history.commits import Commit
    from segctl.planning.ownership import Removal


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a file says of a name: that it is declared, protected or not, or forgotten."""

    name: str
    is_declared: bool
    is_protected: bool = False
    is_forgotten: bool = False


def correct_removals(
    removals: Sequence[Removal],
    commits: Sequence[Commit],
    blobs: Mapping[str, bytes],
    folder: str,
    scanned_names: dict[str, str],
    *,
    limit: str,
) -> tuple[Removal, ...]:
    """Return removals with the earliest commit, and the protection, that any parent shows.

    A name that any parent forgot after it was last declared is left out. `commits` are those of
    all parents, each after its parents; `blobs` has the contents of their segment files, and
    `scanned_names` the possible names in those that were scanned. A removal that is dated after
    `limit` proves nothing; it counts if no earlier one is the last.
    """
    names = {removal.name for removal in removals}
    states = _states(commits, _EntryReader(names, blobs, folder, scanned_names))
    declared_later = _declared_later(commits, states)
    forgotten: set[str] = set()
    protected = {removal.name for removal in removals if removal.is_protected}
    last: dict[str, list[Commit]] = {name: [] for name in names}
    for commit in commits:
        state = states[commit.id]
        still = state.declared | declared_later[commit.id]
        forgotten |= state.forgotten - still
        for parent in commit.parents:
            before = states.get(parent, _NOTHING)
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
    """What the files say after a commit, by path, and the names that they declare or forget."""

    entries: Mapping[str, _Entry]
    declared: frozenset[str]
    forgotten: frozenset[str]

    @classmethod
    def of(cls, entries: Mapping[str, _Entry]) -> _State:
        """Return a state with the names in it."""
        return cls(
            entries,
            frozenset(entry.name for entry in entries.values() if entry.is_declared),
            frozenset(entry.name for entry in entries.values() if entry.is_forgotten),
        )

    def protects(self, name: str) -> bool:
        """Return whether a file declares a name as protected."""
        return any(entry.name == name and entry.is_protected for entry in self.entries.values())


_NOTHING = _State.of({})


def _states(commits: Sequence[Commit], reader: _EntryReader) -> dict[str, _State]:
    """Return the state after each commit, by its id."""
    states: dict[str, _State] = {}
    for commit in commits:
        state = states.get(commit.parents[0], _NOTHING) if commit.parents else _NOTHING
        changes = {
            change.path: entry
            for change in commit.segments
            if (entry := reader.read(change.path, change.blob, state.entries.get(change.path)))
            != state.entries.get(change.path)
        }
        if changes:
            entries = {**state.entries, **changes}
            state = _State.of({path: entry for path, entry in entries.items() if entry is not None})
        states[commit.id] = state
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
        self,
        names: Collection[str],
        blobs: Mapping[str, bytes],
        folder: str,
        scanned_names: dict[str, str],
    ) -> None:
        self._names = names
        self._blobs = blobs
        self._folder = folder
        self._scanned_names = scanned_names
        self._entries: dict[tuple[str, str], _Entry | None] = {}

    def read(self, path: str, blob: str | None, before: _Entry | None) -> _Entry | None:
        """Return the entry of a version; a broken one says what the version before it did."""
        if blob is None:
            return None
        data = self._blobs[blob] if blob else b""
        if blob not in self._scanned_names:
            self._scanned_names[blob] = possible_name(data)
        name = self._scanned_names[blob]
        if not name:
            return before
        if name not in self._names:
            return None
        if (path, blob) not in self._entries:
            self._entries[path, blob] = self._parse(path, data, name)
        return self._entries[path, blob] or before

    def _parse(self, path: str, data: bytes, name: str) -> _Entry | None:
        # Most versions have neither key, and need not be read.
        if b"removed" not in data and b"protected" not in data:
            return _Entry(name, is_declared=True)
        contents, _ = read_file(path, data, _AnyQuery(), self._folder)
        if not contents:
            return None
        content = contents[0]
        if isinstance(content, Tombstone):
            is_forgotten = content.disposal is Disposal.FORGET
            return _Entry(content.name, is_declared=False, is_forgotten=is_forgotten)
        return _Entry(content.name, is_declared=True, is_protected=content.protected)


class _AnyQuery(dict[str, bytes]):
    """Queries of any path: what a query selects does not matter here."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> bytes:
        return b"SELECT contact_id, updated_at FROM contact_data"
