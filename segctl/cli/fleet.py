"""`plan` and `apply` of several targets: what these commands do with a group or --all-targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.app.fleet import apply_targets, connect_targets, plan_targets, refuse_unsafe_targets
from segctl.cli.approval import show_plan
from segctl.cli.exit_codes import (
    CHANGES_PRESENT,
    fleet_exit_code,
    report_exit_code,
    worst_code,
)
from segctl.cli.fleet_output import FleetOutput
from segctl.cli.interruptions import stop_in_order
from segctl.common.clock import format_utc
from segctl.model.fleet import FleetReport, TargetReport
from segctl.model.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.applying.applier import ApplyOptions
    from segctl.cli.approval import Approval
    from segctl.model.fleet import TargetGroup
    from segctl.model.plan_options import PlanOptions


def plan_group(
    project: Project,
    console: Console,
    group: TargetGroup,
    options: PlanOptions,
    *,
    format_name: str,
    out: str | None,
    detailed: bool,
) -> int:
    """Plan several targets and show that; return the exit code."""
    output = FleetOutput(format_name, project, console)
    with output.showing_errors("plan"), connect_targets(project, group, console) as fleet:
        plan = plan_targets(fleet, options, console)
    now = format_utc(project.clock.now())
    text = output.fleet_plan(plan, generated_at=now)
    requests = sum(part.requests or 0 for part in plan.parts)
    show_plan(output, plan, text, out=out, generated_at=now, requests=requests)
    return fleet_exit_code(plan, detailed=detailed)


def apply_group(
    project: Project,
    console: Console,
    group: TargetGroup,
    options: ApplyOptions,
    *,
    read_approval: Callable[[], Approval],
    ask: Callable[[Console], bool],
    format_name: str,
    auto_approve: bool,
    refresh: bool,
    journal: Path | None,
    stop_on_failure: bool,
) -> int:
    """Plan several targets, show that, ask, and apply; return the exit code.

    `ask` asks for approval. An error or a refusal of one target leaves all of them as they are:
    what is approved, by a person or by a digest, are all plans together.
    """
    output = FleetOutput(format_name, project, console)
    with output.showing_errors("apply"):
        approval = read_approval()
        approval.check_group(group.name)
        with connect_targets(project, group, console, read_only=False) as fleet:
            plan = plan_targets(fleet, approval.options, console)
            output.show_first(FleetOutput("text", project, console).fleet_plan(plan))
            code = fleet_exit_code(plan)
            if code == 1:
                if not output.is_text:
                    output.show(output.fleet_problems(plan, "apply"))
                return code
            refuse_unsafe_targets(plan)
            approval.check_plan(plan, console)
            if not plan.has_changes:
                nothing = tuple(TargetReport(made, Report()) for made in plan.plans)
                report = FleetReport(plan.name, nothing)
            else:
                if not (auto_approve or ask(console)):
                    console.say("Nothing was changed.")
                    return 1
                stop_in_order(fleet.stop, console)
                report = apply_targets(
                    fleet,
                    plan,
                    options,
                    console,
                    refresh=refresh,
                    journal=journal,
                    stop_on_failure=stop_on_failure,
                )
    if plan.has_changes or not output.is_text:
        blank = "\n" if output.is_text else ""
        output.show(blank + output.fleet_report(report, plan))
    if report.is_complete and report.needs_another_apply:
        console.talk("Not every account matches the files yet; see the warnings above the plans.")
    return report_exit_code(report, needs_another_apply=report.needs_another_apply)


def drift_group(
    project: Project,
    console: Console,
    group: TargetGroup,
    *,
    format_name: str,
    detailed: bool,
    managed_only: bool,
) -> int:
    """Show the drift of several targets; return the exit code."""
    from segctl.app.fleet_drift import detect_drift_of_targets  # noqa: PLC0415 - only for drift

    output = FleetOutput(format_name, project, console)
    with output.showing_errors("drift"), connect_targets(project, group, console) as fleet:
        drift = detect_drift_of_targets(fleet, console, managed_only=managed_only)
    output.show(output.fleet_drift(drift))
    codes = {part.failure.exit_code for part in drift.parts if part.failure is not None}
    if codes:
        return worst_code(codes)
    return CHANGES_PRESENT if detailed and drift.has_drift else 0
