"""Files as data sets: values are typed with certainty, or refused with the reason."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from datetime import UTC, datetime
from itertools import combinations
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from segctl.audience.duckdb_engine import EvaluationFailed, FileUnreadable
from segctl.audience.results import Counts, Uncountable
from segctl.common.folder import Folder
from segctl.contacts.count_query import CountQuery
from segctl.contacts.counter import count_audiences
from segctl.contacts.dataset import DatasetMissing, open_dataset
from segctl.contacts.uniqueness_cache import FILE
from segctl.errors import UsageError
from segctl.model import Segment
from segctl.query.catalogue import ColumnType

from .support import NOW, J, Row, count, numbers, opened, pulled, quoted, segments, written

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = {
    "Plan": ColumnType.VARCHAR,
    "spend": ColumnType.NUMBER,
    "seen": ColumnType.TIMESTAMP,
}


def test_delimiters_are_detected_and_unused_columns_ignored(tmp_path: Path) -> None:
    for mark in ",;\t|":
        rows = ["city", "spend", "contact_id", "", ""], ["x", "no number", "1", "a", "b"]
        path = written(tmp_path / "c.csv", "".join(mark.join(row) + "\n" for row in rows))
        assert numbers(path, None, "city = 'x'", fields=FIELDS) == [1]


def test_the_type_of_an_unknown_field_is_read_from_its_values(tmp_path: Path) -> None:
    text = "contact_id,points,joined,level\n1,5,2026-01-01,a\n2,7.5,2026-02-01,b\n"
    path = written(tmp_path / "c.csv", text)
    mixed = "a number is compared with a string, and how SendGrid compares them is undocumented"
    assert numbers(
        path, None, "points > 5", "joined > '2026-01-15'", "level = 'a'", "level = 5", "levl = 'a'"
    ) == [1, 1, 1, mixed, "the contacts have no column `levl`"]  # fmt: skip


@pytest.mark.parametrize("file", ["csv", "parquet"])
def test_a_field_of_unknown_type_is_not_compared_with_a_time(tmp_path: Path, file: str) -> None:
    """By its letters, "31.12.2020" is later than any time."""
    path = tmp_path / f"c.{file}"
    rows = "(VALUES ('1', '31.12.2020', 'a'), ('2', '2026-02-01', 'b'))"
    named = f"FROM {rows} t(contact_id, joined, level)"
    duckdb.connect().execute(f"COPY ({named}) TO '{path}' (FORMAT {file})")
    doubt = "a field is compared with a time, but whether the field holds times is unknown"
    asked = ("joined > '2026-01-15T00:00:00Z'", "joined IN ('2026-02-01')", "level = 'a'")
    assert numbers(path, None, *asked) == [doubt, doubt, 1]
    text = {"joined": ColumnType.VARCHAR}
    assert numbers(path, None, *asked, fields=text) == [2, 1, 1]
    time = {"joined": ColumnType.TIMESTAMP}
    row = 2 if file == "csv" else 1
    wrong = f"1 value of `joined` in c.{file} is not a time: row {row} is `99.99.9999`"
    assert numbers(path, None, asked[0], fields=time) == [wrong]


TYPED = """
SELECT unnest(['1', '2']) AS contact_id, unnest([1.5, 0.1]::DOUBLE[]) AS spend,
  unnest([1, 2]::DECIMAL(9, 2)[]) AS exact, 7::TINYINT AS small, 1.25::DECIMAL(30, 20) AS long,
  0.1::DOUBLE + 0.2 AS rounded, DATE '2026-07-15' AS day,
  TIMESTAMPTZ '2026-07-15 16:04:33+02:00' AS zoned, 5 AS Plan, uuid() AS external_id,
  true AS first_name, 1.5::DOUBLE AS city, [NULL, 'a'] AS list_ids, 5 AS alternate_emails,
  'x@example.com' AS email_domains, TIME '10:00:00' AS created_at, NULL::TIMESTAMP AS updated_at,
  '' AS seen, 'infinity'::TIMESTAMP AS never, NULL AS phone_number, NULL AS created
