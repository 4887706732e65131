"""Audiences in plain English, for the views that marketers read.

Leaves the explanation of a query to `query.explain`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.model import Delete, Upgrade
from segctl.query.explain import ExplanationLine, explain_lines
from segctl.query.parser.parse import parse
from segctl.query.personal_data import find_email_addresses
from segctl.render.definition import before_and_after
from segctl.render.distinct import distinct
from segctl.render.markup import Html, tag

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from segctl.model import Change, Segment
    from segctl.model.contact_fields import ListNames

_MASKED_CHANGE = ExplanationLine(0, "The change is in an e-mail address, which is masked here.")
_UNREADABLE = (ExplanationLine(0, "segctl cannot parse this query."),)


def explain_segment(segment: Segment, lists: ListNames) -> tuple[ExplanationLine, ...]:
    """Return the lines that explain who is in a segment; only views that show them compute them."""
    query = parse(segment.query).query
    if query is None:
        return _UNREADABLE
    return explain_lines(query, lists=lists, parents=segment.parent_list_ids)


def explain_change(
    change: Change, lists: ListNames
) -> tuple[tuple[str, tuple[ExplanationLine, ...]], ...]:
    """Return who is in a segment before and after a change, with titles; once if it is the same.

    Addresses are masked, so a change that replaces one is said, not shown.
    v1 segments are not explained: SGQL has no explanation, and every view shows the query.
    """
    before, after = before_and_after(change)
    if isinstance(change, Upgrade) or (isinstance(change, Delete) and change.is_v1):
        before = None
    lines_before = explain_segment(before, lists) if before else ()
    lines_after = explain_segment(after, lists) if after else ()
    if lines_before == lines_after:
        if before and after and _addresses(before) != _addresses(after):
            lines_before += (_MASKED_CHANGE,)
        return (("Who is in it", lines_before),) if lines_before else ()
    show = distinct(line.text for line in (*lines_before, *lines_after))
    lines_before, lines_after = (
        tuple(ExplanationLine(line.depth, show(line.text)) for line in lines)
        for lines in (lines_before, lines_after)
    )
    titled = (
        ("Who is in it now" if lines_after else "Who is in it", lines_before),
        ("Who will be in it", lines_after),
    )
    return tuple((title, lines) for title, lines in titled if lines)


def _addresses(segment: Segment) -> list[str]:
    """Return the e-mail addresses in a query, in the order of the alphabet."""
    return sorted(find_email_addresses(segment.query))


def nested_list(
    lines: Sequence[ExplanationLine], show: Callable[[str], Html], depth: int = 1
) -> Html:
    """Return lines as nested lists; `show` turns a text into HTML."""
    items: list[tuple[str, list[ExplanationLine]]] = []
    for line in lines:
        if line.depth > depth and items:
            items[-1][1].append(line)
        else:
            items.append((line.text, []))
    return tag(
        "ul",
        [
            tag("li", show(text), nested_list(inner, show, depth + 1) if inner else Html())
            for text, inner in items
        ],
    )
