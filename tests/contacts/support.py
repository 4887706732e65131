"""Files of contacts and events, in every format that segctl reads."""

from __future__ import annotations

import csv
import gzip
import io
import json
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb

from segctl.audience.to_duckdb import TYPES
from segctl.audience.typed_sql import name_sql, text_sql
from segctl.contacts.counter import column_names_in, count_audiences
from segctl.contacts.dataset import open_dataset
from segctl.model import Segment
from segctl.query.catalogue import CONTACT_DATA, EVENT_DATA, ColumnType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from segctl.audience.results import CountResult
    from segctl.contacts.dataset import Dataset

NOW = datetime(2026, 3, 31, 12, 30, tzinfo=UTC)
S = "SELECT contact_id, updated_at FROM contact_data WHERE "
J = (
    "SELECT c.contact_id, c.updated_at FROM contact_data c"
    " JOIN event_data e ON c.contact_id = e.contact_id WHERE "
)
Row = dict[str, Any]


def segments(*conditions: str) -> list[Segment]:
    """Return segments with these conditions, or with whole queries."""
    return [
        Segment(f"s{number}", condition if condition.startswith("SELECT") else S + condition)
        for number, condition in enumerate(conditions)
    ]


@contextmanager
def opened(
    contacts: Path, events: Path | None, used: Iterable[Segment], **more: Any
) -> Iterator[Dataset]:
    more |= {"is_pulled": contacts.suffix == ".duckdb", "used": column_names_in(used)}
    with open_dataset(contacts, events, **more) as dataset:
        yield dataset


def count(contacts: Path, events: Path | None, used: Sequence[Segment], **more: Any) -> CountResult:
    """Return the counts of segments among the contacts in files."""
    with opened(contacts, events, used, **more) as dataset:
        return count_audiences(dataset, [(None, segment) for segment in used], NOW)


def numbers(contacts: Path, events: Path | None, *conditions: str, **more: Any) -> list[int | str]:
    """Return the counts of conditions; a text is the first reason why one cannot be counted."""
    return [
        result.problems[0].message if hasattr(result, "problems") else result.after
        for result in count(contacts, events, segments(*conditions), **more).results
    ]


def as_csv(rows: Sequence[Row], columns: Iterable[str]) -> str:
    """Return rows as CSV: missing values are empty, lists and data are JSON."""
    out = io.StringIO()
    writer = csv.writer(out)
    names = [*columns]
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in names])
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return f"{value:f}"
    return json.dumps(value) if isinstance(value, list | dict) else str(value)


def quoted(value: str) -> str:
    """Return a value in quotes, for CSV."""
    return '"' + value.replace('"', '""') + '"'


def packed(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode()))
    return path


def written(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def tables(
    path: Path, tables: Mapping[str, tuple[Sequence[Row], Mapping[str, ColumnType]]]
) -> Path:
    """Write tables of rows to a DuckDB file, in the types of the translation."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as base:
        for table, (rows, types) in tables.items():
            declared = ", ".join(f"{name_sql(name)} {TYPES[kind]}" for name, kind in types.items())
            base.execute(f"CREATE TABLE {table} ({declared})")
            shape = {
                name: ["VARCHAR"] if kind is ColumnType.ARRAY else "VARCHAR"
                for name, kind in types.items()
            }
            text = json.dumps([{k: _json(v) for k, v in row.items()} for row in rows])
            names = ", ".join(map(name_sql, types))
            base.execute(
                f"INSERT INTO {table} ({names}) SELECT {names} FROM"  # noqa: S608 - quoted names
                " (SELECT unnest(from_json($rows, $shape), recursive := true))",
                {"rows": text, "shape": json.dumps([shape])},
            )
    return path


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    if isinstance(value, dict):
        return json.dumps(value)
    return value if value is None or isinstance(value, list) else str(value)


def pulled(
    path: Path,
    contacts: Sequence[Row],
    events: Sequence[Row] | None,
    fields: Mapping[str, ColumnType],
    **metadata: str,
) -> Path:
    """Write pulled contacts as `segctl contacts pull` does."""
    tables_by_name = {"contact_data": (contacts, {**CONTACT_DATA, **fields})}
    if events is not None:
        tables_by_name["event_data"] = (events, dict(EVENT_DATA))
    tables(path, tables_by_name)
    defaults = {
        "format": "1",
        "as_of": "2026-03-28T12:00:00Z",
        "account": "0" * 32,
        "lists": '"all"',
    }
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE segctl_base (key VARCHAR PRIMARY KEY, value VARCHAR)")
        for key, value in (defaults | metadata).items():
            connection.execute(
                "INSERT INTO segctl_base VALUES ($key, $value)", {"key": key, "value": value}
            )
    return path


def parquet(path: Path, base: Path, table: str) -> Path:
    """Write a table of a database as Parquet."""
    with duckdb.connect(str(base), read_only=True) as it:
        it.execute(f"COPY {table} TO {text_sql(str(path))} (FORMAT parquet)")
    return path
