"""Files of contacts and events as typed relations: CSV, gzip CSV, Parquet.

Owns the way from what stands in a file to the types of `audience.translation.TYPES`. A value that
cannot be read as its type with certainty is a fault, never a guess and never NULL: `Column.fault`
says which rows have one, so that whoever counts can count those in the same pass. Refuses to load
anything: a relation is SQL, which DuckDB reads as far as a query needs.

CSV is UTF-8 with a header, separated by commas, semicolons, tabs or bars. In it, an empty text is
NULL, and in the place of a list the empty list: a contact on no list is written so.
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
from segctl.errors import UsageError
from segctl.query.catalogue import JOIN_COLUMN, TABLES, ColumnType
from segctl.query.parser.tokens import lower

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from segctl.audience.duckdb_engine import Database

LONGEST_HEADER = 1 << 20
"""Bytes in which the first line of a CSV file must end."""

_DELIMITERS = ",;\t|"
_NO_HEADER = re.compile(r".*@.*|[+\d][\d .()/-]*|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-.*", re.DOTALL)
"""What stands in the first line of a file without a header: data, which is not to be shown."""


class Format(Enum):
    """What a file is, by its first bytes."""

    CSV = b""
    GZIP = b"\x1f\x8b"
    PARQUET = b"PAR1"
    DUCKDB = b"DUCK"
    ZIP = b"PK\x03\x04"
    ZSTD = b"\x28\xb5\x2f\xfd"
    UTF16_LE = b"\xff\xfe"
    UTF16_BE = b"\xfe\xff"


_DUCKDB_AT = 8


@dataclass(frozen=True, slots=True)
class Column:
    """A column in SQL: its value in the type of `kind`.

    `fault` is the condition that a row has a value which is none of that type; empty where there
    can be none. `unusable` says why the whole column is none of that type, or is empty. `guessed`
    says that nothing but the values tells the type.
    """

    kind: ColumnType
    value: str
    fault: str = ""
    unusable: str = ""
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class Relation:
    """What can be asked: columns by their spelling, `source` for FROM, and what people call it."""

    name: str
    source: str
    columns: Mapping[str, Column]


def format_of(path: Path) -> Format:
    """Tell a file's format. Raises `UsageError` where it cannot be read or is none that we read."""
    try:
        if path.exists() and not path.is_file():
            # A pipe would keep us waiting, and it can be read but once.
            what = "a folder" if path.is_dir() else "a pipe or a device"
            raise UsageError(f"{path.name} is {what}, not a file", hint=_WANTED)
        with path.open("rb") as stream:
            start = stream.read(16)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else ""
        raise UsageError(f"cannot read {path.name}: {reason or 'it is not a path'}") from None
    if not start:
        raise UsageError(f"{path.name} is empty", hint="the first line names the columns")
    if start[_DUCKDB_AT:].startswith(Format.DUCKDB.value):
        return Format.DUCKDB
    known = (Format.GZIP, Format.PARQUET, Format.ZIP, Format.ZSTD, Format.UTF16_LE, Format.UTF16_BE)
    found = next((one for one in known if start.startswith(one.value)), Format.CSV)
    match found:
        case Format.ZIP:
            raise UsageError(f"{path.name} is a ZIP file or a workbook", hint=_WANTED)
        case Format.ZSTD:
            raise UsageError(f"{path.name} is compressed with zstd", hint=_WANTED)
        case Format.UTF16_LE | Format.UTF16_BE:
            raise UsageError(f"{path.name} is in UTF-16", hint="save it as CSV in UTF-8")
        case _:
            return found


_WANTED = "give a CSV file, one compressed with gzip, or Parquet"


