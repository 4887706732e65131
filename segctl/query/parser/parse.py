"""The parser of a segment query: `parse(text)` returns its tree, or says what is wrong.

Splits the text into tokens; `statements`, `operands` and `expressions` build the tree. The parser
is segctl's own, because what a query means is what segctl exists for:

- every node knows its exact place;
- messages are in segctl's words, and suggest what was meant;
- a general SQL parser makes one node of different spellings (NOW() and CURRENT_TIMESTAMP), so
  equality of its trees would claim more than the rewrites known to be harmless;
- size and nesting are limited before anything recurses;
- nothing heavy is imported: sqlglot, the second opinion of the tests, takes 200 ms.

Does not judge a query. `parse` always returns, in time linear in the length of the text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from segctl.common.suggest import did_you_mean
from segctl.query.parser.errors import ParseError, Problem, quote_snippet
from segctl.query.parser.lexer import Lexer
from segctl.query.parser.recovery import FATAL
from segctl.query.parser.statements import StatementParser
from segctl.query.parser.tokens import Token, TokenKind, lower

if TYPE_CHECKING:
    from segctl.query.ast import Query

MAX_QUERY_LENGTH = 1 << 20
"""The length in characters of the longest query that segctl reads."""


REFERENCES = ("@list", "@single_send")
"""What a name in place of an id begins with (`references`)."""


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """The result of parsing: `query` is `None` exactly when there are `problems`.

    `tokens` are all tokens of the text in order, without comments and without an END token: a
    formatter uses them to prove that it changed nothing. Where there are problems, they are those
    that could be read.
    """

    text: str
    query: Query | None
    problems: tuple[Problem, ...]
    tokens: tuple[Token, ...] = ()


def parse(text: str, *, references: bool = False) -> ParsedQuery:
    """Parse a query. Never raises; takes time linear in `len(text)`.

    Offsets in the result count characters of `text` as it is. A formatter allows `references`,
    which are then functions: SendGrid knows none, so one that nothing replaced is a problem.
    """
    if len(text) > MAX_QUERY_LENGTH:
        return ParsedQuery(text, None, (too_long(text),))
    lexer = Lexer(text)
    lexer.tokenize()
    tokens = tuple(lexer.tokens)
    parser = StatementParser(
        text,
        [*tokens, Token(TokenKind.END, "", "", len(text), len(text))],
        lexer.damaged,
        is_cut_off=lexer.is_cut_off,
    )
    query: Query | None = None
    try:
        query = parser.parse_statement()
    except ParseError as error:
        if error.problem.code in FATAL or not parser.is_consequence(error.problem):
            parser.problems.append(error.problem)
    except RecursionError:  # the caller is deep in the stack already
        problem = Problem("too-deep", "the query is nested too deeply", "", 0, len(text))
        return ParsedQuery(text, None, (problem,), tokens)
    problems = (*lexer.problems, *parser.problems)
    if not references:
        problems += (*map(_unresolved, filter(is_reference, tokens)),)
    if problems or query is None:
        return ParsedQuery(text, None, tuple(sorted(problems, key=_place)), tokens)
    return ParsedQuery(text, replace(query, comments=tuple(lexer.comments)), (), tokens)


def is_reference(token: Token) -> bool:
    """Return whether a token is the start of a reference, such as `@list`."""
    return token.kind is TokenKind.NAME and token.text.startswith("@")


def _unresolved(token: Token) -> Problem:
    forms = " or ".join(f"{name}('NAME')" for name in REFERENCES)
    hint = did_you_mean(lower(token.text), REFERENCES, f"write {forms}, or the value itself")
    message = f"unknown reference {quote_snippet(token.text)}"
    return Problem("reference", message, hint, token.start, token.end)


def _place(problem: Problem) -> tuple[bool, int]:
    return problem.code in FATAL, problem.start


def too_long(text: str) -> Problem:
    """Return the problem of a text longer than `MAX_QUERY_LENGTH`."""
    message = f"the query has {len(text)} characters, more than the limit of {MAX_QUERY_LENGTH}"
    return Problem("too-long", message, "", 0, 0)
