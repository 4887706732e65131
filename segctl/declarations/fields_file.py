"""`fields.yaml`: the columns that an account has beside the standard ones, kept with the files.

Owns its text, both ways: `segctl fields pull` writes it, offline validation reads it. Pulling is
not its business, nor is what a column is good for.
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
# The fields of the account, so that validation knows them offline.
# Written by `segctl fields pull`; run it again when fields are added in SendGrid.
"""


def read_fields(file: str, data: bytes) -> tuple[Fields | None, list[Diagnostic]]:
    """Read the bytes of a fields.yaml: the fields, or `None` and all that is wrong.

    `file` is its path relative to the project.
    """
    text, broken = decode_utf8(file, data)
    if broken is not None:
        return None, [broken]
    document = parse_document(file, text)
    if not document.report_api_keys(whole=True) and document.value is None:
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
    """Write a fields.yaml."""
    lines = [
        _HEAD,
        f"target: {_quoted(fields.target)}\n",
        f"pulled_at: {_quoted(fields.pulled_at)}\n",
    ]
    for heading, some in (("custom_fields", fields.custom), ("reserved_fields", fields.reserved)):
        lines.append(f"{heading}:\n" if some else f"{heading}: {{}}\n")
        lines += [f"  {_quoted(field.name)}: {field.type.value}\n" for field in some]
    return "".join(lines)


COLUMN_TYPES = {
    FieldType.TEXT: ColumnType.VARCHAR,
    FieldType.NUMBER: ColumnType.NUMBER,
    FieldType.DATE: ColumnType.TIMESTAMP,
}
"""The type of the column that a field is (sendgrid-api.md §6)."""


def column_types(fields: Iterable[Field]) -> dict[str, ColumnType]:
    """Give fields as columns of `contact_data`: name to type."""
    return {field.name: COLUMN_TYPES[field.type] for field in fields}


def _fields(value: dict[str, str]) -> tuple[Field, ...]:
    return tuple(Field(name, FieldType(kind)) for name, kind in value.items())


def _quoted(text: str) -> str:
    """Write a text so that YAML reads it as one: bare where that is safe."""
    bare = text.isascii() and text.replace("_", "").isalnum() and not text[:1].isdecimal()
    words = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
    if bare and text.lower() not in words:
        return text
    dumped: str = yaml.dump(
        text, Dumper=yaml.CSafeDumper, default_style='"', allow_unicode=True, width=2**20
    )
    return dumped.rstrip("\n")
