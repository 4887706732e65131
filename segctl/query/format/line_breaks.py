"""The line breaks of a query, its keywords, and the tokens without a space before them.

`layout` describes the style and writes the text. Everything here is a set of token indices, so
nothing here can add, drop or change a token. Unsupported clauses, which are not parsed, go on one
line, with spaces where the author put them.
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

_KEYWORDS = RESERVED - {"WITH"}  # only used in the names of types


@dataclass(frozen=True, slots=True)
class WrappableList:
    """A list that may be wrapped: the indices of its brackets and of the first token of each item.

    `indent` is that of the condition that contains the list.
    """

    opened: int
    items: tuple[int, ...]
    closed: int
    indent: int


@dataclass(slots=True)
class LineStyle:
    """The style of one query, by the indices of its tokens.

    `breaks` maps each token that starts a line to the indentation of the line. `closers` are the
    closing parentheses among these tokens, `heads` the keywords that belong to what follows on
    their line, `junctions` the ANDs and ORs among the heads. `attached` tokens have no space before
    them. `is_simple` is true if the structure of the query allows a single line.
    """

    breaks: dict[int, int] = field(default_factory=dict)
    closers: set[int] = field(default_factory=set)
    heads: set[int] = field(default_factory=set)
    junctions: set[int] = field(default_factory=set)
    attached: set[int] = field(default_factory=set)
    keywords: set[int] = field(default_factory=set)
    lists: list[WrappableList] = field(default_factory=list)
    is_simple: bool = False


def line_style(parsed: ParsedQuery, query: ast.Query) -> LineStyle:
    """Return the style of a query, the tree of `parsed`. Linear in the number of tokens."""
    builder = _StyleBuilder(parsed, query)
    builder.query(query, 0)
    builder.find_keywords(query)
    builder.style.is_simple = (
        not (query.joins or query.comments or query.unsupported)
        and not isinstance(query.where, ast.And | ast.Or)
        and not builder.style.closers  # subqueries have closers
    )
    return builder.style


class _StyleBuilder:
    def __init__(self, parsed: ParsedQuery, query: ast.Query) -> None:
        self.tokens = parsed.tokens
        self.first = {token.start: index for index, token in enumerate(parsed.tokens)}
        self.last = {token.end: index for index, token in enumerate(parsed.tokens)}
        self.wraps: dict[tuple[int, int], list[ast.Paren]] = {}
        for paren in query.parens:  # sorted by start: the outermost of a span comes first
            self.wraps.setdefault((paren.inner_start, paren.inner_end), []).append(paren)
        self.style = LineStyle()

    def around(self, node: Node) -> list[ast.Paren]:
        """Return the parentheses around an expression, the outermost first."""
        return self.wraps.get((node.start, node.end), [])

    def outer(self, node: Node) -> tuple[int, int]:
        """Return the first and last token of an expression, its parentheses included."""
        wraps = self.around(node)
        span = wraps[0] if wraps else node
        return self.first[span.start], self.last[span.end]

    def head(self, index: int, indent: int) -> None:
        self.style.breaks[index] = indent
        self.style.heads.add(index)

    def bracket(self, opened: int, closed: int, indent: int) -> None:
        """Put the content of two parentheses on lines of its own."""
        self.style.breaks[opened + 1] = indent + STEP
        self.style.breaks[closed] = indent
        self.style.closers.add(closed)

    def query(self, query: ast.Query, indent: int) -> None:
        self.head(self.first[query.start], indent)
        for item in query.select:
            self.inline(item, indent)
        self.head(self.first[query.sources[0].start] - 1, indent)
        for source in query.sources:
            self.inline(source, indent)
        end = self.last[query.sources[-1].end]
        for join in query.joins:
            self.style.breaks[self.first[join.start]] = indent
            self.inline(join.source, indent)
            if join.on:
                self.condition(join.on, indent, indent + STEP)
            end = self.last[join.end]
        if query.where:
            self.head(end + 1, indent)
            self.condition(query.where, indent + STEP, indent + STEP)
        for clause in query.unsupported:
            self.unsupported(clause, indent)

    def unsupported(self, clause: ast.UnsupportedClause, indent: int) -> None:
        if clause.kind is UnsupportedKind.STAR:
            return
        start, end = self.first[clause.start], self.last[clause.end]
        leading = clause.kind in (UnsupportedKind.DISTINCT, UnsupportedKind.TOP)
        if not leading:
            self.style.breaks[start] = indent
        for index in range(start + 1, end + 1):
            before, token = self.tokens[index - 1 : index + 1]
            if before.end == token.start:
                self.style.attached.add(index)

    def condition(self, node: ast.Expression, line: int, below: int) -> None:
        """Lay out a condition that starts on a line indented by `line`.

        Its ANDs and ORs start lines indented by `below`.
        """
        match node:
            case ast.And() | ast.Or() if not self.around(node):
                self.junction(node, line, below)
            case ast.And() | ast.Or() if _is_null_guarded(node):
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
        for index, operand in enumerate(node.operands):
            if index:
                token = self.outer(operand)[0] - 1
                self.head(token, below)
                self.style.junctions.add(token)
                line = below
            self.condition(operand, line, below + STEP)

    def inline(self, node: Node, line: int) -> None:
        """Keep a node on its line, except for the subqueries and long lists in it."""
        pending = [node]
        while pending:
            current = pending.pop()
            match current:
                case ast.Subquery(query=query) | ast.Exists(query=query):
                    self.within(query, line)
                    continue
                case ast.Derived(query=query):
                    self.within(query, line)
                    continue
                case ast.In(items=tuple(items)):
                    self.listing(self.outer(items[0])[0] - 1, items, self.last[current.end], line)
                case ast.Array(items=items):
                    self.listing(self.first[current.start], items, self.last[current.end], line)
                case _:
                    pass
            pending.extend(reversed(tuple(children(current))))

    def within(self, query: ast.Query, line: int) -> None:
        self.bracket(self.first[query.start] - 1, self.last[query.end] + 1, line)
        self.query(query, line + STEP)

    def listing(
        self, opened: int, items: tuple[ast.Expression, ...], closed: int, line: int
    ) -> None:
        if items:
            starts = tuple(self.outer(item)[0] for item in items)
            self.style.lists.append(WrappableList(opened, starts, closed, line))

    def find_keywords(self, query: ast.Query) -> None:  # noqa: C901 - one branch per node
        """Find the keywords, and the tokens without a space before them."""
        names: set[int] = set()
        unchanged: set[int] = set()
        for node in walk(query):
            match node:
                case ast.Name(start=start):
                    names.add(self.first[start])
                case ast.Column(path=path) if path:
                    span = range(self.first[node.start], self.last[node.end] + 1)
                    self.style.attached |= {n for n in span if self.tokens[n].text == "["}
                case ast.Call(bare=False):
                    self.style.attached.add(self.first[node.start] + 1)
                case ast.Cast():
                    self.cast(node, unchanged)
                case ast.Unary():
                    after = self.first[node.start] + 1
                    if self.tokens[after].text != node.op:  # two minus signs start a comment
                        self.style.attached.add(after)
                case ast.Interval(keyword=True):
                    self.style.keywords.add(self.first[node.start])
                case ast.UnsupportedClause():
                    first, last = self.first[node.start], self.last[node.end]
                    unchanged.update(range(first, last + 1))
                    for index, token in enumerate(node.kind.value.split(), first):
                        if index <= last and self.tokens[index].upper == token:
                            self.style.keywords.add(index)
                case _:
                    pass
        self.style.keywords |= {
            index
            for index, token in enumerate(self.tokens)
            if token.kind is TokenKind.NAME
            and token.upper in _KEYWORDS
            and index not in names
            and index not in unchanged
        }

    def cast(self, node: ast.Cast, unchanged: set[int]) -> None:
        """Keep the name of a type unchanged, with its parameters attached."""
        if node.form == "literal":
            return
        if node.form != "::":
            self.style.attached.add(self.first[node.start] + 1)
        named = range(self.outer(node.operand)[1] + 2, self.last[node.end] + 1)
        unchanged.update(named)
        self.style.attached |= {index for index in named if self.tokens[index].text == "("}


def _is_null_guarded(node: ast.And | ast.Or) -> bool:
    """Return whether a group is a condition with its NULL test: `(a != 1 OR a IS NULL)`."""
    simple = not any(isinstance(o, ast.And | ast.Or | ast.Not) for o in node.operands)
    pair = len(node.operands) == 2  # noqa: PLR2004
    return pair and simple and any(isinstance(o, ast.IsNull) for o in node.operands)
