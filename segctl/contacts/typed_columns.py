"""The values of files as SQL of the types of `to_duckdb.TYPES`: one grammar for each type.

A text is matched whole against the grammar before DuckDB converts it, since DuckDB takes more than
is documented: zone names, two-digit years, `epoch`, trailing commas. What does not match is a
fault, never a guess and never NULL. An empty value is NULL in every format, and the empty list in a
column of lists. Does not read files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.audience.to_duckdb import TYPES
from segctl.audience.typed_sql import DECIMALS, NUMBER_LIMIT, NUMBER_TYPE, text_sql
from segctl.query.catalogue import ColumnType

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT_TYPE = "VARCHAR"
"""DuckDB's type of a text, which every value of a CSV file is."""

NULL_TYPE = '"NULL"'
"""DuckDB's type of a Parquet column without any value."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column in SQL: its value, in the type `type`.

    `fault` is the condition that a row's value, `raw` in the file, is not of that type; empty where
    there can be none. `unusable` says why no value of the column can be of that type, or is empty.
    `guessed`: the type is known from nothing but the values.
    """

    type: ColumnType
    value: str
    fault: str = ""
    raw: str = ""
    unusable: str = ""
    guessed: bool = False


_INTEGERS = frozenset(
    f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
) | {"HUGEINT", "UHUGEINT"}
_FLOATS = frozenset(("FLOAT", "DOUBLE"))
_TIMES = frozenset(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "DATE"))
_TIME_WITH_ZONE = "TIMESTAMP WITH TIME ZONE"
_CAST_TO_TEXT = _INTEGERS | {"UUID", "BOOLEAN"}
_DECIMAL = re.compile(r"DECIMAL\(\d+,\s*\d+\)")
_TEXTS = frozenset((TEXT_TYPE, "JSON"))
"""The types of texts; nothing has checked that a Parquet column of JSON has JSON in it."""

_MAX_TYPE = 60
"""Characters of a type's name that a message quotes: that of a struct has the names of fields."""


def column_type_of(duckdb_type: str) -> ColumnType:
    """Return the type of a Parquet column that is known from nothing but its values."""
    if duckdb_type in _INTEGERS | _FLOATS or _DECIMAL.fullmatch(duckdb_type):
        return ColumnType.NUMBER
    if duckdb_type in _TIMES or duckdb_type == _TIME_WITH_ZONE:
        return ColumnType.TIMESTAMP
    return ColumnType.ARRAY if duckdb_type.endswith("[]") else ColumnType.VARCHAR


def typed_column(raw: str, duckdb_type: str, column_type: ColumnType) -> Column:
    """Return a column of the file (`raw`, in `duckdb_type`) as a column of `column_type`."""
    empty = "CAST([] AS VARCHAR[])" if column_type is ColumnType.ARRAY else "NULL"
    if duckdb_type == NULL_TYPE:
        return Column(column_type, f"CAST({empty} AS {TYPES[column_type]})")
    value = _CONVERSIONS[column_type](raw, duckdb_type)
    if value is None:
        name = duckdb_type if len(duckdb_type) <= _MAX_TYPE else f"{duckdb_type[:_MAX_TYPE]}…"
        unusable = f"must contain {NOUNS[column_type][1]}, got {name}"
        return Column(column_type, f"CAST({empty} AS {TYPES[column_type]})", unusable=unusable)
    if column_type is ColumnType.VARCHAR:
        return Column(column_type, value)
    if duckdb_type in _TEXTS:
        # Only of the few rows without a value is it asked whether they have a text.
        is_present = rf"COALESCE(regexp_matches({raw}, '\S'), FALSE)"
        fault = f"CASE WHEN {value} IS NULL THEN {is_present} ELSE FALSE END"
    else:
        fault = f"({raw} IS NOT NULL AND {value} IS NULL)"
    return Column(column_type, value, fault, raw)


def id_column(raw: str, duckdb_type: str) -> Column:
    """Return a column of contact ids, without the blanks around them.

    An id of blanks alone is none.
    """
    column = typed_column(raw, duckdb_type, ColumnType.VARCHAR)
    if column.unusable:
        return column
    value = column.value
    # Trimming is slow, and hardly any id begins or ends with something else than ASCII.
    is_trimmed = f"{value} BETWEEN '!' AND '~' AND ({value})[-1] BETWEEN '!' AND '~'"
    trimmed = f"nullif(trim({value}, {text_sql(_BLANKS)}), '')"
    return Column(ColumnType.VARCHAR, f"CASE WHEN {is_trimmed} THEN {value} ELSE {trimmed} END")


