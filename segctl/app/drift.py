"""Drift: what changed on the account that no commit did. Reads only."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.account.contact_lists import ContactLists
from segctl.app.console import SILENT
from segctl.app.plan import compare_with_account, names_of, read_request
from segctl.errors import InvalidInput
from segctl.model import Create, Patch, Replace
from segctl.model.drift import DriftKind
from segctl.planning.drift import DriftReport, find_drift, undoes_drift
from segctl.planning.list_references import list_ids_in
from segctl.planning.ownership import RemovalHistory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.errors import Diagnostic
    from segctl.model import Plan
    from segctl.model.drift import Drift


@dataclass(frozen=True, slots=True)
class DriftResult:
    """The drift of an account, and the diagnostics of the comparison."""

    report: DriftReport
    diagnostics: tuple[Diagnostic, ...] = ()


def detect_drift(
    project: Project,
    connection: Connection,
    console: Console = SILENT,
    *,
    managed_only: bool = False,
) -> DriftResult:
    """Compare the account with the files, taken for what was applied last.

    With `managed_only`, segments that no file ever declared are left out. Raises `InvalidInput`,
    `UsageError` and `RemoteError`.
    """
    request = read_request(project)
    lists = ContactLists(connection.reader)
    plan, snapshot = compare_with_account(
        project, connection, request, console, lists=lists, needs_all=_creates_a_segment
    )
    if plan.errors:
        raise InvalidInput(plan.diagnostics)
    forgotten = {tombstone.name for tombstone in request.declarations.tombstones}
    history = RemovalHistory()
    if any(map(undoes_drift, plan.changes)):
        history = request.load_history(names_of(snapshot.remotes))
    report = find_drift(plan, snapshot, request.declarations.declared, history)
    relevant = tuple(
        drift
        for drift in report.drifts
        if drift.kind is not DriftKind.CREATED or not (managed_only or drift.name in forgotten)
    )
    named = _with_lists(relevant, plan, lists)
    return DriftResult(DriftReport(named, report.pending), plan.diagnostics)


def _with_lists(drifts: Sequence[Drift], plan: Plan, lists: ContactLists) -> tuple[Drift, ...]:
    """Return the drift with its lists and their names; the account is asked if there are any."""
    changes = {change.id: change for change in plan.changes if isinstance(change, Patch | Replace)}
    edits = {
        drift.id: changes[drift.id]
        for drift in drifts
        if drift.kind is DriftKind.EDITED and drift.id in changes
    }
    used = {key: set(map(str.lower, list_ids_in([change]))) for key, change in edits.items()}
    names = lists.names(list_id for ids in used.values() for list_id in ids)

    def with_lists(drift: Drift) -> Drift:
        change = edits.get(drift.id or "")
        if change is None:
            return drift
        parents = change.before.parent_list_ids, change.after.parent_list_ids
        return dataclasses.replace(
            drift,
            parents=None if set(parents[0]) == set(parents[1]) else parents,
            lists={key: names[key] for key in sorted(used[change.id]) if key in names},
        )

    return tuple(map(with_lists, drifts))


def _creates_a_segment(plan: Plan) -> bool:
    """Return whether a declared segment is missing: its query may show that it was renamed."""
    return any(isinstance(change, Create) for change in plan.changes)
