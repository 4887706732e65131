"""DuckDB as a library: the connection, its limits, and the engine of the segment tests.

The only importer of duckdb, which is an optional dependency, and the only place that connects. Runs
SQL that `to_duckdb` and `contacts` built; reaches no network, and no files but those passed by
name. DuckDB's own messages quote the data, so they are never passed on.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from segctl.audience.to_duckdb import TYPES
from segctl.audience.typed_sql import ERROR_PREFIX, name_sql, text_sql
from segctl.errors import SegctlError, UsageError
from segctl.query.catalogue import EVENT_DATA, ColumnType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from segctl.audience.scope import Columns
    from segctl.query.value_types import SqlBool

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "60%",
    # Otherwise a name without a table is looked up among the variables of Python.
    "python_enable_replacements": "false",
    "temp_directory": "",
}
DATABASE_SIDECARS = (".wal", ".wal.checkpoint", ".wal.recovery")
"""What DuckDB appends to the path of a database for the changes that are not in its file yet."""
_OWN_ERROR = re.compile(
    f"Invalid Input Error: {ERROR_PREFIX}(.*)"
    f"|Conversion Error: Could not convert string '{ERROR_PREFIX}(.*)' to INT32"
)
"""Failures on purpose, in the two forms of `ExpressionTranslator.error_sql`."""
_OUT_OF_MEMORY = "Out of Memory Error: "
_CSV_ERROR = re.compile(r"Invalid Input Error: (?:The )?CSV ")
_LINE = re.compile(r"CSV Error on Line: (\d+)")
_WIDTHS = re.compile(r"^Expected Number of Columns: (\d+) Found: (\d+)$", re.MULTILINE)
_FILE = re.compile(r"^  file = (.*)$", re.MULTILINE)


class EvaluationFailed(SegctlError):
    """A condition has no certain value for some contact or event."""


class FileUnreadable(EvaluationFailed):
    """A line of a file cannot be read."""


def import_duckdb() -> Any:
    """Return the duckdb module. Raises `UsageError` where it is not installed."""
    try:
        import duckdb  # noqa: PLC0415 - an extra, and 100 ms
    except ImportError:
        raise UsageError(
            "counting audiences needs DuckDB, which is not installed",
            hint="run pip install 'segctl[preview]'",
        ) from None
    return duckdb


class Database:
    """A connection to DuckDB, locked before its first statement on anyone's data.

    Statements reach no files but `files`, `databases` and those in `temp_folder`: neither other
    files nor the network, extensions, settings or variables of Python. A view in a database that
    someone else wrote has no more rights. DuckDB uses at most 60 % of the memory.

    Raises `UsageError` where duckdb is not installed.
    """

    def __init__(
        self,
        *,
        files: Iterable[Path] = (),
        databases: Iterable[Path] = (),
        threads: int | None = None,
        temp_folder: Path | None = None,
    ) -> None:
        """`files` and `databases` are absolute paths: of files to read and databases to attach.

        `threads` defaults to all cores; without `temp_folder`, all data must fit in memory.
        """
        duckdb = import_duckdb()
        self._error: type[Exception] = duckdb.Error
        settings = _SETTINGS if threads is None else {**_SETTINGS, "threads": str(threads)}
        self._connection = duckdb.connect(":memory:", config=settings)
        allowed = {form for path in files for form in (str(path), path_pattern(path))}
        allowed |= {f"{path}{suffix}" for path in databases for suffix in ("", *DATABASE_SIDECARS)}
        for setting in (
            # A time without a zone is UTC, whatever the machine's zone is.
            "TimeZone = 'UTC'",
            # The bar would go to stdout, where the results go.
            "enable_progress_bar = false",
            f"temp_directory = {text_sql(str(temp_folder or ''))}",
            f"allowed_paths = [{', '.join(map(text_sql, sorted(allowed)))}]",
            "enable_external_access = false",
            "lock_configuration = true",
        ):
            self._connection.execute(f"SET {setting}")

    def attach(self, path: Path, name: str, *, read_only: bool = True) -> None:
        """Attach one of `databases`. Raises `EvaluationFailed`."""
        options = " (READ_ONLY)" if read_only else ""
        self.rows(f"ATTACH {text_sql(str(path))} AS {name}{options}")

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement and return all its rows. Raises `EvaluationFailed`."""
        try:
            rows: list[tuple[Any, ...]] = self._connection.execute(sql, parameters).fetchall()
        except self._error as error:
            raise _evaluation_failed(str(error)) from None
        return rows

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def path_pattern(path: Path) -> str:
    """Return the pattern that matches this file alone: DuckDB treats every path as a pattern."""
    return re.sub(r"[*?\[]", lambda wildcard: f"[{wildcard[0]}]", str(path))


