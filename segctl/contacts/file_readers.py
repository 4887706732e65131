"""Files of contacts and events as typed relations: CSV, gzip CSV, Parquet.

Converts the content of a file to the types of `to_duckdb.TYPES`. A value that certainly has no
value in its type is a fault, never a guess and never NULL: `Column.fault` is the condition, so that
faults can be counted in the same pass. Loads nothing: a relation is SQL, which DuckDB reads as far
as a query needs.

CSV is UTF-8 with a header, separated by commas, semicolons, tabs or bars. An empty text in it is
NULL, and the empty list in a column of lists: that is how a contact on no list is written.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from dataclasses import dataclass, replace
from enum import Enum
from io import StringIO
from typing import TYPE_CHECKING

from segctl.audience.duckdb_engine import EvaluationFailed, path_pattern
from segctl.audience.to_duckdb import TYPES
from segctl.audience.typed_sql import DECIMALS, NUMBER_TYPE, name_sql, text_sql
from segctl.common.suggest import did_you_mean
from segctl.contacts.pulled_tables import COLUMN_TYPES
from segctl.errors import UsageError
from segctl.query.catalogue import JOIN_COLUMN, TABLES, ColumnType
from segctl.query.parser.tokens import lower

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from segctl.audience.duckdb_engine import Database

MAX_HEADER = 1 << 20
"""Bytes in which the first line of a CSV file must end."""

_DELIMITERS = ",;\t|"
_DATA = re.compile(r".*@.*|[+\d][\d .()/-]*|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-.*", re.DOTALL)
"""Values in the first line of a file without a header, which must not be shown."""


class Format(Enum):
    """The format of a file, by its first bytes."""

    CSV = b""
    GZIP = b"\x1f\x8b"
    PARQUET = b"PAR1"
    DUCKDB = b"DUCK"
    ZIP = b"PK\x03\x04"
    ZSTD = b"\x28\xb5\x2f\xfd"
    UTF16_LE = b"\xff\xfe"
    UTF16_BE = b"\xfe\xff"


_DUCKDB_OFFSET = 8


@dataclass(frozen=True, slots=True)
class Column:
    """A column in SQL: its value, in the type `type`.

    `fault` is the condition that a row's value is not of that type; empty where there can be none.
    `unusable` says why no value of the column can be of that type, or is empty. `guessed`: the type
    is known from nothing but the values.
    """

    type: ColumnType
    value: str
    fault: str = ""
    unusable: str = ""
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class Relation:
    """A file in SQL: columns by their spelling, `source` for FROM, and a name for messages."""

    name: str
    source: str
    columns: Mapping[str, Column]


def detect_format(path: Path) -> Format:
    """Return a file's format. Raises `UsageError` where it is unreadable or unsupported."""
    try:
        if path.exists() and not path.is_file():
            # A pipe would block, and can be read only once.
            kind = "a folder" if path.is_dir() else "a pipe or a device"
            raise UsageError(f"{path.name} is {kind}, not a file", hint=_SUPPORTED)
        with path.open("rb") as stream:
            start = stream.read(16)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else ""
        raise UsageError(f"cannot read {path.name}: {reason or 'invalid path'}") from None
    if not start:
        raise UsageError(f"{path.name} is empty", hint="add a first line that names the columns")
    if start[_DUCKDB_OFFSET:].startswith(Format.DUCKDB.value):
        return Format.DUCKDB
    known = (Format.GZIP, Format.PARQUET, Format.ZIP, Format.ZSTD, Format.UTF16_LE, Format.UTF16_BE)
    file_format = next((each for each in known if start.startswith(each.value)), Format.CSV)
    match file_format:
        case Format.ZIP:
            raise UsageError(f"{path.name} is a ZIP file or a workbook", hint=_SUPPORTED)
        case Format.ZSTD:
            raise UsageError(f"{path.name} is compressed with zstd", hint=_SUPPORTED)
        case Format.UTF16_LE | Format.UTF16_BE:
            raise UsageError(f"{path.name} is in UTF-16", hint="save it as CSV in UTF-8")
        case _:
            return file_format


_SUPPORTED = "use a CSV file, a CSV file compressed with gzip, or Parquet"