_BLANKS = "".join(char for char in map(chr, range(0x3001)) if char.isspace()) + "\u200b\ufeff"
"""Every blank, and the two characters without a width that come with a copied text."""


def _text(raw: str, duckdb_type: str) -> str | None:
    if duckdb_type in _TEXTS:
        return f"nullif({raw}, '')"
    can_cast = duckdb_type in _CAST_TO_TEXT or duckdb_type.startswith("ENUM")
    return f"nullif(CAST({raw} AS VARCHAR), '')" if can_cast else None


_NUMBER = rf"\s*[+-]?(?:[0-9]{{1,18}}(?:\.[0-9]{{0,{DECIMALS}}}0*)?|\.[0-9]{{1,{DECIMALS}}}0*)\s*"
_PLAIN_NUMBER = r"-?(?:(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,9})?|\.[0-9]{1,9})"
"""How the numbers of a column are written whose type is unknown: `007` and `+420` may be texts."""


def _number(raw: str, duckdb_type: str) -> str | None:
    decimal = f"TRY_CAST({raw} AS {NUMBER_TYPE})"
    if duckdb_type in _TEXTS:
        return f"CASE WHEN regexp_full_match({raw}, {text_sql(_NUMBER)}) THEN {decimal} END"
    in_range = f"{decimal} > -{NUMBER_LIMIT:f} AND {decimal} < {NUMBER_LIMIT:f}"
    if duckdb_type in _INTEGERS:
        return f"CASE WHEN {in_range} THEN {decimal} END"
    if _DECIMAL.fullmatch(duckdb_type):
        return f"CASE WHEN {in_range} AND {decimal} = {raw} THEN {decimal} END"
    if duckdb_type in _FLOATS:
        # Of all binary numbers, this one is the nearest to the decimal, so the decimal is meant.
        same = f"CAST({decimal} AS {duckdb_type}) = {raw}"
        return f"CASE WHEN {in_range} AND {same} THEN {decimal} END"
    return None


_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?"
_OFFSET = r"[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?"
_TIME = rf"{_DATE}(?:{_CLOCK}(?:Z|{_OFFSET})?)?"
_SPACED_TIME = (
    rf"\s*({_DATE}(?:{_CLOCK})?)\s*|"
    rf"\s*({_DATE}{_CLOCK}) ?(?:(Z|{_OFFSET})|([+-]00:?00) UTC|UTC)\s*"
)
"""A time with blanks, or in the two ways in which programs write UTC; without `_TIME`."""


def _time(raw: str, duckdb_type: str) -> str | None:
    if duckdb_type in _TEXTS:
        unspaced = rf"regexp_replace({raw}, {text_sql(f'^(?:{_SPACED_TIME})$')}, '\1\2\3\4')"
        # A cast to a time without a zone would ignore the zone in the text.
        zoned = (
            f"CASE WHEN regexp_full_match({raw}, {text_sql(_TIME)})"
            f" THEN TRY_CAST({raw} AS TIMESTAMPTZ)"
            f" WHEN regexp_full_match({raw}, {text_sql(_SPACED_TIME)})"
            f" THEN TRY_CAST({unspaced} AS TIMESTAMPTZ) END"
        )
        time = f"make_timestamp(epoch_us({zoned}))"
    elif duckdb_type in _TIMES:
        time = f"CASE WHEN isfinite({raw}) THEN TRY_CAST({raw} AS TIMESTAMP) END"
    elif duckdb_type == _TIME_WITH_ZONE:
        # NULL for an infinite time.
        time = f"make_timestamp(epoch_us({raw}))"
    else:
        return None
    years = "TIMESTAMP '0001-01-01' AND TIMESTAMP '9999-12-31 23:59:59.999999'"
    return f"CASE WHEN {time} BETWEEN {years} THEN {time} END"


_BARE = r"""[^\s,;|"'()\[\]{}](?:[^\s,;|"()\[\]{}]*[^\s,;|"'()\[\]{}])?"""
_ITEM = rf"""(?:{_BARE}|'[^'\\]*'|"[^"\\]*")"""
_ITEMS = rf"{_ITEM}(?:\s*,\s*{_ITEM})*"
_LIST = rf"\s*(?:{_ITEMS}|\[\s*(?:{_ITEMS})?\s*\])\s*"
_NO_ITEM = r"(?i)(?:^|[\s,\[])(?:null|none)(?:[\s,\]]|$)"
"""What programs write for a missing item; as a text, it would be a list of that name."""

