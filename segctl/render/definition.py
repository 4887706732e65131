"""A segment's definition as lines, and two of them side by side or one under the other.

Owns what a line of a definition is, for the views that show a whole segment. Lines are cleaned;
a longer one than anybody reads is cut, and says so.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.render.lists import format_lists
from segctl.render.terminal import clean, clean_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.model import Change, Segment
    from segctl.model.contact_fields import ListNames

CONTEXT = 3
"""Equal lines that are shown around a change."""

LONGEST_LINE = 2_000
"""Characters of a line that are shown."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a diff: `mark` is `+`, `-`, a space, or `…` where lines are left out."""

    mark: str
    text: str = ""


def query_lines(query: str) -> list[str]:
    """Give the lines of a query."""
    return [_cut(line) for line in clean_lines(query.strip("\n"))]


def field_lines(segment: Segment, fields: Sequence[str], lists: ListNames) -> Iterator[str]:
    """Give the lines of the other fields, among those named."""
    if "name" in fields:
        yield f"name: {_cut(clean(segment.name))}"
    if "parent_list_ids" in fields and segment.parent_list_ids:
        yield f"parent_list_ids: {_cut(format_lists(sorted(segment.parent_list_ids), lists))}"


def unified(before: Segment | None, after: Segment | None, lists: ListNames) -> Iterator[Line]:
    """Give one under the other; `None` is nothing.

    The name is among the lines where it changes; the query only if it does.
    """
    if before is None or after is None:
        one, mark = (after, "+") if before is None else (before, "-")
        if one is not None:
            yield from (Line(mark, text) for text in field_lines(one, ("parent_list_ids",), lists))
            yield from (Line(mark, text) for text in query_lines(one.query))
        return
    for field in ("name", "parent_list_ids"):
        old, new = (list(field_lines(one, (field,), lists)) for one in (before, after))
        if old != new:
            yield from (Line("-", text) for text in old)
            yield from (Line("+", text) for text in new)
    if before.query != after.query:
        yield from _diff(query_lines(before.query), query_lines(after.query))


def sides(change: Change) -> tuple[Segment | None, Segment | None]:
    """Give what is there before and after a change."""
    return getattr(change, "before", None), getattr(change, "after", None)


def hunks(
    old: Sequence[str], new: Sequence[str], context: int = CONTEXT
) -> Iterator[tuple[str, range, range]]:
    """Give stretches of lines, `equal`, `changed` or `gap`, and where they are on both sides.

    A gap is where lines that are equal, and far from any change, are left out; it is empty.
    """
    end = 0
    # Lines that are everywhere in a long text guide nothing: without them it takes no square time.
    matcher = difflib.SequenceMatcher(None, old, new)
    for group in matcher.get_grouped_opcodes(context):
        if group[0][1] > end:
            yield "gap", range(0), range(0)
        for kind, i, j, k, m in group:
            yield "equal" if kind == "equal" else "changed", range(i, j), range(k, m)
            end = j
    if 0 < end < len(old):
        yield "gap", range(0), range(0)


def _diff(old: list[str], new: list[str]) -> Iterator[Line]:
    for kind, olds, news in hunks(old, new):
        if kind == "gap":
            yield Line("…")
            continue
        yield from (Line(" " if kind == "equal" else "-", old[i]) for i in olds)
        if kind != "equal":
            yield from (Line("+", new[i]) for i in news)


def _cut(line: str) -> str:
    if len(line) <= LONGEST_LINE:
        return line
    return f"{line[:LONGEST_LINE]} … ({len(line) - LONGEST_LINE:,} more characters)"
