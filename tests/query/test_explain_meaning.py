"""What a sentence says is what the query means, whatever the types, blanks and events."""

from __future__ import annotations

import pytest

from segctl.query.explain import explain
from segctl.query.parser.parse import parse

from .corpus import FIELDS, J, W

J2 = f"{J} JOIN event_data f ON c.contact_id = f.contact_id"

# ruff: noqa: E501, S608 - explanations are on one line; the SQL is test data.
MEANINGS = {
    W + "\"Renewal Date\" BETWEEN now() - 30 days AND '2030-01-01'": (
        "Contacts whose Renewal Date is from 30 days ago up to the start of 1 January 2030."
    ),
    W + "first_name LIKE 'Bob %'": (
        "Contacts whose first name starts with “Bob␣”, where ␣ is a blank."
    ),
    W + "first_name = 'Bob '": ("Contacts whose first name is “Bob␣”, where ␣ is a blank."),
    W + "first_name IN ('Bob','Bob ')": (
        "Contacts whose first name is “Bob” or “Bob␣”, where ␣ is a blank."
    ),
    W + "first_name LIKE '% '": ("Contacts whose first name ends with “␣”, where ␣ is a blank."),
    W + "first_name = '\\n'": ("Contacts whose first name is “\\n”, where \\n is a line break."),
    W + "first_name = 'a\tb'": ("Contacts whose first name is “a\\tb”, where \\t is a tab."),
    W + "first_name = 'a\u00a0b'": (
        "Contacts whose first name is “a\\u{a0}b”, where \\u{a0} is a no-break space."
    ),
    W + "first_name = 'a  b'": ("Contacts whose first name is “a␣␣b”, where ␣ is a blank."),
    W + "first_name = 'a b'": ("Contacts whose first name is “a b”."),
    W + "first_name = 'a” or “b'": ("Contacts whose first name is “a\\u{201d} or \\u{201c}b”."),
    W + "first_name IN ('a','b')": ("Contacts whose first name is “a” or “b”."),
    W + "city = 'Zürich'": ("Contacts whose city is “Zu\\u{308}rich”."),
    W + "city='Zürich'": ("Contacts whose city is Zürich."),
    J + " WHERE e.event_type = 'click' AND e.timestamp > c.last_order": (
        "Contacts who clicked a message after their last order."
    ),
    J
    + " WHERE e.event_type = 'click' AND e.timestamp >= c.last_order AND e.timestamp < '2024-01-01'": (
        "Contacts who clicked a message at or after their last order and before 1 January 2024."
    ),
    J2 + " WHERE e.event_type='open' AND f.event_type='click' AND f.timestamp > e.timestamp": (
        "Contacts who opened a message (event e) and who clicked a message after event e."
    ),
    J2
    + " WHERE f.event_type='click' AND e.event_type='open' AND e.timestamp < f.timestamp AND e.DATA:payload.unique_args.singlesend_id = f.DATA:payload.unique_args.singlesend_id": (
        "Contacts who opened a message (event e), and who clicked a message after event e for which the Single Send is the same as the Single Send of event e."
    ),
    J2 + " WHERE e.event_type='open' AND f.event_type='open'": ("Contacts who opened a message."),
    J2 + " WHERE e.event_type='open' AND e.event_source='mail' AND f.event_type='open'": (
        "Contacts who opened an e-mail and who opened a message."
    ),
    J + " WHERE e.event_type='open' AND e.DATA:payload.unique_args.singlesend_id[0] = 'x'": (
        "Contacts who opened a message for which the “payload.unique_args.singlesend_id[0]” is x."
    ),
    J + " WHERE e.event_type='open' AND e.DATA:payload.unique_args.singlesend_id = 'x'": (
        "Contacts who opened the Single Send x (from any source)."
    ),
    J
    + " WHERE e.event_type='open' AND e.event_source='mail' AND e.DATA:payload.unique_args.singlesend_id = 'x'": (
        "Contacts who opened the Single Send x."
    ),
    J + " WHERE e.event_type='open' AND e.DATA:payload.unique_args.campaign = 'x'": (
        "Contacts who opened a message for which the unique argument “campaign” is x."
    ),
    J
    + " WHERE (e.event_type='open' OR e.DATA:payload.unique_args.campaign = 'x') AND e.event_source != 'sms'": (
        "Contacts who have one event for which (the type is open or the unique argument “campaign” is x), and the source is not sms (excluding events without a source)."
    ),
    W + "\"plan\" = '2024-03-31'": ("Contacts whose plan is “2024-03-31”."),
    W + "\"plan\" > '2024-03-31'": ("Contacts whose plan sorts after “2024-03-31”."),
    W + "last_order = '2024-03-31'": (
        "Contacts whose last order is exactly the start of 31 March 2024."
    ),
    W + "unknown = '2024-03-31'": ("Contacts whose unknown is “2024-03-31”."),
    W + "last_order >= now() - 1 month": (
        "Contacts whose last order is less than 1 month ago or in the future."
    ),
    W + "last_order >= now() - interval '1 quarter'": (
        "Contacts whose last order is in the last 3 months or in the future."
    ),
    W + "last_order >= now() - 1 year": (
        "Contacts whose last order is in the last 12 months or in the future."
    ),
    W + "last_order BETWEEN now() AND now() + 1 month": (
        "Contacts whose last order is between now and 1 month from now."
    ),
    W + "last_order NOT BETWEEN '2024-01-01' AND '2024-02-01'": (
        "Contacts whose last order is before 1 January 2024 or after the start of 1 February 2024."
    ),
    W + "created_at NOT BETWEEN now() - 60 days AND now() - 30 days": (
        "Contacts who were created more than 60 days ago or in the last 30 days."
    ),
    J2: ("Contacts who have an event."),
    W + "(country = 'US') IS NOT TRUE": ("Contacts whose country is not US or is not set."),
    W + "(country != 'US') IS NOT FALSE": ("Contacts whose country is not US or is not set."),
    W + "(country = 'US' AND n > 5) IS NOT TRUE": (
        "Contacts whose country is not US or is not set, or whose n is at most 5 or is not set."
    ),
    W + "NOT array_contains(list_ids,['x'])": ("Contacts who are not on the list x."),
    W + "first_name ILIKE 'bo%'": ("Contacts whose first name starts with “bo”, ignoring case."),
    W + "postal_code = 500": ("Contacts whose postal code (as a number) is 500."),
    W + "postal_code >= '5'": ("Contacts whose postal code is “5” or sorts after it."),
    W + "postal_code BETWEEN '1' AND '5'": ("Contacts whose postal code sorts from “1” to “5”."),
    W + "postal_code NOT BETWEEN '1' AND '5'": (
        "Contacts whose postal code sorts before “1” or after “5”."
    ),
    W + "n BETWEEN 5 AND 1": ("Contacts whose n is at least 5 and whose n is at most 1."),
    W + "n NOT BETWEEN 5 AND 1": ("Contacts whose n is less than 5 or whose n is more than 1."),
    W
    + "contact_id IN (SELECT contact_id FROM event_data WHERE event_source='mail' AND event_type='open' AND timestamp > timestampadd(day, -30, now()) AND timestamp <= timestampadd(day, -0, now()))": (
        "Contacts who opened an e-mail in the last 30 days."
    ),
    W
    + "contact_id NOT IN (SELECT contact_id FROM event_data WHERE event_type='open' AND data:payload.url = 'x')": (
        "Contacts who did not open any message for which the “payload.url” is x."
    ),
    "SELECT c.contact_id, c.updated_at FROM contact_data c WHERE EXISTS (SELECT 1 FROM event_data e WHERE e.contact_id = c.contact_id AND e.event_type='click' AND e.timestamp > c.last_order)": (
        "Contacts who clicked a message after their last order."
    ),
    W + "array_contains(alternate_emails,'x')": (
        "Contacts whose alternate e-mail addresses include “x”."
    ),
    W + "country = 'US' OR city = 'Y' AND n = 1": (
        "Contacts who meet at least one of these conditions:\n- their country is US\n- all of these:\n  - their city is Y\n  - their n is 1."
    ),
    W + "first_name != last_name": (
        "Contacts whose first name is not the same as their last name (excluding those without a first name or a last name)."
    ),
    W + "city like 'Boston'": ("Contacts whose city is Boston."),
    W + "city not like 'Boston'": (
        "Contacts whose city is not Boston (excluding those without a city)."
    ),
    W + "last_order > now() - 1 month AND last_order < now() - 30 days": (
        "Contacts whose last order is less than 1 month ago or in the future, and whose last order is more than 30 days ago."
    ),
    W + "tags LIKE '50!%' ESCAPE '!'": ("Contacts whose tags are “50%”."),
    W + "tags LIKE '%a!_b%' ESCAPE '!'": ("Contacts whose tags contain “a_b”."),
    W + "TRUE": ("Contacts for whom `TRUE` is true."),
    W + "city IN ('x',NULL)": ("Contacts whose city is x."),
    W + "city NOT IN ('x',NULL)": ("Contacts for whom `city NOT IN ('x', NULL)` is true."),
}


def explanation(text: str) -> str:
    query = parse(text).query
    assert query, parse(text).problems
    return explain(query, fields=FIELDS)


@pytest.mark.parametrize("text", MEANINGS)
def test_a_sentence_says_what_the_query_means(text: str) -> None:
    assert explanation(text) == MEANINGS[text]
