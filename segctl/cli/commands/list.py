"""`segctl list`: what the account holds."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import click

from segctl.account.references import read_single_sends
from segctl.app.list_names import parent_names
from segctl.app.plan import ledger_of
from segctl.cli.options import with_session
from segctl.common.clock import format_utc
from segctl.errors import SegctlError, UsageError
from segctl.model.single_sends import References
from segctl.planning.matching import find_undeclared
from segctl.planning.ownership import RemovalHistory, is_ours
from segctl.render.listing import ListingRow, listing_json, listing_text

if TYPE_CHECKING:
    from segctl.app.session import Session
    from segctl.declarations.collection import Declarations
    from segctl.model import Remote
    from segctl.sendgrid.api import Filters, Reader


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
    "--v1", "first", is_flag=True, help="Only segments of the first API, by the first API's list."
)
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How to write the list.",
)
@click.option(
    "--references", is_flag=True, help="Read the Single Sends, too, and show which use a segment."
)
@with_session
def command(
    session: Session,
    *,
    parent_lists: tuple[str, ...],
    no_parent_list: bool,
    ids: tuple[str, ...],
    first: bool,
    output: str,
    references: bool,
) -> int:
    """List the account's segments.

    Shows for each whether a file declares it (`ours`: one did, and was removed), how many contacts
    it has, what SendGrid says of its query, its parent list, the refreshes used, and when it is
    counted next.

    \b
    Examples:
      segctl list
      segctl list --references
      segctl list --v1 --references
      segctl list --format json | jq -r '.segments[] | select(.managed | not) | .name'
    """
    if "" in (*ids, *parent_lists):
        raise UsageError("the id to list by is empty", hint="is a variable unset?")
    if ids and (parent_lists or no_parent_list):
        session.talk("SendGrid ignores the other filters beside --id.")
    known = _declarations(session)
    sends = None
    filters: Filters = {
        "parent_list_ids": parent_lists,
        "no_parent_list": no_parent_list,
        "ids": ids,
    }
    with session.connect(read_only=True) as account:
        reader = account.reader
        with session.progress("reading the account") as tell:
            remotes = _v1(reader, filters) if first else reader.list_segments(**filters)
            if references:
                sends = References(read_single_sends(reader, tell))
        lists = parent_names(session, account, remotes)
    loose = () if known is None else find_undeclared(known.declared, remotes)
    removal_history = RemovalHistory()
    if known is not None and any(not one.is_v1 for one in loose):
        removal_history = ledger_of(session, known)
    if removal_history.unavailable:
        session.talk(f"What is `ours` is not known: {removal_history.unavailable}.")
    undeclared_ids = {one.id for one in loose}
    rows = [
        ListingRow(
            remote,
            None if known is None else remote.id not in undeclared_ids and not remote.is_v1,
            is_ours=remote.id in undeclared_ids
            and any(
                one.name == remote.name and is_ours(one, remote) for one in removal_history.removals
            ),
            sends=None if sends is None else sends.single_sends_using(remote.id),
        )
        for remote in sorted(remotes, key=lambda one: (one.name.casefold(), one.id))
    ]
    if output == "json":
        session.show_json(listing_json(rows, lists, account.ref, format_utc(session.clock.now())))
    elif rows:
        narrow = sys.stdout.isatty() and session.verbosity <= 0
        width = shutil.get_terminal_size().columns if narrow else None
        session.show(listing_text(rows, lists, width=width, color=session.style.color))
    else:
        session.talk("No segments.")
    if rows and not (ids or parent_lists or no_parent_list or first):
        session.talk(f"{len(rows)} of {session.config.limits.max_segments} segments used.")
    if references:
        session.talk("Automations are not among the references: SendGrid shows them to nobody.")
    return 0


def _v1(reader: Reader, filters: Filters) -> tuple[Remote, ...]:
    """List what the first API has and the second does not call its own."""
    newer = {one.id for one in reader.list_segments(**filters) if not one.is_v1}
    return tuple(one for one in reader.list_v1_segments(**filters) if one.id not in newer)


def _declarations(session: Session) -> Declarations | None:
    """Give what the files declare, or `None` where they cannot tell."""
    try:
        declarations = session.declarations
    except SegctlError as error:
        session.talk(f"MANAGED is not known: {error.message}")
        return None
    if declarations.has_errors:
        session.talk("MANAGED is not known: `segctl validate` finds errors.")
        return None
    return declarations