def read_relation(
    database: Database,
    path: Path,
    table: str,
    fields: Mapping[str, ColumnType],
    asked: Collection[str] | None = None,
) -> Relation:
    """Make a relation of a file, in the place of the table `contact_data` or `event_data`.

    `fields` are the account's own, by their spelling. Of columns that nobody knows, only those
    among `asked` (in lower case; `None` for all) are looked at, to see what their values are.
    Raises `UsageError` and `EvaluationFailed`.
    """
    kind = format_of(path)
    if kind is Format.DUCKDB:
        raise UsageError(f"{path.name} is a database", hint=_WANTED)
    where = text_sql(path_pattern(path))
    if kind is Format.PARQUET:
        source = f"read_parquet({where})"
        try:
            rows = database.rows(f"DESCRIBE SELECT * FROM {source}")  # noqa: S608 - a quoted path
        except EvaluationFailed:
            hint = "export it again"
            raise UsageError(f"{path.name} is cut or damaged", hint=hint) from None
        names, types = [row[0] for row in rows], [row[1] for row in rows]
        raw = [name_sql(name) for name in names]
    else:
        names, delimiter = _header(path, packed=kind is Format.GZIP)
        raw = [f"c{number}" for number in range(len(names))]
        types = [_CSV] * len(names)
        given = f"header=true, delim={text_sql(delimiter)}, quote='\"', escape='\"', nullstr=''"
        given += ", compression='gzip'" if kind is Format.GZIP else ""
        shape = ", ".join(f"{one}: 'VARCHAR'" for one in raw)
        source = f"read_csv({where}, auto_detect=false, {given}, columns={{{shape}}})"
    known = {**{lower(name): (name, one) for name, one in fields.items()}}
    known |= {name: (name, one) for name, one in TABLES[table].items()}
    named = kind is Format.PARQUET or _is_header(names, known)
    by_name = _by_name(path, names, shown=named)
    seen = types
    loose = by_name.keys() - known
    if types and types[0] is _CSV and loose and (asked is None or loose & set(asked)):
        rows = database.rows(f"DESCRIBE SELECT * FROM read_csv({where}, {given})")  # noqa: S608 - a quoted path
        seen = [row[1] for row in rows]
    columns = {}
    for name, place in by_name.items():
        spelling, wanted = known.get(name) or (names[place], _kind_of(seen[place]))
        column = typed(raw[place], types[place], wanted)
        columns[spelling] = replace(column, guessed=name not in known)
    if JOIN_COLUMN not in columns:
        there = f"its columns are {', '.join(filter(None, names))}" if named else _HEADERLESS
        raise UsageError(
            f"{path.name} has no column {JOIN_COLUMN}",
            hint=did_you_mean(JOIN_COLUMN, by_name, there),
        )
    if table == "contact_data" and columns[JOIN_COLUMN].unusable:
        what = f"`{JOIN_COLUMN}` in {path.name} {columns[JOIN_COLUMN].unusable}"
        raise UsageError(what, hint="export it as text")
    return Relation(path.name, source, columns)


def _header(path: Path, *, packed: bool) -> tuple[list[str], str]:
    """Read the names of a CSV file's columns, and what separates them."""
    try:
        with gzip.open(path) if packed else path.open("rb") as stream:
            data = stream.read(LONGEST_HEADER)
        # What stands below the header is DuckDB's to check, which knows the line.
        text = data.decode("utf-8-sig", "surrogateescape")
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise UsageError(f"{path.name} is cut or damaged", hint="export it again") from None
    except OSError as error:
        raise UsageError(f"cannot read {path.name}: {error.strerror or error}") from None
    found: list[tuple[list[str], str]] = []
    for delimiter in _DELIMITERS:
        try:
            names = next(csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True))
        except (csv.Error, StopIteration):
            continue
        found.append(([name.strip() for name in names], delimiter))
    if any("\udc80" <= char <= "\udcff" for char in "".join(found[0][0] if found else ())):
        raise UsageError(f"{path.name} is not UTF-8", hint="save it as CSV in UTF-8")
    if not found:
        raise UsageError(f"the first line of {path.name} cannot be read", hint=_WANTED)
    # A name of a column may have a semicolon in it, the one that must be there has none.
    names, delimiter = max(found, key=lambda one: (JOIN_COLUMN in map(lower, one[0]), len(one[0])))
    if not any(names):
        hint = "it must name the columns"
        raise UsageError(f"the first line of {path.name} is empty", hint=hint)
    return names, delimiter


