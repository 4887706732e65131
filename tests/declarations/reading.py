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


def one(text: str | bytes, queries: Mapping[str, bytes] | None = None) -> Declared:
    """Return the segment of a file without diagnostics."""
    found = read(text, queries)
    assert found.diagnostics == ()
    assert not found.has_errors
    (declared,) = found.declared
    return declared


def places(diagnostics: tuple[Diagnostic, ...]) -> list[str]:
    """Return `line:column code` of each diagnostic."""
    return [f"{d.span.line}:{d.span.column} {d.code}" for d in diagnostics if d.span]


def shown(diagnostics: tuple[Diagnostic, ...]) -> str:
    """Return everything that is displayed."""
    return "\n".join(f"{d.span} {d.summary} {d.hint} {d.excerpt}" for d in diagnostics)
