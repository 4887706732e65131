"""The report of an apply as text: a line for each action, then a summary. Does not apply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.model.report import Refresh, RefreshStatus, Status
from segctl.planfile.to_json import PAST_TENSE, action_name
from segctl.planning.wording import describe_drift
from segctl.render.context import target_name
from segctl.render.terminal import Style, clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.model import TargetRef
    from segctl.model.report import Outcome, Report

_REFRESH_LABELS = {
    RefreshStatus.ACCEPTED: "refreshing",
    RefreshStatus.DEFERRED: "deferred",
    RefreshStatus.SKIPPED: "not refreshed",
    RefreshStatus.FORBIDDEN: "forbidden",
    RefreshStatus.NOT_FOUND: "not found",
    RefreshStatus.FAILED: "failed",
}


_UNFINISHED = (
    Status.FAILED,
    Status.CONFLICT,
    Status.UNKNOWN,
    Status.WAITING,
    Status.NOT_ATTEMPTED,
)
_NOT_FAILED = (Status.NOT_ATTEMPTED, Status.WAITING)


def report_text(report: Report, style: Style, target: TargetRef, *, quiet: bool = False) -> str:
    """Return the report of an apply to a target; `quiet` omits what succeeded."""
    lines: list[str] = []
    for outcome in report.outcomes:
        if not (quiet and outcome.status is Status.DONE and not outcome.message):
            lines += _outcome_lines(outcome, style)
    if report.refreshes:
        lines += refresh_lines(report.refreshes, style, quiet=quiet)
    return "\n".join([*lines, report_summary(report, style, target)]) + "\n"


def report_summary(report: Report, style: Style, target: TargetRef) -> str:
    """Return the line that summarizes a report."""
    name = target_name(target)
    counts = report.counts
    parts = [f"{counts[Status.DONE]} done"]
    parts += [f"{counts[status]} {status.label}" for status in _UNFINISHED if counts[status]]
    total = len(report.refreshes)
    statuses = [refresh.status for refresh in report.refreshes]
    refreshed = f" {statuses.count(RefreshStatus.ACCEPTED)} of {total} refreshing" if total else ""
    if RefreshStatus.DEFERRED in statuses:
        refreshed += f", {statuses.count(RefreshStatus.DEFERRED)} deferred"
    refreshed += "." if total else ""
    if report.interrupted:
        head = f"Interrupted on {name}:"
    elif report.is_complete:
        head = f"Applied to {name}:"
    elif not report.is_partial:
        head = f"Nothing applied to {name}:"
    else:
        head = f"Partially applied to {name}:"
    return style.bold(f"{head} {', '.join(parts)}.") + refreshed


def refresh_lines(refreshes: Sequence[Refresh], style: Style, *, quiet: bool = False) -> list[str]:
    """Return a line for each refresh, with its result; each hint once."""
    lines = []
    hinted: set[str] = set()
    for refresh in refreshes:
        is_accepted = refresh.status is RefreshStatus.ACCEPTED
        if is_accepted and quiet:
            continue
        paint = style.green if is_accepted else style.yellow
        label = _REFRESH_LABELS[refresh.status]
        lines.append(
            f"{paint(f'  {label:<13}')} {clean(refresh.name)}"
            + (f": {clean(refresh.message)}" if refresh.message else "")
        )
        if refresh.hint and refresh.hint not in hinted:
            hinted.add(refresh.hint)
            lines.append(f"    {style.dim('hint:')} {clean(refresh.hint)}")
    return lines


def _outcome_lines(outcome: Outcome, style: Style) -> list[str]:
    action = action_name(outcome.change)
    if outcome.status is Status.DONE:
        label, paint = PAST_TENSE[action], style.green
        details = f"  {style.dim(f'id {clean(outcome.id)}')}" if outcome.id else ""
    else:
        label, details = outcome.status.label, ""
        paint = style.yellow if outcome.status in _NOT_FAILED else style.red
    subject = clean(outcome.change.name)
    if outcome.status is not Status.DONE:
        subject = f"{action} {subject}"
    lines = [f"{paint(f'  {label:<13}')} {subject}{details}"]
    if outcome.message:
        lines[0] += f": {clean(outcome.message)}"
    drift = getattr(outcome.change, "drift", None)
    if drift and outcome.status is Status.DONE:
        lines.append(f"    {style.dim('undone:')} {clean(describe_drift(drift, clauses=False))}")
    if outcome.span is not None:
        lines.append(f"    {style.dim('at')} {clean(str(outcome.span))}")
    if outcome.hint:
        lines.append(f"    {style.dim('hint:')} {clean(outcome.hint)}")
    return lines
