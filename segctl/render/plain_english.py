"""Who is in a segment, in plain English, for the views that a marketer reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.model import Delete, Upgrade
from segctl.query.explain import ExplanationLine, explain_lines
from segctl.query.parser.parse import parse
from segctl.render.definition import sides
from segctl.render.markup import Html, tag

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from segctl.model import Change, Segment
    from segctl.model.contact_fields import ListNames

_UNREADABLE = (ExplanationLine(0, "segctl cannot read this query."),)


def audience(segment: Segment, lists: ListNames) -> tuple[ExplanationLine, ...]:
    """Say it line by line, worked out now: only a view that shows it pays for it."""
    query = parse(segment.query).query
    if query is None:
        return _UNREADABLE
    return explain_lines(query, lists=lists, parents=segment.parent_list_ids)


def audiences(
    change: Change, lists: ListNames
) -> tuple[tuple[str, tuple[ExplanationLine, ...]], ...]:
    """Say who is in it before and after a change, each under a title; once if that is the same.

    Of a v1 segment nothing: what SGQL selects is said in no words, and every view shows the query.
    """
    before, after = sides(change)
    if isinstance(change, Upgrade) or (isinstance(change, Delete) and change.is_v1):
        before = None
    now = audience(before, lists) if before else ()
    then = audience(after, lists) if after else ()
    if now == then:
        return (("Who is in it", now),) if now else ()
    titled = (("Who is in it now" if then else "Who is in it", now), ("Who will be in it", then))
    return tuple((title, lines) for title, lines in titled if lines)


def listed(lines: Sequence[ExplanationLine], show: Callable[[str], Html], depth: int = 1) -> Html:
    """Give lines as lists within lists; `show` makes HTML of a text."""
    items: list[tuple[str, list[ExplanationLine]]] = []
    for line in lines:
        if line.depth > depth and items:
            items[-1][1].append(line)
        else:
            items.append((line.text, []))
    return tag(
        "ul",
        [
            tag("li", show(text), listed(inner, show, depth + 1) if inner else Html())
            for text, inner in items
        ],
    )
