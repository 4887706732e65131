"""A document held against a JSON Schema of `schemas/`, each violation in segctl's own words.

Owns the schemas at run time (one compiled validator a schema and a process: compiling costs more
than a thousand checks) and the translation of jsonschema's findings. Editors read the same files.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segctl.declarations.document import UnquotedDate
from segctl.suggest import did_you_mean

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

    from segctl.declarations.document import Document

_TYPE_WORDS = {
    "string": "text",
    "array": "a list",
    "object": "a mapping",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "null": "empty",
}


@cache
def schema_text(name: str) -> str:
    """Give the text of `schemas/NAME.schema.json`, from the package or from the checkout."""
    packaged = resources.files("segctl").joinpath("schemas", f"{name}.schema.json")
    if packaged.is_file():
        return packaged.read_text("utf-8")
    checkout = Path(__file__).parents[2] / "schemas" / f"{name}.schema.json"
    return checkout.read_text("utf-8")


@cache
def _validator(name: str) -> Validator:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - 100 ms, only where files are read

    return Draft202012Validator(json.loads(schema_text(name)))


def check(document: Document, name: str) -> bool:
    """Add to the document's diagnostics whatever its schema forbids; say whether it fits."""
    before = len(document.diagnostics)
    for error in sorted(_validator(name).iter_errors(document.value), key=_position):
        _report(document, error)
    return len(document.diagnostics) == before


# jsonschema types an error's fields as "anything or not set yet"; iter_errors always sets them.


def _position(error: Any) -> list[str]:
    return [f"{step:09}" if isinstance(step, int) else str(step) for step in error.absolute_path]


def _report(document: Document, error: Any) -> None:
    path = tuple(error.absolute_path)
    handler = _HANDLERS.get(str(error.validator), _other)
    handler(document, error, path)


def _field(path: tuple[str | int, ...]) -> str:
    """Name a value as people would: `parent_list_ids`, `targets.eu`, `tags, item 2`."""
    if not path:
        return "the file"
    words = ".".join(str(step) for step in path if isinstance(step, str))
    numbers = [step for step in path if isinstance(step, int)]
    return f"`{words}`" + (f", item {numbers[-1] + 1}," if numbers else "")


def _additional(document: Document, error: Any, path: tuple[str | int, ...]) -> None:
    known = error.schema.get("properties", {})
    elsewhere = error.schema.get("x-elsewhere", {})
    for key in error.instance:
        if key in known:
            continue
        hint = elsewhere.get(key) or did_you_mean(key, known, f"the keys are {', '.join(known)}")
        document.report(
            "unknown-key", f"unknown key `{key}`", path=(*path, key), key=True, hint=hint
        )


def _required(document: Document, error: Any, path: tuple[str | int, ...]) -> None:
    for key in error.validator_value:
        if key not in error.instance:
            document.report("missing-key", f"the key `{key}` is missing", path=path)


def _type(document: Document, error: Any, path: tuple[str | int, ...]) -> None:
    wanted = error.validator_value
    first = wanted if isinstance(wanted, str) else wanted[0]
    value = error.instance
    hint = ""
    if value is None:
        found = "empty"
    elif isinstance(value, bool):
        found = "true or false"
    elif isinstance(value, int | float):
        found = "a number"
    elif isinstance(value, UnquotedDate):
        found = "a date"
    elif isinstance(value, list):
        found = "a list"
    elif isinstance(value, dict):
        found = "a mapping"
    else:
        found = "text"
    if first == "string" and found in {"true or false", "a number", "a date"}:
        hint = "put it in quotes"
    elif first == "array" and found == "text":
        hint = "write it as a list: [value]"
    document.report(
        "wrong-type",
        f"{_field(path)} must be {_TYPE_WORDS[first]}, and is {found}",
        path=path,
        hint=hint,
    )


def _empty(document: Document, _: Any, path: tuple[str | int, ...]) -> None:
    document.report("empty-value", f"{_field(path)} must not be empty", path=path)


