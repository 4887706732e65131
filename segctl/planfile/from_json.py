"""A plan made from JSON data that is known to fit its schema: the way back of `to_json`.

Owns the mapping and nothing else: what is wrong with the data was told before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segctl.errors import Diagnostic, Severity, Span
from segctl.model import (
    Create,
    Delete,
    Ignore,
    Impact,
    Keep,
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
from segctl.model.plan_options import PlanOptions
from segctl.model.single_sends import SingleSend

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from segctl.model import Change
    from segctl.model.clauses import ClauseChange


def plan_from_document(document: Any) -> Plan:
    """Make the plan. The document fits `schemas/plan.schema.json`."""
    asked = document["options"]
    return Plan(
        target=TargetRef(*(document["target"][key] for key in ("name", "host", "subuser"))),
        changes=tuple(map(_change, document["changes"])),
        kept=tuple(
            Keep(one["name"], one["id"], _some_span(one["source"]), one["cosmetic"])
            for one in document["unchanged"]
        ),
        ignored=tuple(
            Ignore(one["name"], one["id"], one["v1"], one["ours"]) for one in document["unmanaged"]
        ),
        diagnostics=tuple(_findings(document["diagnostics"])),
        refusals=tuple(_findings(document["refusals"])),
        options=PlanOptions(
            only=tuple(asked["only"]),
            strict_text=asked["strict_text"],
            detect_renames=asked["detect_renames"],
            ignore_references=tuple(asked["ignore_references"]),
        ),
        folder=document["folder"],
        # Before format 1.3 there is none.
        lists=document.get("lists", {}),
    )


def _change(entry: Any) -> Change:
    reason = Reason(entry["reason"])
    contacts = _whole(entry["contacts_count"])
    match entry["action"]:
        case "create":
            return Create(
                _segment(entry["after"]),
                _some_span(entry["source"]),
                reason,
                _span(entry["query_source"]),
                _impact(entry),
            )
        case "delete":
            return Delete(
                _segment(entry["before"]),
                _precondition(entry),
                _span(entry["source"]),
                contacts,
                reason,
                is_v1=bool(entry.get("v1")),
            )
        case "upgrade":
            return _upgrade(entry, reason, contacts)
    patch = Patch(
        before=_segment(entry["before"]),
        after=_segment(entry["after"]),
        changed_fields=tuple(entry["changed_fields"]),
        precondition=_precondition(entry),
        span=_some_span(entry["source"]),
        contacts_count=contacts,
        clauses=tuple(_clauses(entry["clauses"])),
        reason=reason,
        query_span=_span(entry["query_source"]),
        impact=_impact(entry),
    )
    if entry["action"] == "patch":
        return patch
    return Replace.of(
        patch,
        reason,
        is_allowed=entry["allow_replace"],
        is_protected=entry["protected"],
        successor=_twin(entry.get("twin")),
    )


def _twin(entry: Any) -> Successor | None:
    """Read a twin; a replace in a plan of format 1.2 has none."""
    return None if entry is None else Successor(entry["id"], _segment(entry["definition"]))


def _upgrade(entry: Any, reason: Reason, contacts: int | None) -> Upgrade:
    rest = entry["upgrade"]
    return Upgrade(
        before=_segment(entry["before"]),
        after=_segment(entry["after"]),
        precondition=_precondition(entry),
        span=_some_span(entry["source"]),
        successor_name=rest["twin_name"],
        successor=_twin(rest["twin"]),
        contacts_count=contacts,
        # Nobody looks at whom else they go to: the account is asked again before anything is done.
        waits_for=tuple(
            SingleSend(one["id"], one["name"], one["status"], (entry["id"],))
            for one in rest["waits_for"]
        ),
        reason=reason,
        query_span=_span(entry["query_source"]),
        is_protected=entry["protected"],
    )


def _segment(entry: Any) -> Segment:
    return Segment(entry["name"], entry["query_dsl"], tuple(entry["parent_list_ids"]))


def _impact(entry: Any) -> Impact | None:
    """Read an impact; a plan of format 1.1 has none."""
    told = entry.get("impact")
    if told is None:
        return None
    counts = {key: int(told[key]) for key in ("before", "after", "gained", "lost", "base")}
    return Impact(**counts, as_of=told["as_of"])


def _precondition(entry: Any) -> Precondition:
    seen = entry["precondition"]
    return Precondition(entry["id"], seen["updated_at"], seen["definition_sha256"])


def _clauses(entries: Iterable[Any]) -> Iterator[ClauseChange]:
    from segctl.model.clauses import ChangeKind, ClauseChange, ClauseKind  # noqa: PLC0415 - rare

    for one in entries:
        yield ClauseChange(
            ChangeKind(one["kind"]),
            ClauseKind(one["clause"]),
            one["before"],
            one["after"],
            *(tuple(one[key]) for key in ("path", "added_items", "removed_items")),
        )


def _findings(entries: Iterable[Any]) -> Iterator[Diagnostic]:
    for one in entries:
        yield Diagnostic(
            one["code"],
            Severity(one["severity"]),
            one["summary"],
            _span(one["source"]),
            one["hint"],
            one["excerpt"],
        )


def _span(place: Any) -> Span | None:
    return None if place is None else _some_span(place)


def _some_span(place: Any) -> Span:
    numbers = (_whole(place[key]) for key in ("line", "column", "end_line", "end_column"))
    return Span(place["file"], *numbers)  # type: ignore[arg-type] # the first two are never null


def _whole(number: Any) -> int | None:
    """Read a whole number, for which JSON Schema takes 1.0 as well."""
    return None if number is None else int(number)
