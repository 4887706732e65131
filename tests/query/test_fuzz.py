from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segctl.query.catalogue import FUNCTIONS
from segctl.query.equivalence import Equivalence, compare_queries, normal_form
from segctl.query.parser.parse import MAX_QUERY_LENGTH, parse
from segctl.query.parser.tokens import upper
from tests.support.growth import TIMES, in_proportion

from .corpus import ACCEPTED, S, W

if TYPE_CHECKING:
    from collections.abc import Callable

SYMBOLS = "( ) [ ] , . : :: ; ' \" -- /* */ || = != <> { } $ \\ \0 NOT OR 1 a"
PIECES = [*W.split(), *SYMBOLS.split()]

HUGE = {
    "parentheses": W + "(" * 10_000 + "a" + ")" * 10_000,
    "signs": W + "- " * 10_000 + "1",
    "nots": W + "NOT " * 10_000 + "a",
    "sum": W + "a = 1" + "+1" * 10_000,
    "casts": W + "a" + "::x" * 10_000,
    "cases": W + "CASE WHEN " * 2_000,
    "subqueries": W + "a IN (SELECT a FROM t WHERE " * 2_000,
    "tables": "SELECT a FROM (" * 2_000,
    "quotes": "'" * 200_000,
    "backslashes": "'" + "\\" * 200_000,
    "comments": "/*" * 100_000,
    "templates": "{#" * 30_000,
    "odd": "\0\ud800\u202e" * 1_000,
    "long": " " * (MAX_QUERY_LENGTH + 1),
}


@settings(max_examples=120, deadline=None)
@given(
    st.binary(max_size=200).map(lambda data: data.decode("latin-1"))
    | st.text(max_size=60)
    | st.text(st.characters(), max_size=30)
    | st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join)
    | st.lists(st.sampled_from(PIECES), max_size=25).map("".join)
)
def test_any_text_parses_or_has_problems(text: str) -> None:
    for candidate in (text, W + text, f"{W}a = {text} AND b = 1"):
        parsed = parse(candidate)
        assert (parsed.query is None) == bool(parsed.problems)
        for problem in parsed.problems:
            assert 0 <= problem.start <= problem.end <= len(candidate)
            assert problem.message.isprintable()
        if parsed.query:
            form = normal_form(parsed.query)
            again = parse(form).query
            assert again, form
            assert normal_form(again) == form
        assert compare_queries(candidate, candidate + " ") is Equivalence.IDENTICAL


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ACCEPTED), st.data())
def test_a_query_cut_anywhere_parses_or_has_problems(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    parsed = parse(text[:start] + text[end:])
    assert (parsed.query is None) == bool(parsed.problems)


@pytest.mark.parametrize("name", HUGE)
def test_huge_nonsense_has_a_short_message(name: str) -> None:
    parsed = parse(HUGE[name])
    assert parsed.query is None
    assert parsed.problems
    assert len(parsed.problems[0].message) < 200


HEAVY: dict[str, Callable[[int], str]] = {
    "and": lambda size: " AND ".join(["a = 1"] * size),
    "in": lambda size: "a IN (" + ", ".join(["'x'"] * size) + ")",
    "string": lambda size: f"a = '{'x' * 100 * size}'",
    "escapes": lambda size: "a = '" + r"\\" * 100 * size + "'",
    "open quotes": lambda size: "'" * (100 * size + 1),
    "parentheses": lambda size: "(" * size + "a" + ")" * size,
    "missing operators": lambda size: "a = 1 b " * size,
    "missing values": lambda size: "a = = 1 AND (b IN () OR c LIKE) AND " * size,
    "closing parentheses": lambda size: ")" * size,
    "unclosed calls": lambda size: "f(a b, " * size,
    "typographic quotes": lambda size: "a = \u201cx\u201d AND " * size,
    "open typographic quotes": lambda size: "\u201c" * 20 * size,
    "invisible characters": lambda size: "\u200b" * 20 * size,
}


@pytest.mark.parametrize("name", HEAVY)
def test_large_queries_take_time_in_proportion(name: str) -> None:
    small, large = (W + HEAVY[name](size) for size in (500, 500 * TIMES))
    assert in_proportion(lambda: parse(small), lambda: parse(large))


@pytest.mark.parametrize(
    "text",
    [
        W + " AND ".join(["a = 1"] * 8_000),
        W + "a IN (" + ", ".join(["'x'"] * 8_000) + ")",
        W + "a = '" + "x" * 1_000_000 + "'",
        f"{S} /* {'x' * 1_000_000} */",
    ],
    ids=["and", "in", "string", "comment"],
)
def test_wide_queries_parse(text: str) -> None:
    query = parse(text).query
    assert query
    assert normal_form(query)


def test_a_caller_deep_in_the_stack_gets_a_result() -> None:
    def sink(levels: int) -> str:
        if levels:
            return sink(levels - 1)
        return parse(W + "(" * 60 + "a" + ")" * 60).problems[0].code

    parse(S)  # the parser is imported while there is room on the stack
    frame, depth = sys._getframe(), 0
    while frame.f_back:
        frame, depth = frame.f_back, depth + 1
    assert sink(sys.getrecursionlimit() - depth - 80) == "too-deep"


def test_identical_queries_do_not_import_the_parser() -> None:
    code = (
        "import sys\n"
        "from segctl.query.equivalence import compare_queries\n"
        f"assert compare_queries({S!r}, {S!r} + ' ') == 'identical'\n"
        "assert 'sqlglot' not in sys.modules and 'segctl.query.parser.parse' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_only_ascii_letters_are_folded() -> None:
    assert upper("\u017felect\u212a") == "\u017fELECT\u212a"


def test_the_catalogue_is_consistent() -> None:
    for name, function in FUNCTIONS.items():
        assert name == function.name == name.upper()
        assert function.max_args is None or function.min_args <= function.max_args
