"""Drift: changes on the account that no commit explains, as far as a plan shows them.

There is no state file, so the current files stand for what was applied last; that is true on a
branch whose every commit is applied. A rename or removal that the files or the history ask for is
pending, not drift. A declared segment that is missing was either deleted on the account or never
applied: the two look the same. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from segctl.model import Create, Delete, Patch, Reason, Replace, Upgrade
from segctl.planning.definition_diff import definition_diff
from segctl.planning.equality import same_audience
from segctl.planning.temporary_names import is_marked, looks_like_successor

if TYPE_CHECKING:
    from segctl.errors import Span
    from segctl.model import Plan, Remote, Snapshot
    from segctl.model.clauses import ClauseChange


class DriftKind(StrEnum):
    """What someone did to a segment in SendGrid."""

    EDITED = "edited"
    RENAMED = "renamed"
    DELETED = "deleted"
    CREATED = "created"


@dataclass(frozen=True, slots=True)
class Drift:
    """A segment that differs from the files.

    `name` is the declared name, or the one on the account where no file declares the segment;
    `now` is the new name of a renamed one. `updated_at` is the time of its last change on the
    account.
    """

    kind: DriftKind
    name: str
    id: str | None = None
    now: str = ""
    changed_fields: tuple[str, ...] = ()
    clauses: tuple[ClauseChange, ...] = ()
    updated_at: str | None = None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class DriftReport:
    """All drift, and the number of changes in the plan that are only not applied yet."""

    drifts: tuple[Drift, ...] = ()
    pending: int = 0


def find_drift(plan: Plan, snapshot: Snapshot) -> DriftReport:
    """Return the drift that a plan shows.

    If the plan creates any segment, the snapshot must have the definition of every undeclared V2
    segment: one with the audience of a missing declaration was renamed.
    """
    by_id = {remote.id: remote for remote in snapshot.remotes}
    unclaimed = [
        remote
        for remote in (by_id[ignored.id] for ignored in plan.ignored)
        if not (remote.is_v1 or is_marked(remote) or looks_like_successor(remote))
    ]
    drifts: list[Drift] = []
    pending = 0
    for change in plan.changes:
        match change:
            case Create():
                drifts.append(_renamed_or_deleted(change, unclaimed))
            case Patch() | Replace():
                if change.reason in (Reason.DEFINITION_DIFFERS, Reason.PARENT_LIST_DIFFERS):
                    drifts.append(_edited(change))
                else:
                    pending += 1
            case Delete(reason=Reason.NOT_DECLARED):
                drifts.append(_created(by_id[change.id]))
            case Delete() | Upgrade():
                pending += 1
            case _:
                assert_never(change)
    drifts += map(_created, unclaimed)
    in_order = sorted(drifts, key=lambda drift: (drift.name, drift.id or ""))
    return DriftReport(tuple(in_order), pending)


def _edited(change: Patch | Replace) -> Drift:
    return Drift(
        DriftKind.EDITED,
        change.name,
        change.id,
        changed_fields=tuple(definition_diff(change.before, change.after, by_meaning=True)),
        clauses=change.clauses,
        updated_at=change.precondition.updated_at,
        span=change.span,
    )


def _renamed_or_deleted(change: Create, unclaimed: list[Remote]) -> Drift:
    """Return the drift of a declared segment that is missing.

    Removes from `unclaimed` the segment that it was renamed to.
    """
    # A segment without a query cannot be compared.
    comparable = [remote for remote in unclaimed if remote.query is not None]
    matches = [remote for remote in comparable if same_audience(remote.definition, change.after)]
    if len(matches) != 1:
        return Drift(DriftKind.DELETED, change.name, span=change.span)
    (remote,) = matches
    unclaimed.remove(remote)
    return Drift(
        DriftKind.RENAMED,
        change.name,
        remote.id,
        now=remote.name,
        changed_fields=("name",),
        updated_at=remote.updated_at,
        span=change.span,
    )


def _created(remote: Remote) -> Drift:
    return Drift(DriftKind.CREATED, remote.name, remote.id, updated_at=remote.updated_at)
