"""sqlglot, a general SQL parser, finds the same columns and values as segctl's parser.

They share no code, so a mistake in one of them shows here.
"""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import expressions as exp
from sqlglot.dialects.databricks import Databricks
from sqlglot.errors import SqlglotError

from segctl.query.ast import Column, Interval, String
from segctl.query.parser.parse import parse
from segctl.query.visit import walk

from .corpus import ACCEPTED


class SendGrid(Databricks):
    """Databricks with the quotes of SendGrid's language."""

    class Tokenizer(Databricks.Tokenizer):
        """Single quotes for strings, double quotes for names."""

        QUOTES = ["'"]  # noqa: RUF012 - the parent declares it this way
        IDENTIFIERS = ['"']  # noqa: RUF012
        STRING_ESCAPES = ["'", "\\"]  # noqa: RUF012


def parse_with_sqlglot(text: str) -> exp.Expr | None:
    try:
        return sqlglot.parse_one(text, dialect=SendGrid)
    except SqlglotError:
        return None


def strings(text: str) -> list[str]:
    query = parse(text).query
    assert query is not None
    nodes = list(walk(query))
    # sqlglot splits the string of an interval, and joins a path into one string.
    compound = [node for node in nodes if isinstance(node, Interval | Column)]
    inside = {id(child) for node in compound for child in walk(node)}
    return [node.value for node in nodes if isinstance(node, String) and id(node) not in inside]


PARSED_BY_BOTH = [text for text in ACCEPTED if parse_with_sqlglot(text) is not None]


def test_most_of_the_corpus_has_a_second_opinion() -> None:
    assert len(PARSED_BY_BOTH) > 0.8 * len(ACCEPTED)


@pytest.mark.parametrize("text", PARSED_BY_BOTH)
def test_both_find_the_same_values_and_columns(text: str) -> None:
    other = parse_with_sqlglot(text)
    assert other is not None
    query = parse(text).query
    assert query is not None
    columns = {node.name.text.lower() for node in walk(query) if isinstance(node, Column)}
    other_columns = {column.name.lower() for column in other.find_all(exp.Column)}
    # sqlglot reads a unit such as `day` as a column.
    assert columns <= other_columns
    values = [node.this for node in other.find_all(exp.Literal) if node.is_string]
    assert set(strings(text)) <= set(values)
