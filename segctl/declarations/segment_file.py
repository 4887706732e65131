"""One segment file: its YAML text becomes a `Declared`, or diagnostics that say why not.

Owns what a segment file means beyond its schema: where the query stands, which `.sql` file it may
name. Whether two files contradict each other is `collection.py`'s question.
"""

from __future__ import annotations

import math
import posixpath
import re
import unicodedata
from typing import TYPE_CHECKING, Any

from segctl.common.secrets import find_keys
from segctl.common.suggest import closest_match
from segctl.documents.document import (
    Document,
    api_key_diagnostic,
    decode_utf8,
    excerpt_lines,
    quote_value,
    spans_at,
)
from segctl.documents.schema import check_schema
from segctl.documents.schema_messages import parse_percentage
from segctl.documents.yaml_reader import parse_document
from segctl.errors import Diagnostic, Severity, Span
from segctl.model import Declared, Disposal, Segment, Tombstone

if TYPE_CHECKING:
    from collections.abc import Mapping

# All that is no text; white space of every kind may stand in a query.
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
# Emoji and some scripts are written with them.
_JOINERS = "\u200c\u200d"
_LONGEST_PATH = 200


def read_file(
    file: str, data: bytes, queries: Mapping[str, bytes], folder: str
) -> tuple[Declared | Tombstone | None, Document]:
    """Read the bytes of one segment file.

    `queries` holds every `.sql` file below `folder`, by its path relative to the project. Gives
    the declaration, or the tombstone where the file says `removed` (`None` where an error forbids
    both), and the document, whose diagnostics are all that is wrong or doubtful.
    """
    text, broken = decode_utf8(file, data)
    if broken is not None:
        return None, Document(file, "", diagnostics=[broken])
    document = parse_document(file, text)
    if document.report_api_keys(whole=True):
        return None, document
    if document.value is None:
        if not document.diagnostics:
            hint = "declare `name` and `query_dsl`, or delete the file"
            document.report_at("empty-file", "the file is empty", Span(file, 1, 1), hint=hint)
        return None, document
    fits = check_schema(document, "segment")
    if not isinstance(document.value, dict):
        return None, document
    if "removed" in document.value:
        return _tombstone(document, document.value) if fits else None, document
    return _declared(document, document.value, queries, folder, fits=fits), document


def read_segment(
    file: str, data: bytes, queries: Mapping[str, bytes], folder: str
) -> tuple[Declared | None, Document]:
    """Read a file as `read_file` does; one that says `removed` declares nothing."""
    one, document = read_file(file, data, queries, folder)
    return (one if isinstance(one, Declared) else None), document


def _declared(
    document: Document,
    value: dict[str, Any],
    queries: Mapping[str, bytes],
    folder: str,
    *,
    fits: bool,
) -> Declared | None:
    query = _query(document, value, queries, folder)
    _check_previous(document, value)
    if not fits or query is None or document.diagnostics:
        return None
    _doubt_name(document, value["name"])
    text, query_span = query
    has_parents = bool(value.get("parent_list_ids"))
    upgrade = value.get("upgrade_from", {})
    return Declared(
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
        previous_names=tuple(value.get("previous_names", ())),
        allow_replace=value.get("allow_replace", False),
        allow_audience_change=_allowed_change(value.get("allow_audience_change", False)),
        refresh_priority=int(value.get("refresh_priority", 0)),
        upgrade_from=upgrade.get("v1_id", "").lower(),
        upgrade_span=document.span(("upgrade_from", "v1_id")) if upgrade else None,
    )


def _allowed_change(value: bool | float | str) -> float:
    """Give the percentage; any change at all for true."""
    if isinstance(value, bool):
        return math.inf if value else 0
    return parse_percentage(value)


def _tombstone(document: Document, value: dict[str, Any]) -> Tombstone:
    disposal = Disposal.FORGET if value["removed"] == "forget" else Disposal.DELETE
    return Tombstone(value["name"], disposal, document.span(("name",)))