_HEADERLESS = "its first line looks like data: it must name the columns"


def _is_header(names: Sequence[str], known: Collection[str]) -> bool:
    """Say whether a first line names columns, and may be shown: else it is somebody's data."""
    return any(lower(name) in known for name in names) and not any(map(_NO_HEADER.fullmatch, names))


def _by_name(path: Path, names: Sequence[str], *, shown: bool) -> dict[str, int]:
    """Give the place of each column by its folded name; columns without a name are passed over."""
    found: dict[str, int] = {}
    for place, name in enumerate(names):
        if lower(name) in found:
            raise UsageError(
                f"{path.name} has two columns" + (f" called `{name}`" if shown else ""),
                hint="names are compared without case: rename one of them",
            )
        if name:
            found[lower(name)] = place
    return found


KINDS = {name.replace(", ", ","): kind for kind, name in TYPES.items()}
"""What is of the right type already, by the type as DuckDB writes it."""

_CSV = "CSV"
"""The type of what is text in a CSV file, where nothing and the empty text are one."""

_NOTHING = '"NULL"'
"""The type of a column of Parquet in which nobody has a value."""

_WHOLE = frozenset(
    f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
) | {"HUGEINT", "UHUGEINT"}
_TIMES = frozenset(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "DATE"))
_ZONED = "TIMESTAMP WITH TIME ZONE"
_AS_TEXT = _WHOLE | {"UUID", "BOOLEAN"}
_DECIMAL = re.compile(r"DECIMAL\(\d+,\s*(\d+)\)")
_WORDS = {
    ColumnType.VARCHAR: "texts",
    ColumnType.NUMBER: "numbers",
    ColumnType.TIMESTAMP: "times",
    ColumnType.ARRAY: "lists",
    ColumnType.VARIANT: "JSON",
}


def _kind_of(type_: str) -> ColumnType:
    """Say what a column is that nothing but its values tell of."""
    if type_ in _WHOLE or type_ in {"FLOAT", "DOUBLE"} or _DECIMAL.fullmatch(type_):
        return ColumnType.NUMBER
    if type_ in _TIMES or type_ == _ZONED:
        return ColumnType.TIMESTAMP
    return ColumnType.ARRAY if type_.endswith("[]") else ColumnType.VARCHAR


def typed(raw: str, type_: str, kind: ColumnType) -> Column:
    """Make a column of `kind` of one that has this type in the file."""
    if KINDS.get(type_) is kind is not ColumnType.ARRAY:
        return Column(kind, raw)
    if type_ == _NOTHING:
        return Column(kind, f"CAST(NULL AS {TYPES[kind]})")
    value = _VALUES[kind](raw, type_)
    if value is None:
        what = f"holds {type_}, and is asked as {_WORDS[kind]}"
        return Column(kind, f"CAST(NULL AS {TYPES[kind]})", unusable=what)
    if value == raw:
        return Column(kind, raw)
    there = f"{raw} IS NOT NULL"
    if type_ == "VARCHAR" and kind is not ColumnType.VARCHAR:
        there += f" AND {raw} <> ''"
    fault = f"({there} AND {value} IS NULL)"
    return Column(kind, value, "" if kind is ColumnType.VARCHAR else fault)


def _text(raw: str, type_: str) -> str | None:
    if type_ in {_CSV, "VARCHAR"}:
        return raw
    is_plain = type_ in _AS_TEXT or type_.startswith("ENUM")
    return f"CAST({raw} AS VARCHAR)" if is_plain else None