def _too_long(document: Document, error: Any, path: tuple[str | int, ...]) -> None:
    length, most = len(error.instance), error.validator_value
    document.report(
        "too-long", f"{_field(path)} has {length} characters; the most is {most}", path=path
    )


def _max_items(document: Document, error: Any, path: tuple[str | int, ...]) -> None:
    if path and path[-1] == "parent_list_ids":
        document.report(
            "too-many-parent-lists",
            f"SendGrid accepts one parent list today, and there are {len(error.instance)}",
            path=path,
            hint="keep one here and name the others in the query: "
            "array_contains(list_ids, ['…', '…'])",
        )
    else:
        _other(document, error, path)


def _unique(document: Document, _: Any, path: tuple[str | int, ...]) -> None:
    document.report("repeated-item", f"{_field(path)} holds the same item twice", path=path)


def _pattern(document: Document, error: Any, path: tuple[str | int, ...]) -> None:
    match path:
        case ("parent_list_ids", _):
            document.report(
                "bad-uuid",
                "a parent list is named by its id, a UUID such as "
                "0f3ba1c2-5d6e-4f70-8a9b-1c2d3e4f5a6b",
                path=path,
                hint="the list's page in SendGrid has its id in the address",
            )
        case ("query_dsl",):
            document.report("empty-query", "the query is empty", path=path)
        case ("query_file",):
            document.report("bad-query-file", "`query_file` must name a .sql file", path=path)
        case ("targets", _, "api_key_env"):
            document.report(
                "bad-variable",
                "`api_key_env` is the name of an environment variable: capital letters, "
                "digits and underscores",
                path=path,
                hint="the key itself never stands in a file",
            )
        case ("targets",):
            document.report(
                "bad-target-name",
                f"a target's name has letters, digits, - and _; this one is `{error.instance}`",
                path=(*path, error.instance),
                key=True,
            )
        case _:
            document.report("bad-value", f"{_field(path)} has a value of the wrong form", path=path)


def _enum(document: Document, error: Any, path: tuple[str | int, ...]) -> None:
    allowed = [str(value) for value in error.validator_value]
    document.report(
        "bad-value",
        f"{_field(path)} must be {' or '.join(allowed)}",
        path=path,
        hint=did_you_mean(str(error.instance), allowed),
    )


def _const(document: Document, error: Any, path: tuple[str | int, ...]) -> None:
    document.report("bad-value", f"{_field(path)} must be {error.validator_value}", path=path)


def _one_of(document: Document, error: Any, path: tuple[str | int, ...]) -> None:
    keys: list[str] = [option["required"][0] for option in error.validator_value]
    given = [key for key in keys if key in error.instance]
    names = " or ".join(f"`{key}`" for key in keys)
    if given:
        document.report(
            "two-queries",
            f"a segment has {names}, not both",
            path=(given[1],),
            key=True,
            hint=f"remove one of the two (the other is on line "
            f"{document.span((given[0],), key=True).line})",
        )
    else:
        document.report(
            "missing-key",
            "there is no query",
            path=path,
            hint=f"add {names}",
        )


def _property_names(document: Document, error: Any, path: tuple[str | int, ...]) -> None:
    for nested in error.context or ():
        _report(document, nested)
    if not error.context:
        _other(document, error, path)


def _other(document: Document, error: Any, path: tuple[str | int, ...]) -> None:
    document.report("bad-value", f"{_field(path)}: {error.message[:200]}", path=path)


_HANDLERS: dict[str, Any] = {
    "additionalProperties": _additional,
    "required": _required,
    "type": _type,
    "minLength": _empty,
    "minProperties": _empty,
    "maxLength": _too_long,
    "maxItems": _max_items,
    "uniqueItems": _unique,
    "pattern": _pattern,
    "enum": _enum,
    "const": _const,
    "oneOf": _one_of,
    "propertyNames": _property_names,
}
