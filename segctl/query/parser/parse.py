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

import re
from dataclasses import dataclass, replace
from typing import NoReturn

from segctl.query.ast import Comment, Query
from segctl.query.catalogue import TIME_UNITS
from segctl.query.parser.cursor import RESERVED
from segctl.query.parser.errors import ParseError, Problem, quote_snippet
from segctl.query.parser.statements import StatementParser
from segctl.query.parser.tokens import Token, TokenKind, lower, upper

MAX_QUERY_LENGTH = 1 << 20
"""The length in characters of the longest query that segctl reads."""

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n\f\v]++)
      | (?P<comment>--[^\r\n]*+|/\*.*?\*/)
      | (?P<name>[^\W\d][\w$]*+)
      | (?P<quoted>"(?:[^"]++|"")*+")
      | (?P<string>'(?:[^'\\]++|\\.|'')*+')
      | (?P<number>\d++(?:\.\d*+)?+(?:[eE][+-]?\d++)?+)
      | (?P<symbol><=>|==|!=|<>|<=|>=|\|\||&&|::|->|=>|(?!/\*)[^\w\s'"])""",
    re.VERBOSE | re.DOTALL,
)
_OPERATORS = ("<=>", "==", "!=", "<>", "<=", ">=", "||", "&&", "::", "->", "=>")
_UNTERMINATED = {
    "'": ("unterminated-string", "the string that starts here is never closed", "add a closing '"),
    '"': (
        "unterminated-name",
        "the quoted name that starts here is never closed",
        'add a closing "',
    ),
    "/": (
        "unterminated-comment",
        "the comment that starts here is never closed",
        "add a closing */",
    ),
}
_SMART_QUOTES = {  # “ ” „ and the single ones
    **dict.fromkeys("\u201c\u201d\u201e", '"'),
    **dict.fromkeys("\u2018\u2019\u201a\u00b4", "'"),
}
_INVISIBLE = frozenset("\u200b\u200c\u200d\u2060\ufeff")  # not white space to Python
_KNOWN_SYMBOLS = frozenset((*_OPERATORS, *"()[]{},.:;=<>!+-*/%$?&|^~@#\\"))
_HASH = re.compile(r"(?<!\{)#(?!\})")  # the parser reports {# … #} as a template


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """The result of parsing: `query` is `None` exactly when there are `problems`.

    `tokens` are all tokens of the text in order, without comments and without an END token: a
    formatter uses them to prove that it changed nothing. They are empty if the text could not be
    split into tokens.
    """

    text: str
    query: Query | None
    problems: tuple[Problem, ...]
    tokens: tuple[Token, ...] = ()


def parse(text: str) -> ParsedQuery:
    """Parse a query. Never raises; takes time linear in `len(text)`.

    Offsets in the result count characters of `text` as it is.
    """
    if len(text) > MAX_QUERY_LENGTH:
        return ParsedQuery(text, None, (too_long(text),))
    try:
        tokens, comments = _tokenize(text)
    except ParseError as error:
        return ParsedQuery(text, None, (error.problem,))
    parser = StatementParser(text, [*tokens, Token(TokenKind.END, "", "", len(text), len(text))])
    try:
        query = parser.parse_statement()
    except ParseError as error:
        return ParsedQuery(text, None, (*parser.problems, error.problem), tuple(tokens))
    except RecursionError:  # the caller is deep in the stack already
        problem = Problem("too-deep", "the query is nested too deeply", "", 0, len(text))
        return ParsedQuery(text, None, (problem,), tuple(tokens))
    if parser.problems:
        return ParsedQuery(text, None, tuple(parser.problems), tuple(tokens))
    return ParsedQuery(text, replace(query, comments=tuple(comments)), (), tuple(tokens))


def too_long(text: str) -> Problem:
    """Return the problem of a text longer than `MAX_QUERY_LENGTH`."""
    message = f"the query has {len(text)} characters, more than the limit of {MAX_QUERY_LENGTH}"
    return Problem("too-long", message, "", 0, 0)


def find_comments(text: str) -> list[Comment]:
    """Return the comments of a text, also of one that cannot be parsed. Never raises."""
    return [
        Comment(start=match.start(), end=match.end(), text=match.group())
        for match in _TOKEN.finditer(text)
        if match.lastgroup == "comment"
    ]


def _tokenize(text: str) -> tuple[list[Token], list[Comment]]:
    """Split a text into tokens and comments, or raise `ParseError`."""
    tokens: list[Token] = []
    comments: list[Comment] = []
    position = 0
    for match in _TOKEN.finditer(text):
        group, lexeme = match.lastgroup, match.group()
        start, end = match.span()
        if start != position:
            break
        position = end
        if group == "space":
            continue
        if group == "comment":
            comments.append(Comment(start=start, end=position, text=lexeme))
            continue
        folded = lexeme
        if group == "name":
            folded = upper(lexeme)
            if tokens and tokens[-1].end == start:
                _check_apostrophe(tokens[-1], lexeme, position)
        elif group == "symbol" and (lexeme not in _KNOWN_SYMBOLS or _HASH.match(text, start)):
            _raise_bad_character(text, start)
        elif group == "string" and tokens and tokens[-1].end == start:
            _check_prefix(text, tokens[-1], position)
        tokens.append(Token(_KINDS[group], lexeme, folded, start, position))
    if position < len(text):
        _raise_bad_character(text, position)
    return tokens, comments


_KINDS: dict[str | None, TokenKind] = {kind.value: kind for kind in TokenKind}


def _check_apostrophe(before: Token, name: str, end: int) -> None:
    """Raise at a letter right after a string, as in 'O'Brien', rather than at a later quote."""
    known = upper(name) in RESERVED or lower(name) in TIME_UNITS
    if before.kind is TokenKind.STRING and not known:
        message = f"the string ends here, right before {quote_snippet(name)}"
        hint = "write '' for a quote inside a string"
        raise ParseError(Problem("quote-in-text", message, hint, before.end - 1, end))


def _check_prefix(text: str, before: Token, end: int) -> None:
    """Raise at a string with a letter before it, such as N'…': other dialects give it a meaning."""
    if before.kind is TokenKind.NAME and len(before.text) == 1:
        message = f"invalid string {quote_snippet(text[before.start : end])}"
        hint = "strings have no prefix: write '…' alone"
        raise ParseError(Problem("string-prefix", message, hint, before.start, end))


def _raise_bad_character(text: str, offset: int) -> NoReturn:
    """Raise the `ParseError` of the character at `offset`, which no token starts with."""
    char = text[offset]
    hint = ""
    if char in _UNTERMINATED:
        code, message, hint = _UNTERMINATED[char]
    elif char in _SMART_QUOTES:
        code, message = "smart-quote", f"{quote_snippet(char)} is a typographic quote"
        hint = f"use the straight quote {_SMART_QUOTES[char]}"
    elif char == "`":
        code, message = "backtick", "names cannot be quoted with backticks"
        hint = 'write the name bare, or in double quotes: "name"'
    elif char == "#":
        code, message = "hash", f"{quote_snippet(char)} does not start a comment"
        hint = "start comments in a query with --"
    elif char.isspace() or char in _INVISIBLE:
        code, message = "odd-space", f"invisible character U+{ord(char):04X}"
        hint = "replace it with a plain space"
    else:
        code, message = "odd-character", f"unexpected character {quote_snippet(char)}"
    raise ParseError(Problem(code, message, hint, offset, offset + 1))
