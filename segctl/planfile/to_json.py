"""A plan as its canonical, versioned JSON, and the digest that names it.

Every other view says the same in other words. The JSON holds all that a plan does, so that
`reading` gives the same plan back; `schemas/plan.schema.json` describes it.

What a reader may rely on: within `format_version` 1.x no field goes away, none changes its type or
its meaning, and a value that a field may have stays possible. A later 1.x may add fields, and
values where a list of them is open to it (`code` of a finding, `action` and `reason` of a change,
as 1.2 did with `upgrade`); pass over what you do not know. A format of another major number is
another document.

Two hashes, for two purposes. `digest` covers what would be done, and to which account: target,
actions, ids, definitions, and the Single Sends that lose their audience knowingly. It covers
neither counts (`impact` among them) nor times nor places nor what `lists` are called: two plans
that would do the same have the same one. `checksum` covers the whole document, refusals, options
and preconditions among it, and finds a file that was cut off or edited. Neither is a signature: who
can write the file can write both. So a plan that was read back is never performed on its word
alone: it is worked out and judged anew, and must come to the same (`staleness`); a person who
approved a digest hands that in on another way.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING, Any, assert_never

from segctl import __version__
from segctl.model import Change, Create, Delete, Patch, Plan, Replace, Upgrade

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from segctl.errors import Diagnostic, Span
    from segctl.model import Segment, Successor

FORMAT_VERSION = "1.3"
"""1.1 is the first that holds a whole plan; 1.2 adds `impact` and `upgrade`, 1.3
`lists` and `successor`."""

OLDEST_MINOR = 1
"""Plans of this minor version of the format, and of later ones, can be read."""

LONGEST_EXCERPT = 400
"""Characters of a source line that a finding carries, but in a plan, which carries it whole."""

SHORT_DIGEST = 16
"""Characters of a digest that are shown to people, and may be handed in again."""


PAST_TENSE = {
    "create": "created",
    "patch": "patched",
    "replace": "replaced",
    "upgrade": "upgraded",
    "delete": "deleted",
}
"""What became of a segment, by the name of the action."""


def action_name(change: Change) -> str:
    """Name an action as the JSON and the command line do."""
    match change:
        case Create():
            return "create"
        case Patch():
            return "patch"
        case Replace():
            return "replace"
        case Upgrade():
            return "upgrade"
        case Delete():
            return "delete"
        case _:
            assert_never(change)


def digest(plan: Plan) -> str:
    """Give the SHA-256, in hex, of what the plan would do and to which account."""
    return _sha256(
        {
            "target": dataclasses.asdict(plan.target),
            "changes": [
                {
                    "action": action_name(change),
                    "name": change.name,
                    "id": change.id,
                    "before": None if isinstance(change, Create) else change.before.as_json(),
                    "after": None if isinstance(change, Delete) else change.after.as_json(),
                    **_taken_up(change),
                }
                for change in _settled(plan.changes)
            ],
            "ignored_references": _ignored_references(plan),
        }
    )


def _taken_up(change: Change) -> dict[str, Any]:
    """Give what a replacement goes on with: it writes to that, too."""
    successor = change.successor if isinstance(change, Replace) else None
    return (
        {"twin": {"id": successor.id, "definition": successor.definition.as_json()}}
        if successor
        else {}
    )


def _settled(changes: Sequence[Change]) -> Iterator[Change]:
    """Give the changes with the upgrades by their ids.

    Which of those is begun first depends on who uses them at the moment, and decides of nothing
    else: whoever repoints a Single Send spoils no plan that was approved.
    """
    upgrades = iter(
        sorted((one for one in changes if isinstance(one, Upgrade)), key=lambda one: one.id)
    )
    return (next(upgrades) if isinstance(one, Upgrade) else one for one in changes)


def _ignored_references(plan: Plan) -> list[str]:
    """Give the names under which segments end though Single Sends use them."""
    ended = [one for one in plan.changes if isinstance(one, Delete | Replace | Upgrade)]
    names = {name for one in ended for name in (one.name, one.before.name)}
    return sorted(names & set(plan.options.ignore_references))


def checksum(document: Mapping[str, Any]) -> str:
    """Give the SHA-256, in hex, of a plan's JSON data, without `checksum` and `requests`."""
    rest = {key: document[key] for key in document if key not in ("checksum", "requests")}
    return _sha256(rest)


