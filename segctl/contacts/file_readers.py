"""Files of contacts and events as typed relations: CSV, gzip CSV, Parquet.

CSV is UTF-8 with a header, separated by commas, semicolons, tabs or bars. Loads nothing: a relation
is SQL, which DuckDB reads as far as a query needs. What a value means is up to `typed_columns`.
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
from segctl.audience.typed_sql import name_sql, text_sql
from segctl.common.suggest import did_you_mean
from segctl.contacts.typed_columns import (
    TEXT_TYPE,
    column_type_of,
    guess_sql,
    id_column,
    typed_column,
)
from segctl.errors import UsageError
from segctl.query.catalogue import JOIN_COLUMN, TABLES, ColumnType
from segctl.query.parser.tokens import lower

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from segctl.audience.duckdb_engine import Database
    from segctl.contacts.typed_columns import Column

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
class Relation:
    """A file in SQL: columns by their spelling, `source` for FROM, and a name for messages.

    `first_row` is the number that messages give to its first row: 2 where a header is before it.
    """

    name: str
    source: str
    columns: Mapping[str, Column]
    first_row: int = 1


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
        types = [TEXT_TYPE] * len(names)
        compression = "'gzip'" if file_format is Format.GZIP else "'none'"
        options = f"header=true, delim={text_sql(delimiter)}, quote='\"', escape='\"', nullstr=''"
        options += f", hive_partitioning=false, compression={compression}"
        structure = ", ".join(f"{column}: 'VARCHAR'" for column in raw)
        source = f"read_csv({pattern}, auto_detect=false, {options}, columns={{{structure}}})"
    known = {lower(name): (name, column_type) for name, column_type in fields.items()}
    known |= {name: (name, column_type) for name, column_type in TABLES[table].items()}
    has_header = file_format is Format.PARQUET or _is_header(names, known)
    by_name = _indexes_by_name(path, names, shown=has_header)
    unknown = {
        name: raw[index]
        for name, index in by_name.items()
        if name not in known and (used is None or name in used)
    }
    guessed = {} if file_format is Format.PARQUET else _guess_types(database, source, unknown)
    columns = {}
    for name, index in by_name.items():
        if name == JOIN_COLUMN:
            columns[name] = id_column(raw[index], types[index])
            continue
        guess = guessed.get(name) or column_type_of(types[index])
        spelling, column_type = known.get(name) or (names[index], guess)
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
    return Relation(path.name, source, columns, 1 if file_format is Format.PARQUET else 2)


_SAMPLE = 20_480
"""Rows from which the type of an unknown column is guessed; a later row that differs is a fault."""


def _guess_types(database: Database, source: str, raws: Mapping[str, str]) -> dict[str, ColumnType]:
    """Return the types of texts in unknown columns. Raises `EvaluationFailed`."""
    if not raws:
        return {}
    guesses = ", ".join(map(guess_sql, raws.values()))
    sample = f"SELECT {', '.join(raws.values())} FROM {source} LIMIT {_SAMPLE}"  # noqa: S608 - our own names
    (row,) = database.rows(f"SELECT {guesses} FROM ({sample})")  # noqa: S608 - as above
    return dict(zip(raws, map(ColumnType, row), strict=True))


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
