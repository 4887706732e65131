"""`segctl show`: a saved plan, as `plan` showed it, or a segment as it is on the account.

A plan needs no key, no network and no project.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.cli.approval import read_plan
from segctl.cli.options import format_option, with_project
from segctl.cli.output import Output

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.project import Project


@click.command("show")
@click.argument("file", metavar="PLAN|NAME")
@click.option(
    "--live",
    is_flag=True,
    help="Show the segment with this name or id as it is on the account, as text or json.",
)
@format_option("the plan")
@with_project
def command(project: Project, console: Console, *, file: str, live: bool, format_name: str) -> int:
    """Show a saved plan, or a segment as it is on the account.

    Of a plan that `segctl plan --out` saved, writes what `plan` wrote when it was made, in any
    format. Reads only the file (`-` for stdin): no account, no key, no segment files. A file that
    was edited or truncated is an error.

    --live reads a segment from the account instead, whether or not a file declares it, and writes
    it as `segctl import` would write its file. A v1 segment is shown with its SGQL.

    \b
    Examples:
      segctl show plan.json
      segctl show plan.json --format json | jq .summary
      segctl show plan.json --format markdown
      segctl plan --format json | segctl show -
      segctl show --live 'VIP customers'
    """
    if live:
        return _show_live(project, console, file, format_name)
    output = Output(format_name, project, console)
    with output.showing_errors("show"):
        saved = read_plan(file)
    from segctl.planfile.loading import SavedPlan  # noqa: PLC0415 - it is imported by now

    if isinstance(saved, SavedPlan):
        output.show(output.plan(saved.plan, generated_at=saved.generated_at, version=saved.version))
        return 0
    from segctl.cli.fleet_output import FleetOutput  # noqa: PLC0415 - only for several targets

    all_output = FleetOutput(format_name, project, console)
    text = all_output.fleet_plan(
        saved.fleet, generated_at=saved.generated_at, version=saved.version
    )
    all_output.show(text)
    return 0


def _show_live(project: Project, console: Console, name: str, format_name: str) -> int:
    if format_name not in ("text", "json"):
        raise click.UsageError(f"--live writes text or json, not {format_name}")
    from segctl.app.connection import connect  # noqa: PLC0415 - a plan needs no account
    from segctl.app.live_segments import live_segments  # noqa: PLC0415
    from segctl.common.clock import format_utc  # noqa: PLC0415
    from segctl.render.live_segments import live_json, live_text  # noqa: PLC0415

    with connect(project, console) as connection:
        segments = live_segments(project, connection, name, console)
    if format_name == "json":
        now = format_utc(project.clock.now())
        console.show_json(live_json(segments, connection.target, now))
        return 0
    console.show(live_text(segments), as_is=True)
    if any(segment.remote.is_v1 for segment in segments):
        console.talk("Run `segctl upgrade` to write a file for a V2 segment that replaces it.")
    return 0
