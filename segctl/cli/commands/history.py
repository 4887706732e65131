"""`segctl history`: what was done to segments, by whom and when. Offline, without a key."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import click

from segctl.app.audit import segment_history
from segctl.cli.options import with_project
from segctl.cli.shell_completion import complete_segment_names
from segctl.common.clock import format_utc
from segctl.render.history_text import history_json, history_text

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.project import Project

DEFAULT_LIMIT = 50


@click.command("history")
@click.argument("name", shell_complete=complete_segment_names, metavar="[NAME]", required=False)
@click.option(
    "-n",
    "--limit",
    metavar="N",
    type=click.IntRange(min=0),
    help=f"Show at most N events; 0 shows all. Without NAME: {DEFAULT_LIMIT}.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json"]),
    default="text",
    help="The format of the events.",
)
@with_project
def command(
    project: Project, console: Console, *, name: str | None, limit: int | None, format_name: str
) -> int:
    """Show who created, changed, renamed or removed segments.

    Reads the commits of the checked-out branch, newest first; a merge counts as one commit, that of
    its pull request. NAME is the present or a former name of a segment: renames are followed. A
    version of a file that cannot be read is skipped.

    \b
    Examples:
      segctl history 'VIP customers'
      segctl history -n 10
      segctl history --format json | jq -r '.events[] | select(.kind == "removed") | .name'
    """
    maximum = limit if limit is not None else 0 if name else DEFAULT_LIMIT
    remaining = segment_history(project, name)
    events = list(islice(remaining, maximum)) if maximum else list(remaining)
    is_complete = next(remaining, None) is None
    if format_name == "json":
        now = format_utc(project.clock.now())
        console.show_json(history_json(events, now, name=name, is_complete=is_complete))
        return 0
    console.show(history_text(events, console.style))
    if not is_complete:
        console.talk("Older events are not shown; run with --limit 0 to show all.")
    elif not events:
        console.talk(f"No commit declared a segment in {project.config.segments}/.")
    return 0