"""


def test_parquet_types_are_converted(tmp_path: Path) -> None:
    path = tmp_path / "c"
    duckdb.connect().execute(f"COPY ({TYPED}) TO '{path}' (FORMAT parquet)")
    asked = {
        "spend = 0.1": 1, "exact = 2": 1, "small = 7": 2, "long = 1.25": 2,
        "rounded > 0": "2 values of `rounded` in c are not numbers: the first, row 1, is"
        " `9.99999999999999999` (more than 9 decimals)",
        "day = '2026-07-15'": 2, "zoned = '2026-07-15T14:04:33Z'": 2, "plan = '5'": 2,
        "external_id LIKE '%-%'": 2, "first_name = 'true'": 2,
        "city = 'x'": "`city` in c must contain strings, got DOUBLE",
        "array_contains(list_ids, 'a')": 2, "array_size(list_ids) = 1": 2,
        "array_contains(alternate_emails, 'a')":
            "`alternate_emails` in c must contain lists, got INTEGER",
        "array_contains(email_domains, 'x@example.com')": 2,
        "created_at > now()": "`created_at` in c must contain times, got TIME",
        "updated_at IS NULL": 2, "seen IS NULL": 2,
        "never > now()": "2 values of `never` in c are not times: the first, row 1, is `xxxxxxxx`",
         "phone_number IS NULL": 2, "created IS NULL": 2, "created > now()": 0,
    }  # fmt: skip
    fields = {**FIELDS, "created": ColumnType.TIMESTAMP}
    counts = numbers(path, None, *asked, fields=fields)
    assert dict(zip(asked, counts, strict=True)) == asked
    ids = "SELECT 1.5::DOUBLE AS contact_id"
    duckdb.connect().execute(f"COPY ({ids}) TO '{path}' (FORMAT parquet)")
    with pytest.raises(UsageError, match="`contact_id` in c must contain strings, got DOUBLE"):
        count(path, None, ())


def test_events_and_their_data_are_read(tmp_path: Path) -> None:
    contacts = written(tmp_path / "c.csv", "contact_id\n1\n2\n")
    text = "Contact_ID,event_type,timestamp,data\n1,click,2026-03-30,%s\n3,open,,\n"
    good = written(tmp_path / "e.csv", text % quoted('{"payload":{"a":"b"}}'))
    asked = ("e.DATA:payload.a = 'b'", "e.event_type = 'open'", "e.timestamp > now() - 2 days")
    assert numbers(contacts, good, *(J + each for each in asked)) == [1, 0, 1]
    bad = written(tmp_path / "bad.csv", text % quoted("{"))
    assert numbers(contacts, bad, *(J + each for each in asked)) == [
        "1 value of `data` in bad.csv is not a JSON value: row 2 is `{`", 0, 1,
    ]  # fmt: skip
    number = written(tmp_path / "n.csv", text % quoted('{"payload":{"a":5}}'))
    assert numbers(contacts, number, *(J + each for each in asked)) == [
        "e.DATA:payload.a is not a string in some event", 0, 1,
    ]  # fmt: skip
    nobody = written(tmp_path / "n.csv", "contact_id,event_type\n,open\n1,click\n")
    residual = f"{J}e.event_type = c.city OR e.event_type = 'x'"
    lost = "1 event has no contact_id in n.csv: row 2"
    city = written(tmp_path / "c.csv", "contact_id,city\n1,click\n2,\n")
    counts = numbers(city, nobody, f"{J}e.event_type = 'open'", "city = 'click'")
    assert counts == [lost, 1]
    assert numbers(city, nobody, residual) == [lost]
    assert numbers(city, good, residual, f"{J}e.event_source = 'mail'") == [
        1, "the events have no column `event_source`",
    ]  # fmt: skip


def test_each_path_into_data_has_its_own_value(tmp_path: Path) -> None:
    """The JSON is read once for all segments, but only the values in use are checked."""
    payloads = (
        ("click", """{"payload":{"a":"x","A":"y","it's":["z"]}}"""),
        ("click", r'{"payload":{"a":"é\\n"}}'),
        ("open", '{"payload":{"a":5,"A":null}}'),
        ("spam", ""),
    )
    lines = "".join(
        f"{number},{kind},2026-03-{number + 1:02},{quoted(data)}\n"
        for number, (kind, data) in enumerate(payloads)
    )
    events = written(tmp_path / "e.csv", f"contact_id,event_type,timestamp,data\n{lines}")
    contacts = written(tmp_path / "c.csv", "contact_id\n0\n1\n2\n3\n")
    later = J.replace("WHERE", "JOIN event_data f ON c.contact_id = f.contact_id WHERE")
    asked: dict[str, int | str] = {
        f"{J}e.event_type = 'click' AND e.DATA:payload.a = 'x'": 1,
        f"{J}e.event_type = 'click' AND e.DATA:payload.a = 'é\\\\n'": 1,
        f"{J}e.event_type = 'click' AND e.DATA:payload.A = 'y'": 1,
        f"{J}e.event_type = 'open'": 1,
        f"{J}e.event_type = 'open' OR e.event_type = 'click' AND e.DATA:payload.a = 'x'": 2,
        f"{J}e.DATA:payload.\"it's\"[0] LIKE 'z%'": 1,
        f"{J}e.event_type != 'open' AND e.DATA:payload.A IS NULL": 2,
        f"{J}e.DATA:payload.\"it's\" IS NOT NULL": 1,
        f"{J}e.DATA:payload.a = 'x'": "e.DATA:payload.a is not a string in some event",
        f"{J}e.DATA:payload . A IS NULL": "e.DATA:payload . A is JSON null in some event, and"
        " whether SendGrid treats that as NULL is undocumented",
        f"{later}e.timestamp >= f.timestamp AND e.event_type != 'open'"
        " AND e.DATA:payload.a = 'x'": 1,
        f"{later}e.timestamp >= f.timestamp AND f.DATA:payload.a = 'x'":
            "f.DATA:payload.a is not a string in some event",
    }  # fmt: skip
    counts = numbers(contacts, events, *asked)
    assert dict(zip(asked, counts, strict=True)) == asked
    alone = [numbers(contacts, events, each)[0] for each in asked]
    assert alone == counts


def test_a_condition_fails_alone_if_it_fails_among_others(tmp_path: Path) -> None:
    events: list[Row] = [
        {"contact_id": "1", "event_type": "open", "data": {"a": 5, "b": "x"}},
        {"contact_id": "2", "event_type": "click", "data": {"a": "x"}},
        {"contact_id": "2", "event_type": None, "data": {"a": "x"}},
    ]
    path = pulled(tmp_path / "p.duckdb", [{"contact_id": "1"}, {"contact_id": "2"}], events, {})
    no = "e.DATA:a is not a string in some event"
    asked: dict[str, int | str] = {
        "e.event_type = 'open'": 1,
        "e.DATA:a = 'x' AND e.DATA:a != 'x'": no,
        "e.event_type = 'click' AND e.DATA:a = 'x'": 1,
        "NOT (e.event_type = 'open' OR e.DATA:a = 'y')": 1,
        "(e.event_type = 'open' OR e.DATA:a = 'x') AND e.DATA:b = 'x'": 1,
        "e.DATA:b = 'x' AND (e.event_type = 'click' AND e.DATA:a = 'x') IS NOT TRUE": 1,
        "NOT (e.event_type != 'open' AND e.DATA:a = 'x')": 1,
        "e.event_type = 'click' OR e.DATA:a = 'x'": no,
        "e.event_type = 'click'": 1,
    }
    queries = [J + condition for condition in asked]
    together = numbers(path, None, *queries)
    assert dict(zip(asked, together, strict=True)) == asked
    assert [numbers(path, None, query)[0] for query in queries] == together


def test_a_month_is_not_thirty_days(tmp_path: Path) -> None:
    """For DuckDB the two intervals are equal, and it would compute them once."""
    contacts = written(tmp_path / "c.csv", "contact_id,seen\n1,2026-02-28T12:30:00Z\n")
    events = written(tmp_path / "e.csv", "contact_id,timestamp\n1,2026-02-28T12:30:00Z\n")
    asked = {
        f"{J}e.timestamp >= now() - 30 days": 0,
        f"{J}e.timestamp >= now() - 1 month": 1,
        f"{J}e.timestamp >= timestampadd(day, -360, now()) AND c.seen < now() - 360 days": 0,
        f"{J}e.timestamp >= timestampadd(year, -1, now())": 1,
        "seen >= now() - 720 hours": 0,
        "NOT seen >= now() - 30 days AND seen >= now() - 1 month": 1,
        "timestampadd(month, 1, seen) = timestampadd(day, 28, seen)": 1,
        "timestampadd(day, 30, seen) = timestampadd(month, 1, seen)": 0,
    }
    counts = numbers(contacts, events, *asked, fields=FIELDS)
    assert dict(zip(asked, counts, strict=True)) == asked


def test_an_event_query_without_events_is_reported(tmp_path: Path) -> None:
    path = written(tmp_path / "c.csv", "contact_id\n1\n")
    whole = "EXISTS (SELECT 1 FROM event_data)"
    asked = (f"{J}e.event_type = 'open'", whole, "contact_id = '1'")
    no = "it uses event_data, and there are no events"
    assert numbers(path, None, *asked) == [no, no, 1]


NO_EVENTS = "it uses event_data, and there are no events"


def test_an_empty_file_of_events_is_reported(tmp_path: Path) -> None:
    contacts = written(tmp_path / "c.csv", "contact_id,city\n1,x\n")
    events = written(tmp_path / "e.csv", "contact_id,event_type\n")
    never = "contact_id NOT IN (SELECT contact_id FROM event_data WHERE event_type = 'open')"
    assert numbers(contacts, events, never, "city = 'x'") == [NO_EVENTS, 1]


def test_events_of_unknown_contacts_are_reported(tmp_path: Path) -> None:
    """Files with different ids for the same people: no contact would ever have clicked."""
    contacts = written(tmp_path / "c.csv", "contact_id,city,seen\n1,x,2026-03-01\n2,y,\n")
    events = tmp_path / "e.csv"
    clicked, opened = (f"{J}e.event_type = '{kind}'" for kind in ("click", "open"))
    later = f"{J}e.timestamp > c.seen"
    asked = (clicked, opened, later, "city = 'x'")
    written(events, "contact_id,event_type,timestamp\nann@example.com,click,2026-03-02\n")
    no = "no event in e.csv belongs to a contact in c.csv"
    assert numbers(contacts, events, *asked) == [no, no, no, 1]
    # Further events of unknown contacts are fine, and so are events that no query looks for.
    with events.open("a", encoding="utf-8", newline="") as stream:
        stream.write("1,open,2026-03-02\n")
    assert numbers(contacts, events, *asked) == [0, 1, 1, 1]
    written(events, "contact_id,event_type,timestamp\n9,bounce,2026-03-02\n")
    assert numbers(contacts, events, clicked, opened) == [0, 0]


def test_unknown_members_of_a_list_are_reported(tmp_path: Path) -> None:
    contacts = [{"contact_id": "1", "list_ids": ["a"]}, {"contact_id": "2", "list_ids": []}]
    facts = {"lists": '["a", "b"]', "account_lists": '{"d": "News\\u001b[2J"}'}
    path = pulled(tmp_path / "p.duckdb", contacts, None, {}, **facts)
    some_lists = "this uses all lists of a contact, and the members of some lists are unknown"
    assert numbers(
        path, None, "array_contains(list_ids, ['a', 'b'])", "array_contains(list_ids, ['a', 'c'])",
        "array_size(list_ids) = 1", "NOT array_contains(list_ids, 'b')",
        "array_contains(list_ids, ['c', 'd'])",
    ) == [
        1, "the members of the list c are unknown", some_lists, 2,
        r"the members of the lists c and d “News\x1b[2J” are unknown",
    ]  # fmt: skip
    with opened(path, None, ()) as dataset:
        query = "SELECT contact_id, updated_at FROM contact_data"
        chosen = [Segment("in", query, ("a",)), Segment("not", query, ("c",))]
        results = count_audiences(dataset, [(None, segment) for segment in chosen], NOW).results
    assert getattr(results[0], "after", None) == 1
    assert isinstance(results[1], Uncountable)
    assert results[1].problems[0].start == -1


def test_pulled_contacts_know_their_age_and_account(tmp_path: Path) -> None:
    path = pulled(tmp_path / "p'.duckdb", [{"contact_id": "1"}], [], {}, distinct="true")
    with opened(path, None, ()) as dataset:
        assert (dataset.as_of, dataset.modified_at) == ("2026-03-28T12:00:00Z", None)
        assert (dataset.account, dataset.lists, dataset.is_distinct) == ("0" * 32, None, True)
        assert dataset.is_pulled
    assert numbers(path, None, f"{J}e.event_type = 'open'") == [NO_EVENTS]
    assert numbers(path, None, "plan = 'x'", fields={"plan": ColumnType.VARCHAR}) == [
        "the contacts have no column `plan`"
    ]
    own = written(tmp_path / "e.csv", "contact_id,event_type\n1,open\n")
    with pytest.raises(UsageError, match="has events of its own"), opened(path, own, ()):
        pass
    bare = pulled(tmp_path / "bare.duckdb", [{"contact_id": "1"}, {"contact_id": "2"}], None, {})
    assert numbers(bare, own, f"{J}e.event_type = 'open'", f"{J}e.event_source = 'mail'") == [
        1, "the events have no column `event_source`",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "c is empty"),
        (b"contact_id,a,A\n1,2,3\n", "duplicate column `A` in c"),
        (b"email\nx@example.com\n", "c has no column contact_id"),
        (b"PK\x03\x04....", "ZIP file or a workbook"),
        (b"\x28\xb5\x2f\xfd....", "zstd"),
        (b"\xff\xfec\x00", "UTF-16"),
        (b"contact_id,na\xefve\n", "not UTF-8"),
        (b"\x1f\x8bnothing of the kind", "c is damaged"),
        (gzip.compress(b"contact_id,city\n1,x\n", mtime=0)[:20], "c is damaged"),
        (b'"contact_id', "cannot read the first line of c"),
        (b"\n\n", "the first line of c is empty"),
        (b"contact_id,a;b;c;d\n1,x\n1,y\n", "1 row repeats a contact_id in c"),
        (b"Ann,1990-05-05,Brno,Brno\n", "duplicate column in c$"),
        (b"12345678DUCKdatabase", "c is a database"),
        (b"PAR1 and nothing else", "c is damaged"),
        pytest.param(
            b"contact_id\n1\n" + b"2" * 2_100_000 + b"\n",
            "line 3 of c is longer than 2 MB",
            id="a long line",
        ),
    ],
)
def test_an_unreadable_file_is_reported(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "c"
    path.write_bytes(data)
    with pytest.raises((UsageError, EvaluationFailed), match=message):
        count(path, None, ())


def test_a_truncated_file_is_reported(tmp_path: Path) -> None:
    # Larger than the part that is read to detect the columns.
    rows = "".join(f"{number * 0x9E3779B97F4A7C15:060x},x\n" for number in range(20_000))
    whole = gzip.compress(b"contact_id,city\n" + rows.encode())
    path, events = tmp_path / "c.csv.gz", tmp_path / "e.csv.gz"
    path.write_bytes(whole)
    assert numbers(path, None, "city = 'x'") == [20_000]
    path.write_bytes(whole[:-9])
    with pytest.raises(EvaluationFailed, match=r"^cannot read c\.csv\.gz$"):
        count(path, None, segments("city = 'x'"))
    path.write_bytes(whole)
    events.write_bytes(whole[:-9])
    with pytest.raises(EvaluationFailed, match=r"^cannot read e\.csv\.gz$"):
        count(path, events, segments(f"{J}e.contact_id = '1'"))


@pytest.mark.posix
def test_a_pipe_is_refused(tmp_path: Path) -> None:
    pipe, path = tmp_path / "pipe", written(tmp_path / "c.csv", "contact_id\n1\n")
    os.mkfifo(pipe)
    for contacts, events in ((pipe, None), (path, pipe)):
        with pytest.raises(UsageError, match="pipe is a pipe or a device, not a file"):
            count(contacts, events, ())


@pytest.mark.parametrize("line", ["ann@example.com,Ann", "Ann,Brno"])
def test_a_first_line_of_data_is_not_shown(tmp_path: Path, line: str) -> None:
    path = written(tmp_path / "c.csv", f"{line}\nbob@example.com,Bob\n")
    with pytest.raises(UsageError) as caught, opened(path, None, ()):
        pass
    assert "ann" not in (caught.value.message + caught.value.hint).lower()
    assert "looks like data" in caught.value.hint
    twice = written(tmp_path / "c.csv", "contact_id,ann@example.com,ANN@example.com\n")
    with pytest.raises(UsageError, match=r"duplicate column in c.csv$"), opened(twice, None, ()):
        pass


def test_other_files_and_the_network_are_out_of_reach(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissing), opened(tmp_path / "none.csv", None, ()):
        pass
    with pytest.raises(UsageError, match="is a folder, not a file"), opened(tmp_path, None, ()):
        pass
    other = written(tmp_path / "other.csv", "contact_id\n1\n")
    path = written(tmp_path / "c.csv", "contact_id\n1\n")
    with opened(path, None, ()) as dataset:
        for reach in (f"'{other}'", "'/etc/passwd'", "'https://example.com/a.csv'"):
            with pytest.raises(EvaluationFailed):
                dataset.database.rows(f"SELECT * FROM read_csv({reach})")  # noqa: S608
        with pytest.raises(EvaluationFailed):
            dataset.database.rows("SET enable_external_access = true")
    with (
        pytest.raises(UsageError, match="is a database"),
        opened(path, pulled(tmp_path / "p", [], None, {}), ()),
    ):
        pass


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "contact_id,city\n1,a\n1,b\n2,a\n1,c\n",
            "2 rows repeat a contact_id in c.csv: the first is row 3",
        ),
        ("contact_id,city\n1,a\n1,b\n", "1 row repeats a contact_id in c.csv: row 3"),
        ("contact_id,city\n1,a\n,b\n", "1 row has no contact_id in c.csv: row 3"),
        ("contact_id,city\n1,a\n2\n", "line 3 of c.csv has 1 column, but the header has 2"),
        ("contact_id,city\n1,a\n ,b\n", "1 row has no contact_id in c.csv: row 3"),
        ("contact_id\n1\n2\n\n", "1 row has no contact_id in c.csv: row 4"),
        ("contact_id\n1\n\n2\n\n", "2 rows have no contact_id in c.csv: the first is row 3"),
        ("contact_id,city\n1,a\n  \n", "line 3 of c.csv has 1 column, but the header has 2"),
        (
            'contact_id,city\n1,a\n2,"secret\n',
            "line 3 of c.csv has a quote that does not end, or text after one",
        ),
        (
            "contact_id,city\n1,a\n2,secret,more\n",
            "line 3 of c.csv has 3 columns, but the header has 2",
        ),
    ],
)
def test_contacts_without_a_row_of_their_own_are_reported(
    tmp_path: Path, text: str, message: str
) -> None:
    path = written(tmp_path / "c.csv", text)
    with pytest.raises((UsageError, FileUnreadable)) as caught:
        count(path, None, segments("city = 'a'"))
    assert caught.value.message == message
    assert "secret" not in caught.value.message + caught.value.hint


@pytest.mark.posix
def test_uniqueness_is_checked_once_for_each_file(tmp_path: Path) -> None:
    path = written(tmp_path / "c.csv", "contact_id,city\n1,a\n2,b\n")

    def checked(**more: Any) -> bool:
        with opened(path, None, (), **more) as dataset:
            count_audiences(dataset, [], NOW)
            return dataset.is_distinct

    folder = Folder(tmp_path)
    assert [checked(), checked(temp_root=folder), checked(temp_root=folder)] == [False, False, True]
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    written(path, "contact_id,city\n1,a\n1,b \n")
    for _ in range(2):
        with pytest.raises(UsageError, match="repeats"):
            checked(temp_root=folder)
    (tmp_path / FILE).write_text("[")
    written(path, "contact_id\n1\n")
    assert [checked(temp_root=folder), checked(temp_root=folder)] == [False, True]


def test_a_line_that_is_not_utf8_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_bytes(b"contact_id,city\n1,a\n2,\xe9\n")
    with pytest.raises(FileUnreadable, match=r"line 3 of c\.csv is not UTF-8"):
        count(path, None, segments("city = 'a'"))


def test_a_count_that_fails_leaves_the_others(tmp_path: Path) -> None:
    path = written(tmp_path / "c.csv", "contact_id,spend\n1,\n2,100000000000000000\n")
    huge = "spend * 100000000000000000 * 1000000 > 1"
    counts = numbers(path, None, "spend > 1", huge, "spend > 2", fields=FIELDS)
    assert counts == [1, "a number or a time becomes too large, first in row 3 of c.csv", 1]
    chosen = segments("spend > 1", huge)
    with opened(path, None, chosen, fields=FIELDS) as dataset:
        (result,) = count_audiences(dataset, [(chosen[1], chosen[0])], NOW).results
    assert isinstance(result, Uncountable)
    assert result.in_before


MANY = [
    *(f"{J}e.event_type = 'click' AND e.timestamp > now() - {days} days" for days in range(1, 61)),
    *(f"spend > {number}" for number in range(60)),
    *(f"contact_id NOT IN (SELECT contact_id FROM event_data WHERE event_type = '{number}')"  # noqa: S608
      for number in range(60)),
    f"{J}e.timestamp > c.seen",
    "seen > (SELECT MAX(e.timestamp) FROM event_data e WHERE e.event_type = 'open')",
]  # fmt: skip


@pytest.mark.parametrize("number", [1, 180, len(MANY)])
def test_any_number_of_segments_reads_each_file_once(tmp_path: Path, number: int) -> None:
    """DuckDB's query plan has one scan of each file; the warnings read the events once more."""
    contacts = written(tmp_path / "c.csv", "contact_id,spend,seen\n1,5,2026-01-01\n2,70,\n")
    events = written(tmp_path / "e.csv", "contact_id,event_type,timestamp\n1,click,2026-03-01\n")
    chosen = segments(*MANY[:number])
    ran: list[str] = []
    with opened(contacts, events, chosen, fields=FIELDS) as dataset:
        inner = dataset.database.rows

        def rows(sql: str, parameters: object = None) -> list[tuple[object, ...]]:
            ran.append(sql)
            return inner(sql, parameters)  # type: ignore[arg-type]

        dataset.database.rows = rows  # type: ignore[method-assign]
        counted = count_audiences(
            dataset, [(None, segment) for segment in chosen], NOW, overlap=number < 2
        )
        assert not any(isinstance(result, Uncountable) for result in counted.results)
        # Another statement checks whether there are events.
        statement, survey = (sql for sql in ran if not sql.endswith(" LIMIT 1"))
        now = {"now": datetime(2026, 3, 31, tzinfo=UTC)}
        ((_, plan),) = inner(f"EXPLAIN {statement}", now if "$now" in statement else {})
    assert plan.count("READ_CSV") == 2
    assert statement.count("c.csv") == 1
    assert statement.count("e.csv") == 1
    assert (survey.count("c.csv"), survey.count("e.csv")) == (0, 1)


