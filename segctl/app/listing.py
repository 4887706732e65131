"""The segments of an account, which of them the project declares, and its lists. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.account.references import read_automations, read_single_sends
from segctl.account.snapshot import with_definitions
from segctl.app.console import SILENT
from segctl.app.list_names import parent_list_names
from segctl.app.plan import names_of, removal_history
from segctl.errors import Interrupted, RemoteError, SegctlError
from segctl.model.references import References
from segctl.planning.matching import find_undeclared
from segctl.planning.ownership import RemovalHistory, is_older, is_ours
from segctl.planning.references import OBSERVE
from segctl.render.listing import ListingRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.declarations.collection import Declarations
    from segctl.model import Remote
    from segctl.model.automations import Automation
    from segctl.model.contact_fields import ContactList, ListNames
    from segctl.sendgrid.api import Filters, Reader


@dataclass(frozen=True, slots=True)
class ListOptions:
    """Which segments to list, and what to read of them.

    `parent_lists` and `ids` limit the list to some; `no_parent_list` to segments without one, or
    adds those. `v1` lists only segments of the first API. `references` reads the Single Sends, and
    the automations where the project observes them.
    """

    parent_lists: tuple[str, ...] = ()
    no_parent_list: bool = False
    ids: tuple[str, ...] = ()
    v1: bool = False
    references: bool = False

    @property
    def is_filtered(self) -> bool:
        """Whether the list lacks segments of the account."""
        return bool(self.ids or self.parent_lists or self.no_parent_list or self.v1)


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows of segments, by name, and the names of their parent lists."""

    rows: tuple[ListingRow, ...]
    list_names: ListNames


def list_segments(
    project: Project,
    connection: Connection,
    options: ListOptions | None = None,
    console: Console = SILENT,
) -> Listing:
    """Return the segments of the account. Raises `RemoteError`."""
    options = options or ListOptions()
    declarations = _declarations(project, console)
    filters: Filters = {
        "parent_list_ids": options.parent_lists,
        "no_parent_list": options.no_parent_list,
        "ids": options.ids,
    }
    reader, references = connection.reader, None
    with console.progress("reading the account") as update:
        remotes = _v1(reader, filters) if options.v1 else reader.list_segments(**filters)
        if options.references:
            references = References(
                read_single_sends(reader, update, connection.single_sends),
                automations=_automations(project, connection, console),
            )
    names = parent_list_names(connection, remotes, console)
    rest = () if declarations is None else find_undeclared(declarations.declared, remotes)
    history = RemovalHistory()
    if declarations is not None and any(not remote.is_v1 for remote in rest):
        history = removal_history(project, declarations, names_of(remotes))
    if history.unavailable:
        console.talk(f"`ours` is unknown: {history.unavailable}.")
    undeclared_ids = {remote.id for remote in rest}
    ours = _ours(connection, rest, history)
    rows = [
        ListingRow(
            remote,
            None if declarations is None else remote.id not in undeclared_ids and not remote.is_v1,
            is_ours=remote.id in ours,
            sends=None if references is None else references.single_sends_using(remote.id),
            automations=(
                None
                if references is None or references.automations is None
                else references.automations_using(remote.id)
            ),
        )
        for remote in sorted(remotes, key=lambda remote: (remote.name.casefold(), remote.id))
    ]
    return Listing(tuple(rows), names)


def list_contact_lists(connection: Connection, console: Console = SILENT) -> list[ContactList]:
    """Return the contact lists of the account, by name. Raises `RemoteError`."""
    with console.progress("reading the account"):
        lists = connection.reader.list_contact_lists()
    return sorted(lists, key=lambda contact_list: (contact_list.name.casefold(), contact_list.id))


def _ours(
    connection: Connection, undeclared: Iterable[Remote], history: RemovalHistory
) -> set[str]:
    """Return the ids of the undeclared segments that git history proves to be ours.

    Reads the definitions of those that it may prove to be.
    """
    removals = {removal.name: removal for removal in history.removals}
    candidates = [
        remote
        for remote in undeclared
        if remote.name in removals and is_older(removals[remote.name], remote)
    ]
    snapshot = with_definitions(
        connection.reader,
        candidates,
        candidates,
        cache=connection.definitions,
        is_undeclared=lambda _remote: True,
    )
    return {remote.id for remote in snapshot.remotes if is_ours(removals[remote.name], remote)}


def _automations(
    project: Project, connection: Connection, console: Console
) -> tuple[Automation, ...] | None:
    """Return the automations, `None` where they are not known, for a reason that is said."""
    if not project.config.observes_automations:
        console.talk(f"Automations were not read: {OBSERVE}.")
        return None
    try:
        return read_automations(connection.reader)
    except Interrupted:
        raise
    except RemoteError as error:
        console.talk(f"Which automations use a segment is not known: {error.message}")
        return None


def _v1(reader: Reader, filters: Filters) -> tuple[Remote, ...]:
    """Return the segments that only the first API has."""
    v2_ids = {remote.id for remote in reader.list_segments(**filters) if not remote.is_v1}
    return tuple(remote for remote in reader.list_v1_segments(**filters) if remote.id not in v2_ids)


def _declarations(project: Project, console: Console) -> Declarations | None:
    """Return what the files declare, `None` if they cannot be read."""
    try:
        declarations = project.declarations
    except SegctlError as error:
        console.talk(f"MANAGED is unknown: {error.message}")
        return None
    if declarations.has_errors:
        console.talk("MANAGED is unknown: `segctl validate` reports errors.")
        return None
    return declarations
