"""`segctl lists`: the contact lists of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.app.connection import connect
from segctl.app.listing import list_contact_lists
from segctl.cli.options import with_project
from segctl.common.clock import format_utc
from segctl.render.listing import contact_lists_json, contact_lists_text

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.project import Project


@click.command("lists")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json"]),
    default="text",
    help="The format of the lists.",
)
@with_project
def command(project: Project, console: Console, *, format_name: str) -> int:
    """List the account's contact lists.

    Shows the name, the number of contacts and the id, which `parent_list_ids` and queries use.

    \b
    Examples:
      segctl lists
      segctl lists --format json | jq '.lists[] | select(.name == "VIP").id'
    """
    with connect(project, console) as connection:
        lists = list_contact_lists(connection, console)
    if format_name == "json":
        now = format_utc(project.clock.now())
        console.show_json(contact_lists_json(lists, connection.target, now))
    elif lists:
        console.show(contact_lists_text(lists, width=console.width, color=console.style.color))
    else:
        console.talk("No lists.")
    return 0
