"""The exit codes of a process beside 0 (done) and 1 (error); `cli.main` lists them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segctl.model import Plan
    from segctl.model.fleet import FleetPlan, FleetReport
    from segctl.model.report import Report

CHANGES_PRESENT = 2
REFUSED = 3
IN_PART = 4
INTERRUPTED = 130


def plan_exit_code(plan: Plan, *, detailed: bool = False) -> int:
    """Return the exit code of a plan that was shown."""
    if plan.errors:
        return 1
    if plan.refusals:
        return REFUSED
    return CHANGES_PRESENT if detailed and plan.changes else 0


def fleet_exit_code(fleet: FleetPlan, *, detailed: bool = False) -> int:
    """Return the exit code of the plans of several targets: an error wins over a refusal."""
    codes = {
        *(failure.exit_code for failure in fleet.failures),
        *(plan_exit_code(plan) for plan in fleet.plans),
    } - {0}
    if codes:
        return worst_code(codes)
    return CHANGES_PRESENT if detailed and fleet.has_changes else 0


def worst_code(codes: set[int]) -> int:
    """Return the exit code of several targets that failed with these."""
    if INTERRUPTED in codes:
        return INTERRUPTED
    return REFUSED if codes == {REFUSED} else 1


def report_exit_code(report: Report | FleetReport, *, needs_another_apply: bool) -> int:
    """Return the exit code of an apply: several targets are as if they were one account."""
    if report.interrupted:
        return INTERRUPTED
    if report.is_complete:
        return IN_PART if needs_another_apply else 0
    return IN_PART if report.is_partial else 1
