"""The same contacts and events in every format give the same numbers, and those of plain Python.

As CSV, as typed Parquet, as Parquet that has nothing but text, and as the data set that a pull
builds from exports. Values are missing or empty, with blanks, quotes and letters of many alphabets,
and are spelled in the ways that are documented.
"""

from __future__ import annotations

import csv
import io
import json
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count as counting
from typing import TYPE_CHECKING, Any

import duckdb
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from segctl.audience.to_duckdb import TYPES
from segctl.audience.typed_sql import name_sql, text_sql
from segctl.common.folder import Folder
from segctl.contacts.build import AccountInfo, build_dataset
from segctl.contacts.pull import DownloadedExport
from segctl.contacts.store import ContactStore
from segctl.query.catalogue import CONTACT_DATA, EVENT_DATA, ColumnType

from .support import NOW, J, Row, numbers, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    Condition = tuple[str, Callable[[Row], bool | None]]

FIELDS = {
    "plan": ColumnType.VARCHAR,
    "spend": ColumnType.NUMBER,
    "seen": ColumnType.TIMESTAMP,
}
COLUMNS = {
    **{name: CONTACT_DATA[name] for name in ("contact_id", "city", "list_ids", "alternate_emails")},
    **FIELDS,
}
EVENT_COLUMNS = {
    name: EVENT_DATA[name] for name in ("contact_id", "event_type", "timestamp", "data")
}
LISTS = ("L-1", "l-2")
EXAMPLES = int(os.environ.get("SEGCTL_FORMATS", "12"))
"""How many data sets to try; each is written in four formats."""

words = st.text(" \t\n'\",;|ab\\[]{}()éßİ\u0301\u00a0\u3000😀٣5.-", max_size=6)
texts = st.one_of(st.none(), st.sampled_from(["", " ", "x", "NULL", "null", "[]", "5"]), words)
items = st.one_of(
    st.sampled_from(["a@x.com", "o'n@x.com", "b c", 'q"q', "a,b", "null", "é"]), words
)
amounts = st.one_of(
    st.none(),
    st.sampled_from([Decimal(0), Decimal("0.5"), Decimal("-0.000000001"), Decimal(10) ** 18 - 1]),
    st.decimals(-1000, 1000, places=3),
)
times = st.one_of(
    st.none(),
    st.sampled_from([datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)]),
    st.datetimes(datetime(2026, 3, 1), datetime(2026, 3, 31)).map(  # noqa: DTZ001 - UTC is set below
        lambda time: time.replace(tzinfo=UTC)
    ),
)
ids = st.lists(st.text("ab5-éĐ", min_size=1, max_size=5), min_size=1, max_size=8, unique=True)
blanks = st.sampled_from(["", "", " ", "\t", "\u00a0", "\r\n"])
contacts = st.fixed_dictionaries(
    {
        "city": texts,
        "plan": texts,
        "spend": amounts,
        "seen": times,
        "list_ids": st.lists(st.sampled_from(LISTS), unique=True),
        "alternate_emails": st.one_of(st.none(), st.lists(items, max_size=3)),
    }
)
events = st.fixed_dictionaries(
    {
        "event_type": st.one_of(st.sampled_from(["open", "click", ""]), st.none()),
        "timestamp": times,
        "data": st.one_of(st.none(), st.fixed_dictionaries({"a": words}), st.just({})),
    }
)


def spelled(value: Any, column_type: ColumnType, choice: int) -> str:
    """Return a value as text, in one of the documented ways to write it."""
    if value is None:
        return ("", " ")[choice % 2] if column_type is not ColumnType.VARCHAR else ""
    match column_type:
        case ColumnType.NUMBER:
            plain = f"{value:f}"
            short = plain.replace("0.", ".", 1) if plain.lstrip("-").startswith("0.") else plain
            return (plain, f" {plain} ", short, f"{plain}00" if "." in plain else f"{plain}.")[
                choice % 4
            ]
        case ColumnType.TIMESTAMP:
            return spelled_time(value, choice)
        case ColumnType.ARRAY:
            return spelled_list(value, choice)
        case ColumnType.VARIANT:
            return json.dumps(value, ensure_ascii=choice % 2 == 0, indent=choice % 3 or None)
    return str(value)


