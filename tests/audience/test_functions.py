"""Functions, arithmetic and constants: known answers, and errors instead of guesses."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segctl.audience.duckdb_engine import Engine, EvaluationFailed
from segctl.audience.scope import Columns
from segctl.audience.to_duckdb import translate
from segctl.query.catalogue import ColumnType
from segctl.query.equivalence import Equivalence, compare_queries
from segctl.query.format.layout import format_query
from segctl.query.parser.parse import parse
from tests.query.corpus import W

from . import worlds

pytest.importorskip("duckdb")

NOW = datetime(2026, 3, 31, 12, 30, tzinfo=UTC)
COLUMNS = Columns(
    {
        "plan": ColumnType.VARCHAR,
        "spend": ColumnType.NUMBER,
        "orders": ColumnType.NUMBER,
        "seen": ColumnType.TIMESTAMP,
    }
)
CONTACT: dict[str, Any] = {
    "contact_id": "1",
    "plan": "mystring",
    "spend": Decimal(100),
    "orders": Decimal(3),
    "seen": datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC),
    "list_ids": ["Ab-1", "c"],
    "email_domains": ["x.com"],
}


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(COLUMNS)


def value(engine: Engine, where: str, **changed: Any) -> bool | None:
    """Return the value of a condition for the contact, with some columns changed."""
    translation = translate(parse(W + where), COLUMNS)
    assert translation.audience, translation.problems
    engine.fill([{**CONTACT, **changed}], [])
    (result,) = engine.evaluate([translation.audience.condition.sql], NOW)["1"]
    return result


@pytest.mark.parametrize(
    "where",
    [
        # The examples of Snowflake's page on SUBSTR.
        "substr(plan, -1, 3) = 'g'",
        "substr(plan, -3, 3) = 'ing'",
        "substr(plan, -3, 7) = 'ing'",
        "substr(plan, -5, 3) = 'tri'",
        "substr(plan, 1, 3) = 'mys'",
        "substring(plan, 4, 0) = '' AND substring(plan, 4, -2) = ''",
        "substring(plan, 4) = 'tring' AND substr(plan, 99) = ''",
        "left(plan, 2) = 'my' AND left(plan, 99) = plan AND left(plan, -1) = ''",
        "right(plan, 2) = 'ng' AND right(plan, 99) = plan AND right(plan, -1) = ''",
        "left(plan, length(plan) - 1) = 'mystrin' AND left(plan, 1 - length(plan)) = ''",
        "trim('  a ') = 'a' AND ltrim('  a ') = 'a ' AND rtrim('  a ') = '  a'",
        "trim('\t a\n') = '\t a\n' AND trim('*-ABC-*', '*-') = 'ABC' AND ltrim('#0a', '0#') = 'a'",
        "concat('a', 'b', 'c') = 'abc' AND concat('a') = 'a' AND 'a' || 'b' = 'ab'",
        "concat('a', NULL) IS NULL AND ('a' || coalesce(NULL, 'b')) = 'ab'",
        "len('ß€𝄞') = 3 AND length('') = 0",
        "upper('weiß é') = 'WEISS É' AND lower('ÀB') = 'àb'",
        "plan ILIKE 'MY%' AND plan NOT ILIKE 'x%' AND plan ILIKE '_YSTRIN_'",
        "plan LIKE 'my' || '%' AND plan LIKE concat('%', 'ing')",
        "iff(spend > 1, 'a', 'b') = 'a' AND iff(NULL, 1, 2) = 2",
        "nullif('a', 'a') IS NULL AND nullif('a', 'b') = 'a' AND nullif('a', NULL) = 'a'",
        "nvl2(plan, 1, 2) = 1 AND nvl2(NULL, 1, 2) = 2 AND equal_null(NULL, NULL)",
        "100 / 4 = 25 AND 7 / 2 = 3.5 AND -7 / 2 = -3.5 AND 1 / 3 > 0.333332",
        "spend / 4 IN (24, 25) AND spend / 4 NOT IN (1, 2) AND spend / orders != 33.3",
        "spend / 4 BETWEEN 25 AND 26 AND spend / orders NOT BETWEEN 33.4 AND 40",
        "spend / orders / 2 < 16.67 AND 2 / (spend / orders) < 0.07",
        "spend / orders <= spend / 2 AND spend / 4 * orders = 75",
        "spend / orders > 33.33 AND spend / orders < 33.34 AND spend / -4 = -25",
        "spend / orders * 100 > 3333.33 AND (spend + 0.50) / 2 = 50.25",
        "coalesce(spend / nullif(0, 0), 7) = 7",
        # No decimal gets lost among values with fewer.
        "coalesce(0.00001 * 0.00001, orders) > 0 AND nullif(0.00001 * 0.00001, 0) IS NOT NULL",
        "iff(1 = 1, 0.00001 * 0.00001, orders) BETWEEN 0.000001 * 0.00001 AND 0.000000001",
        "0.3 % 0.1 = 0 AND -7 % 2 = -1 AND 7 % -2 = 1 AND 7.5 % 2.00 = 1.5",
        "spend * orders % 7 = 6 AND (spend / 4 = 25) = (lower(plan) = plan)",
        "1 = 1 AND 2 + 3 * 4 = 14 AND 7 - 10 = -3 AND NOT 'a' = 'b'",
        "date_trunc(day, seen) = '2026-01-31' AND date_trunc('month', seen) = '2026-01-01'",
        "date_trunc(week, seen) = '2026-01-26' AND date_trunc(q, seen) = '2026-01-01'",
        "date_trunc(hour, seen) = '2026-01-31T23:00:00Z' AND date_trunc(year, seen) = '2026-01-01'",
        # The differences count boundaries.
        "datediff(year, '2025-12-31', '2026-01-01') = 1",
        "datediff(month, '2024-11-28', '2024-12-05') = 1",
        "datediff(week, '2026-03-29', '2026-03-30') = 1",
        "datediff(week, '2026-03-30', seen) = -9",
        "datediff(day, seen, '2026-02-01') = 1 AND datediff(hour, '2026-02-01', seen) = -1",
        "datediff(second, seen, '2026-02-01T00:00:00.9Z') = 1",
        "datediff(minute, seen, now()) > 0",
        "year(seen) = 2026 AND month(seen) = 1 AND day(seen) = 31 AND quarter(seen) = 1",
        "dayofweek(seen) = 6 AND dayofweek('2026-02-01') = 0 AND dayofyear(seen) = 31",
        "hour(seen) = 23 AND minute(seen) = 59 AND second(seen) = 59 AND week(seen) = 5",
        "date_part(year, seen) = 2026 AND date_part('mm', seen) = 1",
        "last_day(seen) = '2026-01-31' AND last_day('2024-02-01') = '2024-02-29'",
        "seen::date = '2026-01-31' AND to_date(seen) + 1 = '2026-02-01'",
        "cast(seen AS DATE) - to_date('2026-01-01') = 30 AND date(seen) < seen",
        "dateadd(month, 1, seen::date) = '2026-02-28' AND dateadd('day', 1 - 2, seen) < seen",
        "to_timestamp(0) = '1970-01-01' AND to_timestamp('2026-01-31T23:59:59Z') = seen",
        "to_timestamp_tz('2026-02-01T01:59:59+02:00') = seen",
        "arrays_overlap(list_ids, ['aB-1']) AND arrays_overlap(array_construct('C'), list_ids)",
        "NOT arrays_overlap(list_ids, ['x']) AND NOT arrays_overlap(list_ids, [])",
        "NOT arrays_overlap(email_domains, ['X.com']) AND arrays_overlap(email_domains, ['x.com'])",
        "arrays_overlap(email_domains, email_domains) AND arrays_overlap(list_ids, list_ids)",
    ],
)
def test_known_answers(engine: Engine, where: str) -> None:
    assert value(engine, where) is True


@pytest.mark.parametrize(
    ("where", "changed"),
    [
        ("left(plan, 1) = 'x'", {"plan": None}),
        ("substr(plan, 2, 1) = 'x'", {"plan": None}),
        ("substr(plan, -2) = 'x'", {"plan": None}),
        ("trim(plan) = 'x'", {"plan": None}),
        ("concat(plan, 'x') = 'x'", {"plan": None}),
        ("plan ILIKE 'x'", {"plan": None}),
        ("spend / orders = 1", {"spend": None}),
        ("spend / orders = 1", {"orders": None}),
        ("spend / orders = 0", {"spend": Decimal(0), "orders": None}),
        ("year(seen) = 1", {"seen": None}),
        ("datediff(day, seen, '2026-01-01') = 1", {"seen": None}),
        ("seen::date = '2026-01-01'", {"seen": None}),
        ("arrays_overlap(list_ids, ['x'])", {"list_ids": None}),
    ],
)
def test_null_in_gives_null(engine: Engine, where: str, changed: dict[str, Any]) -> None:
    assert value(engine, where, **changed) is None


@pytest.mark.parametrize(
    ("where", "changed", "words"),
    [
        ("spend / orders = 1", {"orders": Decimal(0)}, "divides by 0"),
        ("spend / orders > 33.333333", {}, "the decimals that SendGrid keeps in a division"),
        ("spend / orders = 33.333333", {}, "the decimals"),
        ("spend / orders != 33.3333333", {}, "the decimals"),
        ("spend / orders IN (1, 33.3333333)", {}, "the decimals"),
        ("spend / orders BETWEEN 33.3333332 AND 33.3333334", {}, "the decimals"),
        ("spend / orders = spend / orders", {}, "the decimals"),
        ("(lower(plan) = 'i') = (spend / 4 = 25)", {"plan": "İ"}, "such as İ"),
        ("(spend / 4 = 25) = (lower(plan) = 'i')", {"plan": "İ"}, "such as İ"),
        ("lower(plan) = 'istanbul'", {"plan": "İstanbul"}, "such as İ, a final Σ"),
        ("lower(plan) IN ('a', 'οδος')", {"plan": "ΟΔΟΣ"}, "such as İ, a final Σ"),
        ("upper(plan) = 'FI'", {"plan": "ﬁ"}, "has a letter whose upper case is undocumented"),
        ("plan ILIKE 'weiß'", {"plan": "WEISS"}, "whose case is undocumented"),
        ("substr(plan, -9) = 'x'", {}, "starts before the first character"),
    ],
)
def test_an_undocumented_result_is_an_error(
    engine: Engine, where: str, changed: dict[str, Any], words: str
) -> None:
    with pytest.raises(EvaluationFailed, match=words) as raised:
        value(engine, where, **changed)
    assert raised.value.message.strip("(").startswith((where.strip("(")[:4], "lower"))


@pytest.mark.parametrize(
    ("where", "changed"),
    [
        ("NOT lower(plan) = 'berlin'", {"plan": "İstanbul"}),
        ("lower(plan) = 'σοφία'", {"plan": "ΣΟΦΊΑ"}),
        ("plan ILIKE 'm%'", {"plan": "Maß"}),
        ("lower(plan) IS NOT NULL", {"plan": "İ"}),
        ("orders = 0 OR spend / orders = 1", {"orders": Decimal(0)}),
        ("NOT (orders > 0 AND spend / orders = 1)", {"orders": Decimal(0)}),
        ("NOT (spend / orders = 1 AND orders > 0)", {"orders": Decimal(0)}),
        ("spend / orders = 1 OR orders = 0", {"orders": Decimal(0)}),
        ("iff(orders = 0, 0, spend / orders) = 0", {"orders": Decimal(0)}),
        ("spend / nullif(orders, 0) IS NULL", {"orders": Decimal(0)}),
        ("spend / orders IS NOT NULL", {}),
        ("spend / orders < 33.333334 OR plan = 'mystring'", {"orders": Decimal(4)}),
    ],
)
def test_what_is_undocumented_but_decides_nothing_is_no_error(
    engine: Engine, where: str, changed: dict[str, Any]
) -> None:
    assert value(engine, where, **changed) is True


@settings(deadline=None)
@given(worlds.queries)
def test_formatting_keeps_the_meaning(text: str) -> None:
    formatted = format_query(parse(text)).text
    assert compare_queries(text, formatted) is not Equivalence.DIFFERENT
    assert parse(formatted).query


@settings(deadline=None, max_examples=30)
@given(st.integers(3, 18))
def test_nested_divisions_are_refused_in_time(depth: int) -> None:
    where = "spend"
    for _ in range(depth):
        where = f"iff({where} / 2 > 1, spend, 1)"
    translation = translate(parse(f"{W}{where} > 1"), COLUMNS)
    assert [problem.message for problem in translation.problems] == [
        "conditions with undocumented results are nested too deep"
    ]
