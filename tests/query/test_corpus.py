from __future__ import annotations

import pytest

from segctl.query.ast import Name, Node
from segctl.query.equivalence import Equivalence, compare_queries, normal_form
from segctl.query.parser.parse import parse
from segctl.query.visit import walk

from .corpus import ACCEPTED, DIFFERENT, EQUAL, REFUSED, UNSUPPORTED, W


def nodes(text: str) -> list[Node]:
    query = parse(text).query
    assert query, parse(text).problems
    return list(walk(query))


@pytest.mark.parametrize("text", ACCEPTED)
def test_nodes_of_accepted_queries_know_their_places(text: str) -> None:
    for node in nodes(text):
        assert 0 <= node.start < node.end <= len(text)
        if isinstance(node, Name) and not node.quoted:
            assert text[node.start : node.end] == node.text
    assert not parse(text).problems


@pytest.mark.parametrize("text", [*ACCEPTED, *(pair[0] for pair in EQUAL + DIFFERENT)])
def test_the_normal_form_is_its_own_normal_form(text: str) -> None:
    query = parse(text).query
    if query:
        form = normal_form(query)
        again = parse(form).query
        assert again, form
        assert normal_form(again) == form


@pytest.mark.parametrize(("before", "after"), EQUAL)
def test_equal_pairs_differ_cosmetically(before: str, after: str) -> None:
    assert compare_queries(before, after) is Equivalence.COSMETIC
    assert compare_queries(after, before) is Equivalence.COSMETIC
    assert compare_queries(f" {before}\n", before) is Equivalence.IDENTICAL


@pytest.mark.parametrize(("before", "after"), DIFFERENT)
def test_different_pairs_differ(before: str, after: str) -> None:
    assert compare_queries(before, after) is Equivalence.DIFFERENT
    assert compare_queries(after, before) is Equivalence.DIFFERENT


@pytest.mark.parametrize(("text", "code", "words"), REFUSED)
def test_refused_queries_say_why(text: str, code: str, words: str) -> None:
    parsed = parse(text)
    assert parsed.query is None
    problem = parsed.problems[0]
    assert problem.code == code, problem
    assert words in f"{problem.message} {problem.hint}", problem
    assert 0 <= problem.start <= problem.end <= len(text)
    assert "sqlglot" not in problem.message.lower()
    assert "token" not in problem.message.lower()


@pytest.mark.parametrize(("text", "kind"), UNSUPPORTED)
def test_unsupported_clauses_know_their_kind_and_place(text: str, kind: str) -> None:
    query = parse(text).query
    assert query
    (clause,) = query.unsupported
    assert clause.kind.value == kind
    assert (
        text[clause.start : clause.end].split(maxsplit=1)[0].upper()
        == clause.text.split()[0].upper()
    )
    again = parse(normal_form(query)).query
    assert again
    assert normal_form(again) == normal_form(query)


def test_the_corpus_has_no_duplicates() -> None:
    for table in (ACCEPTED, EQUAL, DIFFERENT, REFUSED, UNSUPPORTED):
        assert len(set(table)) == len(table)


@pytest.mark.parametrize(
    ("where", "at"),
    [
        ("first_name = 'O'Brien'", "'Brien"),
        ("first_name = 'O'Brien' AND city = 'x'", "'Brien"),
        ("a = 'x' AND last_name IN ('D'Arcy', 'O'Brien')", "'Arcy"),
        ("a = 'it's' AND b = 'y'", "'s"),
    ],
)
def test_a_quote_inside_a_string_is_reported_at_its_place(where: str, at: str) -> None:
    text = f"{W}{where}"
    (problem,) = parse(text).problems
    assert (problem.code, problem.hint) == (
        "quote-in-text",
        "write '' for a quote inside a string",
    )
    assert (problem.start, text[problem.start : problem.end]) == (text.index(at), at)


@pytest.mark.parametrize(
    "where", ["a = 'x'AND b = 'y'or c = 1", "a LIKE '!%'escape '!'", "a > now() - INTERVAL '3'days"]
)
def test_a_keyword_may_directly_follow_a_string(where: str) -> None:
    assert parse(f"{W}{where}").query


def test_a_hash_does_not_start_a_comment() -> None:
    text = f"{W}a = 1 # why\n AND b = 2"
    (problem,) = parse(text).problems
    assert problem.hint == "start comments in a query with --"
    assert problem.start == text.index("#")
