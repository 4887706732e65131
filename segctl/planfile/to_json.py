"""A plan as canonical, versioned JSON, and the digest that identifies it.

The JSON holds everything that a plan does, so that `loading` returns the same plan;
`schemas/plan.schema.json` describes it. All other views show the same content.

Within `format_version` 1.x no field is removed or changes its type or meaning, and every value of a
field stays valid. A later 1.x may add fields, and values where a list is open (`code` of a
diagnostic, `action` and `reason` of a change, as 1.2 did with `upgrade`); readers should skip what
they do not know. Another major version is a different document.

There are two hashes. `digest` covers what would be done to which account: target, actions, ids,
definitions, and the ignored references. It does not cover counts (such as `impact`), times, places,
`single_sends`, `automations`, the names of `lists`, the results of `policies`, or what files say to
people, so two plans that would do the same have the same digest.
`checksum` covers the whole document, with refusals, options and preconditions, and detects a file
that was truncated or edited. Neither is a signature: anyone who can write the file can write both.
So a saved plan is never applied as it is: it is computed and checked again, and must be the same
(`staleness`), and the digest that a person approved comes from elsewhere.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING, Any, assert_never

from segctl import __version__
from segctl.errors import split_source
from segctl.model import Change, Create, Delete, Patch, Plan, Replace, Upgrade
from segctl.planfile.policies_json import policies_json
from segctl.planning.attention import attention_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from segctl.errors import Diagnostic, Span
    from segctl.model import Segment, Successor
    from segctl.model.automations import Automation
    from segctl.model.proof import Evidence
    from segctl.model.single_sends import SingleSend

FORMAT_VERSION = "1.8"
"""1.1 was the first with a whole plan; 1.2 added `impact` and `upgrade`, 1.3 `lists` and `twin`,
1.4 `proof`, 1.5 `single_sends`, and `protected` for a patch, 1.6 `project`, `automations`,
`attention`, what files say of a segment to people, and the time of SendGrid's count, 1.7 the
`instance` of a source, 1.8 `policies`."""

OLDEST_MINOR = 1
"""The oldest minor version that can be read."""

LONGEST_EXCERPT = 400
"""Characters of a source line in a diagnostic. A plan has the whole line."""

_ROOM_FOR_LINES = 1 << 20
"""Characters of source lines that are whole in a plan."""

SHORT_DIGEST = 32
"""Hex digits of a digest that messages show, and the fewest that an approval may give: with 128
bits nobody finds a second plan that begins with them."""


PAST_TENSE = {
    "create": "created",
    "patch": "patched",
    "replace": "replaced",
    "upgrade": "upgraded",
    "delete": "deleted",
}
"""The participle of each action name."""


def action_name(change: Change) -> str:
    """Return the name of an action in JSON and on the command line."""
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
    """Return the SHA-256, in hex, of what the plan would do to which account."""
    return sha256_of(
        {
            "target": dataclasses.asdict(plan.target),
            "changes": [
                {
                    "action": action_name(change),
                    "name": change.name,
                    "id": change.id,
                    "before": None if isinstance(change, Create) else change.before.as_json(),
                    "after": None if isinstance(change, Delete) else change.after.as_json(),
                    **_resumed(change),
                }
                for change in _upgrades_by_id(plan.changes)
            ],
            "ignored_references": _ignored_references(plan),
        }
    )


def _resumed(change: Change) -> dict[str, Any]:
    """Return the successor that a replacement resumes with, since it writes to that, too."""
    successor = change.successor if isinstance(change, Replace) else None
    return (
        {"twin": {"id": successor.id, "definition": successor.definition.as_json()}}
        if successor
        else {}
    )


def _upgrades_by_id(changes: Sequence[Change]) -> Iterator[Change]:
    """Yield the changes with their upgrades in the order of ids.

    Their order in the plan depends only on which Single Sends target them at the moment, and a
    change of those must not invalidate an approved plan.
    """
    upgrades = [change for change in changes if isinstance(change, Upgrade)]
    ordered = iter(sorted(upgrades, key=lambda upgrade: upgrade.id))
    return (next(ordered) if isinstance(change, Upgrade) else change for change in changes)


def _ignored_references(plan: Plan) -> list[str]:
    """Return the names for which the user ignores the Single Sends of an ending segment."""
    names = {
        name
        for change in plan.changes
        if isinstance(change, Delete | Replace | Upgrade)
        for name in (change.name, change.before.name)
    }
    return sorted(names & set(plan.options.ignore_references))


def checksum(document: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hex, of a plan's JSON data without `checksum` and `requests`."""
    rest = {key: document[key] for key in document if key not in ("checksum", "requests")}
    return sha256_of(rest)


