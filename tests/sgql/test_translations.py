"""The translation of each query, in a table for people: `translations.txt`."""

from __future__ import annotations

from pathlib import Path

import pytest

from segctl.errors import Severity
from segctl.query.catalogue import ColumnType
from segctl.query.format.layout import format_query
from segctl.query.lint import AccountSchema, lint
from segctl.query.parser.errors import quote_snippet
from segctl.query.parser.parse import parse
from segctl.sgql.to_v2 import Translation, translate

from . import queries

TABLE = Path(__file__).with_name("translations.txt")
EXPECTED_WARNINGS = {
    "always-false", "drops-nulls", "like-without-wildcard", "malformed-list-id",
    "unbounded-events", "unknown-column",
}  # fmt: skip
"""Warnings about what the author of the query chose; no others may appear."""


def table_row(text: str) -> str:
    """Return a query with its translation and notes, or with the reasons of its refusal, below."""
    short = text if len(text) < 170 else f"{text[:60]} … ({len(text)} characters)"
    lines = [f"### {short}".rstrip().replace("\0", "\\0")]
    result = translate(text)
    if isinstance(result, Translation):
        lines += [result.query, *(f"  note: {note.message}" for note in result.notes)]
    else:
        for problem in result:
            where = quote_snippet(text[problem.start : problem.end])
            lines.append(f"  refused: {problem.message}, at {where} ({problem.code})")
            lines += [f"    {problem.hint}"] if problem.hint else []
    return "\n".join(lines) + "\n"


def test_the_table_is_up_to_date(request: pytest.FixtureRequest) -> None:
    table = "\n".join(map(table_row, queries.ALL))
    if request.config.getoption("--golden-write"):
        TABLE.write_text(table, "utf-8")
    assert table == TABLE.read_text("utf-8")


@pytest.mark.parametrize("text", [text for text in queries.ALL if text not in queries.REFUSED])
def test_a_translation_is_formatted_and_lints_clean(text: str) -> None:
    result = translate(text)
    if not isinstance(result, Translation):
        return  # the table says why
    parsed = parse(result.query)
    assert parsed.query is not None
    assert format_query(parsed).text == result.query
    findings = {
        finding.code
        for finding in lint(parsed, AccountSchema())
        if finding.severity is not Severity.INFO
    }
    assert findings <= EXPECTED_WARNINGS


@pytest.mark.parametrize("text", queries.REFUSED)
def test_a_query_without_translation_is_refused_at_its_place(text: str) -> None:
    result = translate(text)
    assert isinstance(result, tuple)
    assert result
    assert all(0 <= problem.start <= problem.end <= len(text) for problem in result)


def test_the_table_is_large() -> None:
    assert len(set(queries.ALL)) == len(queries.ALL) >= 120
    translated = [text for text in queries.ALL if isinstance(translate(text), Translation)]
    assert len(translated) >= 70


def test_all_problems_are_reported_at_once() -> None:
    result = translate("list_ids = 'x' OR created_at > 'soon' OR NOT UPPER(city) = 'X'")
    assert isinstance(result, tuple)
    assert len(result) == 3


FIELDS = {
    "plan": ColumnType.VARCHAR,
    "Plan": ColumnType.VARCHAR,
    "Colour": ColumnType.VARCHAR,
    "age": ColumnType.NUMBER,
    "born": ColumnType.TIMESTAMP,
    "External_ID": ColumnType.VARCHAR,
}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("plan = 'x'", "plan = 'x'"),
        ("COLOUR = 'x'", "\"Colour\" = 'x'"),
        ("colour + plan = 'x'", "\"Colour\" || plan = 'x'"),
        ("plan > '2024-01-31'", "plan > '2024-01-31'"),
        ("age + age = 2", "age + age = 2"),
        ("born > '2024-01-31T00:00:00+01:00'", "born > '2024-01-30T23:00:00Z'"),
    ],
)
def test_fields_of_the_account_are_translated(text: str, where: str) -> None:
    result = translate(text, fields=FIELDS)
    assert isinstance(result, Translation)
    assert result.query.endswith(f"WHERE {where}")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("pLan = 'x'", "ambiguous field: the account has `Plan` and `plan`"),
        ("plann = 'x'", "the account has no field `plann`"),
        (
            "external_id = 'x'",
            "`External_ID` is both a field of the account and a standard field of V2",
        ),
        ("age = 'x'", "a number cannot be compared with a string in SGQL"),
        ("age LIKE 'x'", "must be a string, got a number"),
    ],
)
def test_unclear_fields_of_the_account_are_refused(text: str, reason: str) -> None:
    result = translate(text, fields=FIELDS)
    assert isinstance(result, tuple)
    assert [problem.message for problem in result] == [reason]


def test_a_parent_list_is_kept_and_several_are_refused() -> None:
    result = translate("city = 'x'", [queries.LIST, queries.LIST, ""])
    assert isinstance(result, Translation)
    assert result.parent_list_ids == (queries.LIST,)
    refused = translate("city = 'x'", ["one", "two"])
    assert isinstance(refused, tuple)
    assert [problem.code for problem in refused] == ["several-parents"]
