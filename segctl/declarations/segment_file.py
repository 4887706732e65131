"""One segment file: its YAML text becomes a `Declared`, or diagnostics that say why it cannot.

Owns what a segment file means beyond its schema: where the query is, and which `.sql` file it may
name. Whether two files contradict each other is up to `collection`.
"""

from __future__ import annotations

import math
import posixpath
import unicodedata
from typing import TYPE_CHECKING, Any

from segctl.common.secrets import find_keys
from segctl.common.suggest import closest_match
from segctl.declarations.account_names import PARENT_LIST, find_parent
from segctl.declarations.bindings import BoundQuery
from segctl.declarations.joined_comments import check_joined_comments
from segctl.documents.document import (
    Document,
    api_key_diagnostic,
    decode_utf8,
    excerpt_lines,
    quote_value,
    spans_at,
)
from segctl.documents.git_leftovers import git_leftover
from segctl.documents.schema import check_schema
from segctl.documents.schema_messages import parse_percentage
from segctl.documents.values import report_bad_values
from segctl.documents.yaml_reader import parse_document
from segctl.errors import Diagnostic, Severity, Span
from segctl.model import Declared, Disposal, Metadata, Segment, Tombstone
from segctl.model.values import CONTROL, VALUES, read_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.declarations.bindings import Bindings

# Emoji and some scripts are written with them.
_JOINERS = "\u200c\u200d"
_WIDE_SPACE = "\u3000"
# Fillers of Hangul, and the empty pattern of Braille.
_BLANK_LETTERS = "\u115f\u1160\u3164\uffa0\u2800"
_MAX_PATH = 200


def read_file(
    file: str,
    data: bytes,
    queries: Mapping[str, bytes],
    folder: str,
    bindings: Bindings | None = None,
) -> tuple[Declared | Tombstone | None, Document]:
    """Read the bytes of one segment file.

    `queries` maps the path of every `.sql` file under `folder`, relative to the project, to its
    bytes. `bindings` are what names in the file stand for; without them, names stay, and no
    definition of the account equals them. Returns the declaration, or the tombstone where the
    file says `removed`, or `None` where an error prevents both; and the document, whose diagnostics
    are all errors and warnings.
    """
    text, problem = decode_utf8(file, data)
    if problem is not None:
        return None, Document(file, "", diagnostics=[problem])
    document = parse_document(file, text)
    if document.report_api_keys(whole=True):
        return None, document
    if document.value is None:
        if not document.diagnostics:
            hint = "declare `name` and `query_dsl`, or delete the file"
            document.report_at("empty-file", "the file is empty", Span(file, 1, 1), hint=hint)
        return None, document
    is_valid = check_schema(document, "segment")
    if not isinstance(document.value, dict):
        return None, document
    if "removed" in document.value:
        return _tombstone(document, document.value) if is_valid else None, document
    declared = _declared(document, document.value, queries, folder, bindings, is_valid=is_valid)
    return declared, document


def read_segment(
    file: str, data: bytes, queries: Mapping[str, bytes], folder: str
) -> tuple[Declared | None, Document]:
    """Read a file as `read_file` does; a file that says `removed` declares nothing."""
    declaration, document = read_file(file, data, queries, folder)
    return (declaration if isinstance(declaration, Declared) else None), document


def _declared(
    document: Document,
    value: dict[str, Any],
    queries: Mapping[str, bytes],
    folder: str,
    bindings: Bindings | None,
    *,
    is_valid: bool,
) -> Declared | None:
    query = _query(document, value, queries, folder)
    _check_previous_names(document, value)
    if bindings is not None:
        report_bad_values(document, ())
    if not is_valid or query is None or document.diagnostics:
        return None
    _check_visible_name(document, value["name"])
    written, query_span = query
    parent_list_ids, parent_names = find_parent(document, value, bindings)
    bound_query = _bound_query(document, query_span.file, written, bindings)
    has_errors = any(item.severity is Severity.ERROR for item in document.diagnostics)
    if has_errors or bound_query.is_broken:
        return None
    parent_key = PARENT_LIST if PARENT_LIST in value else "parent_list_ids"
    metadata = _metadata(value)
    upgrade = value.get("upgrade_from", {})
    return Declared(
        segment=Segment(value["name"], bound_query.text, parent_list_ids),
        span=document.span(("name",)),
        query_span=query_span,
        parent_span=document.span((parent_key,)) if parent_list_ids else None,
        description=metadata.description,
        owner=metadata.owner,
        tags=metadata.tags,
        protected=value.get("protected", False),
        previous_names=tuple(value.get("previous_names", ())),
        allow_replace=value.get("allow_replace", False),
        allow_audience_change=_allowed_change(value.get("allow_audience_change", False)),
        refresh_priority=int(value.get("refresh_priority", 0)),
        upgrade_from=upgrade.get("v1_id", "").lower(),
        adopt=value.get("adopt", False),
        upgrade_span=document.span(("upgrade_from", "v1_id")) if upgrade else None,
        account_names=(*parent_names, *bound_query.account_names),
        written_query=written if bound_query.splices else "",
        splices=bound_query.splices,
        names=bound_query.used,
    )