def read_relation(
    database: Database,
    path: Path,
    table: str,
    fields: Mapping[str, ColumnType],
    used: Collection[str] | None = None,
) -> Relation:
    """Return a file as a relation, in place of the table `contact_data` or `event_data`.

    `fields` are the account's own, by their spelling. The types of unknown columns are read from
    their values, for those among `used` (in lower case; `None` for all). Raises `UsageError` and
    `EvaluationFailed`.
    """
    file_format = detect_format(path)
    if file_format is Format.DUCKDB:
        raise UsageError(f"{path.name} is a database", hint=_SUPPORTED)
    pattern = text_sql(path_pattern(path))
    if file_format is Format.PARQUET:
        # Otherwise a folder that is called `city=Brno` would be a column.
        source = f"read_parquet({pattern}, hive_partitioning=false)"
        try:
            rows = database.rows(f"DESCRIBE SELECT * FROM {source}")  # noqa: S608 - a quoted path
        except EvaluationFailed:
            raise UsageError(f"{path.name} is damaged", hint="export it again") from None
        names, types = [row[0] for row in rows], [row[1] for row in rows]
        raw = [name_sql(name) for name in names]
    else:
        names, delimiter = _read_header(path, compressed=file_format is Format.GZIP)
        raw = [f"c{index}" for index in range(len(names))]
        types = [_CSV_TYPE] * len(names)
        compression = "'gzip'" if file_format is Format.GZIP else "'none'"
        options = f"header=true, delim={text_sql(delimiter)}, quote='\"', escape='\"', nullstr=''"
        options += f", hive_partitioning=false, compression={compression}"
        structure = ", ".join(f"{column}: 'VARCHAR'" for column in raw)
        source = f"read_csv({pattern}, auto_detect=false, {options}, columns={{{structure}}})"
    known = {lower(name): (name, column_type) for name, column_type in fields.items()}
    known |= {name: (name, column_type) for name, column_type in TABLES[table].items()}
    has_header = file_format is Format.PARQUET or _is_header(names, known)
    by_name = _indexes_by_name(path, names, shown=has_header)
    detected = types
    unknown = by_name.keys() - known
    if types and types[0] is _CSV_TYPE and unknown and (used is None or unknown & set(used)):
        rows = database.rows(f"DESCRIBE SELECT * FROM read_csv({pattern}, {options})")  # noqa: S608 - a quoted path
        detected = [row[1] for row in rows]
    columns = {}
    for name, index in by_name.items():
        spelling, column_type = known.get(name) or (names[index], _column_type(detected[index]))
        column = typed_column(raw[index], types[index], column_type)
        columns[spelling] = replace(column, guessed=name not in known)
    if JOIN_COLUMN not in columns:
        listed = ", ".join(filter(None, names))
        hint = f"its columns are {listed}" if has_header else _HEADERLESS
        raise UsageError(
            f"{path.name} has no column {JOIN_COLUMN}",
            hint=did_you_mean(JOIN_COLUMN, by_name, hint),
        )
    if table == "contact_data" and columns[JOIN_COLUMN].unusable:
        summary = f"`{JOIN_COLUMN}` in {path.name} {columns[JOIN_COLUMN].unusable}"
        raise UsageError(summary, hint="export it as text")
    return Relation(path.name, source, columns)


def _read_header(path: Path, *, compressed: bool) -> tuple[list[str], str]:
    """Return the names of a CSV file's columns, and their delimiter."""
    try:
        with gzip.open(path) if compressed else path.open("rb") as stream:
            data = stream.read(MAX_HEADER)
        # DuckDB checks the lines below the header, and knows their number.
        text = data.decode("utf-8-sig", "surrogateescape")
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise UsageError(f"{path.name} is damaged", hint="export it again") from None
    except OSError as error:
        raise UsageError(f"cannot read {path.name}: {error.strerror or error}") from None
    headers: list[tuple[list[str], str]] = []
    for delimiter in _DELIMITERS:
        try:
            names = next(csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True))
        except (csv.Error, StopIteration):
            continue
        headers.append(([name.strip() for name in names], delimiter))
    if any("\udc80" <= char <= "\udcff" for char in "".join(headers[0][0] if headers else ())):
        raise UsageError(f"{path.name} is not UTF-8", hint="save it as CSV in UTF-8")
    if not headers:
        raise UsageError(f"cannot read the first line of {path.name}", hint=_SUPPORTED)
    # The name of a column may contain a semicolon; the required one does not.
    names, delimiter = max(
        headers, key=lambda header: (JOIN_COLUMN in map(lower, header[0]), len(header[0]))
    )
    if not any(names):
        raise UsageError(f"the first line of {path.name} is empty", hint="name the columns there")
    return names, delimiter


