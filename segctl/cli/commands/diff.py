"""`segctl diff`: what differs between the accounts of two targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.app.differences import diff_targets
from segctl.cli.exit_codes import CHANGES_PRESENT
from segctl.cli.options import format_option, with_project
from segctl.cli.output import Output
from segctl.cli.shell_completion import complete_targets
from segctl.errors import UsageError

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.project import Project


@click.command("diff")
@click.option(
    "--from",
    "source",
    metavar="TARGET",
    shell_complete=complete_targets,
    help="The target to promote from. Without it, the one that `promote` in segctl.yaml names.",
)
@click.option(
    "--to",
    "destination",
    metavar="TARGET",
    shell_complete=complete_targets,
    help="The target to promote to. Without it, that of --target or the default one.",
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Also compare the segments that no file declares, by their names.",
)
@format_option("the differences")
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit with 2 if there are differences that the files do not declare, else with 0.",
)
@with_project
def command(
    project: Project,
    console: Console,
    *,
    source: str | None,
    destination: str | None,
    everything: bool,
    format_name: str,
    detailed_exitcode: bool,
) -> int:
    """Show what differs between the accounts of two targets.

    Compares what the accounts hold, segment by segment: names, queries, parent lists, and whether
    SendGrid accepts the query. Segments match by the file that declares them, lists and Single
    Sends by their names. Says which account is not as the files declare, and keeps apart what the
    files declare differently for the two targets: -v shows that, too.

    Reads both accounts at once, as a plan does, and needs the keys of both. If one of them cannot
    be read, that is an error.

    \b
    Examples:
      segctl diff --from staging --to production
      segctl diff --from staging --to production --detailed-exitcode
      segctl diff --from staging --to production --all -v
      segctl diff --from staging --to production --format json
    """
    output = Output(format_name, project, console)
    with output.showing_errors("diff"):
        if destination is not None and project.requested_target not in (None, destination):
            raise UsageError("--to and --target name different targets", hint="leave out --target")
        comparison = diff_targets(project, source, destination, console, everything=everything)
    output.show(output.differences(comparison))
    return CHANGES_PRESENT if detailed_exitcode and comparison.undeclared else 0
