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
    ("arrays_overlap(list_ids, email_domains)", "", "the other list has not"),
    ("arrays_overlap(email_domains, plan)", "plan", "must be a list, got a string"),
    ("arrays_overlap(list_ids, split(plan, ','))", "split(plan, ',')", "a list of strings"),
    ("arrays_overlap(['x'], ['y'])", "arrays_overlap(['x'], ['y'])", "write"),
    ("array_contains(plan, ['x'])", "plan", "must be a list, got a string"),
    ("array_contains(['x'], list_ids)", "array_contains(['x'], list_ids)", "write"),
    ("plan LIKE '50\\%'", "'50\\%'", "`\\%`"),
    ("plan LIKE 'a\\\\b'", "'a\\\\b'", "backslash"),
    ("plan LIKE 'a!b' ESCAPE '!'", "'a!b'", "must precede"),
    ("plan LIKE 'a!' ESCAPE '!'", "'a!'", "must precede"),
    ("plan LIKE 'a' ESCAPE 'ab'", "'ab'", "one character"),
    ("plan LIKE Odd", "Odd", "pattern"),
    ("plan ILIKE 'a!xb' ESCAPE 'x'", "'x'", "must not be a letter"),
    ("plan RLIKE 'x'", "plan RLIKE 'x'", "RLIKE on SendGrid is undocumented"),
    ("spend ILIKE 'x'", "spend ILIKE 'x'", "the operand of ILIKE must be a string, got a number"),
    ("plan = '\\u0041'", "'\\u0041'", "the meaning of `\\u`"),
    ("spend / 0 > 1", "spend / 0", "division by 0"),
    ("1e3 / spend > 1", "1e3", "without the exponent"),
    ("nullif(spend / 3, 1) > 1", "nullif(spend / 3, 1)", "compare the quotient with =, < or >"),
    ("spend / 3 IS DISTINCT FROM 1", "spend / 3 IS DISTINCT FROM 1", "compare the quotient"),
    ("spend / 3 % 2 = 1", "spend / 3 % 2", "compare the quotient"),
    ("CASE spend / 3 WHEN 1 THEN 2 END = 2", "CASE spend / 3 WHEN 1 THEN 2 END", "the quotient"),
    (
        "spend / 3 + spend / 4 + spend / 5 + spend / 6 + spend / 7 > 1",
        "spend / 3 + spend / 4 + spend / 5 + spend / 6 + spend / 7 > 1",
        "too many undocumented results",
    ),
    ("plan / 2 > 1", "plan", "must be a number, got a string"),
    ("spend % 0 = 1", "spend % 0", "may be 0"),
    ("spend % spend = 1", "spend % spend", "may be 0"),
    ("spend > 0.1234567891", "0.1234567891", "decimals"),
    ("spend > 1e30", "1e30", "less than 10^18"),
    ("CAST(spend AS INT) = 1", "CAST(spend AS INT)", "without the cast"),
    ("round(spend) = 1", "round(spend)", "ROUND"),
    ("date_trunc(day, now()) = seen", "date_trunc(day, now())", "the time zone of SendGrid's"),
    ("date_trunc(decade, seen) = seen", "decade", "unknown unit of time `decade`"),
    ("date_trunc(hour, seen::date) = seen", "date_trunc(hour, seen::date)", "a date has no hour"),
    ("date_trunc(day, plan) = seen", "plan", "must be a time, got a string"),
    ("date_trunc(day, '1.2.2026') = seen", "'1.2.2026'", "must be an ISO 8601 time"),
    ("seen > CURRENT_DATE", "CURRENT_DATE", "the time zone of SendGrid's session"),
    ("seen > CURRENT_DATE - 30", "CURRENT_DATE", "compare the time itself"),
    ("year(now()) = 2026", "year(now())", "the time zone"),
    ("now()::date = seen", "now()::date", "the time zone"),
    ("to_date(now()) = seen", "to_date(now())", "the time zone"),
    ("datediff(day, seen, now()) < 30", "datediff(day, seen, now())", "now() - 30 days"),
    ("datediff(day, seen) < 30", "datediff(day, seen)", "write datediff"),
    ("year(seen, seen) = 2026", "year(seen, seen)", "YEAR takes 1 argument, got 2"),
    ("date_part(epoch, seen) = 1", "epoch", "unknown part of a time `epoch`"),
    ("seen::date = '2026-01-31T00:00:00Z'", "'2026-01-31T00:00:00Z'", "must be a date"),
    ("to_date('31.1.2026') = seen", "to_date('31.1.2026')", "a string to DATE"),
    ("to_date(plan) = seen", "to_date(plan)", "a string to DATE"),
    ("to_timestamp(spend) = seen", "to_timestamp(spend)", "a number to TIMESTAMP"),
    ("to_timestamp(1.5) = seen", "1.5", "a whole number"),
    ("to_timestamp(plan, 'DD.MM.') = seen", "to_timestamp(plan, 'DD.MM.')", "with a format"),
    (
        "seen = '2026-01-31T00:00:00+02:00'::timestamp",
        "'2026-01-31T00:00:00+02:00'::timestamp",
        "a string to TIMESTAMP",
    ),
    ("left(plan, 1.5) = 'x'", "1.5", "must be whole"),
    ("left(plan, spend) = 'x'", "spend", "must be whole"),
    ("left(spend, 1) = 'x'", "spend", "an argument of LEFT must be a string, got a number"),
    ("substr(plan, 0) = 'x'", "0", "the meaning of 0 is undocumented"),
    ("substr(plan) = 'x'", "substr(plan)", "SUBSTR takes 2 to 3 arguments, got 1"),
    ("trim(plan, '') = 'x'", "''", "not empty"),
    ("trim(plan, Odd) = 'x'", "Odd", "in single quotes"),
    ("iff(plan, 1, 2) = 1", "plan", "must be a condition, got a string"),
    ("iff(plan = 'x', 1, 'a') = 1", "'a'", "a number is compared with a string"),
    ("nullif(list_ids, list_ids) IS NULL", "nullif(list_ids, list_ids)", "as a whole"),
    ("plan || 5 = 'x5'", "5", "must be a string, got a number"),
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
