"""The plans and reports of several targets as versioned JSON, and the digest of all plans.

Each part is the document of its target alone (`to_json`, `report_json`), with its own digest.
`schemas/fleet-plan.schema.json` describes the rest.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from segctl import __version__
from segctl.model.fleet import ALL_TARGETS, Failure, FleetPlan, TargetPlan
from segctl.planfile.from_json import diagnostics_from
from segctl.planfile.report_json import report_to_json
from segctl.planfile.to_json import (
    checksum,
    diagnostics_json,
    digest,
    document_header,
    plan_to_json,
    sha256_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from segctl.model import Plan
    from segctl.model.fleet import FleetReport


def fleet_digest(fleet: FleetPlan) -> str:
    """Return the SHA-256, in hex, of the targets and the digests of their plans.

    A target without a plan has none, so nothing that was approved has this digest.
    """
    return sha256_of(
        {
            "targets": [
                [part.target, None if part.plan is None else digest(part.plan)]
                for part in fleet.parts
            ]
        }
    )


def digest_of(plan: Plan | FleetPlan) -> str:
    """Return the digest of the plan of one target, or of those of several."""
    return fleet_digest(plan) if isinstance(plan, FleetPlan) else digest(plan)


def fleet_to_json(
    fleet: FleetPlan, generated_at: str, version: str = __version__
) -> dict[str, Any]:
    """Return the plans of several targets as JSON data; see `plan_to_json`."""
    document = {
        **document_header(generated_at, version),
        "group": group_json(fleet.name),
        "targets": [
            {
                "name": part.target,
                "plan": None
                if part.plan is None
                else plan_to_json(part.plan, generated_at, version, part.requests),
                "failure": failure_json(part.failure),
            }
            for part in fleet.parts
        ],
        "summary": {
            **dataclasses.asdict(fleet.summary),
            "targets": len(fleet.parts),
            "changed": sum(bool(plan.changes) for plan in fleet.plans),
            "refused": sum(not plan.is_applicable for plan in fleet.plans),
            "failed": len(fleet.failures),
        },
        "digest": fleet_digest(fleet),
    }
    return {**document, "checksum": _checksum(document)}


def is_fleet(document: Any) -> bool:
    """Return whether a JSON document has the plans of several targets."""
    return isinstance(document, dict) and "targets" in document and "changes" not in document


def fleet_is_whole(document: Any) -> bool:
    """Return whether the checksum of a document is that of its content."""
    return bool(document.get("checksum") == _checksum(document))


def fleet_from_document(document: Any, read_plan: Callable[[Any], Plan]) -> FleetPlan:
    """Return the plans in a document that is valid by its schema.

    `read_plan` returns the plan in the document of one target. Raises `ValueError` for a target
    with both a plan and a failure, or neither.
    """
    parts = []
    for entry in document["targets"]:
        result: Plan | Failure
        if (entry["plan"] is None) is (entry["failure"] is None):
            raise ValueError("a target has a plan or a failure")
        if entry["plan"] is None:
            problems = tuple(diagnostics_from(entry["failure"]["diagnostics"]))
            result = Failure(problems, int(entry["failure"]["exit_code"]))
        else:
            result = read_plan(entry["plan"])
        parts.append(TargetPlan(entry["name"], result))
    return FleetPlan(document["group"] or ALL_TARGETS, tuple(parts))


def fleet_report_to_json(report: FleetReport, plan: FleetPlan, generated_at: str) -> dict[str, Any]:
    """Return what an apply did to several targets as JSON data."""
    return {
        **document_header(generated_at),
        "group": group_json(report.name),
        "plan_digest": fleet_digest(plan),
        "complete": report.is_complete,
        "interrupted": report.interrupted,
        "targets": [
            {
                "name": part.target,
                "report": report_to_json(part.report, part.plan, generated_at),
                "failure": failure_json(part.failure),
            }
            for part in report.parts
        ],
    }


def group_json(name: str) -> str | None:
    """Return the name of a group, `None` for all targets."""
    return None if name == ALL_TARGETS else name


def failure_json(failure: Failure | None) -> dict[str, Any] | None:
    """Return what ended the work on a target as JSON data."""
    if failure is None:
        return None
    return {
        "exit_code": failure.exit_code,
        "diagnostics": diagnostics_json(failure.diagnostics),
    }


def _checksum(document: dict[str, Any]) -> str:
    """Return the checksum of a document. The parts have their own, which leave out the requests."""
    targets = [
        {**entry, "plan": entry["plan"] and entry["plan"]["checksum"]}
        for entry in document["targets"]
    ]
    return checksum({**document, "targets": targets})