_JSON_TEXT = r'"(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"'
_JSON_LIST = rf"\s*\[\s*(?:{_JSON_TEXT}|null)(?:\s*,\s*(?:{_JSON_TEXT}|null))*\s*\]\s*"


def _list(raw: str, duckdb_type: str) -> str | None:
    if duckdb_type.endswith("[]") and duckdb_type.removesuffix("[]") in {TEXT_TYPE, "UUID"}:
        return f"COALESCE({_without_empty(f'CAST({raw} AS VARCHAR[])')}, [])"
    if duckdb_type not in _TEXTS:
        return None
    in_json = f"from_json({raw}, '[\"VARCHAR\"]')"
    quoted = "left(item, 1) IN ('''', '\"')"
    items = (
        f"list_transform(regexp_extract_all({raw}, {text_sql(_ITEM)}),"
        f" lambda item: CASE WHEN {quoted} THEN item[2:-2] ELSE item END)"
    )
    return (
        rf"CASE WHEN {raw} IS NULL OR NOT regexp_matches({raw}, '\S') THEN CAST([] AS VARCHAR[])"
        f" WHEN regexp_full_match({raw}, {text_sql(_JSON_LIST)})"
        f" THEN CASE WHEN json_valid({raw}) THEN {_without_empty(in_json)} END"
        f" WHEN regexp_full_match({raw}, {text_sql(_LIST)})"
        f" AND NOT regexp_matches({raw}, {text_sql(_NO_ITEM)}) THEN {_without_empty(items)} END"
    )


def _without_empty(items: str) -> str:
    return f"list_filter({items}, lambda item: item <> '')"


_JSON_STRINGS = r'"(?:[^"\\]|\\.)*"'
_NO_JSON = r"(?i)(?:^|[:\[,\s+-])(?:nan|inf)|,\s*[\]}]"
"""What DuckDB takes for JSON, and no one else: NaN, Infinity, and a comma at the end."""


def _json(raw: str, duckdb_type: str) -> str | None:
    if duckdb_type in _TEXTS:
        json = f"TRY_CAST({raw} AS JSON)"
        without_strings = f"regexp_replace({raw}, {text_sql(_JSON_STRINGS)}, '\"\"', 'gs')"
        is_doubtful, is_wrong = (
            f"regexp_matches({text}, {text_sql(_NO_JSON)})" for text in (raw, without_strings)
        )
        return f"CASE WHEN NOT {is_doubtful} THEN {json} WHEN NOT {is_wrong} THEN {json} END"
    return f"to_json({raw})" if duckdb_type.startswith(("STRUCT", "MAP")) else None


_CONVERSIONS: dict[ColumnType, Callable[[str, str], str | None]] = {
    ColumnType.VARCHAR: _text,
    ColumnType.NUMBER: _number,
    ColumnType.TIMESTAMP: _time,
    ColumnType.ARRAY: _list,
    ColumnType.VARIANT: _json,
}

NOUNS = {
    ColumnType.VARCHAR: ("string", "strings"),
    ColumnType.NUMBER: ("number", "numbers"),
    ColumnType.TIMESTAMP: ("time", "times"),
    ColumnType.ARRAY: ("list", "lists"),
    ColumnType.VARIANT: ("JSON value", "JSON values"),
}
"""What a value of a type is called, and several."""

FAULT_HINTS = {
    ColumnType.NUMBER: f"write 1234.5: no separators, less than 10^18, at most {DECIMALS} decimals",
    ColumnType.TIMESTAMP: "write 2026-01-31T09:30:00Z, or 2026-01-31",
    ColumnType.ARRAY: 'write ["a", "b"], or a, b',
    ColumnType.VARIANT: "write JSON",
}
"""How to write the values of a type."""


def guess_sql(raw: str) -> str:
    """Return an aggregate that names the type of the texts in a column: a `ColumnType`."""
    present = rf"regexp_matches({raw}, '\S')"
    matches = (
        f"bool_and(regexp_full_match({raw}, {text_sql(form)})) FILTER (WHERE {present})"
        for form in (_PLAIN_NUMBER, f"{_TIME}|{_SPACED_TIME}")
    )
    is_number, is_time = matches
    return (
        f"CASE WHEN {is_number} THEN '{ColumnType.NUMBER}'"
        f" WHEN {is_time} THEN '{ColumnType.TIMESTAMP}' ELSE '{ColumnType.VARCHAR}' END"
    )


def is_written_as_time(text: str) -> bool:
    """Return whether a text is written as a time, whether or not the calendar has it."""
    return re.fullmatch(f"{_TIME}|{_SPACED_TIME}", text, re.ASCII) is not None
