"""Which segments of an account become files, and which cannot: a pure function, as planning is.

Owns the choice, the order and the reasons. What a file says is `declarations/generating.py`, its
name `declarations/filenames.py`. Refuses whatever would make the next plan anything but empty: a
name that another segment has or almost has, a segment that no file can hold. Writes nothing.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.common.secrets import redact
from segctl.declarations.collection import fold_name
from segctl.declarations.filenames import FileNames
from segctl.declarations.generating import segment_text
from segctl.planning.matching import undeclared
from segctl.planning.temporary_names import is_marked, looks_like_successor

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from segctl.model import Declared, Remote, Snapshot, Tombstone
    from segctl.model.contact_fields import ListNames


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to write: its name in the segments folder, its text, the segment that it declares."""

    name: str
    text: str
    remote: Remote


@dataclass(frozen=True, slots=True)
class Skipped:
    """A segment that cannot be imported: the reason, and what to do, for people."""

    remote: Remote
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Import:
    """What an import would do. Files and segments are in the order of names, then of ids."""

    files: tuple[NewFile, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    declared: int = 0


def find_segments(names: Sequence[str], listed: Sequence[Remote]) -> tuple[list[Remote], list[str]]:
    """Find segments by name or id: those found, each once, and what is neither.

    A name that several segments have finds them all.
    """
    found = [one for one in listed if one.name in names or one.id in names]
    known = {key for one in found for key in (one.name, one.id)}
    return found, [name for name in dict.fromkeys(names) if name not in known]


def segments_to_read(
    picked: Iterable[Remote], declared: Sequence[Declared], listed: Iterable[Remote]
) -> list[Remote]:
    """Say which of the segments picked, out of all that are listed, need their definition read."""
    loose = {one.id for one in undeclared(declared, listed)}
    return [one for one in picked if one.id in loose and not one.is_v1]


def build_import(
    snapshot: Snapshot,
    picked: Iterable[str],
    declared: Sequence[Declared],
    tombstones: Sequence[Tombstone] = (),
    *,
    taken: Iterable[str] = (),
    lists: ListNames | None = None,
    schema: str = "",
) -> Import:
    """Turn the segments picked, by id, into files.

    The snapshot has the definition of each that `to_read` names. `taken` are the names that stand
    in the segments folder; `lists` and `schema` are as for `segment_text`.
    """
    ids = set(picked)
    loose = {one.id for one in undeclared(declared, snapshot.remotes)}
    choice = Choice(snapshot, declared, tombstones)
    upgraded = {one.upgrade_from for one in declared}
    file_names = FileNames(taken)
    files: list[NewFile] = []
    skipped: list[Skipped] = []
    known = 0
    for one in sorted(snapshot.remotes, key=lambda remote: (remote.name, remote.id)):
        if one.id not in ids:
            continue
        if one.id not in loose and (not one.is_v1 or one.id.lower() in upgraded):
            known += 1
            continue
        skip = _v1(one) if one.is_v1 else choice.reason_to_skip(one)
        if skip is not None:
            skipped.append(skip)
            continue
        written = segment_text(one.definition, lists or {}, schema)
        if written.reason:
            skipped.append(unwritable(one, written.reason))
            continue
        files.append(NewFile(file_names.take(one.name, one.id), written.text, one))
        choice.take(one.name)
    return Import(tuple(files), tuple(skipped), known)


class Choice:
    """What stands in the way of importing a segment; `alike` has the names taken, folded."""

    def __init__(
        self, snapshot: Snapshot, declared: Sequence[Declared], tombstones: Sequence[Tombstone]
    ) -> None:
        self.held = Counter(one.name for one in snapshot.remotes)
        self.graves = {one.name: one for one in tombstones}
        known: list[Declared | Tombstone] = [*declared, *tombstones]
        self.alike = {fold_name(one.name): f"`{one.name}` (in {one.file})" for one in known}

    def take(self, name: str) -> None:
        """Remember a name that a new file has."""
        self.alike[fold_name(name)] = f"`{name}`"

    def reason_to_skip(self, one: Remote) -> Skipped | None:
        """Say why a segment cannot become a file, as far as names go."""
        if one.name in self.graves:
            return _buried(one, self.graves[one.name])
        if is_marked(one) or looks_like_successor(one):
            return _halfway(one)
        if self.held[one.name] > 1:
            return _ambiguous(one, self.held[one.name])
        if fold_name(one.name) in self.alike:
            return _alike(one, self.alike[fold_name(one.name)])
        return _without_query(one) if one.query is None else None


def segment_label(remote: Remote) -> str:
    """Name a segment for people: by its name, or by its id where that shows nothing."""
    return f"`{redact(remote.name)}`" if remote.name.strip() else f"segment {remote.id}"


def by_hand(one: Remote) -> str:
    """Say how to go on where no file is written for a v1 segment: nobody can edit that itself."""
    return f"write its file by hand, with `upgrade_from: {{v1_id: {one.id}}}`"


def _v1(one: Remote) -> Skipped:
    return Skipped(
        one,
        f"{segment_label(one)} is a v1 segment, which cannot be managed: SendGrid lets"
        " nobody change one",
        "`segctl upgrade` writes a file by which a new segment takes its place",
    )


def _buried(one: Remote, grave: Tombstone) -> Skipped:
    return Skipped(
        one,
        f"{segment_label(one)} is `removed` by {grave.file}",
        f"delete {grave.file} first if you want to manage it again",
    )


def _halfway(one: Remote) -> Skipped:
    return Skipped(
        one,
        f"{segment_label(one)} has a temporary name of segctl, by an apply that was cut short",
        "`segctl plan` shows what becomes of it",
    )


def _ambiguous(one: Remote, number: int) -> Skipped:
    return Skipped(
        one,
        f"the account has {number} segments named {segment_label(one)},"
        " and a file could mean either",
        f"{by_hand(one)} and the name that is meant"
        if one.is_v1
        else f"rename this one in SendGrid: {one.id}",
    )


def _alike(one: Remote, other: str) -> Skipped:
    return Skipped(
        one,
        f"{segment_label(one)} and {redact(other)} differ by nothing but case or invisible"
        " encoding",
        f"{by_hand(one)} and another name"
        if one.is_v1
        else f"rename one of the two in SendGrid: this one is {one.id}",
    )


def _without_query(one: Remote) -> Skipped:
    skipped = unwritable(one, "it has no query")
    # An upgrade would be refused as well: nothing could be compared before the old one is deleted.
    hint = f"look at it in SendGrid, and make another one if it is broken: its id is {one.id}"
    return dataclasses.replace(skipped, hint=hint) if one.is_v1 else skipped


def unwritable(one: Remote, reason: str) -> Skipped:
    """Say why no file can hold a segment, and what to do."""
    return Skipped(
        one,
        f"{segment_label(one)} cannot be written as a file: {reason}",
        by_hand(one) if one.is_v1 else f"change it in SendGrid first: its id is {one.id}",
    )
