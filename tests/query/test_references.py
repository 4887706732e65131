"""References in queries: found as tokens, and replaced by a string that is nothing else."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segctl.model.values import ReferenceKind
from segctl.query import ast
from segctl.query.parser.parse import parse
from segctl.query.references import (
    Reference,
    ReferenceProblem,
    find_references,
    literal,
    replace_references,
    with_names,
)
from segctl.query.visit import walk
from tests.support.builders import query

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.model.values import Value

ID = "0b1f4a10-5c1d-4a6e-9f02-000000000001"
ACCOUNT = (ReferenceKind.LIST, ReferenceKind.SINGLE_SEND)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NOISE = st.sampled_from(
    ["country = 'CZ'", "plan = '@list(''x'')'", "/* @list('x') */ email IS NULL", "NOT line = '@'"]
)


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


@given(st.lists(st.tuples(st.sampled_from(ACCOUNT), TEXTS), max_size=4), NOISE, NOISE)
def test_the_tree_is_that_of_the_ids(
    names: list[tuple[ReferenceKind, str]], before: str, after: str
) -> None:
    def written(items: Iterable[str]) -> str:
        conditions = [f"array_contains(list_ids, [{item}])" for item in items]
        return query(f"{before} AND ".join(["", *(f"{item} AND " for item in conditions), after]))

    text = written(f"@{kind.value}({literal(name)})" for kind, name in names)
    references = found(text)
    assert [(reference.kind, reference.name) for reference in references] == names
    ids = [f"id-{number}" for number in range(len(names))]
    resolved, replacements = replace_references(
        text, zip(references, map(literal, ids), strict=True)
    )
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
def test_a_name_that_stands_for_nothing_is_an_error_of_the_query(word: str) -> None:
    text = query(f"plan = {word}('a')")
    assert [reference.name for reference in found(text)] == [word[1:]]
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
    resolved, _ = replace_references(text, [(reference, literal(ID))])
    parsed = parse(resolved).query
    assert parsed is not None
    assert [node.value for node in walk(parsed) if isinstance(node, ast.String)] == [ID]


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.one_of(
    TEXTS, NUMBERS, st.booleans(), st.lists(TEXTS | NUMBERS, min_size=1, max_size=4).map(tuple)
)


@settings(max_examples=1_000)
@given(VALUES, st.sampled_from(["plan = {}", "plan IN {}", "a - {} = 1", "f({}, -{})", "NOT {}"]))
def test_a_value_is_one_operand_whatever_it_contains(value: Value, condition: str) -> None:
    """The tree is that of the query with the name, with the value's literal in its place."""
    if "IN {}" in condition and not isinstance(value, tuple):
        return
    text = query(condition.replace("{}", "@x") + " AND country = 'CZ'")
    references = found(text)
    operands = [(item, literal(value, after_in=item.after_in)) for item in references]
    resolved, _ = replace_references(text, operands)
    parsed = parse(resolved).query
    assert parsed is not None, resolved
    assert parsed.comments == ()
    template = parse(text.replace("IN @x", "IN (@x)"), references=True).query
    alone = parse(query(f"plan IN {literal(value, after_in=True)}")).query
    assert template is not None
    expected = shape(dataclasses.replace(template, parens=()))
    assert shape(dataclasses.replace(parsed, parens=())) == with_value(expected, value, alone)


def with_value(tree: Any, value: Value, alone: ast.Query | None) -> Any:
    """Return a shape with that of a literal in place of each column `@x`."""
    if tree == X:
        operand = parse(query(f"plan = {literal(value)}")).query
        assert operand is not None
        assert isinstance(operand.where, ast.Comparison)
        return shape(operand.where.right)
    if isinstance(tree, list) and tree == [X] and isinstance(value, tuple):
        assert alone is not None
        assert isinstance(alone.where, ast.In)
        return shape(alone.where.items)
    if isinstance(tree, list | tuple):
        return type(tree)(with_value(item, value, alone) for item in tree)
    return tree


X = shape(
    ast.Column(start=0, end=0, qualifier=None, name=ast.Name(start=0, end=0, text="@x"), path=())
)


@settings(max_examples=200)
@given(name=TEXTS, other=TEXTS, noise=NOISE)
def test_names_in_place_of_ids_lead_back_to_the_same_query(
    name: str, other: str, noise: str
) -> None:
    send = "2f1d5a60-1c7e-11f1-8a2b-000000000001"
    text = query(f"array_contains(list_ids, ['{ID}', 'x']) AND {noise} AND city = '{send}'")
    names = {ReferenceKind.LIST: {ID: name}, ReferenceKind.SINGLE_SEND: {send: other}}
    named = with_names(text, names)

    references = [item for item in find_references(named) if isinstance(item, Reference)]
    kinds = zip(ACCOUNT, (name, other), strict=True)
    assert [(item.kind, item.name) for item in references] == [*kinds]
    ids = zip(references, map(literal, (ID, send)), strict=True)
    assert replace_references(named, ids)[0] == text
    assert parse(named, references=True).query is not None


@pytest.mark.parametrize(
    ("condition", "named"),
    [
        (f"array_contains(list_ids, ['{ID.upper()}'])", "array_contains(list_ids, [@list('A')])"),
        (f"city = '{ID.upper()}'", f"city = '{ID.upper()}'"),
        (f"city LIKE '%{ID}%'", f"city LIKE '%{ID}%'"),
        (f"city = '{ID}' AND plan = @plan", f"city = '{ID}' AND plan = @plan"),
        (f"city = '{ID}' AND (", f"city = '{ID}' AND ("),
    ],
)
def test_only_whole_ids_of_a_readable_query_get_names(condition: str, named: str) -> None:
    assert with_names(query(condition), {ReferenceKind.LIST: {ID: "A"}}) == query(named)
