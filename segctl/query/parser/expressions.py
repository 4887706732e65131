"""The parser of expressions, by precedence: conditions and arithmetic.

Parses what is between operands; `operands` parses those, `statements` the clauses.

Precedence, loosest first: OR, AND, NOT, comparisons (which do not chain), `||`, `+ -`, `* / %`,
signs, `::`. The documentation leaves the precedence of `a || b + c` open, so it is an error without
parentheses: the normal form drops redundant ones, and for that the precedence must be known.

Chains are loops and nesting is counted, so neither a million operands nor ten thousand
parentheses exhaust the stack.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, cast

from segctl.query import ast
from segctl.query.parser.errors import ParseError
from segctl.query.parser.recovery import RecoveringCursor
from segctl.query.parser.tokens import TokenKind

if TYPE_CHECKING:
    from segctl.query.parser.tokens import Token

MAX_DEPTH = 64
"""The deepest nesting of a query, and the greatest height of a tree."""

OR, AND, NOT, COMPARE, CONCAT, ADD, MULTIPLY, SIGN, CAST = range(1, 10)

_COMPARISONS = {op: op for op in ("=", "!=", "<", "<=", ">", ">=")} | {"<>": "!=", "==": "="}
_LIKES = frozenset(("LIKE", "ILIKE", "RLIKE", "REGEXP"))

_PRECEDENCE = {
    "OR": OR,
    "AND": AND,
    "&&": AND,
    **dict.fromkeys((*_COMPARISONS, *_LIKES, "NOT", "IN", "IS", "BETWEEN", "<=>"), COMPARE),
    "||": CONCAT,
    "+": ADD,
    "-": ADD,
    "*": MULTIPLY,
    "/": MULTIPLY,
    "%": MULTIPLY,
    "::": CAST,
}

OPERAND_FOLLOWERS = ("AND", "OR", "NOT", "IN", "IS", "LIKE", "BETWEEN")
"""Keywords that may follow an operand, to recognise misspelt ones."""


class ExpressionParser(RecoveringCursor, ABC):
    """Parses expressions at the cursor."""

    depth = 0
    peak = 0
    """The height of the highest tree parsed so far below the current expression."""

    def parse_expression(self, floor: int = 0) -> ast.Expression:
        """Parse an expression whose operators all bind tighter than `floor`.

        A condition with an error becomes NULL, and parsing goes on after it.
        """
        if self.depth >= MAX_DEPTH:
            raise self._too_deep()
        depth = self.depth + 1
        above = self.peak
        height = 0
        compared = False
        start = self.token.start  # before the parentheses around the first operand, if any
        left: ast.Expression | None = None
        while True:
            self.depth, self.peak = depth, 0
            try:
                if left is None:
                    left = self.parse_prefix(floor)
                    height = self.peak + 1
                while (precedence := _PRECEDENCE.get(self.token.upper, 0)) > floor:
                    if precedence == COMPARE:
                        if compared:
                            raise self._chained_comparison(left)
                        compared = True
                    self.peak = 0
                    left = self._parse_infix(left, start, precedence)
                    height = max(height, self.peak) + 1
                    if height > MAX_DEPTH:
                        raise self._too_deep()
                break
            except ParseError as error:
                if floor >= NOT:
                    raise
                self.recover(error)
                compared = False
                left = ast.Null(start=start, end=max(start, self.last_end))
        self.peak = max(above, height)
        self.depth = depth - 1
        return left

    def parse_prefix(self, floor: int) -> ast.Expression:
        """Parse an operand with the NOT or the sign before it."""
        token = self.token
        if token.upper in ("NOT", "!"):
            if token.upper == "!":
                self.record(self.error("exclamation-mark", "`!` is not an operator", "write NOT"))
            if floor >= NOT:
                raise self.error("syntax", "NOT is not allowed here", "put NOT (…) in parentheses")
            self.advance()
            operand = self.parse_expression(NOT - 1)
            return ast.Not(start=token.start, end=self.last_end, operand=operand)
        if token.upper in ("+", "-"):
            self.advance()
            operand = self.parse_expression(SIGN)
            sign = cast("ast.Sign", token.upper)
            return ast.Unary(start=token.start, end=self.last_end, op=sign, operand=operand)
        return self.parse_operand()

    @abstractmethod
    def parse_operand(self) -> ast.Expression:
        """Parse one operand. Implemented in `operands`."""

    @abstractmethod
    def parse_subquery(self, opened: Token) -> ast.Subquery:
        """Parse a query and the closing parenthesis. Implemented in `statements`."""

    @abstractmethod
    def parse_type_name(self) -> str:
        """Parse the name of a type. Implemented in `operands`."""

    def parse_list(self, mark: str, opened: Token) -> tuple[ast.Expression, ...]:
        """Parse one or more expressions separated by commas, and the closing `mark`."""
        items: list[ast.Expression] = []
        while True:
            if items and self.at(mark):
                self.record(
                    self.error("syntax", f"extra comma before `{mark}`", "remove the comma")
                )
                break
            items.append(self.parse_expression())
            if self.accept(","):
                continue
            if self.token.kind in (TokenKind.STRING, TokenKind.NUMBER):
                self.record(self.missing_comma("the values"))
                self.resumed()
            elif self.at(mark) or not self._skip_to_comma(mark, opened):
                break
        self.close(mark, opened)
        return tuple(items)

    def _skip_to_comma(self, mark: str, opened: Token) -> bool:
        """Record an error at a token after an item of a list; return whether a comma follows."""
        if self.token.kind is not TokenKind.END:
            try:
                self.expect_closing(mark, opened, ("AND", "OR", "IN", "LIKE"))
            except ParseError as error:
                self.recover(error, stops=(",", mark))
        return self.accept(",") is not None

    def close(self, mark: str, opened: Token) -> None:
        """Parse the `mark` that closes `opened`, unless an error about it is recorded already."""
        if self.token.upper == mark:
            self.advance()
        elif self.at(")", "]") and self.next.upper == mark:
            self.advance()
            self.advance()
        elif self.token.kind is TokenKind.END:
            self.expect_closing(mark, opened)
        else:
            self.unmatched_closings += 1

    def _parse_infix(self, left: ast.Expression, start: int, precedence: int) -> ast.Expression:
        if precedence in (AND, OR):
            return self._parse_junction(left, start, precedence)
        if precedence == COMPARE:
            return self._parse_condition(left, start)
        if precedence == CAST:
            self.advance()
            name = self.parse_type_name()
            return ast.Cast(start=start, end=self.last_end, operand=left, type=name, form="::")
        return self._parse_arithmetic(left, start, precedence)

    def _parse_junction(self, left: ast.Expression, start: int, precedence: int) -> ast.Expression:
        operands = [left]
        while _PRECEDENCE.get(self.token.upper) == precedence:
            if self.token.upper == "&&":
                self.report("double-ampersand", "`&&` is not an operator", "write AND")
            self.advance()
            operands.append(self.parse_expression(precedence))
        kind = ast.And if precedence == AND else ast.Or
        return kind(start=start, end=self.last_end, operands=tuple(operands))

    def _parse_arithmetic(
        self, left: ast.Expression, start: int, precedence: int
    ) -> ast.Expression:
        left_bare = start == left.start
        operator = self.advance()
        right_start = self.token.start
        right = self.parse_expression(precedence)
        op = cast("ast.BinaryOperator", operator.upper)
        for side, is_bare in ((left, left_bare), (right, right_start == right.start)):
            if is_bare and isinstance(side, ast.Binary) and (op == "||") != (side.op == "||"):
                raise self.error(
                    "unclear-precedence",
                    f"the precedence of `{side.op}` and `{op}` is not documented",
                    "put one of them in parentheses; for a logical or, write OR",
                    operator,
                )
        return ast.Binary(start=start, end=self.last_end, op=op, left=left, right=right)

    def _parse_condition(self, left: ast.Expression, start: int) -> ast.Expression:
        token = self.token
        negated = False
        if token.upper == "<=>":
            raise self.error(
                "syntax", "`<=>` is not an operator", "write =, or IS NOT DISTINCT FROM"
            )
        if token.upper == "IS":
            return self._parse_is(left, start)
        if token.upper in _COMPARISONS:
            if token.upper == "==":
                self.report("double-equals", "`==` is not an operator", "write =")
            self.advance()
            right = self.parse_expression(COMPARE)
            op = cast("ast.ComparisonOperator", _COMPARISONS[token.upper])
            return ast.Comparison(start=start, end=self.last_end, op=op, left=left, right=right)
        if token.upper == "NOT":
            self.advance()
            negated = True
        if self.accept("IN"):
            items = self._parse_in_items()
            return ast.In(
                start=start, end=self.last_end, operand=left, items=items, negated=negated
            )
        if self.accept("BETWEEN"):
            low = self.parse_expression(COMPARE)
            self.expect("AND", " between the bounds of BETWEEN")
            high = self.parse_expression(COMPARE)
            return ast.Between(
                start=start, end=self.last_end, operand=left, low=low, high=high, negated=negated
            )
        if self.token.upper in _LIKES:
            kind = cast("ast.LikeKind", self.advance().upper)
            pattern = self.parse_expression(COMPARE)
            escape = self.parse_expression(COMPARE) if self.accept("ESCAPE") else None
            return ast.Like(
                start=start,
                end=self.last_end,
                kind=kind,
                operand=left,
                pattern=pattern,
                escape=escape,
                negated=negated,
            )
        raise self.unexpected("IN, LIKE or BETWEEN after NOT", meant=("IN", "LIKE", "BETWEEN"))

    def _parse_in_items(self) -> tuple[ast.Expression, ...] | ast.Subquery:
        if self.token.text.startswith("@"):
            return (self.parse_operand(),)  # a reference, which may stand for several values
        if not self.at("("):
            raise self.unexpected("`(` after IN", hint="put the values in parentheses: IN ('a')")
        opened = self.advance()
        if self.at("SELECT"):
            return self.parse_subquery(opened)
        if self.at(")"):
            self.record(
                self.error("syntax", "the list after IN is empty", "add at least one value")
            )
            self.advance()
            return ()
        return self.parse_list(")", opened)

    def _parse_is(self, left: ast.Expression, start: int) -> ast.Expression:
        self.advance()
        negated = self.accept("NOT") is not None
        if self.accept("NULL"):
            return ast.IsNull(start=start, end=self.last_end, operand=left, negated=negated)
        if self.at("TRUE", "FALSE"):
            value = self.advance().upper == "TRUE"
            return ast.IsTruth(
                start=start, end=self.last_end, operand=left, value=value, negated=negated
            )
        if self.accept("DISTINCT"):
            self.expect("FROM", " after IS DISTINCT")
            right = self.parse_expression(COMPARE)
            return ast.Comparison(
                start=start,
                end=self.last_end,
                op="IS NOT DISTINCT FROM" if negated else "IS DISTINCT FROM",
                left=left,
                right=right,
            )
        raise self.unexpected(
            "NULL after IS",
            meant=("NULL", "NOT", "TRUE", "FALSE"),
            hint="" if self.token.kind is TokenKind.END else "to compare values, write =",
        )

    def _chained_comparison(self, left: ast.Expression) -> ParseError:
        if isinstance(left, ast.Comparison) and any(
            isinstance(side, ast.Binary) and side.op == "||" for side in (left.left, left.right)
        ):
            return self.error(
                "double-bar", "`||` joins strings; it is not a logical or", "write OR"
            )
        return self.error(
            "chained-comparison",
            "comparisons cannot be chained",
            "join them with AND, or put one of them in parentheses",
        )

    def _too_deep(self) -> ParseError:
        return self.error("too-deep", f"the query is nested more than {MAX_DEPTH} levels deep")
