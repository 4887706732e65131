"""Reading the text of a query: `parse(text)` gives the tree, or says what could not be read.

Owns the way from text to words, and is the only importer of sqlglot, inside the function that
needs it, because importing it costs 200 ms. sqlglot's tokenizer cuts the text into words; the
parser (`grammar`, `operands`, `expressions`) and the tree are segctl's own:

- every node knows its exact place;
- the messages are in segctl's words, and guess at what was meant;
- sqlglot's parser makes one node of different spellings (NOW() and CURRENT_TIMESTAMP), so
  equality by its tree would claim more than the rewrites that are known to be harmless;
- size and nesting are bounded before anything recurses.

The tokenizer is told to know no keywords, so that it cuts and does not interpret: no `10L`
turned into a cast, no `SHOW …` swallowed whole, no hints. Its offsets are not trusted either:
each word must look like a word of its kind in the text, and nothing but white space and
comments may stand between two. What fails that is a problem, never a wrong tree.

Refuses to judge a query. Whatever the input, `parse` returns, in time linear in its length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, ClassVar, NoReturn

from segctl.query.grammar import Grammar
from segctl.query.problems import CannotRead, Problem, shown
from segctl.query.tree import Comment, Query
from segctl.query.words import Word, WordKind, upper

if TYPE_CHECKING:
    from sqlglot.tokens import Tokenizer

LONGEST = 1 << 20
"""Texts of more characters are not read."""

_WORD = re.compile(
    r"""(?P<name>[^\W\d][\w$]*+)
      | (?P<quoted>"(?:[^"]++|"")*+")
      | (?P<string>'(?:[^'\\]++|\\.|'')*+')
      | (?P<number>\d++(?:\.\d*+)?+(?:[eE][+-]?\d++)?+)
      | (?P<symbol><=>|==|!=|<>|<=|>=|\|\||&&|::|->|=>|[^\w\s'"])""",
    re.VERBOSE | re.DOTALL,
)
_GAP = re.compile(r"(?P<comment>--[^\r\n]*+|/\*.*?\*/)|[ \t\r\n\f\v]++", re.DOTALL)
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
_ODD = frozenset((*_SMART, *_BLANK, "`"))
_SYMBOLS = frozenset((*_OPERATORS, *"()[]{},.:;=<>!+-*/%$?&|^~@#\\", None))


@dataclass(frozen=True, slots=True)
class Parsed:
    """What reading gave: `query` is `None` exactly when there are `problems`.

    `words` are all words of the text in order, without comments and without an end mark: a
    formatter proves by them that it changed nothing. They are empty when the text could not
    be cut into words.
    """

    text: str
    query: Query | None
    problems: tuple[Problem, ...]
    words: tuple[Word, ...] = ()


def parse(text: str) -> Parsed:
    """Read a query. Never raises; takes time linear in `len(text)`.

    Offsets in the result count characters of `text` as given.
    """
    if len(text) > LONGEST:
        message = f"the query has {len(text)} characters; segctl reads at most {LONGEST}"
        return Parsed(text, None, (Problem("too-long", message, "", 0, 0),))
    try:
        words, comments = _cut(text)
    except CannotRead as stop:
        return Parsed(text, None, (stop.problem,))
    grammar = Grammar(text, [*words, Word(WordKind.END, "", "", len(text), len(text))])
    try:
        query = grammar.statement()
    except CannotRead as stop:
        return Parsed(text, None, (*grammar.problems, stop.problem), tuple(words))
    except RecursionError:  # the caller stood deep in the stack already
        problem = Problem("too-deep", "the query is nested too deep", "", 0, len(text))
        return Parsed(text, None, (problem,), tuple(words))
    if grammar.problems:
        return Parsed(text, None, tuple(grammar.problems), tuple(words))
    return Parsed(text, replace(query, comments=tuple(comments)), (), tuple(words))


def _cut(text: str) -> tuple[list[Word], list[Comment]]:
    """Cut a text into words and comments, or raise `CannotRead`."""
    from sqlglot.errors import TokenError  # noqa: PLC0415 - see the module's docstring

    try:
        tokens = _tokenizer()().tokenize(text)
    except TokenError:
        tokens = []
    words: list[Word] = []
    comments: list[Comment] = []
    position = 0
    for token in tokens:
        start, end = token.start, token.end + 1
        if start != position:
            _gap(text, position, start, comments)
        found = _WORD.fullmatch(text, start, end)
        if found is None or _symbol(found) not in _SYMBOLS:
            _stop_at(text, start, end)
        kind = _KINDS[found.lastgroup or ""]
        piece = text[start:end]
        folded = upper(piece) if kind is WordKind.NAME else piece
        words.append(Word(kind, piece, folded, start, end))
        position = end
    _gap(text, position, len(text), comments)
    return words, comments


_KINDS = {kind.value: kind for kind in WordKind}


@cache
def _tokenizer() -> type[Tokenizer]:
    """Make the tokenizer's class, once."""
    from sqlglot.dialects.databricks import Databricks  # noqa: PLC0415
    from sqlglot.tokenizer_core import TokenType  # noqa: PLC0415

    class Words(Databricks.Tokenizer):
        QUOTES: ClassVar[list[tuple[str, str] | str]] = ["'"]
        IDENTIFIERS: ClassVar[list[str | tuple[str, str]]] = ['"']
        STRING_ESCAPES: ClassVar[list[str]] = ["'", "\\"]
        KEYWORDS: ClassVar[dict[str, TokenType]] = dict.fromkeys(_OPERATORS, TokenType.UNKNOWN)
        NUMERIC_LITERALS: ClassVar[dict[str, str]] = {}
        COMMANDS: ClassVar[set[TokenType]] = set()
        VAR_SINGLE_TOKENS: ClassVar[set[str]] = {"$"}
        NESTED_COMMENTS = False

    return Words


def _gap(text: str, start: int, end: int, comments: list[Comment]) -> None:
    """Read what stands between two words: white space and comments, or stop."""
    while start < end:
        found = _GAP.match(text, start, end)
        if found is None:
            _stop_at(text, start, end)
        if found["comment"]:
            comments.append(Comment(start=start, end=found.end(), text=found.group()))
        start = found.end()


def _symbol(found: re.Match[str]) -> str | None:
    """Return the symbol that was found, or `None` for any other word."""
    return found.group() if found.lastgroup == "symbol" else None


def _stop_at(text: str, start: int, end: int) -> NoReturn:
    """Say what is wrong in `text[start:end]`, which could not be cut into words."""
    position = start
    while position < end:
        if text.startswith("/*", position):
            found = _GAP.match(text, position)
        else:
            found = _GAP.match(text, position) or _WORD.match(text, position)
        if found is None or text[position] in _ODD or _symbol(found) not in _SYMBOLS:
            _stop_on(text, position)
        position = found.end()
    piece = text[start:end]
    code, hint = "unreadable", ""
    if piece[-1:] == "'":
        code, hint = "string-prefix", "strings have no prefixes here: write '…' alone"
    raise CannotRead(Problem(code, f"{shown(piece)} cannot be read", hint, start, end))


def _stop_on(text: str, at: int) -> NoReturn:
    """Say what is wrong with the character at `at`."""
    char = text[at]
    hint = ""
    end = at + 1
    if char in _OPENERS:
        code, message, hint = _OPENERS[char]
    elif char in _SMART:
        code, message = "smart-quote", f"{shown(char)} is a typographic quote"
        hint = f"write the straight {_SMART[char]}"
    elif char == "`":
        code, message = "backtick", "names are not put between backticks"
        hint = 'write the name bare, or between double quotes: "name"'
    elif char.isspace() or char in _BLANK:
        code, message = "odd-space", f"the invisible character U+{ord(char):04X} stands here"
        hint = "replace it by a plain space"
    else:
        code, message = "odd-character", f"the character {shown(char)} cannot stand here"
    raise CannotRead(Problem(code, message, hint, at, end))
