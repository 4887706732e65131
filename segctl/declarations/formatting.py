"""The layout of segment files: keys in one order, the query laid out. Pure: text to text.

Owns the order of the keys, the form of the query in the file, and the proof that nothing else
changed: the result is read again and must have the same value for every key, the query that
`query.format` proved to be equal, and the same comments. What cannot be proven is not done: first
the keys keep their order, then the query stays as it is, then the whole file. A file that segctl
cannot read is never changed.

The query becomes a literal block (`|`), which shows it as it is. A query that was plain on one
line, and fits one line, stays plain. The block may add a line feed at the end of the value: white
space around a query means nothing, and the planner ignores it.

CRLF line ends and a byte order mark stay; a missing line end at the end of the file is added. A
file with anchors keeps the order of its keys, since an anchor must precede its aliases. Never
raises.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from segctl.declarations.joined_comments import check_joined_comments
from segctl.declarations.key_blocks import (
    FileBlocks,
    comments_beside,
    comments_of,
    split_blocks,
)
from segctl.documents.git_leftovers import git_leftover
from segctl.documents.schema import schema_text
from segctl.documents.yaml_reader import parse_document
from segctl.errors import Diagnostic, Severity, Span
from segctl.query.format.layout import FormattedQuery, format_query
from segctl.query.parser.parse import parse

if TYPE_CHECKING:
    from segctl.declarations.key_blocks import KeyBlock
    from segctl.documents.document import Document

FIRST_KEYS = ("name", "description", "owner", "tags", "protected", "adopt")
"""The keys that describe a segment to people come first in a file."""

LAST_KEYS = ("parent_list", "parent_list_ids", "query_dsl", "query_file", "tests")
"""The keys that SendGrid needs come last, then the tests. Any other key is in between."""

JOINERS = "\u200c\u200d"
"""Characters without a width that join two others: emoji and some scripts are written with them."""

QUERY = "query_dsl"
_INDENT = "  "
_UNUSUAL_BREAKS = ("\r", "\x85", "\u2028", "\u2029")
_PROPERTIES = ("&", "*", "!")
_UNPROVEN = "segctl could not prove that its meaning would stay the same"


@dataclass(frozen=True, slots=True)
class Formatted:
    """A formatted file, or the file as it was, with what could not be done and why.

    `problems` are the errors that make the file unreadable, or warnings; with a warning, the text
    may have changed all the same.
    """

    text: str
    changed: bool
    problems: tuple[Diagnostic, ...] = ()


def format_segment_file(file: str, text: str) -> Formatted:
    """Format a segment file; `text` has its original line ends and byte order mark."""
    mark, body, line_end = split_layout(text)
    document = parse_document(file, body)
    query = document.value.get(QUERY) if isinstance(document.value, dict) else None
    if isinstance(query, str):
        check_joined_comments(document, query)
    if document.diagnostics:
        return Formatted(text, changed=False, problems=tuple(document.diagnostics))
    result, problems = _best_result(document)
    if result is None:
        return Formatted(text, changed=False, problems=tuple(problems))
    result = mark + result.replace("\n", line_end)
    return Formatted(result, changed=result != text, problems=tuple(problems))


def format_sql_file(text: str, file: str = "") -> Formatted:
    """Format a `.sql` file that a segment names; `file` is its path, for diagnostics."""
    mark, body = _split_byte_order_mark(text)
    line_end = "\n"
    if body.count("\r") == body.count("\n") == body.count("\r\n") > 0:
        line_end, body = "\r\n", body.replace("\r\n", "\n")
    leftover = git_leftover(file, body)
    if leftover is not None:
        return Formatted(text, changed=False, problems=(leftover,))
    formatted = format_query(parse(body, references=True))
    if formatted.reason:
        problem = _unformatted_file(formatted.reason, Span(file, 1, 1))
        return Formatted(text, changed=False, problems=(problem,))
    result = mark + f"{formatted.text}\n".replace("\n", line_end)
    return Formatted(result, changed=result != text)


@cache
def key_order() -> tuple[str, ...]:
    """Return the keys of a segment file in their order."""
    keys = json.loads(schema_text("segment"))["properties"]
    between = [key for key in keys if key not in (*FIRST_KEYS, *LAST_KEYS)]
    return (*FIRST_KEYS, *between, *LAST_KEYS)


def _best_result(document: Document) -> tuple[str | None, list[Diagnostic]]:
    """Return the best result that can be proven, and what was not done; `None` for no result."""
    start = Span(document.file, 1, 1)
    if not isinstance(document.value, dict):
        return None, [_unformatted_file("it declares nothing", start)]
    if any(mark in document.text for mark in _UNUSUAL_BREAKS):
        return None, [_unformatted_file("it has line ends other than LF and CRLF", start)]
    blocks = split_blocks(document)
    if isinstance(blocks, str):
        return None, [_unformatted_file(blocks, start)]
    query = document.value.get(QUERY)
    formatted, reason = _format_query(document, query)
    sorted_keys = _sort_keys(blocks.keys)
    is_unsorted = sorted_keys != blocks.keys
    has_anchors = _has_properties(document)
    attempts = [
        (sort, layout)
        for sort in (is_unsorted and not has_anchors, False)
        for layout in (formatted, None)
    ]
    for sort, layout in dict.fromkeys(attempts):
        keys = sorted_keys if sort else blocks.keys
        result = _assemble(document, replace(blocks, keys=keys), layout)
        if result != document.text and not _is_equivalent(document, result, layout):
            continue
        problems: list[Diagnostic] = []
        if is_unsorted and not sort:
            why = "the file has anchors" if has_anchors else "a value would change"
            problems.append(_problem(f"the keys keep their order: {why}", document.span(())))
        if isinstance(query, str) and layout is None:
            summary = f"the query stays as it is: {reason or _UNPROVEN}"
            problems.append(_problem(summary, document.span((QUERY,))))
        return result, problems
    return None, [_unformatted_file(_UNPROVEN, start)]


def _has_properties(document: Document) -> bool:
    """Return whether any key or value has an anchor, an alias or a tag."""
    return any(
        document.text[place.offset : place.offset + 1] in _PROPERTIES
        for place in (*document.places.values(), *document.keys.values())
    )


def _format_query(document: Document, query: object) -> tuple[FormattedQuery | None, str]:
    """Return the formatted query, or `None` and the reason why there is none."""
    if not isinstance(query, str):
        return None, ""
    place = document.places[(QUERY,)]
    if place.style is None or document.text[place.offset] in _PROPERTIES:
        return None, "it has an anchor, an alias or a tag"
    formatted = format_query(parse(query, references=True))
    if formatted.reason:
        return None, formatted.reason
    if place.style == '"':
        # Escaped, as `segctl import` writes it. A block would hide it from reviewers.
        hidden = next((char for char in query if not is_visible_in_block(char)), "")
        if hidden:
            return None, f"it contains U+{ord(hidden):04X}, which editors hide"
    return formatted, ""


def is_visible_in_block(char: str) -> bool:
    """Return whether an editor shows a character, or at least a place for it and nothing else."""
    return char in JOINERS or unicodedata.category(char) != "Cf"


def _sort_keys(keys: tuple[KeyBlock, ...]) -> tuple[KeyBlock, ...]:
    order = key_order()
    unknown = len(order) - len(LAST_KEYS)  # perhaps a key of a later version: in the middle
    ranks = {key: rank + (rank >= unknown) for rank, key in enumerate(order)}
    return tuple(sorted(keys, key=lambda block: ranks.get(block.key, unknown)))


def _assemble(document: Document, blocks: FileBlocks, formatted: FormattedQuery | None) -> str:
    """Return the text of the file, with the formatted query if there is one."""
    if formatted is None:
        return blocks.text()
    return blocks.with_value(QUERY, *_query_lines(document, formatted)).text()


def _query_lines(document: Document, formatted: FormattedQuery) -> tuple[list[str], list[str]]:
    """Return the lines of the key and the query, and the comments that have no place there."""
    text = document.text
    key, place = document.keys[(QUERY,)], document.places[(QUERY,)]
    comments = comments_beside(document, QUERY)
    start = f"{text[key.offset : key.end_offset]}:"
    comment = f" {comments[0]}" if comments else ""
    if place.style == "" and "\n" not in formatted.text:
        return [f"{start} {formatted.text}{comment}"], comments[1:]
    indented = [_INDENT + line if line else "" for line in formatted.text.split("\n")]
    return [f"{start} |{comment}", *indented], comments[1:]


def _is_equivalent(document: Document, text: str, formatted: FormattedQuery | None) -> bool:
    """Return whether a text has the same values and comments as a document."""
    result = parse_document(document.file, text)
    if result.diagnostics or not isinstance(result.value, dict):
        return False
    before, after = dict(document.value), dict(result.value)
    if formatted is not None:
        query = after.pop(QUERY, None)
        del before[QUERY]
        if not isinstance(query, str) or query.strip() != formatted.text:
            return False
    return same_values(before, after) and comments_of(document) == comments_of(result)


def same_values(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Return whether two files have the same keys, and the same value for each."""
    # As text, 1 differs from 1.0 and from true, and NaN does not differ from itself.
    same_keys = before.keys() == after.keys()
    return same_keys and all(repr(before[key]) == repr(after[key]) for key in before)


def split_layout(text: str) -> tuple[str, str, str]:
    """Return the byte order mark of a segment file, its text with LF, and its line end."""
    mark, body = _split_byte_order_mark(text)
    line_end = "\r\n" if body[: body.find("\n")].endswith("\r") else "\n"
    return mark, body.replace("\r\n", "\n"), line_end


def _split_byte_order_mark(text: str) -> tuple[str, str]:
    return ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)


def _unformatted_file(reason: str, span: Span) -> Diagnostic:
    return _problem(f"the file stays as it is: {reason}", span)


def _problem(summary: str, span: Span) -> Diagnostic:
    return Diagnostic("not-formatted", Severity.WARNING, summary, span)
