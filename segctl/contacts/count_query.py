"""The SQL that counts many audiences in a data set.

The contacts are read once, however many audiences there are, and so are the events: conditions on
single events are flags, and one pass computes them all. Only other uses of events (two events
compared with each other, an event with its contact) are subqueries; then the columns of the events
that are used are materialized first, so that the file is still read once. Many such queries are
planned in parts, a few at a time, whose results are materialized, too. The JSON of an event is read
once as well, however many paths are used.

Writes the statement. What the numbers mean is up to `counter`.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from segctl.audience.scope import CONTACT
from segctl.audience.subqueries import EVENT
from segctl.audience.typed_sql import name_sql, path_columns
from segctl.query.catalogue import JOIN_COLUMN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from segctl.audience.to_duckdb import Audience
    from segctl.contacts.dataset import Dataset
    from segctl.contacts.file_readers import Relation

MAX_SUBQUERIES = 8
"""Subqueries in one statement: DuckDB needs half a minute to plan a statement with 64 of them."""

_TABLES = ("contact_data", "event_data")
ColumnKey = tuple[str, str]
"""A column: the name of its table, and its own."""

_EVENT_ID = ("event_data", JOIN_COLUMN)
# With a space in it, which no field of an account has in its name.
_ROW = name_sql("the row")


class CountQuery:
    """A statement; `names` has the column of each audience, which is true for its contacts.

    A measure is an aggregate over all contacts, in which `id` is the contact_id and `email` the
    address, if requested. `faults` has, for each column, the measure that counts its faulty values;
    that of the events' contact_id counts events without one.
    """

    def __init__(
        self,
        dataset: Dataset,
        audiences: Sequence[Audience],
        *,
        emails: bool = False,
        isolated: bool = False,
    ) -> None:
        """`isolated` computes every condition as if it were alone, and for all rows.

        Otherwise the other conditions decide whether a condition is computed for an event on which
        it fails.
        """
        self._dataset = dataset
        self._conditions: dict[str, str] = {}
        self._measures: dict[str, int] = {}
        self._flags: dict[str, str] = {}
        self._paths: dict[str, str] = {}
        columns: dict[ColumnKey, None] = {("contact_data", JOIN_COLUMN): None}
        if emails:
            columns["contact_data", "email"] = None
        for audience in audiences:
            self._conditions.setdefault(audience.condition.sql, f"a{len(self._conditions)}")
            self._flags |= audience.flags
            self._paths |= audience.paths
            columns |= dict.fromkeys((use.table, use.column) for use in audience.column_uses)
        self.names = [self._conditions[audience.condition.sql] for audience in audiences]
        self._uses_events = any(audience.uses_events for audience in audiences)
        if self._uses_events:
            columns[_EVENT_ID] = None
        self._columns = [*columns]
        self._emails = emails
        self._measures_shared = False
        sql = " ".join([*self._conditions, *self._flags.values()])
        # A text in a query can look like this, too; then a table is materialized needlessly.
        self._materialized = {table: f"{table} AS" in sql for table in _TABLES}
        self._isolated = isolated
        self._parts = self._split_subqueries()
        if isolated:
            for name in self._conditions.values():
                self.measure_count(name)
        if self._parts:
            self._materialized = dict.fromkeys(_TABLES, True)
        self.faults = {
            column: self.measure(self._count_faults(index, column))
            for index, column in self._fallible()
        }

    def measure(self, sql: str) -> int:
        """Add a measure; return its index in the row."""
        return self._measures.setdefault(sql, len(self._measures))

    def measure_count(self, condition: str) -> int:
        """Add the number of contacts that fulfil a condition; return its index."""
        return self.measure(f"count(*) FILTER (WHERE {condition})")

    def measure_shared(self) -> int:
        """Add the number of contacts in any two audiences at once; return the index of the list.

        It has triples: the numbers of two names, and how many contacts are in both. Pairs without
        contacts are missing. One aggregate for each pair would be thousands.
        """
        self._measures_shared = True
        return self.measure("(SELECT list([first, second, contacts]) FROM shared)")

    def measure_flagged(self) -> tuple[int, int] | None:
        """Add the number of ids with an event that sets a flag, and of contacts among them.

        Return their indexes, or `None` where no query uses a flag.
        """
        if not self._flags:
            return None
        ids = f"(SELECT count({JOIN_COLUMN}) FROM flags)"  # noqa: S608 - our own names
        return self.measure(ids), self.measure("count(flagged)")

    def run(self, now: datetime) -> tuple[Any, ...]:
        """Run the statement and return all measures. Raises `EvaluationFailed`."""
        time = now.astimezone(UTC).replace(tzinfo=None)

        def rows(sql: str) -> list[tuple[Any, ...]]:
            return self._dataset.database.rows(sql, {"now": time} if "$now" in sql else {})

        tables = {**self._tables(), **self._part_tables()} if self._parts else {}
        try:
            for name, sql in tables.items():
                rows(f"CREATE TEMP TABLE {name} AS {sql}")
            (row,) = rows(self.text())
        finally:
            for name in tables:
                rows(f"DROP TABLE IF EXISTS temp.{name}")
        return row

    def text(self) -> str:
        """Return the statement."""
        tables = [] if self._parts else [
            f"{name} AS {'' if self._materialized.get(name, True) else 'NOT '}MATERIALIZED ({sql})"
            for name, sql in self._tables().items()
        ]  # fmt: skip
        tables += [f"contacts AS ({self._contacts_sql()})"]
        tables += self._shared_tables() if self._measures_shared else ()
        return (
            f"WITH {', '.join(tables)}"  # noqa: S608 - translated, and quoted names
            f" SELECT {', '.join(self._measures)} FROM contacts"
        )

    def _tables(self) -> dict[str, str]:
        """Return the used columns of contacts and events, and the flags."""
        tables = {"contact_data": self._table("contact_data", self._dataset.contacts)}
        if self._uses_events and self._dataset.events is not None:
            tables["event_data"] = self._table("event_data", self._dataset.events)
        if self._flags:
            tables["flags"] = self._flags_sql()
        return tables

    def _part_tables(self) -> dict[str, str]:
        return {
            part: f"SELECT {CONTACT}.{_ROW}, {_named(conditions)} FROM {self._contact_source()}"  # noqa: S608 - as above
            for part, conditions in self._parts.items()
        }

    def _contacts_sql(self) -> str:
        """Return the contacts, and for each which conditions it fulfils."""
        columns = [f"{CONTACT}.{JOIN_COLUMN} AS id"]
        columns += [f"f.{JOIN_COLUMN} AS flagged"] if self._flags else []
        columns += [f"{CONTACT}.email AS email"] if self._emails else []
        columns += [
            f"{CONTACT}.{_fault_name(index)}"
            for index, (table, _) in self._fallible()
            if table == "contact_data"
        ]
        in_parts = {
            name: f"{part}.{name}"
            for part, conditions in self._parts.items()
            for name in conditions
        }
        conditions = {name: in_parts.get(name, sql) for sql, name in self._conditions.items()}
        columns += [_named(conditions)] if conditions else []
        joins = [f" JOIN {part} ON {part}.{_ROW} = {CONTACT}.{_ROW}" for part in self._parts]
        return f"SELECT {', '.join(columns)} FROM {self._contact_source()}{''.join(joins)}"  # noqa: S608 - as above

    def _contact_source(self) -> str:
        """Return the contact that a condition is about, with its flags, for FROM."""
        source = f"contact_data AS {CONTACT}"
        if self._flags:
            source += f" LEFT JOIN flags AS f ON f.{JOIN_COLUMN} = {CONTACT}.{JOIN_COLUMN}"
        return source

    def _split_subqueries(self) -> dict[str, dict[str, str]]:
        """Return the conditions with subqueries in parts, where one statement has too many.

        Each part becomes a table with a row for each contact, planned on its own.
        """
        subqueries = [(name, sql) for sql, name in self._conditions.items() if has_subquery(sql)]
        size = 1 if self._isolated else MAX_SUBQUERIES
        if len(subqueries) <= size and not self._isolated:
            return {}
        return {
            f"part{start}": dict(subqueries[start : start + size])
            for start in range(0, len(subqueries), size)
        }

    def _shared_tables(self) -> tuple[str, str]:
        """Return the tables for `shared`: few contacts differ in all audiences they are in."""
        numbers = ", ".join(
            f"CASE WHEN {name} THEN {number} END"
            for number, name in enumerate(self._conditions.values())
        )
        members = f"list_filter([{numbers}], lambda number: number IS NOT NULL)"
        groups = f"SELECT {members} AS numbers, count(*) AS contacts FROM contacts GROUP BY ALL"  # noqa: S608 - our own
        firsts = "SELECT unnest(numbers) AS first, numbers, contacts FROM groups"
        pairs = f"SELECT first, unnest(numbers) AS second, contacts FROM ({firsts})"  # noqa: S608 - our own
        shared = (
            "SELECT first, second, CAST(sum(contacts) AS BIGINT) AS contacts"  # noqa: S608 - our own
            f" FROM ({pairs}) WHERE first <= second GROUP BY ALL"
        )
        return f"groups AS ({groups})", f"shared AS ({shared})"

    def _fallible(self) -> list[tuple[int, ColumnKey]]:
        """Return the columns that may have faulty values, with their index in `_columns`."""
        return [
            (index, (table, column))
            for index, (table, column) in enumerate(self._columns)
            if (table, column) == _EVENT_ID or self._relation(table).columns[column].fault
        ]

    def _relation(self, table: str) -> Relation:
        relation = self._dataset.relation(table)
        if relation is None:
            raise ValueError(f"the data set has no {table}")
        return relation

    def _count_faults(self, index: int, column: ColumnKey) -> str:
        if column[0] == "contact_data":
            return f"count(*) FILTER (WHERE {_fault_name(index)})"
        where = f"WHERE {JOIN_COLUMN} IS NULL"
        if self._flags and not self._materialized["event_data"]:
            if column == _EVENT_ID:
                return f"(SELECT count(*) FROM flags {where})"  # noqa: S608 - our own names
            return f"(SELECT COALESCE(sum({_fault_name(index)}), 0) FROM flags)"  # noqa: S608 - as above
        if column != _EVENT_ID:
            where = f"WHERE {_fault_name(index)}"
        return f"(SELECT count(*) FROM event_data {where})"  # noqa: S608 - as above

    def _table(self, table: str, relation: Relation) -> str:
        """Return the used columns of a relation."""
        columns = [
            f"{relation.columns[column].value} AS {name_sql(column)}"
            for owner, column in self._columns
            if owner == table
        ]
        columns += [
            f"{relation.columns[column].fault} AS {_fault_name(index)}"
            for index, (owner, column) in self._fallible()
            if owner == table and (owner, column) != _EVENT_ID
        ]
        if table == "contact_data" and self._parts:
            columns.append(f"row_number() OVER () AS {_ROW}")
        rows = f"SELECT {', '.join(columns)} FROM {relation.source}"  # noqa: S608 - as above
        if table == "event_data" and self._paths:
            rows = self._with_paths(rows)
        return rows

    def _with_paths(self, rows: str) -> str:
        """Return rows of events with the values at the paths into DATA, each JSON read once."""
        columns = []
        for index, name in enumerate(self._paths, 1):
            json_type, text = path_columns(name)
            columns.append(f"json_type(inside[{index}]) AS {json_type}")
            columns.append(f"json_extract_string(inside[{index}], '$') AS {text}")
        paths = ", ".join(self._paths.values())
        extracted = f"SELECT *, json_extract(data, [{paths}]) AS inside FROM ({rows})"  # noqa: S608 - as above
        return f"SELECT * EXCLUDE (inside), {', '.join(columns)} FROM ({extracted})"  # noqa: S608 - as above

    def _flags_sql(self) -> str:
        """Return the pass over the events: for each contact, the flags that its events set."""
        faults = [
            _fault_name(index)
            for index, column in self._fallible()
            if column[0] == "event_data" and column != _EVENT_ID
        ]
        columns = [f"bool_or({sql}) AS {name}" for name, sql in self._flags.items()]
        if len(self._flags) == 1 and not faults and not self._isolated:
            # Only events that set the flag are left.
            columns = [f"TRUE AS {name}" for name in self._flags]
        columns += [f"count(*) FILTER (WHERE {fault}) AS {fault}" for fault in faults]
        where = "TRUE" if self._isolated else " OR ".join([*self._flags.values(), *faults])
        return (
            f"SELECT {JOIN_COLUMN}, {', '.join(columns)}"  # noqa: S608 - as above
            f" FROM event_data AS {EVENT} WHERE {where} GROUP BY {JOIN_COLUMN}"
        )


def has_subquery(sql: str) -> bool:
    """Return whether a condition uses events, or other contacts, without flags."""
    return any(f"{table} AS" in sql for table in _TABLES)


def _named(conditions: Mapping[str, str]) -> str:
    return ", ".join(f"{sql} AS {name}" for name, sql in conditions.items())


def _fault_name(index: int) -> str:
    # With a space, as the name of the row.
    return name_sql(f"fault {index}")
