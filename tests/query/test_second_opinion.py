"""sqlglot, a parser of SQL at large, reads the same columns and values as segctl does.

It shares no code with segctl's own parser, so a word that one of the two misreads shows here.
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
    """Databricks with the quotes that SendGrid's language has."""

    class Tokenizer(Databricks.Tokenizer):
        """Single quotes for strings, double ones for names."""

        QUOTES = ["'"]  # noqa: RUF012 - the parent's own form
        IDENTIFIERS = ['"']  # noqa: RUF012
        STRING_ESCAPES = ["'", "\\"]  # noqa: RUF012


def opinion(text: str) -> exp.Expr | None:
    try:
        return sqlglot.parse_one(text, dialect=SendGrid)
    except SqlglotError:
        return None


def strings(text: str) -> list[str]:
    query = parse(text).query
    assert query is not None
    nodes = list(walk(query))
    # sqlglot takes an interval's text apart, and makes one text of a path.
    apart = [node for node in nodes if isinstance(node, Interval | Column)]
    inside = {id(child) for node in apart for child in walk(node)}
    return [node.value for node in nodes if isinstance(node, String) and id(node) not in inside]


READ_BY_BOTH = [text for text in ACCEPTED if opinion(text) is not None]


def test_most_of_the_corpus_has_a_second_opinion() -> None:
    assert len(READ_BY_BOTH) > 0.8 * len(ACCEPTED)


@pytest.mark.parametrize("text", READ_BY_BOTH)
def test_both_read_the_same_values_and_columns(text: str) -> None:
    theirs = opinion(text)
    assert theirs is not None
    query = parse(text).query
    assert query is not None
    ours = {node.name.text.lower() for node in walk(query) if isinstance(node, Column)}
    named = {column.name.lower() for column in theirs.find_all(exp.Column)}
    # sqlglot takes a unit such as `day` for a column; we know it for a unit.
    assert ours <= named
    values = [node.this for node in theirs.find_all(exp.Literal) if node.is_string]
    assert set(strings(text)) <= set(values)
