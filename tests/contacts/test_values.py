"""The values of files: one documented grammar for each type, and everything else is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

from segctl.audience.results import Uncountable
from segctl.audience.typed_sql import text_sql
from segctl.contacts.masking import mask_value
from segctl.query.catalogue import ColumnType

from .support import J, S, count, numbers, packed, quoted, segments, written

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = {
    "Plan": ColumnType.VARCHAR,
    "spend": ColumnType.NUMBER,
    "seen": ColumnType.TIMESTAMP,
}


def parquet_of(path: Path, columns: str) -> Path:
    """Write rows that are given as the columns of a SELECT to a Parquet file."""
    duckdb.connect().execute(f"COPY (SELECT {columns}) TO '{path}' (FORMAT parquet)")
    return path


ACCEPTED = [
    ("spend", "5", "spend = 5"),
    ("spend", " -0.50 ", "spend = -0.5"),
    ("spend", "\t+5\t", "spend = 5"),
    ("spend", ".5", "spend = 0.5"),
    ("spend", "-.5", "spend = -0.5"),
    ("spend", "5.", "spend = 5"),
    ("spend", "007", "spend = 7"),
    ("spend", "1.0000000010000", "spend > 1"),
    ("spend", "999999999999999999.999999999", "spend > 999999999999999999.999999998"),
    ("spend", "  ", "spend IS NULL"),
    ("seen", "2026-07-15T16:04:33Z", "seen = '2026-07-15T16:04:33Z'"),
    ("seen", "2026-07-15T16:04Z", "seen = '2026-07-15T16:04:00Z'"),
    ("seen", "2026-07-15T16:04:33.5+02:00", "seen = '2026-07-15T14:04:33.5Z'"),
    ("seen", "2026-07-15T16:04:33.123456789Z", "seen = '2026-07-15T16:04:33.123456Z'"),
    ("seen", "2026-07-15 16:04:33-0530", "seen = '2026-07-15T21:34:33Z'"),
    ("seen", "2026-07-15 16:04:33 -05:30", "seen = '2026-07-15T21:34:33Z'"),
    ("seen", "2026-07-15T16:04:33+02", "seen = '2026-07-15T14:04:33Z'"),
    ("seen", "2026-07-15 16:04:33 Z", "seen = '2026-07-15T16:04:33Z'"),
    ("seen", "2026-07-15 16:04:33 UTC", "seen = '2026-07-15T16:04:33Z'"),
    ("seen", "2026-07-15 16:04:33 +0000 UTC", "seen = '2026-07-15T16:04:33Z'"),
    ("seen", "2026-07-15 16:04:33.25 +00:00 UTC", "seen = '2026-07-15T16:04:33.25Z'"),
    ("seen", "\t2026-07-15T16:04:33Z ", "seen = '2026-07-15T16:04:33Z'"),
    ("seen", "2026-07-15 16:04:33", "seen = '2026-07-15T16:04:33Z'"),
    ("seen", "2026-07-15", "seen = '2026-07-15T00:00:00Z'"),
    ("seen", " 2026-07-15 ", "seen = '2026-07-15T00:00:00Z'"),
    ("seen", "2024-02-29", "seen = '2024-02-29T00:00:00Z'"),
    ("seen", "", "seen IS NULL"),
    ("seen", " ", "seen IS NULL"),
    ("Plan", "", "plan IS NULL"),
    ("Plan", " ", "plan = ' '"),
    ("PLAN", 'it\'s "x",\n;', "plan LIKE 'it_s \"x\",_;'"),
    ("Plan", "5", "plan = '5'"),
    ("list_ids", '["a","b"]', "array_contains(list_ids, 'b')"),
    ("list_ids", '["a, b"]', "array_contains(list_ids, 'a, b')"),
    ("list_ids", '["a\\u0062"]', "array_contains(list_ids, 'ab')"),
    ("list_ids", "[a, b]", "array_contains(list_ids, 'b')"),
    ("list_ids", "[1, 2]", "array_contains(list_ids, '2')"),
    ("list_ids", "['a', 'b']", "array_contains(list_ids, 'b')"),
    ("list_ids", "['a, b', 'c']", "array_contains(list_ids, ['a, b', 'c'])"),
    ("list_ids", "'a', \"b\", c", "array_contains(list_ids, ['a', 'b', 'c'])"),
    ("list_ids", "a,b , c", "array_contains(list_ids, 'b')"),
    ("alternate_emails", "o'n@x.com, b@x.com", "array_contains(alternate_emails, 'o''n@x.com')"),
    ("list_ids", "a", "array_size(list_ids) = 1"),
    ("list_ids", " a ", "array_contains(list_ids, 'a')"),
    ("list_ids", '[ "a;b" , "c d" ]', "array_contains(list_ids, ['a;b', 'c d'])"),
    ("list_ids", '["a",null,""]', "array_size(list_ids) = 1"),
    ("list_ids", "[]", "array_size(list_ids) = 0"),
    ("list_ids", "[ ]", "array_size(list_ids) = 0"),
    ("list_ids", "", "array_size(list_ids) = 0"),
    ("List_IDs", " ", "NOT array_contains(list_ids, 'a')"),
]  # fmt: skip
"""Values, and a condition that they meet."""

REFUSED = {
    "spend": [
        *("1,5", "1 000", "1'000", "1_000", "$5", "5 %", "n/a", "true", "-", ".", "+", "--5"),
        *("NaN", "inf", "-Infinity", "1e3", "1E-12", "0x10", "0b1", "1.2.3", "½", "\u0663"),
        *("0.0000000001", "1000000000000000000", "-1000000000000000000", "5\u00a0", "\uff15"),
    ],
    "seen": [
        *("15.7.2026", "07/15/2026", "2026/07/15", "15-07-2026", "26-07-15", "31/12/23"),
        *("2026-7-5", "20260715"),
        *("2026-07", "2026", "2026-W29", "2026-196", "12026-07-15", "-2026-07-15"),
        *("infinity", "epoch", "now", "today", "yesterday", "2026-07-15 (BC)", "2026-07-15 BC"),
        *("2026-02-30", "2025-02-29", "2026-13-01", "0000-01-01", "2026-07-15T24:00:00Z"),
        *("2026-07-15T16:60Z", "2026-07-15T16:04:60Z", "2026-07-15T16", "2026-07-15T1:04Z"),
        *("2026-07-15 04:04:33 PM", "1720000000", "2026-07-15 16:04:33 BST", "2026-07-15Z"),
        *("2026-07-15 16:04:33 Europe/Prague", "2026-07-15 16:04:33 GMT", "2026-07-15 UTC"),
        *("2026-07-15 16:04:33 +0200 CEST", "2026-07-15 16:04:33 +0200 UTC", "2026-07-15t16:04z"),
        *("2026-07-15T16:04:33+15:00", "2026-07-15T16:04:33+02:60", "2026-07-15  16:04:33Z"),
        *("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "\uff12026-07-15"),
    ],
    "list_ids": [
        *("{a,b}", "[a", "a]", "a;b", "a|b", "[a b]", "('x','y')", "(x)", "[[a]]", '[["a"]]'),
        *('[{"a":1}]', '{"a":1}', '["a",]', "[a,]", "a,", ",a", "a,,b", "[,]", "'a", 'a"', '"a'),
        *("['a\\'b']", '["a\\x"]', '["\\ud800"]', "[null]x", "[a, null]", "None", "['a', None]"),
        *('["a" "b"]', '["a";"b"]'),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("column", "value", "condition"), ACCEPTED)
def test_a_value_is_read_as_its_type(
    tmp_path: Path, column: str, value: str, condition: str
) -> None:
    text = f"\ufeffCONTACT_ID,{column}\r\n1,{quoted(value)}\r\n2,\r\n"
    values = f"unnest(['1', '2']) AS contact_id, unnest([{text_sql(value)}, NULL]) AS {column}"
    for path in (
        written(tmp_path / "c.csv", text),
        packed(tmp_path / "c.gz", text),
        parquet_of(tmp_path / "c.parquet", values),
    ):
        counts = numbers(path, None, f"contact_id = '1' AND {condition}", fields=FIELDS)
        assert counts == [1], path.name


@pytest.mark.parametrize(
    ("column", "value"), [(column, value) for column in REFUSED for value in REFUSED[column]]
)
def test_a_faulty_value_is_reported_and_not_counted(
    tmp_path: Path, column: str, value: str
) -> None:
    values = f"unnest(['1', '2']) AS contact_id, unnest([{text_sql(value)}, NULL]) AS {column}"
    for path, row in (
        (written(tmp_path / "c.csv", f"contact_id,{column},city\n1,{quoted(value)},x\n2,,x\n"), 2),
        (parquet_of(tmp_path / "c.parquet", f"{values}, 'x' AS city"), 1),
    ):
        counted = count(path, None, segments(f"{column} IS NULL", "city = 'x'"), fields=FIELDS)
        wrong, sound = counted.results
        assert isinstance(wrong, Uncountable)
        (problem,) = wrong.problems
        assert problem.message.startswith(f"1 value of `{column}` in {path.name} is not a ")
        assert f": row {row} is `" in problem.message
        assert (problem.start, problem.end) == (len(S), len(S) + len(column))
        assert value not in problem.message or mask_value(value) == value
        assert not isinstance(sound, Uncountable)
        assert sound.after == 2


@pytest.mark.parametrize(
    ("column", "values", "shown"),
    [
        ("seen", ["", "31/12/23", "30/03/24"], "2 values … times: the first, row 3, is `99/99/99`"),
        ("seen", ["2026-02-30"], "1 value … a time: row 2 is `9999-99-99` (not in the calendar)"),
        ("seen", ["2024-06-30 12:00 BST"], "1 value … a time: row 2 is `9999-99-99 99:99 XXX`"),
        ("spend", ["5", "-1000000000000000000"],
         "1 value … a number: row 3 is `-9999999999999999999` (too large)"),
        ("spend", ["0.1234567891"],
         "1 value … a number: row 2 is `9.9999999999` (more than 9 decimals)"),
        ("spend", ["+420 Ann `Novák` ☎ <ann@x.com> and more"],
         "1 value … a number: row 2 is `+999 Xxx ?Xxxxx? ? <xxx@x.xxx>…`"),
        ("alternate_emails", ["('x@example.com','y@example.com')"],
         "1 value … a list: row 2 is `('x@xxxxxxx.xxx','x@xxxxxxx.xx…`"),
    ],
)  # fmt: skip
def test_a_fault_has_its_row_and_the_shape_of_its_value(
    tmp_path: Path, column: str, values: list[str], shown: str
) -> None:
    rows = "".join(f"{number},{quoted(value)}\n" for number, value in enumerate(values))
    path = written(tmp_path / "c.csv", f"contact_id,{column}\n{rows}")
    verb = "is not" if len(values) < 3 else "are not"
    message = shown.replace("…", f"of `{column}` in c.csv {verb}", 1)
    assert numbers(path, None, f"{column} IS NULL", fields=FIELDS) == [message]


def test_the_row_of_a_fault_is_found_in_a_large_file(tmp_path: Path) -> None:
    """DuckDB reads it in parts, by several threads."""
    rows = [f"{number},2026-01-01,{'x' * 40}" for number in range(400_000)]
    rows[345_678] = "345678,1.1.2026,x"
    path = written(tmp_path / "c.csv", "contact_id,seen,city\n" + "\n".join(rows) + "\n")
    (message,) = numbers(path, None, "seen IS NULL", fields=FIELDS)
    assert message == "1 value of `seen` in c.csv is not a time: row 345,680 is `9.9.9999`"


PARQUET_REFUSED = {
    "seen": [
        *("'infinity'::TIMESTAMP", "'-infinity'::TIMESTAMPTZ", "'infinity'::DATE"),
        *("'-infinity'::DATE", "DATE '10000-01-01'", "DATE '0001-01-01' - 1"),
        "TIMESTAMP '9999-12-31 23:59:59.999999' + INTERVAL 1 MICROSECOND",
        "TIMESTAMPTZ '0001-01-01 00:00:00+00' - INTERVAL 1 SECOND",
    ],
    "spend": [
        "'NaN'::DOUBLE", "'inf'::FLOAT", "1e18::DOUBLE", "0.1::DOUBLE + 0.2", "10::HUGEINT ** 18",
        "1000000000000000000::BIGINT", "1000000000000000000::DECIMAL(38, 0)",
        "0.0000000001::DECIMAL(20, 10)",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("column", "value"),
    [(column, value) for column in PARQUET_REFUSED for value in PARQUET_REFUSED[column]],
)
def test_a_value_out_of_range_is_refused_in_parquet(
    tmp_path: Path, column: str, value: str
) -> None:
    path = parquet_of(tmp_path / "c.parquet", f"'1' AS contact_id, {value} AS {column}")
    (message,) = numbers(path, None, f"{column} IS NULL", fields=FIELDS)
    assert str(message).startswith(f"1 value of `{column}` in c.parquet is not a "), message
    assert ": row 1 is `" in str(message)


def test_missing_and_empty_mean_the_same_in_every_format(tmp_path: Path) -> None:
    rows = ["NULL", "''", "'x'"]
    columns = ", ".join(f"unnest([{', '.join(rows)}]) AS {name}" for name in ("plan", "email"))
    lists = "unnest([NULL, [], ['', NULL], ['L']]::VARCHAR[][]) AS list_ids"
    asked = (
        "plan IS NULL", "email = ''", "NOT email = 'x'", "NOT array_contains(list_ids, ['L'])",
        "array_size(list_ids) = 0", "alternate_emails IS NULL", "array_size(alternate_emails) = 0",
        "spend IS NULL", "seen IS NULL",
    )  # fmt: skip
    parquet = parquet_of(
        tmp_path / "c.parquet",
        f"unnest(['1', '2', '3', '4']) AS contact_id, {columns}, {lists},"
        " NULL::VARCHAR[] AS alternate_emails, '' AS spend, NULL AS seen",
    )
    csv = written(
        tmp_path / "c.csv",
        "contact_id,plan,email,list_ids,alternate_emails,spend,seen\n"
        '1,,,,,,\n2,"","",[],,,\n3,x,x,"["""",null]",,,\n4,,,L,,,\n',
    )
    expected = [3, 0, 0, 3, 3, 0, 4, 4, 4]
    assert numbers(csv, None, *asked, fields=FIELDS) == expected
    assert numbers(parquet, None, *asked, fields=FIELDS) == expected


