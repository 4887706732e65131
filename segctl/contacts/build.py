"""The data set built from the files of exports: one DuckDB file, complete or not at all.

It has `contact_data`, in the types of the catalogue, with `list_ids` from the exports of lists, and
`segctl_base`, its metadata. The earlier data set stays until the new one is complete and checked.
Nothing is guessed: exports that do not match what SendGrid reports build no data set, and a column
with values that cannot be read is left out. Does not download anything: `pull` does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segctl.audience.duckdb_engine import Database, EvaluationFailed, FileUnreadable
from segctl.audience.to_duckdb import TYPES
from segctl.audience.typed_sql import name_sql, text_sql
from segctl.common.clock import format_utc
from segctl.contacts.dataset import PULLED_FORMAT
from segctl.contacts.file_readers import read_relation
from segctl.contacts.pulled_tables import METADATA, METADATA_COLUMNS
from segctl.errors import UnexpectedResponse, UsageError
from segctl.query.catalogue import CONTACT_DATA, JOIN_COLUMN, ColumnType
from segctl.query.list_ids import LIST_IDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from segctl.contacts.file_readers import Relation
    from segctl.contacts.pull import DownloadedExport
    from segctl.contacts.store import ContactStore

_DOMAINS = "email_domains"


@dataclass(frozen=True, slots=True)
class BuildResult:
    """A new data set: its contacts, the time it shows, and the columns that were left out."""

    total: int
    as_of: str
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """The account of a data set: its digest, and the names of all its lists by their ids."""

    digest: str
    lists: Mapping[str, str] = field(default_factory=dict)


def build_dataset(
    exports: Sequence[DownloadedExport],
    store: ContactStore,
    fields: Mapping[str, ColumnType],
    account: AccountInfo,
    only: Sequence[str],
) -> BuildResult:
    """Build the data set of a target, and replace the earlier one.

    It has all contacts where one of the exports does; otherwise it has those on the lists. `fields`
    are the account's own, `only` the names of the lists that the data set is limited to. Raises
    `UnexpectedResponse` where the files do not match what SendGrid reports, `UsageError` where the
    data set cannot be written, and `OSError`.
    """
    new_dataset = store.start_dataset().resolve()
    temp_folder = store.downloads.below("spill")
    temp_folder.make(0o700)
    try:
        database = Database(
            files=[path.resolve() for export in exports for path in export.files],
            databases=[new_dataset],
            temp_folder=temp_folder.path,
        )
        try:
            result = _Builder(database, exports, new_dataset, fields).build(account, only)
        finally:
            database.close()
    except (FileUnreadable, EvaluationFailed) as error:
        if isinstance(error, FileUnreadable):
            raise _unusable(error.message) from None
        raise UsageError(
            "DuckDB could not write the contacts",
            hint="check the free disk space, and run it again: it resumes with the downloads",
        ) from None
    store.finish_dataset()
    return result


class _Builder:
    """Builds the tables of one data set."""

    def __init__(
        self,
        database: Database,
        exports: Sequence[DownloadedExport],
        new_dataset: Path,
        fields: Mapping[str, ColumnType],
    ) -> None:
        self.database = database
        self.exports = exports
        self.fields = fields
        self.faulty: set[str] = set()
        self.has_duplicates = False
        database.attach(new_dataset, "new", read_only=False)
        self.relations = {
            export.list_id: [self._read(path) for path in export.files] for export in exports
        }

    def _read(self, path: Path) -> Relation:
        try:
            return read_relation(self.database, path.resolve(), "contact_data", self.fields)
        except UsageError as error:
            raise _unusable(error.message) from None

    def build(self, account: AccountInfo, only: Sequence[str]) -> BuildResult:
        for export in self.exports:
            self._check(export)
        has_all = None in self.relations
        relations = [
            relation
            for list_id, list_relations in self.relations.items()
            for relation in list_relations
            if list_id is None or not has_all
        ]
        self.database.rows(f"CREATE TABLE new.contact_data AS {self._contacts_sql(relations)}")
        ((total,),) = self.database.rows("SELECT count(*) FROM new.contact_data")
        as_of = format_utc(min(export.created_at for export in self.exports))
        lists = sorted(export.list_id for export in self.exports if export.list_id is not None)
        metadata = {
            "format": PULLED_FORMAT,
            "as_of": as_of,
            "account": account.digest,
            "account_lists": json.dumps(dict(account.lists)),
            "lists": json.dumps(lists),
            "only": json.dumps(list(only)),
            "distinct": "true",
        }
        self.database.rows(f"CREATE TABLE new.{METADATA} ({METADATA_COLUMNS})")
        for key, value in metadata.items():
            self.database.rows(
                f"INSERT INTO new.{METADATA} VALUES ($key, $value)",  # noqa: S608 - our own name
                {"key": key, "value": value},
            )
        self.database.rows("CHECKPOINT new")
        self.database.rows("DETACH new")
        return BuildResult(total, as_of, tuple(sorted(self.faulty)))

    def _check(self, export: DownloadedExport) -> None:
        """Check that an export has as many contacts as SendGrid reports, each with an id."""
        total = without_id = 0
        for relation in self.relations[export.list_id]:
            faults = {
                name: column.fault for name, column in relation.columns.items() if column.fault
            }
            counts = [
                "count(*)",
                f"count(*) FILTER (WHERE {_id(relation)} IS NULL)",
                f"count(DISTINCT {_id(relation)})",
                *(f"count(*) FILTER (WHERE {fault})" for fault in faults.values()),
            ]
            ((rows, rows_without_id, ids, *fault_counts),) = self.database.rows(
                f"SELECT {', '.join(counts)} FROM {relation.source}"  # noqa: S608 - SQL of our own
            )
            total += rows
            without_id += rows_without_id
            self.has_duplicates |= ids < rows
            self.faulty |= {name for name, count in zip(faults, fault_counts, strict=True) if count}
        if without_id:
            raise _unusable(f"{without_id:,} of its contacts have no id")
        if export.count is not None and export.count != total:
            raise _unusable(f"it has {total:,} contacts, but SendGrid reports {export.count:,}")

    def _contacts_sql(self, relations: Sequence[Relation]) -> str:
        """Return all contacts, a row each, with the two columns that an export does not have."""
        types = {
            name: column.type for relation in relations for name, column in relation.columns.items()
        }
        types = types or {**self.fields, **CONTACT_DATA}
        columns = {
            name: TYPES[column_type]
            for name, column_type in types.items()
            if name not in self.faulty and name not in {LIST_IDS, _DOMAINS}
        }
        contacts = " UNION ALL ".join(_rows_sql(relation, columns) for relation in relations)
        contacts = contacts or f"{_rows_sql(None, columns)} WHERE false"
        if self.has_duplicates or len(relations) > 1:
            # A contact on several lists is in several exports.
            contacts = f"SELECT DISTINCT ON (contact_id) * FROM ({contacts})"  # noqa: S608 - SQL of our own
        has_addresses = {"email", "alternate_emails"} <= columns.keys()
        domains = f", {_DOMAINS_SQL}" if has_addresses else ""
        return (
            f"SELECT contacts.*{domains}, coalesce(members.ids, []) AS {LIST_IDS}"  # noqa: S608 - SQL of our own
            f" FROM ({contacts}) AS contacts LEFT JOIN ({self._members_sql()}) AS members"
            " ON members.contact_id = contacts.contact_id"
        )

    def _members_sql(self) -> str:
        """Return the lists of each contact, among those with an export of their own."""
        members = [
            f"SELECT {_id(relation)} AS contact_id, {text_sql(list_id)} AS list_id"  # noqa: S608 - SQL of our own
            f" FROM {relation.source}"
            for list_id, relations in self.relations.items()
            if list_id is not None
            for relation in relations
        ]
        none = (
            "SELECT CAST(NULL AS VARCHAR) AS contact_id, CAST(NULL AS VARCHAR) AS list_id"
            " WHERE false"
        )
        rows = " UNION ALL ".join(members) or none
        ids = "list(DISTINCT list_id ORDER BY list_id) AS ids"
        return f"SELECT contact_id, {ids} FROM ({rows}) GROUP BY contact_id"  # noqa: S608 - SQL of our own


_DOMAINS_SQL = (
    "list_distinct(list_transform(list_filter(list_prepend(email, alternate_emails),"
    " lambda address: address LIKE '%@%'),"
    f" lambda address: regexp_extract(address, '[^@]*$'))) AS {_DOMAINS}"
)
"""The domains of all addresses, without duplicates."""


def _rows_sql(relation: Relation | None, types: Mapping[str, str]) -> str:
    columns = {} if relation is None else relation.columns
    values = ", ".join(
        f"CAST({columns[name].value if name in columns else _missing(duckdb_type)}"
        f" AS {duckdb_type}) AS {name_sql(name)}"
        for name, duckdb_type in types.items()
    )
    source = "" if relation is None else f" FROM {relation.source}"
    return f"SELECT {values}{source}"


def _missing(duckdb_type: str) -> str:
    return "[]" if duckdb_type == TYPES[ColumnType.ARRAY] else "NULL"


def _id(relation: Relation) -> str:
    return relation.columns[JOIN_COLUMN].value


def _unusable(reason: str) -> UnexpectedResponse:
    return UnexpectedResponse(
        f"the export of the contacts is unusable: {reason}",
        hint="run it again to start a new export",
        operation="store the contacts",
    )
