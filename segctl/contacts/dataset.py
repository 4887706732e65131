"""An opened base of contacts: what can be asked of it, how old it is, what it does not know.

Owns the way from a file, or two, to a `Dataset`: a pulled one or a team's own export. Refuses to
count (`counter`), and to write anything but what DuckDB puts aside while it works, in a folder of
its own that is gone afterwards.
"""

from __future__ import annotations

import json
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from segctl.audience.duckdb_engine import Database, EvaluationFailed
from segctl.audience.scope import Columns
from segctl.audience.typed_sql import name_sql
from segctl.common.clock import format_utc
from segctl.contacts.file_readers import KINDS, Column, Format, Relation, format_of, read_relation
from segctl.contacts.temp_folders import temp_folder
from segctl.contacts.uniqueness_cache import Check
from segctl.errors import UsageError
from segctl.query.catalogue import CONTACT_DATA, JOIN_COLUMN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from segctl.query.catalogue import ColumnType

PULLED_FORMAT = "1"
"""What `format` says in the metadata of a pulled base that we read."""

ALL_LISTS = "all"
_ALIAS = "pulled"
_TABLES = ("contact_data", "event_data")


class DatasetMissing(UsageError):
    """There is no base where one should be."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Contacts, and perhaps events, that can be counted; `columns` are all that the account has.

    `as_of` is the moment that a pulled base shows, and `modified_at` that when the last of
    somebody's own files was written (both ISO 8601, UTC); `None` where there is no such.
    `account` is the digest of the account that a base was pulled from, and `account_lists` are the
    lists that it had: names, or empty texts where they were not kept, by id. `lists` are the ids of
    those whose members are known, or `None` for all. `only` has the names of those that a pulled
    base is limited to, and is empty where it has all contacts. `is_distinct` says that each row is
    known to be a contact of its own; where it is not, `check` remembers that it turned out to be.
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
    check: Check | None = None

    @property
    def is_pulled(self) -> bool:
        """Whether `segctl contacts pull` wrote it."""
        return self.as_of is not None

    def relation(self, table: str) -> Relation | None:
        """Give what stands for `contact_data` or `event_data`."""
        return self.contacts if table == "contact_data" else self.events


@contextmanager
def open_dataset(
    contacts: Path,
    events: Path | None = None,
    *,
    fields: Mapping[str, ColumnType] | None = None,
    asked: Collection[str] | None = None,
    temp_root: Path | None = None,
) -> Iterator[Dataset]:
    """Open a base: a pulled one, or files of contacts and of events.

    `fields` are the account's own, as fields.yaml knows them, and `asked` the names (in lower case)
    of all columns that will be asked. In `temp_root`, a folder of our own is made for what does not
    fit into memory; without it, all must. Raises `DatasetMissing`, `UsageError` and
    `EvaluationFailed`.
    """
    with temp_folder(temp_root) if temp_root else nullcontext() as spill:
        database = Database(temp_folder=spill)
        try:
            if not contacts.exists():
                raise DatasetMissing(f"there is no file {contacts.name}", hint="check the path")
            if format_of(contacts) is Format.DUCKDB:
                yield _pulled(database, contacts, events, fields or {})
            else:
                base = _own(database, contacts, events, fields or {}, asked)
                check = Check.of(contacts.resolve(), temp_root) if temp_root else None
                is_distinct = check is not None and check.is_done
                yield replace(base, is_distinct=is_distinct, check=check)
        finally:
            database.close()


def _own(
    database: Database,
    contacts: Path,
    events: Path | None,
    fields: Mapping[str, ColumnType],
    asked: Collection[str] | None,
) -> Dataset:
    # As absolute paths: a relative one could look like the address of a server.
    paths = [path.resolve() for path in (contacts, events) if path is not None]
    database.lock(*paths)
    people = read_relation(database, paths[0], "contact_data", fields, asked)
    happened = _happened(database, paths[1]) if events else None
    return Dataset(
        database, _columns(people, fields), people, happened, modified_at=_modified_at(*paths)
    )


def _happened(database: Database, path: Path) -> Relation:
    return read_relation(database, path, "event_data", {}, ())


def _modified_at(*paths: Path) -> str:
    last = max(path.stat().st_mtime for path in paths)
    return format_utc(datetime.fromtimestamp(last, UTC))


def _columns(people: Relation, fields: Mapping[str, ColumnType]) -> Columns:
    there = {name: column.kind for name, column in people.columns.items()}
    others = {name: kind for name, kind in {**fields, **there}.items() if name not in CONTACT_DATA}
    guessed = [name for name, column in people.columns.items() if column.guessed]
    return Columns(others, complete=True, guessed=guessed)


def _pulled(
    database: Database, path: Path, events: Path | None, fields: Mapping[str, ColumnType]
) -> Dataset:
    try:
        database.attach(path.resolve(), _ALIAS)
        facts = dict(database.rows(f"SELECT key, value FROM {_ALIAS}.segctl_base"))  # noqa: S608 - our own name
        lists = json.loads(facts["lists"])
        only, had = (json.loads(facts.get(key, "[]")) for key in ("only", "account_lists"))
        # Bases of former versions know the ids alone.
        named = had if isinstance(had, dict) else dict.fromkeys(had, "")
        account_lists = {str(list_id): str(name) for list_id, name in named.items()}
    except (EvaluationFailed, KeyError, ValueError, TypeError):
        raise UsageError(
            f"{path.name} is no base that segctl pulled, or it is broken",
            hint="run `segctl contacts pull`",
        ) from None
    if facts.get("format") != PULLED_FORMAT:
        raise UsageError(
            f"{path.name} was pulled by another version of segctl",
            hint="run `segctl contacts pull` again",
        )
    own = [] if events is None else [events.resolve()]
    database.lock(*own)
    relations = {table: _table(database, table, path.name) for table in _TABLES}
    people, happened = relations["contact_data"], relations["event_data"]
    if people is None or JOIN_COLUMN not in people.columns:
        raise UsageError(f"{path.name} has no contacts", hint="run `segctl contacts pull` again")
    if own and happened is not None:
        raise UsageError(f"{path.name} has its own events", hint="leave out the other ones")
    return Dataset(
        database,
        _columns(people, fields),
        people,
        _happened(database, own[0]) if own else happened,
        as_of=facts.get("as_of", ""),
        modified_at=_modified_at(*own) if own else None,
        account=facts.get("account"),
        account_lists=account_lists,
        lists=None if lists == ALL_LISTS else frozenset(map(str, lists)),
        only=tuple(map(str, only)),
        is_distinct=facts.get("distinct") == "true",
    )


def _table(database: Database, table: str, name: str) -> Relation | None:
    """Take a table of a pulled base, whose columns have their types already."""
    source = f"{_ALIAS}.{table}"
    rows: list[tuple[str, ...]] = []
    with suppress(EvaluationFailed):
        rows = database.rows(f"DESCRIBE {source}")
    if not rows:
        return None
    columns = {row[0]: Column(KINDS[row[1]], name_sql(row[0])) for row in rows if row[1] in KINDS}
    return Relation(name, source, columns)
