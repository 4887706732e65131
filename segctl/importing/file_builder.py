"""Segments of an account as new segment files: the path that `import` and `upgrade` share.

Owns the order of the files, their names, and the reasons for which a segment becomes no file:
whatever would make the next plan anything but empty. Which segments are converted, and what each
declares, is up to a `Conversion`. Pure: nothing is written, and nothing is sent.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segctl.common.secrets import redact
from segctl.declarations.file_layout import Layout, list_stems
from segctl.declarations.filenames import FileNames, file_stem
from segctl.declarations.generating import segment_text
from segctl.planning.temporary_names import is_marked, looks_like_successor

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from segctl.errors import Diagnostic
    from segctl.model import Declared, Remote, Segment, Snapshot, Tombstone
    from segctl.model.contact_fields import ListNames


@dataclass(frozen=True, slots=True)
class Draft:
    """What the file of a segment declares.

    `upgrade_from` is the id of the v1 segment that it replaces, or empty. `above_query` holds
    lines of comment, each with its LF. `notes` are for the person who reviews the file.
    """

    segment: Segment
    upgrade_from: str = ""
    above_query: str = ""
    notes: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class FileOptions:
    """What all new files have in common.

    `schema` is the path of the JSON Schema from the folder of segment files, empty for none.
    `owner` and `tags` are written into each file, and so is `target`, the only one that the file is
    for; empty for all of the project.
    """

    schema: str = ""
    layout: Layout = field(default_factory=Layout)
    owner: str = ""
    tags: tuple[str, ...] = ()
    target: str = ""


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to write: its path in the segments folder, and its text.

    `remote` is the segment that it was made from, `segment` what it declares.
    """

    name: str
    text: str
    remote: Remote
    segment: Segment
    notes: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """A segment that becomes no file: why, and what to do, as text for people."""

    remote: Remote
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class NewFoldedFile:
    """A file that declares several segments with `for_each`, in place of a file for each.

    `title` is the name in it, with `${…}` where it varies, and `segments` are the names that it
    stands for. `replaces` are the paths in the segments folder of files that declare some of them
    so far.
    """

    name: str
    text: str
    title: str
    segments: tuple[str, ...]
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewFiles:
    """What a conversion would write and what it skips, ordered by name, then by id.

    `declared` counts the segments that a file declares already. `folded` are files for several
    segments, which `files` do not have, and `remarks` say which other segments are not in them.
    """

    files: tuple[NewFile, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    declared: int = 0
    folded: tuple[NewFoldedFile, ...] = ()
    remarks: tuple[Diagnostic, ...] = ()


class Conversion(ABC):
    """Which segments of an account are converted, and what each of their files declares."""

    @abstractmethod
    def is_declared(self, remote: Remote) -> bool:
        """Whether a file declares the segment already."""

    @abstractmethod
    def reason_to_skip(self, remote: Remote) -> Skipped | None:
        """Return why the segment is not for this conversion, or `None`."""

    @abstractmethod
    def draft(self, remote: Remote) -> Draft | Skipped:
        """Return what the file of the segment declares, or why it can declare nothing."""


def build_files(
    conversion: Conversion,
    snapshot: Snapshot,
    picked: Iterable[str],
    declared: Sequence[Declared],
    tombstones: Sequence[Tombstone] = (),
    *,
    taken: Iterable[str] = (),
    lists: ListNames | None = None,
    options: FileOptions | None = None,
) -> NewFiles:
    """Convert the segments with the ids `picked` into files.

    `taken` are the paths of what is in the segments folder. `lists` is as for `segment_text`; a
    layout with parent lists needs those of the whole account, or a list would have another name
    in each import.
    """
    ids = set(picked)
    options = options or FileOptions()
    names = _NameCheck(snapshot, declared, tombstones)
    paths = _Paths(options.layout, lists or {}, taken)
    files: list[NewFile] = []
    skipped: list[Skipped] = []
    already_declared = 0
    for remote in sorted(snapshot.remotes, key=lambda remote: (remote.name, remote.id)):
        if remote.id not in ids:
            continue
        if conversion.is_declared(remote):
            already_declared += 1
            continue
        draft = (
            conversion.reason_to_skip(remote)
            or names.reason_to_skip(remote)
            or paths.reason_to_skip(remote)
            or conversion.draft(remote)
        )
        if isinstance(draft, Skipped):
            skipped.append(draft)
            continue
        path = paths.path(remote)
        generated = segment_text(
            draft.segment,
            lists or {},
            options.schema and "../" * path.count("/") + options.schema,
            owner=options.owner,
            tags=options.tags,
            target=options.target,
            upgrade_from=draft.upgrade_from,
            above_query=draft.above_query,
        )
        if generated.reason:
            skipped.append(_unwritable(remote, generated.reason))
            continue
        name = paths.claim(path)
        files.append(NewFile(name, generated.text, remote, draft.segment, draft.notes))
        names.claim(remote.name)
    return NewFiles(tuple(files), tuple(skipped), already_declared)


class _Paths:
    """Where the new files go."""

    def __init__(self, layout: Layout, lists: ListNames, taken: Iterable[str]) -> None:
        self.layout = layout
        self.lists = list_stems(lists) if layout.needs_parent_list else {}
        self.claim = FileNames(taken).claim_path

    def reason_to_skip(self, remote: Remote) -> Skipped | None:
        """Return why the path of a segment's file is unknown, or `None`."""
        unknown = [item for item in remote.parent_list_ids if item.lower() not in self.lists]
        if not unknown or not self.layout.needs_parent_list:
            return None
        return Skipped(
            remote,
            f"{segment_label(remote)} has the parent list {redact(unknown[0])}, which the account "
            "does not show, so --layout has no name for it",
            f"run `segctl import {remote.id}` to write its file without a layout",
        )

    def path(self, remote: Remote) -> str:
        """Return the path of a segment's file, without its suffix, before it is claimed."""
        parents = [self.lists[item.lower()] for item in remote.parent_list_ids if self.lists]
        return self.layout.path(file_stem(remote.name, remote.id), parents[0] if parents else "")


class _NameCheck:
    """What keeps a segment from becoming a file because of its name, or of what it lacks."""

    def __init__(
        self, snapshot: Snapshot, declared: Sequence[Declared], tombstones: Sequence[Tombstone]
    ) -> None:
        self.counts = Counter(remote.name for remote in snapshot.remotes)
        self.tombstones = {tombstone.name: tombstone for tombstone in tombstones}
        known: list[Declared | Tombstone] = [*declared, *tombstones]
        self.claimed = {_form(file.name): f"`{file.name}` (in {file.file})" for file in known}

    def claim(self, name: str) -> None:
        """Record the name of a new file's segment."""
        self.claimed[_form(name)] = f"`{name}`"

    def reason_to_skip(self, remote: Remote) -> Skipped | None:
        """Return why a segment cannot become a file, or `None`."""
        if remote.name in self.tombstones:
            return _removed(remote, self.tombstones[remote.name])
        if is_marked(remote) or looks_like_successor(remote):
            return _unfinished(remote)
        if self.counts[remote.name] > 1:
            return _ambiguous(remote, self.counts[remote.name])
        if _form(remote.name) in self.claimed:
            return _alike(remote, self.claimed[_form(remote.name)])
        return _without_query(remote) if remote.query is None else None


def _form(name: str) -> str:
    """Return a form that is equal for names of which no project can have two."""
    return unicodedata.normalize("NFC", name)


def segment_label(remote: Remote) -> str:
    """Return what to call a segment in a message: its name, or its id where that shows nothing."""
    return f"`{redact(remote.name)}`" if remote.name.strip() else f"segment {remote.id}"


def manual_upgrade_hint(remote: Remote) -> str:
    """Return the start of a hint for a v1 segment that becomes no file: it cannot be edited."""
    return f"write its file by hand, with `upgrade_from: {{v1_id: {remote.id}}}`"


def _removed(remote: Remote, tombstone: Tombstone) -> Skipped:
    return Skipped(
        remote,
        f"{segment_label(remote)} is `removed` by {tombstone.file}",
        f"delete {tombstone.file} first to manage the segment again",
    )


def _unfinished(remote: Remote) -> Skipped:
    return Skipped(
        remote,
        f"{segment_label(remote)} has a temporary segctl name, left by an interrupted apply",
        "run `segctl plan` to see what happens to it",
    )


def _ambiguous(remote: Remote, number: int) -> Skipped:
    return Skipped(
        remote,
        f"the account has {number} segments named {segment_label(remote)},"
        " and a file could mean any of them",
        f"{manual_upgrade_hint(remote)} and the name that you want"
        if remote.is_v1
        else f"rename this one in SendGrid (id {remote.id})",
    )


def _alike(remote: Remote, other: str) -> Skipped:
    return Skipped(
        remote,
        f"{segment_label(remote)} and {redact(other)} differ only in their invisible encoding",
        f"{manual_upgrade_hint(remote)} and another name"
        if remote.is_v1
        else f"rename one of the two in SendGrid (the id of this one is {remote.id})",
    )


def _without_query(remote: Remote) -> Skipped:
    skipped = _unwritable(remote, "it has no query")
    # An upgrade would be refused as well: there is no query to compare before the delete.
    hint = f"check it in SendGrid, and create a new one if it is broken (id {remote.id})"
    return dataclasses.replace(skipped, hint=hint) if remote.is_v1 else skipped


def _unwritable(remote: Remote, reason: str) -> Skipped:
    return Skipped(
        remote,
        f"{segment_label(remote)} cannot be written as a file: {reason}",
        manual_upgrade_hint(remote)
        if remote.is_v1
        else f"change it in SendGrid first (id {remote.id})",
    )
