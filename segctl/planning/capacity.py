"""Whether an account has room for a plan: how many segments it holds while one is performed.

Owns the arithmetic of the cap (sendgrid-api.md §1): what a plan adds at its fullest, in which order
it fits, how many segments may stand beside those whose place they take. Pure.
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
    """Say whether a change makes a segment before it deletes another one."""
    return isinstance(change, Replace | Upgrade) and change.successor is None


def with_headroom(plan: Plan, most: int, account_size: int) -> Plan:
    """Give the plan in an order for which there is room, and how much of it there is."""
    if account_size + _peak(plan.changes) > most:
        # Renames still come first: a delete frees no name that they need.
        renames = [change for change in plan.changes if isinstance(change, Patch)]
        deletes = [change for change in plan.changes if isinstance(change, Delete)]
        rest = [change for change in plan.changes if not isinstance(change, Patch | Delete)]
        changes = (*renames, *deletes, *rest)
        if account_size + _peak(changes) <= most:
            plan = dataclasses.replace(plan, changes=changes)
    before = takewhile(lambda one: not isinstance(one, Replace | Upgrade), plan.changes)
    headroom = most - account_size - net_growth(before)
    return dataclasses.replace(plan, headroom=max(0, headroom))


def net_growth(changes: Iterable[Change]) -> int:
    """Say by how many segments the account grows in the end."""
    kinds = [type(change) for change in changes]
    return kinds.count(Create) - kinds.count(Delete)


def capacity_refusals(plan: Plan, most: int, account_size: int) -> Iterator[Diagnostic]:
    """Refuse what does not fit."""
    peak = account_size + _peak(plan.changes)
    if peak > most and _peak(plan.changes):
        beside = any(isinstance(change, Upgrade) for change in plan.changes)
        why = " for a while, a v1 one and its upgraded form side by side" if beside else ""
        yield Diagnostic(
            "over-the-cap",
            Severity.ERROR,
            f"the account would hold {peak:,} segments{why}; the most is {most:,}",
            hint=f"it holds {account_size:,} now, v1 ones included: "
            + ("finish the upgrades that wait, " if _some_wait(plan) else "")
            + "delete some in SendGrid, or raise `limits.max_segments` in segctl.yaml if your "
            "account allows more",
        )


def _some_wait(plan: Plan) -> bool:
    """Say whether some upgrade stands there twice and waits for people."""
    return any(isinstance(one, Upgrade) and one.successor and one.waits_for for one in plan.changes)


def _peak(changes: Iterable[Change]) -> int:
    """Say by how many segments the account grows at its fullest, while a plan is performed."""
    changes = tuple(changes)
    # Upgrades that would stop before their end do not forbid those that would not.
    others = any(isinstance(one, Upgrade) and not _would_stop(one) for one in changes)
    size = peak = 0
    for change in changes:
        is_optional = others and _would_stop(change)
        if isinstance(change, Create) or (needs_headroom(change) and not is_optional):
            peak = max(peak, size + 1)
        if isinstance(change, Create):
            size += 1
        elif isinstance(change, Delete) or (
            _has_two(change) and not (isinstance(change, Upgrade) and change.waits_for)
        ):
            size -= 1
    return peak


def _has_two(change: Change) -> bool:
    """Say whether an earlier run left two segments, of which this leaves one."""
    return isinstance(change, Replace | Upgrade) and change.successor is not None


def _would_stop(change: Change) -> bool:
    """Say whether an upgrade is not begun, and would have to stop before its end."""
    return isinstance(change, Upgrade) and bool(change.waits_for) and change.successor is None
