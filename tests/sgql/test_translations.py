"""What each query becomes, in a table that people read: `translations.txt`."""

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
MEANT_TO_WARN = {
    "always-false", "drops-nulls", "like-without-wildcard", "malformed-list-id",
    "unbounded-events", "unknown-column",
}  # fmt: skip
"""Findings about what a query says, which was its author's choice; all others must be absent."""


def written(text: str) -> str:
    """One row: the query, and below it its translation with notes, or the reasons of a refusal."""
    short = text if len(text) < 170 else f"{text[:60]} … ({len(text)} characters)"
    lines = [f"### {short}".rstrip().replace("\0", "\\0")]
    found = translate(text)
    if isinstance(found, Translation):
        lines += [found.query, *(f"  note: {note.message}" for note in found.notes)]
    else:
        for problem in found:
            where = quote_snippet(text[problem.start : problem.end])
            lines.append(f"  refused: {problem.message}, at {where} ({problem.code})")
            lines += [f"    {problem.hint}"] if problem.hint else []
    return "\n".join(lines) + "\n"


def test_the_table(request: pytest.FixtureRequest) -> None:
    table = "\n".join(map(written, queries.ALL))
    if request.config.getoption("--golden-write"):
        TABLE.write_text(table, "utf-8")
    assert table == TABLE.read_text("utf-8")


@pytest.mark.parametrize("text", [one for one in queries.ALL if one not in queries.REFUSED])
def test_a_translation_is_as_segctl_would_have_it(text: str) -> None:
    found = translate(text)
    if not isinstance(found, Translation):
        return  # the table says why
    parsed = parse(found.query)
    assert parsed.query is not None
    assert format_query(parsed).text == found.query
    findings = {
        one.code for one in lint(parsed, AccountSchema()) if one.severity is not Severity.INFO
    }
    assert findings <= MEANT_TO_WARN


@pytest.mark.parametrize("text", queries.REFUSED)
def test_what_has_no_equal_is_refused_at_its_place(text: str) -> None:
    found = translate(text)
    assert isinstance(found, tuple)
    assert found
    assert all(0 <= one.start <= one.end <= len(text) for one in found)


def test_there_are_enough_of_them() -> None:
    assert len(set(queries.ALL)) == len(queries.ALL) >= 120
    done = [one for one in queries.ALL if isinstance(translate(one), Translation)]
    assert len(done) >= 70


def test_all_that_cannot_be_translated_is_said_at_once() -> None:
    found = translate("list_ids = 'x' OR created_at > 'soon' OR NOT UPPER(city) = 'X'")
    assert isinstance(found, tuple)
    assert len(found) == 3


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
def test_with_the_fields_of_the_account(text: str, where: str) -> None:
    found = translate(text, fields=FIELDS)
    assert isinstance(found, Translation)
    assert found.query.endswith(f"WHERE {where}")


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
def test_a_field_that_the_account_has_otherwise(text: str, reason: str) -> None:
    found = translate(text, fields=FIELDS)
    assert isinstance(found, tuple)
    assert [one.message for one in found] == [reason]


def test_parent_lists() -> None:
    found = translate("city = 'x'", [queries.LIST, queries.LIST, ""])
    assert isinstance(found, Translation)
    assert found.parent_list_ids == (queries.LIST,)
    refused = translate("city = 'x'", ["one", "two"])
    assert isinstance(refused, tuple)
    assert [one.code for one in refused] == ["several-parents"]
