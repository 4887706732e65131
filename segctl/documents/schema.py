"""A document held against a JSON Schema of `schemas/`, each violation in segctl's own words.

Owns the schemas at run time (one validator a schema and a process) and the translation of what
jsonschema reports. Editors read the same files.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from segctl.common.package_data import read_packaged
from segctl.common.suggest import closest_match, did_you_mean
from segctl.documents.document import UnquotedDate, quote_value
from segctl.documents.schema_messages import (
    PERCENTAGES,
    field_words,
    report_pattern,
    report_percentage,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema.protocols import Validator

    from segctl.documents.document import Document

_MOST_COMPARED = 40
SETTINGS_FILE = "segctl.yaml"

_TYPE_WORDS = {
    "string": "text",
    "array": "a list",
    "object": "a mapping",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "null": "empty",
}

_NO_KEY_HERE = "a key never stands in a file: set the variable that `api_key_env` names"
_NO_HOST_HERE = "a pull request can edit this file, so the host comes from SEGCTL_BASE_URL alone"
_NO_COMMAND_HERE = (
    "a pull request can edit this file, so the command comes from SEGCTL_API_KEY_COMMAND alone"
)
_NO_PATH_HERE = (
    "a pull request can edit this file, so the path comes from SENDGRID_API_KEY_FILE alone"
)

# What people try to write into segctl.yaml; "did you mean `api_key_env`?" would be bad advice.
_BELONGS_ELSEWHERE = {
    **dict.fromkeys(("apikey", "key", "token", "secret", "sendgridapikey"), _NO_KEY_HERE),
    **dict.fromkeys(("baseurl", "url", "host", "endpoint", "segctlbaseurl"), _NO_HOST_HERE),
    **dict.fromkeys(
        ("command", "apikeycommand", "keycommand", "segctlapikeycommand"), _NO_COMMAND_HERE
    ),
    **dict.fromkeys(("apikeyfile", "keyfile", "sendgridapikeyfile"), _NO_PATH_HERE),
}


@cache
def schema_text(name: str) -> str:
    """Give the text of `schemas/NAME.schema.json`, from the package or from the checkout."""
    return read_packaged("schemas", f"{name}.schema.json").decode("utf-8")


@cache
def validator(name: str) -> Validator:
    """Return the validator of a schema.

    Two keywords are not jsonschema's own. It compares items that cannot be sorted one with
    another, which takes seconds for a list of mappings; and it makes a validator for each value
    of a mapping, which takes a third of the time of reading a project.
    """
    parts: dict[int, Validator] = {}  # by the identity of their schemas, which live as long

    def properties(whole: Validator, wanted: Any, instance: Any, _: Any) -> Iterator[Any]:
        if not isinstance(instance, dict):
            return
        for key, schema in wanted.items():
            if key not in instance:
                continue
            part = parts.get(id(schema))
            if part is None:
                part = parts[id(schema)] = whole.evolve(schema=schema)
            for error in part.iter_errors(instance[key]):
                error.path.appendleft(key)
                error.schema_path.appendleft(key)
                yield error

    kind: type[Validator] = extend(  # type: ignore[no-untyped-call]
        Draft202012Validator, {"uniqueItems": _unique_texts, "properties": properties}
    )
    return kind(json.loads(schema_text(name)))


def _unique_texts(_: Any, wanted: bool, instance: Any, __: Any) -> Iterator[Any]:
    if not wanted or not isinstance(instance, list):
        return
    seen = set()
    for number, item in enumerate(instance):
        if isinstance(item, str) and item in seen:
            yield ValidationError("repeated", path=(number,))
        elif isinstance(item, str):
            seen.add(item)


def check_schema(document: Document, name: str) -> bool:
    """Add to the document's diagnostics whatever its schema forbids; say whether it fits."""
    before = len(document.diagnostics)
    errors = list(validator(name).iter_errors(document.value))
    misspelt = {found for error in errors for found in _misspelt(error)}
    for error in errors:
        if not misspelt.intersection(_missing(error)):
            _report(document, error)
    return len(document.diagnostics) == before


