"""Whether a report is true: what it calls done is done, and what it calls not done is not.

`unknown` may be either. Nobody else may have written between the two states that are compared.
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
    """Say what in a report is not so."""
    for outcome in report.outcomes:
        found = _untrue(outcome, before, now)
        if found:
            return f"{_said(outcome)}, but {found}"
    for segment_id in {_old(one.change) for one in report.outcomes} - {""}:
        several = [one for one in report.outcomes if _old(one.change) == segment_id]
        found = _steps(several, before[segment_id], now.get(segment_id))
        if found:
            return f"{'; '.join(_said(one) for one in several)}, but {found}"
    return ""


def _said(outcome: Outcome) -> str:
    kind = type(outcome.change).__name__.lower()
    return f"{kind} {outcome.change.name} was reported {outcome.status} ({outcome.message})"


def _old(change: Change) -> str:
    return "" if isinstance(change, Create) else change.precondition.id


def _untrue(outcome: Outcome, before: Mapping[str, Record], now: Mapping[str, Record]) -> str:
    """Look at what a change makes or ends."""
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
    made = [
        one.id
        for one in now.values()
        if (one.id not in before or one.id == successor) and _is_as(one, change.after)
    ]
    if is_done:
        return "" if [outcome.id] == made else f"what was made is {made}"
    if isinstance(change, Create):
        return f"{made} was made" if made else ""
    old_is_here = change.precondition.id in now
    if status in (Status.FAILED, Status.WAITING) or successor is not None:
        return "" if old_is_here else "the old one is gone"
    return "" if old_is_here and not made else f"{made} was made, or the old one is gone"


def _steps(outcomes: list[Outcome], was: Record, now: Record | None) -> str:
    """Look at a segment that changed in one step or several."""
    if any(one.status is Status.UNKNOWN for one in outcomes):
        return ""
    name, query = was.name, was.query
    for one in outcomes:
        if isinstance(one.change, Delete):
            return ""
        if isinstance(one.change, Replace):
            # What happened to it in the meantime is the replacement's own business.
            if one.status in (Status.DONE, Status.FAILED, Status.WAITING):
                return ""
        elif isinstance(one.change, Patch) and one.status is Status.DONE:
            if "name" in one.change.changed_fields:
                name = one.change.after.name
            if "query_dsl" in one.change.changed_fields:
                query = one.change.after.query
    if now is None:
        return "it is gone"
    return "" if (now.name, now.query) == (name, query) else f"it is {now.name}: {now.query}"


def _is_as(one: Record, wanted: Segment) -> bool:
    return (one.name, one.query, set(one.parent_list_ids or ())) == (
        wanted.name,
        wanted.query,
        set(wanted.parent_list_ids),
    )
