"""A cursor over the tokens of a query: look, advance, expect, report.

Shared by the parsers of expressions and statements, and by that of SGQL. Words the commonest
message, "expected X, found Y"; knows no grammar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.common.suggest import nearest_match
from segctl.query.ast import Name, Paren
from segctl.query.parser.errors import ParseError, Problem, describe_position, quote_snippet
from segctl.query.parser.tokens import Token, TokenKind, upper

if TYPE_CHECKING:
    from collections.abc import Sequence

RESERVED = frozenset(
    {
        "SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "IN", "IS", "LIKE", "ILIKE", "RLIKE",
        "REGEXP", "BETWEEN", "EXISTS", "CASE", "WHEN", "THEN", "ELSE", "END", "NULL", "TRUE",
        "FALSE", "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "OUTER", "CROSS", "NATURAL", "ON",
        "USING", "AS", "ESCAPE", "GROUP", "HAVING", "QUALIFY", "ORDER", "LIMIT", "OFFSET", "FETCH",
        "UNION", "INTERSECT", "EXCEPT", "MINUS", "DISTINCT", "CAST", "TRY_CAST", "WITH",
    }
)  # fmt: skip
"""Bare words that never name a column, a table or an alias."""


class Cursor:
    """A position in `tokens`, the last of which is of kind END.

    `problems` collects the errors after which parsing continues; `parens` the grouping
    parentheses.
    """

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.index = 0
        self.token = tokens[0]
        self.problems: list[Problem] = []
        self.parens: list[Paren] = []

    @property
    def next(self) -> Token:
        """The token after the current one; the END token at the end."""
        return self.tokens[min(self.index + 1, len(self.tokens) - 1)]

    @property
    def last_end(self) -> int:
        """The offset at which the previous token ended."""
        return self.tokens[self.index - 1].end if self.index else self.token.start

    def advance(self) -> Token:
        """Return the current token and move to the next. Never moves past the END token."""
        token = self.token
        if token.kind is not TokenKind.END:
            self.index += 1
            self.token = self.tokens[self.index]
        return token

    def at(self, *wanted: str) -> bool:
        """Return whether the current token is one of these, given in upper case."""
        return self.token.upper in wanted

    def accept(self, wanted: str) -> Token | None:
        """Return the current token and advance if it is `wanted`, else return `None`."""
        return self.advance() if self.token.upper == wanted else None

    def expect(self, wanted: str, context: str = "") -> Token:
        """Return the current token and advance if it is `wanted`, else raise `ParseError`.

        `context` completes the message: `" after EXISTS"`.
        """
        if self.token.upper != wanted:
            raise self.unexpected(f"`{wanted}`{context}", meant=(wanted,))
        return self.advance()

    def expect_closing(self, mark: str, opened: Token, meant: Sequence[str] = ()) -> Token:
        """Return the token that closes `opened`, or raise `ParseError` naming where that is."""
        if self.token.upper == mark:
            return self.advance()
        kind = "bracket" if opened.text == "[" else "parenthesis"
        where = describe_position(self.text, opened.start)
        if self.token.kind is TokenKind.END:
            message = f"the {kind} opened at {where} is never closed"
            raise self.error(f"unclosed-{kind}", message, f"add `{mark}`", opened)
        raise self.unexpected(f"`{mark}`", meant=meant, hint=f"the {kind} was opened at {where}")

    def unexpected(self, wanted: str, *, meant: Sequence[str] = (), hint: str = "") -> ParseError:
        """Return the error "expected X, found Y" at the current token.

        `meant` are keywords of which the current token may be a misspelling.
        """
        token = self.token
        guess = nearest_match(token.text, meant) if token.kind is TokenKind.NAME else ""
        is_end = token.kind is TokenKind.END
        actual = "the end of the query" if is_end else quote_snippet(token.text)
        return self.error(
            "syntax",
            f"expected {wanted}, found {actual}",
            f"did you mean `{guess}`?" if guess else hint,
        )

    def missing_comma(self, items: str) -> ParseError:
        """Return the error at the current token, the next of some `items` ("the values")."""
        message = f"missing comma before {quote_snippet(self.token.text)}"
        return self.error("syntax", message, f"separate {items} with commas")

    def error(
        self, code: str, message: str, hint: str = "", token: Token | None = None
    ) -> ParseError:
        """Return the error that ends parsing, at `token` or at the current one."""
        return ParseError(self.problem(code, message, hint, token))

    def report(self, code: str, message: str, hint: str = "", token: Token | None = None) -> None:
        """Record a problem at `token`, or at the current one, and continue parsing."""
        self.problems.append(self.problem(code, message, hint, token))

    def problem(self, code: str, message: str, hint: str, token: Token | None) -> Problem:
        """Return a problem at `token`, or at the current one."""
        where = token or self.token
        return Problem(code, message, hint, where.start, where.end)

    def correct_misspelling(self, *keywords: str) -> bool:
        """Return whether the current token seems to be one of these keywords, misspelt.

        If so, report it and replace the current token by that keyword.
        """
        token = self.token
        if token.kind is not TokenKind.NAME or token.upper in RESERVED:
            return False
        guess = nearest_match(token.text, keywords)
        if not guess:
            return False
        message = f"unknown keyword {quote_snippet(token.text)}"
        self.report("misspelt-keyword", message, f"did you mean `{upper(guess)}`?")
        self.token = token._replace(upper=guess)
        return True

    def is_name(self, token: Token) -> bool:
        """Return whether a token can name a column, a table or an alias."""
        return token.kind is TokenKind.QUOTED or (
            token.kind is TokenKind.NAME and token.upper not in RESERVED
        )

    def parse_name(self, expected: str) -> Name:
        """Parse a name, or raise `ParseError`: `expected` is missing."""
        if not self.is_name(self.token):
            raise self.unexpected(expected)
        return name_of(self.advance())

    def parse_any_name(self, expected: str) -> Name:
        """Parse a name that may also be a keyword, as after a dot."""
        if self.token.kind not in (TokenKind.NAME, TokenKind.QUOTED):
            raise self.unexpected(expected)
        return name_of(self.advance())


def name_of(token: Token) -> Name:
    """Return the name that a bare or quoted token is."""
    quoted = token.kind is TokenKind.QUOTED
    text = token.text[1:-1].replace('""', '"') if quoted else token.text
    return Name(start=token.start, end=token.end, text=text, quoted=quoted)
