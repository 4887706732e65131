"""Drift: what changed on the account that no commit did. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.app.console import SILENT
from segctl.app.plan import compare_with_account, names_of, read_request
from segctl.errors import InvalidInput
from segctl.model import Create
from segctl.model.drift import DriftKind
from segctl.planning.drift import DriftReport, find_drift, undoes_drift
from segctl.planning.ownership import RemovalHistory

if TYPE_CHECKING:
    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.errors import Diagnostic
    from segctl.model import Plan


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
    plan, snapshot = compare_with_account(
        project, connection, request, console, needs_all=_creates_a_segment
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
    return DriftResult(DriftReport(relevant, report.pending), plan.diagnostics)


def _creates_a_segment(plan: Plan) -> bool:
    """Return whether a declared segment is missing: its query may show that it was renamed."""
    return any(isinstance(change, Create) for change in plan.changes)
