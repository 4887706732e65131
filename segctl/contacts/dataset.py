"""An opened data set of contacts: a pulled one, or a team's own files.

Opens the files, and knows what can be used, how old it is and what is missing. Leaves counting to
`counter`, and writes nothing except DuckDB's temporary files, in a folder that is removed
afterwards.
"""

from __future__ import annotations

import json
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from segctl.audience.duckdb_engine import Database, EvaluationFailed
from segctl.audience.scope import Columns
from segctl.audience.typed_sql import name_sql
from segctl.common.clock import format_utc
from segctl.contacts.file_readers import Relation, read_relation
from segctl.contacts.pulled_tables import METADATA, attach_pulled
from segctl.contacts.temp_folders import temp_folder
from segctl.contacts.typed_columns import Column
from segctl.contacts.uniqueness_cache import UniquenessCheck
from segctl.errors import UsageError
from segctl.project.environment import keys_hidden
from segctl.query.catalogue import CONTACT_DATA, JOIN_COLUMN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from segctl.common.folder import Folder
    from segctl.query.catalogue import ColumnType

PULLED_FORMAT = "1"
"""The value of `format` in the metadata of a pulled data set that this version reads."""

ALL_LISTS = "all"
_ALIAS = "pulled"
_MAX_METADATA = 100
"""Rows of metadata: more than any version writes."""


class DatasetMissing(UsageError):
    """A file of contacts or of events does not exist."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Contacts, and perhaps events, that can be counted; `columns` are all the account has.

    `as_of` is the time that pulled contacts show, and `modified_at` the time when the last of a
    team's own files was written (both ISO 8601, UTC); `None` where it does not apply. `account` is
    the digest of the account that contacts were pulled from, and `account_lists` are the lists it
    had: names, or empty texts where they are unknown, by id. `lists` are the ids of the lists whose
    members are known, or `None` for all. `only` names the lists that pulled contacts are limited
    to; it is empty where they are all contacts. `is_distinct`: each row is known to be another
    contact; otherwise `uniqueness` remembers that it turned out to be.
    """

    database: Database
    columns: Columns
    contacts: Relation
    events: Relation | None = None
    as_of: str | None = None
    modified_at: str | None = None
    account: str | None = None
    account_lists: Mapping[str, str] = field(default_factory=dict)
    lists: frozenset[str] | None = None
    only: tuple[str, ...] = ()
    is_distinct: bool = False
    uniqueness: UniquenessCheck | None = None

    @property
    def is_pulled(self) -> bool:
        """Whether `segctl contacts pull` wrote it."""
        return self.as_of is not None

    def relation(self, table: str) -> Relation | None:
        """Return the relation for `contact_data` or `event_data`."""
        return self.contacts if table == "contact_data" else self.events


@contextmanager
def open_dataset(
    contacts: Path,
    events: Path | None = None,
    *,
    is_pulled: bool = False,
    fields: Mapping[str, ColumnType] | None = None,
    used: Collection[str] | None = None,
    temp_root: Folder | None = None,
) -> Iterator[Dataset]:
    """Open files of contacts and of events; with `is_pulled`, `contacts` is a pulled data set.

    `fields` are the account's own, and `used` the names (in lower case) of all columns that
    queries will use. A folder for temporary files is created in `temp_root`; without
    it, all data must fit in memory. The keys are out of the environment meanwhile. Raises
    `DatasetMissing`, `UsageError` and `EvaluationFailed`.
    """
    for path in (contacts, events):
        if path is not None and not path.exists():
            raise DatasetMissing(f"{path.name} not found", hint="check the path")
    # As absolute paths: a relative one could look like the address of a server.
    contacts, *others = [path.resolve() for path in (contacts, events) if path is not None]
    events = others[0] if others else None
    with keys_hidden(), temp_folder(temp_root) if temp_root else nullcontext() as folder:
        database = Database(
            files=others if is_pulled else (contacts, *others),
            databases=[contacts] if is_pulled else (),
            temp_folder=folder,
        )
        try:
            if is_pulled:
                yield _open_pulled(database, contacts, events, fields or {})
            else:
                dataset = _open_files(database, contacts, events, fields or {}, used)
                check = UniquenessCheck.of(contacts, temp_root) if temp_root else None
                is_distinct = check is not None and check.has_passed
                yield replace(dataset, is_distinct=is_distinct, uniqueness=check)
        finally:
            database.close()