def test_blanks_around_an_id_are_no_part_of_it(tmp_path: Path) -> None:
    blanks = [" ", "\t", "\u00a0", "\u3000", "\ufeff", "\u2003 ", "\r\n"]
    ids = ["plain", *(f"{blank}{number}" for number, blank in enumerate(blanks)), "a b ", " é"]
    wanted = ["plain", *map(str, range(len(blanks))), "a b", "é"]
    asked = [f"contact_id = '{contact_id}'" for contact_id in wanted]
    rows = "".join(f"{quoted(contact_id)},x\n" for contact_id in ids)
    texts = ", ".join(map(text_sql, ids))
    contacts = (
        written(tmp_path / "c.csv", f"contact_id,city\n{rows}"),
        parquet_of(tmp_path / "c.parquet", f"unnest([{texts}]) AS contact_id"),
    )
    trimmed = "".join(f"{contact_id} ,open\n" for contact_id in wanted)
    events = written(tmp_path / "e.csv", f"contact_id,event_type\n{trimmed}")
    for path in contacts:
        assert numbers(path, None, *asked) == [1] * len(wanted)
        assert numbers(path, events, f"{J}e.event_type = 'open'") == [len(wanted)]


JSON = [
    ('{"a":"x"}', True), (' { "a" : "x" , "b" : [ 1 , 2.5e3 , null , true ] } ', True),
    ('{"a":"x","b":"NaN, infinity,]"}', True), ('{"a":"x","info":["inf"]}', True),
    ('{"a":"x","b":"\\",]\\\\"}', True),
    ('{"a":"x",}', False), ('{"a":"x","b":[1 , ]}', False), ('{"a":"x","b":NaN}', False),
    ('{"a":"x","b":-Infinity}', False), ('{"a":"x","b":[nan]}', False), ("{'a':'x'}", False),
    ("{a:1}", False), ('{"a":01}', False), ('{"a":.5}', False), ('{"a":"x"} {}', False),
    ('{"a":"x"', False), ('/**/{"a":"x"}', False), ("NaN", False), ("inf", False), ("TRUE", False),
]  # fmt: skip


