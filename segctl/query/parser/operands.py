"""Reading one operand: a name, a literal, a call, or something between parentheses.

Owns the shapes that need no precedence. Refuses to know operators (`expressions`) and clauses
(`grammar`).
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from segctl.query import ast
from segctl.query.catalogue import FUNCTIONS, TIME_UNITS
from segctl.query.parser.cursor import name_of
from segctl.query.parser.errors import quote_snippet
from segctl.query.parser.expressions import CONTINUE, ExpressionParser
from segctl.query.parser.tokens import TokenKind, lower, upper

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from segctl.query.parser.tokens import Token

_UNITS = frozenset(upper(unit) for unit in TIME_UNITS)
_BARE = frozenset(name for name, function in FUNCTIONS.items() if function.bare)
_PART_FIRST = frozenset(name for name, function in FUNCTIONS.items() if function.date_part_first)
_ESCAPED = re.compile(r"''|\\(.)", re.DOTALL)
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}
_TYPE_TAILS = (
    ("WITH", "TIME", "ZONE"),
    ("WITH", "LOCAL", "TIME", "ZONE"),
    ("WITHOUT", "TIME", "ZONE"),
    ("PRECISION",),
)
_TYPED_LITERALS = ("TIMESTAMP", "DATE", "TIME", "TIMESTAMP_NTZ", "TIMESTAMP_TZ", "TIMESTAMP_LTZ")
_TEMPLATES = {"{": "template", "}": "template", "$": "placeholder", "?": "placeholder"}


class OperandParser(ExpressionParser):
    """Reads operands at the cursor."""

    def operand(self) -> ast.Expression:
        """Read one operand and what binds to it without an operator."""
        word = self.word
        match word.kind:
            case TokenKind.STRING:
                return self._string()
            case TokenKind.NUMBER:
                return self._number()
            case TokenKind.QUOTED:
                return self._column()
            case TokenKind.NAME:
                return self._named()
            case _:
                return self._symbol()

    def type_name(self) -> str:
        """Read the name of a type, with its parameters and its tail of words."""
        word = self.word
        if word.kind is not TokenKind.NAME:  # in quotes its case would count
            raise self.unexpected("the name of a type")
        self.take()
        words = [word.upper]
        for tail in _TYPE_TAILS:
            here = self.tokens[self.index : self.index + len(tail)]
            if tuple(word.upper for word in here) == tail:
                words.extend(self.take().upper for _ in tail)
                break
        if self.at("(") and self.next.kind is TokenKind.NUMBER:
            opened = self.take()
            numbers = [self.take().text]
            while self.accept(","):
                if self.word.kind is not TokenKind.NUMBER:
                    raise self.unexpected("a number in the type")
                numbers.append(self.take().text)
            self.close(")", opened)
            words[-1] += f"({', '.join(numbers)})"
        return " ".join(words)

    def _string(self) -> ast.String:
        word = self.take()
        raw = word.text[1:-1]
        return ast.String(start=word.start, end=word.end, raw=raw, value=_decoded(raw))

    def _number(self) -> ast.Expression:
        word = self.take()
        number = ast.Number(start=word.start, end=word.end, text=word.text)
        if self.word.kind is TokenKind.NAME:
            if self.word.upper in _UNITS:
                unit = name_of(self.take())
                return ast.Interval(
                    start=word.start, end=unit.end, value=number, unit=unit, keyword=False
                )
            if self.word.start == word.end:
                raise self.stop(
                    "syntax",
                    f"{quote_snippet(word.text + self.word.text)} is neither a number nor a name",
                    'put a name that begins with a digit between double quotes: "2fa"',
                )
        return number

    def _symbol(self) -> ast.Expression:
        word = self.word
        if word.upper == "(":
            return self._parenthesis()
        if word.upper == "[":
            opened = self.take()
            if self.accept("]"):
                return ast.Array(start=opened.start, end=self.last_end, items=())
            items = self.list_until("]", opened)
            return ast.Array(start=opened.start, end=self.last_end, items=items)
        after = self.next
        if word.upper == "." and after.kind is TokenKind.NUMBER and after.start == word.end:
            self.take()
            digits = self.take()
            return ast.Number(start=word.start, end=digits.end, text=f".{digits.text}")
        if word.upper in _TEMPLATES:
            raise self.stop(
                _TEMPLATES[word.upper],
                f"{quote_snippet(word.text)} is a placeholder, which SendGrid does not fill in",
                "write the value itself",
            )
        raise self.unexpected("a column, a value or `(`")

    def _parenthesis(self) -> ast.Expression:
        opened = self.take()
        if self.at("SELECT"):
            return self.subquery_after(opened)
        if self.at(")"):
            raise self.stop(
                "syntax", "nothing stands between these parentheses", "remove them", opened
            )
        inner = self.expression()
        if self.at(","):
            raise self.stop("syntax", "a list of values can stand only after IN", word=opened)
        self.close(")", opened, CONTINUE)
        paren = ast.Paren(
            start=opened.start,
            end=self.last_end,
            inner_start=inner.start,
            inner_end=inner.end,
        )
        self.parens.append(paren)
        return inner

    def _named(self) -> ast.Expression:
        word = self.word
        if word.upper in self._SPECIAL:
            return self._SPECIAL[word.upper](self)
        after = self.next
        if after.upper == "(" and (self.is_name(word) or word.upper in ("LEFT", "RIGHT")):
            return self._call()
        if not self.is_name(word):
            raise self.unexpected("a column, a value or `(`")
        return self._bare_word(word, after)

    def _constant(self) -> ast.Expression:
        word = self.take()
        if word.upper == "NULL":
            return ast.Null(start=word.start, end=word.end)
        return ast.Boolean(start=word.start, end=word.end, value=word.upper == "TRUE")

    def _bare_word(self, word: Token, after: Token) -> ast.Expression:
        """Read a name that no parenthesis follows: mostly a column."""
        if word.upper == "INTERVAL" and (
            after.kind in (TokenKind.NUMBER, TokenKind.STRING) or after.upper == "-"
        ):
            return self._interval()
        if word.upper in _TYPED_LITERALS and after.kind is TokenKind.STRING:
            self.take()
            value = self._string()
            return ast.Cast(
                start=word.start, end=value.end, operand=value, type=word.upper, form="literal"
            )
        if word.upper in _BARE and after.upper not in (".", ":"):
            self.take()
            name = name_of(word)
            return ast.Call(start=word.start, end=word.end, name=name, args=(), bare=True)
        if after.kind is TokenKind.STRING and after.start == word.end:
            raise self.stop(
                "string-prefix",
                f"{quote_snippet(word.text)} stands right before a string",
                "strings have no prefixes here: write '…' alone",
            )
        return self._column()

    def _column(self) -> ast.Expression:
        first = name_of(self.take())
        if self.at("(") and first.quoted:
            raise self.stop("syntax", "a name between double quotes is not a function")
        qualifier: ast.Name | None = None
        name = first
        if self.accept("."):
            if self.at("*"):
                star = self.take()
                return ast.Star(start=first.start, end=star.end, qualifier=first)
            qualifier, name = first, self.any_name("a column after `.`")
            if self.at("."):
                raise self.stop(
                    "syntax",
                    "a column has one qualifier at the most",
                    "parts of semi-structured data are written e.DATA:payload.part",
                )
        path: list[ast.Name | ast.Number | ast.String] = []
        if self.accept(":"):
            path.append(self.any_name("a key after `:`"))
        while path or self.at("["):
            if self.at("["):
                path.append(self._subscript())
            elif path and self.accept("."):
                path.append(self.any_name("a key after `.`"))
            else:
                break
        return ast.Column(
            start=first.start,
            end=self.last_end,
            qualifier=qualifier,
            name=name,
            path=tuple(path),
        )

    def _subscript(self) -> ast.Number | ast.String:
        opened = self.take()
        if self.word.kind is TokenKind.STRING:
            step: ast.Number | ast.String = self._string()
        elif self.word.kind is TokenKind.NUMBER:
            word = self.take()
            step = ast.Number(start=word.start, end=word.end, text=word.text)
        else:
            raise self.unexpected("a number or a string between the brackets")
        self.close("]", opened)
        return step

    def _call(self) -> ast.Expression:
        name = name_of(self.take())
        opened = self.take()
        distinct = self.accept("DISTINCT") is not None
        args: tuple[ast.Expression, ...] = ()
        if self.at("*"):
            star = self.take()
            args = (ast.Star(start=star.start, end=star.end),)
            self.close(")", opened)
        elif upper(name.text) in _PART_FIRST and self._at_part():
            word = self.take()
            part = ast.DatePart(start=word.start, end=word.end, name=name_of(word))
            self.take()
            args = (part, *self.list_until(")", opened))
        elif not distinct and self.accept(")"):
            pass
        else:
            args = self.list_until(")", opened)
        if self.at("OVER"):
            raise self.stop(
                "window-function", "window functions (OVER) are not known to be supported"
            )
        return ast.Call(
            start=name.start, end=self.last_end, name=name, args=args, distinct=distinct
        )

    def _at_part(self) -> bool:
        return self.word.kind is TokenKind.NAME and self.next.upper == ","

    def _interval(self) -> ast.Expression:
        start = self.take().start
        value: ast.Number | ast.String | ast.Unary
        if self.word.kind is TokenKind.STRING:
            value = self._string()
        else:
            sign = self.accept("-")
            word = self.take()
            if word.kind is not TokenKind.NUMBER:
                raise self.stop("syntax", "expected a number after INTERVAL", "", word)
            value = ast.Number(start=word.start, end=word.end, text=word.text)
            if sign:
                value = ast.Unary(start=sign.start, end=word.end, op="-", operand=value)
        unit: ast.Name | None = None
        if self.word.kind is TokenKind.NAME and self.word.upper in _UNITS:
            unit = name_of(self.take())
        elif not isinstance(value, ast.String):
            raise self.unexpected(
                "a unit of time after INTERVAL", meant=[lower(u) for u in TIME_UNITS]
            )
        return ast.Interval(start=start, end=self.last_end, value=value, unit=unit, keyword=True)

    def _case(self) -> ast.Expression:
        start = self.take().start
        operand = None if self.at("WHEN") else self.expression()
        whens: list[ast.When] = []
        while self.at("WHEN"):
            begin = self.take().start
            condition = self.expression()
            self.expect("THEN", " in CASE")
            result = self.expression()
            whens.append(
                ast.When(start=begin, end=self.last_end, condition=condition, result=result)
            )
        if not whens:
            raise self.unexpected("WHEN in CASE", meant=("WHEN",))
        otherwise = self.expression() if self.accept("ELSE") else None
        self.expect("END", " of CASE")
        return ast.Case(
            start=start,
            end=self.last_end,
            operand=operand,
            whens=tuple(whens),
            otherwise=otherwise,
        )

    def _cast(self) -> ast.Expression:
        word = self.take()
        opened = self.expect("(", f" after {word.upper}")
        operand = self.expression()
        self.expect("AS", f" and a type in {word.upper}")
        name = self.type_name()
        self.close(")", opened)
        return ast.Cast(
            start=word.start,
            end=self.last_end,
            operand=operand,
            type=name,
            form="CAST" if word.upper == "CAST" else "TRY_CAST",
        )

    def _exists(self) -> ast.Expression:
        start = self.take().start
        opened = self.expect("(", " after EXISTS")
        if not self.at("SELECT"):
            raise self.unexpected("SELECT after EXISTS (", meant=("SELECT",))
        query = self.subquery_after(opened).query
        return ast.Exists(start=start, end=self.last_end, query=query)

    _SPECIAL: ClassVar[Mapping[str, Callable[[OperandParser], ast.Expression]]] = MappingProxyType(
        {
            "NULL": _constant,
            "TRUE": _constant,
            "FALSE": _constant,
            "CASE": _case,
            "CAST": _cast,
            "TRY_CAST": _cast,
            "EXISTS": _exists,
        }
    )


def _decoded(raw: str) -> str:
    """Undo `''` and backslash escapes as Snowflake does: the likely meaning, not a proof."""
    if "'" not in raw and "\\" not in raw:
        return raw

    def undo(match: re.Match[str]) -> str:
        escaped = match.group(1)
        return "'" if escaped is None else _CONTROL.get(escaped, escaped)

    return _ESCAPED.sub(undo, raw)
