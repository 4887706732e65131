"""Plans, reports and drift of several targets as text: a table, and a part for each target.

A definition that is the same in several targets is shown once. Does not decide anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.planfile.fleet_json import fleet_digest
from segctl.render.diagnostics import diagnostics_text
from segctl.render.drift_text import drift_text
from segctl.render.fleet import (
    failures_of,
    fleet_summary,
    has_part,
    notices_of,
    part_title,
    plan_table,
    repeated_changes,
    report_fleet_summary,
    report_table,
    without_diagnostics,
)
from segctl.render.fleet_drift import drift_notices, drift_table, fleet_drift_summary
from segctl.render.plan_text import plan_text
from segctl.render.report_text import report_text
from segctl.render.table import table_text
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.model.fleet import FleetPlan, FleetReport
    from segctl.planning.fleet_drift import FleetDrift
    from segctl.render.terminal import Style


def fleet_text(fleet: FleetPlan, style: Style, *, verbosity: int = 0) -> str:
    """Return the plans of several targets; `verbosity` as for one plan."""
    parts = [_table(*plan_table(fleet), style)]
    notices = notices_of(fleet) if verbosity >= 0 else ()
    if notices:
        parts.append(diagnostics_text(notices, style))
    repeated = repeated_changes(fleet.plans)
    for plan in fleet.plans:
        if has_part(plan) or verbosity > 0:
            shown = without_diagnostics(plan)
            text = plan_text(shown, style, verbosity=verbosity, repeated=repeated[plan.target.name])
            parts.append(f"{_heading(part_title(plan), style)}\n{text}")
    failures = failures_of(fleet)
    if failures:
        parts.append(diagnostics_text(failures, style))
    parts.append(style.bold(fleet_summary(fleet)) + "\n")
    if verbosity > 0:
        parts[-1] += style.dim(f"Digest of all {fleet_digest(fleet)}") + "\n"
    return "\n".join(parts)


def fleet_report_text(report: FleetReport, style: Style, *, quiet: bool = False) -> str:
    """Return what an apply did to several targets; `quiet` omits what succeeded."""
    parts = [_table(*report_table(report), style)]
    for part in report.parts:
        if part.report.outcomes:
            text = report_text(part.report, style, part.plan.target, quiet=quiet)
            parts.append(f"{_heading(clean(part.target), style)}\n{text}")
    failures = failures_of(report)
    if failures:
        parts.append(diagnostics_text(failures, style))
    parts.append(style.bold(report_fleet_summary(report)) + "\n")
    return "\n".join(parts)


def fleet_drift_text(fleet: FleetDrift, style: Style) -> str:
    """Return a table, what differs on each account, and a summary."""
    parts = [_table(*drift_table(fleet), style)]
    for part in fleet.parts:
        if part.report.drifts and part.account is not None:
            text = drift_text(part.report, style, part.account)
            parts.append(f"{_heading(clean(part.target), style)}\n{text}")
    notices = drift_notices(fleet)
    if notices:
        parts.append(diagnostics_text(notices, style))
    parts.append(style.bold(fleet_drift_summary(fleet)) + "\n")
    return "\n".join(parts)


def _heading(target: str, style: Style) -> str:
    return style.bold(f"Target {target}")


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], style: Style) -> str:
    return table_text(
        heads,
        rows,
        right=heads[1:-1],
        color=style.color,
        width=style.width,
        wrapped=("result",),
    )
