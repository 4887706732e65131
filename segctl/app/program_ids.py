"""The ids that programs send to: of the declared segments on the target, as text in a format.

Only reads. What a plan changes in the file that a project names is in `ids_file`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.app.console import SILENT
from segctl.app.ids_file import MAX_BYTES, choose_format, decode_ids
from segctl.app.plan import compare_with_account, read_request
from segctl.common.files import read_bounded
from segctl.errors import Diagnostic, InvalidInput, Severity, UnexpectedResponse, UsageError
from segctl.planning.program_ids import (
    ProgramIds,
    id_changes,
    labelled,
    program_ids,
)
from segctl.render.program_ids import SAFE_ID, ids_text, read_ids

if TYPE_CHECKING:
    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.project import Project


@dataclass(frozen=True, slots=True)
class SegmentIds:
    """The ids of the declared segments, and the file of them as `text`."""

    current: ProgramIds
    text: str


def segment_ids(
    project: Project,
    connection: Connection,
    format_name: str | None = None,
    console: Console = SILENT,
) -> SegmentIds:
    """Return the ids of the declared segments, in the format that segctl.yaml implies by default.

    A segment keeps its id while its rename waits for an apply. Raises `InvalidInput`, also where
    two files give one label, `UsageError` and `RemoteError`.
    """
    format_name = format_name or choose_format(project)
    request = read_request(project)
    declared, folder = request.declarations.declared, project.config.segments
    labelled(declared, folder, format_name)
    plan, _ = compare_with_account(project, connection, request, console)
    if plan.errors:
        raise InvalidInput(plan.diagnostics)
    current = program_ids(plan, declared, folder, format_name)
    written = {item.label: item.id for item in current.ids if item.id is not None}
    for label, segment_id in written.items():
        if not SAFE_ID.fullmatch(segment_id):
            name = current.labels[label].name
            raise UnexpectedResponse(
                f"the id of `{name}` must have only letters, digits, - and _, got {segment_id}"
            )
    return SegmentIds(current, ids_text(written, format_name, plan.target.name))


def check_ids(segment_ids: SegmentIds, file: str) -> tuple[Diagnostic, ...]:
    """Return an error for each line of a file that an apply, or writing it again, would change.

    Raises `UsageError` if the file cannot be read.
    """
    current = segment_ids.current
    hint = f"run `segctl ids --format {current.format_name}` to write it"
    try:
        text = decode_ids(read_bounded(file, MAX_BYTES))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "invalid file name"
        raise UsageError(f"cannot read {file}: {reason}", hint=hint) from None
    changes = id_changes(read_ids(text, current.format_name), current, file)
    problems = tuple(
        dataclasses.replace(change, severity=Severity.ERROR)
        for change in changes
        if change.severity is not Severity.INFO
    )
    if problems or text == segment_ids.text:
        return problems
    summary = f"the ids in {file} are right, but it is not as `segctl ids` writes it"
    return (Diagnostic("ids-differ", Severity.ERROR, summary, hint=f"{hint} again"),)
