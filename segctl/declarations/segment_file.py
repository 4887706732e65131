"""One segment file: its YAML text becomes a `Declared`, or diagnostics that say why not.

Owns what a segment file means beyond its schema: where the query stands, which `.sql` file it may
name. Whether two files contradict each other is `collection.py`'s question.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from segctl.declarations.document import decode
from segctl.declarations.schema import check
from segctl.declarations.yaml_reader import parse_document
from segctl.errors import Diagnostic, Severity, Span
from segctl.model import Declared, Segment
from segctl.secrets import redact
from segctl.suggest import closest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.declarations.document import Document


def read_segment(
    file: str, data: bytes, queries: Mapping[str, bytes], folder: str
) -> tuple[Declared | None, list[Diagnostic]]:
    """Read the bytes of one segment file.

    `queries` holds every `.sql` file below `folder`, by its path relative to the project. Gives
    the declaration (`None` where an error forbids one) and all that is wrong or doubtful.
    """
    text, broken = decode(file, data)
    if broken is not None:
        return None, [broken]
    document = parse_document(file, text)
    document.refuse_key(whole=True)
    if document.diagnostics:
        return None, document.diagnostics
    if document.value is None:
        document.report(
            "empty-file", "the file is empty", hint="declare `name` and `query_dsl`, or delete it"
        )
        return None, document.diagnostics
    fits = check(document, "segment")
    value: Any = document.value
    if not isinstance(value, dict):
        return None, document.diagnostics
    query = _query(document, value, queries, folder)
    if not fits or query is None:
        return None, document.diagnostics
    _check_name(document, value["name"])
    text, query_span = query
    has_parents = bool(value.get("parent_list_ids"))
    declared = Declared(
        segment=Segment(
            value["name"], text, tuple(item.lower() for item in value.get("parent_list_ids", ()))
        ),
        span=document.span(("name",)),
        query_span=query_span,
        parent_span=document.span(("parent_list_ids",)) if has_parents else None,
        description=value.get("description", ""),
        owner=value.get("owner", ""),
        tags=tuple(value.get("tags", ())),
        protected=value.get("protected", False),
    )
    return declared, document.diagnostics


def _check_name(document: Document, name: str) -> None:
    """Doubt names that look alike to people and differ to the account."""
    if name != name.strip():
        document.report(
            "name-space",
            "the name begins or ends with white space, which nobody sees in SendGrid",
            path=("name",),
            severity=Severity.WARNING,
        )


def _query(
    document: Document, value: dict[str, Any], queries: Mapping[str, bytes], folder: str
) -> tuple[str, Span] | None:
    """Give the query's text and place, whichever of the two keys holds it."""
    if isinstance(value.get("query_dsl"), str):
        return value["query_dsl"], document.span(("query_dsl",))
    name = value.get("query_file")
    if not isinstance(name, str) or not name.endswith(".sql"):
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(document.file), name))
    if "\\" in name or name.startswith("/") or not path.startswith(f"{folder}/"):
        document.report(
            "query-file-outside",
            f"`query_file` must stay inside {folder}/ and use forward slashes",
            path=("query_file",),
        )
        return None
    if path not in queries:
        meant = closest(path, queries)
        base = posixpath.dirname(document.file)
        document.report(
            "query-file-missing",
            f"there is no file {path}",
            path=("query_file",),
            hint=f"did you mean `{posixpath.relpath(meant, base)}`?" if meant else "",
        )
        return None
    return _sql(document, path, queries[path])


def _sql(document: Document, path: str, data: bytes) -> tuple[str, Span] | None:
    text, broken = decode(path, data)
    if broken is not None:
        document.diagnostics.append(broken)
        return None
    if not text.strip():
        document.diagnostics.append(
            Diagnostic("empty-query", Severity.ERROR, "the query is empty", Span(path, 1, 1))
        )
        return None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        document.diagnostics.append(
            Diagnostic(
                "control-character",
                Severity.ERROR,
                "the query holds a NUL character",
                Span(path, line, 1),
                hint="the file is perhaps not text, or not UTF-8",
                excerpt=redact(text.split("\n")[line - 1]),
            )
        )
        return None
    return text, Span(path, 1, 1)