def sha256_of(data: Any) -> str:
    """Return the SHA-256, in hex, of JSON data."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def plan_to_json(
    plan: Plan, generated_at: str, version: str = __version__, requests: int | None = None
) -> dict[str, Any]:
    """Return the plan as JSON data.

    `generated_at` is an ISO 8601 time in UTC; `version` is the version of segctl that made the
    plan; `requests` is the number of requests sent for it, `None` where they were not counted.
    """
    document = {
        **document_header(generated_at, version),
        "target": dataclasses.asdict(plan.target),
        "project": plan.project,
        "folder": plan.folder,
        "options": dataclasses.asdict(plan.options),
        "attention": plan.attention,
        "changes": [_change(change, plan) for change in plan.changes],
        "lists": dict(sorted(plan.lists.items())),
        "single_sends": (
            None
            if plan.single_sends is None
            else [
                {
                    **_single_send(send),
                    "send_at": send.send_at,
                    "segment_ids": list(send.segment_ids),
                }
                for send in plan.single_sends
            ]
        ),
        "automations": (
            None if plan.automations is None else [*map(automation_json, plan.automations)]
        ),
        "policies": policies_json(plan.policies, source_json),
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
            {
                "name": ignore.name,
                "id": ignore.id,
                "v1": ignore.is_v1,
                "ours": ignore.is_ours,
            }
            for ignore in plan.ignored
        ],
        "summary": dataclasses.asdict(plan.summary),
        "diagnostics": diagnostics_json(plan.diagnostics, longest=None),
        "refusals": diagnostics_json(plan.refusals, longest=None),
        "digest": digest(plan),
    }
    # The cost of a run is not part of the plan, so the checksum does not cover it.
    cost = {} if requests is None else {"requests": requests}
    return {**document, **cost, "checksum": checksum(document)}


def document_header(generated_at: str, version: str = __version__) -> dict[str, Any]:
    """Return the fields that every JSON document of segctl starts with."""
    return {
        "format_version": FORMAT_VERSION,
        "tool": {"name": "segctl", "version": version},
        "generated_at": generated_at,
    }


def diagnostics_json(
    diagnostics: Iterable[Diagnostic], longest: int | None = LONGEST_EXCERPT
) -> list[dict[str, Any]]:
    """Return diagnostics as JSON data.

    `longest` is the limit on the characters of a source line. `None`: lines are whole, until they
    fill the room for whole lines, since thousands of findings can be in one long line.
    """
    entries = []
    room = _ROOM_FOR_LINES
    for diagnostic in diagnostics:
        limit = LONGEST_EXCERPT if longest is None and room <= 0 else longest
        entries.append(
            {
                "code": diagnostic.code,
                "severity": diagnostic.severity.value,
                "summary": diagnostic.summary,
                "hint": diagnostic.hint,
                "source": source_json(diagnostic.span),
                "excerpt": diagnostic.excerpt[:limit],
            }
        )
        room -= len(diagnostic.excerpt)
    return entries


def source_json(span: Span | None) -> dict[str, Any] | None:
    """Return a place in the files as JSON data."""
    if span is None:
        return None
    source = dataclasses.asdict(span)
    if not span.instance:
        del source["instance"]
    return source


def _definition(segment: Segment) -> dict[str, Any]:
    """Return a definition as JSON data, with its parent lists in the order of the plan."""
    return {**segment.as_json(), "parent_list_ids": list(segment.parent_list_ids)}


def _change(change: Change, plan: Plan) -> dict[str, Any]:
    before = None if isinstance(change, Create) else _definition(change.before)
    after = None if isinstance(change, Delete) else _definition(change.after)
    precondition = None if isinstance(change, Create) else change.precondition
    edit = change if isinstance(change, Patch | Replace | Upgrade) else None
    replace = change if isinstance(change, Replace) else None
    impact = None if isinstance(change, Delete | Upgrade) else change.impact
    return {
        "action": action_name(change),
        "name": change.name,
        "id": change.id,
        "reason": change.reason.value,
        "attention": [reason.value for reason in attention_of(change, plan)],
        "description": change.metadata.description,
        "owner": change.metadata.owner,
        "tags": list(change.metadata.tags),
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
        "contacts_counted_at": None if isinstance(change, Create) else change.counted_at,
        "impact": None if impact is None else dataclasses.asdict(impact),
        "allow_replace": replace.is_allowed if replace else None,
        "protected": edit.is_protected if edit else None,
        "twin": _successor(replace.successor) if replace else None,
        "v1": change.is_v1 if isinstance(change, Delete) else None,
        "proof": proof_json(change),
        "outside_git": outside_git_json(change),
        "upgrade": _upgrade(change) if isinstance(change, Upgrade) else None,
    }


def proof_json(change: Change) -> dict[str, Any] | None:
    """Return what git shows of a change as JSON data."""
    proof = None if isinstance(change, Create | Upgrade) else change.proof
    if proof is None:
        return None
    return {
        "declared": evidence_json(proof.declared),
        "removed": evidence_json(proof.removed),
        "named": evidence_json(proof.named),
    }


def outside_git_json(change: Change) -> dict[str, Any] | None:
    """Return what someone did in SendGrid that a change undoes as JSON data."""
    drift = change.drift if isinstance(change, Create | Patch | Replace) else None
    if drift is None:
        return None
    return {
        "kind": drift.kind.value,
        "now": drift.now or None,
        "updated_at": drift.updated_at,
        "changed_fields": list(drift.changed_fields),
        "clauses": [dataclasses.asdict(clause) for clause in drift.clauses],
    }


def file_json(source: str) -> dict[str, str]:
    """Return a file as JSON data, with the instance where it declares several segments."""
    file, instance = split_source(source)
    return {"file": file, "instance": instance} if instance else {"file": file}


def evidence_json(evidence: Evidence | None) -> dict[str, Any] | None:
    """Return a commit and its file as JSON data."""
    if evidence is None:
        return None
    commit = evidence.commit
    return {
        **file_json(evidence.file),
        "commit": commit.id,
        "committed_at": commit.committed_at,
        "author": commit.author,
    }


def _successor(successor: Successor | None) -> dict[str, Any] | None:
    return (
        {"id": successor.id, "definition": _definition(successor.definition)} if successor else None
    )


def _upgrade(change: Upgrade) -> dict[str, Any]:
    """Return the fields that only an upgrade has."""
    return {
        "twin_name": change.successor_name,
        "twin": _successor(change.successor),
        "waits_for": [_single_send(send) for send in change.waits_for],
        "waits_for_automations": [*map(automation_json, change.waits_for_automations)],
    }


def automation_json(automation: Automation) -> dict[str, Any]:
    """Return an automation and its uses of segments as JSON data."""
    return {
        "id": automation.id,
        "name": automation.name,
        "status": automation.status,
        "uses": [{"as": use.role.value, "segment_id": use.segment_id} for use in automation.uses],
    }


def _single_send(send: SingleSend) -> dict[str, str]:
    return {"id": send.id, "name": send.name, "status": send.status}
