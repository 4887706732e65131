"""What every view of the drift of several targets shows, and its JSON.

Does not find drift: `planning.drift` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segctl.model.drift import DriftKind
from segctl.planfile.fleet_json import failure_json, group_json
from segctl.planfile.to_json import document_header
from segctl.render.as_diagnostics import drift_diagnostics
from segctl.render.drift_text import KIND_LABELS, drift_json
from segctl.render.merging import merge_by_target
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from segctl.errors import Diagnostic
    from segctl.planning.fleet_drift import FleetDrift


def drift_table(fleet: FleetDrift) -> tuple[list[str], list[list[str]]]:
    """Return the heads and the rows of the table of targets."""
    rows = []
    for part in fleet.parts:
        kinds = [drift.kind for drift in part.report.drifts]
        counts = [str(kinds.count(kind)) for kind in DriftKind]
        result = "drift" if kinds else "no drift"
        if part.failure is not None:
            counts, result = ["?"] * len(counts), f"failed: {clean(part.failure.message)}"
        rows.append([clean(part.target), *counts, result])
    return ["target", *(KIND_LABELS[kind] for kind in DriftKind), "result"], rows


def fleet_drift_summary(fleet: FleetDrift) -> str:
    """Return the line that summarizes the drift of several targets."""
    name, total = clean(fleet.name), count(len(fleet.parts), "target")
    failed = sum(part.failure is not None for part in fleet.parts)
    drifted = sum(bool(part.report.drifts) for part in fleet.parts)
    unknown = f" {failed} failed." if failed else ""
    if not drifted:
        return f"No drift on {name}, {len(fleet.parts) - failed} of {total}.{unknown}"
    segments = count(sum(len(part.report.drifts) for part in fleet.parts), "segment")
    return f"Drift on {name}, {drifted} of {total}: {segments}.{unknown}"


def drift_notices(fleet: FleetDrift) -> tuple[Diagnostic, ...]:
    """Return the errors of the targets that failed and the diagnostics of the others, each once."""
    by_target = [
        (part.target, part.failure.diagnostics if part.failure else part.diagnostics)
        for part in fleet.parts
    ]
    return merge_by_target(by_target, len(fleet.parts))


def fleet_drift_diagnostics(fleet: FleetDrift) -> tuple[Diagnostic, ...]:
    """Return a diagnostic for each segment that differs, after `drift_notices`."""
    by_target = [(part.target, drift_diagnostics(part.report)) for part in fleet.parts]
    return (*drift_notices(fleet), *merge_by_target(by_target, len(fleet.parts)))


def fleet_drift_json(fleet: FleetDrift, generated_at: str) -> dict[str, Any]:
    """Return the drift of several targets as JSON data, each as `drift_json` has it."""
    return {
        **document_header(generated_at),
        "group": group_json(fleet.name),
        "targets": [
            {
                "name": part.target,
                "drift": None
                if part.account is None
                else drift_json(part.report, part.account, part.diagnostics, generated_at),
                "failure": failure_json(part.failure),
            }
            for part in fleet.parts
        ],
    }
