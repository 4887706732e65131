"""Plans, reports and drift as diagnostics, for formats that know nothing else.

Annotations and alerts come from these: an id that ends is a warning, a new segment or a change is
information, and an action that failed is an error. Diagnostics that exist already are passed on
unchanged. Does not choose which of them a format shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from segctl.errors import Diagnostic, Severity
from segctl.model import Create, Delete, Patch, Replace, Upgrade
from segctl.model.drift import DriftKind
from segctl.model.report import RefreshStatus, Status
from segctl.planfile.to_json import action_name
from segctl.planning.attention import review_order
from segctl.planning.proofs import proof_remark
from segctl.planning.references import id_ending_changes
from segctl.planning.wording import describe_drift
from segctl.render.attention import describe_attention
from segctl.render.audience_counts import audience_summary, counted_by_sendgrid
from segctl.render.context import target_name
from segctl.render.plan_text import describe_reason
from segctl.render.report_text import report_summary
from segctl.render.terminal import Style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.model import Change, Plan, TargetRef
    from segctl.model.report import Outcome, Report
    from segctl.planning.attention import ReviewItem
    from segctl.planning.drift import DriftReport

_SEVERITIES = {
    Status.FAILED: Severity.ERROR,
    Status.CONFLICT: Severity.ERROR,
    Status.UNKNOWN: Severity.ERROR,
    Status.WAITING: Severity.WARNING,
    Status.NOT_ATTEMPTED: Severity.WARNING,
    Status.DONE: Severity.INFO,
}
_REFRESH_WARNINGS = frozenset(
    {RefreshStatus.FORBIDDEN, RefreshStatus.NOT_FOUND, RefreshStatus.FAILED}
)
_OUTCOMES = {
    Status.FAILED: "failed",
    Status.CONFLICT: "was not applied: someone changed the segment",
    Status.UNKNOWN: "has an unknown result",
    Status.WAITING: "continues in a later run",
    Status.NOT_ATTEMPTED: "was not attempted",
    Status.DONE: "is done",
}


def plan_diagnostics(plan: Plan) -> tuple[Diagnostic, ...]:
    """Return the diagnostics of a plan and one for each change; information comes last.

    GitHub shows ten notices: a changed audience matters more than a query that could be faster.
    """
    notes = [notice for notice in plan.diagnostics if notice.severity is Severity.INFO]
    problems = [notice for notice in plan.diagnostics if notice.severity is not Severity.INFO]
    changes = (change_diagnostic(item, plan) for item in review_order(plan))
    return (*plan.refusals, *problems, *changes, *notes)


def plan_problem_diagnostics(plan: Plan) -> tuple[Diagnostic, ...]:
    """Return the diagnostics of a plan, and one for each change that ends a segment's id."""
    ending = set(map(id, id_ending_changes(plan)))
    items = (item for item in review_order(plan) if id(item.change) in ending)
    changes = (change_diagnostic(item, plan) for item in items)
    return (*plan.refusals, *plan.diagnostics, *changes)


def change_diagnostic(item: ReviewItem, plan: Plan) -> Diagnostic:
    """Return a diagnostic for a planned change, at its place in a file."""
    change = item.change
    match change:
        case Create():
            summary, severity = f"`{change.name}` would be created", Severity.INFO
        case Patch(before=before):
            summary, severity = f"`{before.name}` would {_patch_phrase(change)}", Severity.INFO
        case Replace(before=before):
            summary = f"`{before.name}` would be deleted and re-created with another id"
            severity = Severity.WARNING
        case Upgrade(before=before):
            summary = f"`{before.name}` would be upgraded from v1 and get another id"
            severity = Severity.WARNING
        case Delete():
            summary, severity = f"`{change.name}` would be deleted", Severity.WARNING
        case _:
            assert_never(change)
    details = [counted] if (counted := counted_by_sendgrid(change)) else []
    details += [f"audience {audience}"] if (audience := audience_summary(change)) else []
    details += [reason] if (reason := describe_reason(change)) else []
    details += [f"owner {change.metadata.owner}"] if change.metadata.owner else []
    details += [attention] if (attention := describe_attention(item, plan)) else []
    summary += f" ({'; '.join(details)})" if details else ""
    return Diagnostic(f"plan-{action_name(change)}", severity, summary, change.span)


