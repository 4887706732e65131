"""The quick yes agrees with jsonschema, whatever the value."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from segctl.documents import schema
from segctl.documents.document import UnquotedDate
from segctl.documents.fast_schema import Fits, compiled

NAMES = ["segment", "segctl", "fields"]


@cache
def both(name: str) -> tuple[Fits, Any]:
    return compiled(json.loads(schema.schema_text(name))), schema.validator(name)


def words(found: Any) -> set[str]:
    """Every key and every text that stands anywhere in a schema: what is close to fitting."""
    if isinstance(found, dict):
        return set(found).union(*map(words, found.values()))
    if isinstance(found, list):
        return set[str]().union(*map(words, found))
    return {found} if isinstance(found, str) else set()


KNOWN = sorted(set().union(*(words(json.loads(schema.schema_text(name))) for name in NAMES)))
TEXTS = st.sampled_from([*KNOWN, "VIP", "a.sql", "", " ", "x\n", "0" * 101]) | st.text(max_size=5)
SCALARS = (
    TEXTS
    | st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from([0.0, 1.0, 1.5, float("inf"), 2**70])
    | st.just("0b1f4a10-5c1d-4a6e-9f02-000000000001")
    | st.builds(UnquotedDate, st.just("2026-07-15"))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


FITTING: dict[str, list[Any]] = {
    "boolean": [True],
    "array": [[], ["VIP"]],
    "integer": [1],
    "string": ["VIP"],
}


def nearly(found: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Mappings of a schema's own keys, of which some values fit."""
    parts = {}
    for key, each in found.get("properties", {}).items():
        fitting: list[Any] = [*each.get("examples", ()), *each.get("enum", ())]
        kind = each.get("type")
        inner = nearly(each) if kind == "object" else VALUES
        fitting += FITTING.get(str(kind), [])
        parts[key] = (st.sampled_from(fitting) | inner) if fitting else inner
    return st.fixed_dictionaries({}, optional=parts)


@pytest.mark.parametrize("name", NAMES)
@given(st.data())
def test_yes_means_that_jsonschema_finds_nothing(name: str, data: st.DataObject) -> None:
    whole = json.loads(schema.schema_text(name))
    value: Any = data.draw(nearly(whole) | VALUES)
    fits, validator = both(name)
    assert fits(value) is validator.is_valid(value)


KEYWORDS: list[tuple[dict[str, Any], list[Any]]] = [
    ({"type": ["string", "null"]}, ["", None, 1, True]),
    ({"type": "integer"}, [1, 1.0, 1.5, True, "1", float("nan")]),
    ({"type": "number", "minimum": 0}, [0, -0.5, True, "x"]),
    ({"maximum": 0}, [0, 0.5, True, "x"]),
    ({"enum": [True, "a", 0]}, [True, 1, 1.0, "a", 0, False, []]),
    ({"const": 1}, [1, 1.0, True]),
    ({"properties": {"a": {"type": "string"}}}, [{}, {"a": ""}, {"a": 1}, {"b": 1}, []]),
    ({"additionalProperties": {"type": "string"}}, [{}, {"a": ""}, {"a": 1}, 5]),
    (
        {"properties": {"a": True, "b": False}, "additionalProperties": False},
        [{}, {"a": 1}, {"b": 1}, {"c": 1}],
    ),
    ({"propertyNames": {"maxLength": 1}}, [{}, {"a": 1}, {"ab": 1}, 5]),
    ({"minProperties": 1}, [{}, {"a": 1}, []]),
    ({"required": ["a"]}, [{}, {"a": 1}, []]),
    ({"if": {"type": "string"}, "then": {"minLength": 2}}, ["a", "ab", 1]),
    ({"if": {"type": "string"}, "else": {"type": "null"}}, ["a", None, 1]),
    ({"oneOf": [{"type": "integer"}, {"minimum": 5}]}, [1, 5, 5.5, 0.5, "x"]),
    ({"anyOf": [{"type": "integer"}, {"minimum": 5}]}, [1, 5, 5.5, 0.5]),
    ({"not": {"anyOf": [{"type": "string"}]}}, ["a", 1]),
    ({"items": {"type": "string"}, "maxItems": 1}, [[], ["a"], [1], ["a", "b"], "ab"]),
    ({"pattern": "b$", "minLength": 2, "maxLength": 3}, ["b", "ab", "aaab", "ba", 5]),
]


@pytest.mark.parametrize(("one", "values"), KEYWORDS, ids=[str(one) for one, _ in KEYWORDS])
def test_each_keyword(one: dict[str, Any], values: list[Any]) -> None:
    verdicts = [compiled(one)(value) for value in values]
    assert verdicts == [Draft202012Validator(one).is_valid(value) for value in values]
    assert True in verdicts
    assert False in verdicts


def test_repeated_texts_are_repeated_items() -> None:
    fits = compiled({"uniqueItems": True})
    values: list[Any] = [["a", "b"], ["a", "a"], [[], []], "aa"]
    assert [fits(value) for value in values] == [True, False, True, True]
    assert compiled({"uniqueItems": False})(["a", "a"])


def test_a_keyword_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="`contains`"):
        compiled({"items": {"contains": 1}})
