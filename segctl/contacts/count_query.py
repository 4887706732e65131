"""The SQL that counts many audiences in a base.

The contacts are read once, however many audiences there are, and so are the events: what queries
ask of single events are flags, all of them made in one pass. Only what a query asks otherwise (two
events compared with each other, an event with its contact) is a subquery; then the columns of the
events that matter are put aside first, so that the file is still read once. Of many such queries,
some at a time say who is in, and what they say is put aside, too. The JSON of an event is
read once as well, whatever is asked of it.

Owns the text of the statement; `counter` knows what the numbers mean.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from segctl.audience.conditions import CONTACT, EVENT
from segctl.audience.typed_sql import name_sql, path_columns
from segctl.query.catalogue import JOIN_COLUMN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from segctl.audience.to_duckdb import Audience
    from segctl.contacts.dataset import Dataset
    from segctl.contacts.file_readers import Relation

MOST_SUBQUERIES = 8
"""How many are planned together: DuckDB takes half a minute to plan a statement with 64 of them."""

_TABLES = ("contact_data", "event_data")
Asked = tuple[str, str]
"""A column: the name of its table, and its own."""

_EVENT_ID = ("event_data", JOIN_COLUMN)
# With a blank in it, which no field of an account has in its name.
_ROW = name_sql("the row")


class Statement:
    """A statement: `names` are those of the audiences, columns of each contact for a measure.

    A measure is an aggregate over all contacts, of which `id` is the contact_id and `email` the
    address, if that was asked for. `faults` say where in the row the number of faults of a column
    is; that of the events' contact_id counts events without one.
    """

    def __init__(
        self,
        base: Dataset,
        audiences: Sequence[Audience],
        *,
        emails: bool = False,
        wholly: bool = False,
    ) -> None:
        """`wholly` computes every condition as if it stood alone, and all of it.

        Otherwise it depends on what stands beside a condition whether it is computed for an event
        on which it fails.
        """
        self._base = base
        self._conditions: dict[str, str] = {}
        self._measures: dict[str, int] = {}
        self._flags: dict[str, str] = {}
        self._paths: dict[str, str] = {}
        asked: dict[Asked, None] = {("contact_data", JOIN_COLUMN): None}
        if emails:
            asked["contact_data", "email"] = None
        for one in audiences:
            self._conditions.setdefault(one.condition.sql, f"a{len(self._conditions)}")
            self._flags |= one.flags
            self._paths |= one.paths
            asked |= dict.fromkeys((column.table, column.column) for column in one.column_uses)
        self.names = [self._conditions[one.condition.sql] for one in audiences]
        self._uses_events = any(one.uses_events for one in audiences)
        if self._uses_events:
            asked[_EVENT_ID] = None
        self._asked = [*asked]
        self._emails = emails
        self._shares = False
        written = " ".join([*self._conditions, *self._flags.values()])
        # A text in a query can look like this, too; then a table is put aside in vain.
        self._aside = {table: f"{table} AS" in written for table in _TABLES}
        self._wholly = wholly
        self._parts = self._shared_out()
        if wholly:
            for name in self._conditions.values():
                self.count(name)
        if self._parts:
            self._aside = dict.fromkeys(_TABLES, True)
        self.faults = {
            one: self.measure(self._faults(place, one)) for place, one in self._can_fail()
        }

    def measure(self, sql: str) -> int:
        """Take in something to measure; give its place in the row that comes out."""
        return self._measures.setdefault(sql, len(self._measures))

    def count(self, condition: str) -> int:
        """Take in a condition, and count the contacts that fulfil it."""
        return self.measure(f"count(*) FILTER (WHERE {condition})")

    def shared(self) -> int:
        """Take in how many contacts are in any two audiences at once; give the place of the list.

        It has triples: the numbers of two names, and how many contacts fulfil both of them. What is
        not in it is shared by nobody. One aggregate for each two would be thousands.
        """
        self._shares = True
        return self.measure("(SELECT list([one, other, contacts]) FROM shared)")

    def raised(self) -> tuple[int, int] | None:
        """Take in whose events raise a flag: how many ids, and how many of them are contacts'.

        `None` where no query asks events by a flag.
        """
        if not self._flags:
            return None
        ids = f"(SELECT count({JOIN_COLUMN}) FROM flags)"  # noqa: S608 - our own names
        return self.measure(ids), self.measure("count(raised)")

    def run(self, now: datetime) -> tuple[Any, ...]:
        """Give all measures. Raises `EvaluationFailed`."""
        moment = now.astimezone(UTC).replace(tzinfo=None)

        def rows(sql: str) -> list[tuple[Any, ...]]:
            return self._base.database.rows(sql, {"now": moment} if "$now" in sql else {})

        aside = {**self._tables(), **self._parts_sql()} if self._parts else {}
        try:
            for name, sql in aside.items():
                rows(f"CREATE TEMP TABLE {name} AS {sql}")
            (row,) = rows(self.text())
        finally:
            for name in aside:
                rows(f"DROP TABLE IF EXISTS temp.{name}")
        return row

    def text(self) -> str:
        """Write the statement that gives the row."""
        tables = [] if self._parts else [
            f"{name} AS {'' if self._aside.get(name, True) else 'NOT '}MATERIALIZED ({sql})"
            for name, sql in self._tables().items()
        ]  # fmt: skip
        tables += [f"people AS ({self._people_sql()})"]
        tables += self._shared_sql() if self._shares else ()
        return (
            f"WITH {', '.join(tables)}"  # noqa: S608 - translated, and quoted names
            f" SELECT {', '.join(self._measures)} FROM people"
        )

    def _tables(self) -> dict[str, str]:
        """Write what is asked of contacts and events, and the flags."""
        tables = {"contact_data": self._table("contact_data", self._base.contacts)}
        if self._uses_events and self._base.events is not None:
            tables["event_data"] = self._table("event_data", self._base.events)
        if self._flags:
            tables["flags"] = self._flags_sql()
        return tables

    def _parts_sql(self) -> dict[str, str]:
        return {
            part: f"SELECT {CONTACT}.{_ROW}, {_named(conditions)} FROM {self._contact_sql()}"  # noqa: S608 - as above
            for part, conditions in self._parts.items()
        }

    def _people_sql(self) -> str:
        """Write the contacts, and for each which conditions it fulfils."""
        columns = [f"{CONTACT}.{JOIN_COLUMN} AS id"]
        columns += [f"f.{JOIN_COLUMN} AS raised"] if self._flags else []
        columns += [f"{CONTACT}.email AS email"] if self._emails else []
        columns += [
            f"{CONTACT}.{_fault(place)}"
            for place, (table, _) in self._can_fail()
            if table == "contact_data"
        ]
        apart = {name: f"{part}.{name}" for part, some in self._parts.items() for name in some}
        conditions = {name: apart.get(name, sql) for sql, name in self._conditions.items()}
        columns += [_named(conditions)] if conditions else []
        joins = [f" JOIN {part} ON {part}.{_ROW} = {CONTACT}.{_ROW}" for part in self._parts]
        return f"SELECT {', '.join(columns)} FROM {self._contact_sql()}{''.join(joins)}"  # noqa: S608 - as above

    def _contact_sql(self) -> str:
        """Write the contact that a condition is about, with its flags, for FROM."""
        contact = f"contact_data AS {CONTACT}"
        if self._flags:
            contact += f" LEFT JOIN flags AS f ON f.{JOIN_COLUMN} = {CONTACT}.{JOIN_COLUMN}"
        return contact

    def _shared_out(self) -> dict[str, dict[str, str]]:
        """Share out the conditions with subqueries, where they are too many for one statement.

        Each part becomes a table with a row for each contact, planned by itself.
        """
        heavy = [(name, sql) for sql, name in self._conditions.items() if has_subquery(sql)]
        most = 1 if self._wholly else MOST_SUBQUERIES
        if len(heavy) <= most and not self._wholly:
            return {}
        return {f"part{at}": dict(heavy[at : at + most]) for at in range(0, len(heavy), most)}

    def _shared_sql(self) -> tuple[str, str]:
        """Write the tables behind `shared`: few contacts differ in all that they are in."""
        numbers = ", ".join(
            f"CASE WHEN {name} THEN {number} END"
            for number, name in enumerate(self._conditions.values())
        )
        inside = f"list_filter([{numbers}], lambda number: number IS NOT NULL)"
        groups = f"SELECT {inside} AS numbers, count(*) AS contacts FROM people GROUP BY ALL"  # noqa: S608 - our own
        firsts = "SELECT unnest(numbers) AS one, numbers, contacts FROM groups"
        pairs = f"SELECT one, unnest(numbers) AS other, contacts FROM ({firsts})"  # noqa: S608 - our own
        shared = (
            "SELECT one, other, CAST(sum(contacts) AS BIGINT) AS contacts"  # noqa: S608 - our own
            f" FROM ({pairs}) WHERE one <= other GROUP BY ALL"
        )
        return f"groups AS ({groups})", f"shared AS ({shared})"

    def _can_fail(self) -> list[tuple[int, Asked]]:
        """Give the columns whose values may be none of their type, by their place in `asked`."""
        return [
            (place, (table, column))
            for place, (table, column) in enumerate(self._asked)
            if (table, column) == _EVENT_ID or self._relation(table).columns[column].fault
        ]

    def _relation(self, table: str) -> Relation:
        relation = self._base.relation(table)
        if relation is None:
            raise ValueError(f"the base has no {table}")
        return relation

    def _faults(self, place: int, asked: Asked) -> str:
        if asked[0] == "contact_data":
            return f"count(*) FILTER (WHERE {_fault(place)})"
        where = f"WHERE {JOIN_COLUMN} IS NULL"
        if self._flags and not self._aside["event_data"]:
            if asked == _EVENT_ID:
                return f"(SELECT count(*) FROM flags {where})"  # noqa: S608 - our own names
            return f"(SELECT COALESCE(sum({_fault(place)}), 0) FROM flags)"  # noqa: S608 - as above
        if asked != _EVENT_ID:
            where = f"WHERE {_fault(place)}"
        return f"(SELECT count(*) FROM event_data {where})"  # noqa: S608 - as above

    def _table(self, table: str, relation: Relation) -> str:
        """Write a table of what is asked of a relation."""
        columns = [
            f"{relation.columns[column].value} AS {name_sql(column)}"
            for one, column in self._asked
            if one == table
        ]
        columns += [
            f"{relation.columns[column].fault} AS {_fault(place)}"
            for place, (one, column) in self._can_fail()
            if one == table and (one, column) != _EVENT_ID
        ]
        if table == "contact_data" and self._parts:
            columns.append(f"row_number() OVER () AS {_ROW}")
        rows = f"SELECT {', '.join(columns)} FROM {relation.source}"  # noqa: S608 - as above
        if table == "event_data" and self._paths:
            rows = self._inside_sql(rows)
        return rows

    def _inside_sql(self, rows: str) -> str:
        """Write rows of events with what stands at the paths into DATA, each JSON read once."""
        columns = []
        for place, name in enumerate(self._paths, 1):
            kind, text = path_columns(name)
            columns.append(f"json_type(inside[{place}]) AS {kind}")
            columns.append(f"json_extract_string(inside[{place}], '$') AS {text}")
        paths = ", ".join(self._paths.values())
        read = f"SELECT *, json_extract(data, [{paths}]) AS inside FROM ({rows})"  # noqa: S608 - as above
        return f"SELECT * EXCLUDE (inside), {', '.join(columns)} FROM ({read})"  # noqa: S608 - as above

    def _flags_sql(self) -> str:
        """Write the pass over the events: for each contact, which flags some event of it raises."""
        faults = [
            _fault(place)
            for place, one in self._can_fail()
            if one[0] == "event_data" and one != _EVENT_ID
        ]
        columns = [f"bool_or({sql}) AS {name}" for name, sql in self._flags.items()]
        if len(self._flags) == 1 and not faults and not self._wholly:
            # No other event is left.
            columns = [f"TRUE AS {name}" for name in self._flags]
        columns += [f"count(*) FILTER (WHERE {fault}) AS {fault}" for fault in faults]
        where = "TRUE" if self._wholly else " OR ".join([*self._flags.values(), *faults])
        return (
            f"SELECT {JOIN_COLUMN}, {', '.join(columns)}"  # noqa: S608 - as above
            f" FROM event_data AS {EVENT} WHERE {where} GROUP BY {JOIN_COLUMN}"
        )


def has_subquery(sql: str) -> bool:
    """Say whether a condition asks events, or contacts, otherwise than by flags."""
    return any(f"{table} AS" in sql for table in _TABLES)


def _named(conditions: Mapping[str, str]) -> str:
    return ", ".join(f"{sql} AS {name}" for name, sql in conditions.items())


def _fault(place: int) -> str:
    # As the name of the row.
    return name_sql(f"fault {place}")
