"""Segment files, new and existing ones, as files that declare several segments with `for_each`.

Owns where the folded files go, and which files may be folded: new ones whose queries have the
layout of `segctl fmt`, and existing ones that lose nothing. Pure: nothing is written.
"""

from __future__ import annotations

import dataclasses
import posixpath
from typing import TYPE_CHECKING

from segctl.declarations.filenames import FileNames, file_stem
from segctl.declarations.key_blocks import comments_of
from segctl.importing.file_builder import NewFoldedFile
from segctl.importing.folds import SLUG, Candidate, fold_segments
from segctl.model import Metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from segctl.documents.document import Document
    from segctl.importing.file_builder import FileOptions, NewFile, NewFiles
    from segctl.importing.folds import FoldNames, Reader
    from segctl.model import Declared

_KEYS = frozenset(
    ("name", "description", "owner", "tags", "targets", "parent_list_ids", "query_dsl")
)


@dataclasses.dataclass(frozen=True, slots=True)
class ExistingFiles:
    """Files that declare one segment each, by path in the segments folder.

    `candidates` may be folded. `reasons` says, by the name of the segment, why the others may not.
    """

    candidates: Mapping[str, Candidate] = dataclasses.field(default_factory=dict)
    reasons: Mapping[str, str] = dataclasses.field(default_factory=dict)


def fold_files(
    new: NewFiles,
    existing: ExistingFiles,
    names: FoldNames,
    read: Reader,
    *,
    taken: Iterable[str] = (),
    options: FileOptions,
) -> NewFiles:
    """Return new files; those that differ only in literals and names are folded.

    They are folded with each other and with `existing` ones. `taken` and `options` are as for
    `build_files`; the rest is as for `fold_segments`.
    """
    metadata = Metadata("", options.owner, options.tags)
    targets = (options.target,) if options.target else ()
    new_files = (file for file in new.files if not file.notes)
    candidates = {
        **{file.name: _candidate(file, metadata, targets) for file in new_files},
        **existing.candidates,
    }
    paths = [*candidates]
    folds = fold_segments(
        [*candidates.values()], names, read, options.schema, reasons=existing.reasons
    )
    members = {paths[number] for fold in folds.files for number in fold.members}
    rest = tuple(file for file in new.files if file.name not in members)
    file_names = FileNames([*taken, *(file.name for file in rest)])
    folded = tuple(
        NewFoldedFile(
            file_names.claim_path(fold.path),
            fold.text,
            fold.name,
            tuple(candidates[paths[number]].original.name for number in fold.members),
            tuple(paths[number] for number in fold.members if paths[number] in existing.candidates),
        )
        for fold in folds.files
    )
    return dataclasses.replace(new, files=rest, folded=folded, remarks=folds.remarks)


def _candidate(file: NewFile, metadata: Metadata, targets: tuple[str, ...]) -> Candidate:
    folder, name = posixpath.split(file.name.removesuffix(".yaml"))
    stem = file_stem(file.remote.name, file.remote.id)
    path = posixpath.join(folder, name.replace(stem, SLUG, 1))
    original, length = file.remote.definition, len(file.text)
    return Candidate(file.segment, original, metadata, path, length, targets)


def existing_candidate(declared: Declared, document: Document, folder: str) -> Candidate | str:
    """Return a segment of an existing file as a candidate, or why it may not be folded.

    `folder` is that of segment files. What has no place in a folded file, such as a comment, is a
    reason.
    """
    others = document.value.keys() - _KEYS
    if others:
        return f"{declared.file} has `{min(others)}`"
    targets = document.value.get("targets", [])
    if not isinstance(targets, list):
        return f"{declared.file} has values for targets"
    if declared.written_query:
        return f"the query in {declared.file} has names in place of values"
    if _own_comments(document):
        return f"{declared.file} has a comment"
    path = posixpath.relpath(posixpath.dirname(declared.file), folder)
    return Candidate(
        declared.segment,
        declared.segment,
        declared.metadata,
        posixpath.normpath(posixpath.join(path, SLUG)),
        len(document.text),
        tuple(targets),
    )


def _own_comments(document: Document) -> list[str]:
    """Return the comments that people wrote: not the schema, nor the name of the parent list."""
    generated = {comment for comment in comments_of(document) if "$schema=" in comment}
    if "parent_list_ids" in document.value:
        place = document.places["parent_list_ids", 0]
        line = document.text[place.end_offset :].partition("\n")[0]
        generated.add(line.strip())
    return [comment for comment in comments_of(document) if comment not in generated]
