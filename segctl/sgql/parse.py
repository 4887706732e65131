"""The parser of SGQL: `parse(text)` returns the tree of a query, or says what is wrong.

The docstring of `segctl.sgql` says which parts of the grammar are documented. The nodes are those
of `query.ast`, of which SGQL needs And, Or, Not, Comparison, In, IsNull, Like, Between, Call,
Column, String, Number, Boolean, Null, Interval, Binary, Unary, and Cast for TIMESTAMP '…'. `raw` of
a `String` is the source between the quotes, `value` its meaning. Every node knows its place.

Refuses what the documentation leaves open. Never raises; chains are loops, nesting and height are
limited, as in `query.parser.expressions`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from segctl.query import ast
from segctl.query.parser.cursor import Cursor
from segctl.query.parser.errors import ParseError, Problem, quote_snippet
from segctl.query.parser.expressions import MAX_DEPTH
from segctl.query.parser.parse import MAX_QUERY_LENGTH, too_long
from segctl.query.parser.tokens import TokenKind, lower
from segctl.query.visit import children
from segctl.sgql.tokens import tokenize

if TYPE_CHECKING:
    from segctl.query.parser.tokens import Token

KEYWORDS = frozenset(
    ("AND", "OR", "NOT", "IN", "IS", "LIKE", "BETWEEN", "NULL", "TRUE", "FALSE", "INTERVAL")
)
"""Bare words that are never a name."""

UNITS = ("second", "minute", "hour", "day", "month", "year")
"""The units of an interval; each may end with an s."""

_COMPARISONS = {op: op for op in ("=", "!=", "<", "<=", ">", ">=")} | {"<>": "!="}
_PRECEDENCE = {"-": 1, "+": 2, "/": 3, "*": 4, "%": 5}
_TEST_KEYWORDS = ("IN", "LIKE", "BETWEEN")
_OPERAND_FOLLOWERS = ("AND", "OR", "IN", "IS", "LIKE", "BETWEEN")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_INTERVAL = re.compile(r"\s*(\d{1,9})\s+([A-Za-z]+)\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class ParsedCondition:
    """The result of parsing: `condition` is `None` exactly when there are `problems`.

    `parens` are the parentheses around expressions, which have no nodes of their own.
    """

    text: str
    condition: ast.Expression | None
    problems: tuple[Problem, ...]
    parens: tuple[ast.Paren, ...] = ()


def parse(text: str) -> ParsedCondition:
    """Parse a query. Never raises; offsets count characters of `text`."""
    if len(text) > MAX_QUERY_LENGTH:
        return ParsedCondition(text, None, (too_long(text),))
    parser: _Parser | None = None
    try:
        parser = _Parser(text, tokenize(text))
        condition = parser.parse_query()
    except ParseError as error:
        reported = parser.problems if parser else ()
        return ParsedCondition(text, None, (*reported, error.problem))
    except RecursionError:  # the caller is deep in the stack already
        problem = Problem("too-deep", "the query is nested too deeply", "", 0, len(text))
        return ParsedCondition(text, None, (problem,))
    if parser.problems:
        return ParsedCondition(text, None, tuple(parser.problems))
    return ParsedCondition(text, condition, (), tuple(parser.parens))


class _Parser(Cursor):
    """Parses a condition at the cursor."""

    depth = 0

    def is_name(self, token: Token) -> bool:
        return token.kind is TokenKind.QUOTED or (
            token.kind is TokenKind.NAME and token.upper not in KEYWORDS
        )

    def parse_query(self) -> ast.Expression:
        if self.at(""):
            raise self.error("empty-query", "the query is empty")
        if self.at("SELECT"):
            raise self.error("not-sgql", "this is SQL; an SGQL query is a condition without SELECT")
        condition = self.parse_condition()
        if not self.at(""):
            raise self._unexpected_rest()
        if _height(condition) > MAX_DEPTH:
            raise self._too_deep()
        return condition

    def parse_condition(self) -> ast.Expression:
        """Parse operands joined by AND, or by OR."""
        self._enter()
        start = self.token.start
        operands = [self._parse_negation()]
        joined = self.token
        while self.at("AND", "OR"):
            if self.token.upper != joined.upper:
                self.report(
                    "unclear-precedence",
                    "AND and OR without parentheses: SGQL does not document their precedence",
                    "put the conditions that belong together in parentheses",
                )
                joined = self.token
            self.advance()
            operands.append(self._parse_negation())
        self.depth -= 1
        if len(operands) == 1:
            return operands[0]
        kind = ast.And if joined.upper == "AND" else ast.Or
        return kind(start=start, end=self.last_end, operands=tuple(operands))

    def _parse_negation(self) -> ast.Expression:
        token = self.accept("NOT")
        if token is None:
            return self._parse_comparison()
        self._enter()
        operand = self._parse_negation()
        self.depth -= 1
        return ast.Not(start=token.start, end=self.last_end, operand=operand)

    def _parse_comparison(self) -> ast.Expression:
        start = self.token.start
        node = self._parse_comparison_tail(self._parse_arithmetic(), start)
        if self.at(*_COMPARISONS, *_TEST_KEYWORDS, "IS"):
            raise self.error(
                "chained-comparison",
                "comparisons cannot be chained",
                "join them with AND, or put one of them in parentheses",
            )
        return node

    def _parse_comparison_tail(self, left: ast.Expression, start: int) -> ast.Expression:
        if self.at(*_COMPARISONS):
            op = cast("ast.ComparisonOperator", _COMPARISONS[self.advance().upper])
            right = self._parse_arithmetic()
            return ast.Comparison(start=start, end=self.last_end, op=op, left=left, right=right)
        if self.accept("IS"):
            negated = self.accept("NOT") is not None
            self.expect("NULL", " after IS")
            return ast.IsNull(start=start, end=self.last_end, operand=left, negated=negated)
        negated = self.accept("NOT") is not None
        if self.accept("IN"):
            opened = self.expect("(", " after IN")
            items = self._parse_items(opened)
            return ast.In(
                start=start, end=self.last_end, operand=left, items=items, negated=negated
            )
        if self.accept("LIKE"):
            pattern = self._parse_arithmetic()
            return ast.Like(
                start=start, end=self.last_end, kind="LIKE", operand=left, pattern=pattern,
                escape=None, negated=negated,
            )  # fmt: skip
        if self.accept("BETWEEN"):
            low = self._parse_arithmetic()
            self.expect("AND", " between the bounds of BETWEEN")
            high = self._parse_arithmetic()
            return ast.Between(
                start=start, end=self.last_end, operand=left, low=low, high=high, negated=negated
            )
        if negated:
            raise self.unexpected("IN, LIKE or BETWEEN after NOT", meant=_TEST_KEYWORDS)
        return left

    def _parse_items(self, opened: Token) -> tuple[ast.Expression, ...]:
        items = [self.parse_condition()]
        while self.accept(","):
            items.append(self.parse_condition())
        self.expect_closing(")", opened, _OPERAND_FOLLOWERS)
        return tuple(items)

    def _parse_arithmetic(self, floor: int = 0) -> ast.Expression:
        """Parse operands whose operators bind tighter than `floor`: each has its own precedence."""
        start = self.token.start
        left = self._parse_signed()
        while (precedence := _PRECEDENCE.get(self.token.upper, 0)) > floor:
            op = cast("ast.BinaryOperator", self.advance().upper)
            right = self._parse_arithmetic(precedence)
            left = ast.Binary(start=start, end=self.last_end, op=op, left=left, right=right)
        return left

    def _parse_signed(self) -> ast.Expression:
        sign = self.accept("-")
        if sign is None:
            return self._parse_operand()
        self._enter()
        operand = self._parse_signed()
        self.depth -= 1
        return ast.Unary(start=sign.start, end=self.last_end, op="-", operand=operand)

    def _parse_operand(self) -> ast.Expression:  # noqa: PLR0911 - one return per kind
        token = self.token
        if self.at("("):
            return self._parse_parenthesis()
        if token.kind is TokenKind.STRING:
            return self._parse_string()
        if token.kind is TokenKind.NUMBER:
            return self._parse_number()
        if self.at("NULL"):
            self.advance()
            return ast.Null(start=token.start, end=token.end)
        if self.at("TRUE", "FALSE"):
            self.advance()
            return ast.Boolean(start=token.start, end=token.end, value=token.upper == "TRUE")
        if self.at("INTERVAL"):
            return self._parse_interval()
        if self.at("TIMESTAMP") and self.next.kind is TokenKind.STRING:
            self.advance()
            text = self._parse_string()
            return ast.Cast(
                start=token.start, end=text.end, operand=text, type="TIMESTAMP", form="literal"
            )
        if not self.is_name(token):
            raise self.unexpected("a field, a value or `(`")
        return self._parse_call() if self.next.upper == "(" else self._parse_column()

    def _parse_parenthesis(self) -> ast.Expression:
        opened = self.advance()
        inner = self.parse_condition()
        self.expect_closing(")", opened, _OPERAND_FOLLOWERS)
        self.parens.append(
            ast.Paren(
                start=opened.start, end=self.last_end, inner_start=inner.start, inner_end=inner.end
            )
        )
        return inner

    def _parse_string(self) -> ast.String:
        token = self.advance()
        raw = token.text[1:-1]
        for match in _ESCAPE.finditer(raw):
            if match[1] not in "\\'\"":
                self.report(
                    "unclear-escape",
                    f"SGQL does not document the escape {quote_snippet(match[0])}",
                    "use a backslash only before quotes and backslashes",
                    token,
                )
                break
        return ast.String(start=token.start, end=token.end, raw=raw, value=_ESCAPE.sub(r"\1", raw))

    def _parse_number(self) -> ast.Number:
        token = self.advance()
        if self.token.kind is TokenKind.NAME and self.token.start == token.end:
            raise self.error(
                "syntax",
                f"{quote_snippet(token.text + self.token.text)} is neither a number nor a name",
                "put such a name in backticks",
                token,
            )
        return ast.Number(start=token.start, end=token.end, text=token.text)

    def _parse_interval(self) -> ast.Interval:
        token = self.advance()
        value: ast.Number | ast.String
        if self.token.kind is TokenKind.STRING:
            value = self._parse_string()
            match = _INTERVAL.fullmatch(value.value)
            amount, unit = match.groups() if match else ("", "")
            value = ast.Number(start=value.start, end=value.end, text=amount)
        elif self.token.kind is TokenKind.NUMBER:
            value = self._parse_number()
            after = self.token
            unit = self.advance().text if after.kind is TokenKind.NAME else ""
        else:
            raise self.unexpected("a number after INTERVAL")
        if lower(unit).removesuffix("s") not in UNITS or not value.text.isdecimal():
            raise self.error(
                "unclear-interval",
                "an interval must be a whole number of seconds, minutes, hours, days, months or"
                " years",
                "write interval 10 day",
                token,
            )
        end = self.last_end
        name = ast.Name(start=end, end=end, text=lower(unit).removesuffix("s"))
        return ast.Interval(start=token.start, end=end, value=value, unit=name, keyword=True)

    def _parse_call(self) -> ast.Call:
        name = self._parse_name("the name of a function")
        opened = self.advance()
        args = () if self.accept(")") else self._parse_items(opened)
        return ast.Call(start=name.start, end=self.last_end, name=name, args=args)

    def _parse_column(self) -> ast.Column:
        name = self._parse_name("a field")
        first, *keys = name.text.split(".") if name.text.startswith("event_data.") else [name.text]
        path: list[ast.Name | ast.Number | ast.String] = [
            ast.Name(start=name.start, end=name.end, text=key, quoted=True) for key in keys
        ]
        name = ast.Name(start=name.start, end=name.end, text=first, quoted=name.quoted)
        while self.at(".", ":", "["):
            opened = self.advance()
            if opened.text == "[":
                if self.token.kind is not TokenKind.STRING:
                    raise self.unexpected("a string in the brackets")
                key = self._parse_string()
                self.expect_closing("]", opened)
                path.append(ast.Name(start=key.start, end=key.end, text=key.value, quoted=True))
            else:
                path.append(self._parse_name(f"a name after `{opened.text}`"))
        return ast.Column(
            start=name.start, end=self.last_end, qualifier=None, name=name, path=tuple(path)
        )

    def _parse_name(self, expected: str) -> ast.Name:
        token = self.token
        if token.kind not in (TokenKind.NAME, TokenKind.QUOTED):
            raise self.unexpected(expected)
        self.advance()
        quoted = token.kind is TokenKind.QUOTED
        text = token.text[1:-1] if quoted else token.text
        return ast.Name(start=token.start, end=token.end, text=text, quoted=quoted)

    def _unexpected_rest(self) -> ParseError:
        if self.at(")"):
            return self.error("unexpected-parenthesis", "`)` without a matching `(`", "remove it")
        return self.unexpected("AND, OR or the end of the query", meant=_OPERAND_FOLLOWERS)

    def _enter(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._too_deep()

    def _too_deep(self) -> ParseError:
        return self.error("too-deep", f"the query is nested more than {MAX_DEPTH} levels deep")


def _height(root: ast.Node) -> int:
    """Return the height of a tree that may be too high for recursion."""
    highest = 0
    pending = [(root, 1)]
    while pending:
        node, level = pending.pop()
        highest = max(highest, level)
        pending.extend((child, level + 1) for child in children(node))
    return highest
