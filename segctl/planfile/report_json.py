"""A report as versioned JSON: what a pipeline reads to know what an apply did.

Owns the document of `schemas/report.schema.json`. It says what the text says, and no more: neither
queries nor contacts, which the plan of the same digest has.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from segctl.model.report import RefreshStatus, Status
from segctl.planfile.to_json import action_name, digest, document_header, source_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.model import Plan
    from segctl.model.report import Outcome, Refresh, Report


def to_json(report: Report, plan: Plan, generated_at: str) -> dict[str, Any]:
    """Give the report of an apply as JSON data.

    `plan` is the one that was performed; `generated_at` is an ISO 8601 time in UTC.
    """
    return {
        **document_header(generated_at),
        "target": dataclasses.asdict(plan.target),
        "plan_digest": digest(plan),
        "complete": report.is_complete,
        "interrupted": report.interrupted,
        "outcomes": [_outcome(outcome) for outcome in report.outcomes],
        "summary": {status.value: number for status, number in report.counts.items()},
        **refreshes_json(report.refreshes),
    }


def refreshes_json(refreshes: Iterable[Refresh]) -> dict[str, Any]:
    """Give what became of refreshes, one by one and counted."""
    found = [
        {
            "name": one.name,
            "id": one.id,
            "status": one.status.value,
            "message": one.message,
            "hint": one.hint,
            "until": one.until,
        }
        for one in refreshes
    ]
    statuses = [one["status"] for one in found]
    return {
        "refreshes": found,
        "refresh_summary": {status.value: statuses.count(status) for status in RefreshStatus},
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "action": action_name(outcome.change),
        "name": outcome.change.name,
        "id": outcome.id,
        "status": outcome.status.value,
        "message": outcome.message,
        "hint": outcome.hint,
        "written": outcome.status is Status.DONE or outcome.is_written,
        "source": source_json(outcome.place),
    }