def _bound_query(document: Document, file: str, text: str, bindings: Bindings | None) -> BoundQuery:
    """Return a query with what its names stand for; without `bindings`, as it is.

    `file` is the file of the query. What is wrong is reported in the document.
    """
    if bindings is None:
        return BoundQuery(text)
    own = read_values(document.value.get(VALUES))
    if "@" not in text and not own:
        return BoundQuery(text)
    from segctl.declarations.binder import Binder  # noqa: PLC0415 - the parser, only for names

    return Binder(document, file, text, bindings, own).bound()


def _allowed_change(value: bool | float | str) -> float:
    """Return the allowed change in percent; infinity for true."""
    if isinstance(value, bool):
        return math.inf if value else 0
    return parse_percentage(value)


def _tombstone(document: Document, value: dict[str, Any]) -> Tombstone:
    disposal = Disposal.FORGET if value["removed"] == "forget" else Disposal.DELETE
    query_file = value.get("query_file", "")
    path = posixpath.join(posixpath.dirname(document.file), query_file) if query_file else ""
    return Tombstone(
        value["name"],
        disposal,
        document.span(("name",)),
        posixpath.normpath(path) if path else "",
        _metadata(value),
    )


def _metadata(value: dict[str, Any]) -> Metadata:
    return Metadata(
        value.get("description", ""), value.get("owner", ""), tuple(value.get("tags", ()))
    )


def _check_previous_names(document: Document, value: dict[str, Any]) -> None:
    names = value.get("previous_names")
    for number, name in enumerate(names if isinstance(names, list) else ()):
        if name == value.get("name"):
            document.report(
                "previous-name-is-name",
                f"{quote_value(name)} is the current name of the segment",
                path=("previous_names", number),
                hint="remove it: `previous_names` is for names that the segment had before",
            )


def _check_visible_name(document: Document, name: str) -> None:
    """Warn of names that look alike to people and are different names to the account."""
    if name != name.strip():
        document.report(
            "name-space",
            "the name starts or ends with white space, which SendGrid does not show",
            path=("name",),
            severity=Severity.WARNING,
            hint="remove it",
        )
    if name.isascii():
        return
    invisible = next(filter(_is_invisible, name.strip()), "")
    if invisible:
        kind = "a blank that is not a space" if _is_blank(invisible) else "an invisible character"
        document.report(
            "name-invisible",
            f"the name contains {kind} (U+{ord(invisible):04X})",
            path=("name",),
            severity=Severity.WARNING,
            hint="type the name instead of pasting it",
        )


def _is_invisible(char: str) -> bool:
    is_control = unicodedata.category(char) == "Cf" and char not in _JOINERS
    return is_control or (char != " " and _is_blank(char))


def _is_blank(char: str) -> bool:
    """Return whether a character looks like a space; the wide one of Japanese does not."""
    is_space = unicodedata.category(char) == "Zs" and char != _WIDE_SPACE
    return is_space or char in _BLANK_LETTERS


def _query(
    document: Document, value: dict[str, Any], queries: Mapping[str, bytes], folder: str
) -> tuple[str, Span] | None:
    """Return the text and the place of the query, whichever of the two keys has it."""
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
    base = posixpath.dirname(document.file)
    path = posixpath.normpath(posixpath.join(base, name))
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
