"""A place among the words of a query: look, take, expect, complain.

Owns the reading head that `expressions` and `grammar` share, and the wording of the commonest
complaint, "expected this, found that". Refuses to know what a query looks like.
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
"""Bare words that are never a column, a table or an alias."""


class Cursor:
    """A reading head over `words`, whose last word is of kind END.

    `problems` collects what reading went on after; `parens` the grouping parentheses.
    """

    def __init__(self, text: str, words: Sequence[Token]) -> None:
        self.text = text
        self.tokens = words
        self.index = 0
        self.word = words[0]
        self.problems: list[Problem] = []
        self.parens: list[Paren] = []

    @property
    def next(self) -> Token:
        """The word after the current one; at the end, the end."""
        return self.tokens[min(self.index + 1, len(self.tokens) - 1)]

    @property
    def last_end(self) -> int:
        """Where the last taken word ended."""
        return self.tokens[self.index - 1].end if self.index else self.word.start

    def take(self) -> Token:
        """Return the current word and go on to the next. The end is never passed."""
        word = self.word
        if word.kind is not TokenKind.END:
            self.index += 1
            self.word = self.tokens[self.index]
        return word

    def at(self, *wanted: str) -> bool:
        """Tell whether the current word is one of these, given in upper case."""
        return self.word.upper in wanted

    def accept(self, wanted: str) -> Token | None:
        """Take the current word if it is `wanted`."""
        return self.take() if self.word.upper == wanted else None

    def expect(self, wanted: str, why: str = "") -> Token:
        """Take the word `wanted`, or stop, saying that it was expected `why`."""
        if self.word.upper != wanted:
            raise self.unexpected(f"`{wanted}`{why}", meant=(wanted,))
        return self.take()

    def close(self, mark: str, opened: Token, meant: Sequence[str] = ()) -> Token:
        """Take the closing `mark` of what `opened`, or stop and name where that stands."""
        if self.word.upper == mark:
            return self.take()
        kind = "bracket" if opened.text == "[" else "parenthesis"
        if self.word.kind is TokenKind.END:
            raise self.stop(
                f"unclosed-{kind}",
                f"the {kind} opened at {describe_position(self.text, opened.start)} is not closed",
                f"add `{mark}`",
                opened,
            )
        raise self.unexpected(
            f"`{mark}`",
            meant=meant,
            hint=f"the {kind} was opened at {describe_position(self.text, opened.start)}",
        )

    def unexpected(self, wanted: str, *, meant: Sequence[str] = (), hint: str = "") -> ParseError:
        """Make the reason to stop at the current word: `wanted` was expected there.

        `meant` are keywords that the current word may be a misspelling of.
        """
        word = self.word
        guess = nearest_match(word.text, meant) if word.kind is TokenKind.NAME else ""
        found = (
            "the query ends" if word.kind is TokenKind.END else f"found {quote_snippet(word.text)}"
        )
        return self.stop(
            "syntax",
            f"expected {wanted}, but {found}",
            f"did you mean `{guess}`?" if guess else hint,
        )

    def comma_missing(self, things: str) -> ParseError:
        """Make the reason to stop at the current word: it begins the next of some `things`."""
        message = f"a comma is missing before {quote_snippet(self.word.text)}"
        return self.stop("syntax", message, f"write a comma between {things}")

    def stop(
        self, code: str, message: str, hint: str = "", word: Token | None = None
    ) -> ParseError:
        """Make the reason to stop reading: a problem at `word`, or at the current one."""
        return ParseError(self.problem(code, message, hint, word))

    def complain(self, code: str, message: str, hint: str = "", word: Token | None = None) -> None:
        """Note a problem, and go on reading."""
        self.problems.append(self.problem(code, message, hint, word))

    def problem(self, code: str, message: str, hint: str, word: Token | None) -> Problem:
        """Make a problem at `word`, or at the current one."""
        where = word or self.word
        return Problem(code, message, hint, where.start, where.end)

    def misspelt(self, *keywords: str) -> bool:
        """Tell whether the current word seems to be one of these keywords, misspelt.

        If so, the problem is noted and the word is to be read as that keyword.
        """
        word = self.word
        if word.kind is not TokenKind.NAME or word.upper in RESERVED:
            return False
        guess = nearest_match(word.text, keywords)
        if not guess:
            return False
        self.complain(
            "misspelt-keyword", f"unknown word {quote_snippet(word.text)}", _did_you_mean(guess)
        )
        self.word = word._replace(upper=guess)
        return True

    def is_name(self, word: Token) -> bool:
        """Tell whether a word can name a column, a table or an alias."""
        return word.kind is TokenKind.QUOTED or (
            word.kind is TokenKind.NAME and word.upper not in RESERVED
        )

    def name(self, what: str) -> Name:
        """Take a name, or stop: `what` was expected."""
        if not self.is_name(self.word):
            raise self.unexpected(what)
        return name_of(self.take())

    def any_name(self, what: str) -> Name:
        """Take a name that may also be a keyword, as after a dot."""
        if self.word.kind not in (TokenKind.NAME, TokenKind.QUOTED):
            raise self.unexpected(what)
        return name_of(self.take())


def name_of(word: Token) -> Name:
    """Make a name of a bare or quoted word."""
    quoted = word.kind is TokenKind.QUOTED
    text = word.text[1:-1].replace('""', '"') if quoted else word.text
    return Name(start=word.start, end=word.end, text=text, quoted=quoted)


def _did_you_mean(guess: str) -> str:
    return f"did you mean `{upper(guess)}`?"
