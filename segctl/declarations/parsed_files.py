"""Segment files as documents that their schema was held against, before anything is read in them.

Several targets read the same files: `ParsedFiles` parses each once for all of them.
"""

from __future__ import annotations

import dataclasses

from segctl.declarations.policies_file import read_dates
from segctl.documents.document import Document, decode_utf8
from segctl.documents.schema import check_schema
from segctl.documents.yaml_reader import parse_document
from segctl.errors import Span
from segctl.model.policies import EXCEPT, UNTIL


def parse_segment_file(file: str, data: bytes) -> tuple[Document, bool | None]:
    """Return the document in the bytes of a file, and whether it is valid by its schema.

    `None` where nothing can be read in it: it is no mapping of YAML, or contains an API key.
    """
    text, problem = decode_utf8(file, data)
    if problem is not None:
        return Document(file, "", diagnostics=[problem]), None
    document = parse_document(file, text)
    if document.report_api_keys(whole=True):
        return document, None
    if document.value is None:
        if not document.diagnostics:
            hint = "declare `name` and `query_dsl`, or delete the file"
            document.report_at("empty-file", "the file is empty", Span(file, 1, 1), hint=hint)
        return document, None
    if isinstance(document.value, dict) and EXCEPT in document.value:
        # YAML reads a day without quotes as a date.
        read_dates(document.value, (EXCEPT, UNTIL))
    is_valid = check_schema(document, "segment")
    return document, is_valid if isinstance(document.value, dict) else None


class ParsedFiles:
    """The documents of files that several targets read."""

    def __init__(self) -> None:
        self._parsed: dict[tuple[str, bytes], tuple[Document, bool | None]] = {}

    def parse(self, file: str, data: bytes) -> tuple[Document, bool | None]:
        """Return what `parse_segment_file` does; the diagnostics of the document are its own."""
        parsed = self._parsed.get((file, data))
        if parsed is None:
            parsed = self._parsed[file, data] = parse_segment_file(file, data)
        document, is_valid = parsed
        return dataclasses.replace(document, diagnostics=[*document.diagnostics]), is_valid
