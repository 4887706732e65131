"""Which queries are VALID: every attested shape is, and the documented traps are not."""

from __future__ import annotations

import pytest

from segctl.emulator import seed
from segctl.emulator.validation import find_error, uses_events

START = "SELECT contact_id, updated_at FROM contact_data "
JOINED = (
    "SELECT c.contact_id, c.updated_at FROM contact_data c "
    "JOIN event_data e ON c.contact_id = e.contact_id "
)
ELSEWHERE = "(SELECT city FROM opens)"

ATTESTED = [
    START + "WHERE email LIKE '%@example.com'",
    (
        "SELECT c.contact_id, c.updated_at FROM contact_data AS c "
        "WHERE array_contains(c.list_ids, ['0b1f4a10-5c1d-4a6e-9f02-000000000001', 'b'])"
    ),
    START + "WHERE NOT array_contains(list_ids, ['0b1f4a10-5c1d-4a6e-9f02-000000000001'])",
    START + """WHERE "plan" = 'pro' AND "signed_up" > timestampadd(day, -30, CURRENT_TIMESTAMP)""",
    START + "WHERE preferred_language = 'cs' AND last_order <= now() - 180 days",
    START + "WHERE created_at >= (NOW() - interval 10 day)",
    START + "WHERE updated_at < '2024-06-19T00:00:00Z'",
    r"""select contact_id, updated_at from contact_data where tags like '%\"vip\"%'""",
    JOINED + "\n WHERE e.event_source = 'mail' AND e.event_type = 'click' "
    "AND e.timestamp > timestampadd(day, -30, CURRENT_TIMESTAMP)",
    (
        "SELECT c.contact_id, c.updated_at FROM contact_data c "
        "JOIN event_data e1 ON c.contact_id = e1.contact_id\n"
        " WHERE e1.event_source = 'mail' AND e1.event_type = 'processed' "
        "AND e1.DATA:payload.unique_args.singlesend_id = '1'\n"
        "   AND c.contact_id NOT IN (SELECT e2.contact_id FROM event_data e2 "
        "WHERE e2.event_source = 'mail'\n       AND e2.event_type = 'open' "
        "AND e2.DATA:payload.unique_args.singlesend_id = '1')"
    ),
]


@pytest.mark.parametrize("query", ATTESTED)
def test_attested_queries_are_valid(query: str) -> None:
    assert find_error(query, seed.CUSTOM_FIELDS) is None


@pytest.mark.parametrize(
    "query",
    [
        START,
        START.upper() + "WHERE EMAIL IS NOT NULL;",
        START + "-- a comment's quote\nWHERE city = 'O''Fallon' /* ( */ AND (plan = 'a' OR 1 = 1)",
        START + "WHERE now() - 180 days > last_order AND total_spend * 2 + 1 >= orders_count % 3",
        START + "WHERE CASE WHEN plan = 'pro' THEN 1 ELSE 0 END = 1",
        START
        + "WHERE NOT city NOT IN ('a', 'b') AND city NOT LIKE 'x' AND PLAN BETWEEN 'a' AND 'b'",
        START + "WHERE left(city, 2) = 'Br' AND lower(city) = 'brno'",
        (
            "SELECT contact_id, updated_at FROM contact_data WHERE contact_data.city = 'Brno' "
            "AND contact_id IN (SELECT contact_id FROM event_data)"
        ),
        'SELECT c."contact_id", c."updated_at" FROM contact_data AS "c" WHERE "c"."plan" = \'x\'',
        (
            "SELECT c.contact_id, c.updated_at, MAX(e.timestamp) AS last_event "
            "FROM contact_data AS c INNER JOIN event_data AS e ON (c.contact_id = e.contact_id) "
            "WHERE e.event_type = 'open'"
        ),
        START + "c INNER JOIN event_data e ON contact_id",
        START + "JOIN event_data ON (contact_id) WHERE event_type = 'click'",
        START + "c JOIN event_data e ON contact_id JOIN event_data AS f ON contact_id;",
        JOINED + "WHERE e.data:payload.category = 'x' AND DATA:payload.a = 'b'",
        START + "WHERE list_ids IS NOT NULL AND array_contains(list_ids, ['a'])",
    ],
)
def test_other_sound_queries_are_valid(query: str) -> None:
    assert find_error(query, seed.CUSTOM_FIELDS) is None


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (START + "WHERE city = 'Brno", "unterminated '"),
        (START + 'WHERE "city = 1', 'unterminated "'),
        (START + "WHERE city = #", "unexpected #"),
        (START + "WHERE (city = 'a'", "( is never closed"),
        (START + "WHERE city = 'a')", "unexpected )"),
        (START + "WHERE array_contains(list_ids, ['a')]", "unexpected )"),
        (START + "GROUP BY city", "GROUP is not supported"),
        (START + "WHERE city = 'a' LIMIT 5", "LIMIT is not supported"),
        (START + "LEFT JOIN event_data e ON 1 = 1", "LEFT is not supported"),
        ("SELECT DISTINCT contact_id, updated_at FROM contact_data", "DISTINCT is not"),
        (START + "UNION " + START, "UNION is not supported"),
        (START + "; DROP TABLE contact_data", "only one statement"),
        (START + "; SELECT 1", "only one statement"),
        (START + "WHERE", "unexpected end"),
        (START + "WHERE city =", "unexpected end"),
        (";", "unexpected end"),
        ("email LIKE '%@example.com'", "must be of the form"),
        ("DELETE FROM contact_data", "DELETE is not supported"),
        ("SELECT 1", "must be of the form"),
        ("SELECT * FROM contact_data", "exactly contact_id and updated_at"),
        ("SELECT contact_id FROM contact_data", "exactly contact_id and updated_at"),
        ("SELECT contact_id, updated_at FROM event_data", "FROM contact_data"),
        (START + "JOIN contacts c ON c.contact_id = contact_id", "'CONTACTS' does not exist"),
        (START + "WHERE city IN " + ELSEWHERE, "'OPENS' does not exist"),
        (JOINED.replace("c.contact_id = e.contact_id", "c.email = e.email"), "on contact_id"),
        (START + "JOIN event_data", "on contact_id"),
        (START + "JOIN event_data ON contact_id = city", "on contact_id"),
        (START + "c JOIN event_data e ON contact_id OR 1 = 1", "on contact_id"),
        (START + "WHERE loyality_points > 5", "'LOYALITY_POINTS'"),
        (START + "WHERE plan = 'a' AND langauge NOT IN ('cs')", "'LANGAUGE'"),
        (START + "WHERE event_type = 'open'", "'EVENT_TYPE'"),
        (JOINED + "WHERE e.city = 'Brno'", "'CITY'"),
        (JOINED + "WHERE x.city = 'Brno'", "'X.CITY'"),
        (START + "WHERE array_contains(lists, ['a'])", "'LISTS'"),
        (START + "WHERE array_contains(contact_data.lists, ['a'])", "'LISTS'"),
        (START + 'WHERE first_name = "John"', "'JOHN'"),
    ],
)
def test_unsupported_queries_are_invalid_with_a_reason(query: str, message: str) -> None:
    assert message in (find_error(query, seed.CUSTOM_FIELDS) or "")


def test_custom_fields_are_columns_of_the_account_that_has_them() -> None:
    query = START + "WHERE Tier = 'gold'"
    assert find_error(query, ["tier"]) is None
    assert find_error(query, []) == "invalid identifier 'TIER'"


def test_event_queries_are_known_by_their_table() -> None:
    assert uses_events(JOINED)
    assert not uses_events(START + "WHERE city = 'event_data'")
