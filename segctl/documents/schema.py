"""Validation of documents against the JSON Schemas in `schemas/`, in segctl's own words.

Owns the schemas at run time (one validator per schema and process) and the translation of what
jsonschema reports. Editors use the same files.
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
    field_words,
    is_percentage,
    report_pattern,
    report_percentage,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema.protocols import Validator

    from segctl.documents.document import Document, Path

_MAX_SUGGESTED = 40
"""The number of characters of a value that are compared with the allowed ones."""

SETTINGS_FILE = "segctl.yaml"

_TYPE_WORDS = {
    "string": "a string",
    "array": "a list",
    "object": "a mapping",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
}

_NO_KEY_HERE = "never write a key in a file: set the variable that `api_key_env` names"
_ANYONE_CAN_EDIT = "a pull request could edit it here"
_NO_HOST_HERE = f"set SEGCTL_BASE_URL instead: {_ANYONE_CAN_EDIT}"
_NO_COMMAND_HERE = f"set SEGCTL_API_KEY_COMMAND instead: {_ANYONE_CAN_EDIT}"
_NO_PATH_HERE = f"set SENDGRID_API_KEY_FILE instead: {_ANYONE_CAN_EDIT}"

# What people try to write in segctl.yaml; "did you mean `api_key_env`?" would be bad advice.
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
    """Return the text of `schemas/NAME.schema.json`, from the package or from the checkout."""
    return read_packaged("schemas", f"{name}.schema.json").decode("utf-8")


@cache
def validator(name: str) -> Validator:
    """Return the validator of a schema.

    Two keywords replace jsonschema's own. jsonschema compares items that cannot be sorted each with
    each, which takes seconds for a list of mappings; and it creates a validator for each value of
    a mapping, which takes a third of the time of reading a project.
    """
    parts: dict[int, Validator] = {}  # by the identity of their schemas, which live as long

    def properties(whole: Validator, schemas: Any, instance: Any, _: Any) -> Iterator[Any]:
        if not isinstance(instance, dict):
            return
        for key, schema in schemas.items():
            if key not in instance:
                continue
            part = parts.get(id(schema))
            if part is None:
                part = parts[id(schema)] = whole.evolve(schema=schema)
            for error in part.iter_errors(instance[key]):
                error.path.appendleft(key)
                error.schema_path.appendleft(key)
                yield error

    validator_class: type[Validator] = extend(  # type: ignore[no-untyped-call]
        Draft202012Validator, {"uniqueItems": _unique_texts, "properties": properties}
    )
    return validator_class(json.loads(schema_text(name)))


def _unique_texts(_: Any, is_required: bool, instance: Any, __: Any) -> Iterator[Any]:
    if not is_required or not isinstance(instance, list):
        return
    seen = set()
    for number, item in enumerate(instance):
        if isinstance(item, str) and item in seen:
            yield ValidationError("duplicate", path=(number,))
        elif isinstance(item, str):
            seen.add(item)


def check_schema(document: Document, name: str) -> bool:
    """Report everything in a document that its schema forbids; return whether it is valid."""
    errors = list(validator(name).iter_errors(document.value))
    # What YAML reads as another number is reported, and its type follows from that.
    numbers = {found.span for found in document.diagnostics if found.code == "yaml-number"}
    misspelt = {place for error in errors for place in _probably_meant(error)}
    for error in errors:
        is_reported = numbers and document.span(tuple(error.absolute_path)) in numbers
        if not is_reported and not misspelt.intersection(_missing(error)):
            _report(document, error)
    return not errors


def _probably_meant(error: Any) -> Iterator[tuple[Path, str]]:
    """Yield the keys, with the path of their mapping, that unknown keys are misspellings of."""
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        for key in error.instance:
            suggestion = key not in known and closest_match(key, known)
            if suggestion:
                yield tuple(error.absolute_path), suggestion


def _missing(error: Any) -> Iterator[tuple[Path, str]]:
    """Yield the keys of which a mapping lacks one, with the path of the mapping."""
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
    handler = _HANDLERS.get(str(error.validator), _report_other)
    handler(document, error, path)


def _report_unknown_keys(document: Document, error: Any, path: Path) -> None:
    known = error.schema.get("properties", {})
    in_settings = document.file == SETTINGS_FILE
    for key in error.instance:
        if key in known:
            continue
        hint = in_settings and _BELONGS_ELSEWHERE.get(re.sub("[^a-z]", "", key.lower()))
        if key == "fixtures" and "query_dsl" in known:
            hint = "put what tests share in fixtures.yaml, at the top of the segments folder"
        document.report(
            "unknown-key",
            f"unknown key {quote_value(key)}",
            path=(*path, key),
            key=True,
            hint=hint or did_you_mean(key, known, f"the keys are {', '.join(known)}"),
        )


def _report_missing_keys(document: Document, error: Any, path: Path) -> None:
    for key in error.validator_value:
        if key not in error.instance:
            document.report(
                "missing-key", f"missing key `{key}`", path=path, hint=f"add `{key}: …`"
            )


def _report_type(document: Document, error: Any, path: Path) -> None:
    kind = _type_words(error.instance)
    got = _reading(error.instance, document.written(path)) or kind
    if is_percentage(path):
        report_percentage(document, path, "wrong-type", got)
        return
    types = error.validator_value
    type_name = types if isinstance(types, str) else types[0]
    if type_name == "object" and not path:
        example = "version: 1" if document.file == SETTINGS_FILE else "name: VIP"
        hint = f"write keys and values, such as `{example}`"
    else:
        hint = _TYPE_HINTS.get(kind) or _TYPE_HINTS.get((kind, type_name)) or _WRITE_TYPE[type_name]
    document.report(
        "wrong-type",
        f"{field_words(path)} must be {_TYPE_WORDS[type_name]}, got {got}",
        path=path,
        hint=hint,
    )


def _reading(value: Any, written: str) -> str:
    """Return what is written and how YAML reads it, or nothing where no one expects otherwise."""
    if isinstance(value, UnquotedDate):
        return f"{quote_value(value.text)}, which YAML reads as a date"
    if isinstance(value, bool) and written not in ("", "true", "false"):
        return f"{quote_value(written)}, which YAML reads as {'true' if value else 'false'}"
    return ""


def _type_words(value: Any) -> str:
    """Return the type of a value in the words of the messages."""
    if value is None:
        return "nothing"
    types: tuple[tuple[Any, str], ...] = (
        (bool, "true or false"),
        (int | float, "a number"),
        (UnquotedDate, "a date"),
        (list, "a list"),
        (dict, "a mapping"),
    )
    return next((words for type_, words in types if isinstance(value, type_)), "a string")


# By what the value is, or by that and the type that it must have.
_TYPE_HINTS: dict[str | tuple[str, str], str] = {
    "nothing": "add a value, or remove the key; put text that starts with # in quotes",
    ("true or false", "string"): "put it in quotes",
    ("a number", "string"): "put it in quotes",
    ("a date", "string"): "put it in quotes",
    ("a list", "string"): "put text that starts with [ or `- ` in quotes",
    ("a mapping", "string"): "put text that starts with { or contains `: ` in quotes",
    ("a string", "array"): "write it as a list: [value]",
    ("a string", "boolean"): "write true or false, without quotes",
    ("a string", "integer"): "write a number, without quotes",
}


_WRITE_TYPE = {
    "string": "write a string",
    "array": "write a list: [value]",
    "object": "write keys and values on the lines below, indented",
    "boolean": "write true or false",
    "integer": "write a whole number",
}


def _report_empty(document: Document, error: Any, path: Path) -> None:
    if error.instance == "" and "pattern" in error.schema:
        # `report_pattern` says what an empty string means there.
        return
    hint = "add a value, or remove it"
    document.report("empty-value", f"{field_words(path)} must not be empty", path=path, hint=hint)


def _report_length(document: Document, error: Any, path: Path) -> None:
    length, limit = len(error.instance), error.validator_value
    document.report(
        "too-long",
        f"{field_words(path)} has {length:,} characters, more than the limit of {limit}",
        path=path,
        hint="shorten it; `description` has room for the rest"
        if path == ("name",)
        else "remove it: SendGrid does not allow names of that length",
    )


def _report_item_count(document: Document, error: Any, path: Path) -> None:
    if path and path[-1] == "parent_list_ids":
        document.report(
            "too-many-parent-lists",
            f"SendGrid accepts one parent list only, got {len(error.instance)}",
            path=path,
            hint="keep one here and name the others in the query: "
            "array_contains(list_ids, ['…', '…'])",
        )
    else:
        _report_other(document, error, path)


def _report_duplicate(document: Document, _: Any, path: Path) -> None:
    document.report(
        "repeated-item", f"{field_words(path)} is a duplicate", path=path, hint="remove it"
    )


def _report_bound(document: Document, error: Any, path: Path) -> None:
    side, other = ("least", "larger") if error.validator == "minimum" else ("most", "smaller")
    document.report(
        "bad-value",
        f"{field_words(path)} must be at {side} {error.validator_value}",
        path=path,
        hint=f"write a {other} number, or remove it",
    )


def _report_enum(document: Document, error: Any, path: Path) -> None:
    # YAML reads a bare `off` as false; the message names the word.
    words = [value for value in error.validator_value if isinstance(value, str)]
    allowed = ["true", *words] if True in error.validator_value else words
    document.report(
        "bad-value",
        f"{field_words(path)} must be {' or '.join(allowed)}",
        path=path,
        hint=did_you_mean(str(error.instance)[:_MAX_SUGGESTED], allowed, "write one of them"),
    )


def _report_const(document: Document, error: Any, path: Path) -> None:
    allowed = error.validator_value
    hint = f"write {allowed}, without quotes"
    if isinstance(error.instance, int) and path == ("version",):
        hint = f"write {allowed}, or install a newer segctl if the file needs one"
    document.report("bad-value", f"{field_words(path)} must be {allowed}", path=path, hint=hint)


def _report_query_keys(document: Document, error: Any, path: Path) -> None:
    if not isinstance(error.instance, dict):
        # The schema takes a list to have both keys; that it is a list is already reported.
        return
    keys: list[str] = [option["required"][0] for option in error.validator_value]
    present = [key for key in keys if key in error.instance]
    names = " or ".join(f"`{key}`" for key in keys)
    if present:
        other_line = document.span((present[0],), key=True).line
        document.report(
            "two-queries",
            f"a segment must have {names}, not both",
            path=(present[1],),
            key=True,
            hint=f"remove one of the two (the other is on line {other_line})",
        )
    else:
        document.report("missing-key", "missing query", path=path, hint=f"add {names}")


def _report_removed_keys(document: Document, error: Any, _: Path) -> None:
    if not isinstance(error.instance, dict):
        # As for the two queries.
        return
    for option in error.validator_value["anyOf"]:
        (key,) = option["required"]
        if key in error.instance:
            document.report(
                "removed-with-more",
                f"a file with `removed` must not have `{key}`",
                path=(key,),
                key=True,
                hint="remove one of the two",
            )


def _report_other(document: Document, error: Any, path: Path) -> None:
    document.report(
        "bad-value", f"{field_words(path)} violates the schema rule `{error.validator}`", path=path
    )


_HANDLERS: dict[str, Any] = {
    "additionalProperties": _report_unknown_keys,
    "required": _report_missing_keys,
    "type": _report_type,
    "minLength": _report_empty,
    "minItems": _report_empty,
    "minProperties": _report_empty,
    "maxLength": _report_length,
    "maxItems": _report_item_count,
    "uniqueItems": _report_duplicate,
    "pattern": report_pattern,
    "enum": _report_enum,
    "const": _report_const,
    "oneOf": _report_query_keys,
    **dict.fromkeys(("minimum", "maximum"), _report_bound),
    "not": _report_removed_keys,
}
