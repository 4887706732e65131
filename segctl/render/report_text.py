"""What was done, as text: a line an action, then one line that adds it up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.model.report import Refresh, RefreshStatus, Status
from segctl.planfile.to_json import PAST_TENSE, action_name
from segctl.render.terminal import Style, clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.model.report import Outcome, Report

_REFRESH_WORDS = {
    RefreshStatus.ACCEPTED: "refreshing",
    RefreshStatus.DEFERRED: "deferred",
    RefreshStatus.SKIPPED: "not refreshed",
    RefreshStatus.FORBIDDEN: "forbidden",
    RefreshStatus.NOT_FOUND: "not found",
    RefreshStatus.FAILED: "failed",
}


_NOT_DONE = (
    Status.FAILED,
    Status.CONFLICT,
    Status.UNKNOWN,
    Status.WAITING,
    Status.NOT_ATTEMPTED,
)
_MILD = (Status.NOT_ATTEMPTED, Status.WAITING)


def report_text(report: Report, style: Style, *, quiet: bool = False) -> str:
    """Give the report of an apply; `quiet` leaves out what went well."""
    lines: list[str] = []
    for outcome in report.outcomes:
        if not (quiet and outcome.status is Status.DONE and not outcome.message):
            lines += _outcome(outcome, style)
    if report.refreshes:
        lines += refresh_lines(report.refreshes, style, quiet=quiet)
    return "\n".join([*lines, report_summary(report, style)]) + "\n"


def report_summary(report: Report, style: Style) -> str:
    """Give the one line that adds the report up."""
    counts = report.counts
    parts = [f"{counts[Status.DONE]} done"]
    parts += [f"{counts[status]} {status.label}" for status in _NOT_DONE if counts[status]]
    asked = len(report.refreshes)
    statuses = [one.status for one in report.refreshes]
    refreshed = f" {statuses.count(RefreshStatus.ACCEPTED)} of {asked} refreshing" if asked else ""
    if RefreshStatus.DEFERRED in statuses:
        refreshed += f", {statuses.count(RefreshStatus.DEFERRED)} deferred"
    refreshed += "." if asked else ""
    if report.interrupted:
        head = "Interrupted:"
    elif report.is_complete:
        head = "Applied:"
    elif not report.is_partial:
        head = "Nothing applied:"
    else:
        head = "Applied in part:"
    return style.bold(f"{head} {', '.join(parts)}.") + refreshed


def refresh_lines(refreshes: Sequence[Refresh], style: Style, *, quiet: bool = False) -> list[str]:
    """Give a line for each refresh, with what its answer means; one hint a kind of answer."""
    lines = []
    hinted: set[str] = set()
    for one in refreshes:
        good = one.status is RefreshStatus.ACCEPTED
        if good and quiet:
            continue
        paint = style.green if good else style.yellow
        word = _REFRESH_WORDS[one.status]
        lines.append(
            f"{paint(f'  {word:<13}')} {clean(one.name)}"
            + (f": {clean(one.message)}" if one.message else "")
        )
        if one.hint and one.hint not in hinted:
            hinted.add(one.hint)
            lines.append(f"    {style.dim('hint:')} {clean(one.hint)}")
    return lines


def _outcome(outcome: Outcome, style: Style) -> list[str]:
    action = action_name(outcome.change)
    if outcome.status is Status.DONE:
        word, paint = PAST_TENSE[action], style.green
        where = f"  {style.dim(f'id {clean(outcome.id)}')}" if outcome.id else ""
    else:
        word, where = outcome.status.label, ""
        paint = style.yellow if outcome.status in _MILD else style.red
    subject = clean(outcome.change.name)
    if outcome.status is not Status.DONE:
        subject = f"{action} {subject}"
    lines = [f"{paint(f'  {word:<13}')} {subject}{where}"]
    if outcome.message:
        lines[0] += f": {clean(outcome.message)}"
    if outcome.span is not None:
        lines.append(f"    {style.dim('at')} {clean(str(outcome.span))}")
    if outcome.hint:
        lines.append(f"    {style.dim('hint:')} {clean(outcome.hint)}")
    return lines
