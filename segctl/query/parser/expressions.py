"""Reading one expression by precedence: conditions and arithmetic.

Owns precedence and what stands between operands. Refuses to know clauses, and leaves operands
to `operands`.

Precedence, loosest first: OR, AND, NOT, comparisons (which do not chain), `||`, `+ -`, `* / %`,
signs, `::`. Where the documentation leaves precedence open (`a || b + c`) nothing is guessed:
without parentheses segctl does not read it, for to call parentheses redundant one has to know.

Chains are loops and nesting is counted, so neither a million operands nor ten thousand
parentheses exhaust the stack.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, cast

from segctl.query import ast
from segctl.query.parser.cursor import Cursor
from segctl.query.parser.tokens import TokenKind

if TYPE_CHECKING:
    from segctl.query.parser.errors import ParseError
    from segctl.query.parser.tokens import Token

MAX_DEPTH = 64
"""A query nested deeper, or a tree higher, than this is not read."""

OR, AND, NOT, COMPARE, CONCAT, ADD, MULTIPLY, SIGN, CAST = range(1, 10)

_COMPARISONS = {op: op for op in ("=", "!=", "<", "<=", ">", ">=")} | {"<>": "!=", "==": "="}
_LIKES = frozenset(("LIKE", "ILIKE", "RLIKE", "REGEXP"))

_POWER = {
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

CONTINUE = ("AND", "OR", "NOT", "IN", "IS", "LIKE", "BETWEEN")
"""Keywords that may follow an operand, for guessing at misspelt ones."""


class ExpressionParser(Cursor, ABC):
    """Reads expressions at the cursor."""

    depth = 0
    peak = 0
    """The height of the highest tree read so far below the expression that is being read."""

    def expression(self, floor: int = 0) -> ast.Expression:
        """Read an expression whose operators all bind tighter than `floor`."""
        if self.depth >= MAX_DEPTH:
            raise self._too_deep()
        self.depth += 1
        above, self.peak = self.peak, 0
        compared = False
        begin = self.word.start  # before the parentheses around the first operand, if any
        left = self.prefix(floor)
        height = self.peak + 1
        while (power := _POWER.get(self.word.upper, 0)) > floor:
            if power == COMPARE:
                if compared:
                    raise self._chained(left)
                compared = True
            self.peak = 0
            left = self._infix(left, begin, power)
            height = max(height, self.peak) + 1
            if height > MAX_DEPTH:
                raise self._too_deep()
        self.peak = max(above, height)
        self.depth -= 1
        return left

    def prefix(self, floor: int) -> ast.Expression:
        """Read an operand, with what stands before it: NOT or a sign."""
        word = self.word
        if word.upper in ("NOT", "!"):
            if word.upper == "!":
                self.complain("exclamation-mark", "`!` is not an operator", "write NOT")
            if floor >= NOT:
                raise self.stop(
                    "syntax", "NOT cannot stand here", "put NOT (…) between parentheses"
                )
            self.take()
            operand = self.expression(NOT - 1)
            return ast.Not(start=word.start, end=self.last_end, operand=operand)
        if word.upper in ("+", "-"):
            self.take()
            operand = self.expression(SIGN)
            sign = cast("ast.Sign", word.upper)
            return ast.Unary(start=word.start, end=self.last_end, op=sign, operand=operand)
        return self.operand()

    @abstractmethod
    def operand(self) -> ast.Expression:
        """Read one operand. `operands` does."""

    @abstractmethod
    def subquery_after(self, opened: Token) -> ast.Subquery:
        """Read the query after an opening parenthesis, and the closing one. `grammar` does."""

    @abstractmethod
    def type_name(self) -> str:
        """Read the name of a type. `operands` does."""

    def list_until(self, mark: str, opened: Token) -> tuple[ast.Expression, ...]:
        """Read one or more expressions between commas, up to and with the closing `mark`."""
        items: list[ast.Expression] = []
        while True:
            if items and self.at(mark):
                raise self.stop("syntax", f"a comma stands before `{mark}`", "remove the comma")
            items.append(self.expression())
            if not self.accept(","):
                break
        if self.word.kind in (TokenKind.STRING, TokenKind.NUMBER):
            raise self.comma_missing("the values")
        self.close(mark, opened, ("AND", "OR", "IN", "LIKE"))
        return tuple(items)

    def _infix(self, left: ast.Expression, start: int, power: int) -> ast.Expression:
        if power in (AND, OR):
            return self._junction(left, start, power)
        if power == COMPARE:
            return self._condition(left, start)
        if power == CAST:
            self.take()
            name = self.type_name()
            return ast.Cast(start=start, end=self.last_end, operand=left, type=name, form="::")
        return self._arithmetic(left, start, power)

    def _junction(self, left: ast.Expression, start: int, power: int) -> ast.Expression:
        operands = [left]
        while _POWER.get(self.word.upper) == power:
            if self.word.upper == "&&":
                self.complain("double-ampersand", "`&&` is not an operator", "write AND")
            self.take()
            operands.append(self.expression(power))
        kind = ast.And if power == AND else ast.Or
        return kind(start=start, end=self.last_end, operands=tuple(operands))

    def _arithmetic(self, left: ast.Expression, start: int, power: int) -> ast.Expression:
        left_open = start == left.start
        operator = self.take()
        at = self.word.start
        right = self.expression(power)
        op = cast("ast.BinaryOperator", operator.upper)
        for side, is_open in ((left, left_open), (right, at == right.start)):
            if is_open and isinstance(side, ast.Binary) and (op == "||") != (side.op == "||"):
                raise self.stop(
                    "unclear-precedence",
                    f"which of `{side.op}` and `{op}` goes first is not documented",
                    "put one of them between parentheses; to say or, write OR",
                    operator,
                )
        return ast.Binary(start=start, end=self.last_end, op=op, left=left, right=right)

    def _condition(self, left: ast.Expression, start: int) -> ast.Expression:
        word = self.word
        negated = False
        if word.upper == "<=>":
            raise self.stop(
                "syntax", "`<=>` is not an operator", "write =, or IS NOT DISTINCT FROM"
            )
        if word.upper == "IS":
            return self._is(left, start)
        if word.upper in _COMPARISONS:
            if word.upper == "==":
                self.complain("double-equals", "`==` is not an operator", "write =")
            self.take()
            right = self.expression(COMPARE)
            op = cast("ast.ComparisonOperator", _COMPARISONS[word.upper])
            return ast.Comparison(start=start, end=self.last_end, op=op, left=left, right=right)
        if word.upper == "NOT":
            self.take()
            negated = True
        if self.accept("IN"):
            items = self._in_items()
            return ast.In(
                start=start, end=self.last_end, operand=left, items=items, negated=negated
            )
        if self.accept("BETWEEN"):
            low = self.expression(COMPARE)
            self.expect("AND", " between the bounds of BETWEEN")
            high = self.expression(COMPARE)
            return ast.Between(
                start=start, end=self.last_end, operand=left, low=low, high=high, negated=negated
            )
        if self.word.upper in _LIKES:
            kind = cast("ast.LikeKind", self.take().upper)
            pattern = self.expression(COMPARE)
            escape = self.expression(COMPARE) if self.accept("ESCAPE") else None
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

    def _in_items(self) -> tuple[ast.Expression, ...] | ast.Subquery:
        if not self.at("("):
            raise self.unexpected(
                "`(` after IN", hint="write the values between parentheses: IN ('a')"
            )
        opened = self.take()
        if self.at("SELECT"):
            return self.subquery_after(opened)
        if self.at(")"):
            raise self.stop("syntax", "the list after IN is empty", "give it at least one value")
        return self.list_until(")", opened)

    def _is(self, left: ast.Expression, start: int) -> ast.Expression:
        self.take()
        negated = self.accept("NOT") is not None
        if self.accept("NULL"):
            return ast.IsNull(start=start, end=self.last_end, operand=left, negated=negated)
        if self.at("TRUE", "FALSE"):
            value = self.take().upper == "TRUE"
            return ast.IsTruth(
                start=start, end=self.last_end, operand=left, value=value, negated=negated
            )
        if self.accept("DISTINCT"):
            self.expect("FROM", " after IS DISTINCT")
            right = self.expression(COMPARE)
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
            hint="" if self.word.kind is TokenKind.END else "to compare values, write =",
        )

    def _chained(self, left: ast.Expression) -> ParseError:
        if isinstance(left, ast.Comparison) and any(
            isinstance(side, ast.Binary) and side.op == "||" for side in (left.left, left.right)
        ):
            return self.stop("double-bar", "`||` joins texts, it does not mean or", "write OR")
        return self.stop(
            "chained-comparison",
            "comparisons cannot be chained",
            "put AND between them, or one of them between parentheses",
        )

    def _too_deep(self) -> ParseError:
        return self.stop("too-deep", f"the query is nested deeper than {MAX_DEPTH} levels")
