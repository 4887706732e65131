"""A segment's definition as lines, and two definitions as a diff.

For the views that show a whole segment. Lines are cleaned, and very long ones are truncated with a
note. Does not draw anything.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.render.distinct import MAX_LINE, distinct, distinct_lines, shortened
from segctl.render.lists import format_lists

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.model import Change, Segment
    from segctl.model.contact_fields import ListNames

CONTEXT = 3
"""Unchanged lines that are shown around a change."""


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a diff: `mark` is `+`, `-`, a space, or `…` where lines are left out."""

    mark: str
    text: str = ""


def whole_lines(segment: Segment, lists: ListNames) -> list[str]:
    """Return the parent list and the query of a segment that is created or deleted."""
    query, _ = _shortened(distinct_lines(segment.query))
    return [*_parent_lines(segment, lists), *query]


def field_lines(
    before: Segment, after: Segment, field: str, lists: ListNames
) -> tuple[list[str], list[str]]:
    """Return the lines of a field before and after a change; lines that differ look different."""
    match field:
        case "name":
            show = distinct((before.name, after.name))
            return [f"name: {show(before.name)}"], [f"name: {show(after.name)}"]
        case "parent_list_ids":
            return _parent_lines(before, lists), _parent_lines(after, lists)
        case _:
            return _shortened(distinct_lines(before.query, after.query))


def _parent_lines(segment: Segment, lists: ListNames) -> list[str]:
    if not segment.parent_list_ids:
        return []
    line = f"parent_list_ids: {format_lists(sorted(segment.parent_list_ids), lists)}"
    return [shortened([line])[line]]


def _shortened(sides: tuple[list[str], list[str]]) -> tuple[list[str], list[str]]:
    old, new = sides
    short = shortened({line for line in (*old, *new) if len(line) > MAX_LINE})
    return [short.get(line, line) for line in old], [short.get(line, line) for line in new]


def unified_diff(
    before: Segment | None, after: Segment | None, lists: ListNames
) -> Iterator[DiffLine]:
    """Yield the diff of two definitions; `None` where the segment does not exist.

    The name and the query are included only where they change.
    """
    if before is None or after is None:
        segment, mark = (after, "+") if before is None else (before, "-")
        if segment is not None:
            yield from (DiffLine(mark, text) for text in whole_lines(segment, lists))
        return
    for field in ("name", "parent_list_ids"):
        old_lines, new_lines = field_lines(before, after, field, lists)
        if old_lines != new_lines:
            yield from (DiffLine("-", text) for text in old_lines)
            yield from (DiffLine("+", text) for text in new_lines)
    if before.query != after.query:
        yield from _diff(*field_lines(before, after, "query_dsl", lists))


def before_and_after(change: Change) -> tuple[Segment | None, Segment | None]:
    """Return the segment before and after a change."""
    return getattr(change, "before", None), getattr(change, "after", None)


def hunks(
    old_lines: Sequence[str], new_lines: Sequence[str], context: int = CONTEXT
) -> Iterator[tuple[str, range, range]]:
    """Yield stretches of lines, `equal`, `changed` or `gap`, and their ranges on both sides.

    A gap stands for equal lines far from any change; its ranges are empty.
    """
    end = 0
    # autojunk ignores lines that repeat often in a long text: without it, the time is quadratic.
    matcher = difflib.SequenceMatcher(None, old_lines, new_lines)
    for group in matcher.get_grouped_opcodes(context):
        if group[0][1] > end:
            yield "gap", range(0), range(0)
        for kind, old_start, old_end, new_start, new_end in group:
            stretch = "equal" if kind == "equal" else "changed"
            yield stretch, range(old_start, old_end), range(new_start, new_end)
            end = old_end
    if 0 < end < len(old_lines):
        yield "gap", range(0), range(0)


def _diff(old_lines: list[str], new_lines: list[str]) -> Iterator[DiffLine]:
    for kind, old_range, new_range in hunks(old_lines, new_lines):
        if kind == "gap":
            yield DiffLine("…")
            continue
        mark = " " if kind == "equal" else "-"
        yield from (DiffLine(mark, old_lines[index]) for index in old_range)
        if kind != "equal":
            yield from (DiffLine("+", new_lines[index]) for index in new_range)
