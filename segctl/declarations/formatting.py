"""The layout of a segment file: its keys in one order, its query laid out. Pure: text to text.

Owns the order of the keys, the form of the query in the file, and the proof: the result is read
again and must hold the same value under every key, the query as `query.layout` proved it, and the
same comments. What cannot be proven is not done: first the keys stay in their order, then the
query as it is, then the file. A file that segctl cannot read is never changed.

The query becomes a literal block (`|`), which shows it as it is; one that was written plainly on
one line and stays on one line stays plain. The block ends the value with a line feed, which it
may not have had before: white space around a query means nothing (`planner` compares without).

Line ends stay CRLF where they are, a byte order mark stays, a missing line end at the end of the
file is added. A file with anchors keeps the order of its keys, for they must stand above their
aliases. Never raises.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from segctl.declarations.key_blocks import Pieces, comments_in, comments_of, cut
from segctl.documents.schema import schema_text
from segctl.documents.yaml_reader import parse_document
from segctl.errors import Diagnostic, Severity, Span
from segctl.query.format.layout import FormattedQuery, format_query
from segctl.query.parser.parse import parse

if TYPE_CHECKING:
    from segctl.declarations.key_blocks import Piece
    from segctl.documents.document import Document, Place

FIRST_KEYS = ("name", "description", "owner", "tags", "protected")
"""What a segment is to people stands first in a file."""

LAST_KEYS = ("parent_list_ids", "query_dsl", "query_file", "tests")
"""What it is to SendGrid stands last, and its tests below it. Any other key stands between."""

QUERY = "query_dsl"
_INDENT = "  "
_ODD_BREAKS = ("\r", "\x85", "\u2028", "\u2029")
_PROPERTIES = ("&", "*", "!")


@dataclass(frozen=True, slots=True)
class Formatted:
    """A file's text in the one style, or as it was, with what could not be done and why.

    `problems` are the findings that make a file unreadable, or warnings; the text may have
    changed in spite of a warning.
    """

    text: str
    changed: bool
    problems: tuple[Diagnostic, ...] = ()


def format_segment_file(file: str, text: str) -> Formatted:
    """Format a segment file, given as it stands in the file (line ends and byte order mark too)."""
    mark, body = _without_mark(text)
    ends = "\r\n" if body[: body.find("\n")].endswith("\r") else "\n"
    body = body.replace("\r\n", "\n")
    document = parse_document(file, body)
    if document.diagnostics:
        return Formatted(text, changed=False, problems=tuple(document.diagnostics))
    result, problems = _best(document)
    if result is None:
        return Formatted(text, changed=False, problems=tuple(problems))
    result = mark + result.replace("\n", ends)
    return Formatted(result, changed=result != text, problems=tuple(problems))


def format_sql_file(text: str, file: str = "") -> Formatted:
    """Format a `.sql` file that a segment names; `file` is for the place of a problem."""
    mark, body = _without_mark(text)
    ends = "\n"
    if body.count("\r") == body.count("\n") == body.count("\r\n") > 0:
        ends, body = "\r\n", body.replace("\r\n", "\n")
    layout = format_query(parse(body))
    if layout.reason:
        return _left(text, layout.reason, Span(file, 1, 1))
    result = mark + f"{layout.text}\n".replace("\n", ends)
    return Formatted(result, changed=result != text)


@cache
def key_order() -> tuple[str, ...]:
    """Return the keys of a segment file in their order."""
    known = json.loads(schema_text("segment"))["properties"]
    between = [key for key in known if key not in (*FIRST_KEYS, *LAST_KEYS)]
    return (*FIRST_KEYS, *between, *LAST_KEYS)


def _best(document: Document) -> tuple[str | None, list[Diagnostic]]:
    """Return the most that can be proven, and what stayed undone; `None` if nothing can be."""
    start = Span(document.file, 1, 1)
    if not isinstance(document.value, dict):
        return None, [_problem("the file stays as it is: it declares nothing", start)]
    if any(mark in document.text for mark in _ODD_BREAKS):
        reason = "it has line ends that are neither LF nor CRLF"
        return None, [_problem(f"the file stays as it is: {reason}", start)]
    pieces = cut(document)
    if isinstance(pieces, str):
        return None, [_problem(f"the file stays as it is: {pieces}", start)]
    query = document.value.get(QUERY)
    layout, why_not = _layout(document, query)
    sorted_keys = _sorted(pieces.keys)
    bound = any(document.text[place.offset : place.offset + 1] in _PROPERTIES for place in
                (*document.places.values(), *document.keys.values()))  # fmt: skip
    moved = sorted_keys != pieces.keys
    options = [(sort, lay) for sort in (moved and not bound, False) for lay in (layout, None)]
    for sort, lay in dict.fromkeys(options):
        keys = sorted_keys if sort else pieces.keys
        result = _assembled(document, replace(pieces, keys=keys), lay)
        if not (result == document.text or _proven(document, result, lay)):
            continue
        problems: list[Diagnostic] = []
        if moved and not sort:
            reason = "it has anchors" if bound else "a value would not stay the same"
            place = document.span(())
            problems.append(_problem(f"the keys keep their order: {reason}", place))
        if isinstance(query, str) and lay is None:
            reason = why_not or "segctl could not prove that the file stays the same"
            span = document.span((QUERY,))
            problems.append(_problem(f"the query stays as it is: {reason}", span))
        return result, problems
    reason = "segctl could not prove that it stays the same"
    return None, [_problem(f"the file stays as it is: {reason}", start)]


def _layout(document: Document, query: object) -> tuple[FormattedQuery | None, str]:
    """Lay out the query; where that cannot be, say why."""
    if not isinstance(query, str):
        return None, ""
    place = document.places[(QUERY,)]
    if place.style is None or document.text[place.offset] in _PROPERTIES:
        return None, "it has an anchor, an alias or a tag"
    layout = format_query(parse(query))
    return (None, layout.reason) if layout.reason else (layout, "")


def _sorted(keys: tuple[Piece, ...]) -> tuple[Piece, ...]:
    order = key_order()
    unknown = len(order) - len(LAST_KEYS)  # a key of a later version, perhaps: in the middle
    ranks = {key: rank + (rank >= unknown) for rank, key in enumerate(order)}
    return tuple(sorted(keys, key=lambda piece: ranks.get(piece.key, unknown)))


def _assembled(document: Document, pieces: Pieces, layout: FormattedQuery | None) -> str:
    """Put the file together, with the query laid out if there is a layout."""
    if layout is None:
        return pieces.text()
    below = dict(pieces.below)
    lifted = [line.strip() for line in below.pop(QUERY) if line]
    lines, comments = _query_lines(document, layout)
    keys = tuple(
        piece.with_value(lines, (*lifted, *comments)) if piece.key == QUERY else piece
        for piece in pieces.keys
    )
    return replace(pieces, keys=keys, below=below).text()


def _query_lines(document: Document, layout: FormattedQuery) -> tuple[list[str], list[str]]:
    """Write the key and the query; return the comments that have no place beside them too."""
    text = document.text
    key, place = document.keys[(QUERY,)], document.places[(QUERY,)]
    comments = comments_in(text[key.end_offset : place.offset])
    comments += comments_in(_beside(text, place))
    begin = f"{text[key.offset : key.end_offset]}:"
    note = f" {comments[0]}" if comments else ""
    if place.style == "" and "\n" not in layout.text:
        return [f"{begin} {layout.text}{note}"], comments[1:]
    indented = [_INDENT + line if line else "" for line in layout.text.split("\n")]
    return [f"{begin} |{note}", *indented], comments[1:]


def _beside(text: str, place: Place) -> str:
    """Return what stands on the line of a value behind it, or behind the `|` of a block."""
    block = place.style in ("|", ">")
    begin = place.offset + 1 if block else place.end_offset
    end = text.find("\n", begin)
    return text[begin : end if end >= 0 else len(text)]


def _proven(before: Document, text: str, layout: FormattedQuery | None) -> bool:
    """Tell whether a text holds the same values and comments as a document."""
    after = parse_document(before.file, text)
    if after.diagnostics or not isinstance(after.value, dict):
        return False
    old, new = dict(before.value), dict(after.value)
    if layout is not None:
        query = new.pop(QUERY, None)
        del old[QUERY]
        if not isinstance(query, str) or query.strip() != layout.text:
            return False
    # Written out, 1 differs from 1.0 and from true, and "not a number" does not differ from itself.
    same = old.keys() == new.keys() and all(repr(old[key]) == repr(new[key]) for key in old)
    return same and comments_of(before) == comments_of(after)


def _without_mark(text: str) -> tuple[str, str]:
    """Split a byte order mark off."""
    return ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)


def _left(text: str, reason: str, span: Span) -> Formatted:
    """Return a file as it was, and why."""
    problem = _problem(f"the file stays as it is: {reason}", span)
    return Formatted(text, changed=False, problems=(problem,))


def _problem(summary: str, span: Span) -> Diagnostic:
    return Diagnostic("not-formatted", Severity.WARNING, summary, span)
