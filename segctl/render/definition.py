"""A segment's definition as lines, and two definitions as a diff.

For the views that show a whole segment. Lines are cleaned, and very long ones are truncated with a
note. Does not draw anything.
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
"""Unchanged lines that are shown around a change."""

MAX_LINE = 2_000
"""Characters of a line that are shown."""


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a diff: `mark` is `+`, `-`, a space, or `…` where lines are left out."""

    mark: str
    text: str = ""


def query_lines(query: str) -> list[str]:
    """Return the lines of a query."""
    return [_truncate(line) for line in clean_lines(query.strip("\n"))]


def field_lines(segment: Segment, fields: Sequence[str], lists: ListNames) -> Iterator[str]:
    """Yield a line for each other field, among those named."""
    if "name" in fields:
        yield f"name: {_truncate(clean(segment.name))}"
    if "parent_list_ids" in fields and segment.parent_list_ids:
        ids = format_lists(sorted(segment.parent_list_ids), lists)
        yield f"parent_list_ids: {_truncate(ids)}"


def unified_diff(
    before: Segment | None, after: Segment | None, lists: ListNames
) -> Iterator[DiffLine]:
    """Yield the diff of two definitions; `None` where the segment does not exist.

    The name and the query are included only where they change.
    """
    if before is None or after is None:
        segment, mark = (after, "+") if before is None else (before, "-")
        if segment is not None:
            for text in field_lines(segment, ("parent_list_ids",), lists):
                yield DiffLine(mark, text)
            for text in query_lines(segment.query):
                yield DiffLine(mark, text)
        return
    for field in ("name", "parent_list_ids"):
        old_lines, new_lines = (
            list(field_lines(segment, (field,), lists)) for segment in (before, after)
        )
        if old_lines != new_lines:
            yield from (DiffLine("-", text) for text in old_lines)
            yield from (DiffLine("+", text) for text in new_lines)
    if before.query != after.query:
        yield from _diff(query_lines(before.query), query_lines(after.query))


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


def _truncate(line: str) -> str:
    if len(line) <= MAX_LINE:
        return line
    return f"{line[:MAX_LINE]} … ({len(line) - MAX_LINE:,} more characters)"
