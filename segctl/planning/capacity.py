"""Whether an account has room for a plan, whose changes may exceed the cap before they end.

The arithmetic of the cap on segments (sendgrid-api.md §1): the peak of a plan, the order in which
it fits, and how many segments may exist beside the ones that they replace. Pure.
"""

from __future__ import annotations

import dataclasses
from itertools import takewhile
from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity
from segctl.model import Create, Delete, Patch, Replace, Upgrade

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from segctl.model import Change, Plan


def needs_headroom(change: Change) -> bool:
    """Return whether a change creates a segment before it deletes another one."""
    return isinstance(change, Replace | Upgrade) and change.successor is None


def with_headroom(plan: Plan, max_segments: int, account_size: int) -> Plan:
    """Return the plan with its headroom, in an order that fits under the cap if there is one."""
    if account_size + _peak(plan.changes) > max_segments:
        # Renames stay first, after the deletes that free a name for them.
        freeing = tuple(takewhile(lambda change: isinstance(change, Delete), plan.changes))
        others = plan.changes[len(freeing) :]
        renames = [change for change in others if isinstance(change, Patch)]
        deletes = [change for change in others if isinstance(change, Delete)]
        rest = [change for change in others if not isinstance(change, Patch | Delete)]
        changes = (*freeing, *renames, *deletes, *rest)
        if account_size + _peak(changes) <= max_segments:
            plan = dataclasses.replace(plan, changes=changes)
    before = takewhile(lambda change: not isinstance(change, Replace | Upgrade), plan.changes)
    headroom = max_segments - account_size - net_growth(before)
    return dataclasses.replace(plan, headroom=max(0, headroom))


def net_growth(changes: Iterable[Change]) -> int:
    """Return by how many segments the account grows once all changes are applied."""
    kinds = [type(change) for change in changes]
    return kinds.count(Create) - kinds.count(Delete)


def capacity_refusals(plan: Plan, max_segments: int, account_size: int) -> Iterator[Diagnostic]:
    """Refuse a plan that exceeds the cap at its peak."""
    growth = _peak(plan.changes)
    peak = account_size + growth
    if peak > max_segments and growth:
        has_upgrade = any(isinstance(change, Upgrade) for change in plan.changes)
        meanwhile = " while a v1 segment and its upgraded form both exist" if has_upgrade else ""
        yield Diagnostic(
            "over-the-cap",
            Severity.ERROR,
            f"the account would hold {peak:,} segments{meanwhile}, more than the limit of "
            f"{max_segments:,}",
            hint=f"it holds {account_size:,} now, v1 segments included: "
            + ("finish the waiting upgrades, " if _has_waiting_upgrade(plan) else "")
            + "delete some in SendGrid, or raise `limits.max_segments` in segctl.yaml if your "
            "account allows more",
        )


def _has_waiting_upgrade(plan: Plan) -> bool:
    """Return whether an upgrade has both its segments and waits for Single Sends."""
    return any(
        isinstance(change, Upgrade) and change.successor and change.is_waiting
        for change in plan.changes
    )


def _peak(changes: Iterable[Change]) -> int:
    """Return by how many segments the account grows at most while the changes are applied."""
    changes = tuple(changes)
    # An upgrade that would have to wait must not forbid one that can finish.
    can_finish = any(isinstance(change, Upgrade) and not _would_wait(change) for change in changes)
    size = peak = 0
    for change in changes:
        is_optional = can_finish and _would_wait(change)
        if isinstance(change, Create) or (needs_headroom(change) and not is_optional):
            peak = max(peak, size + 1)
        if isinstance(change, Create):
            size += 1
        elif isinstance(change, Delete) or (
            _has_successor(change) and not (isinstance(change, Upgrade) and change.is_waiting)
        ):
            size -= 1
    return peak


def _has_successor(change: Change) -> bool:
    """Return whether an earlier run left two segments, one of which this change deletes."""
    return isinstance(change, Replace | Upgrade) and change.successor is not None


def _would_wait(change: Change) -> bool:
    """Return whether an upgrade is not begun and would have to wait for Single Sends."""
    return isinstance(change, Upgrade) and change.is_waiting and change.successor is None
