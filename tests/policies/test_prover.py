"""Proofs by hand: what follows from a query, and what only seems to."""

from __future__ import annotations

from itertools import pairwise

import pytest

from segctl.model import Segment
from segctl.policies.claims import disjoint, everyone, nobody, subset_of
from segctl.policies.prover import Prover
from segctl.policies.refuter import MAX_CASES, MAX_ROWS, MAX_STEPS, Budget
from segctl.query.catalogue import ColumnType

FIELDS = {
    "plan": ColumnType.VARCHAR,
    "total_spend": ColumnType.NUMBER,
    "last_order": ColumnType.TIMESTAMP,
}
S = "SELECT contact_id, updated_at FROM contact_data WHERE "
J = (
    "SELECT c.contact_id, c.updated_at FROM contact_data c"
    " JOIN event_data e ON c.contact_id = e.contact_id WHERE "
)
CLICKED = "contact_id {}IN (SELECT contact_id FROM event_data WHERE {})"


def proves(query: str, condition: str, *parents: str, types: bool = True) -> bool:
    query = query if query.startswith("SELECT") else S + query
    segment = Segment("s", query, parents)
    return Prover(FIELDS if types else {}).proves(everyone(segment, condition))


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ("country = 'US' AND plan = 'pro'", "country = 'US'"),
        ("COUNTRY = 'US'", "country='US'"),
        ("country IN ('US', 'CA')", "country IN ('DE', 'US', 'CA')"),
        ("country = 'US' OR country = 'CA'", "country IN ('CA', 'US')"),
        ("country IN ('US', 'CA') AND country != 'US'", "country = 'CA'"),
        ("country = 'US'", "country != 'CA'"),
        ("country NOT IN ('US', NULL)", "1 = 2"),
        ("country IN ('US', NULL)", "country = 'US'"),
        ("country = NULL", "country = 'US'"),
        ("country != 'US'", "country IS NOT NULL"),
        ("NOT (country = 'US' OR plan = 'pro')", "country != 'US' AND plan != 'pro'"),
        ("country IS NULL", "(country = 'US') IS NOT TRUE"),
        ("country IS DISTINCT FROM 'US'", "country IS NULL OR country != 'US'"),
        ("(country = 'US') IS NOT FALSE AND country IS NOT NULL", "country = 'US'"),
        ("total_spend > 500", "total_spend > 100"),
        ("total_spend = 500", "total_spend BETWEEN 100 AND 500.0"),
        ("total_spend >= 5 AND total_spend <= 5", "total_spend = 5"),
        ("500 < total_spend", "total_spend >= 500"),
        ("total_spend > 100 * 5", "total_spend > 499"),
        ("COALESCE(total_spend, 0) > 5", "total_spend > 1"),
        ("total_spend > 5", "COALESCE(total_spend, 0) > 5"),
        ("COALESCE(plan, 'free') != 'free'", "plan IS NOT NULL"),
        ("CASE WHEN plan = 'pro' THEN country = 'US' ELSE plan = 'x' END", "plan IS NOT NULL"),
        ("created_at > now() - 30 days", "created_at > timestampadd(day, -90, CURRENT_TIMESTAMP)"),
        ("created_at > now() - 4 weeks", "created_at >= now() - 28 days"),
        ("created_at > now() - 1 hour", "created_at > now() - 2 hours"),
        ("created_at > now() - 1 month", "created_at > now() - 2 months"),
        ("created_at > now() - 1 month", "created_at > now() - 40 days"),
        ("last_order >= '2026-02-01'", "last_order >= '2026-01-01T00:00:00'"),
        ("last_order >= '2026-02-01'", "last_order >= '2026-01-01T00:00:00+02:00'"),
        ("array_contains(list_ids, ['A'])", "array_contains(list_ids, ['a', 'b'])"),
        ("array_contains(list_ids, 'A')", "array_contains(list_ids, ['a'])"),
        ("NOT array_contains(list_ids, ['A', 'b'])", "NOT array_contains(list_ids, ['a'])"),
        ("array_contains(list_ids, ['a'])", "list_ids IS NOT NULL"),
        ("email LIKE '%@shop.example'", "email LIKE '%.example'"),
        ("email LIKE 'a!_b%' ESCAPE '!'", "email LIKE 'a%'"),
        ("email LIKE 'abc%'", "email LIKE 'ab_%'"),
        ("startswith(email, 'a%')", "email LIKE 'a%'"),
        ("email LIKE 'A%'", "email ILIKE 'a%'"),
        ("email LIKE 'a%'", "email NOT LIKE 'b%'"),
        ("email IN ('a@x.example')", "email NOT LIKE '%@rival.example'"),
        ("LOWER(plan) = 'pro'", "plan IS NOT NULL"),
        (J + "e.event_type = 'click' AND c.country = 'US'", "country = 'US'"),
        (
            J + "e.event_type = 'click' AND e.timestamp > now() - 30 days",
            CLICKED.format("", "timestamp > now() - 60 days"),
        ),
        (
            CLICKED.format("", "event_type = 'click'"),
            "EXISTS (SELECT 1 FROM event_data z WHERE contact_data.contact_id = z.contact_id)",
        ),
        (
            CLICKED.format("NOT ", "timestamp > now() - 60 days"),
            CLICKED.format("NOT ", "event_type = 'open' AND timestamp > now() - 30 days"),
        ),
        (
            "contact_id IN (SELECT contact_id FROM contact_data WHERE country = 'US')",
            "country = 'US'",
        ),
        (
            "(COALESCE(plan, 'A') = 'b' OR country = 'US') AND NOT COALESCE(plan, 'A') = 'b'",
            "country = 'US'",
        ),
        (
            "(country = 'US' OR plan = 'x') AND (country = 'US' OR total_spend > 1)",
            "country = 'US' OR (plan = 'x' AND total_spend > 0)",
        ),
        ("country = 'US'", "country NOT IN (SELECT 'CA' FROM event_data)"),
        ("plan = 'pro' AND plan = 'free'", "country = 'US'"),
        ("\"Nick name\" = 'x'", '"Nick name" IS NOT NULL'),
    ],
)
def test_what_follows_is_proven(query: str, condition: str) -> None:
    assert proves(query, condition)


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        # NULL is not FALSE, and neither is TRUE.
        ("country = 'US'", "plan != 'pro' OR plan = 'pro'"),
        ("country IS NULL OR country != 'US'", "country != 'US'"),
        ("NOT (country = 'US' AND plan = 'pro')", "country != 'US' OR plan IS NULL"),
        ("(country = 'US') IS NOT FALSE", "country = 'US'"),
        ("country = 'US'", "country NOT IN ('CA', NULL)"),
        ("country IS DISTINCT FROM 'US'", "country != 'US'"),
        ("country IS NULL", "country NOT IN (SELECT event_type FROM event_data)"),
        # SendGrid may ignore the case of letters, and white space.
        ("country = 'US'", "country != 'us'"),
        ("country = 'US'", "country != 'US '"),
        ("country = 'US'", "country LIKE 'US'"),
        ("email LIKE 'a%'", "email LIKE 'A%'"),
        ("email IN ('a@x.example')", "email NOT LIKE '%@X.example'"),
        ("email ILIKE 'a%'", "email LIKE 'a%'"),
        # Texts are not numbers, and have no known order.
        ("plan > '9'", "plan > '10'"),
        ("plan = '1.0'", "plan != '1'"),
        ("total_spend > 100", "total_spend > 500"),
        ("total_spend >= 500", "total_spend > 500"),
        ("total_spend > 0.1234567890123456", "total_spend > 0.1234567890123455"),
        # Months, days and zones have no fixed length.
        ("created_at > now() - 31 days", "created_at > now() - 1 month"),
        ("created_at > now() - 1 month", "created_at > now() - 30 days"),
        ("created_at > now() - 24 hours", "created_at > now() - 1 day"),
        ("created_at > now() - 1 month - 1 day", "created_at > now() - 1 day - 1 month"),
        ("last_order > '2026-01-01'", "last_order > '2026-01-01T00:00:00+02:00'"),
        ("last_order > '2026-01-01'", "last_order > now() - 9 days"),
        ("array_contains(list_ids, ['a', 'b'])", "array_contains(list_ids, ['a'])"),
        ("array_contains(alternate_emails, ['A'])", "array_contains(alternate_emails, ['a'])"),
        ("array_contains(list_ids, [])", "country = 'US'"),
        ("email LIKE '50\\%'", "email LIKE '50%'"),
        ("email LIKE 'a_'", "email LIKE 'ab'"),
        ("email LIKE 'a%'", "email LIKE 'a_'"),
        ("email LIKE '%a%'", "email LIKE '_a%'"),
        ("plan RLIKE 'a.*'", "plan RLIKE 'a'"),
        ("somebody(plan)", "somebody(plan)"),
        (J + "e.event_type = 'click'", J[J.index("WHERE") + 6 :] + "event_type = 'click'"),
        (
            J + "e.event_type = 'click' AND e.timestamp > now() - 90 days",
            CLICKED.format("", "timestamp > now() - 60 days"),
        ),
        (
            # Two events need not be the same one.
            " AND ".join(
                CLICKED.format("", each)
                for each in ("event_type = 'click'", "timestamp > now() - 9 days")
            ),
            CLICKED.format("", "event_type = 'click' AND timestamp > now() - 9 days"),
        ),
        (
            "EXISTS (SELECT 1 FROM event_data e WHERE e.event_type = 'click')",
            CLICKED.format("", "event_type = 'click'"),
        ),
        (
            "EXISTS (SELECT MAX(timestamp) FROM event_data e WHERE e.event_type = 'click')",
            "EXISTS (SELECT 1 FROM event_data e WHERE e.event_type = 'click')",
        ),
        (
            "country IN (SELECT country FROM contact_data WHERE plan = 'pro')",
            "plan = 'pro'",
        ),
        (f"{S}country = 'US' UNION {S}country = 'CA'", "country = 'US'"),
        (J.replace(" JOIN", " LEFT JOIN") + "c.country = 'US'", "country = 'US'"),
        ("SELECT contact_id, updated_at FROM (SELECT 1) c WHERE country = 'US'", "country = 'US'"),
        ("country = ", "country = 'US'"),
        ("country = 'US'", "country = 'US' GROUP BY plan"),
        ("plan = 'x'", "\"plan\" = 'x'"),
    ],
)  # fmt: skip
def test_what_does_not_follow_is_not_proven(query: str, condition: str) -> None:
    assert not proves(query, condition)
    assert not proves(query, condition, types=False)


