"""The file of ids that programs use: its format, and what a plan changes in it.

Reads the file, inside the project, and never writes it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from segctl.app.contact_sources import path_inside
from segctl.common.files import read_bounded
from segctl.errors import Diagnostic, InvalidInput, Severity, UsageError
from segctl.planning.program_ids import FORMATS, format_of, id_changes, program_ids
from segctl.project.config import default_target
from segctl.render.program_ids import read_ids

if TYPE_CHECKING:
    from pathlib import Path

    from segctl.app.plan import PlanRequest
    from segctl.app.project import Project
    from segctl.model import Plan

MAX_BYTES = 1 << 20
"""The bytes of the largest file of ids that is read."""


def choose_format(project: Project, file: str | None = None) -> str:
    """Return the format of a file of ids, by default of the one that segctl.yaml names.

    Raises `UsageError` where the suffix does not show it.
    """
    file = file if file is not None else project.config.ids
    format_name = format_of(file or "")
    if format_name is None:
        what = f"the suffix of {file} shows no format" if file else "no format selected"
        hint = f"select one with --format: {', '.join(FORMATS)}"
        raise UsageError(what, hint=hint)
    return format_name


def decode_ids(data: bytes) -> str:
    """Return the text of a file of ids, with the line ends that segctl writes."""
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


def planned_id_changes(
    project: Project, request: PlanRequest, plan: Plan
) -> tuple[Diagnostic, ...]:
    """Return what a plan for the default target changes in the file of ids in segctl.yaml."""
    file = project.config.ids
    if file is None or plan.errors or plan.target.name != default_target(project.config):
        return ()
    try:
        format_name, declared = choose_format(project, file), request.declarations.declared
        current = program_ids(plan, declared, project.config.segments, format_name)
        written = read_ids(_read_inside(project, file), format_name)
    except InvalidInput as error:
        return tuple(
            dataclasses.replace(problem, severity=Severity.WARNING) for problem in error.diagnostics
        )
    except UsageError as error:
        return (Diagnostic("ids-unread", Severity.WARNING, error.message, hint=error.hint),)
    return tuple(id_changes(written, current, file))


def _read_inside(project: Project, file: str) -> str:
    """Return the text of a file in the project. Raises `UsageError`."""
    path: Path = path_inside(project.root, file)
    hint = f"run `segctl ids` to write it, or remove `ids: {file}` from segctl.yaml"
    if not path.is_file():
        raise UsageError(f"{file}, the file of ids, not found", hint=hint)
    try:
        return decode_ids(read_bounded(path, MAX_BYTES))
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}", hint=hint) from None
