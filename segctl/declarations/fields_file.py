"""`fields.yaml`: the fields of an account, kept next to the segment files.

Reads the file for offline validation, and writes its text for `segctl fields pull`. Does not ask
the account, and does not know what a field is used for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from segctl.documents.document import decode_utf8
from segctl.documents.schema import check_schema
from segctl.documents.yaml_reader import parse_document
from segctl.model.contact_fields import Field, Fields, FieldType
from segctl.query.catalogue import ColumnType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.errors import Diagnostic

_HEAD = """\
# The fields of the account, for validation without a network connection.
# Written by `segctl fields pull`: run it again after a field is added in SendGrid.
"""

COLUMN_TYPES = {
    FieldType.TEXT: ColumnType.VARCHAR,
    FieldType.NUMBER: ColumnType.NUMBER,
    FieldType.DATE: ColumnType.TIMESTAMP,
}
"""The type of the column for each type of field (sendgrid-api.md §6)."""


def read_fields(file: str, data: bytes) -> tuple[Fields | None, list[Diagnostic]]:
    """Return the fields in the bytes of a fields.yaml, or `None` and everything that is wrong.

    `file` is its path relative to the project.
    """
    text, problem = decode_utf8(file, data)
    if problem is not None:
        return None, [problem]
    document = parse_document(file, text)
    document.report_api_keys(whole=True)
    if document.value is None and not document.diagnostics:
        document.report(
            "empty-file", "the file is empty", hint="run `segctl fields pull`, or delete it"
        )
    if document.diagnostics or not check_schema(document, "fields"):
        return None, document.diagnostics
    value: dict[str, Any] = document.value
    fields = Fields(
        custom=_fields(value["custom_fields"]),
        reserved=_fields(value["reserved_fields"]),
        target=value["target"],
        pulled_at=value["pulled_at"],
    )
    return fields, []


def fields_text(fields: Fields) -> str:
    """Return the text of a fields.yaml."""
    lines = [
        _HEAD,
        f"target: {_yaml_text(fields.target)}\n",
        f"pulled_at: {_yaml_text(fields.pulled_at)}\n",
    ]
    for heading, group in (("custom_fields", fields.custom), ("reserved_fields", fields.reserved)):
        lines.append(f"{heading}:\n" if group else f"{heading}: {{}}\n")
        lines += [f"  {_yaml_text(field.name)}: {field.type.value}\n" for field in group]
    return "".join(lines)


def column_types(fields: Iterable[Field]) -> dict[str, ColumnType]:
    """Return fields as columns of `contact_data`: types by name."""
    return {field.name: COLUMN_TYPES[field.type] for field in fields}


def _fields(types: dict[str, str]) -> tuple[Field, ...]:
    return tuple(Field(name, FieldType(type_name)) for name, type_name in types.items())


def _yaml_text(text: str) -> str:
    """Return a string as a YAML scalar: without quotes where that is safe."""
    is_word = text.isascii() and text.replace("_", "").isalnum() and not text[:1].isdecimal()
    keywords = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
    if is_word and text.lower() not in keywords:
        return text
    scalar: str = yaml.dump(
        text, Dumper=yaml.CSafeDumper, default_style='"', allow_unicode=True, width=2**20
    )
    return scalar.rstrip("\n")