_HEADERLESS = "its first line looks like data: add a line that names the columns"


def _is_header(names: Sequence[str], known: Collection[str]) -> bool:
    """Return whether a first line names columns and may be shown; otherwise it is personal data."""
    return any(lower(name) in known for name in names) and not any(map(_DATA.fullmatch, names))


def _indexes_by_name(path: Path, names: Sequence[str], *, shown: bool) -> dict[str, int]:
    """Return the index of each column by its folded name, without columns that have no name."""
    indexes: dict[str, int] = {}
    for index, name in enumerate(names):
        if lower(name) in indexes:
            raise UsageError(
                f"duplicate column{f' `{name}`' if shown else ''} in {path.name}",
                hint="rename one of the two: names ignore case",
            )
        if name:
            indexes[lower(name)] = index
    return indexes


_CSV_TYPE = "CSV"
"""The type of a text in a CSV file, where a missing and an empty text are the same."""

_NULL_TYPE = '"NULL"'
"""The type of a Parquet column without any value."""

_INTEGERS = frozenset(
    f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
) | {"HUGEINT", "UHUGEINT"}
_TIMES = frozenset(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "DATE"))
_TIMES_WITH_ZONE = "TIMESTAMP WITH TIME ZONE"
_CAST_TO_TEXT = _INTEGERS | {"UUID", "BOOLEAN"}
_DECIMAL = re.compile(r"DECIMAL\(\d+,\s*(\d+)\)")
_NOUNS = {
    ColumnType.VARCHAR: ("string", "strings"),
    ColumnType.NUMBER: ("number", "numbers"),
    ColumnType.TIMESTAMP: ("time", "times"),
    ColumnType.ARRAY: ("list", "lists"),
    ColumnType.VARIANT: ("JSON value", "JSON values"),
}


def _column_type(duckdb_type: str) -> ColumnType:
    """Return the type of a column that is known from nothing but its values."""
    is_number = duckdb_type in _INTEGERS or duckdb_type in {"FLOAT", "DOUBLE"}
    if is_number or _DECIMAL.fullmatch(duckdb_type):
        return ColumnType.NUMBER
    if duckdb_type in _TIMES or duckdb_type == _TIMES_WITH_ZONE:
        return ColumnType.TIMESTAMP
    return ColumnType.ARRAY if duckdb_type.endswith("[]") else ColumnType.VARCHAR


def typed_column(raw: str, duckdb_type: str, column_type: ColumnType) -> Column:
    """Return a column of the file (`raw`, in `duckdb_type`) as a column of `column_type`."""
    if COLUMN_TYPES.get(duckdb_type) is column_type is not ColumnType.ARRAY:
        return Column(column_type, raw)
    null = f"CAST(NULL AS {TYPES[column_type]})"
    if duckdb_type == _NULL_TYPE:
        return Column(column_type, null)
    value = _CONVERSIONS[column_type](raw, duckdb_type)
    if value is None:
        unusable = f"must contain {_NOUNS[column_type][1]}, got {duckdb_type}"
        return Column(column_type, null, unusable=unusable)
    if value == raw:
        return Column(column_type, raw)
    is_present = f"{raw} IS NOT NULL"
    if duckdb_type == "VARCHAR" and column_type is not ColumnType.VARCHAR:
        is_present += f" AND {raw} <> ''"
    fault = f"({is_present} AND {value} IS NULL)"
    return Column(column_type, value, "" if column_type is ColumnType.VARCHAR else fault)


def _text(raw: str, duckdb_type: str) -> str | None:
    if duckdb_type in {_CSV_TYPE, "VARCHAR"}:
        return raw
    can_cast = duckdb_type in _CAST_TO_TEXT or duckdb_type.startswith("ENUM")
    return f"CAST({raw} AS VARCHAR)" if can_cast else None


