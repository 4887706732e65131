"""Whether a value fits a JSON Schema, yes or no, many times faster than jsonschema says why not.

Owns the keywords that the schemas of `schemas/` use, each compiled into a function once. Gives no
reasons: a file that does not fit is shown to jsonschema, which most runs never need to import.
With a keyword that it does not know, nothing fits a schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias

Fits: TypeAlias = Callable[[Any], bool]

_ANNOTATIONS = frozenset({"$schema", "title", "description", "default", "examples"})
_READ_BY_IF = frozenset({"then", "else"})


def fits(value: Any, schema: str) -> bool:
    """Say whether a value fits the schema of this JSON text."""
    return _of(schema)(value)


@cache
def _of(schema: str) -> Fits:
    try:
        return compiled(json.loads(schema))
    except ValueError:
        # Nothing is known to fit: jsonschema knows every keyword.
        return lambda _: False


def compiled(schema: Mapping[str, Any] | bool) -> Fits:
    """Make a function that says whether a value fits. Raises `ValueError` for unknown keywords.

    Repeated items count as such where they are text, as everywhere in segctl.
    """
    if isinstance(schema, bool):
        return lambda _: schema
    checks: list[Fits] = []
    for keyword, wanted in schema.items():
        if keyword in _KEYWORDS:
            checks.append(_KEYWORDS[keyword](wanted, schema))
        elif keyword not in _ANNOTATIONS | _READ_BY_IF:
            raise ValueError(f"no schema of segctl uses `{keyword}`")

    def fits(value: Any) -> bool:
        for check in checks:  # noqa: SIM110 - the innermost loop of all reading
            if not check(value):
                return False
        return True

    return checks[0] if len(checks) == 1 else fits


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


_TYPES: Mapping[str, Fits] = {
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "boolean": lambda value: isinstance(value, bool),
    "integer": _is_whole,
    "number": _is_number,
    "null": lambda value: value is None,
}


def _type(wanted: Any, _: Mapping[str, Any]) -> Fits:
    if isinstance(wanted, str):
        return _TYPES[wanted]
    kinds = [_TYPES[kind] for kind in wanted]
    return lambda value: any(kind(value) for kind in kinds)


def _properties(wanted: Any, schema: Mapping[str, Any]) -> Fits:
    checks = {key: compiled(each) for key, each in wanted.items()}
    other = compiled(schema.get("additionalProperties", True))

    def fits(value: Any) -> bool:
        if not isinstance(value, dict):
            return True
        for key, item in value.items():  # noqa: SIM110 - as above
            if not checks.get(key, other)(item):
                return False
        return True

    return fits


def _others(_: Any, schema: Mapping[str, Any]) -> Fits:
    return _properties({}, schema) if "properties" not in schema else lambda _: True


def _equal(wanted: Any, value: Any) -> bool:
    """Compare as JSON does, where 1 is not true."""
    return isinstance(wanted, bool) is isinstance(value, bool) and bool(wanted == value)


def _items(wanted: Any, _: Mapping[str, Any]) -> Fits:
    check = compiled(wanted)
    return lambda value: not isinstance(value, list) or all(map(check, value))


def _property_names(wanted: Any, _: Mapping[str, Any]) -> Fits:
    check = compiled(wanted)
    return lambda value: not isinstance(value, dict) or all(map(check, value))


def _unique(wanted: Any, _: Mapping[str, Any]) -> Fits:
    def fits(value: Any) -> bool:
        texts = [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
        return not wanted or len(set(texts)) == len(texts)

    return fits


def _pattern(wanted: Any, _: Mapping[str, Any]) -> Fits:
    search = re.compile(wanted).search
    return lambda value: not isinstance(value, str) or search(value) is not None


def _if(wanted: Any, schema: Mapping[str, Any]) -> Fits:
    condition = compiled(wanted)
    then, other = compiled(schema.get("then", True)), compiled(schema.get("else", True))
    return lambda value: then(value) if condition(value) else other(value)


def _not(wanted: Any, _: Mapping[str, Any]) -> Fits:
    check = compiled(wanted)
    return lambda value: not check(value)


def _counted(wanted: Any, least: int, most: int | None) -> Fits:
    checks = [compiled(each) for each in wanted]

    def fits(value: Any) -> bool:
        hits = sum(check(value) for check in checks)
        return hits >= least and (most is None or hits <= most)

    return fits


_KEYWORDS: Mapping[str, Callable[[Any, Mapping[str, Any]], Fits]] = {
    "type": _type,
    "properties": _properties,
    "additionalProperties": _others,
    "items": _items,
    "propertyNames": _property_names,
    "uniqueItems": _unique,
    "pattern": _pattern,
    "if": _if,
    "not": _not,
    "anyOf": lambda wanted, _: _counted(wanted, 1, None),
    "oneOf": lambda wanted, _: _counted(wanted, 1, 1),
    "required": lambda wanted, _: (
        lambda value: not isinstance(value, dict) or all(key in value for key in wanted)
    ),
    "enum": lambda wanted, _: lambda value: any(_equal(each, value) for each in wanted),
    "const": lambda wanted, _: lambda value: _equal(wanted, value),
    "minLength": lambda wanted, _: lambda value: not isinstance(value, str) or len(value) >= wanted,
    "maxLength": lambda wanted, _: lambda value: not isinstance(value, str) or len(value) <= wanted,
    "maxItems": lambda wanted, _: lambda value: not isinstance(value, list) or len(value) <= wanted,
    "minProperties": lambda wanted, _: (
        lambda value: not isinstance(value, dict) or len(value) >= wanted
    ),
    "maximum": lambda wanted, _: lambda value: not _is_number(value) or value <= wanted,
    "minimum": lambda wanted, _: lambda value: not _is_number(value) or value >= wanted,
}
