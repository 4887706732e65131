"""`segctl list`: the segments of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.app.connection import connect
from segctl.app.listing import ListOptions, list_segments
from segctl.cli.options import with_project
from segctl.common.clock import format_utc
from segctl.errors import UsageError
from segctl.render.listing import hidden_columns, listing_json, listing_text
from segctl.render.terminal import count

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.listing import Listing
    from segctl.app.project import Project


@click.command("list")
@click.option(
    "--parent-list",
    "parent_lists",
    metavar="ID",
    multiple=True,
    help="Only segments of this contact list; may be repeated.",
)
@click.option(
    "--no-parent-list",
    is_flag=True,
    help="Only segments without a parent list; with --parent-list: those as well.",
)
@click.option(
    "--id", "ids", metavar="ID", multiple=True, help="Only this segment; may be repeated."
)
@click.option("--v1", is_flag=True, help="Only v1 segments, as the v1 API lists them.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json"]),
    default="text",
    help="The format of the list.",
)
@click.option(
    "--references",
    is_flag=True,
    help="Also read the Single Sends, and show which use a segment; with `references: "
    "{automations: observed}` in segctl.yaml the automations, too.",
)
@click.option(
    "--orphans",
    is_flag=True,
    help="Only segments that no Single Send uses and, where they are read, no automation.",
)
@with_project
def command(
    project: Project,
    console: Console,
    *,
    parent_lists: tuple[str, ...],
    no_parent_list: bool,
    ids: tuple[str, ...],
    v1: bool,
    format_name: str,
    references: bool,
    orphans: bool,
) -> int:
    """List the account's segments.

    Shows for each segment whether a file declares it (`ours`: a file did, and was removed), how
    many contacts it has, whether SendGrid accepts its query, its parent list, the refreshes used,
    and when SendGrid counts it next. A narrow terminal shows no ids: -v, a pipe and JSON do.

    --orphans helps an account near its limit of segments. It reads every Single Send, sent ones
    included, and says what else may use a segment. If a read fails, it lists nothing.

    \b
    Examples:
      segctl list
      segctl list --references
      segctl list --orphans
      segctl list --v1 --references
      segctl list --format json | jq '.segments[] | select(.managed | not)'
    """
    if "" in (*ids, *parent_lists):
        raise UsageError("the id to filter by is empty", hint="is a variable unset?")
    if ids and (parent_lists or no_parent_list):
        console.talk("SendGrid ignores the other filters beside --id.")
    options = ListOptions(parent_lists, no_parent_list, ids, v1, references, orphans)
    with connect(project, console) as connection:
        listing = list_segments(project, connection, options, console)
    rows, names = listing.rows, listing.list_names
    if format_name == "json":
        now = format_utc(project.clock.now())
        document = listing_json(rows, names, connection.target, now, listing.not_checked)
        console.show_json(document)
    elif rows:
        width = None if console.verbosity > 0 else console.width
        console.show(listing_text(rows, names, width=width, color=console.style.color))
        if hidden := hidden_columns(rows, names, width):
            console.talk(f"Not shown here: {', '.join(hidden)}; run `segctl list -v` to show all.")
    elif not orphans:
        console.talk("No segments.")
    if orphans:
        _talk_of_orphans(listing, console)
    if listing.total and not options.is_filtered:
        console.talk(f"{listing.total} of {project.config.limits.max_segments} segments used.")
    return 0


def _talk_of_orphans(listing: Listing, console: Console) -> None:
    """Say how many orphans there are, what may use them all the same, and how to delete one."""
    orphans = count(len(listing.rows), "segment")
    console.talk(f"{orphans} of {listing.total}: nothing that segctl can see uses them.")
    console.talk(f"Not checked: {'; '.join(listing.not_checked or ())}.")
    if listing.rows:
        console.talk(
            "To delete one, remove its file; if it has none, add one with its `name` and "
            "`removed: true`."
        )
