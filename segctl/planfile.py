"""A plan as its canonical, versioned JSON, and the digest that names it.

Every other view says the same in other words. The digest covers actions, ids and definitions, and
neither counts nor times: two plans that would do the same have the same one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING, Any, assert_never

from segctl import __version__
from segctl.model import Change, Create, Delete, Patch, Plan, Replace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.errors import Diagnostic, Span

FORMAT_VERSION = "1.0"

LONGEST_EXCERPT = 400
"""Characters of a source line that a finding carries."""


def action_name(change: Change) -> str:
    """Name an action as the JSON and the command line do."""
    match change:
        case Create():
            return "create"
        case Patch():
            return "patch"
        case Replace():
            return "replace"
        case Delete():
            return "delete"
        case _:
            assert_never(change)


def digest(plan: Plan) -> str:
    """Give the SHA-256, in hex, of what the plan would do and to which account."""
    body = {
        "target": dataclasses.asdict(plan.target),
        "changes": [
            {key: entry[key] for key in ("action", "name", "id", "before", "after")}
            for entry in map(_change, plan.changes)
        ],
    }
    text = json.dumps(body, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def to_json(plan: Plan, generated_at: str) -> dict[str, Any]:
    """Give the plan as JSON data; `generated_at` is an ISO 8601 time in UTC."""
    return {
        **header(generated_at),
        "target": dataclasses.asdict(plan.target),
        "changes": [_change(change) for change in plan.changes],
        "unchanged": [
            {
                "name": keep.name,
                "id": keep.id,
                "source": _source(keep.span),
                "cosmetic": keep.is_cosmetic,
            }
            for keep in plan.kept
        ],
        "unmanaged": [
            {"name": ignore.name, "id": ignore.id, "v1": ignore.is_v1} for ignore in plan.ignored
        ],
        "summary": dataclasses.asdict(plan.summary),
        "diagnostics": diagnostics_json(plan.diagnostics),
        "refusals": diagnostics_json(plan.refusals),
        "digest": digest(plan),
    }


def header(generated_at: str) -> dict[str, Any]:
    """Give the fields with which every JSON document of segctl begins."""
    return {
        "format_version": FORMAT_VERSION,
        "tool": {"name": "segctl", "version": __version__},
        "generated_at": generated_at,
    }


def diagnostics_json(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """Give findings as JSON data."""
    return [
        {
            "code": found.code,
            "severity": found.severity.value,
            "summary": found.summary,
            "hint": found.hint,
            "source": _source(found.span),
            "excerpt": found.excerpt[:LONGEST_EXCERPT],
        }
        for found in diagnostics
    ]


def _source(span: Span | None) -> dict[str, Any] | None:
    if span is None:
        return None
    return {"file": span.file, "line": span.line, "column": span.column}


def _change(change: Change) -> dict[str, Any]:
    before = None if isinstance(change, Create) else change.before.as_json()
    after = None if isinstance(change, Delete) else change.after.as_json()
    precondition = None if isinstance(change, Create) else change.precondition
    return {
        "action": action_name(change),
        "name": change.name,
        "id": precondition.id if precondition else None,
        "reason": change.reason.value,
        "source": _source(change.span),
        "changed_fields": (
            list(change.changed_fields) if isinstance(change, Patch | Replace) else []
        ),
        "clauses": (
            [dataclasses.asdict(clause) for clause in change.clauses]
            if isinstance(change, Patch | Replace)
            else []
        ),
        "before": before,
        "after": after,
        "precondition": (
            {
                "updated_at": precondition.updated_at,
                "definition_sha256": precondition.definition_sha256,
            }
            if precondition
            else None
        ),
        "contacts_count": None if isinstance(change, Create) else change.contacts_count,
    }
