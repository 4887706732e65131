"""Reading the text of a query: `parse(text)` gives the tree, or says what could not be read.

Owns the way from text to words; the parser (`grammar`, `operands`, `expressions`) makes the tree
of them. Both are segctl's own, because the language's meaning is what segctl exists for:

- every node knows its exact place;
- the messages are in segctl's words, and guess at what was meant;
- a general SQL parser makes one node of different spellings (NOW() and CURRENT_TIMESTAMP), so
  equality by its tree would claim more than the rewrites that are known to be harmless;
- size and nesting are bounded before anything recurses;
- nothing heavy is imported: sqlglot, which the tests use as a second opinion, takes 200 ms.

Refuses to judge a query. Whatever the input, `parse` returns, in time linear in its length.
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
"""Texts of more characters are not read."""

_PIECE = re.compile(
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
_OPENERS = {
    "'": ("unterminated-string", "the string that begins here never ends", "add a closing '"),
    '"': ("unterminated-name", "the quoted name that begins here never ends", 'add a closing "'),
    "/": ("unterminated-comment", "the comment that begins here never ends", "add a closing */"),
}
_SMART = {  # “ ” „ and the single ones
    **dict.fromkeys("\u201c\u201d\u201e", '"'),
    **dict.fromkeys("\u2018\u2019\u201a\u00b4", "'"),
}
_BLANK = frozenset("\u200b\u200c\u200d\u2060\ufeff")  # invisible, and no white space to Python
_SYMBOLS = frozenset((*_OPERATORS, *"()[]{},.:;=<>!+-*/%$?&|^~@#\\"))
_HASH = re.compile(r"(?<!\{)#(?!\})")  # {# … #} is a template's: the grammar knows those


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """What reading gave: `query` is `None` exactly when there are `problems`.

    `tokens` are all tokens of the text in order, without comments and without an end mark: a
    formatter proves by them that it changed nothing. They are empty when the text could not
    be cut into words.
    """

    text: str
    query: Query | None
    problems: tuple[Problem, ...]
    tokens: tuple[Token, ...] = ()


def parse(text: str) -> ParsedQuery:
    """Read a query. Never raises; takes time linear in `len(text)`.

    Offsets in the result count characters of `text` as given.
    """
    if len(text) > MAX_QUERY_LENGTH:
        message = f"the query has {len(text)} characters; segctl reads at most {MAX_QUERY_LENGTH}"
        return ParsedQuery(text, None, (Problem("too-long", message, "", 0, 0),))
    try:
        words, comments = _cut(text)
    except ParseError as stop:
        return ParsedQuery(text, None, (stop.problem,))
    grammar = StatementParser(text, [*words, Token(TokenKind.END, "", "", len(text), len(text))])
    try:
        query = grammar.statement()
    except ParseError as stop:
        return ParsedQuery(text, None, (*grammar.problems, stop.problem), tuple(words))
    except RecursionError:  # the caller stood deep in the stack already
        problem = Problem("too-deep", "the query is nested too deep", "", 0, len(text))
        return ParsedQuery(text, None, (problem,), tuple(words))
    if grammar.problems:
        return ParsedQuery(text, None, tuple(grammar.problems), tuple(words))
    return ParsedQuery(text, replace(query, comments=tuple(comments)), (), tuple(words))


def _cut(text: str) -> tuple[list[Token], list[Comment]]:
    """Cut a text into words and comments, or raise `CannotRead`."""
    words: list[Token] = []
    comments: list[Comment] = []
    position = 0
    for found in _PIECE.finditer(text):
        group, piece = found.lastgroup, found.group()
        start, end = found.span()
        if start != position:
            break
        position = end
        if group == "space":
            continue
        if group == "comment":
            comments.append(Comment(start=start, end=position, text=piece))
            continue
        folded = piece
        if group == "name":
            folded = upper(piece)
            if words and words[-1].end == start:
                _refuse_apostrophe(words[-1], piece, position)
        elif group == "symbol" and (piece not in _SYMBOLS or _HASH.match(text, start)):
            _stop_on(text, start)
        elif group == "string" and words and words[-1].end == start:
            _refuse_prefix(text, words[-1], position)
        words.append(Token(_KINDS[group], piece, folded, start, position))
    if position < len(text):
        _stop_on(text, position)
    return words, comments


_KINDS: dict[str | None, TokenKind] = {kind.value: kind for kind in TokenKind}


def _refuse_apostrophe(before: Token, name: str, end: int) -> None:
    """Stop at a letter right behind a string, as in 'O'Brien', rather than at a later quote."""
    known = upper(name) in RESERVED or lower(name) in TIME_UNITS
    if before.kind is TokenKind.STRING and not known:
        message = f"a text ends here, right before {quote_snippet(name)}"
        hint = "write '' for a quote inside a text"
        raise ParseError(Problem("quote-in-text", message, hint, before.end - 1, end))


def _refuse_prefix(text: str, before: Token, end: int) -> None:
    """Stop at a string with a letter before it, such as N'…': other dialects give it a meaning."""
    if before.kind is TokenKind.NAME and len(before.text) == 1:
        message = f"{quote_snippet(text[before.start : end])} cannot be read"
        hint = "strings have no prefixes here: write '…' alone"
        raise ParseError(Problem("string-prefix", message, hint, before.start, end))


def _stop_on(text: str, at: int) -> NoReturn:
    """Say what is wrong with the character at `at`."""
    char = text[at]
    hint = ""
    end = at + 1
    if char in _OPENERS:
        code, message, hint = _OPENERS[char]
    elif char in _SMART:
        code, message = "smart-quote", f"{quote_snippet(char)} is a typographic quote"
        hint = f"write the straight {_SMART[char]}"
    elif char == "`":
        code, message = "backtick", "names are not put between backticks"
        hint = 'write the name bare, or between double quotes: "name"'
    elif char == "#":
        code, message = "hash", f"{quote_snippet(char)} begins no comment in a query"
        hint = "comments in a query begin with --"
    elif char.isspace() or char in _BLANK:
        code, message = "odd-space", f"the invisible character U+{ord(char):04X} stands here"
        hint = "replace it by a plain space"
    else:
        code, message = "odd-character", f"the character {quote_snippet(char)} cannot stand here"
    raise ParseError(Problem(code, message, hint, at, end))
