"""What the parser reports of queries with one mistake, and with two."""

from __future__ import annotations

from itertools import permutations

import pytest

from segctl.errors import Severity
from segctl.query.lint import AccountSchema, lint
from segctl.query.parser.parse import parse
from segctl.query.parser.recovery import MAX_ERRORS

from .corpus import SHAPES, C, J, S, W

MISTAKES = (
    ("a = = 1", "= 1"),
    ("b IN ()", ")"),
    ("c == 2", "=="),
    ("NOT d <", ""),
    ("(e = 1 f = 2)", "f"),
    ("array_contains(g, ['x' 'y'])", "'y'"),
    ("h LKIE 'x'", "LKIE"),
    ("i BETWEEN 1 OR 2", "OR"),
    ("j IN (SELECT contact_id, FROM event_data)", "FROM"),
    ("(k = 1, 2)", "(k"),
    ("l IS 'x'", "'x'"),
    ("m = `n`", "`"),
    ("o = \u201cp\u201d", "\u201c"),
    ("CASE q WHEN = 1 THEN 2 END = 2", "= 1"),
    ("r = CAST(s, t)", ","),
    ("u ! v", "! v"),
    ("w = 1 && x = 2", "&&"),
)
"""Conditions with one mistake, and the text at its place; empty where the condition ends."""


def mutants(query: str) -> list[str]:
    """Return a query with each of its tokens removed, and with each of them twice."""
    texts = []
    for token in parse(query).tokens:
        texts.append(f"{query[: token.start]} {query[token.end :]}")
        texts.append(f"{query[: token.end]} {token.text}{query[token.end :]}")
    return texts


@pytest.mark.parametrize("query", SHAPES)
def test_one_mistake_is_one_error(query: str) -> None:
    for text in mutants(query):
        # An opening parenthesis twice leaves the first one open and the second one empty.
        if "( ()" not in text:
            assert len(parse(text).problems) <= 1, text


@pytest.mark.parametrize(("condition", "place"), MISTAKES)
def test_a_mistake_is_reported_at_its_place(condition: str, place: str) -> None:
    text = f"{W}{condition} AND z = 1"
    (problem,) = parse(text).problems
    if place:
        assert text[problem.start :].startswith(place)


@pytest.mark.parametrize(("first", "second"), [*permutations([m[0] for m in MISTAKES], 2)])
def test_two_mistakes_are_two_errors(first: str, second: str) -> None:
    alone = [len(parse(f"{W}{condition} AND z = 1").problems) for condition in (first, second)]
    assert alone == [1, 1]
    text = f"{W}{first} AND y = 1 AND {second} AND z = 1"
    assert len(parse(text).problems) == 2, text


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (f"{S.replace('FROM', 'FORM')} WHERE a == 1", ["FORM", "=="]),
        (f"{S} WEHRE a = 1 AND b IN ()", ["WEHRE", ")"]),
        (f"{J.replace('JOIN', 'JION')} WHERE c.a = = 1", ["JION", "= 1"]),
        ("SELECT contact_id, updated_at, FROM contact_data WHERE a = = 1", ["FROM", "= 1"]),
        ("SELECT contact_id, updated_at contact_data WHERE a = = 1", ["WHERE", "= 1"]),
        ("contact_id, updated_at FROM contact_data WHERE a = = 1", ["contact_id", "= 1"]),
        (f"{C} JOIN event_data e ON = e.contact_id WHERE c.a = = 1", ["= e", "= 1"]),
        (f"{W}a = 1) AND b == 2", [")", "=="]),
        (f"{W}(a = = 1 AND b = 2", ["(a", "= 1"]),
        (f"{W}a = = 1 AND b = 'x", ["= 1", "'x"]),
        (f"{W}a = = 1 AND b IN (SELECT c FORM d WHERE e IS 1)", ["= 1", "FORM", "1)"]),
    ],
)
def test_parsing_goes_on_in_the_next_clause(text: str, places: list[str]) -> None:
    problems = parse(text).problems
    assert len(problems) == len(places), problems
    for problem, place in zip(problems, places, strict=True):
        assert text[problem.start :].startswith(place)


def test_parsing_stops_after_many_errors() -> None:
    problems = parse(W + " AND ".join(["a = = 1"] * 1_000)).problems
    assert len(problems) == MAX_ERRORS + 1
    assert problems[-1].message == f"parsing stopped here, after {MAX_ERRORS} errors"


def severities(text: str) -> set[Severity | None]:
    return {finding.severity for finding in lint(parse(text), AccountSchema())}


@pytest.mark.parametrize(
    "text",
    [
        S.replace("FROM", "FORM"),
        f"{W}(country = 'US'",
        f"{W}country = 'US')",
        f"{W}country = 'US",
        f"{W}country = = 'US'",
        f"{W}country == 'US'",
        f"{W}country = 'US' AND",
        f"{W}country IN ()",
        f"{S}; {S}",
        f"{S} GROUP BY country",
        f"{S} HAVING country = 'US'",
        f"{S} ORDER BY country",
        f"{S} LIMIT 10",
        f"{S} UNION {S}",
        S.replace("SELECT", "SELECT DISTINCT"),
        "SELECT * FROM contact_data",
        "SELECT contact_id, updated_at FROM contacts",
        "SELECT contact_id, updated_at FROM db.contacts",
        f"{W}array_contains(list_ids ['0b1f4a10-5c1d-4a6e-9f02-000000000001'])",
        f"{W}created_at (now() - 10 days)",
        f"{W}(list_ids, ['0b1f4a10-5c1d-4a6e-9f02-000000000001'])",
        f"{W}country = ${{country}}",
    ],
)
def test_what_no_reader_accepts_is_an_error(text: str) -> None:
    assert Severity.ERROR in severities(text)


@pytest.mark.parametrize(
    "text",
    [
        f"{W}email LIKE ANY ('a%', 'b%')",
        f"{W}country COLLATE 'en' = 'US'",
        f"{W}(country, city) IN (('US', 'Boston'))",
        f"{W}created_at AT TIME ZONE 'UTC' > now()",
        f"{W}f(country) OVER (x) = 1",
        f"{W}a.b.c = 1",
        "SELECT contact_id, updated_at FROM TABLE(f(1))",
        "SELECT contact_id, updated_at FROM contact_data TABLESAMPLE (10)",
        "WITH x AS (SELECT 1) SELECT contact_id, updated_at FROM x",
        f"{W}EXTRACT(day FROM created_at) = 1",
        f"{W}TRIM(BOTH ' ' FROM city) = 'Boston'",
        f"{W}POSITION('a' IN city) = 1",
    ],
)
def test_what_is_only_undocumented_is_no_error(text: str) -> None:
    assert Severity.ERROR not in severities(text), lint(parse(text), AccountSchema())
