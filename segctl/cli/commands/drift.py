"""`segctl drift`: what changed on the account that no commit did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.app.plan import look, prepare
from segctl.cli.exit_codes import CHANGES_PRESENT
from segctl.cli.options import format_option, with_session
from segctl.cli.output import drift_in, faults_in
from segctl.errors import InvalidInput
from segctl.model import Create
from segctl.model.plan_options import PlanOptions
from segctl.planning.drift import DriftKind, DriftReport, find_drift

if TYPE_CHECKING:
    from segctl.app.session import Session
    from segctl.model import Plan


@click.command("drift")
@format_option("it")
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit with 2 when there is drift, with 0 only when there is none.",
)
@click.option("--managed-only", is_flag=True, help="Leave out segments that no file ever declared.")
@with_session
def command(session: Session, *, output: str, detailed_exitcode: bool, managed_only: bool) -> int:
    """Show what changed on the account that no commit did.

    Takes the files for what was applied last: queries that somebody edited, segments renamed,
    deleted or made by hand. Run it where every commit is applied, on a schedule. What commits
    ask for and nobody applied yet is counted apart, where the history can tell. A segment made
    by hand is no drift any more once a file says `removed: forget` of its name.

    \b
    Examples:
      segctl drift
      segctl drift --detailed-exitcode --managed-only
      segctl drift --format json | jq -r '.drift[].name'
    """
    with faults_in(output, session, "drift"):
        question = prepare(session, PlanOptions())
        with session.connect(read_only=True) as account:
            plan, snapshot = look(session, account, question, needs_all=_misses_one)
        if plan.errors:
            raise InvalidInput(plan.diagnostics)
    forgotten = {one.name for one in question.declarations.tombstones}
    drifts = find_drift(plan, snapshot)
    shown = tuple(
        drift
        for drift in drifts.drifts
        if drift.kind is not DriftKind.CREATED or not (managed_only or drift.name in forgotten)
    )
    drifts = DriftReport(shown, drifts.pending)
    if output == "text":
        session.warn(plan.diagnostics)
    session.show(drift_in(output, drifts, account.ref, plan.diagnostics, session))
    return CHANGES_PRESENT if detailed_exitcode and drifts.drifts else 0


def _misses_one(plan: Plan) -> bool:
    """Say whether something declared is missing: by its query it may be told who renamed it."""
    return any(isinstance(change, Create) for change in plan.changes)
