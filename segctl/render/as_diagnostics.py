"""Plans, reports and drift as findings, for the formats that know nothing else.

Owns what an annotation or an alert says of a change: what goes away is a warning, what comes or
changes mere information, what an apply could not do an error. Findings that are there already
(diagnostics, refusals) stand among them as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from segctl.errors import Diagnostic, Severity
from segctl.model import Create, Delete, Patch, Replace, Upgrade
from segctl.model.report import RefreshStatus, Status
from segctl.planfile.to_json import action_name
from segctl.planning.drift import DriftKind
from segctl.planning.safety import id_ending_changes
from segctl.render.audience_counts import audience_summary
from segctl.render.plan_text import describe_reason
from segctl.render.report_text import report_summary
from segctl.render.terminal import Style, count

if TYPE_CHECKING:
    from segctl.model import Change, Plan
    from segctl.model.report import Report
    from segctl.planning.drift import DriftReport

_WEIGHTS = {
    Status.FAILED: Severity.ERROR,
    Status.CONFLICT: Severity.ERROR,
    Status.UNKNOWN: Severity.ERROR,
    Status.WAITING: Severity.WARNING,
    Status.NOT_ATTEMPTED: Severity.WARNING,
    Status.DONE: Severity.INFO,
}
_UNWELCOME = frozenset({RefreshStatus.FORBIDDEN, RefreshStatus.NOT_FOUND, RefreshStatus.FAILED})
_ENDS = {
    Status.FAILED: "failed",
    Status.CONFLICT: "was not done: somebody changed the segment",
    Status.UNKNOWN: "may have been done or not",
    Status.WAITING: "goes on in a later run",
    Status.NOT_ATTEMPTED: "was not attempted",
    Status.DONE: "is done",
}


def plan_diagnostics(plan: Plan) -> tuple[Diagnostic, ...]:
    """Give what was found, each change, and at the end what is a mere remark.

    Of notices GitHub shows ten: who is reached comes before how a query could be faster.
    """
    remarks = [one for one in plan.diagnostics if one.severity is Severity.INFO]
    weighty = [one for one in plan.diagnostics if one.severity is not Severity.INFO]
    return (*plan.refusals, *weighty, *map(change_diagnostic, plan.changes), *remarks)


def plan_problem_diagnostics(plan: Plan) -> tuple[Diagnostic, ...]:
    """Give what was found, and what goes away: that which somebody must look at."""
    return (*plan.refusals, *plan.diagnostics, *map(change_diagnostic, id_ending_changes(plan)))


def change_diagnostic(change: Change) -> Diagnostic:
    """Say what would be done to one segment, at the place that asks for it."""
    match change:
        case Create():
            what, severity = f"`{change.name}` would be created", Severity.INFO
        case Patch(before=before):
            what, severity = f"`{before.name}` would {_patched(change)}", Severity.INFO
        case Replace(before=before):
            what = f"`{before.name}` would be deleted and made anew with another id"
            severity = Severity.WARNING
        case Upgrade(before=before):
            what = f"`{before.name}` would be upgraded from v1, and gets another id"
            severity = Severity.WARNING
        case Delete():
            what, severity = f"`{change.name}` would be deleted", Severity.WARNING
        case _:
            assert_never(change)
    contacts = None if isinstance(change, Create) else change.contacts_count
    facts = [count(contacts, "contact") + " now"] if contacts is not None else []
    facts += [f"audience {words}"] if (words := audience_summary(change)) else []
    facts += [word] if (word := describe_reason(change)) else []
    said = f"{what} ({'; '.join(facts)})" if facts else what
    return Diagnostic(f"plan-{action_name(change)}", severity, said, change.span)


def _patched(change: Patch) -> str:
    rest = " and ".join(field for field in change.changed_fields if field != "name")
    wishes = [f"be renamed to `{change.name}`"] if "name" in change.changed_fields else []
    return " and ".join([*wishes, *([f"get another {rest}"] if rest else [])])


def report_title(report: Report) -> str:
    """Give the one line that adds a report up; one of nothing says so."""
    if not (report.outcomes or report.interrupted):
        return "Nothing to apply: the account is as the files say."
    return report_summary(report, Style())


def report_diagnostics(report: Report) -> tuple[Diagnostic, ...]:
    """Give what was not done, or was done with something to say of it."""
    found = [
        Diagnostic(
            f"apply-{one.status.value.replace('_', '-')}",
            _WEIGHTS[one.status],
            f"{action_name(one.change)} `{one.change.name}` {_ENDS[one.status]}"
            + (f": {one.message}" if one.message else ""),
            one.place,
            one.hint,
        )
        for one in report.outcomes
        if one.status is not Status.DONE or one.message
    ]
    found += [
        Diagnostic(
            f"refresh-{one.status.value.replace('_', '-')}",
            Severity.WARNING if one.status in _UNWELCOME else Severity.INFO,
            f"`{one.name}` is not counted anew: {one.message or one.status.value}",
            hint=one.hint,
        )
        for one in report.refreshes
        if one.status is not RefreshStatus.ACCEPTED
    ]
    return tuple(found)


def drift_diagnostics(drifts: DriftReport) -> tuple[Diagnostic, ...]:
    """Give each segment that is not as the files say."""
    found = []
    for one in drifts.drifts:
        match one.kind:
            case DriftKind.EDITED:
                fields = " and ".join(one.changed_fields)
                said = f"`{one.name}` has another {fields} on the account"
            case DriftKind.RENAMED:
                said = f"`{one.name}` is called `{one.now}` on the account"
            case DriftKind.DELETED:
                said = f"`{one.name}` is not on the account: deleted there, or never applied"
            case DriftKind.CREATED:
                said = f"`{one.name}` was made by hand: no file declares it"
            case _:
                assert_never(one.kind)
        facts = [f"id {one.id}"] if one.id else []
        facts += [f"changed {one.updated_at}"] if one.updated_at else []
        said += f" ({', '.join(facts)})" if facts else ""
        found.append(Diagnostic(f"drift-{one.kind.value}", Severity.WARNING, said, one.span))
    return tuple(found)
