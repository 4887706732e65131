"""Makes a base of the files of exports: one file of DuckDB, whole or not at all.

Owns what stands in it: `contact_data` in the types of the catalogue, with `list_ids` from the
exports of lists, and `segctl_base`, which says what the base is. What is here already stays until
the new base is complete and checked. Nothing is guessed: exports that do not hold what SendGrid
says make no base, and a column whose values cannot all be read is left out.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segctl.audience.duckdb_engine import Database, EvaluationFailed, FileUnreadable
from segctl.audience.to_duckdb import TYPES
from segctl.audience.typed_sql import name_sql, text_sql
from segctl.common.clock import format_utc
from segctl.contacts.dataset import PULLED_FORMAT
from segctl.contacts.file_readers import read_relation
from segctl.errors import UnexpectedResponse, UsageError
from segctl.planning.list_references import LIST_IDS
from segctl.query.catalogue import CONTACT_DATA, JOIN_COLUMN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from segctl.contacts.file_readers import Relation
    from segctl.contacts.pull import DownloadedExport
    from segctl.contacts.store import ContactStore
    from segctl.query.catalogue import ColumnType

_DOMAINS = "email_domains"


@dataclass(frozen=True, slots=True)
class BuildResult:
    """A new base: how many contacts, the moment that it shows, columns that are left out."""

    total: int
    as_of: str
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """The account that a base is of: its digest, and the names of all its lists by their ids."""

    digest: str
    lists: Mapping[str, str] = field(default_factory=dict)


def build_dataset(
    exported: Sequence[DownloadedExport],
    store: ContactStore,
    fields: Mapping[str, ColumnType],
    account: AccountInfo,
    only: Sequence[str],
) -> BuildResult:
    """Make the base of a target anew.

    Where one of the exports is of all contacts, so is the base; otherwise it is of those on the
    lists. `fields` are the account's own, `only` the names of the lists
    that the base is limited to. Raises `UnexpectedResponse` where the files are not what SendGrid
    said, `UsageError` where the base cannot be written, and `OSError`.
    """
    store.remove_new()
    spill = store.downloads / "spill"
    spill.mkdir(mode=0o700, exist_ok=True)
    try:
        database = Database(temp_folder=spill)
        try:
            stored = _Making(database, exported, store, fields).make(account, only)
        finally:
            database.close()
    except (FileUnreadable, EvaluationFailed) as error:
        if isinstance(error, FileUnreadable):
            raise _unusable(error.message) from None
        raise UsageError(
            "DuckDB could not make the base of the contacts",
            hint="is the disk full? what was fetched stays: run it again",
        ) from None
    store.new_dataset.chmod(0o600)
    with store.new_dataset.open("rb+") as stream:
        os.fsync(stream.fileno())
    store.new_dataset.replace(store.dataset)
    return stored


class _Making:
    """The tables of one base on their way."""

    def __init__(
        self,
        database: Database,
        exported: Sequence[DownloadedExport],
        store: ContactStore,
        fields: Mapping[str, ColumnType],
    ) -> None:
        self.database = database
        self.exported = exported
        self.fields = fields
        self.faulty: set[str] = set()
        self.repeated = False
        database.rows(f"ATTACH {text_sql(str(store.new_dataset.resolve()))} AS made")
        self.relations = {
            one.list_id: [self._relation(path) for path in one.files] for one in exported
        }

    def _relation(self, path: Path) -> Relation:
        try:
            return read_relation(self.database, path.resolve(), "contact_data", self.fields)
        except UsageError as error:
            raise _unusable(error.message) from None

    def make(self, account: AccountInfo, only: Sequence[str]) -> BuildResult:
        for one in self.exported:
            self._check(one)
        of_all = None in self.relations
        source = [
            relation
            for list_id, relations in self.relations.items()
            for relation in relations
            if list_id is None or not of_all
        ]
        self.database.rows(f"CREATE TABLE made.contact_data AS {self._contacts(source)}")
        ((total,),) = self.database.rows("SELECT count(*) FROM made.contact_data")
        as_of = format_utc(min(one.made for one in self.exported))
        lists = sorted(one.list_id for one in self.exported if one.list_id is not None)
        facts = {
            "format": PULLED_FORMAT,
            "as_of": as_of,
            "account": account.digest,
            "account_lists": json.dumps(dict(account.lists)),
            "lists": json.dumps(lists),
            "only": json.dumps(list(only)),
            "distinct": "true",
        }
        self.database.rows("CREATE TABLE made.segctl_base (key VARCHAR PRIMARY KEY, value VARCHAR)")
        for fact in facts.items():
            self.database.rows(
                "INSERT INTO made.segctl_base VALUES ($key, $value)",
                dict(zip(("key", "value"), fact, strict=True)),
            )
        self.database.rows("CHECKPOINT made")
        self.database.rows("DETACH made")
        return BuildResult(total, as_of, tuple(sorted(self.faulty)))

    def _check(self, one: DownloadedExport) -> None:
        """Read an export once: it has as many contacts as SendGrid says, each with an id."""
        total = nameless = 0
        for relation in self.relations[one.list_id]:
            faults = {name: each.fault for name, each in relation.columns.items() if each.fault}
            counts = [
                "count(*)",
                f"count(*) FILTER (WHERE {_id(relation)} IS NULL)",
                f"count(DISTINCT {_id(relation)})",
                *(f"count(*) FILTER (WHERE {fault})" for fault in faults.values()),
            ]
            ((rows, without, different, *bad),) = self.database.rows(
                f"SELECT {', '.join(counts)} FROM {relation.source}"  # noqa: S608 - SQL of our own
            )
            total += rows
            nameless += without
            self.repeated |= different < rows
            self.faulty |= {name for name, number in zip(faults, bad, strict=True) if number}
        if nameless:
            raise _unusable(f"{nameless:,} of its contacts have no id")
        if one.count is not None and one.count != total:
            raise _unusable(f"it holds {total:,} contacts, and SendGrid says {one.count:,}")

    def _contacts(self, source: Sequence[Relation]) -> str:
        """Give all contacts, a row each, with the two columns that an export does not have."""
        kinds = {name: one.kind for each in source for name, one in each.columns.items()}
        kinds = kinds or {**self.fields, **CONTACT_DATA}
        kept = {
            name: TYPES[kind]
            for name, kind in kinds.items()
            if name not in self.faulty and name not in {LIST_IDS, _DOMAINS}
        }
        people = " UNION ALL ".join(_rows(relation, kept) for relation in source)
        people = people or f"{_rows(None, kept)} WHERE false"
        if self.repeated or len(source) > 1:
            # Who is on several lists is in several exports.
            people = f"SELECT DISTINCT ON (contact_id) * FROM ({people})"  # noqa: S608 - SQL of our own
        domains = f", {_DOMAINS_SQL}" if {"email", "alternate_emails"} <= kept.keys() else ""
        return (
            f"SELECT people.*{domains}, coalesce(members.ids, []) AS {LIST_IDS}"  # noqa: S608 - SQL of our own
            f" FROM ({people}) AS people LEFT JOIN ({self._members()}) AS members"
            " ON members.contact_id = people.contact_id"
        )

    def _members(self) -> str:
        """Give the lists of each contact, as far as they have an export of their own."""
        members = [
            f"SELECT {_id(relation)} AS contact_id, {text_sql(list_id)} AS list_id"  # noqa: S608 - SQL of our own
            f" FROM {relation.source}"
            for list_id, relations in self.relations.items()
            if list_id is not None
            for relation in relations
        ]
        nobody = "SELECT CAST(NULL AS VARCHAR) AS contact_id, CAST(NULL AS VARCHAR) AS list_id"
        found = " UNION ALL ".join(members) or f"{nobody} WHERE false"
        ids = "list(DISTINCT list_id ORDER BY list_id) AS ids"
        return f"SELECT contact_id, {ids} FROM ({found}) GROUP BY contact_id"  # noqa: S608 - SQL of our own


_DOMAINS_SQL = (
    "list_distinct(list_transform(list_filter(list_prepend(email, alternate_emails),"
    f" lambda one: one LIKE '%@%'), lambda one: regexp_extract(one, '[^@]*$'))) AS {_DOMAINS}"
)
"""The domains of all addresses, each once."""


def _rows(relation: Relation | None, kept: Mapping[str, str]) -> str:
    columns = {} if relation is None else relation.columns
    values = ", ".join(
        f"CAST({columns[name].value if name in columns else 'NULL'} AS {kind}) AS {name_sql(name)}"
        for name, kind in kept.items()
    )
    source = "" if relation is None else f" FROM {relation.source}"
    return f"SELECT {values}{source}"


def _id(relation: Relation) -> str:
    return relation.columns[JOIN_COLUMN].value


def _unusable(what: str) -> UnexpectedResponse:
    return UnexpectedResponse(
        f"the export of the contacts is not usable: {what}",
        hint="run it again: the next pull begins anew",
        operation="store the contacts",
    )