def _patch_phrase(change: Patch) -> str:
    fields = " and ".join(field for field in change.changed_fields if field != "name")
    phrases = [f"be renamed to `{change.name}`"] if "name" in change.changed_fields else []
    phrases += [f"get a new {fields}"] if fields else []
    return " and ".join(phrases)


def report_title(report: Report, target: TargetRef) -> str:
    """Return a line that summarizes a report, also an empty one."""
    if not (report.outcomes or report.interrupted):
        return f"Nothing to apply to {target_name(target)}: the account matches the files."
    return report_summary(report, Style(), target)


def report_diagnostics(report: Report) -> tuple[Diagnostic, ...]:
    """Return a diagnostic for each action that is not done, has a message, or is proven by git."""
    diagnostics = [
        Diagnostic(
            f"apply-{outcome.status.value.replace('_', '-')}",
            _SEVERITIES[outcome.status],
            f"{action_name(outcome.change)} `{outcome.change.name}` {_OUTCOMES[outcome.status]}"
            + (f": {outcome.message}" if outcome.message else ""),
            outcome.place,
            outcome.hint,
        )
        for outcome in report.outcomes
        if outcome.status is not Status.DONE or outcome.message
    ]
    diagnostics += [
        Diagnostic(
            f"refresh-{refresh.status.value.replace('_', '-')}",
            Severity.WARNING if refresh.status in _REFRESH_WARNINGS else Severity.INFO,
            f"`{refresh.name}` is not refreshed: {refresh.message or refresh.status.value}",
            hint=refresh.hint,
        )
        for refresh in report.refreshes
        if refresh.status is not RefreshStatus.ACCEPTED
    ]
    done = [item.change for item in report.outcomes if item.status is Status.DONE]
    remarks = (remark for change in done for remark in (*proof_remark(change), *_undone(change)))
    return (*diagnostics, *remarks)


def proof_of(outcome: Outcome) -> str:
    """Return what git shows of a change that is done, empty where it shows nothing."""
    if outcome.status is not Status.DONE:
        return ""
    remarks = (*proof_remark(outcome.change), *_undone(outcome.change))
    return "; ".join(remark.summary for remark in remarks)


def _undone(change: Change) -> Iterator[Diagnostic]:
    """Yield what someone had done in SendGrid, now that the change has undone it."""
    if drift := getattr(change, "drift", None):
        summary = f"undone in `{change.name}`: {describe_drift(drift, clauses=False)}"
        yield Diagnostic("undone-outside-git", Severity.INFO, summary, change.span)


def drift_diagnostics(report: DriftReport) -> tuple[Diagnostic, ...]:
    """Return a diagnostic for each segment that differs from the files."""
    diagnostics = []
    for drift in report.drifts:
        match drift.kind:
            case DriftKind.EDITED:
                fields = " and ".join(drift.changed_fields)
                summary = f"`{drift.name}` has a different {fields} on the account"
            case DriftKind.RENAMED:
                summary = f"`{drift.name}` is named `{drift.now}` on the account"
            case DriftKind.DELETED:
                summary = f"`{drift.name}` is not on the account: deleted there, or never applied"
            case DriftKind.CREATED:
                summary = f"`{drift.name}` was created by hand: no file declares it"
            case _:
                assert_never(drift.kind)
        details = [f"id {drift.id}"] if drift.id else []
        details += [f"changed {drift.updated_at}"] if drift.updated_at else []
        summary += f" ({', '.join(details)})" if details else ""
        code = f"drift-{drift.kind.value}"
        diagnostics.append(Diagnostic(code, Severity.WARNING, summary, drift.span))
    return tuple(diagnostics)
