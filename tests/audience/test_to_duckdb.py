"""Translation to DuckDB: uncertain queries are refused, with their place and the reason."""

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
    ("spend = '5'", "'5'", "a number is compared with a string"),
    ("plan = 5", "5", "a number is compared with a string"),
    ("plan > seen", "plan", "the format of the times"),
    ("seen > 'yesterday'", "'yesterday'", "must be an ISO 8601 time"),
    ("seen > '06/07/2026'", "'06/07/2026'", "must be an ISO 8601 time"),
    ("seen > 5", "5", "a number is compared with a time"),
    ("seen - 5 > now()", "seen", "must be a number, got a time"),
    ("plan", "plan", "must be a condition, got a string"),
    ("list_ids = 'x'", "'x'", "a list"),
    ("list_ids LIKE 'x'", "list_ids LIKE 'x'", "must be a string, got a list"),
    ("array_contains(list_ids, [])", "array_contains(list_ids, [])", "empty list"),
    ("array_contains(list_ids, ['x', NULL])", "NULL", "must be a string in single quotes"),
    ("array_contains(plan, ['x'])", "plan", "must be a list, got a string"),
    ("array_contains(['x'], list_ids)", "array_contains(['x'], list_ids)", "write"),
    ("plan LIKE '50\\%'", "'50\\%'", "`\\%`"),
    ("plan LIKE 'a\\\\b'", "'a\\\\b'", "backslash"),
    ("plan LIKE 'a!b' ESCAPE '!'", "'a!b'", "must precede"),
    ("plan LIKE 'a!' ESCAPE '!'", "'a!'", "must precede"),
    ("plan LIKE 'a' ESCAPE 'ab'", "'ab'", "one character"),
    ("plan LIKE Odd", "Odd", "pattern"),
    ("plan ILIKE 'x'", "plan ILIKE 'x'", "ILIKE on SendGrid is undocumented"),
    ("plan = '\\u0041'", "'\\u0041'", "the meaning of `\\u`"),
    ("spend / 2 > 1", "spend / 2", "multiply"),
    ("spend % 0 = 1", "spend % 0", "may be 0"),
    ("spend % spend = 1", "spend % spend", "may be 0"),
    ("spend > 0.1234567891", "0.1234567891", "decimals"),
    ("spend > 1e30", "1e30", "less than 10^18"),
    ("CAST(spend AS INT) = 1", "CAST(spend AS INT)", "without the cast"),
    ("round(spend) = 1", "round(spend)", "ROUND"),
    ("date_trunc(day, seen) = now()", "date_trunc(day, seen)", "DATE_TRUNC"),
    ("seen > CURRENT_DATE", "CURRENT_DATE", "CURRENT_DATE"),
    ("seen > CURRENT_TIMESTAMP(3)", "CURRENT_TIMESTAMP(3)", "rounds"),
    ("seen > now() - interval '1 day 2 hours'", "interval '1 day 2 hours'", "invalid interval"),
    ("seen > now() - interval '10'", "interval '10'", "invalid interval"),
    ("seen > now() - 1.5 days", "1.5 days", "must be a whole number"),
    ("seen > timestampadd(day, spend, now())", "spend", "must be a whole number"),
    ("seen > now() - 501 years", "now() - 501 years", "500 years"),
    ("twin = 'x'", "twin", "two fields"),
    ("\"odd\" = 'x'", '"odd"', 'write "Odd"'),
    ("paln = 'x'", "paln", "did you mean `plan`?"),
    ("x.plan = 'x'", "x.plan", "table `x` not found"),
    ("spend = (SELECT e.timestamp FROM event_data e)", "", "MAX or MIN"),
    ("seen = (SELECT MAX(seen) FROM event_data e)", "seen", "the outer query"),
    (
        "contact_id IN (SELECT e.contact_id, e.data FROM event_data e)",
        "",
        "must select 1 column, got 2",
    ),
    (
        "contact_id IN (SELECT x FROM (SELECT 1 FROM event_data) e)",
        "",
        "must be contact_data or event_data",
    ),
)


