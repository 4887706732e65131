"""`segctl refresh`: have SendGrid count segments' contacts now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.app.connection import connect
from segctl.app.refresh import refresh_counts
from segctl.cli.exit_codes import IN_PART, INTERRUPTED
from segctl.cli.interruptions import stop_in_order
from segctl.cli.options import with_project
from segctl.cli.shell_completion import complete_segment_names
from segctl.common.clock import format_utc
from segctl.model.report import RefreshStatus
from segctl.planfile.report_json import refreshes_json
from segctl.planfile.to_json import document_header
from segctl.render.report_text import refresh_lines

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.project import Project


@click.command("refresh")
@click.argument(
    "names", shell_complete=complete_segment_names, metavar="NAME...", nargs=-1, required=True
)
@click.option("--force", is_flag=True, help="Ask even if the quota is known to be used up.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json"]),
    default="text",
    help="The format of the results.",
)
@with_project
def command(
    project: Project, console: Console, *, names: tuple[str, ...], force: bool, format_name: str
) -> int:
    """Ask SendGrid to count segments' contacts now.

    SendGrid counts by itself every 1 to 24 hours. A refresh asks for it at once, and is limited to
    2 a day and 1 an hour for a segment, and 10 a day for the account. segctl keeps a log of its
    refreshes: if the quota is too small for all segments, those with the highest
    `refresh_priority` in their files are first, then those with the most contacts, and the output
    says when the others can follow. NAME is a segment's name or id. Exits with 1 if no refresh was
    accepted, with 4 if some were, and with 130 if it was interrupted.

    \b
    Examples:
      segctl refresh 'VIP customers'
      segctl refresh 'VIP customers' 'Churn risk'
    """
    with connect(project, console, read_only=False) as connection:
        stop_in_order(connection.stop, console)
        results = refresh_counts(project, connection, names, console, force=force)
    if format_name == "json":
        header = document_header(format_utc(project.clock.now()))
        console.show_json({**header, **refreshes_json(results)})
    else:
        shown = console.complete_hints(results)
        lines = refresh_lines(shown, console.style, quiet=console.verbosity < 0)
        console.show("".join(f"{line}\n" for line in lines))
    if connection.stop.requested:
        return INTERRUPTED
    accepted = sum(result.status is RefreshStatus.ACCEPTED for result in results)
    if accepted == len(results):
        return 0
    return IN_PART if accepted else 1
