"""Comments in a query that hide what their author wrote on the next line.

YAML joins the lines of a folded block (`>`), of a plain value and of a quoted one. A `--` comment
then runs on to the end of the joined line, and the condition that stood below it is gone: the
query selects everyone. Does not judge comments of a literal block (`|`) or of a `.sql` file, whose
line breaks stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.documents.yaml_positions import ScalarMap, TextMap
from segctl.errors import Span

if TYPE_CHECKING:
    from segctl.documents.document import Document, Path, Place

_QUERY: Path = ("query_dsl",)


def check_joined_comments(document: Document, query: str, path: Path = _QUERY) -> None:
    """Report each comment of the query at a path that hides text of a later line of the file."""
    place = _written_at(document, path)
    if place is None or place.style == "|" or "--" not in query:
        return
    written = document.text[place.offset : place.end_offset]
    if not any(line_break in written for line_break in "\n\r"):
        return
    from segctl.query.parser.lexer import find_comments  # noqa: PLC0415 - only for such a query

    scalar = ScalarMap(document.text, place.offset, place.end_offset, place.style, query)
    lines = TextMap(document.text)
    for comment in find_comments(query):
        if not comment.text.startswith("--"):
            continue
        line, column = lines.locate(scalar.index(comment.start))
        hidden = _first_hidden_line(comment.text, comment.start, line, scalar, lines)
        if hidden:
            document.report_at(
                "comment-hides-query",
                f"the comment also hides line {hidden}, because YAML joins the lines of this value",
                Span(document.file, line, column),
                hint=f"write `{path[-1]}: |`, which keeps the line breaks",
            )


def _written_at(document: Document, path: Path) -> Place | None:
    """Return the place of the query's text, which is that of the anchor if the query repeats it."""
    place, text = document.places.get(path), document.text
    if place is None or text[place.offset : place.offset + 1] != "*":
        return place
    anchor = f"&{text[place.offset + 1 : place.end_offset]}"
    anchored = (
        other
        for other in document.places.values()
        if other.offset < place.offset
        and text.startswith(anchor, other.offset)
        and not text[other.offset + len(anchor)].strip()
    )
    # An anchor may be given again: an alias means the last one above it.
    return max(anchored, key=lambda other: other.offset, default=None)


def _first_hidden_line(
    comment: str, start: int, line: int, scalar: ScalarMap, lines: TextMap
) -> int:
    """Return the first later line with text that is not a comment itself, 0 if there is none.

    Where positions are not proven, every character is on the line of the comment.
    """
    later: dict[int, str] = {}
    for offset, char in enumerate(comment, start):
        at, _ = lines.locate(scalar.index(offset))
        if at > line:
            later[at] = later.get(at, "") + char
    texts = ((number, text.strip()) for number, text in later.items())
    return next((number for number, text in texts if text and not text.startswith("--")), 0)
