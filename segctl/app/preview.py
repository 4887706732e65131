"""Previews of audiences: which segments, in which contacts, and what keeps one from being counted.

Counts on this machine. Asks the account only for `changed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.app.audiences import OTHER_ACCOUNT, is_of_account, open_contacts
from segctl.app.console import SILENT
from segctl.app.contact_sources import choose_source, pulled_source
from segctl.app.selection import select_declared
from segctl.audience.results import Uncountable
from segctl.contacts.counter import count_audiences
from segctl.contacts.dataset import DatasetMissing
from segctl.errors import InvalidInput, UsageError
from segctl.project.config import SANDBOX
from segctl.render.previews import Preview, PreviewRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.contact_sources import ContactSource
    from segctl.app.project import Project
    from segctl.contacts.dataset import Dataset
    from segctl.errors import Diagnostic
    from segctl.model import Declared, Segment
    from segctl.query.parser.errors import Problem


_PULL = "pass a file with --contacts, or run `segctl contacts pull`"
_TRY = (
    "to try it in the sandbox, which has fictional contacts, run "
    "`segctl --target sandbox contacts pull`, then `segctl --target sandbox preview`"
)
_PULL_FICTIONAL = "run `segctl contacts pull`: the sandbox has fictional contacts"


@dataclass(frozen=True, slots=True)
class PreviewOptions:
    """What to count.

    `names` are names or files of segments, or patterns of them: all, if empty. `contacts` and
    `events` are files, else those of segctl.yaml, else the pulled contacts. `overlap` compares any
    two segments, and `sample` is how many members of each to show. `now` is the time to count for,
    else the present.
    """

    names: tuple[str, ...] = ()
    contacts: str | None = None
    events: str | None = None
    overlap: bool = False
    sample: int = 0
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Subject:
    """A segment to count, as the account has it, and what a plan would do with it."""

    declared: Declared
    before: Segment | None = None
    action: str = ""


def preview_audiences(
    project: Project,
    options: PreviewOptions | None = None,
    connection: Connection | None = None,
    console: Console = SILENT,
) -> Preview:
    """Count audiences in a dataset of contacts.

    With a `connection`, counts the segments that differ from the account, before and after. The
    diagnostics of the result name the segments that cannot be counted. Raises `InvalidInput`,
    `UsageError`, `Refused` if git tracks the contacts, `EvaluationFailed`, and `RemoteError`.
    """
    options = options or PreviewOptions()
    source = _find_contacts(project, options)
    if connection is not None:
        subjects = _changed(project, connection, options.names, console)
    else:
        subjects = [_Subject(declared) for declared in select_declared(project, options.names)]
    if not subjects:
        console.talk("No segments." if connection is None else "No audience changes.")
    elif len(subjects) == 1 and options.overlap:
        console.talk("warning: --overlap compares segments, but only one was selected")
    pairs = [(subject.before, subject.declared.segment) for subject in subjects]
    segments = [segment for pair in pairs for segment in pair if segment is not None]
    now = options.now or project.clock.now()
    with open_contacts(project, source, segments) as dataset:
        if connection is not None and not is_of_account(dataset, connection):
            console.talk(f"warning: {OTHER_ACCOUNT}")
        counted = count_audiences(
            dataset, pairs, now, overlap=options.overlap, sample=options.sample
        )
        files = _file_names(dataset)
    results = list(zip(subjects, counted.results, strict=True))
    uncountable = [
        diagnostic
        for subject, result in results
        if isinstance(result, Uncountable)
        for diagnostic in _explain(project, subject, result, is_named=bool(options.names))
    ]
    doubtful = [
        diagnostic
        for subject, warnings in zip(subjects, counted.warnings, strict=True)
        if warnings
        for diagnostic in _explain_warnings(project, subject, warnings)
    ]
    return Preview(
        counted.total,
        files,
        dataset.as_of,
        dataset.modified_at,
        now,
        tuple(
            PreviewRow(
                subject.declared.name,
                subject.declared.span,
                None if isinstance(result, Uncountable) else result,
                subject.action,
                sample,
            )
            for (subject, result), sample in zip(results, counted.samples, strict=True)
        ),
        (*source.exposed, *uncountable, *doubtful),
        counted.overlaps,
        _asked(options, is_change=connection is not None),
        dataset.only,
    )


def _asked(options: PreviewOptions, *, is_change: bool) -> frozenset[str]:
    asked = {"changed": is_change, "overlap": options.overlap, "sample": options.sample > 0}
    return frozenset(key for key, value in asked.items() if value)


def _explain(
    project: Project, subject: _Subject, result: Uncountable, *, is_named: bool
) -> list[Diagnostic]:
    from segctl.app.preview_errors import explain_uncountable  # noqa: PLC0415 - all lint rules

    return explain_uncountable(project, subject.declared, result, is_named=is_named)


def _explain_warnings(
    project: Project, subject: _Subject, warnings: Sequence[Problem]
) -> list[Diagnostic]:
    from segctl.app.preview_errors import explain_warnings  # noqa: PLC0415 - all lint rules

    return explain_warnings(project, subject.declared, warnings)


def _file_names(dataset: Dataset) -> tuple[str, ...]:
    relations = [dataset.contacts, dataset.events]
    return tuple(dict.fromkeys(relation.name for relation in relations if relation is not None))


def _find_contacts(project: Project, options: PreviewOptions) -> ContactSource:
    """Return the files to count in: those passed, those of segctl.yaml, or those pulled."""
    message = "no contacts to count"
    try:
        source = choose_source(project, options.contacts, options.events)
        return source or pulled_source(project, options.events)
    except DatasetMissing as error:
        if options.contacts is not None or project.config.contacts is not None:
            message = error.message
    hint = _PULL_FICTIONAL if project.target_name == SANDBOX else f"{_PULL}; {_TRY}"
    raise UsageError(message, hint=hint)


def _changed(
    project: Project, connection: Connection, names: Sequence[str], console: Console
) -> list[_Subject]:
    """Return the segments whose audiences a plan would change."""
    from segctl.app.plan import compare_with_account, read_request  # noqa: PLC0415 - the client
    from segctl.model import Create  # noqa: PLC0415
    from segctl.model.plan_options import PlanOptions  # noqa: PLC0415
    from segctl.planfile.to_json import action_name  # noqa: PLC0415
    from segctl.planning.audience_limits import with_audience  # noqa: PLC0415

    request = read_request(project, PlanOptions(only=tuple(names)))
    plan, _ = compare_with_account(project, connection, request, console)
    if plan.errors:
        raise InvalidInput(plan.diagnostics)
    declared = {segment.name: segment for segment in request.declarations.declared}
    return [
        _Subject(
            declared[change.name],
            None if isinstance(change, Create) else change.before,
            action_name(change),
        )
        for change in with_audience(plan.changes)
        if change.name in declared
    ]