def _open_files(
    database: Database,
    contacts_path: Path,
    events_path: Path | None,
    fields: Mapping[str, ColumnType],
    used: Collection[str] | None,
) -> Dataset:
    contacts = read_relation(database, contacts_path, "contact_data", fields, used)
    events = _read_events(database, events_path) if events_path else None
    paths = [path for path in (contacts_path, events_path) if path is not None]
    return Dataset(
        database,
        _columns(contacts, fields),
        contacts,
        events,
        modified_at=_modified_at(*paths),
    )


def _read_events(database: Database, path: Path) -> Relation:
    return read_relation(database, path, "event_data", {}, ())


def _modified_at(*paths: Path) -> str:
    last = max(path.stat().st_mtime for path in paths)
    return format_utc(datetime.fromtimestamp(last, UTC))


def _columns(contacts: Relation, fields: Mapping[str, ColumnType]) -> Columns:
    types = {**fields, **{name: column.type for name, column in contacts.columns.items()}}
    custom = {name: column_type for name, column_type in types.items() if name not in CONTACT_DATA}
    guessed = [name for name, column in contacts.columns.items() if column.guessed]
    return Columns(custom, complete=True, guessed=guessed)


def _open_pulled(
    database: Database, path: Path, events_path: Path | None, fields: Mapping[str, ColumnType]
) -> Dataset:
    try:
        tables = attach_pulled(database, path, _ALIAS)
        metadata = dict(
            database.rows(f"SELECT key, value FROM {_ALIAS}.{METADATA} LIMIT {_MAX_METADATA}")  # noqa: S608 - our own name
        )
        lists = json.loads(metadata["lists"])
        only = json.loads(metadata.get("only", "[]"))
        known_lists = json.loads(metadata.get("account_lists", "[]"))
        # Earlier versions stored the ids alone.
        names = known_lists if isinstance(known_lists, dict) else dict.fromkeys(known_lists, "")
        account_lists = {str(list_id): str(name) for list_id, name in names.items()}
    except (EvaluationFailed, KeyError, ValueError, TypeError):
        raise UsageError(
            f"{path.name} is damaged, or was not written by `segctl contacts pull`",
            hint="run `segctl contacts pull`",
        ) from None
    if metadata.get("format") != PULLED_FORMAT:
        raise UsageError(
            f"{path.name} was pulled by another version of segctl",
            hint="run `segctl contacts pull` again",
        )
    relations = {
        table: Relation(
            path.name,
            f"{_ALIAS}.{table}",
            {name: Column(column_type, name_sql(name)) for name, column_type in types.items()},
        )
        for table, types in tables.items()
    }
    contacts, events = relations.get("contact_data"), relations.get("event_data")
    if contacts is None or JOIN_COLUMN not in contacts.columns:
        raise UsageError(f"{path.name} has no contacts", hint="run `segctl contacts pull` again")
    if events_path is not None and events is not None:
        raise UsageError(f"{path.name} has events of its own", hint="remove the file of events")
    return Dataset(
        database,
        _columns(contacts, fields),
        contacts,
        _read_events(database, events_path) if events_path else events,
        as_of=metadata.get("as_of", ""),
        modified_at=_modified_at(events_path) if events_path else None,
        account=metadata.get("account"),
        account_lists=account_lists,
        lists=None if lists == ALL_LISTS else frozenset(map(str, lists)),
        only=tuple(map(str, only)),
        is_distinct=metadata.get("distinct") == "true",
    )
