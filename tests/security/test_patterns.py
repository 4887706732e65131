"""Promise: no pattern and no text in a file makes a regular expression run without end.

Against a pull request: it chooses `lint.name_pattern`, and all texts that patterns of segctl read.
Work is counted in steps where segctl matches itself. Where `re` does, the texts are so long that a
pattern which takes more than its share would run for hours.
"""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segctl.account import definition_cache
from segctl.declarations.name_patterns import (
    LONGEST,
    MOST_STEPS,
    BadPattern,
    NamePattern,
    TooManySteps,
)
from segctl.declarations.suppressions import sql_suppressions
from segctl.documents.yaml_reader import parse_document
from segctl.query.explain.sentences import explain
from segctl.query.parser.parse import parse
from segctl.sendgrid.exports import Exports
from tests.sendgrid.support import answer, scripted
from tests.support.builders import query
from tests.support.process import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.project import Project

NAMES = ("a" * 100, "a" * 99 + "!", "sales-emea: " + "x" * 88, " " * 100, "a-" * 50)

CATASTROPHES = (
    "(a+)+$",
    "(a|a)*$",
    "(a*)*b",
    "(a|aa)+$",
    "(.*a){20}",
    ".*.*.*.*.*.*.*.*.*.*x",
    "(x+x+)+y",
    r"(\w+\s?)*!!",
    "(?i)(A+)+z",
    "((((((a*)*)*)*)*)*)*b",
    "(?=(a+)+$)(?!(a+)+b).*",
    "(?:(?:.{0,90}){0,90}){0,90}!",
)


@pytest.mark.parametrize("pattern", CATASTROPHES)
def test_a_catastrophic_pattern_takes_few_steps(pattern: str) -> None:
    compiled = NamePattern(pattern)
    for name in NAMES:
        # TooManySteps would be raised at the bound.
        assert compiled.matches(name) in (True, False)


def test_the_steps_of_a_match_are_bounded() -> None:
    compiled = NamePattern("(" + "|".join(["(?=.*.*)"] * 50) + "|.)*y")
    with pytest.raises(TooManySteps):
        compiled.matches("x" * 100)
    assert MOST_STEPS == 20_000


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "missing )"),
        ("a{1,99999}", "1,000 repetitions"),
        ("a{99999999999999999999}", "1,000 repetitions"),
        ("(" * 5_000 + ")" * 5_000, "more than the limit of 500"),
        ("(" * 40 + ")" * 40, "nested more than 20 deep"),
        ("a" * (LONGEST + 1), "501 characters, more than the limit of 500"),
        (r"(a)\1", "back-references"),
        ("(?P<a>a)(?P=a)", "not supported"),
        ("(?>a+)b", "not supported"),
        ("a++b", "possessive"),
        ("(a)(?(1)b|c)", "not supported"),
    ],
)
def test_a_pattern_that_cannot_be_bounded_is_refused(
    project: Project, pattern: str, reason: str
) -> None:
    project.write({"segctl.yaml": f"version: 1\nlint:\n  name_pattern: {json.dumps(pattern)}\n"})
    project.declare("Abroad", query("city = 'a'"))
    result = project.run("validate")
    assert result.code == 1
    assert "segctl.yaml:3:17" in result.err
    assert "invalid regular expression" in result.err
    assert reason in " ".join(result.err.split())


@pytest.mark.parametrize("command", ["validate", "lint", "fmt", "plan", "list", "test"])
def test_a_catastrophic_pattern_hangs_no_command(project: Project, command: str) -> None:
    config = 'version: 1\ndefault_target: sandbox\nlint: {name_pattern: "(a+)+$"}\n'
    project.write({"segctl.yaml": config})
    project.declare("a" * 99 + "!", query("city = 'a'"))
    result = project.run(command)
    assert "Traceback" not in result.err
    if command in ("validate", "lint"):
        assert "error[name-pattern]" in result.out + result.err