def test_types_decide_how_strings_compare() -> None:
    query, condition = "last_order > '2026-01-01'", "last_order > '2025-12-30 00:00:00'"
    assert proves(query, condition)
    # A text with a space comes before one without.
    assert not proves(query, condition, types=False)
    assert proves(query, "last_order > '2025-12-30'", types=False)


def test_contacts_of_a_parent_list_are_in_it() -> None:
    assert proves("country = 'US'", "array_contains(list_ids, ['l-1'])", "L-1")
    assert proves("country = 'US'", "array_contains(list_ids, ['l-1', 'l-2'])", "l-1")
    assert not proves("country = 'US'", "array_contains(list_ids, ['l-1'])", "l-1", "l-2")
    assert not proves("country = 'US'", "array_contains(list_ids, ['l-2'])", "l-1")


def test_nobody_and_segments() -> None:
    prover = Prover(FIELDS)
    czech = Segment("a", S + "country = 'CZ' AND plan = 'pro'")
    german = Segment("b", S + "country = 'DE'")
    listed = Segment("c", S + "country = 'CZ'", ("l-1",))
    clicked = Segment("d", J + "c.country = 'CZ' AND e.event_type = 'click'")
    opened = Segment("e", J + "c.country = 'CZ' AND e.event_type IN ('click', 'open')")
    assert prover.proves(nobody(czech, "country = 'DE'"))
    assert prover.proves(nobody(czech, "NOT country = 'CZ'"))
    assert not prover.proves(nobody(czech, "plan LIKE 'p%'"))
    assert prover.proves(disjoint(czech, german))
    assert not prover.proves(disjoint(czech, listed))
    assert prover.proves(subset_of(listed, Segment("x", S + "country IN ('CZ', 'SK')")))
    assert not prover.proves(subset_of(czech, listed))
    assert prover.proves(subset_of(clicked, opened))
    assert not prover.proves(subset_of(opened, clicked))
    assert prover.proves(disjoint(clicked, german))


