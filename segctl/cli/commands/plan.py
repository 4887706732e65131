"""`segctl plan`: what would apply change? Only reads the account."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from segctl.app.connection import connect
from segctl.app.plan import build_plan, read_request
from segctl.cli.approval import show_plan
from segctl.cli.exit_codes import plan_exit_code
from segctl.cli.options import (
    all_targets_option,
    chosen_group,
    format_option,
    plan_options,
    with_project,
)
from segctl.cli.output import Output
from segctl.common.clock import format_utc
from segctl.errors import UsageError
from segctl.model.plan_options import PlanOptions

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.project import Project


@click.command("plan")
@format_option("the plan")
@click.option("--out", metavar="FILE", help="Also write the plan as JSON to this file.")
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit with 2 if there are changes, with 0 only if there are none.",
)
@all_targets_option
@plan_options
@with_project
def command(
    project: Project,
    console: Console,
    *,
    format_name: str,
    out: str | None,
    detailed_exitcode: bool,
    all_targets: bool,
    **options: Any,
) -> int:
    """Show what apply would change, and change nothing.

    Compares the segment files with the account. Sends one request for the list of segments, one
    for each declared segment that was edited there since the last run, and one for the names of
    contact lists if a change uses any. If segctl.yaml names contacts, the plan shows each audience
    before and after. Exits with 3 if a safety rule refuses the plan.

    With a group of targets, or --all-targets, plans them at the same time: a table of the targets,
    and a part for each that changes. An account that cannot be read leaves the other plans as they
    are; the exit code is then 1.

    \b
    Examples:
      segctl plan
      segctl plan --only 'segments/lifecycle/*' -v
      segctl plan --format json | jq .summary
      segctl plan --out plan.json --detailed-exitcode
      segctl plan --format html > plan.html
      segctl plan --target shops
    """
    output = Output(format_name, project, console)
    with output.showing_errors("plan"):
        group = chosen_group(project, all_targets=all_targets)
        if out is not None and not Path(out).parent.is_dir():
            raise UsageError(f"cannot write {out}: folder {Path(out).parent} not found")
    if group is not None:
        from segctl.cli.fleet import plan_group  # noqa: PLC0415 - only for several targets

        return plan_group(
            project,
            console,
            group,
            PlanOptions(**options),
            format_name=format_name,
            out=out,
            detailed=detailed_exitcode,
        )
    with output.showing_errors("plan"):
        request = read_request(project, PlanOptions(**options))
        with connect(project, console) as connection:
            plan = build_plan(project, connection, request, console)
            requests = connection.requests()
    now = format_utc(project.clock.now())
    text = output.plan(plan, generated_at=now, requests=requests)
    show_plan(output, plan, text, out=out, generated_at=now, requests=requests)
    return plan_exit_code(plan, detailed=detailed_exitcode)
