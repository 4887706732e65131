"""Pulls contacts for a command: what is asked for, what is said, where it ends up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from segctl.account.snapshot import take_snapshot
from segctl.app.audiences import contact_store, store_folder
from segctl.app.git_exposure import exposure
from segctl.app.lookup import find_named
from segctl.common.stopping import stop_on_signals
from segctl.contacts.pull import Pull
from segctl.contacts.store import FOLDER, find_stores
from segctl.declarations.fields_file import column_types
from segctl.errors import InvalidInput, Refused, UnexpectedResponse, UsageError
from segctl.planning.list_references import list_ids_of
from segctl.project.state_folder import STATE_FOLDER, make_state_folder
from segctl.render.previews import quote_names, with_age
from segctl.render.terminal import clean, count
from segctl.sendgrid.exports import Exports

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from segctl.app.connection import Connection as Account
    from segctl.app.session import Session
    from segctl.contacts.store import ContactStore
    from segctl.model.contact_fields import ContactList


def pull_contacts(session: Session, names: Sequence[str]) -> None:
    """Pull the contacts of the target, or of some lists alone, and say what there is then.

    Raises `UsageError` without DuckDB and `Refused` where git would take the base, both before
    anything is asked for; further `RemoteError`s, `InvalidInput` and `UsageError`.
    """
    from segctl.audience.duckdb_engine import import_duckdb  # noqa: PLC0415
    from segctl.contacts.build import AccountInfo, build_dataset  # noqa: PLC0415 - so that `forget` needs no DuckDB

    import_duckdb()
    declared = session.declarations
    if declared.has_errors:
        raise InvalidInput(declared.diagnostics)
    store = contact_store(session.project)
    _prepare(session, store)
    try:
        with session.connect(read_only=False) as account, store.locked():
            lists = {one.id: one for one in account.reader.list_contact_lists()}
            custom, reserved = account.reader.list_fields()
            if names:
                wanted: list[str | None] = [*_find(names, lists.values())]
            else:
                wanted = [None, *_mentioned(session, account, lists)]
            with (
                account.downloads() as downloads,
                session.progress("pulling contacts") as tell,
            ):
                pull = Pull(
                    store,
                    account.digest,
                    Exports(account.writer.transport),
                    downloads,
                    session.clock,
                    lambda list_id: _label(list_id, lists),
                    session.talk,
                    tell,
                    session.stop,
                )
                # There is nothing to finish: what has come stays, whatever is left behind.
                with stop_on_signals(session.stop, insist=True):
                    exported = pull.run(wanted)
            only = [lists[one].name for one in wanted if one is not None] if names else []
            fields = column_types((*custom, *reserved))
            try:
                origin = AccountInfo(account.digest, {one.id: one.name for one in lists.values()})
                stored = build_dataset(exported, store, fields, origin, only)
            except UnexpectedResponse:
                # The same files would be no better next time.
                pull.finish()
                raise
            pull.finish()
    except OSError as error:
        raise UsageError(
            f"cannot write the contacts to {STATE_FOLDER}/{FOLDER}: "
            f"{error.strerror or type(error).__name__}",
            hint="what has come stays: `segctl contacts pull` goes on from there",
        ) from None
    for name in stored.left_out:
        session.talk(
            f"warning: `{clean(name)}` is left out, since not all of its values can be read"
        )
    lists_known = sum(one is not None for one in wanted)
    of_which = f" ({count(lists_known, 'list')})" if lists_known else ""
    session.show(
        f"{count(stored.total, 'contact')} of `{store.target}`, as of {stored.as_of}{of_which}, "
        f"in {STATE_FOLDER}/{FOLDER}/{store.dataset.name}\n"
    )
    if only:
        session.show(f"They are those on {quote_names(only)} alone: shares are of them.\n")
    if session.config.contacts is None:
        session.talk("Next: segctl preview; `contacts: pulled` in segctl.yaml counts every plan.")


def places(session: Session) -> Iterator[str]:
    """Say what is here of each target: how many contacts, how old, and what is unfinished."""
    for store in find_stores(store_folder(session.project)):
        if store.dataset.exists():
            yield from _described(session, store)
        if store.pull_state.exists():
            yield f"{store.target}: a pull is unfinished; `segctl contacts pull` goes on with it"


def _described(session: Session, store: ContactStore) -> Iterator[str]:
    from segctl.audience.duckdb_engine import EvaluationFailed, import_duckdb  # noqa: PLC0415
    from segctl.contacts.dataset import open_dataset  # noqa: PLC0415 - not for `forget`

    import_duckdb()
    try:
        with open_dataset(store.dataset) as base:
            ((total,),) = base.database.rows(f"SELECT count(*) FROM {base.contacts.source}")  # noqa: S608 - a name of ours
    except (EvaluationFailed, UsageError) as error:
        yield ": ".join(filter(None, (store.target, error.message, error.hint)))
        return
    lists = "all lists" if base.lists is None else count(len(base.lists), "list")
    size = f"{store.dataset.stat().st_size / 1_000_000:,.1f} MB"
    as_of = clean(with_age(base.as_of or "", session.clock.now()))
    yield f"{store.target}: {count(total, 'contact')} as of {as_of} ({lists}, {size})"
    if base.only:
        yield f"  only those on {quote_names(base.only)}"


def _prepare(session: Session, store: ContactStore) -> None:
    """Make the folder for what segctl keeps, and refuse one that contacts must not be in."""
    top = session.root / STATE_FOLDER
    for folder in (top, store.folder):
        if folder.is_symlink():
            raise Refused(
                f"{folder.name} is a link: the contacts would be written to somewhere else",
                hint="remove it",
            )
    make_state_folder(session.root)
    place = Path(STATE_FOLDER) / FOLDER / store.dataset.name
    found = exposure(session.root, place, session.env, ignore=f"{STATE_FOLDER}/")
    if found is not None:
        raise Refused(found.summary, hint=found.hint)


def _mentioned(
    session: Session, account: Account, lists: Mapping[str, ContactList]
) -> Iterator[str]:
    """Give the lists that the segments speak of, as declared and as they are on the account.

    What an account has under a name that a file declares is what a plan would replace: both sides
    of that comparison can be counted then.
    """
    declared = session.declarations.declared
    names = {name for one in declared for name in (one.name, *one.previous_names)}
    there = take_snapshot(
        account.reader,
        lambda listed: [one for one in listed if one.name in names and not one.is_v1],
        cache=account.definitions,
        is_undeclared=lambda _: True,
    )
    asked = [
        one
        for each in declared
        for one in list_ids_of(each.segment.query, each.segment.parent_list_ids)
    ]
    for remote in there.remotes:
        if remote.name in names:
            asked += list_ids_of(remote.query, remote.parent_list_ids or ())
    unknown = dict.fromkeys(one for one in asked if one not in lists)
    if unknown:
        session.talk(
            f"warning: the account has no list {quote_names(unknown)}, which segments speak of"
        )
    yield from dict.fromkeys(one for one in asked if one in lists)


def _find(names: Sequence[str], lists: Collection[ContactList]) -> list[str]:
    """Return the ids of lists by name or id. Raises `UsageError` for those missing or ambiguous."""
    found = find_named(names, lists, "list", "lists have names and ids in SendGrid")
    for name in names:
        if sum(name in (one.id, one.name) for one in found) > 1:
            raise UsageError(
                f"the account has several lists `{clean(name)}`", hint="give its id instead"
            )
    return [one.id for one in found]


def _label(list_id: str | None, lists: Mapping[str, ContactList]) -> str:
    return "all contacts" if list_id is None else f"the list {quote_names([lists[list_id].name])}"