def _number(raw: str, type_: str) -> str | None:
    decimal = f"TRY_CAST({raw} AS {NUMBER_TYPE})"
    exact = _DECIMAL.fullmatch(type_)
    if type_ in _WHOLE or (exact and int(exact[1]) <= DECIMALS):
        return decimal
    if exact:
        return f"CASE WHEN {decimal} = {raw} THEN {decimal} END"
    if type_ in {"FLOAT", "DOUBLE"}:
        # Of all binary numbers, this one is the nearest to the decimal: nobody meant another.
        return f"CASE WHEN CAST({decimal} AS {type_}) = {raw} THEN {decimal} END"
    if type_ in {_CSV, "VARCHAR"}:
        form = text_sql(rf"\s*[+-]?[0-9]{{1,18}}(?:\.[0-9]{{0,{DECIMALS}}}0*)?\s*")
        return f"CASE WHEN regexp_full_match({raw}, {form}) THEN {decimal} END"
    return None


def _time(raw: str, type_: str) -> str | None:
    if type_ in _TIMES:
        return f"CASE WHEN isfinite({raw}) THEN CAST({raw} AS TIMESTAMP) END"
    if type_ in {_CSV, "VARCHAR"}:
        # A cast to a time without a zone would pass over the zone that stands there.
        raw = f"TRY_CAST({raw} AS TIMESTAMPTZ)"
    elif type_ != _ZONED:
        return None
    # Of an infinite time, this is NULL.
    return f"make_timestamp(epoch_us({raw}))"


_OTHERWISE = text_sql(r"[;|]|[^,\s\[\]]\s+[^,\s\[\]]")
"""What separates values in a list, other than a comma."""


def _list(raw: str, type_: str) -> str | None:
    if type_.endswith("[]") and type_.removesuffix("[]") in {"VARCHAR", "UUID"}:
        return _without_nulls(f"CAST({raw} AS VARCHAR[])")
    if type_ not in {_CSV, "VARCHAR"}:
        return None
    # ["a", "b"] is JSON; [a, b] and ['a', 'b'] and a, b are what else exports write.
    rest = rf"""regexp_split_to_array(trim({raw}, '[]"'' '), '["'']?\s*,\s*["'']?')"""
    # a;b is what we do not write: taken for one value, it would be on no list.
    rest = f"CASE WHEN regexp_matches({raw}, {_OTHERWISE}) THEN NULL ELSE {rest} END"
    items = f"CASE WHEN json_valid({raw}) THEN from_json({raw}, '[\"VARCHAR\"]') ELSE {rest} END"
    nothing = f"{raw} IS NULL" if type_ == _CSV else f"{raw} = ''"
    return (
        f"CASE WHEN {nothing} THEN CAST([] AS VARCHAR[])"
        f" WHEN {raw} LIKE '[%]' THEN {_without_nulls(items)}"
        f" WHEN {raw} NOT SIMILAR TO '[\\[{{].*' THEN {_without_nulls(rest)} END"
    )


def _without_nulls(items: str) -> str:
    return f"list_filter({items}, lambda item: item <> '')"


def _data(raw: str, type_: str) -> str | None:
    if type_ in {_CSV, "VARCHAR"}:
        return f"TRY_CAST({raw} AS JSON)"
    return f"to_json({raw})" if type_.startswith(("STRUCT", "MAP")) else None


_VALUES = {
    ColumnType.VARCHAR: _text,
    ColumnType.NUMBER: _number,
    ColumnType.TIMESTAMP: _time,
    ColumnType.ARRAY: _list,
    ColumnType.VARIANT: _data,
}


def fault_words(relation: Relation, column: str, count: int) -> str:
    """Say that so many values of a column are not what they should be."""
    kind = _WORDS[relation.columns[column].kind]
    one = {"texts": "text", "numbers": "number", "times": "time", "lists": "list"}.get(kind, kind)
    what = f"1 value of `{column}` in {relation.name} is no {one}" if count == 1 else ""
    return what or f"{count:,} values of `{column}` in {relation.name} are no {kind}"


FAULT_HINTS = {
    ColumnType.NUMBER: f"write 1234.5: no separators, and at most {DECIMALS} decimals",
    ColumnType.TIMESTAMP: "write 2026-01-31T09:30:00Z, or 2026-01-31",
    ColumnType.ARRAY: 'write ["a", "b"], or a, b',
    ColumnType.VARIANT: "write it as JSON",
}
"""What to do about values that are not what they should be."""