def _number(raw: str, duckdb_type: str) -> str | None:
    decimal = f"TRY_CAST({raw} AS {NUMBER_TYPE})"
    exact = _DECIMAL.fullmatch(duckdb_type)
    if duckdb_type in _INTEGERS or (exact and int(exact[1]) <= DECIMALS):
        return decimal
    if exact:
        return f"CASE WHEN {decimal} = {raw} THEN {decimal} END"
    if duckdb_type in {"FLOAT", "DOUBLE"}:
        # Of all binary numbers, this one is the nearest to the decimal, so the decimal is meant.
        return f"CASE WHEN CAST({decimal} AS {duckdb_type}) = {raw} THEN {decimal} END"
    if duckdb_type in {_CSV_TYPE, "VARCHAR"}:
        form = text_sql(rf"\s*[+-]?[0-9]{{1,18}}(?:\.[0-9]{{0,{DECIMALS}}}0*)?\s*")
        return f"CASE WHEN regexp_full_match({raw}, {form}) THEN {decimal} END"
    return None


def _time(raw: str, duckdb_type: str) -> str | None:
    if duckdb_type in _TIMES:
        return f"CASE WHEN isfinite({raw}) THEN CAST({raw} AS TIMESTAMP) END"
    if duckdb_type in {_CSV_TYPE, "VARCHAR"}:
        # A cast to a time without a zone would ignore the zone in the text.
        raw = f"TRY_CAST({raw} AS TIMESTAMPTZ)"
    elif duckdb_type != _TIMES_WITH_ZONE:
        return None
    # NULL for an infinite time.
    return f"make_timestamp(epoch_us({raw}))"


_OTHER_SEPARATOR = text_sql(r"[;|]|[^,\s\[\]]\s+[^,\s\[\]]")
"""What separates values in a list, other than a comma."""


def _list(raw: str, duckdb_type: str) -> str | None:
    if duckdb_type.endswith("[]") and duckdb_type.removesuffix("[]") in {"VARCHAR", "UUID"}:
        return _without_nulls(f"CAST({raw} AS VARCHAR[])")
    if duckdb_type not in {_CSV_TYPE, "VARCHAR"}:
        return None
    # ["a", "b"] is JSON; other exports write [a, b] or ['a', 'b'] or a, b.
    items = rf"""regexp_split_to_array(trim({raw}, '[]"'' '), '["'']?\s*,\s*["'']?')"""
    # a;b is not supported: as a single value, it would be on no list.
    items = f"CASE WHEN regexp_matches({raw}, {_OTHER_SEPARATOR}) THEN NULL ELSE {items} END"
    in_brackets = (
        f"CASE WHEN json_valid({raw}) THEN from_json({raw}, '[\"VARCHAR\"]') ELSE {items} END"
    )
    is_empty = f"{raw} IS NULL" if duckdb_type == _CSV_TYPE else f"{raw} = ''"
    return (
        f"CASE WHEN {is_empty} THEN CAST([] AS VARCHAR[])"
        f" WHEN {raw} LIKE '[%]' THEN {_without_nulls(in_brackets)}"
        f" WHEN {raw} NOT SIMILAR TO '[\\[{{].*' THEN {_without_nulls(items)} END"
    )


def _without_nulls(items: str) -> str:
    return f"list_filter({items}, lambda item: item <> '')"


def _json(raw: str, duckdb_type: str) -> str | None:
    if duckdb_type in {_CSV_TYPE, "VARCHAR"}:
        return f"TRY_CAST({raw} AS JSON)"
    return f"to_json({raw})" if duckdb_type.startswith(("STRUCT", "MAP")) else None


_CONVERSIONS = {
    ColumnType.VARCHAR: _text,
    ColumnType.NUMBER: _number,
    ColumnType.TIMESTAMP: _time,
    ColumnType.ARRAY: _list,
    ColumnType.VARIANT: _json,
}


def describe_faults(relation: Relation, column: str, count: int) -> str:
    """Return a message that so many values of a column are not of its type."""
    noun, plural = _NOUNS[relation.columns[column].type]
    faulty, rest = (
        ("1 value", f"is not a {noun}")
        if count == 1
        else (f"{count:,} values", f"are not {plural}")
    )
    return f"{faulty} of `{column}` in {relation.name} {rest}"


FAULT_HINTS = {
    ColumnType.NUMBER: f"write 1234.5: no separators, and at most {DECIMALS} decimals",
    ColumnType.TIMESTAMP: "write 2026-01-31T09:30:00Z, or 2026-01-31",
    ColumnType.ARRAY: 'write ["a", "b"], or a, b',
    ColumnType.VARIANT: "write JSON",
}
"""How to write the values of a type."""
