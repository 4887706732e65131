"""`segctl drift`: what changed on the account that no commit did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.app.connection import connect
from segctl.app.drift import detect_drift
from segctl.cli.exit_codes import CHANGES_PRESENT
from segctl.cli.options import format_option, with_project
from segctl.cli.output import Output

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.project import Project


@click.command("drift")
@format_option("the drift")
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit with 2 if there is drift, with 0 only if there is none.",
)
@click.option("--managed-only", is_flag=True, help="Leave out segments that no file ever declared.")
@with_project
def command(
    project: Project,
    console: Console,
    *,
    format_name: str,
    detailed_exitcode: bool,
    managed_only: bool,
) -> int:
    """Show what changed on the account that no commit did.

    Assumes that the files are what was applied last, and reports segments that someone edited,
    renamed, deleted or created by hand. Run it on a schedule, on a branch whose every commit is
    applied. Changes that commits ask for and nobody has applied yet are counted separately, as far
    as git history shows them. A segment created by hand is no longer drift once a file declares
    its name with `removed: forget`.

    \b
    Examples:
      segctl drift
      segctl drift --detailed-exitcode --managed-only
      segctl drift --format json | jq -r '.drift[].name'
    """
    output = Output(format_name, project, console)
    with output.showing_errors("drift"), connect(project, console) as connection:
        detected = detect_drift(project, connection, console, managed_only=managed_only)
    if output.is_text:
        console.warn(detected.diagnostics)
    console.show(output.drift(detected, connection.target))
    return CHANGES_PRESENT if detailed_exitcode and detected.report.drifts else 0
