"""The rules of SGQL, one by one: what is true, false and NULL for one contact."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from segctl.sgql.interpreter import (
    AudienceDifference,
    CannotEvaluate,
    differences,
    read_query,
)

if TYPE_CHECKING:
    from segctl.query.value_types import SqlBool

NOW = datetime(2026, 3, 31, 12, 30, tzinfo=UTC)
CONTACT: dict[str, Any] = {
    "contact_id": "c-1",
    "city": "Praha",
    "last_name": "",
    "Age": Decimal(20),
    "odd": Decimal("2.5"),
    "tag": "50%_a\\b",
    "list_ids": ["l-1", "l-2"],
    "created_at": datetime(2026, 2, 28, 12, 30),  # noqa: DTZ001 - as DuckDB returns it: in UTC
    "2fa": "on",
}
EVENTS: list[dict[str, Any]] = [
    {
        "event_source": "mail",
        "event_type": "open",
        "timestamp": datetime(2026, 3, 30, tzinfo=UTC),
        "data": {"payload": {"unique_args": {"singlesend_id": "s-1", "n": 5}}},
    },
    {"event_source": "mail", "event_type": "click", "timestamp": None, "data": None},
]


def value(text: str, parents: tuple[str, ...] = ()) -> SqlBool:
    return read_query(text, parents, NOW).evaluate(CONTACT, EVENTS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("city = 'Praha' AND country = 'CZ'", None),
        ("city = 'Brno' AND country = 'CZ'", False),
        ("city = 'Praha' OR country = 'CZ'", True),
        ("city = 'Brno' OR country = 'CZ'", None),
        ("NOT country = 'CZ'", None),
        ("country != 'CZ'", None),
        ("country IN ('CZ')", None),
        ("city NOT IN ('Brno', country)", None),
        ("city NOT IN ('Praha', country)", False),
        ("country IS NULL AND country IS NOT NULL", False),
        ("last_name = '' AND last_name IS NOT NULL", True),
        ("city = 'praha'", False),
        ("LOWER(city) = 'praha'", True),
        ("CONCAT(city, country) IS NULL", True),
        ("city + '!' = 'Praha!'", True),
        ("LENGTH(city) = 5", True),
        ("10 - 2 + 3 = 5", True),
        ("10 - 2 - 3 = 5", True),
        ("12 / 2 * 3 = 2", True),
        ("12 * 5 % 3 = 24", True),
        ("-age + 1 = -19", True),
        ("7 - -7 % 4 = 10", True),
        ("age + country_code = 3", None),
        ("AGE > 19.5", True),
        ("age BETWEEN 20 AND 20", True),
        ("age NOT BETWEEN 30 AND none", True),
        ("age BETWEEN none AND 30", None),
        ("tag LIKE '50%%%'", True),
        ("tag LIKE '%%%'", False),
        ("tag LIKE '50__a%'", False),
        ("tag LIKE '50%%_a\\\\b'", True),
        ("tag LIKE '%_%b'", True),
        ("tag LIKE '%a%a%'", False),
        ("tag LIKE '50%%_a\\\\b%b'", False),
        ("tag NOT LIKE '%'", False),
        ("country LIKE '%'", None),
        ("`2fa` = 'on'", True),
        ("CONTAINS(list_ids, 'l-1')", True),
        ("CONTAINS(list_ids, 'l-9') = false", True),
        ("CONTAINS(alternate_emails, 'x')", None),
        ("created_at = '2026-02-28T13:30:00+01:00'", True),
        ("created_at + interval 1 year = TIMESTAMP '2027-02-28T12:30:00Z'", True),
        ("created_at = NOW() - interval 1 month", True),
        ("created_at < NOW() - interval 30 days", True),
        ("born - interval 1 day < NOW()", None),
        ("event_type = 'open' AND event_timestamp > NOW() - interval 2 day", True),
        ("event_type = 'click' AND event_timestamp > NOW() - interval 2 day", False),
        ("(event_type = 'open') AND (event_type = 'click')", True),
        ("NOT (event_type = 'bounce')", True),
        ("NOT (event_type = 'open')", False),
        ("event_type != 'open'", True),
        ("country = 'CZ' OR (event_type = 'open')", True),
        ("event_data.payload.unique_args.singlesend_id = 's-1'", True),
        ("event_data.payload.unique_args.other = 's-1'", False),
        ("true", True),
    ],
)
def test_a_rule(text: str, expected: SqlBool) -> None:
    assert value(text) is expected


def test_parent_lists() -> None:
    assert value("true", ("l-1",)) is True
    assert value("true", ("l-9",)) is False
    assert read_query("true", ("l-1",), NOW).evaluate({}, ()) is None


@pytest.mark.parametrize(
    "text",
    [
        "city = 5",
        "city = age",
        "age LIKE 'x'",
        "city - 1 = 2",
        "1 / 0 = 1",
        "1 % 0 = 1",
        "CONTAINS(city, 'x')",
        "UPPER(city) = 'X'",
        "city AND true",
        "created_at > 'soon'",
        "created_at > '2024-01-31'",
        "created_at > 5",
        "created_at - interval 99999 year > NOW()",
        "created_at - interval 999999999 day > NOW()",
        "interval 1 day = 1",
        "event_data.payload.unique_args.n = '5'",
    ],
)
def test_a_query_that_the_rules_do_not_decide(text: str) -> None:
    with pytest.raises(CannotEvaluate, match=r"^[^']+$"):
        value(text)


def test_null_is_never_equal() -> None:
    assert value("city = NULL") is None


def test_an_unreadable_query_has_its_problems() -> None:
    with pytest.raises(CannotEvaluate) as error:
        read_query("city = ", (), NOW)
    assert [problem.code for problem in error.value.problems] == ["syntax"]


def test_a_contact_that_differs_is_shown() -> None:
    contacts = [{"contact_id": name, "city": city} for name, city in
                (("a", "Praha"), ("b", "Brno"), ("c", None), ("d", "Praha"))]  # fmt: skip
    query = read_query("city = 'Praha'", (), NOW)
    differing = list(differences(query, contacts, {}, {"a": True, "b": True, "c": None}))
    assert differing == [
        AudienceDifference("b", in_old=False, in_new=True),
        AudienceDifference("d", in_old=True, in_new=False),
    ]