def spelled_time(time: datetime, choice: int) -> str:
    iso = time.replace(tzinfo=None).isoformat()
    is_edge = time.year in {1, 9999}
    hours = 0 if is_edge else choice % 27 - 12
    local = (time + timedelta(hours=hours)).replace(tzinfo=None).isoformat(sep=" ")
    ways = [
        *(f"{iso}Z", iso, iso.replace("T", " ") + " UTC", f"{iso} +0000 UTC", f" {iso} Z "),
        *(f"{local}{hours:+03}:00", f"{local} {hours:+03}00", f"{local}{hours:+03}"),
    ]
    return ways[choice % len(ways)]


def spelled_list(values: Sequence[str], choice: int) -> str:
    as_json = json.dumps(values, ensure_ascii=choice % 2 == 0)
    is_bare = all(
        value and value.lower() not in {"null", "none"} and value[0] not in "'" != value[-1]
        and not set(value) & set(',;|"()[]{} \t\n\r\f\v') and value.isascii()
        for value in values
    )  # fmt: skip
    is_quotable = not any(set(value) & set("'\\") for value in values)
    ways = [as_json]
    if not values:
        ways += ["[]", "", " "]
    if is_bare and values:
        ways += [", ".join(values), ",".join(values), f"[{', '.join(values)}]"]
    if is_quotable and values and not any("null" in v.lower() for v in values):
        ways.append("[" + ", ".join(f"'{value}'" for value in values) + "]")
    return ways[choice % len(ways)]


def texts_of(
    rows: Sequence[Row], types: Mapping[str, ColumnType], choices: Iterator[int]
) -> list[list[str]]:
    return [
        [spelled(row.get(name), column_type, next(choices)) for name, column_type in types.items()]
        for row in rows
    ]