def test_many_subqueries_are_split_and_the_numbers_stay(tmp_path: Path) -> None:
    """DuckDB needs minutes to plan hundreds of them in one statement."""
    seen = "\n".join(f"{number},{number},2026-03-{number:02}" for number in range(1, 31))
    contacts = written(tmp_path / "c.csv", f"contact_id,spend,seen\n{seen}\n")
    rows_of_events = "\n".join(f"{number},2026-03-15" for number in range(1, 31))
    events = written(tmp_path / "e.csv", f"contact_id,timestamp\n{rows_of_events}\n")
    later = segments(*(f"{J}e.timestamp > c.seen + {days} days" for days in range(15)))
    poor = segments(*(f"spend <= {number}" for number in range(15)))
    pairs = [pair for one, other in zip(later, poor, strict=True) for pair in (
        (one, other), (None, one), (later[0], one), (None, other),
    )]  # fmt: skip
    wanted = [
        found
        for days in range(15)
        for late in [14 - days]
        for found in (
            (late, days, max(days - late, 0), max(late - days, 0)),
            (0, late, late, 0),
            (14, late, 0, days),
            (0, days, days, 0),
        )
    ]
    with opened(contacts, events, [*later, *poor], fields=FIELDS) as dataset:
        counted = count_audiences(dataset, pairs, NOW, overlap=True)
        assert counted.total == 30
        assert [*counted.results] == [Counts(*numbers) for numbers in wanted]
        assert counted.samples == ((),) * len(pairs)
        who = [{*range(1, 15 - days)} for days in range(15)]
        who_poor = [{*range(1, number + 1)} for number in range(15)]
        members = [
            one
            for late, poor_ones in zip(who, who_poor, strict=True)
            for one in (poor_ones, late, late, poor_ones)
        ]
        assert [
            (overlap.both, overlap.only_first, overlap.only_second) for overlap in counted.overlaps
        ] == [
            (len(first & second), len(first - second), len(second - first))
            for first, second in combinations(members, 2)
        ]