def _misspelt(error: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Give the keys, and where they belong, that an unknown one was perhaps meant to be."""
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        for key in error.instance:
            meant = key not in known and closest_match(key, known)
            if meant:
                yield tuple(error.absolute_path), meant


def _missing(error: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Give the keys that something lacks, each of which would do."""
    if not isinstance(error.instance, dict):
        return
    path = tuple(error.absolute_path)
    match error.validator:
        case "required":
            missing = [key for key in error.validator_value if key not in error.instance]
            if len(missing) == 1:
                yield path, missing[0]
        case "oneOf":
            keys = [option["required"][0] for option in error.validator_value]
            if not any(key in error.instance for key in keys):
                yield from ((path, key) for key in keys)


# jsonschema types an error's fields as "anything or not set yet"; iter_errors always sets them.


def _report(document: Document, error: Any) -> None:
    path = tuple(error.absolute_path)
    handler = _HANDLERS.get(str(error.validator), _other)
    handler(document, error, path)


def _additional(document: Document, error: Any, path: tuple[str | int, ...]) -> None:
    known = error.schema.get("properties", {})
    in_settings = document.file == SETTINGS_FILE
    for key in error.instance:
        if key in known:
            continue
        hint = in_settings and _BELONGS_ELSEWHERE.get(re.sub("[^a-z]", "", key.lower()))
        if key == "fixtures" and "query_dsl" in known:
            hint = "what tests share stands in fixtures.yaml, at the top of the folder of segments"
        document.report(
            "unknown-key",
            f"unknown key {quote_value(key)}",
            path=(*path, key),
            key=True,
            hint=hint or did_you_mean(key, known, f"the keys are {', '.join(known)}"),
        )


def _required(document: Document, error: Any, path: tuple[str | int, ...]) -> None:
    for key in error.validator_value:
        if key not in error.instance:
            document.report(
                "missing-key", f"the key `{key}` is missing", path=path, hint=f"add `{key}: …`"
            )


def _type(document: Document, error: Any, path: tuple[str | int, ...]) -> None:
    if path in PERCENTAGES:
        report_percentage(document, path, "wrong-type", f", and is {_kind(error.instance)}")
        return
    wanted = error.validator_value
    first = wanted if isinstance(wanted, str) else wanted[0]
    found = _kind(error.instance)
    if first == "object" and not path:
        example = "version: 1" if document.file == SETTINGS_FILE else "name: VIP"
        hint = f"write keys and values, such as `{example}`"
    else:
        hint = _TYPE_HINTS.get(found) or _TYPE_HINTS.get((found, first)) or _WANTED[first]
    document.report(
        "wrong-type",
        f"{field_words(path)} must be {_TYPE_WORDS[first]}, and is {found}",
        path=path,
        hint=hint,
    )


def _kind(value: Any) -> str:
    """Say what a value is, as the schema's own types are called in messages."""
    if value is None:
        return "empty"
    kinds: tuple[tuple[Any, str], ...] = (
        (bool, "true or false"),
        (int | float, "a number"),
        (UnquotedDate, "a date"),
        (list, "a list"),
        (dict, "a mapping"),
    )
    return next((words for kind, words in kinds if isinstance(value, kind)), "text")


# By what was found, or by that and what was wanted.
_TYPE_HINTS: dict[str | tuple[str, str], str] = {
    "empty": "give it a value, or remove it; text that starts with # needs quotes",
    ("true or false", "string"): "put it in quotes",
    ("a number", "string"): "put it in quotes",
    ("a date", "string"): "put it in quotes",
    ("a list", "string"): "text that starts with [ or `- ` needs quotes",
    ("a mapping", "string"): "text that starts with { or holds `: ` needs quotes",
    ("text", "array"): "write it as a list: [value]",
    ("text", "boolean"): "write true or false, without quotes",
    ("text", "integer"): "write a number, without quotes",
}


_WANTED = {
    "string": "write text",
    "array": "write a list: [value]",
    "object": "write keys and values on the lines below, indented",
    "boolean": "write true or false",
    "integer": "write a number without a fraction",
}


def _empty(document: Document, error: Any, path: tuple[str | int, ...]) -> None:
    if error.instance == "" and "pattern" in error.schema:
        # What an empty text means there, `report_pattern` says better.
        return
    hint = "give it a value, or remove it"
    document.report("empty-value", f"{field_words(path)} must not be empty", path=path, hint=hint)


def _too_long(document: Document, error: Any, path: tuple[str | int, ...]) -> None:
    length, most = len(error.instance), error.validator_value
    document.report(
        "too-long",
        f"{field_words(path)} has {length:,} characters; the most is {most}",
        path=path,
        hint="shorten it; `description` has room for the rest"
        if path == ("name",)
        else "no segment ever had a longer one",
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
    document.report(
        "repeated-item",
        f"{field_words(path)} stands in the list a second time",
        path=path,
        hint="remove it",
    )


def _bound(document: Document, error: Any, path: tuple[str | int, ...]) -> None:
    side, other = ("least", "larger") if error.validator == "minimum" else ("most", "smaller")
    document.report(
        "bad-value",
        f"{field_words(path)} must be at {side} {error.validator_value}",
        path=path,
        hint=f"write a {other} number, or remove it",
    )


def _enum(document: Document, error: Any, path: tuple[str | int, ...]) -> None:
    # A bare `off` is false to YAML; people are told of the word.
    words = [value for value in error.validator_value if isinstance(value, str)]
    allowed = ["true", *words] if True in error.validator_value else words
    document.report(
        "bad-value",
        f"{field_words(path)} must be {' or '.join(allowed)}",
        path=path,
        hint=did_you_mean(str(error.instance)[:_MOST_COMPARED], allowed, "write one of them"),
    )


def _const(document: Document, error: Any, path: tuple[str | int, ...]) -> None:
    wanted = error.validator_value
    hint = f"write {wanted}, without quotes"
    if isinstance(error.instance, int) and path == ("version",):
        hint = f"this segctl reads version {wanted}; a newer one perhaps reads yours"
    document.report("bad-value", f"{field_words(path)} must be {wanted}", path=path, hint=hint)


def _one_of(document: Document, error: Any, path: tuple[str | int, ...]) -> None:
    if not isinstance(error.instance, dict):
        # The schema finds a list to have both; that it is one is said already.
        return
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


def _not(document: Document, error: Any, _: tuple[str | int, ...]) -> None:
    if not isinstance(error.instance, dict):
        # As for the two queries.
        return
    for option in error.validator_value["anyOf"]:
        (key,) = option["required"]
        if key in error.instance:
            document.report(
                "removed-with-more",
                f"a file that says `removed` declares no `{key}`",
                path=(key,),
                key=True,
                hint="remove one of the two",
            )


def _other(document: Document, error: Any, path: tuple[str | int, ...]) -> None:
    document.report(
        "bad-value", f"{field_words(path)} is refused by the rule `{error.validator}`", path=path
    )


_HANDLERS: dict[str, Any] = {
    "additionalProperties": _additional,
    "required": _required,
    "type": _type,
    "minLength": _empty,
    "minProperties": _empty,
    "maxLength": _too_long,
    "maxItems": _max_items,
    "uniqueItems": _unique,
    "pattern": report_pattern,
    "enum": _enum,
    "const": _const,
    "oneOf": _one_of,
    **dict.fromkeys(("minimum", "maximum"), _bound),
    "not": _not,
}
