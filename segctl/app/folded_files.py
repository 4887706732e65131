"""What folding needs of a project: its files, the names that they may use, and their reader."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING

from segctl.app.new_files import segments_folder
from segctl.app.selection import sound_declarations
from segctl.declarations.instances import FOR_EACH
from segctl.history.committed import committed_files
from segctl.importing.fold_files import ExistingFiles, existing_candidate
from segctl.importing.folds import FoldNames
from segctl.project.files import Files

if TYPE_CHECKING:
    from collections.abc import Collection

    from segctl.app.project import Project
    from segctl.declarations.collection import Declarations
    from segctl.importing.folds import Candidate, Reader
    from segctl.model.contact_fields import ListNames


def fold_names(project: Project, lists: ListNames) -> FoldNames:
    """Return the names for folded files; `lists` are those of the account's lists, by id.

    A file can only use the name of a list that the file of the account has, once.
    """
    bindings = project.read_declarations(_files(project)).bindings
    account = bindings.account.account
    recorded = {} if account is None else account.lists or {}
    counts = Counter(recorded.values())
    by_name = {list_id.lower(): name for list_id, name in recorded.items() if counts[name] == 1}
    taken = {*bindings.values, *bindings.conditions}
    return FoldNames(lists, by_name, taken)


def file_reader(project: Project) -> Reader:
    """Return the function that reads one file as if it were the only one of the project."""
    files = _files(project)

    def read(path: str, text: str) -> Declarations:
        segments = {f"{project.config.segments}/{path}.yaml": text.encode()}
        return project.read_declarations(dataclasses.replace(files, segments=segments, queries={}))

    return read


def existing_files(project: Project, names: Collection[str] | None) -> ExistingFiles:
    """Return the files of the project that declare a segment with one of these names; all, if none.

    Only a file that the last commit has as it is may be folded: git keeps what is removed then.
    """
    if not segments_folder(project).exists():
        return ExistingFiles()
    files, folder = project.files.segments, project.config.segments
    declarations = sound_declarations(project)
    declared = [item for item in declarations.declared if names is None or item.name in names]
    committed = committed_files(project.root, folder, files, env=project.env) if declared else ()
    candidates: dict[str, Candidate] = {}
    reasons: dict[str, str] = {}
    for segment in declared:
        document = declarations.documents[segment.file]
        if FOR_EACH in document.value:
            continue
        candidate = existing_candidate(segment, document, folder)
        if isinstance(candidate, str):
            reasons[segment.name] = candidate
        elif segment.file not in committed:
            reasons[segment.name] = f"{segment.file} is not committed as it is"
        else:
            candidates[segment.file.removeprefix(f"{folder}/")] = candidate
    return ExistingFiles(candidates, reasons)


def _files(project: Project) -> Files:
    """Return the files of the project beside those of segments; none if it has no folder yet."""
    if not segments_folder(project).exists():
        return Files()
    return dataclasses.replace(project.files, segments={}, queries={})
