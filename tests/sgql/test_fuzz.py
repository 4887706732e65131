"""Any text is translated or refused, and every translation is valid."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segctl.errors import Severity
from segctl.query.format.layout import format_query
from segctl.query.lint import AccountSchema, lint
from segctl.query.parser.parse import MAX_QUERY_LENGTH, parse
from segctl.query.visit import walk
from segctl.sgql.interpreter import CannotEvaluate, read_query
from segctl.sgql.parse import parse as parse_sgql
from segctl.sgql.to_v2 import Translation, translate

from . import queries, worlds

NOW = datetime(2026, 3, 31, 12, 30, tzinfo=UTC)
PIECES = (
    "(", ")", ",", "=", "!=", "<", "-", "+", "*", "/", "%", ".", ":", "[", "]", "AND", "OR", "NOT",
    "IN", "IS", "NULL", "LIKE", "BETWEEN", "true", "interval", "TIMESTAMP", "NOW()", "CONTAINS(",
    "list_ids", "city", "`x`", "'a'", '"b%"', "10", "2.5", "day", "event_type", "event_timestamp",
    "event_data", "payload", "'2024-01-31T00:00:00Z'", "\\", "'", '"', "`", "é", "\n", "--", "\0",
)  # fmt: skip
phrases = st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join)
cut_up = st.builds(
    lambda text, at, less, more: text[:at] + more + text[at + less :],
    st.sampled_from(queries.ALL) | worlds.queries,
    st.integers(0, 120), st.integers(0, 6), st.sampled_from(("", *PIECES)),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), phrases, cut_up, worlds.queries))
def test_any_text_is_translated_or_refused(text: str) -> None:
    parsed = parse_sgql(text)
    assert (parsed.condition is None) == bool(parsed.problems)
    result = translate(text)
    if isinstance(result, Translation):
        sql = parse(result.query)
        assert sql.query is not None
        assert format_query(sql).text == result.query
        findings = lint(sql, AccountSchema())
        errors = {finding.code for finding in findings if finding.severity is Severity.ERROR}
        assert errors <= {"malformed-list-id"}  # the id is as it was
        notes = result.notes
    else:
        assert result
        notes = result
    assert all(0 <= note.start <= note.end <= len(text) for note in notes)
    if parsed.condition is None:
        return
    for node in walk(parsed.condition):
        assert 0 <= node.start <= node.end <= len(text)
    with suppress(CannotEvaluate):
        read_query(text, ["l-1"], NOW).evaluate({"list_ids": ["l-1"]}, [{"event_type": "open"}])


def test_nodes_know_their_places() -> None:
    text = "(city = 'x' AND `2fa`  IN ( 1,2 )) OR NOT event_type = \"o\""
    condition = parse_sgql(text).condition
    assert condition is not None
    pieces = [text[node.start : node.end] for node in walk(condition)]
    assert pieces == [
        text,
        "city = 'x' AND `2fa`  IN ( 1,2 )",
        "city = 'x'", "city", "city", "'x'",
        "`2fa`  IN ( 1,2 )", "`2fa`", "`2fa`", "1", "2",
        'NOT event_type = "o"', 'event_type = "o"', "event_type", "event_type", '"o"',
    ]  # fmt: skip


def test_a_long_query_is_not_too_deep() -> None:
    ids = ", ".join(f"'{number}'" for number in range(4_000))
    result = translate(f"city IN ({ids}) OR " + " OR ".join(["age = 1"] * 1_000))
    assert isinstance(result, Translation)


@pytest.mark.parametrize(
    "text",
    [
        "NOT " * 2_000 + "true",
        "-" * 2_000 + "1 = 1",
        "- " * 2_000 + "1 = 1",
        "LOWER(" * 2_000,
        "a = 1" + " + 1" * 2_000,
        "(" * 60 + "NOT " * 3 + "(city = 'x' AND age = 2)" + ")" * 60,
        "x" * (MAX_QUERY_LENGTH + 1),
    ],
)
def test_a_query_that_is_too_deep_or_long_is_refused(text: str) -> None:
    result = translate(text)
    assert isinstance(result, tuple)
    assert {problem.code for problem in result} <= {
        "too-deep",
        "too-long",
        "comment",
        "not-translated",
    }


def test_a_caller_deep_in_the_stack_gets_a_result() -> None:
    def deeper(levels: int) -> object:
        return deeper(levels - 1) if levels else parse_sgql("(" * 60 + "true" + ")" * 60)

    try:
        result = deeper(700)
    except RecursionError:
        pytest.fail("no traceback for a query")
    assert getattr(result, "problems", None)
