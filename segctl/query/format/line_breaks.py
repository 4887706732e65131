"""Where the lines of a query break, which of its words are keywords, which stand close.

Owns the style; `layout` puts the words on paper by it and describes it. Everything here is a set
of word numbers, so nothing here can add, drop or change a word. Refuses to look into clauses that
segctl does not read (`Extra`): they go on one line, with spaces where the author had any.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segctl.query import ast
from segctl.query.catalogue import UnsupportedKind
from segctl.query.parser.cursor import RESERVED
from segctl.query.parser.tokens import TokenKind
from segctl.query.visit import children, walk

if TYPE_CHECKING:
    from segctl.query.ast import Node
    from segctl.query.parser.parse import ParsedQuery

STEP = 2
"""One level of indentation, in spaces."""

_KEYWORDS = RESERVED - {"WITH"}  # it can only stand in the name of a type


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that may be wrapped: the numbers of its brackets and of the first word of each item.

    `indent` is that of the condition in which it stands.
    """

    opened: int
    items: tuple[int, ...]
    closed: int
    indent: int


@dataclass(slots=True)
class Lines:
    """The style of one query, by the numbers of its words.

    `breaks` goes from the word that begins a line to the line's indentation. `closers` are the
    closing parentheses among them, `heads` the keywords among them that belong to what follows
    on their line, `junctions` the ANDs and ORs among these. `close` words have no space before
    them. `plain` says that the query is short enough in shape for a single line.
    """

    breaks: dict[int, int] = field(default_factory=dict)
    closers: set[int] = field(default_factory=set)
    heads: set[int] = field(default_factory=set)
    junctions: set[int] = field(default_factory=set)
    close: set[int] = field(default_factory=set)
    keywords: set[int] = field(default_factory=set)
    lists: list[Listing] = field(default_factory=list)
    plain: bool = False


def lines_of(parsed: ParsedQuery, query: ast.Query) -> Lines:
    """Work out the style of a query, the tree of `parsed`. Linear in the number of words."""
    maker = _Maker(parsed, query)
    maker.query(query, 0)
    maker.words(query)
    maker.lines.plain = (
        not (query.joins or query.comments or query.unsupported)
        and not isinstance(query.where, ast.And | ast.Or)
        and not maker.lines.closers  # subqueries have some
    )
    return maker.lines


