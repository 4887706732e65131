"""`segctl contacts`: the account's contacts on this machine, to count audiences in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.app.audiences import contact_store
from segctl.app.pull_contacts import places, pull_contacts
from segctl.cli.options import with_session
from segctl.contacts.store import find_stores
from segctl.contacts.temp_folders import remove_stale_folders
from segctl.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from segctl.app.session import Session


@click.group("contacts", no_args_is_help=True)
def command() -> None:
    """Keep the account's contacts here, to count audiences in them.

    They stand in .segctl/contacts/, a file for each target, which only you can read and git
    ignores. They are personal data: `segctl contacts forget` removes them.

    \b
    Examples:
      segctl contacts pull
      segctl contacts show
      segctl contacts forget --all
    """


@command.command("pull")
@click.option(
    "--list",
    "lists",
    metavar="NAME",
    multiple=True,
    help="Only contacts of this list, by its name or id; may be repeated.",
)
@with_session
def pull(session: Session, *, lists: tuple[str, ...]) -> int:
    """Export the account's contacts and keep them here.

    SendGrid makes the export, which takes from seconds to many minutes; nothing on the account
    changes. An export does not say who is on which list, so each list that a segment speaks of is
    exported once more. What was pulled before is replaced once everything is here and checked. A
    pull that was interrupted is taken up where it was, if the exports have not expired meanwhile.

    With --list the base is the contacts of these lists: shares are of them, and about other lists
    nothing is known.

    \b
    Examples:
      segctl contacts pull
      segctl --target shop-eu contacts pull
      segctl contacts pull --list Newsletter --list 'Trial users'
    """
    if "" in lists:
        raise UsageError("the name of the list is empty", hint="is a variable unset?")
    try:
        pull_contacts(session, lists)
    except (KeyboardInterrupt, Interrupted):
        session.talk("What has come stays: `segctl contacts pull` goes on from there.")
        raise click.Abort from None
    return 0


@command.command("show")
@with_session
def show(session: Session) -> int:
    """Say which contacts are here, and how old they are.

    Names the account that they are of. Asks none and needs no key.

    \b
    Examples:
      segctl contacts show
    """
    lines = list(places(session))
    session.show("".join(f"{line}\n" for line in lines))
    if not lines:
        session.talk("No contacts are here: `segctl contacts pull` brings them.")
    return 0


@command.command("forget")
@click.option("--all", "everything", is_flag=True, help="Forget the contacts of every target.")
@with_session
def forget(session: Session, *, everything: bool) -> int:
    """Remove the contacts from this machine.

    What an unfinished pull has left of them goes as well. The account is not touched.

    \b
    Examples:
      segctl contacts forget
      segctl contacts forget --all
    """
    here = contact_store(session.project)
    remove_stale_folders(here.folder.parent)
    gone = 0
    for store in find_stores(here.folder) if everything else (here,):
        try:
            removed = store.forget()
        except OSError as error:
            raise UsageError(
                f"cannot remove the contacts of `{store.target}`: {error.strerror or error}"
            ) from None
        if removed:
            gone += 1
            session.show(f"Removed the contacts of `{store.target}`.\n")
    if not gone:
        session.talk("No contacts were here.")
    return 0
