"""What is not certain is refused, at its place and with a reason; the rest means what it says."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segctl.audience.scope import Columns
from segctl.audience.to_duckdb import Audience, translate
from segctl.query.catalogue import ColumnType
from segctl.query.parser.parse import parse
from tests.query.corpus import C, J, S, W

COLUMNS = Columns(
    {
        "plan": ColumnType.VARCHAR,
        "Odd": ColumnType.VARCHAR,
        "twin": ColumnType.VARCHAR,
        "Twin": ColumnType.VARCHAR,
        "spend": ColumnType.NUMBER,
        "seen": ColumnType.TIMESTAMP,
    }
)

REFUSED = (
    ("spend = '5'", "'5'", "a number stands beside a text"),
    ("plan = 5", "5", "a number stands beside a text"),
    ("plan > seen", "plan", "in which form"),
    ("seen > 'yesterday'", "'yesterday'", "ISO form"),
    ("seen > '06/07/2026'", "'06/07/2026'", "ISO form"),
    ("seen > 5", "5", "a number stands beside a time"),
    ("seen - 5 > now()", "seen", "is a time"),
    ("plan", "plan", "stands where a condition should"),
    ("list_ids = 'x'", "'x'", "a list"),
    ("list_ids LIKE 'x'", "list_ids LIKE 'x'", "looks into texts"),
    ("array_contains(list_ids, [])", "array_contains(list_ids, [])", "empty list"),
    ("array_contains(list_ids, ['x', NULL])", "NULL", "takes texts"),
    ("array_contains(plan, ['x'])", "plan", "looks into lists"),
    ("array_contains(['x'], list_ids)", "array_contains(['x'], list_ids)", "write"),
    ("plan LIKE '50\\%'", "'50\\%'", "`\\%`"),
    ("plan LIKE 'a\\\\b'", "'a\\\\b'", "backslash"),
    ("plan LIKE 'a!b' ESCAPE '!'", "'a!b'", "must stand before"),
    ("plan LIKE 'a!' ESCAPE '!'", "'a!'", "must stand before"),
    ("plan LIKE 'a' ESCAPE 'ab'", "'ab'", "one character"),
    ("plan LIKE Odd", "Odd", "pattern"),
    ("plan ILIKE 'x'", "plan ILIKE 'x'", "not documented"),
    ("plan = '\\u0041'", "'\\u0041'", "what `\\u` means"),
    ("spend / 2 > 1", "spend / 2", "multiply"),
    ("spend % 0 = 1", "spend % 0", "may be 0"),
    ("spend % spend = 1", "spend % spend", "may be 0"),
    ("spend > 0.1234567891", "0.1234567891", "decimals"),
    ("spend > 1e30", "1e30", "too large"),
    ("CAST(spend AS INT) = 1", "CAST(spend AS INT)", "without the cast"),
    ("round(spend) = 1", "round(spend)", "ROUND"),
    ("date_trunc(day, seen) = now()", "date_trunc(day, seen)", "DATE_TRUNC"),
    ("seen > CURRENT_DATE", "CURRENT_DATE", "CURRENT_DATE"),
    ("seen > CURRENT_TIMESTAMP(3)", "CURRENT_TIMESTAMP(3)", "rounds"),
    ("seen > now() - interval '1 day 2 hours'", "interval '1 day 2 hours'", "cannot be read"),
    ("seen > now() - interval '10'", "interval '10'", "cannot be read"),
    ("seen > now() - 1.5 days", "1.5 days", "whole numbers"),
    ("seen > timestampadd(day, spend, now())", "spend", "whole numbers"),
    ("seen > now() - 501 years", "now() - 501 years", "500 years"),
    ("twin = 'x'", "twin", "two fields"),
    ("\"odd\" = 'x'", '"odd"', 'write "Odd"'),
    ("paln = 'x'", "paln", "did you mean `plan`?"),
    ("x.plan = 'x'", "x.plan", "no table in sight"),
    ("spend = (SELECT e.timestamp FROM event_data e)", "", "MAX or MIN"),
    ("seen = (SELECT MAX(seen) FROM event_data e)", "seen", "the query around"),
    ("contact_id IN (SELECT e.contact_id, e.data FROM event_data e)", "", "more than one"),
    ("contact_id IN (SELECT x FROM (SELECT 1 FROM event_data) e)", "", "event_data can be asked"),
)


@pytest.mark.parametrize(("where", "place", "words"), REFUSED)
def test_what_is_not_certain_is_refused(where: str, place: str, words: str) -> None:
    text = W + where
    translation = translate(parse(text), COLUMNS)
    assert translation.audience is None
    (problem,) = translation.problems
    assert words in f"{problem.message}; {problem.hint}"
    if place:
        assert text[problem.start : problem.end] == place


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{S} LIMIT 3", "LIMIT is not supported"),
        (S.replace("SELECT", "SELECT DISTINCT"), "DISTINCT"),
        (S.replace("updated_at", "email"), "something else than contacts"),
        (S.replace("updated_at", "updated_at, MAX(email)"), "only MAX(timestamp)"),
        (S.replace("contact_data", "event_data"), "must ask contact_data"),
        (S.replace("contact_data", "x.contact_data"), "can be asked"),
        (f"{S}, event_data", "comma"),
        (J.replace("JOIN", "LEFT JOIN"), "JOIN … ON … alone"),
        (J.replace("c.contact_id = e.contact_id", "c.email = e.contact_id"), "contact_id"),
        (J.replace(" e ON", " c ON"), "two tables are called"),
        (f"{J} JOIN contact_data d ON d.contact_id = c.contact_id", "that once"),
        (f"{J} WHERE contact_id = 'x'", "two tables have a column"),
        (f"{J} WHERE e.DATA:payload.x = 5", "stands beside"),
        (f"{J} WHERE e.DATA:payload.x = e.DATA:payload.y", "of what type"),
        (f"{J} WHERE e.data = 'x'", "semi-structured"),
        ("SELECT", "the query ends"),
    ],
)
def test_shapes_that_are_refused(text: str, words: str) -> None:
    translation = translate(parse(text), COLUMNS)
    assert translation.audience is None
    assert words in " ".join(f"{one.message} {one.hint}" for one in translation.problems)


def test_everything_is_refused_at_once() -> None:
    text = f"{W}plan = 5 AND (spend = 'x' OR seen > 3) AND twin = 'x'"
    problems = translate(parse(text), COLUMNS).problems
    assert [text[one.start : one.end] for one in problems] == ["5", "'x'", "3", "twin"]


def audience(text: str) -> Audience:
    found = translate(parse(text), COLUMNS, ("l-1",)).audience
    assert found
    return found


def test_what_an_audience_asks() -> None:
    assert not audience(f"{W}plan = 'x'").uses_events
    assert audience(f"{J} WHERE e.timestamp > now() - 1 day").uses_events


def test_parts_stand_where_they_were_written() -> None:
    text = f"{C} WHERE c.plan = 'x' AND (c.spend > 1 OR NOT c.seen > now())"
    parts = list(audience(text).condition.walk())
    assert [text[one.start : one.end] for one in parts if one.start >= 0] == [
        "c.plan = 'x' AND (c.spend > 1 OR NOT c.seen > now())",
        "c.plan = 'x'",
        "c.spend > 1 OR NOT c.seen > now()",
        "c.spend > 1",
        "NOT c.seen > now()",
    ]
    assert [one.joiner for one in parts] == ["AND", "", "", "OR", "", ""]


def test_many_audiences_in_one_pass() -> None:
    duckdb = pytest.importorskip("duckdb")
    base = duckdb.connect(":memory:")
    base.execute(
        "CREATE TABLE contact_data AS SELECT 'c' || i AS contact_id, ['l-1'] AS list_ids,"
        " CAST(i AS DECIMAL(38, 9)) AS spend, CAST(NULL AS VARCHAR) AS plan"
        " FROM range(1000) AS r(i)"
    )
    base.execute(
        "CREATE TABLE event_data AS SELECT 'c' || (i % 100) AS contact_id, 'click' AS event_type,"
        " TIMESTAMP '2026-01-01' AS timestamp FROM range(500) AS r(i)"
    )
    queries = [f"{W}spend >= {number}" for number in range(199)]
    queries.append(f"{J} WHERE e.event_type = 'click' AND e.timestamp > now() - 30 days")
    filters = ", ".join(f"count(*) FILTER (WHERE {audience(one).condition.sql})" for one in queries)
    row = base.execute(
        f"SELECT {filters} FROM contact_data AS c",  # noqa: S608 - translated
        {"now": datetime(2026, 1, 10)},  # noqa: DTZ001 - as the base holds times
    ).fetchone()
    assert row == (*(1000 - number for number in range(199)), 100)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_number_stays_itself_or_is_refused(number: Decimal) -> None:
    text = f"{W}spend = {number:f}" if abs(number.adjusted()) < 60 else f"{W}spend = {number}"
    found = translate(parse(text), COLUMNS).audience
    if found is not None:
        written = found.condition.sql.partition("CAST(")[2].partition(" AS")[0]
        assert Decimal(written) == number
        assert -number.normalize().as_tuple().exponent <= 9  # type: ignore[operator]
