"""The layout of a query: the same tokens on other lines, as `segctl fmt` writes them.

The style, as in `segments/`:

- SELECT, FROM, each JOIN and WHERE start a line; each further condition starts one with AND or OR,
  indented by two spaces; an AND between ORs without parentheses by two more;
- a group in parentheses and a subquery are on lines of their own, indented, except for a condition
  with its NULL test: `(country != 'US' OR country IS NULL)`;
- lists (IN, arrays) that make a line longer than `WIDTH` are wrapped;
- a query with a single condition that is written on one line, and fits there, stays on one line;
- keywords are in upper case; names, functions, types, strings and numbers are not touched;
- comments stay with their condition: after it, or on lines of their own above it;
- a query with a segctl comment (`-- segctl: ignore[…]`), which applies to a line, is only formatted
  if every token and comment stays on its line.

Places tokens and comments, and proves the result: it is parsed again, and must have the same tokens
except for the case of keywords, the same comments in the same order, and the same normal form.
Otherwise the text is returned unchanged, with the reason. Tokens are never added or removed, so
redundant parentheses and a final `;` stay. Never raises. `line_breaks` decides where lines break.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segctl.query.equivalence import normal_form
from segctl.query.format.line_breaks import STEP, LineStyle, WrappableList, line_style
from segctl.query.parser.parse import ParsedQuery, parse
from segctl.query.parser.tokens import Token, TokenKind

if TYPE_CHECKING:
    from segctl.query.ast import Comment, Query

WIDTH = 100
"""The longest line in characters, where wrapping a list can achieve it."""

_LINE_ENDS = ("\n", "\r")
_LINE_END = re.compile(r"\r\n|[\r\n]")
_HAS_SEGCTL_COMMENT = (
    "it contains a segctl comment, which applies to its line, and formatting would move lines"
)


@dataclass(frozen=True, slots=True)
class FormattedQuery:
    """A formatted query, without surrounding white space; lines end with LF.

    If `reason` is not empty, the query could not be formatted, and `text` is exactly the input.
    """

    text: str
    reason: str = ""


def format_query(parsed: ParsedQuery) -> FormattedQuery:
    """Format a query. Idempotent: formatting its own result changes nothing."""
    if parsed.query is None:
        return FormattedQuery(parsed.text, f"segctl cannot parse it: {parsed.problems[0].message}")
    try:
        style = line_style(parsed, parsed.query)
        text = _Writer(parsed, parsed.query, style).write()
    except RecursionError:  # the caller is deep in the stack already
        return FormattedQuery(parsed.text, "it is nested too deeply")
    if text == parsed.text.strip():
        return FormattedQuery(text)
    formatted = parse(text, references=True)
    if not _is_same(parsed, formatted, style):
        reason = "segctl could not prove that the formatted query means the same"
        return FormattedQuery(parsed.text, reason)
    has_segctl_comment = any("segctl:" in comment.text for comment in parsed.query.comments)
    if has_segctl_comment and _lines(parsed) != _lines(formatted):
        return FormattedQuery(parsed.text, _HAS_SEGCTL_COMMENT)
    return FormattedQuery(text)


def _lines(parsed: ParsedQuery) -> tuple[list[int], list[int]]:
    """Return the lines on which tokens and comments start, counted from the first of them."""
    comments = parsed.query.comments if parsed.query else ()
    starts = sorted([*(token.start for token in parsed.tokens), *(c.start for c in comments)])
    lines: dict[int, int] = {}
    line = 0
    for before, start in zip([starts[0], *starts], starts, strict=False):
        line += len(_LINE_END.findall(parsed.text, before, start))
        lines[start] = line
    return [lines[token.start] for token in parsed.tokens], [lines[c.start] for c in comments]


def _is_same(before: ParsedQuery, after: ParsedQuery, style: LineStyle) -> bool:
    """Return whether two texts have the same tokens and comments, and mean the same."""
    if before.query is None or after.query is None or len(before.tokens) != len(after.tokens):
        return False
    for index, (old, new) in enumerate(zip(before.tokens, after.tokens, strict=True)):
        keyword = index in style.keywords and old.upper == new.text
        if old.kind is not new.kind or (old.text != new.text and not keyword):
            return False
    comments = [[_trimmed(c) for c in query.comments] for query in (before.query, after.query)]
    return comments[0] == comments[1] and normal_form(before.query) == normal_form(after.query)


def _trimmed(comment: Comment) -> str:
    """Return a comment without white space at the end of its line."""
    return comment.text.rstrip() if comment.text.startswith("--") else comment.text


@dataclass(slots=True)
class _Gap:
    """The comments before a token, and which of them, and whether the token, start a line."""

    comments: list[tuple[str, bool]] = field(default_factory=list)
    breaks: bool = False

    @property
    def has_break(self) -> bool:
        """Whether a line ends in this gap."""
        return self.breaks or any(breaks for _, breaks in self.comments)


class _Writer:
    def __init__(self, parsed: ParsedQuery, query: Query, style: LineStyle) -> None:
        self.text = parsed.text
        self.tokens = parsed.tokens
        self.style = style
        self.breaks = style.breaks
        self.gaps = self._gaps(query.comments)
        self.columns = self._columns()
        self.is_single_line = (
            style.is_simple
            and not any(mark in self.text.strip() for mark in _LINE_ENDS)
            and self._end_column(len(self.tokens) - 1) <= WIDTH
        )

    def write(self) -> str:
        """Return the formatted text."""
        if self.is_single_line:
            self.breaks = {}
        else:
            self._move_comments()
            self._wrap_lists()
        pieces: list[str] = []
        indent = 0
        for index in range(len(self.tokens) + 1):
            inside = indent
            indent = self.breaks.get(index, indent)
            if index in self.gaps:
                pieces += self._write_gap(index, inside)
            elif index in self.breaks:
                pieces.append("\n" + " " * indent)
            elif index < len(self.tokens):
                pieces.append(self._space(index))
            if index < len(self.tokens):
                token = self.tokens[index]
                pieces.append(token.upper if index in self.style.keywords else token.text)
        return "".join(pieces).strip()

    def _write_gap(self, index: int, inside: int) -> list[str]:
        """Return the comments before a token, with all white space up to it."""
        gap = self.gaps[index]
        starts_line = index in self.breaks
        level = self.breaks.get(index, inside + STEP)
        if index in self.style.closers:
            level += STEP
        elif index == len(self.tokens):
            level = 0
        pieces: list[str] = []
        for comment, breaks in gap.comments:
            pieces += ["\n" + " " * level if breaks else " ", comment]
        if starts_line:
            pieces.append("\n" + " " * self.breaks[index])
        else:
            pieces.append("\n" + " " * level if gap.breaks else " ")
        return pieces

    def _space(self, index: int) -> str:
        """Return the white space before a token that does not start a line."""
        token = self.tokens[index]
        before = self.tokens[index - 1] if index else None
        if before is None or index in self.style.attached or _is_attached(before, token):
            return ""
        if token.text == ".":  # part of a name, unless it starts a number
            after = self.tokens[index + 1 : index + 2]
            return " " if after and after[0].kind is TokenKind.NUMBER else ""
        return " "

    def _columns(self) -> list[int]:
        """Return the column of each token if the query were on one line."""
        columns: list[int] = []
        end = 0
        for index, token in enumerate(self.tokens):
            columns.append(end + len(self._space(index)))
            end = columns[-1] + len(token.text)
        return columns

    def _end_column(self, index: int) -> int:
        return self.columns[index] + len(self.tokens[index].text)

    def _gaps(self, comments: tuple[Comment, ...]) -> dict[int, _Gap]:
        """Return the comments by the index of the token that follows."""
        starts = [token.start for token in self.tokens]
        gaps: dict[int, _Gap] = {}
        ends: dict[int, int] = {}
        for comment in comments:
            index = bisect_left(starts, comment.start)
            gap = gaps.setdefault(index, _Gap())
            end = ends.get(index, self.tokens[index - 1].end if index else 0)
            gap.comments.append((_trimmed(comment), self._has_break(end, comment.start)))
            ends[index] = comment.end
        for index, gap in gaps.items():
            until = starts[index] if index < len(starts) else len(self.text)
            gap.breaks = self._has_break(ends[index], until)
        return gaps

    def _has_break(self, start: int, end: int) -> bool:
        between = self.text[start:end]
        return any(mark in between for mark in _LINE_ENDS)

    def _move_comments(self) -> None:
        """Move comments to where lines break anyway: after commas, before AND, OR and WHERE."""
        for index in sorted(self.gaps):
            if index == len(self.tokens) or index in self.breaks:
                continue
            if self.tokens[index].text in (",", ";") and self.gaps[index].has_break:
                self._prepend(self.gaps.pop(index), index + 1)
        for index in sorted(self.gaps):
            if index - 1 in self.style.heads and index not in self.breaks:
                gap = self.gaps[index]
                if gap.has_break:
                    self._append(self.gaps.pop(index), index - 1)

    def _prepend(self, gap: _Gap, index: int) -> None:
        """Move comments from before a comma to after it."""
        existing = self.gaps.get(index)
        if existing is None:
            self.gaps[index] = gap
            return
        (text, breaks), *rest = existing.comments
        existing.comments = [*gap.comments, (text, breaks or gap.breaks), *rest]

    def _append(self, gap: _Gap, index: int) -> None:
        """Move comments from after a token that starts a line to the line above.

        After an AND that ended a line, they still end the line of the condition before it.
        """
        above = self.gaps.setdefault(index, _Gap())
        before = self.tokens[index - 1].end if index else 0
        was_at_end = index in self.style.junctions and not self._has_break(
            before, self.tokens[index].start
        )
        (text, breaks), *rest = gap.comments
        last = above.comments[-1][0] if above.comments else ""
        breaks = breaks or not was_at_end or last.startswith("--")
        above.comments += [(text, breaks), *rest]
        above.breaks = True

    def _wrap_lists(self) -> None:
        """Wrap the lists that make a line too long, or that contain comments with line breaks."""
        order = sorted(self.breaks)
        commented = sorted(index for index, gap in self.gaps.items() if gap.has_break)
        for wrapped in sorted(self.style.lists, key=lambda item: item.opened):
            after = bisect_right(order, wrapped.opened)
            line_start = order[after - 1]
            end = order[after] if after < len(order) else len(self.tokens)
            width = self.breaks[line_start] + self._end_column(end - 1) - self.columns[line_start]
            has_comments = bisect_right(commented, wrapped.closed) > bisect_right(
                commented, wrapped.opened
            )
            if (width > WIDTH or has_comments) and end > wrapped.closed:
                order[after:after] = self._wrap(wrapped, one_per_line=has_comments)

    def _wrap(self, wrapped: WrappableList, *, one_per_line: bool) -> list[int]:
        """Wrap one list; return the indices of the tokens that now start lines."""
        indent = wrapped.indent
        added: list[int] = []
        column = 0
        for index, start in enumerate(wrapped.items):
            last = index == len(wrapped.items) - 1
            end = self._end_column((wrapped.closed if last else wrapped.items[index + 1]) - 1)
            width = end - self.columns[start]
            if one_per_line or not added or column + 1 + width > WIDTH:
                added.append(start)
                self.breaks[start] = indent + STEP
                column = indent + STEP + width
            else:
                column += 1 + width
        self.breaks[wrapped.closed] = indent
        self.style.closers.add(wrapped.closed)
        return [*added, wrapped.closed]


def _is_attached(before: Token, token: Token) -> bool:
    """Return whether no space goes between two tokens, whatever they are part of."""
    return (
        before.text in ("(", "[", ".", ":", "::")
        or token.text in (")", "]", ",", ";", ":", "::")
    )  # fmt: skip
