"""`segctl list`: what the account holds."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import click

from segctl.cli.session import with_session
from segctl.clock import iso
from segctl.errors import SegctlError, UsageError
from segctl.render.listing import Row, listing_json, listing_text

if TYPE_CHECKING:
    from segctl.cli.session import Session


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
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How to write the list.",
)
@with_session
def command(
    session: Session,
    *,
    parent_lists: tuple[str, ...],
    no_parent_list: bool,
    ids: tuple[str, ...],
    output: str,
) -> int:
    """List the account's segments.

    Shows for each whether a file declares it, how many contacts it has, what SendGrid says of its
    query, its parent list, the refreshes used, and when it is counted next.

    \b
    Examples:
      segctl list
      segctl list --no-parent-list
      segctl list --format json | jq -r '.segments[] | select(.managed | not) | .name'
    """
    if "" in (*ids, *parent_lists):
        raise UsageError("the id to list by is empty", hint="is a variable unset?")
    if ids and (parent_lists or no_parent_list):
        session.talk("SendGrid ignores the other filters beside --id.")
    names = _declared_names(session)
    with session.connect(read_only=True) as account, session.progress("reading the account"):
        remotes = account.reader.list_segments(
            parent_list_ids=parent_lists, no_parent_list=no_parent_list, ids=ids
        )
    rows = [
        Row(remote, None if names is None else remote.name in names and not remote.is_v1)
        for remote in sorted(remotes, key=lambda one: (one.name.casefold(), one.id))
    ]
    if output == "json":
        session.show_json(listing_json(rows, account.ref, iso(session.clock.now())))
    elif rows:
        narrow = sys.stdout.isatty() and session.verbosity <= 0
        width = shutil.get_terminal_size().columns if narrow else None
        session.show(listing_text(rows, width=width, color=session.style.color))
    else:
        session.talk("No segments.")
    return 0


def _declared_names(session: Session) -> set[str] | None:
    """Give the names that files declare, or `None` where the files cannot tell."""
    try:
        declarations = session.declarations
    except SegctlError as error:
        session.talk(f"MANAGED is not known: {error.message}")
        return None
    if declarations.has_errors:
        session.talk("MANAGED is not known: `segctl validate` finds errors.")
        return None
    return {one.name for one in declarations.declared}