def test_a_name_that_takes_too_many_steps_is_an_error(project: Project) -> None:
    costly = "(" + "|".join(["(?=.*.*)"] * 50) + "|.)*y"
    project.write({"segctl.yaml": f"version: 1\nlint: {{name_pattern: '{costly}'}}\n"})
    project.declare("x" * 100, query("city = 'a'"))
    result = project.run("validate")
    assert result.code == 1
    assert "takes more than 20,000 steps" in " ".join(result.err.split())
    assert "simplify `lint.name_pattern`" in " ".join(result.err.split())


PIECES = (
    *("a", "b", "A", "é", "-", "{", "}", "{}", "(", "(?:", "(?=", "(?!", "(?<=", "(?<!", ")", ")"),
    *("|", "*", "+", "?", "{2}", "{1,2}", "{,2}", "{2,}", "*?", "+?", ".", "^", "$", "[ab]"),
    *("[^a]", "[]a]", r"\w", r"\d", r"\b", r"\B", r"\Z", r"\.", r"\n", r"\x61", "(?i:", "(?i)"),
    *("(?-i:", "(?s:", "(?P<n>", r"\N{LATIN SMALL LETTER A}", r"\1", "(?>", "*+", "(?#c)"),
)
TEXTS = ("", "a", "ab", "aab", "ba", "A", "a-b", "é", "a\n", "aa{2", "{}")


@settings(max_examples=2_000)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=9).map("".join))
def test_a_pattern_matches_what_python_matches(pattern: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            python = re.compile(pattern)
        except re.error:
            python = None
    try:
        compiled = NamePattern(pattern)
    except BadPattern:
        return
    assert python is not None
    for text in TEXTS:
        assert compiled.matches(text) == bool(python.fullmatch(text)), text


LONG = 200_000


def schema_patterns() -> Iterator[str]:
    def walk(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("pattern"), str):
                yield value["pattern"]
            value = list(value.values())
        for item in value if isinstance(value, list) else ():
            yield from walk(item)

    for file in sorted(Path(REPOSITORY, "schemas").glob("*.json")):
        yield from walk(json.loads(file.read_text("utf-8")))


@pytest.mark.parametrize("pattern", sorted(set(schema_patterns())))
def test_a_pattern_of_a_schema_reads_any_text_in_one_pass(pattern: str) -> None:
    for piece in ("1.", "1", "a", "a-", "-", " ", "a.", "\n", ".sql", "é"):
        for text in (piece * LONG, f"1{piece * LONG}!", f"a{piece * LONG}\n"):
            re.search(pattern, text)


@pytest.mark.parametrize("line", ["- " * LONG, "-  " * LONG, "a" * LONG, " " * LONG, "- a:" * LONG])
def test_a_long_line_of_broken_yaml_is_reported(line: str) -> None:
    document = parse_document("segments/a.yaml", f"a: b\n{line}\t: [\n")
    assert document.diagnostics


@pytest.mark.parametrize(
    "text",
    ["/*" * LONG, "'\\" * LONG, "\"'" * LONG, "segctl:ignore[" * LONG, "-- segctl:ignore[" * LONG],
)
def test_comments_without_end_are_read_in_one_pass(text: str) -> None:
    assert list(sql_suppressions(f"segctl:ignore {text}")) is not None


def test_a_long_amount_of_blanks_is_explained() -> None:
    text = query(f"created_at > timestampadd(day, '1{' ' * LONG}\x01', now())")
    parsed = parse(text)
    assert parsed.query is not None
    assert explain(parsed.query)


def test_a_long_message_of_the_server_is_searched_in_one_pass() -> None:
    export = {"id": "a", "status": "failure", "message": "x" * LONG + " https://a.test/?key=1"}
    with scripted(answer(200, export)) as (transport, _):
        message = Exports(transport).get_export("a").message
    assert "https" not in message


def test_a_long_query_of_the_account_is_searched_in_one_pass() -> None:
    assert definition_cache._ADDRESS.search("_" * LONG) is None
    assert definition_cache._ADDRESS.search("_" * LONG + "@example") is not None
