"""Edits made by hand in SendGrid, brought into the files that declare the segments.

Reads the account; `write_accepted` writes. A file is only rewritten where the last commit has it as
it is, so that git keeps what the update replaces.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.account.contact_lists import ContactLists
from segctl.app.console import SILENT
from segctl.app.list_names import parent_list_names
from segctl.app.plan import compare_with_account, read_request
from segctl.common.files import write_text
from segctl.common.folder import Folder
from segctl.common.suggest import did_you_mean
from segctl.declarations.generating import query_file_text
from segctl.declarations.updating import formatted_query, update_segment_file
from segctl.errors import Diagnostic, InvalidInput, Severity, UsageError
from segctl.history.committed import is_committed
from segctl.model import Patch, Reason, Replace
from segctl.planning.proofs import BY_NAME
from segctl.planning.wording import list_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.declarations.generating import GeneratedFile
    from segctl.model import Declared, Plan
    from segctl.model.contact_fields import ListNames


@dataclass(frozen=True, slots=True)
class AcceptedFile:
    """A file to write: its path in the project, its text, and the segment that it declares."""

    path: str
    text: str
    name: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The files to write, and why others cannot be."""

    files: tuple[AcceptedFile, ...]
    problems: tuple[Diagnostic, ...] = ()


def accept_drift(
    project: Project, connection: Connection, names: Sequence[str], console: Console = SILENT
) -> Accepted:
    """Return the files that declare the segments with these names or ids as they are in SendGrid.

    Nothing is written. Raises `UsageError` with every name that is not that of a declared segment
    whose definition differs, `InvalidInput` and `RemoteError`.
    """
    request = read_request(project)
    contact_lists = ContactLists(connection.reader)
    plan, _ = compare_with_account(project, connection, request, console, lists=contact_lists)
    if plan.errors:
        raise InvalidInput(plan.diagnostics)
    changes = _find(names, plan)
    lists = parent_list_names(contact_lists, [change.before for change in changes], console)
    files: list[AcceptedFile] = []
    problems: list[Diagnostic] = []
    for change in changes:
        declared = next(item for item in request.declarations.declared if item.name == change.name)
        try:
            files += [*_updated_files(project, change, declared, lists)]
        except UsageError as error:
            problem = f"`{change.name}` stays as it is in the file: {error.message}"
            problems.append(
                Diagnostic("not-accepted", Severity.ERROR, problem, change.span, error.hint)
            )
    return Accepted(tuple(files), tuple(problems))


def write_accepted(project: Project, file: AcceptedFile) -> None:
    """Write a file. Raises `UsageError`, and `Refused` for a link."""
    write_text(Folder(project.root), file.path, file.text)


def _find(names: Sequence[str], plan: Plan) -> list[Patch | Replace]:
    """Return the changes that would undo an edit by hand, each once."""
    edits = [
        change
        for change in plan.changes
        if isinstance(change, Patch | Replace)
        and change.reason in (*BY_NAME, Reason.RENAMED_BY_HAND)
    ]
    # The name on the account comes last: anybody there could have given it a file's name or an id.
    by_key = {change.before.name: change for change in edits}
    by_key |= {change.name: change for change in edits}
    by_key |= {change.id: change for change in edits}
    missing = [name for name in dict.fromkeys(names) if name not in by_key]
    if missing:
        for refusal in plan.refusals:
            if refusal.code == "rename-or-create" and missing[0] in refusal.names:
                # Whether it is a new name is for a person to say: the refusal tells how.
                raise UsageError(refusal.summary, hint=refusal.hint)
        quoted = ", ".join(f"`{name}`" for name in missing)
        known = [change.name for change in by_key.values()]
        raise UsageError(
            f"no edit of {quoted} to accept: no declared segment of this name was edited by hand",
            hint=did_you_mean(
                missing[0],
                known,
                "run `segctl drift` to list the edits; `segctl import` writes files for segments "
                "that were created by hand",
            ),
        )
    return list({id(by_key[name]): by_key[name] for name in names}.values())


def _updated_files(
    project: Project, change: Patch | Replace, declared: Declared, lists: ListNames
) -> Iterator[AcceptedFile]:
    """Yield the files that declare a segment as it is on the account.

    Raises `UsageError` where one cannot be updated without losing anything.
    """
    remote = dataclasses.replace(change.before, query=formatted_query(change.before.query).text)
    keys = set(change.changed_fields)
    query_file = declared.query_span.file
    if declared.span.instance:
        raise UsageError(
            f"{declared.file} declares several segments, and the update would change all of them",
            hint="edit the file by hand, as `segctl drift` shows",
        )
    if declared.written_query and "query_dsl" in keys:
        raise UsageError(
            f"the query in {query_file} has names in place of values, and the update would write "
            "out what they stand for",
            hint="edit the file by hand, as `segctl drift` shows",
        )
    if query_file != declared.file and "query_dsl" in keys:
        keys.discard("query_dsl")
        _refuse_shared(project, query_file, declared.name)
        _committed(project, query_file, project.files.queries[query_file])
        yield _accepted(query_file, query_file_text(remote.query), change)
    if keys:
        data = project.files.segments[declared.file]
        _committed(project, declared.file, data)
        updated = update_segment_file(declared.file, data.decode("utf-8"), remote, keys, lists)
        yield _accepted(declared.file, updated, change)


def _accepted(path: str, generated: GeneratedFile, change: Patch | Replace) -> AcceptedFile:
    if generated.reason:
        raise UsageError(generated.reason, hint="edit the file by hand, as `segctl drift` shows")
    return AcceptedFile(path, generated.text, change.before.name)


def _refuse_shared(project: Project, query_file: str, name: str) -> None:
    others = [
        declared.name
        for declared in project.declarations.declared
        if declared.query_span.file == query_file and declared.name != name
    ]
    if others:
        raise UsageError(
            f"{query_file} is also the query of {list_names(others)}",
            hint="give this segment a query of its own first",
        )


def _committed(project: Project, path: str, data: bytes) -> None:
    if not is_committed(project.root, path, data, env=project.env):
        raise UsageError(
            f"{path} is not committed as it is, and the update would replace what you wrote",
            hint="commit the file first, so that git keeps it",
        )