def test_a_failure_among_many_subqueries_is_reported(tmp_path: Path) -> None:
    """The others are counted, and no table is left behind."""
    contacts = written(tmp_path / "c.csv", "contact_id,seen\n1,2026-03-01\n2,\n")
    rows_of_events = 'contact_id,timestamp,data\n1,2026-03-15,"{""a"":5}"\n'
    events = written(tmp_path / "e.csv", rows_of_events)
    many = [f"{J}e.timestamp > c.seen + {days} days" for days in range(19)]
    wrong = f"{J}e.timestamp > c.seen AND e.DATA:a = 'x'"
    chosen = segments(*many[:9], wrong, *many[9:])
    with opened(contacts, events, chosen, fields=FIELDS) as dataset:
        results = count_audiences(dataset, [(None, segment) for segment in chosen], NOW).results
        assert dataset.database.rows("SELECT * FROM duckdb_tables()") == []
    assert isinstance(results[9], Uncountable)
    assert results[9].problems[0].message == "e.DATA:a is not a string in some event"
    assert [getattr(result, "after", None) for result in results] == [1] * 9 + [None] + [1] * 5 + [
        0
    ] * 5
    for rows, words in (("1,\n1,\n", "repeats a contact_id"), ("1,\n,\n", "no contact_id")):
        broken = written(tmp_path / "b.csv", f"contact_id,seen\n{rows}")
        with pytest.raises(UsageError, match=words):
            count(broken, events, segments(*many), fields=FIELDS)


