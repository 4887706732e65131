"""`segctl plan`: what would apply change? Reads the account, and can do nothing else to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from segctl.app.plan import prepare, work_out
from segctl.cli.exit_codes import exit_code
from segctl.cli.options import format_option, plan_options, with_session
from segctl.cli.output import faults_in, plan_in
from segctl.common.clock import format_utc
from segctl.common.files import write_whole
from segctl.common.json_text import json_text
from segctl.errors import UsageError
from segctl.model.plan_options import PlanOptions
from segctl.planfile.to_json import plan_to_json
from segctl.render.terminal import count

if TYPE_CHECKING:
    from segctl.app.session import Session


@click.command("plan")
@format_option("the plan")
@click.option("--out", metavar="FILE", help="Write the plan as JSON to this file, too.")
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit with 2 when there are changes, with 0 only when there are none.",
)
@plan_options
@with_session
def command(
    session: Session,
    *,
    output: str,
    out: str | None,
    detailed_exitcode: bool,
    **options: Any,
) -> int:
    """Show what apply would change, and change nothing.

    Compares the segment files with the account: one request for the list, one for each declared
    segment that was edited there since the last run; where a change speaks of a contact list, one
    for their names. Where segctl.yaml names contacts, it says who is reached before and after. Exit
    code 3 when a safety rule would refuse the plan.

    \b
    Examples:
      segctl plan
      segctl plan --only 'segments/lifecycle/*' -v
      segctl plan --format json | jq .summary
      segctl plan --out plan.json --detailed-exitcode
      segctl plan --format html > plan.html
    """
    with faults_in(output, session, "plan"):
        if out is not None and not Path(out).parent.is_dir():
            raise UsageError(f"cannot write {out}: folder {Path(out).parent} not found")
        question = prepare(session, PlanOptions(**options))
        with session.connect(read_only=True) as account:
            plan = work_out(session, account, question)
            requests = account.requests()
    now = format_utc(session.clock.now())
    if out is not None:
        write_whole(out, json_text(plan_to_json(plan, now)))
    session.show(plan_in(output, plan, session, generated_at=now, requests=requests))
    if out is not None:
        from segctl.cli.approval import saved_as  # noqa: PLC0415 - only with --out

        session.talk(saved_as(session, out, plan))
    if session.verbosity > 0:
        session.talk(f"{count(requests, 'request')} sent.")
    return exit_code(plan, detailed=detailed_exitcode)
