"""What changed on the account that no commit did, as far as that can be known without a state file.

Owns the reading of a plan as drift: it takes the files as they stand for what was applied last, so
it is true on a branch whose every commit is applied. What only a commit explains (a rename or a
removal that the files or the history ask for) is counted as pending, and is no drift. A declared
segment that is missing was deleted on the account, or never applied: these two look the same. Pure.
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
    """What somebody did."""

    EDITED = "edited"
    RENAMED = "renamed"
    DELETED = "deleted"
    CREATED = "created"


@dataclass(frozen=True, slots=True)
class Drift:
    """One segment that is not as the files say.

    `name` is the declared one, or that on the account where no file declares it; `now` the name
    that a renamed one has there. `updated_at` is when the account last changed it.
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
    """All drift, and how many changes of a plan are merely not applied yet."""

    drifts: tuple[Drift, ...] = ()
    pending: int = 0


def find_drift(plan: Plan, snapshot: Snapshot) -> DriftReport:
    """Read a plan as drift.

    The snapshot carries the definition of every undeclared V2 segment if the plan creates any:
    one that selects what a missing declaration does was renamed.
    """
    by_id = {remote.id: remote for remote in snapshot.remotes}
    loose = [
        by_id[one.id]
        for one in plan.ignored
        if not (one.is_v1 or is_marked(by_id[one.id]) or looks_like_successor(by_id[one.id]))
    ]
    found: list[Drift] = []
    pending = 0
    for change in plan.changes:
        match change:
            case Create():
                found.append(_missing(change, loose))
            case Patch() | Replace():
                if change.reason in (Reason.DEFINITION_DIFFERS, Reason.PARENT_LIST_DIFFERS):
                    fields = definition_diff(change.before, change.after, by_meaning=True)
                    found.append(
                        Drift(
                            DriftKind.EDITED,
                            change.name,
                            change.id,
                            changed_fields=tuple(fields),
                            clauses=change.clauses,
                            updated_at=change.precondition.updated_at,
                            span=change.span,
                        )
                    )
                else:
                    pending += 1
            case Delete(reason=Reason.NOT_DECLARED):
                found.append(_created(by_id[change.id]))
            case Delete() | Upgrade():
                pending += 1
            case _:
                assert_never(change)
    found += map(_created, loose)
    return DriftReport(tuple(sorted(found, key=lambda one: (one.name, one.id or ""))), pending)


def _missing(change: Create, loose: list[Remote]) -> Drift:
    """Say what became of a declared segment; one that it was renamed to is taken out of `loose`."""
    # One without a query selects nothing that could be compared.
    known = [one for one in loose if one.query is not None]
    same = [one for one in known if same_audience(one.definition, change.after)]
    if len(same) != 1:
        return Drift(DriftKind.DELETED, change.name, span=change.span)
    (remote,) = same
    loose.remove(remote)
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