@pytest.mark.parametrize(("where", "place", "words"), REFUSED)
def test_an_uncertain_query_is_refused_at_its_place(where: str, place: str, words: str) -> None:
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
        (f"{S} LIMIT 3", "SendGrid does not support LIMIT"),
        (S.replace("SELECT", "SELECT DISTINCT"), "DISTINCT"),
        (S.replace("updated_at", "email"), "must select contacts"),
        (S.replace("updated_at", "updated_at, MAX(email)"), "only MAX(timestamp)"),
        (S.replace("contact_data", "event_data"), "contact_data exactly once"),
        (S.replace("contact_data", "x.contact_data"), "must be contact_data or event_data"),
        (f"{S}, event_data", "commas"),
        (J.replace("JOIN", "LEFT JOIN"), "no join but JOIN … ON …"),
        (J.replace("c.contact_id = e.contact_id", "c.email = e.contact_id"), "contact_id"),
        (J.replace(" e ON", " c ON"), "duplicate table `c`"),
        (f"{J} JOIN contact_data d ON d.contact_id = c.contact_id", "contact_data exactly once"),
        (f"{J} WHERE contact_id = 'x'", "`contact_id` is ambiguous"),
        (f"{J} WHERE e.DATA:payload.x = 5", "is compared with"),
        (f"{J} WHERE e.DATA:payload.x = e.DATA:payload.y", "the type of a value inside DATA"),
        (f"{J} WHERE e.data = 'x'", "semi-structured"),
        ("SELECT", "the end of the query"),
    ],
)
def test_an_unsupported_shape_is_refused(text: str, words: str) -> None:
    translation = translate(parse(text), COLUMNS)
    assert translation.audience is None
    assert words in " ".join(
        f"{problem.message} {problem.hint}" for problem in translation.problems
    )


def test_all_problems_are_reported_at_once() -> None:
    text = f"{W}plan = 5 AND (spend = 'x' OR seen > 3) AND twin = 'x'"
    problems = translate(parse(text), COLUMNS).problems
    assert [text[problem.start : problem.end] for problem in problems] == ["5", "'x'", "3", "twin"]


def audience(text: str) -> Audience:
    translated = translate(parse(text), COLUMNS, ("l-1",)).audience
    assert translated
    return translated


def test_an_audience_knows_whether_it_uses_events_and_the_time() -> None:
    assert not audience(f"{W}plan = 'x'").uses_events
    assert audience(f"{J} WHERE e.timestamp > now() - 1 day").uses_events


def test_conditions_have_their_place_in_the_query() -> None:
    text = f"{C} WHERE c.plan = 'x' AND (c.spend > 1 OR NOT c.seen > now())"
    conditions = list(audience(text).condition.walk())
    assert [text[each.start : each.end] for each in conditions if each.start >= 0] == [
        "c.plan = 'x' AND (c.spend > 1 OR NOT c.seen > now())",
        "c.plan = 'x'",
        "c.spend > 1 OR NOT c.seen > now()",
        "c.spend > 1",
        "NOT c.seen > now()",
    ]
    assert [condition.operator for condition in conditions] == ["AND", "", "", "OR", "", ""]


def test_many_audiences_in_one_pass() -> None:
    duckdb = pytest.importorskip("duckdb")
    database = duckdb.connect(":memory:")
    database.execute(
        "CREATE TABLE contact_data AS SELECT 'c' || i AS contact_id, ['l-1'] AS list_ids,"
        " CAST(i AS DECIMAL(38, 9)) AS spend, CAST(NULL AS VARCHAR) AS plan"
        " FROM range(1000) AS r(i)"
    )
    database.execute(
        "CREATE TABLE event_data AS SELECT 'c' || (i % 100) AS contact_id, 'click' AS event_type,"
        " TIMESTAMP '2026-01-01' AS timestamp FROM range(500) AS r(i)"
    )
    queries = [f"{W}spend >= {number}" for number in range(199)]
    queries.append(f"{J} WHERE e.event_type = 'click' AND e.timestamp > now() - 30 days")
    filters = ", ".join(
        f"count(*) FILTER (WHERE {audience(each).condition.sql})" for each in queries
    )
    row = database.execute(
        f"SELECT {filters} FROM contact_data AS c",  # noqa: S608 - translated
        {"now": datetime(2026, 1, 10)},  # noqa: DTZ001 - as the database stores times
    ).fetchone()
    assert row == (*(1000 - number for number in range(199)), 100)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_number_keeps_its_value_or_is_refused(number: Decimal) -> None:
    text = f"{W}spend = {number:f}" if abs(number.adjusted()) < 60 else f"{W}spend = {number}"
    translated = translate(parse(text), COLUMNS).audience
    if translated is not None:
        literal = translated.condition.sql.partition("CAST(")[2].partition(" AS")[0]
        assert Decimal(literal) == number
        assert -number.normalize().as_tuple().exponent <= 9  # type: ignore[operator]
