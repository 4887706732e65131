"""DuckDB, as a library: holds contacts and events in memory and asks who fulfils a condition.

The only importer of duckdb, which comes with an extra and may be missing. What it runs, it was
given by `audience.translation`; it can reach no file and no network.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from segctl.audience.pieces import name_sql
from segctl.audience.translation import TYPES
from segctl.errors import SegctlError, UsageError
from segctl.query.catalogue import EVENT_DATA, ColumnType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from duckdb import DuckDBPyConnection

    from segctl.audience.scopes import Columns

Truth = bool | None
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
    "threads": "1",
}


class EvaluationFailed(SegctlError):
    """A condition means nothing certain for some contact or event."""


class Engine:
    """An empty base of contacts and events, to be filled and asked again and again.

    Raises `UsageError` where duckdb is not installed.
    """

    def __init__(self, columns: Columns) -> None:
        try:
            import duckdb  # noqa: PLC0415 - an extra, and 100 ms
        except ImportError:
            raise UsageError(
                "audiences are computed with DuckDB, which is not installed",
                hint="pip install 'segctl[preview]'",
            ) from None
        self._error = duckdb.Error
        self._base = duckdb.connect(":memory:", config=_SETTINGS)
        self._tables = {"contact_data": columns.types, "event_data": dict(EVENT_DATA)}
        for table, types in self._tables.items():
            declared = ", ".join(f"{name_sql(name)} {TYPES[kind]}" for name, kind in types.items())
            self._base.execute(f"CREATE TABLE {table} ({declared})")

    def fill(
        self, contacts: Iterable[Mapping[str, Any]], events: Iterable[Mapping[str, Any]]
    ) -> None:
        """Replace what the base holds.

        Rows go from columns, as the base spells them, to text, `Decimal`, lists of text, times in
        UTC, and for `data` what JSON can hold; what is missing is NULL. Raises `EvaluationFailed`.
        """
        for table, rows in (("contact_data", contacts), ("event_data", events)):
            types = self._tables[table]
            self._base.execute(f"DELETE FROM {table}")  # noqa: S608 - one of our two names
            names = ", ".join(map(name_sql, types))
            values = ", ".join(
                f"CAST({name_sql(name)} AS {TYPES[kind]})" for name, kind in types.items()
            )
            shape = {
                name: ["VARCHAR"] if kind is ColumnType.ARRAY else "VARCHAR"
                for name, kind in types.items()
            }
            written = json.dumps([_written(row, types) for row in rows])
            self._execute(
                f"INSERT INTO {table} ({names}) SELECT {values} FROM"  # noqa: S608 - quoted names
                " (SELECT unnest(from_json($rows, $shape), recursive := true))",
                {"rows": written, "shape": json.dumps([shape])},
            )

    def truths(self, conditions: Sequence[str], now: datetime) -> dict[str, tuple[Truth, ...]]:
        """Give, by contact_id, whether each condition is true, false or NULL for a contact.

        Raises `EvaluationFailed`.
        """
        columns = "".join(f", {condition}" for condition in conditions)
        moment = now.astimezone(UTC).replace(tzinfo=None)
        given = {"now": moment} if "$now" in columns else {}
        rows = self._execute(
            f"SELECT c.contact_id{columns} FROM contact_data AS c",  # noqa: S608 - translated
            given,
        ).fetchall()
        return {row[0]: row[1:] for row in rows}

    def _execute(self, sql: str, given: Mapping[str, Any]) -> DuckDBPyConnection:
        try:
            return self._base.execute(sql, dict(given))
        except self._error as error:
            raise EvaluationFailed(_reason(str(error))) from None


def _written(row: Mapping[str, Any], types: Mapping[str, ColumnType]) -> dict[str, Any]:
    return {name: _text(value, types[name]) for name, value in row.items() if value is not None}


def _text(value: Any, kind: ColumnType) -> Any:
    if kind is ColumnType.VARIANT:
        return json.dumps(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    return list(value) if kind is ColumnType.ARRAY else str(value)


def _reason(words: str) -> str:
    """Give what went wrong without the values of contacts: only our own words are passed on."""
    first = words.splitlines()[0] if words else ""
    _, mark, ours = first.partition("segctl: ")
    return ours if mark else "DuckDB cannot compute this query for these contacts"