class _Maker:
    def __init__(self, parsed: ParsedQuery, query: ast.Query) -> None:
        self.text = parsed.tokens
        self.first = {word.start: number for number, word in enumerate(parsed.tokens)}
        self.last = {word.end: number for number, word in enumerate(parsed.tokens)}
        self.wraps: dict[tuple[int, int], list[ast.Paren]] = {}
        for paren in query.parens:  # sorted by start: the outermost of a span comes first
            self.wraps.setdefault((paren.inner_start, paren.inner_end), []).append(paren)
        self.lines = Lines()

    def around(self, node: Node) -> list[ast.Paren]:
        """Return the parentheses around an expression, the outermost first."""
        return self.wraps.get((node.start, node.end), [])

    def outer(self, node: Node) -> tuple[int, int]:
        """Return the numbers of the first and last word of an expression with its parentheses."""
        wraps = self.around(node)
        span = wraps[0] if wraps else node
        return self.first[span.start], self.last[span.end]

    def head(self, number: int, indent: int) -> None:
        self.lines.breaks[number] = indent
        self.lines.heads.add(number)

    def bracket(self, opened: int, closed: int, indent: int) -> None:
        """Put what stands between two parentheses on lines of its own."""
        self.lines.breaks[opened + 1] = indent + STEP
        self.lines.breaks[closed] = indent
        self.lines.closers.add(closed)

    def query(self, query: ast.Query, indent: int) -> None:
        self.head(self.first[query.start], indent)
        for item in query.select:
            self.inline(item, indent)
        self.head(self.first[query.sources[0].start] - 1, indent)
        for source in query.sources:
            self.inline(source, indent)
        end = self.last[query.sources[-1].end]
        for join in query.joins:
            self.lines.breaks[self.first[join.start]] = indent
            self.inline(join.source, indent)
            if join.on:
                self.condition(join.on, indent, indent + STEP)
            end = self.last[join.end]
        if query.where:
            self.head(end + 1, indent)
            self.condition(query.where, indent + STEP, indent + STEP)
        for extra in query.unsupported:
            self.unsupported(extra, indent)

    def unsupported(self, extra: ast.UnsupportedClause, indent: int) -> None:
        if extra.kind is UnsupportedKind.STAR:
            return
        start, end = self.first[extra.start], self.last[extra.end]
        leading = extra.kind in (UnsupportedKind.DISTINCT, UnsupportedKind.TOP)
        if not leading:
            self.lines.breaks[start] = indent
        for number in range(start + 1, end + 1):
            before, word = self.text[number - 1 : number + 1]
            if before.end == word.start:
                self.lines.close.add(number)

    def condition(self, node: ast.Expression, line: int, below: int) -> None:
        """Lay out a condition that begins on a line indented by `line`.

        Its ANDs and ORs begin lines indented by `below`.
        """
        match node:
            case ast.And() | ast.Or() if not self.around(node):
                self.junction(node, line, below)
            case ast.And() | ast.Or() if _is_one_thought(node):
                self.inline(node, line)
            case ast.And() | ast.Or():
                inner = self.around(node)[-1]
                self.bracket(self.first[inner.start], self.last[inner.end], line)
                self.junction(node, line + STEP, line + STEP)
            case ast.Not(operand=operand):
                self.condition(operand, line, below)
            case _:
                self.inline(node, line)

    def junction(self, node: ast.And | ast.Or, line: int, below: int) -> None:
        for number, operand in enumerate(node.operands):
            if number:
                word = self.outer(operand)[0] - 1
                self.head(word, below)
                self.lines.junctions.add(word)
                line = below
            self.condition(operand, line, below + STEP)

    def inline(self, node: Node, line: int) -> None:
        """Leave a piece on its line, but for the queries and the long lists in it."""
        pending = [node]
        while pending:
            found = pending.pop()
            match found:
                case ast.Subquery(query=query) | ast.Exists(query=query):
                    self.within(query, line)
                    continue
                case ast.Derived(query=query):
                    self.within(query, line)
                    continue
                case ast.In(items=tuple(items)):
                    self.listing(self.outer(items[0])[0] - 1, items, self.last[found.end], line)
                case ast.Array(items=items):
                    self.listing(self.first[found.start], items, self.last[found.end], line)
                case _:
                    pass
            pending.extend(reversed(tuple(children(found))))

    def within(self, query: ast.Query, line: int) -> None:
        self.bracket(self.first[query.start] - 1, self.last[query.end] + 1, line)
        self.query(query, line + STEP)

    def listing(
        self, opened: int, items: tuple[ast.Expression, ...], closed: int, line: int
    ) -> None:
        if items:
            starts = tuple(self.outer(item)[0] for item in items)
            self.lines.lists.append(Listing(opened, starts, closed, line))

    def words(self, query: ast.Query) -> None:  # noqa: C901 - one branch a node
        """Find the keywords, and the words that stand close to the one before."""
        names: set[int] = set()
        kept: set[int] = set()
        for node in walk(query):
            match node:
                case ast.Name(start=start):
                    names.add(self.first[start])
                case ast.Column(path=path) if path:
                    span = range(self.first[node.start], self.last[node.end] + 1)
                    self.lines.close |= {n for n in span if self.text[n].text == "["}
                case ast.Call(bare=False):
                    self.lines.close.add(self.first[node.start] + 1)
                case ast.Cast():
                    self.cast(node, kept)
                case ast.Unary():
                    after = self.first[node.start] + 1
                    if self.text[after].text != node.op:  # two minus signs begin a comment
                        self.lines.close.add(after)
                case ast.Interval(keyword=True):
                    self.lines.keywords.add(self.first[node.start])
                case ast.UnsupportedClause():
                    first, last = self.first[node.start], self.last[node.end]
                    kept.update(range(first, last + 1))
                    for number, word in enumerate(node.kind.value.split(), first):
                        if number <= last and self.text[number].upper == word:
                            self.lines.keywords.add(number)
                case _:
                    pass
        self.lines.keywords |= {
            number
            for number, word in enumerate(self.text)
            if word.kind is TokenKind.NAME
            and word.upper in _KEYWORDS
            and number not in names
            and number not in kept
        }

    def cast(self, node: ast.Cast, kept: set[int]) -> None:
        """Keep the name of the type as it is, and its parameters close to it."""
        if node.form == "literal":
            return
        if node.form != "::":
            self.lines.close.add(self.first[node.start] + 1)
        named = range(self.outer(node.operand)[1] + 2, self.last[node.end] + 1)
        kept.update(named)
        self.lines.close |= {number for number in named if self.text[number].text == "("}


def _is_one_thought(node: ast.And | ast.Or) -> bool:
    """Tell whether a group is a condition and what it says of NULL: `(a != 1 OR a IS NULL)`."""
    simple = not any(isinstance(o, ast.And | ast.Or | ast.Not) for o in node.operands)
    pair = len(node.operands) == 2  # noqa: PLR2004
    return pair and simple and any(isinstance(o, ast.IsNull) for o in node.operands)
