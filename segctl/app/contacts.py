"""The account's contacts on this machine: pulling them, describing them, forgetting them."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from segctl.account.snapshot import take_snapshot
from segctl.app.console import SILENT
from segctl.app.contact_sources import contact_store, store_folder, stored_source
from segctl.app.folders import state_folder
from segctl.app.git_exposure import exposure
from segctl.app.lookup import find_named
from segctl.app.selection import sound_declarations
from segctl.common.files import cannot_write, refused_or_failed
from segctl.common.folder import Folder, UnsafePath
from segctl.contacts.pull import Pull
from segctl.contacts.store import FOLDER, find_stores
from segctl.contacts.temp_folders import remove_stale_folders
from segctl.declarations.account_file import column_types
from segctl.errors import Refused, SegctlError, UnexpectedResponse, UsageError
from segctl.planning.list_references import list_ids_of
from segctl.project.state_folder import STATE_FOLDER, make_state_folder
from segctl.query.conditions import query_of_condition
from segctl.query.parser.tokens import lower
from segctl.render.previews import quote_names
from segctl.render.terminal import clean
from segctl.sendgrid.exports import Exports

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.contacts.store import ContactStore
    from segctl.model.contact_fields import ContactList


@dataclass(frozen=True, slots=True)
class PulledContacts:
    """The contacts of a target on this machine.

    `as_of` is the time that they are from (ISO 8601, UTC). `path` is relative to the project.
    `lists` is the number of lists whose members are known, `None` for all. `only` names the lists
    that the contacts are limited to, and `left_out` the fields whose values cannot all be read.
    """

    target: str
    total: int
    as_of: str
    path: str
    lists: int | None
    only: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredContacts:
    """What is kept of a target: its contacts, their size in bytes, and whether a pull is pending.

    `error` says why the contacts cannot be read. Without an error, `contacts` is `None` only if no
    pull was completed.
    """

    target: str
    contacts: PulledContacts | None = None
    size: int = 0
    is_pull_pending: bool = False
    error: SegctlError | None = None


def pull_contacts(
    project: Project,
    connection: Connection,
    lists: Sequence[str] = (),
    console: Console = SILENT,
    *,
    while_requesting: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> PulledContacts:
    """Export the contacts of the account, or of lists with these names or ids, and keep them.

    `while_requesting` is entered while the account is asked and the exports are downloaded; once
    `Connection.stop` is requested, that raises `Interrupted`, and the next pull resumes there.
    Raises `UsageError` without DuckDB and `Refused` if git could take the contacts, both before
    anything is sent; further `RemoteError`, `InvalidInput` and `UsageError`.
    """
    from segctl.audience.duckdb_engine import import_duckdb  # noqa: PLC0415 - not for `forget`

    import_duckdb()
    if connection.read_only:
        raise UsageError("the connection is read-only", hint="connect with read_only=False")
    sound_declarations(project)
    store = contact_store(project)
    _prepare_folder(project, store)
    try:
        with store.locked():
            return _pull(
                project, connection, store, lists, console, while_requesting=while_requesting
            )
    except OSError as error:
        if isinstance(error, UnsafePath):
            raise cannot_write(f"the contacts to {STATE_FOLDER}/{FOLDER}", error) from None
        raise UsageError(
            f"cannot write the contacts to {STATE_FOLDER}/{FOLDER}: "
            f"{error.strerror or type(error).__name__}",
            hint="the downloads are kept: run `segctl contacts pull` again to resume",
        ) from None


def _pull(
    project: Project,
    connection: Connection,
    store: ContactStore,
    names: Sequence[str],
    console: Console,
    *,
    while_requesting: Callable[[], AbstractContextManager[None]],
) -> PulledContacts:
    """Pull, with the store locked. Raises `OSError` as well."""
    from segctl.contacts.build import AccountInfo, build_dataset  # noqa: PLC0415 - DuckDB

    with while_requesting():
        lists = {
            contact_list.id: contact_list for contact_list in connection.reader.list_contact_lists()
        }
        custom, reserved = connection.reader.list_fields()
        if names:
            wanted: list[str | None] = [*_list_ids(names, lists.values())]
        else:
            wanted = [None, *_used_list_ids(project, connection, lists, console)]
        with connection.downloads() as downloads, console.progress("pulling contacts") as update:
            pull = Pull(
                store,
                connection.digest,
                Exports(connection.writer.transport),
                downloads,
                project.clock,
                lambda list_id: _label(list_id, lists),
                console.talk,
                update,
                connection.stop,
            )
            exports = pull.run(wanted)
    list_ids = [list_id for list_id in wanted if list_id is not None]
    only = [lists[list_id].name for list_id in list_ids] if names else []
    names_by_id = {list_id: contact_list.name for list_id, contact_list in lists.items()}
    account = AccountInfo(connection.digest, names_by_id)
    try:
        result = build_dataset(exports, store, column_types((*custom, *reserved)), account, only)
    except UnexpectedResponse:
        # The same files would be no better next time.
        pull.finish()
        raise
    pull.finish()
    return PulledContacts(
        store.target,
        result.total,
        result.as_of,
        f"{STATE_FOLDER}/{FOLDER}/{store.dataset.name}",
        len(list_ids),
        tuple(only),
        tuple(result.left_out),
    )


def _prepare_folder(project: Project, store: ContactStore) -> None:
    """Create the state folder. Raises `Refused` for one that contacts must not be in."""
    make_state_folder(project.root)
    path = Path(STATE_FOLDER) / FOLDER / store.dataset.name
    exposed = exposure(project.root, path, project.env, ignore=f"{STATE_FOLDER}/")
    if exposed is not None:
        raise Refused(exposed.summary, hint=exposed.hint)
    state_folder(project)


def _used_list_ids(
    project: Project, connection: Connection, lists: Mapping[str, ContactList], console: Console
) -> Iterator[str]:
    """Yield the lists that segments and policies use, as declared and as they are on the account.

    What the account has under a declared name is what a plan would replace: with its lists, both
    sides of that comparison can be counted.
    """
    declared = project.declarations.declared
    names = {name for segment in declared for name in (segment.name, *segment.previous_names)}
    snapshot = take_snapshot(
        connection.reader,
        lambda listed: [remote for remote in listed if remote.name in names and not remote.is_v1],
        cache=connection.definitions,
        is_undeclared=lambda _: True,
    )
    used = [
        list_id
        for segment in declared
        for list_id in list_ids_of(segment.segment.query, segment.segment.parent_list_ids)
    ]
    used += [
        list_id
        for policy in project.declarations.policies
        for rule in policy.rules
        if rule.condition
        for list_id in list_ids_of(query_of_condition(rule.condition))
    ]
    for remote in snapshot.remotes:
        if remote.name in names:
            used += list_ids_of(remote.query, remote.parent_list_ids or ())
    spellings = {lower(list_id): list_id for list_id in lists}
    unknown = dict.fromkeys(list_id for list_id in used if lower(list_id) not in spellings)
    if unknown:
        console.talk(
            f"warning: segments use lists that the account does not have: {quote_names(unknown)}"
        )
    yield from dict.fromkeys(
        spellings[lower(list_id)] for list_id in used if lower(list_id) in spellings
    )


def _list_ids(names: Sequence[str], lists: Collection[ContactList]) -> list[str]:
    """Return the ids of lists by name or id. Raises `UsageError` for missing or ambiguous ones."""
    selected = find_named(names, lists, "list", "look up the names and ids of lists in SendGrid")
    for name in names:
        matches = [
            contact_list
            for contact_list in selected
            if name in (contact_list.id, contact_list.name)
        ]
        if len(matches) > 1:
            raise UsageError(
                f"the account has several lists `{clean(name)}`", hint="use the id of one instead"
            )
    return [contact_list.id for contact_list in selected]


def _label(list_id: str | None, lists: Mapping[str, ContactList]) -> str:
    return "all contacts" if list_id is None else f"the list {quote_names([lists[list_id].name])}"


def stored_contacts(project: Project) -> Iterator[StoredContacts]:
    """Yield what is kept of each target. Raises `UsageError` without DuckDB."""
    for store in find_stores(store_folder(project)):
        is_pending = store.folder.is_file(store.pull_state)
        if not store.readable_dataset().exists():
            if is_pending:
                yield StoredContacts(store.target, is_pull_pending=True)
            continue
        contacts, error = _describe(project, store)
        size = store.dataset.stat().st_size
        yield StoredContacts(store.target, contacts, size, is_pending, error)


def _describe(
    project: Project, store: ContactStore
) -> tuple[PulledContacts | None, SegctlError | None]:
    from segctl.audience.duckdb_engine import EvaluationFailed, import_duckdb  # noqa: PLC0415
    from segctl.contacts.dataset import open_dataset  # noqa: PLC0415 - not for `forget`

    import_duckdb()
    try:
        source = stored_source(project, store)
        with open_dataset(source.contacts, is_pulled=True) as dataset:
            query = f"SELECT count(*) FROM {dataset.contacts.source}"  # noqa: S608 - our own name
            ((total,),) = dataset.database.rows(query)
    except (EvaluationFailed, Refused, UsageError) as error:
        return None, error
    contacts = PulledContacts(
        store.target,
        total,
        dataset.as_of or "",
        f"{STATE_FOLDER}/{FOLDER}/{store.dataset.name}",
        None if dataset.lists is None else len(dataset.lists),
        dataset.only,
    )
    return contacts, None


def forget_contacts(project: Project, *, every_target: bool = False) -> Iterator[str]:
    """Remove the contacts of the target, or of all; yield each target that had any.

    Raises `UsageError` if files cannot be removed.
    """
    target_store = contact_store(project)
    # Refuses a link on the way, before anything is removed.
    stores = find_stores(target_store.folder)
    remove_stale_folders(Folder(project.root).below(STATE_FOLDER))
    for store in stores if every_target else (target_store,):
        try:
            is_removed = store.forget()
        except OSError as error:
            what = f"cannot remove the contacts of `{store.target}`"
            raise refused_or_failed(what, error, "remove the link") from None
        if is_removed:
            yield store.target
