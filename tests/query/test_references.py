"""References in queries: found as tokens, and replaced by a string that is nothing else."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segctl.query import ast
from segctl.query.parser.parse import parse
from segctl.query.references import (
    Reference,
    ReferenceKind,
    ReferenceProblem,
    find_references,
    replace_references,
)
from segctl.query.visit import walk
from tests.support.builders import query

if TYPE_CHECKING:
    from collections.abc import Iterable

ID = "0b1f4a10-5c1d-4a6e-9f02-000000000001"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NOISE = st.sampled_from(
    ["country = 'CZ'", "plan = '@list(''x'')'", "/* @list('x') */ email IS NULL", "NOT line = '@'"]
)


def literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def shape(node: object) -> object:
    """Return a tree without its places, and with one name for all strings of a replaced text."""
    if isinstance(node, ast.Node):
        values = ((field.name, getattr(node, field.name)) for field in dataclasses.fields(node))
        kept = [(name, shape(value)) for name, value in values if name not in {"start", "end"}]
        return type(node).__name__, kept
    if isinstance(node, tuple):
        return [shape(item) for item in node]
    return node


def tree(text: str) -> Any:
    parsed = parse(text).query
    assert parsed is not None, text
    return shape(dataclasses.replace(parsed, comments=(), parens=()))


def found(text: str) -> list[Reference]:
    references = [*find_references(text)]
    assert all(isinstance(reference, Reference) for reference in references)
    return [reference for reference in references if isinstance(reference, Reference)]


@given(st.lists(st.tuples(st.sampled_from(ReferenceKind), TEXTS), max_size=4), NOISE, NOISE)
def test_the_tree_is_that_of_the_ids(
    names: list[tuple[ReferenceKind, str]], before: str, after: str
) -> None:
    def written(items: Iterable[str]) -> str:
        conditions = [f"array_contains(list_ids, [{item}])" for item in items]
        return query(f"{before} AND ".join(["", *(f"{item} AND " for item in conditions), after]))

    text = written(f"@{kind}({literal(name)})" for kind, name in names)
    references = found(text)
    assert [(reference.kind, reference.name) for reference in references] == names
    ids = [f"id-{number}" for number in range(len(names))]
    resolved, replacements = replace_references(text, zip(references, ids, strict=True))
    assert tree(resolved) == tree(written(map(literal, ids)))
    for reference, id_, place in zip(references, ids, replacements, strict=True):
        assert resolved[place.start : place.end] == literal(id_)
        assert (place.source_start, place.source_end) == (reference.start, reference.end)
        assert text[reference.start : reference.end].startswith(f"@{reference.kind}(")


@pytest.mark.parametrize(
    "condition",
    [
        "plan = @list",
        "plan = @list('a'",
        "plan = @list(a)",
        'plan = @list("a")',
        "plan = @list()",
        "plan = @list('a', 'b')",
        "plan = @single_send(5)",
    ],
)
def test_what_is_no_reference_is_a_problem_at_its_place(condition: str) -> None:
    text = query(condition)
    (problem,) = find_references(text)
    assert isinstance(problem, ReferenceProblem)
    assert text[problem.start : problem.end].startswith("@")


@pytest.mark.parametrize("word", ["@lists", "@LISTE", "@x"])
def test_an_unknown_reference_is_left_to_the_parser(word: str) -> None:
    text = query(f"plan = {word}('a')")
    assert [*find_references(text)] == []
    (problem,) = parse(text).problems
    assert problem.message == f"unknown reference `{word}`"
    assert text[problem.start : problem.end] == word


def test_a_reference_that_nobody_replaced_is_an_error_of_the_query() -> None:
    text = query("array_contains(list_ids, [@list('Newsletter')])")
    (problem,) = parse(text).problems
    assert problem.code == "reference"
    assert text[problem.start : problem.end] == "@list"
    assert parse(text, references=True).query is not None


def test_spaces_and_case_do_not_matter() -> None:
    text = query("array_contains(list_ids, [@LIST ( 'Newsletter' )])")
    (reference,) = found(text)
    assert reference.name == "Newsletter"
    resolved, _ = replace_references(text, [(reference, ID)])
    parsed = parse(resolved).query
    assert parsed is not None
    assert [node.value for node in walk(parsed) if isinstance(node, ast.String)] == [ID]
