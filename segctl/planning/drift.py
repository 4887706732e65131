"""Drift: changes on the account that no commit explains, as far as a plan shows them.

There is no state file, so the current files stand for what was applied last; that is true on a
branch whose every commit is applied. A rename or removal that the files or the history ask for is
pending, not drift. A declared segment that is missing was either deleted on the account or never
applied: the two look the same. Pure.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from segctl.errors import Diagnostic, Severity
from segctl.model import Create, Delete, Patch, Reason, Replace, Upgrade
from segctl.model.drift import Drift, DriftKind
from segctl.planning.equality import changed_fields, same_audience
from segctl.planning.hand_renames import find_hand_renames, renamable
from segctl.planning.ownership import find_version, is_edited_since_declared
from segctl.planning.proofs import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.model import Change, Declared, Plan, Remote, Segment, Snapshot
    from segctl.planning.ownership import RemovalHistory


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
                    drifts.append(_edited(change, history))
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


def undoes_drift(change: Change) -> bool:
    """Return whether a change may undo something that someone did in SendGrid."""
    if isinstance(change, Patch | Replace):
        return change.reason in (*BY_NAME, Reason.RENAMED_BY_HAND)
    return isinstance(change, Create)


def with_drift(
    plan: Plan, snapshot: Snapshot, declared: Iterable[Declared], history: RemovalHistory
) -> Plan:
    """Return the plan with the drift that its changes undo, as far as git history shows it.

    On a branch that changes files, the files are not what was applied last. So an edit is one only
    where no commit declared the segment as it is, and a segment is missing only where the commit
    before declared it, too, and the account has any other segment of the files.
    """
    if history.unavailable:
        return plan
    created = {change.name for change in plan.changes if isinstance(change, Create)}
    # What no commit declares is new: nobody renamed or deleted it.
    known = [item for item in declared if item.name in created and history.versions_of(item.name)]
    drifts = {drift.name: drift for drift in find_drift(plan, snapshot, known, history).drifts}
    created_at = {remote.id: remote.created_at for remote in snapshot.remotes}
    is_applied = bool(plan.kept) or any(isinstance(item, Patch | Replace) for item in plan.changes)

    def is_shown(change: Patch | Replace | Create, drift: Drift) -> bool:
        versions = history.versions_of(change.name)
        if isinstance(change, Create):
            if drift.kind is DriftKind.RENAMED:
                return bool(versions)
            return is_applied and history.declared_before(change.name) is not None
        return change.reason is Reason.RENAMED_BY_HAND or is_edited_since_declared(
            versions, change.before, created_at.get(change.id)
        )

    def marked(change: Change) -> Change:
        drift = drifts.get(change.name)
        if (
            drift is None
            or not isinstance(change, Create | Patch | Replace)
            or not undoes_drift(change)
            or not is_shown(change, drift)
        ):
            return change
        return dataclasses.replace(change, drift=drift)

    changes = tuple(map(marked, plan.changes))
    remarks = (
        _recreated(change)
        for change in changes
        if isinstance(change, Create) and change.drift and change.drift.kind is DriftKind.DELETED
    )
    return dataclasses.replace(plan, changes=changes, diagnostics=(*plan.diagnostics, *remarks))


def _recreated(change: Create) -> Diagnostic:
    return Diagnostic(
        "deleted-outside-git",
        Severity.INFO,
        f"`{change.name}` is not new to the files, but missing on the account: deleted outside "
        "git, or never applied",
        change.span,
        hint="to leave it deleted, remove its file",
    )


def _edited(change: Patch | Replace, history: RemovalHistory) -> Drift:
    declared = _declared_when_edited(change, history)
    clauses = change.clauses
    if declared is not change.after:
        from segctl.query.diff import clause_changes  # noqa: PLC0415 - query.ast: 30 ms

        clauses = clause_changes(change.before.query, declared.query)
    return Drift(
        DriftKind.EDITED,
        change.name,
        change.id,
        changed_fields=changed_fields(change.before, declared),
        clauses=clauses,
        updated_at=change.precondition.updated_at,
        span=change.span,
    )


def _declared_when_edited(change: Patch | Replace, history: RemovalHistory) -> Segment:
    """Return what was applied when someone edited a segment, as far as git shows it.

    That is what the commit before the last one declares, since the last one may be what the plan
    is about to apply; what the file declares where a commit declared the segment as it is.
    """
    versions = () if history.unavailable else history.versions_of(change.name)
    before = history.declared_before(change.name) if versions else None
    if before is None or find_version(versions, change.before) is not None:
        return change.after
    segment = dataclasses.replace(before.segment, name=change.before.name)
    return change.after if same_audience(segment, change.after) else segment


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