def _check_previous(document: Document, value: dict[str, Any]) -> None:
    names = value.get("previous_names")
    for number, name in enumerate(names if isinstance(names, list) else ()):
        if name == value.get("name"):
            document.report(
                "previous-name-is-name",
                f"{quote_value(name)} is the name that the segment has now",
                path=("previous_names", number),
                hint="remove it: only names that it had before stand here",
            )


def _doubt_name(document: Document, name: str) -> None:
    """Doubt names that look alike to people and differ to the account."""
    if name != name.strip():
        document.report(
            "name-space",
            "the name begins or ends with white space, which nobody sees in SendGrid",
            path=("name",),
            severity=Severity.WARNING,
            hint="remove it",
        )
    if name.isascii():
        return
    hidden = next(
        (char for char in name if unicodedata.category(char) == "Cf" and char not in _JOINERS), ""
    )
    if hidden:
        document.report(
            "name-invisible",
            f"the name holds a character that nobody sees (U+{ord(hidden):04X})",
            path=("name",),
            severity=Severity.WARNING,
            hint="write the name again instead of pasting it",
        )


def _query(
    document: Document, value: dict[str, Any], queries: Mapping[str, bytes], folder: str
) -> tuple[str, Span] | None:
    """Give the query's text and place, whichever of the two keys holds it."""
    query = value.get("query_dsl")
    if isinstance(query, str):
        control = _CONTROL.search(query)
        if control:
            document.report(
                "control-character",
                f"the query holds the character U+{ord(control.group()):04X}",
                path=("query_dsl",),
                hint="remove the escape that stands for it",
            )
        return query, document.span(("query_dsl",))
    name = value.get("query_file")
    if not isinstance(name, str) or not name.lower().endswith(".sql"):
        return None
    base = posixpath.dirname(document.file)
    path = posixpath.normpath(posixpath.join(base, name))
    if "\\" in name or name.startswith("/") or not path.startswith(f"{folder}/"):
        document.report(
            "query-file-outside",
            f"`query_file` must stay inside {folder}/ and use forward slashes",
            path=("query_file",),
            hint="it is read from the folder of this file: `query_file: vip.sql` stands beside it",
        )
        return None
    if path not in queries:
        document.report(
            "query-file-missing",
            f"there is no file {path[:_LONGEST_PATH]}",
            path=("query_file",),
            hint=_where_is(path, base, queries),
        )
        return None
    return _sql(document, path, queries[path])


def _where_is(path: str, base: str, queries: Mapping[str, bytes]) -> str:
    if any(part.startswith(".") for part in path.split("/")):
        return "hidden files, whose names start with a dot, are passed over"
    name = posixpath.basename(path)
    same = sorted(other for other in queries if posixpath.basename(other) == name)
    meant = same[0] if same else closest_match(path, queries)
    if not meant:
        return "write the file, or put the query into `query_dsl`"
    return f"did you mean `{posixpath.relpath(meant, base)}`?"


def _sql(document: Document, path: str, data: bytes) -> tuple[str, Span] | None:
    text, broken = decode_utf8(path, data)
    if broken is None:
        broken = _refuse_sql(path, text)
    if broken is not None:
        document.diagnostics.append(broken)
        return None
    return text, Span(path, 1, 1)


def _refuse_sql(path: str, text: str) -> Diagnostic | None:
    keys = find_keys(text, whole=True)
    if keys:
        return api_key_diagnostic(spans_at(path, text, keys)[0])
    if not text.strip():
        hint = "write a SELECT statement"
        return Diagnostic(
            "empty-query", Severity.ERROR, "the query is empty", Span(path, 1, 1), hint
        )
    control = _CONTROL.search(text)
    if control is None:
        return None
    (span,) = spans_at(path, text, [control.start()])
    return Diagnostic(
        "control-character",
        Severity.ERROR,
        f"the query holds the character U+{ord(control.group()):04X}",
        span,
        hint="remove it",
        excerpt=excerpt_lines(text)[span.line - 1],
    )
