"""The layout of a query: the same words on other lines. What `segctl fmt` does to a query.

The style, as in `segments/`:

- SELECT, FROM, each JOIN and WHERE begin a line; each further condition begins one with AND or
  OR, indented by two spaces; an AND between ORs that has no parentheses by two more;
- a group in parentheses and a subquery stand on lines of their own, indented, but for a condition
  and what it says of NULL: `(country != 'US' OR country IS NULL)`;
- lists (IN, arrays) that make a line longer than `WIDTH` are wrapped;
- a query of one condition that its author wrote on one line, and that fits there, stays there;
- keywords are in upper case. Names, functions, types, strings and numbers are not touched;
- comments stay with their condition: behind it, or on lines of their own above it;
- a query with a comment for segctl (`-- segctl: ignore[…]`), which is about a line, is only laid
  out where every word and comment stays on its line.

Owns the placing of words and comments, and the proof: the result is read again, and must have
the same words but for the case of keywords, the same comments in the same order, and the same
normal form. Otherwise the text comes back as it was, with the reason. Words are never added or
removed, so redundant parentheses and a final `;` stay. Never raises. Where lines break is
`lines.py`'s.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segctl.query.equivalence import normal_form
from segctl.query.format.line_breaks import STEP, Lines, Listing, lines_of
from segctl.query.parser.parse import ParsedQuery, parse
from segctl.query.parser.tokens import Token, TokenKind

if TYPE_CHECKING:
    from segctl.query.ast import Comment, Query

WIDTH = 100
"""Lines are kept to so many characters where a list can be wrapped to do it."""

_BREAKS = ("\n", "\r")
_BREAK = re.compile(r"\r\n|[\r\n]")
_NOTED = (
    "a comment for segctl stands in it, and a new layout could change what it covers:"
    " such comments are for a line"
)


@dataclass(frozen=True, slots=True)
class FormattedQuery:
    """A query laid out, without white space around it; lines end with LF.

    Where `reason` is not empty, `text` is the query as it was written, white space and all.
    """

    text: str
    reason: str = ""


def format_query(parsed: ParsedQuery) -> FormattedQuery:
    """Lay out a query that was read. Idempotent: its own result comes back as it is."""
    if parsed.query is None:
        return FormattedQuery(parsed.text, f"segctl cannot read it: {parsed.problems[0].message}")
    try:
        style = lines_of(parsed, parsed.query)
        text = _Writer(parsed, parsed.query, style).text()
    except RecursionError:  # the caller stood deep in the stack already
        return FormattedQuery(parsed.text, "it is nested too deep")
    if text == parsed.text.strip():
        return FormattedQuery(text)
    after = parse(text)
    if not _proven(parsed, after, style):
        return FormattedQuery(parsed.text, "segctl could not prove that its layout means the same")
    noted = any("segctl:" in comment.text for comment in parsed.query.comments)
    if noted and _placed(parsed) != _placed(after):
        return FormattedQuery(parsed.text, _NOTED)
    return FormattedQuery(text)


def _placed(parsed: ParsedQuery) -> tuple[list[int], list[int]]:
    """Return the lines that words and comments begin on, counted from the first of them."""
    comments = parsed.query.comments if parsed.query else ()
    marks = sorted([*(word.start for word in parsed.tokens), *(c.start for c in comments)])
    lines: dict[int, int] = {}
    line = 0
    for before, start in zip([marks[0], *marks], marks, strict=False):
        line += len(_BREAK.findall(parsed.text, before, start))
        lines[start] = line
    return [lines[word.start] for word in parsed.tokens], [lines[c.start] for c in comments]


def _proven(before: ParsedQuery, after: ParsedQuery, style: Lines) -> bool:
    """Tell whether two texts hold the same words and comments, and mean the same."""
    if before.query is None or after.query is None or len(before.tokens) != len(after.tokens):
        return False
    for number, (old, new) in enumerate(zip(before.tokens, after.tokens, strict=True)):
        keyword = number in style.keywords and old.upper == new.text
        if old.kind is not new.kind or (old.text != new.text and not keyword):
            return False
    comments = [[_trimmed(c) for c in query.comments] for query in (before.query, after.query)]
    return comments[0] == comments[1] and normal_form(before.query) == normal_form(after.query)


def _trimmed(comment: Comment) -> str:
    """Return a comment without the white space at the end of its line."""
    return comment.text.rstrip() if comment.text.startswith("--") else comment.text


@dataclass(slots=True)
class _Gap:
    """The comments before a word, each with whether it begins a line; and whether the word does."""

    comments: list[tuple[str, bool]] = field(default_factory=list)
    breaks: bool = False

    @property
    def broken(self) -> bool:
        """Whether a line ends in it."""
        return self.breaks or any(breaks for _, breaks in self.comments)


class _Writer:
    def __init__(self, parsed: ParsedQuery, query: Query, style: Lines) -> None:
        self.source = parsed.text
        self.tokens = parsed.tokens
        self.style = style
        self.breaks = style.breaks
        self.gaps = self._gaps(query.comments)
        self.columns = self._columns()
        self.single = (
            style.plain
            and not any(mark in self.source.strip() for mark in _BREAKS)
            and self._end(len(self.tokens) - 1) <= WIDTH
        )

    def text(self) -> str:
        """Write it."""
        if self.single:
            self.breaks = {}
        else:
            self._move_comments()
            self._wrap_lists()
        pieces: list[str] = []
        indent = 0
        for number in range(len(self.tokens) + 1):
            inside = indent
            indent = self.breaks.get(number, indent)
            if number in self.gaps:
                pieces += self._commented(number, inside)
            elif number in self.breaks:
                pieces.append("\n" + " " * indent)
            elif number < len(self.tokens):
                pieces.append(self._space(number))
            if number < len(self.tokens):
                word = self.tokens[number]
                pieces.append(word.upper if number in self.style.keywords else word.text)
        return "".join(pieces).strip()

    def _commented(self, number: int, inside: int) -> list[str]:
        """Write the comments before a word and the white space up to it."""
        gap = self.gaps[number]
        begins = number in self.breaks
        level = self.breaks.get(number, inside + STEP)
        if number in self.style.closers:
            level += STEP
        elif number == len(self.tokens):
            level = 0
        pieces: list[str] = []
        for comment, breaks in gap.comments:
            pieces += ["\n" + " " * level if breaks else " ", comment]
        if begins:
            pieces.append("\n" + " " * self.breaks[number])
        else:
            pieces.append("\n" + " " * level if gap.breaks else " ")
        return pieces

    def _space(self, number: int) -> str:
        """Return the white space before a word that begins no line."""
        word = self.tokens[number]
        before = self.tokens[number - 1] if number else None
        if before is None or number in self.style.close or _clings(before, word):
            return ""
        if word.text == ".":  # of a name, unless it begins a number
            after = self.tokens[number + 1 : number + 2]
            return " " if after and after[0].kind is TokenKind.NUMBER else ""
        return " "

    def _columns(self) -> list[int]:
        """Return where each word would begin if the query stood on one line."""
        columns: list[int] = []
        end = 0
        for number, word in enumerate(self.tokens):
            columns.append(end + len(self._space(number)))
            end = columns[-1] + len(word.text)
        return columns

    def _end(self, number: int) -> int:
        return self.columns[number] + len(self.tokens[number].text)

    def _gaps(self, comments: tuple[Comment, ...]) -> dict[int, _Gap]:
        """Sort the comments by the number of the word that follows."""
        starts = [word.start for word in self.tokens]
        gaps: dict[int, _Gap] = {}
        ends: dict[int, int] = {}
        for comment in comments:
            number = bisect_left(starts, comment.start)
            gap = gaps.setdefault(number, _Gap())
            end = ends.get(number, self.tokens[number - 1].end if number else 0)
            gap.comments.append((_trimmed(comment), self._breaks(end, comment.start)))
            ends[number] = comment.end
        for number, gap in gaps.items():
            until = starts[number] if number < len(starts) else len(self.source)
            gap.breaks = self._breaks(ends[number], until)
        return gaps

    def _breaks(self, start: int, end: int) -> bool:
        between = self.source[start:end]
        return any(mark in between for mark in _BREAKS)

    def _move_comments(self) -> None:
        """Put comments where lines break anyway: behind commas, before AND, OR and WHERE."""
        for number in sorted(self.gaps):
            if number == len(self.tokens) or number in self.breaks:
                continue
            if self.tokens[number].text in (",", ";") and self.gaps[number].broken:
                self._prepend(self.gaps.pop(number), number + 1)
        for number in sorted(self.gaps):
            if number - 1 in self.style.heads and number not in self.breaks:
                gap = self.gaps[number]
                if gap.broken:
                    self._append(self.gaps.pop(number), number - 1)

    def _prepend(self, gap: _Gap, number: int) -> None:
        """Move comments from before a comma to behind it."""
        known = self.gaps.get(number)
        if known is None:
            self.gaps[number] = gap
            return
        (text, breaks), *rest = known.comments
        known.comments = [*gap.comments, (text, breaks or gap.breaks), *rest]

    def _append(self, gap: _Gap, number: int) -> None:
        """Move comments from behind a word that begins a line to above it.

        Behind an AND that ended a line they go on ending the line of the condition before.
        """
        above = self.gaps.setdefault(number, _Gap())
        before = self.tokens[number - 1].end if number else 0
        ended = number in self.style.junctions and not self._breaks(
            before, self.tokens[number].start
        )
        (text, breaks), *rest = gap.comments
        last = above.comments[-1][0] if above.comments else ""
        breaks = breaks or not ended or last.startswith("--")
        above.comments += [(text, breaks), *rest]
        above.breaks = True

    def _wrap_lists(self) -> None:
        """Break the lists that make a line too long, or that hold comments between lines."""
        order = sorted(self.breaks)
        noted = sorted(number for number, gap in self.gaps.items() if gap.broken)
        for listing in sorted(self.style.lists, key=lambda listing: listing.opened):
            after = bisect_right(order, listing.opened)
            begin = order[after - 1]
            end = order[after] if after < len(order) else len(self.tokens)
            width = self.breaks[begin] + self._end(end - 1) - self.columns[begin]
            held = bisect_right(noted, listing.closed) > bisect_right(noted, listing.opened)
            if (width > WIDTH or held) and end > listing.closed:
                order[after:after] = self._wrap(listing, single=held)

    def _wrap(self, listing: Listing, *, single: bool) -> list[int]:
        """Break one list; return the words that now begin lines."""
        indent = listing.indent
        added: list[int] = []
        column = 0
        for number, start in enumerate(listing.items):
            last = number == len(listing.items) - 1
            end = self._end((listing.closed if last else listing.items[number + 1]) - 1)
            width = end - self.columns[start]
            if single or not added or column + 1 + width > WIDTH:
                added.append(start)
                self.breaks[start] = indent + STEP
                column = indent + STEP + width
            else:
                column += 1 + width
        self.breaks[listing.closed] = indent
        self.style.closers.add(listing.closed)
        return [*added, listing.closed]


def _clings(before: Token, word: Token) -> bool:
    """Tell whether two words stand together whatever they are part of."""
    return (
        before.text in ("(", "[", ".", ":", "::")
        or word.text in (")", "]", ",", ";", ":", "::")
    )  # fmt: skip
