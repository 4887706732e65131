"""DuckDB, as a library: the one door to it, and what stands behind it for the tests of segments.

The only importer of duckdb, which comes with an extra and may be missing. What it runs, it was
given by `audience.translation` and by `contacts`; it reaches no network, and no file that it was
not handed by name. DuckDB's own messages quote the data, so none is ever passed on.
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

SqlBool = bool | None
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "60%",
    "temp_directory": "",
}
_OURS = re.compile(
    f"Invalid Input Error: {ERROR_PREFIX}(.*)"
    f"|Conversion Error: Could not convert string '{ERROR_PREFIX}(.*)' to INT32"
)
"""What fails on purpose, in the two ways of `audience.values`."""
_CSV = re.compile(r"Invalid Input Error: (?:The )?CSV ")
_LINE = re.compile(r"CSV Error on Line: (\d+)")
_FILE = re.compile(r"^  file = (.*)$", re.MULTILINE)


class EvaluationFailed(SegctlError):
    """A condition means nothing certain for some contact or event."""


class FileUnreadable(EvaluationFailed):
    """A line of a file cannot be read."""


def require() -> Any:
    """Give the library. Raises `UsageError` where it is not installed."""
    try:
        import duckdb  # noqa: PLC0415 - an extra, and 100 ms
    except ImportError:
        raise UsageError(
            "audiences are computed with DuckDB, which is not installed",
            hint="pip install 'segctl[preview]'",
        ) from None
    return duckdb


class Database:
    """A connection to DuckDB; a context manager.

    Before `lock`, files may be attached. After it nothing is reached but `paths` and the folder
    for what does not fit into memory, of which at most three fifths are taken.

    Raises `UsageError` where duckdb is not installed.
    """

    def __init__(self, *, threads: int | None = None, spill: Path | None = None) -> None:
        """`threads` is all cores unless given; `spill` is a folder of our own."""
        duckdb = require()
        self._error: type[Exception] = duckdb.Error
        settings = {**_SETTINGS, "temp_directory": str(spill or "")}
        if threads is not None:
            settings["threads"] = str(threads)
        self._connection = duckdb.connect(":memory:", config=settings)
        # A time without a zone is UTC, whatever this machine thinks.
        self._connection.execute("SET TimeZone = 'UTC'")

    def attach(self, path: Path, name: str) -> None:
        """Open a file of DuckDB's own beside, to read it. Raises `EvaluationFailed`."""
        self.rows(f"ATTACH {text_sql(str(path))} AS {name} (READ_ONLY)")

    def lock(self, *paths: Path) -> None:
        """Let no statement reach another file than these, and none change that."""
        allowed = {form for path in paths for form in (str(path), pattern_of(path))}
        listed = ", ".join(map(text_sql, sorted(allowed)))
        self.rows(f"SET allowed_paths = [{listed}]")
        self.rows("SET enable_external_access = false")
        self.rows("SET lock_configuration = true")

    def rows(self, sql: str, given: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement and give all its rows. Raises `EvaluationFailed`."""
        try:
            found: list[tuple[Any, ...]] = self._connection.execute(sql, given).fetchall()
        except self._error as error:
            raise _failure(str(error)) from None
        return found

    def close(self) -> None:
        """Let go of everything."""
        self._connection.close()


def pattern_of(path: Path) -> str:
    """Write a path as a pattern that means this file alone: DuckDB takes every path for one."""
    return re.sub(r"[*?\[]", lambda found: f"[{found[0]}]", str(path))


class Engine:
    """An empty base of contacts and events, to be filled and asked again and again.

    Raises `UsageError` where duckdb is not installed.
    """

    def __init__(self, columns: Columns) -> None:
        self._base = Database(threads=1)
        self._base.lock()
        self._tables = {"contact_data": columns.types, "event_data": dict(EVENT_DATA)}
        for table, types in self._tables.items():
            declared = ", ".join(f"{name_sql(name)} {TYPES[kind]}" for name, kind in types.items())
            self._base.rows(f"CREATE TABLE {table} ({declared})")

    def fill(
        self, contacts: Iterable[Mapping[str, Any]], events: Iterable[Mapping[str, Any]]
    ) -> None:
        """Replace what the base holds.

        Rows go from columns, as the base spells them, to text, `Decimal`, lists of text, times in
        UTC, and for `data` what JSON can hold; what is missing is NULL. Raises `EvaluationFailed`.
        """
        for table, rows in (("contact_data", contacts), ("event_data", events)):
            types = self._tables[table]
            self._base.rows(f"DELETE FROM {table}")  # noqa: S608 - one of our two names
            names = ", ".join(map(name_sql, types))
            values = ", ".join(
                f"CAST({name_sql(name)} AS {TYPES[kind]})" for name, kind in types.items()
            )
            shape = {
                name: ["VARCHAR"] if kind is ColumnType.ARRAY else "VARCHAR"
                for name, kind in types.items()
            }
            written = json.dumps([_written(row, types) for row in rows])
            self._base.rows(
                f"INSERT INTO {table} ({names}) SELECT {values} FROM"  # noqa: S608 - quoted names
                " (SELECT unnest(from_json($rows, $shape), recursive := true))",
                {"rows": written, "shape": json.dumps([shape])},
            )

    def evaluate(self, conditions: Sequence[str], now: datetime) -> dict[str, tuple[SqlBool, ...]]:
        """Give, by contact_id, whether each condition is true, false or NULL for a contact.

        Raises `EvaluationFailed`.
        """
        columns = "".join(f", {condition}" for condition in conditions)
        moment = now.astimezone(UTC).replace(tzinfo=None)
        given = {"now": moment} if "$now" in columns else {}
        rows = self._base.rows(
            f"SELECT c.contact_id{columns} FROM contact_data AS c",  # noqa: S608 - translated
            given,
        )
        return {row[0]: row[1:] for row in rows}


def _written(row: Mapping[str, Any], types: Mapping[str, ColumnType]) -> dict[str, Any]:
    return {name: _text(value, types[name]) for name, value in row.items() if value is not None}


def _text(value: Any, kind: ColumnType) -> Any:
    if kind is ColumnType.VARIANT:
        return json.dumps(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    return list(value) if kind is ColumnType.ARRAY else str(value)


def _failure(words: str) -> EvaluationFailed:
    """Say what went wrong without the values of contacts: only our own words are passed on."""
    ours = _OURS.match(words)
    if ours:
        return EvaluationFailed(ours[1] or ours[2])
    if _CSV.match(words):
        return _unreadable(words)
    return EvaluationFailed("DuckDB cannot compute this query for these contacts")


def _unreadable(words: str) -> FileUnreadable:
    line, files = _LINE.search(words), _FILE.findall(words)
    where = f"line {int(line[1]):,}" if line else "a line"
    name = re.split(r"[/\\]", files[-1])[-1] if files else "the CSV file"
    if "not utf-8" in words:
        return FileUnreadable(f"{where} of {name} is not UTF-8", hint="save it as CSV in UTF-8")
    if "Maximum line size" in words:
        what = f"{where} of {name} is longer than 2 MB"
        return FileUnreadable(what, hint="export it without its longest column")
    return FileUnreadable(
        f"{where} of {name} cannot be read",
        hint="it has more or fewer columns than the first line, quotes that do not match, or"
        " another line break than the others",
    )