class Engine:
    """An empty data set of contacts and events, to be filled and evaluated repeatedly.

    Raises `UsageError` where duckdb is not installed.
    """

    def __init__(self, columns: Columns) -> None:
        self._database = Database(threads=1)
        self._tables = {"contact_data": columns.types, "event_data": dict(EVENT_DATA)}
        for table, types in self._tables.items():
            definitions = ", ".join(
                f"{name_sql(name)} {TYPES[column_type]}" for name, column_type in types.items()
            )
            self._database.rows(f"CREATE TABLE {table} ({definitions})")

    def fill(
        self, contacts: Iterable[Mapping[str, Any]], events: Iterable[Mapping[str, Any]]
    ) -> None:
        """Replace the contacts and events.

        Rows map columns, in the spelling of the data set, to text, `Decimal`, lists of text, times
        in UTC, and for `data` JSON values; missing columns are NULL. Raises `EvaluationFailed`.
        """
        for table, rows in (("contact_data", contacts), ("event_data", events)):
            types = self._tables[table]
            self._database.rows(f"DELETE FROM {table}")  # noqa: S608 - one of our two names
            names = ", ".join(map(name_sql, types))
            values = ", ".join(
                f"CAST({name_sql(name)} AS {TYPES[column_type]})"
                for name, column_type in types.items()
            )
            structure = {
                name: ["VARCHAR"] if column_type is ColumnType.ARRAY else "VARCHAR"
                for name, column_type in types.items()
            }
            json_rows = json.dumps([_json_row(row, types) for row in rows])
            self._database.rows(
                f"INSERT INTO {table} ({names}) SELECT {values} FROM"  # noqa: S608 - quoted names
                " (SELECT unnest(from_json($rows, $structure), recursive := true))",
                {"rows": json_rows, "structure": json.dumps([structure])},
            )

    def evaluate(self, conditions: Sequence[str], now: datetime) -> dict[str, tuple[SqlBool, ...]]:
        """Return the values of all conditions for each contact, by contact_id.

        Raises `EvaluationFailed`.
        """
        columns = "".join(f", {condition}" for condition in conditions)
        time = now.astimezone(UTC).replace(tzinfo=None)
        parameters = {"now": time} if "$now" in columns else {}
        rows = self._database.rows(
            f"SELECT c.contact_id{columns} FROM contact_data AS c",  # noqa: S608 - translated
            parameters,
        )
        return {row[0]: row[1:] for row in rows}


def _json_row(row: Mapping[str, Any], types: Mapping[str, ColumnType]) -> dict[str, Any]:
    return {
        name: _json_value(value, types[name]) for name, value in row.items() if value is not None
    }


def _json_value(value: Any, column_type: ColumnType) -> Any:
    if column_type is ColumnType.VARIANT:
        return json.dumps(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    return list(value) if column_type is ColumnType.ARRAY else str(value)


def _evaluation_failed(message: str) -> EvaluationFailed:
    """Return the error without the values of contacts: only segctl's own messages are passed on."""
    own_error = _OWN_ERROR.match(message)
    if own_error:
        return EvaluationFailed(own_error[1] or own_error[2])
    if message.startswith(_OUT_OF_MEMORY):
        return EvaluationFailed(
            "cannot tell: counting it needs more memory or disk space than DuckDB may use, which is"
            f" {_SETTINGS['memory_limit']} of this machine's memory",
            hint="count it on a machine with more memory, or query fewer events",
        )
    if _CSV_ERROR.match(message):
        return _file_unreadable(message)
    if message.startswith("Out of Range Error"):
        return EvaluationFailed("a number or a time becomes too large")
    return EvaluationFailed("DuckDB cannot evaluate this query on these contacts")


def _file_unreadable(message: str) -> FileUnreadable:
    line_match, files = _LINE.search(message), _FILE.findall(message)
    line = f"line {int(line_match[1]):,}" if line_match else "a line"
    name = re.split(r"[/\\]", files[-1])[-1] if files else "the CSV file"
    if "not utf-8" in message:
        return FileUnreadable(f"{line} of {name} is not UTF-8", hint="save it as CSV in UTF-8")
    if "Maximum line size" in message:
        summary = f"{line} of {name} is longer than 2 MB"
        return FileUnreadable(summary, hint="export it without its longest column")
    widths = _WIDTHS.search(message)
    if widths:
        return FileUnreadable(
            f"{line} of {name} has {_columns(int(widths[2]))}, but the header has "
            f"{int(widths[1]):,}",
            hint="quote values that contain a separator, and remove empty lines",
        )
    if "unterminated quote" in message:
        return FileUnreadable(
            f"{line} of {name} has a quote that does not end, or text after one",
            hint='write "" for a quote in a quoted value',
        )
    return FileUnreadable(
        f"cannot read {line} of {name}",
        hint="check the number of columns, the quotes and the line break of that line",
    )


def _columns(number: int) -> str:
    return "1 column" if number == 1 else f"{number:,} columns"