def test_every_two_of_many_segments_are_compared(tmp_path: Path) -> None:
    path = written(
        tmp_path / "c.csv",
        "contact_id,spend\n" + "".join(f"{number},{number}\n" for number in range(40)) + "x,\n",
    )
    chosen = segments(
        *(f"spend >= {number}" for number in range(36)),
        "spend < 3",
        "spend <> 7",
        "spend <> 7 ",
        "no = 1",
        "spend IS NULL",
        "spend > 99",
    )
    members = [
        *({*range(number, 40)} for number in range(36)),
        {0, 1, 2}, {*range(40)} - {7}, {*range(40)} - {7}, None, {"x"}, set[int](),
    ]  # fmt: skip
    with opened(path, None, chosen, fields=FIELDS) as dataset:
        overlaps = count_audiences(
            dataset, [(None, segment) for segment in chosen], NOW, overlap=True
        ).overlaps
        empty = count_audiences(dataset, [(None, chosen[0])], NOW, overlap=True).overlaps
    wanted = [
        (first_index, second_index, len(first & second), len(first - second), len(second - first))
        for (first_index, first), (second_index, second) in combinations(enumerate(members), 2)
        if first is not None and second is not None
    ]
    assert [
        (overlap.first, overlap.second, overlap.both, overlap.only_first, overlap.only_second)
        for overlap in overlaps
    ] == wanted
    assert empty == ()


