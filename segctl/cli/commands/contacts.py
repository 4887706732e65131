"""`segctl contacts`: the account's contacts on this machine, to count audiences in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from segctl.app.connection import connect
from segctl.app.contacts import forget_contacts, pull_contacts, stored_contacts
from segctl.cli.options import with_project
from segctl.common.stopping import stop_on_signals
from segctl.errors import Interrupted, UsageError
from segctl.render.previews import quote_names, with_age
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from segctl.app.console import Console
    from segctl.app.contacts import StoredContacts
    from segctl.app.project import Project


@click.group("contacts", no_args_is_help=True)
def command() -> None:
    """Keep the account's contacts here, to count audiences in them.

    They are kept in .segctl/contacts/, a file per target, which only you can read and git ignores.
    They are personal data: `segctl contacts forget` removes them.

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
    help="Only the contacts of this list, by its name or id; may be repeated.",
)
@with_project
def pull(project: Project, console: Console, *, lists: tuple[str, ...]) -> int:
    """Export the account's contacts and keep them here.

    SendGrid makes the export, which takes from seconds to many minutes; nothing on the account
    changes. An export does not say which lists a contact is on, so each list that a segment uses
    is exported separately. Contacts that were pulled before are replaced once everything is
    downloaded and checked. An interrupted pull resumes, unless its exports have expired meanwhile.

    With --list, the contacts are those of these lists: shares are of them, and nothing is known
    about other lists.

    \b
    Examples:
      segctl contacts pull
      segctl --target shop-eu contacts pull
      segctl contacts pull --list Newsletter --list 'Trial users'
    """
    if "" in lists:
        raise UsageError("the name of the list is empty", hint="is a variable unset?")
    try:
        with connect(project, console, read_only=False) as connection:
            # No request needs to finish: what was downloaded is kept, whatever is abandoned.
            interruptible = partial(stop_on_signals, connection.stop, force=True)
            pulled = pull_contacts(
                project, connection, lists, console, while_requesting=interruptible
            )
    except (KeyboardInterrupt, Interrupted):
        console.talk("The downloads are kept; run `segctl contacts pull` again to resume.")
        raise click.Abort from None
    for name in pulled.left_out:
        console.talk(f"warning: `{clean(name)}` is left out: some of its values cannot be read")
    with_lists = f" ({count(pulled.lists, 'list')})" if pulled.lists else ""
    console.show(
        f"{count(pulled.total, 'contact')} of `{pulled.target}`, as of {pulled.as_of}{with_lists}, "
        f"in {pulled.path}\n"
    )
    if pulled.only:
        console.show(f"Only the contacts on {quote_names(pulled.only)}: shares are of them.\n")
    if project.config.contacts is None:
        console.talk(
            "Next: `segctl preview`; add `contacts: pulled` to segctl.yaml to count every plan"
        )
    return 0


@command.command("show")
@with_project
def show(project: Project, console: Console) -> int:
    """Show which contacts are here, and how old they are.

    Names the target of each. Uses no network and no key.

    \b
    Examples:
      segctl contacts show
    """
    now = project.clock.now()
    lines = [line for stored in stored_contacts(project) for line in _lines(stored, now, console)]
    console.show("".join(f"{line}\n" for line in lines))
    if not lines:
        console.talk("No pulled contacts; run `segctl contacts pull` to pull them.")
    return 0


def _lines(stored: StoredContacts, now: datetime, console: Console) -> Iterator[str]:
    if stored.error is not None:
        hint = console.complete(stored.error.hint, stored.target)
        parts = (stored.target, stored.error.message, hint)
        yield ": ".join(part for part in parts if part)
    contacts = stored.contacts
    if contacts is not None:
        lists = "all lists" if contacts.lists is None else count(contacts.lists, "list")
        size = f"{stored.size / 1_000_000:,.1f} MB"
        as_of = clean(with_age(contacts.as_of, now))
        total = count(contacts.total, "contact")
        yield f"{stored.target}: {total} as of {as_of} ({lists}, {size})"
        if contacts.only:
            yield f"  only the contacts on {quote_names(contacts.only)}"
    if stored.is_pull_pending:
        hint = console.complete("run `segctl contacts pull` to resume", stored.target)
        yield f"{stored.target}: unfinished pull; {hint}"


@command.command("forget")
@click.option("--all", "everything", is_flag=True, help="Forget the contacts of every target.")
@with_project
def forget(project: Project, console: Console, *, everything: bool) -> int:
    """Remove the contacts from this machine.

    The downloads of an unfinished pull are removed as well. The account is not touched.

    \b
    Examples:
      segctl contacts forget
      segctl contacts forget --all
    """
    is_removed = False
    for target in forget_contacts(project, every_target=everything):
        is_removed = True
        console.show(f"Removed the contacts of `{target}`.\n")
    if not is_removed:
        console.talk("No contacts to remove.")
    return 0
