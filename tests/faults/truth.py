"""Check of a report: what it calls done is done, and what it calls not done is not.

`unknown` may be either. The two states that it compares must hold no writes of others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.model import Create, Delete, Patch, Replace
from segctl.model.report import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.emulator import Record
    from segctl.model import Change, Segment
    from segctl.model.report import Report


def untrue(report: Report, before: Mapping[str, Record], now: Mapping[str, Record]) -> str:
    """Return what is untrue in a report; an empty text if it is true."""
    for outcome in report.outcomes:
        mismatch = _untrue(outcome, before, now)
        if mismatch:
            return f"{_reported(outcome)}, but {mismatch}"
    for segment_id in {_old(outcome.change) for outcome in report.outcomes} - {""}:
        outcomes = [outcome for outcome in report.outcomes if _old(outcome.change) == segment_id]
        mismatch = _steps(outcomes, before[segment_id], now.get(segment_id))
        if mismatch:
            return f"{'; '.join(_reported(outcome) for outcome in outcomes)}, but {mismatch}"
    return ""


def _reported(outcome: Outcome) -> str:
    kind = type(outcome.change).__name__.lower()
    return f"{kind} {outcome.change.name} was reported {outcome.status} ({outcome.message})"


def _old(change: Change) -> str:
    return "" if isinstance(change, Create) else change.precondition.id


def _untrue(outcome: Outcome, before: Mapping[str, Record], now: Mapping[str, Record]) -> str:
    """Return what is untrue about a segment that a change creates or deletes."""
    change, status = outcome.change, outcome.status
    if status is Status.UNKNOWN or isinstance(change, Patch):
        return ""
    is_done = status is Status.DONE
    if isinstance(change, Delete):
        is_here = change.precondition.id in now
        return "" if is_here != is_done else "it is there" if is_here else "it is gone"
    successor = (
        change.successor.id
        if isinstance(change, Replace) and change.successor is not None
        else None
    )
    created = [
        segment.id
        for segment in now.values()
        if (segment.id not in before or segment.id == successor) and _is_as(segment, change.after)
    ]
    if is_done:
        return "" if [outcome.id] == created else f"the account has {created} as new"
    if isinstance(change, Create):
        return f"{created} was created" if created else ""
    old_is_here = change.precondition.id in now
    if status in (Status.FAILED, Status.WAITING) or successor is not None:
        return "" if old_is_here else "the old one is gone"
    return "" if old_is_here and not created else f"{created} was created, or the old one is gone"


def _steps(outcomes: list[Outcome], was: Record, now: Record | None) -> str:
    """Return what is untrue about a segment that changed in one step or several."""
    if any(outcome.status is Status.UNKNOWN for outcome in outcomes):
        return ""
    name, query = was.name, was.query
    for outcome in outcomes:
        if isinstance(outcome.change, Delete):
            return ""
        if isinstance(outcome.change, Replace):
            # A replacement renames or deletes it in several steps of its own.
            if outcome.status in (Status.DONE, Status.FAILED, Status.WAITING):
                return ""
        elif isinstance(outcome.change, Patch) and outcome.status is Status.DONE:
            if "name" in outcome.change.changed_fields:
                name = outcome.change.after.name
            if "query_dsl" in outcome.change.changed_fields:
                query = outcome.change.after.query
    if now is None:
        return "it is gone"
    return "" if (now.name, now.query) == (name, query) else f"it is {now.name}: {now.query}"


def _is_as(record: Record, definition: Segment) -> bool:
    return (record.name, record.query, set(record.parent_list_ids or ())) == (
        definition.name,
        definition.query,
        set(definition.parent_list_ids),
    )
