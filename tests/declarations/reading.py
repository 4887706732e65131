"""Helpers that read one segment file and list its diagnostics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.declarations.collection import Declarations, read_declarations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.errors import Diagnostic
    from segctl.model import Declared

FILE = "segments/a.yaml"
QUERY = "query_dsl: SELECT 1\n"
KEY = "SG." + "a" * 22 + "." + "b" * 43


def read(text: str | bytes, queries: Mapping[str, bytes] | None = None) -> Declarations:
    data = text.encode() if isinstance(text, str) else text
    return read_declarations({FILE: data}, queries or {}, "segments")


def read_segment(text: str | bytes, queries: Mapping[str, bytes] | None = None) -> Declared:
    """Return the segment of a file without diagnostics."""
    declarations = read(text, queries)
    assert declarations.diagnostics == ()
    assert not declarations.has_errors
    (declared,) = declarations.declared
    return declared


def places(diagnostics: tuple[Diagnostic, ...]) -> list[str]:
    """Return `line:column code` of each diagnostic."""
    return [
        f"{diagnostic.span.line}:{diagnostic.span.column} {diagnostic.code}"
        for diagnostic in diagnostics
        if diagnostic.span
    ]


def shown(diagnostics: tuple[Diagnostic, ...]) -> str:
    """Return everything that is displayed."""
    return "\n".join(
        f"{diagnostic.span} {diagnostic.summary} {diagnostic.hint} {diagnostic.excerpt}"
        for diagnostic in diagnostics
    )