def csv_of(path: Path, names: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerows([names, *rows])
    return written(path, out.getvalue())


def parquet_of(path: Path, types: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> Path:
    """Write rows of Python values to a Parquet file, in DuckDB's types."""
    with duckdb.connect() as base:
        columns = ", ".join(f"{name_sql(name)} {kind}" for name, kind in types.items())
        base.execute(f"CREATE TABLE t ({columns})")
        marks = ", ".join("?" for _ in types)
        base.executemany(f"INSERT INTO t VALUES ({marks})", rows)  # noqa: S608 - only marks
        base.execute(f"COPY t TO {text_sql(str(path))} (FORMAT parquet)")
    return path


def typed(value: Any, column_type: ColumnType) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return json.dumps(value) if column_type is ColumnType.VARIANT and value is not None else value


def pulled_of(folder: Path, people: Sequence[Row], choices: Iterator[int]) -> Path:
    """Build the data set that a pull builds: an export of all contacts, and one for each list."""
    types = {name: kind for name, kind in COLUMNS.items() if name != "list_ids"}
    names = [name.upper() for name in types]
    exports = []
    for number, list_id in enumerate((None, *LISTS)):
        members = [row for row in people if list_id is None or list_id in row["list_ids"]]
        path = csv_of(folder / f"export-{number}", names, texts_of(members, types, choices))
        exports.append(DownloadedExport(list_id, NOW, len(members), (path,)))
    store = ContactStore(Folder(folder), "production")
    store.downloads.make(0o700)
    build_dataset(exports, store, FIELDS, AccountInfo("0" * 32), ())
    return store.dataset


def literal(text: str) -> str:
    """Return a text as a literal of the query language, in which a backslash escapes."""
    return text_sql(text.replace("\\", "\\\\"))


def text_conditions(name: str, value: str) -> Iterator[Condition]:
    text = literal(value)
    yield f"{name} IS NULL", lambda row: not row[name]
    yield f"{name} = {text}", lambda row: row[name] == value
    yield f"NOT {name} = {text}", lambda row: row[name] and row[name] != value
    yield f"{name} = ''", lambda _: False


def list_conditions(list_id: str) -> Iterator[Condition]:
    contains = f"array_contains(list_ids, ['{list_id}'])"
    yield contains, lambda row: list_id in row["list_ids"]
    yield f"NOT {contains}", lambda row: list_id not in row["list_ids"]


def conditions(example: Row) -> Iterator[Condition]:
    """Yield conditions with the values of a contact, and what they are in Python."""
    for name in ("city", "plan"):
        yield from text_conditions(name, example[name] or "x")
    amount = example["spend"] if example["spend"] is not None else Decimal("0.5")
    yield f"spend = {amount:f}", lambda row: row["spend"] == amount
    yield f"spend > {amount:f}", lambda row: row["spend"] is not None and row["spend"] > amount
    yield "spend IS NULL", lambda row: row["spend"] is None
    time = example["seen"] or NOW
    moment = time.isoformat().replace("+00:00", "Z")
    yield f"seen = '{moment}'", lambda row: row["seen"] == time
    yield f"seen < '{moment}'", lambda row: row["seen"] is not None and row["seen"] < time
    yield "seen IS NULL", lambda row: row["seen"] is None
    for list_id in LISTS:
        yield from list_conditions(list_id)
    addresses = [item for item in example["alternate_emails"] or () if item]
    address = addresses[0] if addresses else "a@x.com"
    yield (
        f"array_contains(alternate_emails, {literal(address)})",
        lambda row: address in (row["alternate_emails"] or ()),
    )
    yield (
        f"array_size(alternate_emails) = {len(addresses)}",
        lambda row: len([item for item in row["alternate_emails"] or () if item]) == len(addresses),
    )
    yield "alternate_emails IS NULL", lambda _: False
    contact_id = example["contact_id"]
    yield f"contact_id = {literal(contact_id)}", lambda row: row["contact_id"] == contact_id


def event_conditions(example: Row) -> Iterator[Condition]:
    """Yield conditions on the events of a contact, and what they are in Python."""
    time = example["timestamp"] or NOW
    moment = time.isoformat().replace("+00:00", "Z")
    yield "e.event_type = 'open'", lambda row: row["event_type"] == "open"
    yield "e.event_type IS NULL", lambda row: not row["event_type"]
    yield (
        f"e.timestamp >= '{moment}'",
        lambda row: bool(row["timestamp"]) and (row["timestamp"] >= time),
    )
    yield "e.DATA:a IS NULL", lambda row: (row["data"] or {}).get("a") is None
    text = (example["data"] or {}).get("a") or "x"
    yield f"e.DATA:a = {literal(text)}", lambda row: (row["data"] or {}).get("a") == text


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    phases=(Phase.generate,),
)
@given(st.data())
def test_every_format_gives_the_same_numbers(tmp_path_factory: Any, data: st.DataObject) -> None:
    folder: Path = tmp_path_factory.mktemp("formats")
    people: list[Row] = [
        {"contact_id": contact_id, **data.draw(contacts)} for contact_id in data.draw(ids)
    ]
    happened: list[Row] = [
        {"contact_id": data.draw(st.sampled_from(people))["contact_id"], **event}
        for event in data.draw(st.lists(events, min_size=1, max_size=8))
    ]
    seed = data.draw(st.integers(0, 10_000))
    choices = (seed * number * number + number for number in counting())
    before, after = data.draw(blanks), data.draw(blanks)

    def padded(rows: Sequence[Row]) -> list[Row]:
        return [{**row, "contact_id": f"{before}{row['contact_id']}{after}"} for row in rows]

    files: list[tuple[str, list[Path]]] = []
    for kind in ("csv", "typed parquet", "text parquet", "pulled"):
        written_files: list[Path] = []
        for name, rows, types in (
            ("contacts", padded(people), COLUMNS),
            ("events", padded(happened), EVENT_COLUMNS),
        ):
            path = folder / f"{kind}-{name}"
            as_text = texts_of(rows, types, choices)
            as_values = [
                [typed(row.get(column), column_type) for column, column_type in types.items()]
                for row in rows
            ]
            if kind == "pulled" and name == "contacts":
                written_files.append(pulled_of(folder, padded(people), choices))
            elif kind in {"csv", "pulled"}:
                written_files.append(csv_of(path, [*types], as_text))
            elif kind == "text parquet":
                written_files.append(parquet_of(path, dict.fromkeys(types, "VARCHAR"), as_text))
            else:
                native = {column: TYPES[column_type] for column, column_type in types.items()}
                written_files.append(parquet_of(path, native, as_values))
        files.append((kind, written_files))
    asked = [*conditions(data.draw(st.sampled_from(people)))]
    about_events = [*event_conditions(data.draw(st.sampled_from(happened)))]
    expected = [sum(bool(holds(row)) for row in people) for _, holds in asked]
    expected += [
        len({event["contact_id"] for event in happened if holds(event)})
        for _, holds in about_events
    ]
    queries = [text for text, _ in asked] + [J + text for text, _ in about_events]
    for kind, (contacts_file, events_file) in files:
        counted = numbers(contacts_file, events_file, *queries, fields=FIELDS)
        different = [
            (text, number, wanted)
            for text, number, wanted in zip(queries, counted, expected, strict=True)
            if number != wanted
        ]
        assert different == [], kind
