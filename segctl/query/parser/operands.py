"""The parser of operands: a name, a literal, a call, or an expression in parentheses.

Parses what needs no precedence; `expressions` parses operators, `statements` the clauses.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from segctl.query import ast
from segctl.query.catalogue import FUNCTIONS, TIME_UNITS
from segctl.query.parser.cursor import name_of
from segctl.query.parser.errors import UNDOCUMENTED, ParseError, Problem, quote_snippet
from segctl.query.parser.expressions import OPERAND_FOLLOWERS, ExpressionParser
from segctl.query.parser.tokens import TokenKind, lower, upper

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from segctl.query.parser.tokens import Token

_UNITS = frozenset(upper(unit) for unit in TIME_UNITS)
_BARE = frozenset(name for name, function in FUNCTIONS.items() if function.bare)
_PART_FIRST = frozenset(name for name, function in FUNCTIONS.items() if function.date_part_first)
_ESCAPE = re.compile(r"''|\\(.)", re.DOTALL)
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}
_TYPE_SUFFIXES = (
    ("WITH", "TIME", "ZONE"),
    ("WITH", "LOCAL", "TIME", "ZONE"),
    ("WITHOUT", "TIME", "ZONE"),
    ("PRECISION",),
)
_TYPED_LITERALS = ("TIMESTAMP", "DATE", "TIME", "TIMESTAMP_NTZ", "TIMESTAMP_TZ", "TIMESTAMP_LTZ")
_KEYWORD_ARGUMENTS = frozenset(("EXTRACT", "OVERLAY", "POSITION", "SUBSTRING", "TRIM"))
_KEYWORD_DISTANCE = 8
_CONDITION_KEYWORDS = ("AND", "OR", "NOT", "IN", "IS", "LIKE")
_PLACEHOLDERS = {"{": "template", "}": "template", "$": "placeholder", "?": "placeholder"}


class OperandParser(ExpressionParser):
    """Parses operands at the cursor."""

    def parse_operand(self) -> ast.Expression:
        """Parse one operand and what binds to it without an operator."""
        token = self.token
        match token.kind:
            case TokenKind.STRING:
                return self._parse_string()
            case TokenKind.NUMBER:
                return self._parse_number()
            case TokenKind.QUOTED:
                return self._parse_column()
            case TokenKind.NAME:
                return self._parse_named()
            case _:
                return self._parse_symbol()

    def parse_type_name(self) -> str:
        """Parse the name of a type, with its parameters and its suffix (`WITH TIME ZONE`)."""
        token = self.token
        if token.kind is not TokenKind.NAME:  # in quotes, its case would matter
            raise self.unexpected("the name of a type")
        self.advance()
        words = [token.upper]
        for suffix in _TYPE_SUFFIXES:
            following = self.tokens[self.index : self.index + len(suffix)]
            if tuple(token.upper for token in following) == suffix:
                words.extend(self.advance().upper for _ in suffix)
                break
        if self.at("(") and self.next.kind is TokenKind.NUMBER:
            opened = self.advance()
            numbers = [self.advance().text]
            while self.accept(","):
                if self.token.kind is not TokenKind.NUMBER:
                    raise self.unexpected("a number in the type")
                numbers.append(self.advance().text)
            self.expect_closing(")", opened)
            words[-1] += f"({', '.join(numbers)})"
        return " ".join(words)

    def _parse_string(self) -> ast.String:
        token = self.advance()
        raw = token.text[1:-1]
        return ast.String(start=token.start, end=token.end, raw=raw, value=string_value(raw))

    def _parse_number(self) -> ast.Expression:
        token = self.advance()
        number = ast.Number(start=token.start, end=token.end, text=token.text)
        if self.token.kind is TokenKind.NAME:
            if self.token.upper in _UNITS:
                unit = name_of(self.advance())
                return ast.Interval(
                    start=token.start, end=unit.end, value=number, unit=unit, keyword=False
                )
            if self.token.start == token.end:
                raise self.error(
                    "syntax",
                    f"{quote_snippet(token.text + self.token.text)} is neither a number nor a name",
                    'put a name that starts with a digit in double quotes: "2fa"',
                )
        return number

    def _parse_symbol(self) -> ast.Expression:
        token = self.token
        if token.upper == "(":
            return self._parse_parenthesis()
        if token.upper == "[":
            opened = self.advance()
            if self.accept("]"):
                return ast.Array(start=opened.start, end=self.last_end, items=())
            items = self.parse_list("]", opened)
            return ast.Array(start=opened.start, end=self.last_end, items=items)
        after = self.next
        if token.upper == "." and after.kind is TokenKind.NUMBER and after.start == token.end:
            self.advance()
            digits = self.advance()
            return ast.Number(start=token.start, end=digits.end, text=f".{digits.text}")
        if token.upper in _PLACEHOLDERS:
            snippet = quote_snippet(token.text)
            raise self.error(
                _PLACEHOLDERS[token.upper],
                f"{snippet} looks like a placeholder, which SendGrid does not fill in",
                "write the value itself",
            )
        raise self.unexpected("a column, a value or `(`")

    def _parse_parenthesis(self) -> ast.Expression:
        opened = self.advance()
        if self.at("SELECT"):
            return self.parse_subquery(opened)
        if self.at(")"):
            self.record(self.error("syntax", "the parentheses are empty", "remove them", opened))
            self.resumed()
            return ast.Null(start=opened.start, end=self.advance().end)
        inner = self.parse_expression()
        if self.accept(","):
            self.parse_list(")", opened)
            is_compared = self.at("IN", "NOT", "=", "!=", "<>", "<", ">")
            raise self.error(
                "row-value" if is_compared else "syntax",
                "a list of values is only allowed after IN",
                token=opened,
            )
        self._parse_rest_of_condition(opened)
        self.close(")", opened)
        paren = ast.Paren(
            start=opened.start,
            end=self.last_end,
            inner_start=inner.start,
            inner_end=inner.end,
        )
        self.parens.append(paren)
        return inner

    def _parse_rest_of_condition(self, opened: Token) -> None:
        """Record what is wrong before the closing parenthesis, and parse the conditions there."""
        while not self.at(")", ";", "") and not self.at_clause():
            try:
                self.expect_closing(")", opened, OPERAND_FOLLOWERS)
            except ParseError as error:
                self.skip_unexpected(error)
                self.parse_expression()
        if self.at(";") or self.at_clause():
            try:
                self.expect_closing(")", opened, OPERAND_FOLLOWERS)
            except ParseError as error:
                self.record(error)

    def _parse_named(self) -> ast.Expression:
        token = self.token
        if token.upper in self._SPECIAL:
            return self._SPECIAL[token.upper](self)
        after = self.next
        if after.upper == "(" and (self.is_name(token) or token.upper in ("LEFT", "RIGHT")):
            return self._parse_call()
        if not self.is_name(token):
            raise self.unexpected("a column, a value or `(`")
        return self._parse_bare_name(token, after)

    def _parse_constant(self) -> ast.Expression:
        token = self.advance()
        if token.upper == "NULL":
            return ast.Null(start=token.start, end=token.end)
        return ast.Boolean(start=token.start, end=token.end, value=token.upper == "TRUE")

    def _parse_bare_name(self, token: Token, after: Token) -> ast.Expression:
        """Parse a name without a parenthesis after it: usually a column."""
        if token.upper == "INTERVAL" and (
            after.kind in (TokenKind.NUMBER, TokenKind.STRING) or after.upper == "-"
        ):
            return self._parse_interval()
        if token.upper in _TYPED_LITERALS and after.kind is TokenKind.STRING:
            self.advance()
            value = self._parse_string()
            return ast.Cast(
                start=token.start, end=value.end, operand=value, type=token.upper, form="literal"
            )
        if token.upper in _BARE and after.upper not in (".", ":"):
            self.advance()
            name = name_of(token)
            return ast.Call(start=token.start, end=token.end, name=name, args=(), bare=True)
        if after.kind is TokenKind.STRING and after.start == token.end:
            raise self.error(
                "syntax",
                f"unexpected {quote_snippet(token.text)} before a string",
                "strings have no prefix: write '…' alone",
            )
        return self._parse_column()

    def _parse_column(self) -> ast.Expression:
        first = name_of(self.advance())
        if self.at("(") and first.quoted:
            raise self.error(UNDOCUMENTED, "a name in double quotes is not a function")
        qualifier: ast.Name | None = None
        name = first
        if self.accept("."):
            if self.at("*"):
                star = self.advance()
                return ast.Star(start=first.start, end=star.end, qualifier=first)
            if self.at(*_CONDITION_KEYWORDS):  # other keywords might be columns
                raise self.unexpected("a column after `.`")
            qualifier, name = first, self.parse_any_name("a column after `.`")
            if self.at("."):
                raise self.error(
                    UNDOCUMENTED,
                    "a column has at most one qualifier",
                    "write parts of semi-structured data as e.DATA:payload.part",
                )
        path: list[ast.Name | ast.Number | ast.String] = []
        if self.accept(":"):
            path.append(self.parse_any_name("a key after `:`"))
        while path or self.at("["):
            if self.at("["):
                path.append(self._parse_subscript())
            elif path and self.accept("."):
                path.append(self.parse_any_name("a key after `.`"))
            else:
                break
        return ast.Column(
            start=first.start,
            end=self.last_end,
            qualifier=qualifier,
            name=name,
            path=tuple(path),
        )

    def _parse_subscript(self) -> ast.Number | ast.String:
        opened = self.advance()
        if self.token.kind is TokenKind.STRING:
            step: ast.Number | ast.String = self._parse_string()
        elif self.token.kind is TokenKind.NUMBER:
            token = self.advance()
            step = ast.Number(start=token.start, end=token.end, text=token.text)
        else:
            raise self.unexpected("a number or a string in the brackets")
        self.expect_closing("]", opened)
        return step

    def _parse_call(self) -> ast.Expression:
        name = name_of(self.advance())
        opened = self.advance()
        if upper(name.text) in _KEYWORD_ARGUMENTS and self._has_keyword_arguments():
            message = f"{upper(name.text)} with keywords between its arguments is not documented"
            self.record(ParseError(Problem(UNDOCUMENTED, message, "", name.start, name.end)))
            self.skip_to((")",))
            self.close(")", opened)
            return ast.Null(start=name.start, end=self.last_end)
        distinct = self.accept("DISTINCT") is not None
        args: tuple[ast.Expression, ...] = ()
        if self.at("*"):
            star = self.advance()
            args = (ast.Star(start=star.start, end=star.end),)
            self.expect_closing(")", opened)
        elif upper(name.text) in _PART_FIRST and self._at_date_part():
            token = self.advance()
            part = ast.DatePart(start=token.start, end=token.end, name=name_of(token))
            self.advance()
            args = (part, *self.parse_list(")", opened))
        elif not distinct and self.accept(")"):
            pass
        else:
            args = self.parse_list(")", opened)
        if self.at("OVER"):
            raise self.error(
                "window-function", "SendGrid does not document window functions (OVER)"
            )
        return ast.Call(
            start=name.start, end=self.last_end, name=name, args=args, distinct=distinct
        )

    def _has_keyword_arguments(self) -> bool:
        """Return whether a keyword precedes the next parenthesis: EXTRACT(… FROM …)."""
        for token in self.tokens[self.index : self.index + _KEYWORD_DISTANCE]:
            if token.upper in ("(", ")"):
                return False
            if token.upper in ("BOTH", "LEADING", "TRAILING", "FROM", "IN", "FOR"):
                return True
        return False

    def _at_date_part(self) -> bool:
        return self.token.kind is TokenKind.NAME and self.next.upper == ","

    def _parse_interval(self) -> ast.Expression:
        start = self.advance().start
        value: ast.Number | ast.String | ast.Unary
        if self.token.kind is TokenKind.STRING:
            value = self._parse_string()
        else:
            sign = self.accept("-")
            token = self.advance()
            if token.kind is not TokenKind.NUMBER:
                raise self.error("syntax", "expected a number after INTERVAL", "", token)
            value = ast.Number(start=token.start, end=token.end, text=token.text)
            if sign:
                value = ast.Unary(start=sign.start, end=token.end, op="-", operand=value)
        unit: ast.Name | None = None
        if self.token.kind is TokenKind.NAME and self.token.upper in _UNITS:
            unit = name_of(self.advance())
        elif not isinstance(value, ast.String):
            raise self.unexpected(
                "a unit of time after INTERVAL", meant=[lower(u) for u in TIME_UNITS]
            )
        return ast.Interval(start=start, end=self.last_end, value=value, unit=unit, keyword=True)

    def _parse_case(self) -> ast.Expression:
        start = self.advance().start
        operand = None if self.at("WHEN") else self.parse_expression()
        whens: list[ast.When] = []
        while self.at("WHEN"):
            when_start = self.advance().start
            condition = self.parse_expression()
            self.expect("THEN", " in CASE")
            result = self.parse_expression()
            whens.append(
                ast.When(start=when_start, end=self.last_end, condition=condition, result=result)
            )
        if not whens:
            raise self.unexpected("WHEN in CASE", meant=("WHEN",))
        otherwise = self.parse_expression() if self.accept("ELSE") else None
        self.expect("END", " of CASE")
        return ast.Case(
            start=start,
            end=self.last_end,
            operand=operand,
            whens=tuple(whens),
            otherwise=otherwise,
        )

    def _parse_cast(self) -> ast.Expression:
        token = self.advance()
        opened = self.expect("(", f" after {token.upper}")
        operand = self.parse_expression()
        self.expect("AS", f" and a type in {token.upper}")
        name = self.parse_type_name()
        self.expect_closing(")", opened)
        return ast.Cast(
            start=token.start,
            end=self.last_end,
            operand=operand,
            type=name,
            form="CAST" if token.upper == "CAST" else "TRY_CAST",
        )

    def _parse_exists(self) -> ast.Expression:
        start = self.advance().start
        opened = self.expect("(", " after EXISTS")
        if not self.at("SELECT"):
            raise self.unexpected("SELECT after EXISTS (", meant=("SELECT",))
        query = self.parse_subquery(opened).query
        return ast.Exists(start=start, end=self.last_end, query=query)

    _SPECIAL: ClassVar[Mapping[str, Callable[[OperandParser], ast.Expression]]] = MappingProxyType(
        {
            "NULL": _parse_constant,
            "TRUE": _parse_constant,
            "FALSE": _parse_constant,
            "CASE": _parse_case,
            "CAST": _parse_cast,
            "TRY_CAST": _parse_cast,
            "EXISTS": _parse_exists,
        }
    )


def string_value(raw: str) -> str:
    """Return the value of a string, whose quotes `raw` lacks.

    Escapes are undone as Snowflake does: likely, but not documented.
    """
    if "'" not in raw and "\\" not in raw:
        return raw

    def undo(match: re.Match[str]) -> str:
        escaped = match.group(1)
        return "'" if escaped is None else _CONTROL.get(escaped, escaped)

    return _ESCAPE.sub(undo, raw)
