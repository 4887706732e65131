"""The files of a project beside segment files and settings: read, and checked by their schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.documents.document import Document, decode_utf8
from segctl.documents.schema import check_schema
from segctl.documents.yaml_reader import parse_document

if TYPE_CHECKING:
    from collections.abc import Callable


def read_data_file(
    file: str,
    data: bytes,
    schema: str,
    *,
    empty_hint: str = "",
    prepare: Callable[[Document], None] = lambda _: None,
) -> tuple[Document, bool]:
    """Return the document in the bytes of a file, and whether it is valid by its schema.

    `file` is its path relative to the project. The document has everything that is wrong, also that
    it is empty, with the hint for that; without one, that is left to the schema. `prepare`
    changes it before the schema is checked.
    """
    text, problem = decode_utf8(file, data)
    if problem is not None:
        return Document(file, "", diagnostics=[problem]), False
    document = parse_document(file, text)
    document.report_api_keys(whole=True)
    if empty_hint and document.value is None and not document.diagnostics:
        document.report("empty-file", "the file is empty", hint=empty_hint)
    prepare(document)
    return document, not document.diagnostics and check_schema(document, schema)