def _sha256(data: Any) -> str:
    text = json.dumps(data, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def to_json(
    plan: Plan, generated_at: str, version: str = __version__, requests: int | None = None
) -> dict[str, Any]:
    """Give the plan as JSON data.

    `generated_at` is an ISO 8601 time in UTC; `version` is that of the segctl that made the plan;
    `requests` how many were sent for it, `None` where nobody counted.
    """
    document = {
        **document_header(generated_at, version),
        "target": dataclasses.asdict(plan.target),
        "folder": plan.folder,
        "options": dataclasses.asdict(plan.options),
        "changes": [_change(change) for change in plan.changes],
        "lists": dict(sorted(plan.lists.items())),
        "unchanged": [
            {
                "name": keep.name,
                "id": keep.id,
                "source": source_json(keep.span),
                "cosmetic": keep.is_cosmetic,
            }
            for keep in plan.kept
        ],
        "unmanaged": [
            {"name": one.name, "id": one.id, "v1": one.is_v1, "ours": one.is_ours}
            for one in plan.ignored
        ],
        "summary": dataclasses.asdict(plan.summary),
        "diagnostics": diagnostics_json(plan.diagnostics, longest=None),
        "refusals": diagnostics_json(plan.refusals, longest=None),
        "digest": digest(plan),
    }
    # What a run cost is no part of the plan.
    counted = {} if requests is None else {"requests": requests}
    return {**document, **counted, "checksum": checksum(document)}


def document_header(generated_at: str, version: str = __version__) -> dict[str, Any]:
    """Give the fields with which every JSON document of segctl begins."""
    return {
        "format_version": FORMAT_VERSION,
        "tool": {"name": "segctl", "version": version},
        "generated_at": generated_at,
    }


def diagnostics_json(
    diagnostics: Iterable[Diagnostic], longest: int | None = LONGEST_EXCERPT
) -> list[dict[str, Any]]:
    """Give findings as JSON data, with so many characters of each source line (`None`: all)."""
    return [
        {
            "code": found.code,
            "severity": found.severity.value,
            "summary": found.summary,
            "hint": found.hint,
            "source": source_json(found.span),
            "excerpt": found.excerpt[:longest],
        }
        for found in diagnostics
    ]


def source_json(span: Span | None) -> dict[str, Any] | None:
    """Give a place in the files as JSON data."""
    return None if span is None else dataclasses.asdict(span)


def _definition(segment: Segment) -> dict[str, Any]:
    """Give a definition with its parent lists in the order in which the plan has them."""
    return {**segment.as_json(), "parent_list_ids": list(segment.parent_list_ids)}


def _change(change: Change) -> dict[str, Any]:
    before = None if isinstance(change, Create) else _definition(change.before)
    after = None if isinstance(change, Delete) else _definition(change.after)
    precondition = None if isinstance(change, Create) else change.precondition
    edit = change if isinstance(change, Patch | Replace | Upgrade) else None
    anew = change if isinstance(change, Replace) else None
    kept = change if isinstance(change, Replace | Upgrade) else None
    impact = None if isinstance(change, Delete | Upgrade) else change.impact
    return {
        "action": action_name(change),
        "name": change.name,
        "id": change.id,
        "reason": change.reason.value,
        "source": source_json(change.span),
        "query_source": None if isinstance(change, Delete) else source_json(change.query_span),
        "changed_fields": list(edit.changed_fields) if edit else [],
        "clauses": [
            dataclasses.asdict(clause)
            for clause in (change.clauses if isinstance(change, Patch | Replace) else ())
        ],
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
        "impact": None if impact is None else dataclasses.asdict(impact),
        "allow_replace": anew.is_allowed if anew else None,
        "protected": kept.is_protected if kept else None,
        "twin": _twin(anew.successor) if anew else None,
        "v1": change.is_v1 if isinstance(change, Delete) else None,
        "upgrade": _upgrade(change) if isinstance(change, Upgrade) else None,
    }


def _twin(successor: Successor | None) -> dict[str, Any] | None:
    return (
        {"id": successor.id, "definition": _definition(successor.definition)} if successor else None
    )


def _upgrade(change: Upgrade) -> dict[str, Any]:
    """Give what an upgrade has and no other action."""
    return {
        "twin_name": change.successor_name,
        "twin": _twin(change.successor),
        "waits_for": [
            {"id": one.id, "name": one.name, "status": one.status} for one in change.waits_for
        ],
    }
