"""Two texts side by side, line by line, with the words that differ marked.

Owns the pairing of lines and of words. Pure data until `diff_table` draws it.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from segctl.render.definition import field_lines, hunks, query_lines
from segctl.render.markup import Html, html, tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.model import Segment
    from segctl.model.contact_fields import ListNames

MOST_ROWS = 1_000
"""Rows of one table. Nobody reads more, and a page must stay a page."""

_WORD = re.compile(r"\w+|\s+|.")
_LONGEST_COMPARED = 400
"""Characters of a line that is compared word by word: the work grows with the square."""

_LEAST_ALIKE = 0.4
"""Lines less alike than this are two lines, and marking words in them would only confuse."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A line on one side: its number, its text, and which stretches of it differ."""

    number: int
    text: str
    marks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class DiffRow:
    """A line on each side, `None` where there is none; both are where lines are left out."""

    old: Cell | None = None
    new: Cell | None = None
    same: bool = False


def rows(old: Sequence[str], new: Sequence[str]) -> Iterator[DiffRow]:
    """Pair lines; those far from any change are left out."""
    for kind, olds, news in hunks(old, new):
        if kind == "gap":
            yield DiffRow()
        for a, b in zip_longest(olds, news):
            one = None if a is None else Cell(a + 1, old[a])
            other = None if b is None else Cell(b + 1, new[b])
            yield DiffRow(one, other, same=bool(one and other and one.text == other.text))


def marked(old: Cell, new: Cell) -> DiffRow:
    """Pair two lines, and mark the words that differ where they are alike."""
    if max(len(old.text), len(new.text)) > _LONGEST_COMPARED:
        return DiffRow(old, new)
    left, right = _WORD.findall(old.text), _WORD.findall(new.text)
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    if matcher.ratio() < _LEAST_ALIKE:
        return DiffRow(old, new)
    starts = _starts(left), _starts(right)
    changed = [code for code in matcher.get_opcodes() if code[0] != "equal"]
    return DiffRow(
        Cell(
            old.number, old.text, tuple((starts[0][i], starts[0][j]) for _, i, j, _, _ in changed)
        ),
        Cell(
            new.number, new.text, tuple((starts[1][k], starts[1][m]) for _, _, _, k, m in changed)
        ),
    )


def _starts(words: Sequence[str]) -> list[int]:
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word))
    return starts


def definition_table(
    before: Segment, after: Segment, fields: Sequence[str], lists: ListNames
) -> Html:
    """Draw two definitions: the query, and what else changed."""
    other = [field for field in fields if field != "query_dsl"]
    old, new = (
        [
            *field_lines(one, other, lists),
            *(query_lines(one.query) if "query_dsl" in fields else []),
        ]
        for one in (before, after)
    )
    return diff_table(list(rows(old, new)))


def diff_table(pairs: Sequence[DiffRow]) -> Html:
    """Draw pairs of lines."""
    shown = [_row(pair) for pair in pairs[:MOST_ROWS]]
    left = len(pairs) - len(shown)
    if left:
        shown.append(tag("tr", tag("td", f"… {left:,} more rows", colspan="4"), class_="gap"))
    head = tag(
        "tr",
        tag("th", "Now, on the account", scope="col", colspan="2"),
        tag("th", "After", scope="col", colspan="2"),
    )
    return tag("table", _columns(2), tag("thead", head), tag("tbody", shown), class_="diff")


def listing(lines: Sequence[str], kind: str) -> Html:
    """Draw one text: `kind` is `new` or `old`."""
    body = [
        tag("tr", *_cell(Cell(number, text), kind), class_="whole")
        for number, text in enumerate(lines[:MOST_ROWS], 1)
    ]
    left = len(lines) - len(body)
    if left:
        body.append(tag("tr", tag("td", f"… {left:,} more lines", colspan="2"), class_="gap"))
    return tag("table", _columns(1), tag("tbody", body), class_="diff")


def _columns(sides: int) -> Html:
    return tag("colgroup", [tag("col", class_="numbers"), tag("col")] * sides)


def _row(pair: DiffRow) -> Html:
    if pair.old is None and pair.new is None:
        return tag("tr", tag("td", "⋯", colspan="4"), class_="gap")
    if pair.old and pair.new and not pair.same:
        pair = marked(pair.old, pair.new)
    return tag(
        "tr",
        *_cell(pair.old, "same" if pair.same else "old"),
        *_cell(pair.new, "same twin" if pair.same else "new"),
    )


def _cell(cell: Cell | None, kind: str) -> tuple[Html, Html]:
    if cell is None:
        return tag("td", class_="number none"), tag("td", class_="line none")
    return (
        tag("td", str(cell.number), class_=f"number {kind}"),
        tag("td", tag("code", emphasised(cell)), class_=f"line {kind}"),
    )


def emphasised(cell: Cell) -> Html:
    """Show the text of a cell with its marks."""
    pieces: list[str] = []
    end = 0
    for start, stop in cell.marks:
        if start == stop:  # nothing on this side
            continue
        pieces += [cell.text[end:start], tag("mark", cell.text[start:stop])]
        end = stop
    return html([*pieces, cell.text[end:]])