def test_names_that_may_be_others_prove_nothing() -> None:
    # A field in the same letters, the alias of a selected value, a column of the query around.
    fields = {"Plan": ColumnType.VARCHAR, "plan": ColumnType.VARCHAR}
    segment = Segment("s", S + "Plan = 'x' AND country = 'US'")
    assert not Prover(fields).proves(everyone(segment, "plan = 'x'"))
    assert Prover(fields).proves(everyone(segment, "country = 'US'"))
    aliased = S.replace("updated_at", "updated_at AS plan, email AS city")
    assert not proves(f"{aliased}plan = 'x'", "plan = 'x'")
    assert proves(f"{aliased}contact_data.plan = 'x'", "plan = 'x'")
    of_contact = "EXISTS (SELECT 1 FROM contact_data d WHERE d.contact_id = c.contact_id AND {})"
    about_both = " AND ".join(
        of_contact.format(f"event_type = '{kind}'") for kind in ("open", "click")
    )
    joined = J.replace(" WHERE", " JOIN event_data f ON c.contact_id = f.contact_id WHERE")
    assert not proves(joined + about_both, "country = 'US'")


def test_json_null_is_no_null() -> None:
    """It compares like NULL, but IS NULL may be false of it."""
    inside = (
        "EXISTS (SELECT 1 FROM event_data e WHERE e.contact_id = contact_data.contact_id AND {})"
    )
    path = "e.DATA:payload.x"
    assert proves(inside.format(f"{path} = 'a'"), inside.format(f"{path} IS NOT NULL"))
    assert not proves(
        inside.format(f"{path} IS NOT NULL"), inside.format(f"{path} = 'a' OR {path} != 'a'")
    )
    assert not proves(
        inside.format(f"({path} = 'a') IS NOT TRUE AND ({path} != 'a') IS NOT TRUE"),
        inside.format(f"{path} IS NULL"),
    )


