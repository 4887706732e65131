"""Functions, arithmetic and dates in plain English; what has no words is quoted."""

from __future__ import annotations

import pytest

from segctl.query.explain import explain
from segctl.query.parser.parse import parse

from .corpus import FIELDS, W

# ruff: noqa: E501 - explanations are on one line.
COMPUTED = {
    W + "lower(first_name) = 'bob'": ("Contacts whose first name is bob, ignoring case."),
    W + "lower(first_name) = 'Bob'": ("Contacts for whom their first name in lower case is Bob."),
    W + "upper(first_name) IN ('BOB','ANN')": (
        "Contacts whose first name is BOB or ANN, ignoring case."
    ),
    W + "lower(email) LIKE '%@example.com'": (
        "Contacts whose e-mail address ends with “@example.com”, ignoring case."
    ),
    W + "lower(email) = lower('X@Example.com')": (
        "Contacts whose e-mail address is “x…@example.com”, ignoring case."
    ),
    W + "n % 2 = 0": ("Contacts whose n is a multiple of 2."),
    W + "n % 2 = 1": ("Contacts for whom the remainder of their n divided by 2 is 1."),
    W + "MOD(n,10) != 0": (
        "Contacts whose n is not a multiple of 10 (excluding those without an n)."
    ),
    W + "COALESCE(country,'') = ''": (
        "Contacts for whom their country (“” (empty) if not set) is “” (empty)."
    ),
    W + "COALESCE(n, 0) < 5": ("Contacts for whom their n (0 if not set) is less than 5."),
    W + "COALESCE(first_name,last_name,'x') != 'y'": (
        "Contacts for whom the first that is set of (their first name, their last name, x) is not y."
    ),
    W + "(a = 1 OR COALESCE(b,1) = 2) IS NOT TRUE": (
        "Contacts whose a is not 1 or is not set, and for whom `(coalesce(b, 1) = 2) IS NOT TRUE` is true."
    ),
    W + "arrays_overlap(list_ids, ['a','b'])": ("Contacts who are on any of the lists a or b."),
    W + "trim(city) = 'x'": ("Contacts for whom their city without blanks at its ends is x."),
    W + "left(postal_code, 3) IN ('101','102')": (
        "Contacts for whom the first 3 characters of their postal code are “101” or “102”."
    ),
    W + "right(postal_code,1) = '5'": (
        "Contacts for whom the last character of their postal code is “5”."
    ),
    W + "substr(postal_code,2,3) = '5'": (
        "Contacts for whom the characters 2 to 4 of their postal code are “5”."
    ),
    W + "len(first_name) > 3": ("Contacts for whom the length of their first name is more than 3."),
    W + "concat(first_name,' ',last_name) = 'A B'": (
        "Contacts for whom their first name joined with “␣” joined with their last name is “A B”, where ␣ is a blank."
    ),
    W + "iff(n > 1, 'a', 'b') = 'a'": ("Contacts for whom `iff(n > 1, 'a', 'b') = 'a'` is true."),
    W + "last_order >= CURRENT_DATE - 30": (
        "Contacts whose last order is at or after the start of the day 30 days ago."
    ),
    W + "last_order::date = CURRENT_DATE": (
        "Contacts for whom the day of their last order is today."
    ),
    W + "last_order::date >= '2024-01-01'": (
        "Contacts for whom the day of their last order is on or after 1 January 2024."
    ),
    W + "created_at >= DATE_TRUNC('month', now())": (
        "Contacts who were created at or after the start of this month."
    ),
    W + "DATE_TRUNC('month', created_at) = '2024-01-01'": (
        "Contacts for whom the start of the month of their time of creation is exactly the start of 1 January 2024."
    ),
    W + "datediff(day, last_order, now()) > 30": (
        "Contacts for whom the number of calendar days from their last order to now is more than 30."
    ),
    W + "datediff('month', last_order, CURRENT_DATE) <= 1": (
        "Contacts for whom the number of calendar months from their last order to today is at most 1."
    ),
    W + "year(signed_up) = 2024": ("Contacts for whom the year of their “signed up” is 2024."),
    W + "month(signed_up) IN (1,2)": (
        "Contacts for whom the month (1 to 12) of their “signed up” is 1 or 2."
    ),
    W + "total_spend / n > 10": (
        "Contacts for whom their total spend divided by their n is more than 10."
    ),
    W + "round(total_spend) = 5": (
        "Contacts for whom their total spend rounded to a whole number is 5."
    ),
    W + "abs(n) = 5": ("Contacts for whom the absolute value of their n is 5."),
    W + "array_size(list_ids) >= 2": ("Contacts for whom the number of their lists is at least 2."),
    W + "to_timestamp('2024-01-01') < last_order": (
        "Contacts whose last order is after the start of 1 January 2024."
    ),
    W + "last_order > timestampadd(day, -30, signed_up)": (
        "Contacts whose last order is after the time 30 days before their “signed up”."
    ),
    W + "last_order > signed_up + 30 days": (
        "Contacts whose last order is after the time 30 days after their “signed up”."
    ),
    W + "last_order::timestamp > now()": ("Contacts whose last order is in the future."),
    W + "nvl(n,0) + 1 >= 3": ("Contacts for whom (their n (0 if not set)) plus 1 is at least 3."),
    W + "startswith(first_name,'a')": ("Contacts whose first name starts with “a”."),
    W + "regexp_like(first_name,'a.*')": (
        "Contacts whose first name matches the regular expression “a.*”."
    ),
    W + "equal_null(city,'x')": ("Contacts whose city is x."),
    W + "lower(email) = 'x  y'": (
        "Contacts whose e-mail address is “x␣␣y”, ignoring case, where ␣ is a blank."
    ),
    W + "split_part(email,'@',2) = 'example.com'": (
        "Contacts for whom the part 2 of their e-mail address split at “@” is “example.com”."
    ),
    W + "replace(city,' ','') = 'NewYork'": (
        "Contacts for whom `replace(city, '␣', '') = 'NewYork'` is true, where ␣ is a blank."
    ),
    W + "NULLIF(city, '') IS NOT NULL": (
        "Contacts for whom their city (not set if “” (empty)) is set."
    ),
    W + "ZEROIFNULL(n) < 3": ("Contacts for whom their n (0 if not set) is less than 3."),
    W + "LAST_DAY(last_order) = '2024-02-29'": (
        "Contacts for whom the last day of the month of their last order is 29 February 2024."
    ),
    W + "upper(last_name) = 'WEISS'": ("Contacts for whom their last name in upper case is WEISS."),
    W + "lower(trim(city)) = 'brno'": (
        "Contacts for whom their city without blanks at its ends is brno, ignoring case."
    ),
    W + "lower(n) = '5'": ("Contacts for whom `lower(n) = '5'` is true."),
    W + "substr(city, 1, 3) = 'Brn'": (
        "Contacts for whom the first 3 characters of their city are Brn."
    ),
    W + "last_order::date BETWEEN '2024-01-01' AND '2024-02-01'": (
        "Contacts for whom the day of their last order is from 1 January 2024 to 1 February 2024."
    ),
    W + "DATE '2024-01-01' <= last_order": (
        "Contacts whose last order is on or after 1 January 2024."
    ),
    W + "TO_DATE('2024-01-01T12:00:00Z') <= last_order": (
        "Contacts for whom `to_date('2024-01-01T12:00:00Z') <= last_order` is true."
    ),
    W + "signed_up > '2024-01-01' AND signed_up < last_order": (
        "Contacts whose “signed up” is after the start of 1 January 2024 and whose “signed up” is before their last order."
    ),
    W + "greatest(n, total_spend) > 5": (
        "Contacts for whom the greatest of (their n, their total spend) is more than 5."
    ),
    W + "n + 1 > total_spend * 2 - 3": (
        "Contacts for whom their n plus 1 is more than (their total spend times 2) minus 3."
    ),
    W + "-n > 5": ("Contacts for whom minus their n is more than 5."),
    W + "date_part('year', signed_up) != 2024": (
        "Contacts for whom the year of their “signed up” is not 2024 (excluding those without a “signed up”)."
    ),
    W + "trim(city, 'x') = 'y'": ("Contacts for whom `trim(city, 'x') = 'y'` is true."),
}


@pytest.mark.parametrize("text", COMPUTED)
def test_what_is_computed_is_explained(text: str) -> None:
    query = parse(text).query
    assert query, parse(text).problems
    assert explain(query, fields=FIELDS) == COMPUTED[text]
