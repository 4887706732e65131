"""The segments of an account, which of them the project declares, and its lists. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.account.contact_lists import ContactLists
from segctl.account.references import read_automations, read_single_sends
from segctl.account.snapshot import with_definitions
from segctl.app.console import SILENT
from segctl.app.list_names import parent_list_names
from segctl.app.plan import names_of, removal_history
from segctl.errors import Interrupted, RemoteError, SegctlError
from segctl.model.references import References
from segctl.planning.matching import find_undeclared
from segctl.planning.ownership import RemovalHistory, is_older, is_ours
from segctl.planning.references import OBSERVE, UNSEEN
from segctl.render.listing import ListingRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.declarations.collection import Declarations
    from segctl.model import Remote
    from segctl.model.contact_fields import ContactList, ListNames
    from segctl.sendgrid.api import Filters, Reader


@dataclass(frozen=True, slots=True)
class ListOptions:
    """Which segments to list, and what to read of them.

    `parent_lists` and `ids` limit the list to some; `no_parent_list` to segments without one, or
    adds those. `v1` lists only segments of the first API. `references` reads the Single Sends, and
    the automations where the project observes them. `orphans` reads them, too, and keeps the
    segments that none of them uses.
    """

    parent_lists: tuple[str, ...] = ()
    no_parent_list: bool = False
    ids: tuple[str, ...] = ()
    v1: bool = False
    references: bool = False
    orphans: bool = False

    @property
    def is_filtered(self) -> bool:
        """Whether the list lacks segments of the account."""
        return bool(self.ids or self.parent_lists or self.no_parent_list or self.v1)


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows of segments, by name, and the names of their parent lists.

    `total` is the number of segments before those that something uses were left out. `not_checked`
    are the things that may use a segment all the same, `None` where no references were read.
    """

    rows: tuple[ListingRow, ...]
    list_names: ListNames
    total: int = 0
    not_checked: tuple[str, ...] | None = None


def list_segments(
    project: Project,
    connection: Connection,
    options: ListOptions | None = None,
    console: Console = SILENT,
) -> Listing:
    """Return the segments of the account.

    Raises `RemoteError`; with `orphans` also where references are not known.
    """
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
        if options.references or options.orphans:
            references = _references(project, connection, console, update, strict=options.orphans)
    names = parent_list_names(ContactLists(connection.reader), remotes, console)
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
    total = len(rows)
    if options.orphans:
        rows = [row for row in rows if not (row.sends or row.automations)]
    return Listing(tuple(rows), names, total, None if references is None else _unseen(references))


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


def _references(
    project: Project,
    connection: Connection,
    console: Console,
    update: Callable[[int, int], None],
    *,
    strict: bool,
) -> References:
    """Return what uses segments; automations that are not known are said to be, or not `strict`."""
    reader, automations = connection.reader, None
    try:
        sends = read_single_sends(reader, update, connection.single_sends)
        if project.config.observes_automations:
            try:
                automations = read_automations(reader)
            except RemoteError as error:
                if strict or isinstance(error, Interrupted):
                    raise
                console.talk(f"Which automations use a segment is not known: {error.message}")
        else:
            console.talk(f"Automations were not read: {OBSERVE}.")
    except RemoteError as error:
        if not strict or isinstance(error, Interrupted):
            raise
        raise RemoteError(
            f"what uses a segment is not known, so none is called an orphan: {error.message}",
            hint=error.hint,
            operation=error.operation,
            status=error.status,
        ) from None
    return References(sends, automations=automations)


def _unseen(references: References) -> tuple[str, ...]:
    """Return what may use a segment although nothing shows it (sendgrid-api.md §3)."""
    automations = ("automations",) if references.automations is None else ()
    return (*automations, UNSEEN, "programs that export or send to a segment by its id")


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
