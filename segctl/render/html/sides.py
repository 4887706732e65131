"""Two texts side by side, line by line, with the words that differ marked.

Pairs lines and words as plain data; only `diff_table` and `listing` draw. Knows nothing of plans.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from segctl.render.definition import field_lines, hunks
from segctl.render.markup import Html, html, tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.model import Segment
    from segctl.model.contact_fields import ListNames

MAX_ROWS = 1_000
"""Rows of one table: nobody reads more, and a page must stay small."""

_ORDER = ("name", "parent_list_ids", "query_dsl")

_WORD = re.compile(r"\w+|\s+|.")
_MAX_COMPARED = 400
"""Characters of a line that is compared word by word: the time is quadratic."""

_MIN_SIMILARITY = 0.4
"""Less similar lines are unrelated, and marking words in them would only confuse."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A line on one side: its number, its text, and the stretches that differ."""

    number: int
    text: str
    marks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class DiffRow:
    """A line on each side, `None` where there is none; both are `None` for a gap."""

    old: Cell | None = None
    new: Cell | None = None
    same: bool = False


def pair_lines(old_lines: Sequence[str], new_lines: Sequence[str]) -> Iterator[DiffRow]:
    """Yield pairs of lines, without those far from any change."""
    for kind, old_range, new_range in hunks(old_lines, new_lines):
        if kind == "gap":
            yield DiffRow()
        for old_index, new_index in zip_longest(old_range, new_range):
            old = None if old_index is None else Cell(old_index + 1, old_lines[old_index])
            new = None if new_index is None else Cell(new_index + 1, new_lines[new_index])
            yield DiffRow(old, new, same=bool(old and new and old.text == new.text))


def mark_words(old: Cell, new: Cell) -> DiffRow:
    """Return two lines as a pair; the words that differ are marked where the lines are similar."""
    if max(len(old.text), len(new.text)) > _MAX_COMPARED:
        return DiffRow(old, new)
    old_words, new_words = _WORD.findall(old.text), _WORD.findall(new.text)
    matcher = difflib.SequenceMatcher(None, old_words, new_words, autojunk=False)
    if matcher.ratio() < _MIN_SIMILARITY:
        return DiffRow(old, new)
    old_starts, new_starts = _starts(old_words), _starts(new_words)
    changes = [opcode for opcode in matcher.get_opcodes() if opcode[0] != "equal"]
    old_marks = tuple((old_starts[start], old_starts[end]) for _, start, end, _, _ in changes)
    new_marks = tuple((new_starts[start], new_starts[end]) for _, _, _, start, end in changes)
    return DiffRow(Cell(old.number, old.text, old_marks), Cell(new.number, new.text, new_marks))


def _starts(words: Sequence[str]) -> list[int]:
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word))
    return starts


def definition_table(
    before: Segment, after: Segment, fields: Sequence[str], lists: ListNames
) -> Html:
    """Draw two definitions: the query, and the other changed fields."""
    old_lines: list[str] = []
    new_lines: list[str] = []
    for field in sorted(fields, key=_ORDER.index):
        old, new = field_lines(before, after, field, lists)
        old_lines += old
        new_lines += new
    return diff_table(list(pair_lines(old_lines, new_lines)))


def diff_table(rows: Sequence[DiffRow]) -> Html:
    """Draw pairs of lines."""
    body = [_row(row) for row in rows[:MAX_ROWS]]
    rest = len(rows) - len(body)
    if rest:
        body.append(tag("tr", tag("td", f"… {rest:,} more rows", colspan="4"), class_="gap"))
    head = tag(
        "tr",
        tag("th", "Now, on the account", scope="col", colspan="2"),
        tag("th", "After", scope="col", colspan="2"),
    )
    return tag("table", _columns(2), tag("thead", head), tag("tbody", body), class_="diff")


def listing(lines: Sequence[str], kind: str) -> Html:
    """Draw one text: `kind` is `new` or `old`."""
    body = [
        tag("tr", *_cell(Cell(number, text), kind), class_="whole")
        for number, text in enumerate(lines[:MAX_ROWS], 1)
    ]
    rest = len(lines) - len(body)
    if rest:
        body.append(tag("tr", tag("td", f"… {rest:,} more lines", colspan="2"), class_="gap"))
    return tag("table", _columns(1), tag("tbody", body), class_="diff")


def _columns(sides: int) -> Html:
    return tag("colgroup", [tag("col", class_="numbers"), tag("col")] * sides)


def _row(row: DiffRow) -> Html:
    if row.old is None and row.new is None:
        return tag("tr", tag("td", "⋯", colspan="4"), class_="gap")
    if row.old and row.new and not row.same:
        row = mark_words(row.old, row.new)
    return tag(
        "tr",
        *_cell(row.old, "same" if row.same else "old"),
        *_cell(row.new, "same duplicate" if row.same else "new"),
    )


def _cell(cell: Cell | None, kind: str) -> tuple[Html, Html]:
    if cell is None:
        return tag("td", class_="number none"), tag("td", class_="line none")
    return (
        tag("td", str(cell.number), class_=f"number {kind}"),
        tag("td", tag("code", marked_text(cell)), class_=f"line {kind}"),
    )


def marked_text(cell: Cell) -> Html:
    """Return the text of a cell with its marks."""
    pieces: list[str] = []
    end = 0
    for mark_start, mark_end in cell.marks:
        if mark_start == mark_end:  # nothing on this side
            continue
        pieces += [cell.text[end:mark_start], tag("mark", cell.text[mark_start:mark_end])]
        end = mark_end
    return html([*pieces, cell.text[end:]])
