"""The audience of each change of a plan, before and after, in the contacts that segctl.yaml names.

Decides when a plan has impacts, and what it reports if it has none: nothing is guessed, and nothing
about the contacts keeps a plan from being made. The reason is a warning if a limit needs the
counts, else an info; a reason that holds for all changes is reported once. Whether a change goes
too far is decided by the safety rules.
"""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING

from segctl.common.clock import format_utc
from segctl.common.timestamps import parse_time_or_none
from segctl.errors import Diagnostic, Refused, SegctlError, Severity, UsageError
from segctl.model import Create, Impact, Reason
from segctl.planning.audience_limits import with_audience
from segctl.project.config import PULLED
from segctl.render.previews import quote_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from segctl.app.audiences import Evaluation
    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.model import Change, Patch, Plan, Replace

OLD_AFTER = timedelta(days=7)
"""The age from which contacts are reported as old: segments by events have moved on by then."""


def with_impacts(
    project: Project, connection: Connection, plan: Plan, console: Console
) -> tuple[Plan, tuple[Diagnostic, ...]]:
    """Return the plan with the impact of each change, and the diagnostics of the counting."""
    changes = with_audience(plan.changes)
    if not changes:
        return plan, ()
    limit = project.config.limits.on_audiences
    severity = Severity.WARNING if limit else Severity.INFO
    configured = project.config.contacts
    if configured is None:
        summary = f"`limits.{limit}` is not checked: segctl.yaml names no contacts"
        hint = "add `contacts: pulled` to segctl.yaml, and run `segctl contacts pull`"
        return plan, (Diagnostic("audience-unknown", severity, summary, hint=hint),)
    pairs = [
        (None if isinstance(change, Create) else change.before, change.after) for change in changes
    ]
    from segctl.app.audiences import evaluate  # noqa: PLC0415 - DuckDB's room, only with contacts
    from segctl.app.contact_sources import configured_source  # noqa: PLC0415 - as above

    exposed: tuple[Diagnostic, ...] = ()
    try:
        source = configured_source(project, configured)
        exposed = source.exposed
        with console.progress("counting contacts"):
            evaluations = evaluate(project, source, pairs, connection)
            if not evaluations[0].total:
                # Without contacts, no change would ever be too large.
                raise UsageError("the data set has no contacts", hint="export the contacts again")
    except Refused as error:
        return plan, error.diagnostics
    except SegctlError as error:
        summary = f"the audiences are unknown: {error.message}"
        unknown = Diagnostic("audience-unknown", severity, summary, hint=error.hint)
        return plan, (*exposed, unknown)
    by_change = dict(zip(map(id, changes), evaluations, strict=True))
    with_impact = {id(change): _with_impact(change, by_change[id(change)]) for change in changes}
    diagnostics = (
        *exposed,
        *old_contacts(project, evaluations[0]),
        *_partial_contacts(evaluations[0], severity),
        *_unknown_audiences(project, changes, by_change, severity),
        *_doubtful_audiences(project, changes, by_change),
    )
    return dataclasses.replace(
        plan, changes=tuple(with_impact.get(id(change), change) for change in plan.changes)
    ), diagnostics


def _with_impact(change: Create | Patch | Replace, evaluation: Evaluation) -> Change:
    counts = evaluation.counts
    if counts is None:
        return change
    as_of = parse_time_or_none(evaluation.as_of)
    impact = Impact(
        counts.before,
        counts.after,
        counts.gained,
        counts.lost,
        evaluation.total,
        format_utc(as_of) if as_of else None,
    )
    return dataclasses.replace(change, impact=impact)


def old_contacts(project: Project, evaluation: Evaluation) -> Iterator[Diagnostic]:
    """Report contacts that are old, as far as their age is known."""
    time = parse_time_or_none(evaluation.as_of or evaluation.modified_at)
    age = project.clock.now() - time if time else timedelta()
    if age > OLD_AFTER:
        summary = (
            f"audience counts use contacts pulled {age.days} days ago"
            if evaluation.as_of
            else f"audience counts use contacts that are at least {age.days} days old"
        )
        hint = "run `segctl contacts pull` again" if evaluation.as_of else "export them again"
        yield Diagnostic("audience-old", Severity.INFO, summary, hint=hint)


def _partial_contacts(evaluation: Evaluation, severity: Severity) -> Iterator[Diagnostic]:
    """Report contacts that are only those of some lists: the others are not counted."""
    if evaluation.only:
        yield Diagnostic(
            "audience-partial",
            severity,
            f"audience counts use only the contacts of {quote_names(evaluation.only)}",
            hint="run `segctl contacts pull` without --list to pull all contacts",
        )


def _unknown_audiences(
    project: Project,
    changes: list[Create | Patch | Replace],
    by_change: Mapping[int, Evaluation],
    severity: Severity,
) -> Iterator[Diagnostic]:
    """Report for each change that could not be counted why that is."""
    from segctl.app.preview_errors import explain_uncountable  # noqa: PLC0415
    from segctl.audience.results import Uncountable  # noqa: PLC0415 - only where one is

    declared = {segment.name: segment for segment in project.declarations.declared}
    unknown = [
        change
        for change in changes
        if by_change[id(change)].counts is None and change.reason is not Reason.FREES_NAME
    ]
    without_events = [change for change in unknown if _needs_events(by_change[id(change)])]
    if len(without_events) > 1:
        # All for one reason, which is in none of the files.
        unknown = [change for change in unknown if change not in without_events]
        yield Diagnostic(
            "audience-unknown",
            severity,
            f"{len(without_events)} segments cannot be counted: they use event_data, and there "
            f"are no events: {quote_names(change.name for change in without_events)}",
            hint=_events_hint(project),
        )
    for change in unknown:
        evaluation = by_change[id(change)]
        uncountable = Uncountable(evaluation.problems, evaluation.in_before)
        for diagnostic in explain_uncountable(
            project, declared[change.name], uncountable, is_named=False
        ):
            yield dataclasses.replace(
                diagnostic,
                code="audience-unknown",
                severity=severity,
                summary=f"`{change.name}`: {diagnostic.summary}",
                hint=_events_hint(project) if _needs_events(evaluation) else diagnostic.hint,
            )


def _doubtful_audiences(
    project: Project,
    changes: list[Create | Patch | Replace],
    by_change: Mapping[int, Evaluation],
) -> Iterator[Diagnostic]:
    """Report for each change whose numbers may be wrong why that is."""
    declared = {segment.name: segment for segment in project.declarations.declared}
    for change in changes:
        warnings = by_change[id(change)].warnings
        if warnings and change.reason is not Reason.FREES_NAME:
            from segctl.app.preview_errors import explain_warnings  # noqa: PLC0415

            for diagnostic in explain_warnings(project, declared[change.name], warnings):
                summary = f"`{change.name}`: {diagnostic.summary}"
                yield dataclasses.replace(diagnostic, code="audience-doubtful", summary=summary)


def _needs_events(evaluation: Evaluation) -> bool:
    return any(problem.code == "no-events" for problem in evaluation.problems)


def _events_hint(project: Project) -> str:
    configured = project.config.contacts
    contacts = PULLED if configured is not None and configured.contacts == PULLED else "…"
    return f"name a file of events in segctl.yaml: `contacts: {{contacts: {contacts}, events: …}}`"
