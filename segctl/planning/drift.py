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
from segctl.planning.hand_renames import find_hand_renames, renamable
from segctl.planning.proofs import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.errors import Span
    from segctl.model import Declared, Plan, Remote, Snapshot
    from segctl.model.clauses import ClauseChange
    from segctl.planning.ownership import RemovalHistory


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


def find_drift(
    plan: Plan, snapshot: Snapshot, declared: Iterable[Declared], history: RemovalHistory
) -> DriftReport:
    """Return the drift that a plan shows.

    If the plan creates any segment, the snapshot must have the definition of every undeclared V2
    segment. One that may be a missing declaration under another name was renamed, even where git
    does not prove it and the plan leaves it alone.
    """
    by_id = {remote.id: remote for remote in snapshot.remotes}
    unclaimed = renamable((by_id[ignored.id] for ignored in plan.ignored), ())
    created = {change.name for change in plan.changes if isinstance(change, Create)}
    missing = [item for item in declared if item.name in created]
    renames = find_hand_renames(missing, unclaimed, history, by_file=True)
    renamed = {
        rename.declared.name: rename.candidates[0] for rename in renames if rename.is_only_pair
    }
    drifts: list[Drift] = []
    pending = 0
    for change in plan.changes:
        match change:
            case Create():
                drifts.append(_renamed_or_deleted(change, renamed.get(change.name)))
            case Patch(reason=Reason.RENAMED_BY_HAND) | Replace(reason=Reason.RENAMED_BY_HAND):
                drifts.append(_renamed(change, by_id[change.id]))
            case Patch() | Replace():
                if change.reason in BY_NAME:
                    drifts.append(_edited(change))
                else:
                    pending += 1
            case Delete(reason=Reason.NOT_DECLARED):
                drifts.append(_created(by_id[change.id]))
            case Delete() | Upgrade():
                pending += 1
            case _:
                assert_never(change)
    reported = {drift.id for drift in drifts}
    drifts += [_created(remote) for remote in unclaimed if remote.id not in reported]
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


def _renamed_or_deleted(change: Create, remote: Remote | None) -> Drift:
    """Return the drift of a declared segment that is missing, or is `remote` under another name."""
    if remote is not None:
        return _renamed(change, remote)
    return Drift(DriftKind.DELETED, change.name, span=change.span)


def _renamed(change: Create | Patch | Replace, remote: Remote) -> Drift:
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