def hard_questions() -> list[tuple[str, str]]:
    columns = [f"f{number}" for number in range(40)]
    groups = " AND ".join(
        f"({first} = 'a' OR {second} = 'b' OR {first} = {second})"
        for first, second in pairwise(columns)
    )
    nested = "country = 'US'"
    while len(nested) < 100_000:
        nested = f"CASE WHEN {nested} THEN plan = 'x' ELSE {nested} END"
    chain = " AND ".join(f"(f{n} = 'a' OR f{n + 1} != 'a')" for n in range(1000))
    events = " AND ".join(CLICKED.format("", f"event_type = 'a{n}'") for n in range(30))
    without = " AND ".join(
        CLICKED.format("NOT ", f"event_type = 'b{n}' OR event_source = 'x'") for n in range(30)
    )
    return [
        (groups, " OR ".join(f"({name} = 'a' AND f1 = f2)" for name in columns)),
        (nested, "country = 'DE'"),
        (chain + " AND f1000 = 'b'", "f0 != 'a'"),
        (events, without),
        (" AND ".join(f"plan LIKE '%{'%a' * 30}{n}%'" for n in range(100)), "plan LIKE 'a%'"),
    ]


@pytest.mark.parametrize(("query", "condition"), hard_questions(), ids=range(5))
def test_hard_questions_take_bounded_work(
    query: str, condition: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is done is counted, and the search gives up instead of guessing."""
    spend, done = Budget.spend, 0

    def count(self: Budget, **more: int) -> None:
        nonlocal done
        done += 1
        spend(self, **more)

    monkeypatch.setattr(Budget, "spend", count)
    assert not proves(query, condition)
    # The contacts of the segment, those of the condition, and both together.
    assert done <= 3 * (MAX_STEPS + MAX_CASES + MAX_ROWS + 3)


def test_long_lists_are_compared() -> None:
    many = ", ".join(f"'v{number}'" for number in range(5000))
    assert proves(f"plan IN ({many})", f"plan IN ({many}, 'w')")
    assert not proves(f"plan IN ({many}, 'w')", f"plan IN ({many})")
