from __future__ import annotations

import random
from typing import TYPE_CHECKING

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from segctl.query.diff import clause_changes
from segctl.query.equivalence import Equivalence, compare_queries, normal_form
from segctl.query.parser.parse import parse
from segctl.query.visit import walk

from .strategies import literals, queries, spell

if TYPE_CHECKING:
    from random import Random

    from .strategies import Meaning

seeds = st.integers(0, 2**32).map(random.Random)


@settings(max_examples=120, deadline=None)
@given(queries, seeds)
def test_the_normal_form_is_its_own_normal_form(meaning: Meaning, seed: Random) -> None:
    text = spell(meaning, seed)
    query = parse(text).query
    assert query, parse(text).problems
    form = normal_form(query)
    again = parse(form).query
    assert again
    assert normal_form(again) == form


@settings(max_examples=120, deadline=None)
@given(queries, seeds, seeds)
def test_two_spellings_of_a_query_are_equal(
    meaning: Meaning, old_seed: Random, new_seed: Random
) -> None:
    before, after = spell(meaning, old_seed), spell(meaning, new_seed)
    assert compare_queries(before, after) is not Equivalence.DIFFERENT
    assert clause_changes(before, after) == ()


@settings(max_examples=120, deadline=None)
@given(queries, literals, literals, seeds, seeds)
def test_different_literals_make_different_queries(
    meaning: Meaning, old: str, new: str, old_seed: Random, new_seed: Random
) -> None:
    assume(old != new)
    _, joined, where = meaning
    texts: list[str] = []
    for literal, seed in ((old, old_seed), (new, new_seed)):
        atom = ("compare", ("column", "city"), "=", ("literal", literal))
        operands = [atom] if where is None else [atom, where]
        condition = ("AND", operands) if len(operands) > 1 else atom
        texts.append(spell(("query", joined, condition), seed))
    assert compare_queries(*texts) is Equivalence.DIFFERENT
    assert clause_changes(*texts)


@settings(max_examples=60, deadline=None)
@given(queries, seeds)
def test_every_node_is_inside_its_query(meaning: Meaning, seed: Random) -> None:
    text = spell(meaning, seed)
    query = parse(text).query
    assert query
    for paren in query.parens:
        assert text[paren.start] == "("
        assert text[paren.end - 1] == ")"
        assert paren.start < paren.inner_start < paren.inner_end < paren.end
    for node in walk(query.where) if query.where else ():
        assert query.start <= node.start < node.end <= query.end
    for comment in query.comments:
        assert text[comment.start : comment.end] == comment.text
