"""`segctl history`: what was done to segments, by whom and when, and whose they are."""

from __future__ import annotations

import dataclasses
from itertools import islice
from typing import TYPE_CHECKING

import click

from segctl.app.audit import segment_history
from segctl.app.list_names import recorded_list_names
from segctl.cli.options import with_project
from segctl.cli.shell_completion import complete_segment_names
from segctl.common.clock import format_utc
from segctl.errors import MissingKey, UsageError
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
@click.option(
    "--ownership",
    "with_ownership",
    is_flag=True,
    help="Also read the account, and say whether the segment is this project's.",
)
@with_project
def command(
    project: Project,
    console: Console,
    *,
    name: str | None,
    limit: int | None,
    format_name: str,
    with_ownership: bool,
) -> int:
    """Show who created, changed, renamed or removed segments.

    Reads the commits of the checked-out branch, newest first; a merge counts as one commit, that of
    its pull request. NAME is the present or a former name of a segment: renames are followed. A
    version of a file that cannot be read is skipped.

    --ownership shows why the segment NAME of the account is or is not this project's, and what a
    plan would do with it. Without an API key, it shows git's part of the answer.

    \b
    Examples:
      segctl history 'VIP customers'
      segctl history -n 10
      segctl history 'VIP customers' --ownership
      segctl history --format json | jq '.events[] | select(.kind == "removed")'
    """
    if with_ownership:
        if name is None:
            raise click.UsageError("--ownership needs the NAME of a segment")
        return _show_ownership(project, console, name, format_name)
    maximum = limit if limit is not None else 0 if name else DEFAULT_LIMIT
    remaining = segment_history(project, name)
    events = list(islice(remaining, maximum)) if maximum else list(remaining)
    is_complete = next(remaining, None) is None
    if format_name == "json":
        now = format_utc(project.clock.now())
        console.show_json(history_json(events, now, name=name, is_complete=is_complete))
        return 0
    console.show(history_text(events, console.style, recorded_list_names(project)))
    if not is_complete:
        console.talk("Older events are not shown; run with --limit 0 to show all.")
    elif not events:
        console.talk(f"No commit declared a segment in {project.config.segments}/.")
    return 0


def _show_ownership(project: Project, console: Console, name: str, format_name: str) -> int:
    """Show the events of a segment, and what they prove about the account's one."""
    from segctl.app.connection import connect  # noqa: PLC0415 - the rest is offline
    from segctl.app.ownership import declared_ownership, segment_ownership  # noqa: PLC0415
    from segctl.render.ownership_text import ownership_json, ownership_text  # noqa: PLC0415

    try:
        events = list(segment_history(project, name))
    except UsageError:
        # No commit declared it, or git cannot tell: the answer is in the ownership.
        events = []
    try:
        with connect(project, console) as connection:
            ownership = segment_ownership(project, connection, name, console)
    except MissingKey as error:
        ownership = declared_ownership(project, name, error.message)
        console.talk(f"hint: {error.hint}")
    if format_name == "json":
        document = history_json(
            events, format_utc(project.clock.now()), name=name, is_complete=True
        )
        console.show_json({**document, "ownership": ownership_json(ownership)})
        return 0
    if events:
        text = history_text(events, console.style, recorded_list_names(project))
        console.show(text + "\n")
    remarks = console.complete_hints(ownership.remarks)
    ownership = dataclasses.replace(ownership, remarks=remarks)
    console.show(ownership_text(ownership, console.style))
    return 0