@pytest.mark.parametrize(("data", "is_json"), JSON)
def test_json_is_what_its_standard_says(tmp_path: Path, data: str, *, is_json: bool) -> None:
    contacts = written(tmp_path / "c.csv", "contact_id\n1\n")
    csv = written(tmp_path / "e.csv", f"contact_id,data\n1,{quoted(data)}\n")
    values = f"'1' AS contact_id, {text_sql(data)} AS data"
    for events in (csv, parquet_of(tmp_path / "e.parquet", values)):
        (result,) = numbers(contacts, events, f"{J}e.DATA:a = 'x'")
        expected = f"1 value of `data` in {events.name} is not a JSON value: row "
        assert result == 1 if is_json else str(result).startswith(expected), result


def test_the_type_of_an_unknown_column_is_guessed_by_the_same_grammar(tmp_path: Path) -> None:
    columns = {
        "points": ("5", "7.5", ""), "joined": ("2026-01-01", "2026-02-01T00:00:00 +0000 UTC", " "),
        "level": ("a", "5", ""), "zip": ("00750", "75000", ""), "phone_2": ("+420555", "1", ""),
        "power": ("1e3", "5", ""), "local": ("31.12.2020", "1.1.2021", ""), "nothing": ("", "", ""),
        "year_2": ("26-01-31", "26-02-01", ""),
    }  # fmt: skip
    rows = [",".join((str(row), *(column[row] for column in columns.values()))) for row in range(3)]
    path = written(tmp_path / "c.csv", "\n".join([f"contact_id,{','.join(columns)}", *rows]) + "\n")
    unknown = "a field is compared with a time, but whether the field holds times is unknown"
    asked = {
        "points > 5": 1, "joined > '2026-01-15'": 1, "level = 'a'": 1, "zip = '00750'": 1,
        "phone_2 = '+420555'": 1, "power = '1e3'": 1, "local > '2026-01-15'": unknown,
        "nothing IS NULL": 3, "year_2 > '2026-01-15'": unknown,
    }  # fmt: skip
    counts = numbers(path, None, *asked)
    assert dict(zip(asked, counts, strict=True)) == asked