def test_only_used_columns_are_read(tmp_path: Path) -> None:
    path = written(tmp_path / "c.csv", "contact_id,email,city,phone_number\n1,a@b.test,x,5\n")
    chosen = segments("city = 'x'")
    with opened(path, None, chosen) as dataset:
        statement = CountQuery(dataset, [])
        statement.measure("count(id)")
        ((_, plan),) = dataset.database.rows(f"EXPLAIN {statement.text()}")
        assert ("c0" in plan, "c1" in plan, "c2" in plan) == (True, False, False)
        assert count_audiences(dataset, [(None, chosen[0])], NOW).total == 1


@pytest.mark.posix
def test_temporary_files_stay_in_our_folder(tmp_path: Path) -> None:
    path = written(tmp_path / "c.csv", "contact_id\n1\n")
    with open_dataset(path, temp_root=Folder(tmp_path)) as dataset:
        (folder,) = tmp_path.glob("spill-*")
        assert folder.stat().st_mode & 0o777 == 0o700
        ((setting,),) = dataset.database.rows("SELECT current_setting('temp_directory')")
        assert setting == str(folder)
        with open_dataset(path, temp_root=Folder(tmp_path)):
            assert len([*tmp_path.glob("spill-*")]) == 2
        assert [*tmp_path.glob("spill-*")] == [folder]
    assert not folder.exists()


@pytest.mark.posix
def test_the_next_run_removes_the_folder_of_a_killed_run(tmp_path: Path) -> None:
    path = written(tmp_path / "c.csv", "contact_id\n1\n")
    code = (
        "import os, signal\nfrom pathlib import Path\n"
        "from segctl.common.folder import Folder\n"
        "from segctl.contacts.temp_folders import temp_folder\n"
        f"with temp_folder(Folder(Path({str(tmp_path)!r}))) as folder:\n"
        "    (folder / 'people').write_text('Zdenka')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    (left,) = tmp_path.glob("spill-*")
    assert (left / "people").exists()
    with open_dataset(path, temp_root=Folder(tmp_path)):
        assert not left.exists()
    assert not [*tmp_path.glob("spill-*")]
