"""The report of an apply as versioned JSON, for pipelines, as in `schemas/report.schema.json`.

It has the same content as the text report: no queries, which the plan with the same digest has,
and no contacts.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from segctl.model.report import RefreshStatus, Status
from segctl.planfile.to_json import (
    action_name,
    digest,
    document_header,
    outside_git_json,
    proof_json,
    source_json,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.model import Change, Plan
    from segctl.model.report import Outcome, Refresh, Report


def report_to_json(report: Report, plan: Plan, generated_at: str) -> dict[str, Any]:
    """Return the report of an apply as JSON data.

    `plan` is the plan that was applied; `generated_at` is an ISO 8601 time in UTC.
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
    """Return the outcomes of refreshes as JSON data, with their number per status."""
    entries = [
        {
            "name": refresh.name,
            "id": refresh.id,
            "status": refresh.status.value,
            "message": refresh.message,
            "hint": refresh.hint,
            "until": refresh.until,
        }
        for refresh in refreshes
    ]
    statuses = [entry["status"] for entry in entries]
    return {
        "refreshes": entries,
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
        "proof": proof_json(outcome.change),
        "outside_git": _outside_git(outcome.change),
    }


def _outside_git(change: Change) -> dict[str, Any] | None:
    drift = outside_git_json(change)
    return drift and {key: drift[key] for key in drift if key != "clauses"}
