"""A plan from JSON data that is valid by its schema: the inverse of `to_json`.

Does not check the data: `loading` does.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from segctl.errors import Diagnostic, Severity, Span, source_of
from segctl.model import (
    Create,
    Delete,
    Ignore,
    Impact,
    Keep,
    Metadata,
    Patch,
    Plan,
    Precondition,
    Reason,
    Replace,
    Segment,
    Successor,
    TargetRef,
    Upgrade,
)
from segctl.model.automations import Automation, AutomationRole, AutomationUse
from segctl.model.drift import Drift, DriftKind
from segctl.model.plan import DEFAULT_ATTENTION
from segctl.model.plan_options import PlanOptions
from segctl.model.proof import CommitRef, Evidence, Proof
from segctl.model.single_sends import SingleSend
from segctl.planfile.policies_json import policies_from_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from segctl.model import Change
    from segctl.model.clauses import ClauseChange


def plan_from_document(document: Any) -> Plan:
    """Return the plan in a document that is valid by `schemas/plan.schema.json`."""
    options = document["options"]
    return Plan(
        target=TargetRef(*(document["target"][key] for key in ("name", "host", "subuser"))),
        changes=tuple(map(_change, document["changes"])),
        kept=tuple(
            Keep(entry["name"], entry["id"], _required_span(entry["source"]), entry["cosmetic"])
            for entry in document["unchanged"]
        ),
        ignored=tuple(
            Ignore(entry["name"], entry["id"], entry["v1"], entry["ours"])
            for entry in document["unmanaged"]
        ),
        diagnostics=tuple(diagnostics_from(document["diagnostics"])),
        refusals=tuple(diagnostics_from(document["refusals"])),
        options=PlanOptions(
            only=tuple(options["only"]),
            strict_text=options["strict_text"],
            detect_renames=options["detect_renames"],
            ignore_references=tuple(options["ignore_references"]),
        ),
        folder=document["folder"],
        # New in format 1.6.
        project=document.get("project", ""),
        # New in format 1.3.
        lists=document.get("lists", {}),
        # New in format 1.5.
        single_sends=_single_sends(document.get("single_sends")),
        # New in format 1.6.
        attention=int(document.get("attention", DEFAULT_ATTENTION)),
        automations=_automations(document.get("automations")),
        # New in format 1.8.
        policies=policies_from_json(document.get("policies", ()), _required_span),
    )


def _single_sends(entries: Any) -> tuple[SingleSend, ...] | None:
    if entries is None:
        return None
    return tuple(
        SingleSend(
            entry["id"],
            entry["name"],
            entry["status"],
            tuple(entry["segment_ids"]),
            send_at=entry["send_at"],
        )
        for entry in entries
    )


def _automations(entries: Any) -> tuple[Automation, ...] | None:
    if entries is None:
        return None
    return tuple(
        Automation(
            entry["id"],
            entry["name"],
            entry["status"],
            tuple(
                AutomationUse(AutomationRole(use["as"]), use["segment_id"]) for use in entry["uses"]
            ),
        )
        for entry in entries
    )


def _change(entry: Any) -> Change:
    reason = Reason(entry["reason"])
    contacts, metadata = _whole(entry["contacts_count"]), _metadata(entry)
    match entry["action"]:
        case "create":
            return Create(
                _segment(entry["after"]),
                _required_span(entry["source"]),
                reason,
                _span(entry["query_source"]),
                _impact(entry),
                metadata,
                _drift(entry),
            )
        case "delete":
            return Delete(
                _segment(entry["before"]),
                _precondition(entry),
                _span(entry["source"]),
                contacts,
                reason,
                is_v1=bool(entry.get("v1")),
                proof=_proof(entry),
                counted_at=entry.get("contacts_counted_at"),
                metadata=metadata,
            )
        case "upgrade":
            return _upgrade(entry, reason, contacts)
    patch = Patch(
        before=_segment(entry["before"]),
        after=_segment(entry["after"]),
        changed_fields=tuple(entry["changed_fields"]),
        precondition=_precondition(entry),
        span=_required_span(entry["source"]),
        contacts_count=contacts,
        clauses=tuple(_clauses(entry["clauses"])),
        reason=reason,
        query_span=_span(entry["query_source"]),
        impact=_impact(entry),
        proof=_proof(entry),
        # Before format 1.5, it is null for a patch.
        is_protected=bool(entry["protected"]),
        counted_at=entry.get("contacts_counted_at"),
        metadata=metadata,
        drift=_drift(entry),
    )
    if entry["action"] == "patch":
        return patch
    return Replace.of(
        patch,
        reason,
        is_allowed=entry["allow_replace"],
        successor=_successor(entry.get("twin")),
    )


def _drift(entry: Any) -> Drift | None:
    """Return what someone did that a change undoes; before format 1.6, nothing is known."""
    drift = entry.get("outside_git")
    if drift is None:
        return None
    return Drift(
        DriftKind(drift["kind"]),
        entry["name"],
        entry["id"],
        drift["now"] or "",
        tuple(drift["changed_fields"]),
        tuple(_clauses(drift["clauses"])),
        drift["updated_at"],
        _span(entry["source"]),
    )


def _metadata(entry: Any) -> Metadata:
    """Return what the file says of a segment to people; before format 1.6, nothing is known."""
    return Metadata(
        entry.get("description", ""), entry.get("owner", ""), tuple(entry.get("tags", ()))
    )


def _successor(entry: Any) -> Successor | None:
    """Return the successor of a replace or an upgrade; a replace of format 1.2 has none."""
    return None if entry is None else Successor(entry["id"], _segment(entry["definition"]))


def _proof(entry: Any) -> Proof | None:
    """Return the proof of a change; before format 1.4, none has one."""
    proof = entry.get("proof")
    if proof is None:
        return None
    return Proof(*(_evidence(proof[key]) for key in ("declared", "removed", "named")))


def _evidence(entry: Any) -> Evidence | None:
    if entry is None:
        return None
    commit = CommitRef(entry["commit"], entry["committed_at"], entry["author"])
    return Evidence(source_of(entry["file"], entry.get("instance", "")), commit)


def _upgrade(entry: Any, reason: Reason, contacts: int | None) -> Upgrade:
    upgrade = entry["upgrade"]
    return Upgrade(
        before=_segment(entry["before"]),
        after=_segment(entry["after"]),
        precondition=_precondition(entry),
        span=_required_span(entry["source"]),
        successor_name=upgrade["twin_name"],
        successor=_successor(upgrade["twin"]),
        contacts_count=contacts,
        # Other segments that they target do not matter: the account is read again before an apply.
        waits_for=tuple(
            SingleSend(send["id"], send["name"], send["status"], (entry["id"],))
            for send in upgrade["waits_for"]
        ),
        reason=reason,
        query_span=_span(entry["query_source"]),
        is_protected=entry["protected"],
        counted_at=entry.get("contacts_counted_at"),
        metadata=_metadata(entry),
        # New in format 1.6.
        waits_for_automations=_automations(upgrade.get("waits_for_automations")) or (),
    )


def _segment(entry: Any) -> Segment:
    return Segment(entry["name"], entry["query_dsl"], tuple(entry["parent_list_ids"]))


def _impact(entry: Any) -> Impact | None:
    """Return the impact of a change; a plan of format 1.1 has none."""
    impact = entry.get("impact")
    if impact is None:
        return None
    counts = {key: int(impact[key]) for key in ("before", "after", "gained", "lost", "base")}
    return Impact(**counts, as_of=impact["as_of"])


def _precondition(entry: Any) -> Precondition:
    precondition = entry["precondition"]
    return Precondition(entry["id"], precondition["updated_at"], precondition["definition_sha256"])


def _clauses(entries: Iterable[Any]) -> Iterator[ClauseChange]:
    from segctl.model.clauses import ChangeKind, ClauseChange, ClauseKind  # noqa: PLC0415 - rare

    for entry in entries:
        yield ClauseChange(
            ChangeKind(entry["kind"]),
            ClauseKind(entry["clause"]),
            entry["before"],
            entry["after"],
            path=tuple(entry["path"]),
            added_items=tuple(entry["added_items"]),
            removed_items=tuple(entry["removed_items"]),
            # New in format 1.6.
            window_before=entry.get("window_before", ""),
            window_after=entry.get("window_after", ""),
        )


def diagnostics_from(entries: Iterable[Any]) -> Iterator[Diagnostic]:
    """Yield the diagnostics in JSON data."""
    for entry in entries:
        yield Diagnostic(
            entry["code"],
            Severity(entry["severity"]),
            entry["summary"],
            _span(entry["source"]),
            entry["hint"],
            entry["excerpt"],
        )


def _span(source: Any) -> Span | None:
    return None if source is None else _required_span(source)


def _required_span(source: Any) -> Span:
    numbers = (_whole(source[key]) for key in ("line", "column", "end_line", "end_column"))
    # New in format 1.7.
    instance = source.get("instance", "")
    place = Span(source["file"], *numbers)  # type: ignore[arg-type] # the first two are never null
    return dataclasses.replace(place, instance=instance) if instance else place


def _whole(number: Any) -> int | None:
    """Return a whole number; JSON Schema accepts 1.0 as one, too."""
    return None if number is None else int(number)
