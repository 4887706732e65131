"""The query of a segment file: in the file itself, or in a `.sql` file below the segments folder.

Returns the text and its place. Does not parse it.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from segctl.common.secrets import find_keys
from segctl.common.suggest import closest_match
from segctl.declarations.joined_comments import check_joined_comments
from segctl.documents.document import api_key_diagnostic, decode_utf8, excerpt_lines, spans_at
from segctl.documents.git_leftovers import git_leftover
from segctl.errors import Diagnostic, Severity, Span
from segctl.model.values import CONTROL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.documents.document import Document

_MAX_PATH = 200


def read_query(
    document: Document, value: dict[str, Any], queries: Mapping[str, bytes], folder: str
) -> tuple[str, Span] | None:
    """Return the text and the place of the query, whichever of the two keys has it.

    `queries` maps the paths of the `.sql` files under `folder` to their bytes. Where there is no
    query, the reason is reported in the document, or was by its schema.
    """
    query = value.get("query_dsl")
    if isinstance(query, str):
        control = CONTROL.search(query)
        if control:
            document.report(
                "control-character",
                f"the query contains the control character U+{ord(control.group()):04X}",
                path=("query_dsl",),
                hint="remove the escape sequence for it",
            )
        check_joined_comments(document, query)
        return query, document.span(("query_dsl",))
    name = value.get("query_file")
    if not isinstance(name, str) or not name.lower().endswith(".sql"):
        return None
    base, path = posixpath.dirname(document.file), query_path(document, name)
    if "\\" in name or name.startswith("/") or not path.startswith(f"{folder}/"):
        document.report(
            "query-file-outside",
            f"`query_file` must be a path inside {folder}/ with forward slashes",
            path=("query_file",),
            hint="write a path relative to this file: `query_file: vip.sql` is in the same folder",
        )
        return None
    if path not in queries:
        document.report(
            "query-file-missing",
            f"query file {path[:_MAX_PATH]} not found",
            path=("query_file",),
            hint=_missing_file_hint(path, base, queries),
        )
        return None
    return _sql(document, path, queries[path])


def query_path(document: Document, name: str) -> str:
    """Return the path of the `.sql` file that a segment file names, relative to the project."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(document.file), name))


def _missing_file_hint(path: str, base: str, queries: Mapping[str, bytes]) -> str:
    if any(part.startswith(".") for part in path.split("/")):
        return "choose a path without hidden names: those that start with a dot are ignored"
    name = posixpath.basename(path)
    same_name = sorted(other for other in queries if posixpath.basename(other) == name)
    suggestion = same_name[0] if same_name else closest_match(path, queries)
    if not suggestion:
        return "create the file, or write the query in `query_dsl`"
    return f"did you mean `{posixpath.relpath(suggestion, base)}`?"


def _sql(document: Document, path: str, data: bytes) -> tuple[str, Span] | None:
    text, problem = decode_utf8(path, data)
    if problem is None:
        problem = _sql_problem(path, text)
    if problem is not None:
        document.diagnostics.append(problem)
        return None
    return text, Span(path, 1, 1)


def _sql_problem(path: str, text: str) -> Diagnostic | None:
    keys = find_keys(text, whole=True)
    if keys:
        return api_key_diagnostic(spans_at(path, text, keys)[0])
    leftover = git_leftover(path, text)
    if leftover is not None:
        return leftover
    if not text.strip():
        hint = "write a SELECT statement"
        return Diagnostic(
            "empty-query", Severity.ERROR, "the query is empty", Span(path, 1, 1), hint
        )
    control = CONTROL.search(text)
    if control is None:
        return None
    (span,) = spans_at(path, text, [control.start()])
    return Diagnostic(
        "control-character",
        Severity.ERROR,
        f"the query contains the control character U+{ord(control.group()):04X}",
        span,
        hint="remove it",
        excerpt=excerpt_lines(text)[span.line - 1],
    )
