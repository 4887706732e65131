"""The lexer of segment queries: from text to tokens and comments, every error with its offset.

Reads on after an error, as the parser does. Knows no grammar.
"""

from __future__ import annotations

import re
from typing import Final

from segctl.query.ast import Comment
from segctl.query.catalogue import TIME_UNITS
from segctl.query.parser.cursor import RESERVED
from segctl.query.parser.errors import Problem, quote_snippet
from segctl.query.parser.tokens import Token, TokenKind, lower, upper

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n\f\v]++)
      | (?P<comment>--[^\r\n]*+|/\*.*?\*/)
      | (?P<name>@?[^\W\d][\w$]*+)
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
_SMART_QUOTED = re.compile("[{0}][^{0}'\"\r\n]*[{0}'\"]?".format("".join(_SMART_QUOTES)))
_ODD_SPACES = re.compile(rf"(?:[{''.join(_INVISIBLE)}]|(?![ \t\r\n\f\v])\s)+")
_BACKTICKED = re.compile(r"`[^`\r\n]*`?")
_LINE = re.compile(r"[^\r\n]*")
_KINDS: dict[str | None, TokenKind] = {kind.value: kind for kind in TokenKind}

MAX_BAD_CHARACTERS: Final = 50
"""The number of errors after which the lexer stops, as at a string that never ends."""


def find_comments(text: str) -> list[Comment]:
    """Return the comments of a text, also of one that cannot be parsed. Never raises."""
    return [
        Comment(start=match.start(), end=match.end(), text=match.group())
        for match in _TOKEN.finditer(text)
        if match.lastgroup == "comment"
    ]


class Lexer:
    """Splits a text into `tokens` and `comments`, and collects `problems`.

    `damaged` holds the offsets of tokens that are part of a problem. `is_cut_off` says that the
    text after the last token could not be read.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[Token] = []
        self.comments: list[Comment] = []
        self.problems: list[Problem] = []
        self.damaged: set[int] = set()
        self.is_cut_off = False
        self._odd: set[str] = set()

    def tokenize(self) -> None:
        """Read the whole text, in time linear in its length."""
        position = 0
        while position < len(self.text) and not self.is_cut_off:
            position = self._read_tokens(position)
            if position < len(self.text) and not self.is_cut_off:
                position = self._read_bad_character(position)

    def _read_tokens(self, position: int) -> int:
        """Read tokens from an offset to the first character that starts none; return its offset."""
        text, tokens = self.text, self.tokens
        for match in _TOKEN.finditer(text, position):
            group, lexeme = match.lastgroup, match.group()
            start, end = match.span()
            if start != position:
                return position
            if group == "space":
                position = end
                continue
            if group == "comment":
                position = end
                self.comments.append(Comment(start=start, end=end, text=lexeme))
                continue
            folded = lexeme
            if group == "name":
                folded = upper(lexeme)
                if tokens and tokens[-1].end == start and self._splits_string(tokens[-1], lexeme):
                    return end
            elif group == "symbol" and (lexeme not in _KNOWN_SYMBOLS or _HASH.match(text, start)):
                return start
            elif group == "string" and tokens and tokens[-1].end == start:
                self._check_prefix(tokens[-1], end)
            position = end
            tokens.append(Token(_KINDS[group], lexeme, folded, start, end))
        return position

    def _splits_string(self, before: Token, name: str) -> bool:
        """Report a letter right after a string, as in 'O'Brien', rather than a later quote.

        Return whether it is one: where strings start and end is not known after it.
        """
        known = upper(name) in RESERVED or lower(name) in TIME_UNITS
        if before.kind is not TokenKind.STRING or known or before.start in self.damaged:
            return False
        message = f"the string ends here, right before {quote_snippet(name)}"
        hint = "write '' for a quote inside a string"
        end = before.end + len(name)
        self.problems.append(Problem("quote-in-text", message, hint, before.end - 1, end))
        self.is_cut_off = True
        return True

    def _check_prefix(self, before: Token, end: int) -> None:
        """Report a string with a letter before it, such as N'…': other dialects give it a meaning.

        The letter is no token then.
        """
        if before.kind is TokenKind.NAME and len(before.text) == 1:
            message = f"invalid string {quote_snippet(self.text[before.start : end])}"
            hint = "strings have no prefix: write '…' alone"
            self.problems.append(Problem("string-prefix", message, hint, before.start, end))
            self.tokens.pop()

    def _read_bad_character(self, offset: int) -> int:
        """Report the character at `offset`, which no token starts with; return where to go on."""
        char = self.text[offset]
        self.is_cut_off = char in _UNTERMINATED or len(self.problems) >= MAX_BAD_CHARACTERS
        end, hint, kind = offset + 1, "", None
        if char in _UNTERMINATED:
            code, message, hint = _UNTERMINATED[char]
        elif char in _SMART_QUOTES:
            code, message = "smart-quote", f"{quote_snippet(char)} is a typographic quote"
            hint = f"use the straight quote {_SMART_QUOTES[char]}"
            end, kind = _end(_SMART_QUOTED, self.text, offset), TokenKind.STRING
        elif char == "`":
            code, message = "backtick", "names cannot be quoted with backticks"
            hint = 'write the name bare, or in double quotes: "name"'
            end, kind = _end(_BACKTICKED, self.text, offset), TokenKind.QUOTED
        elif char == "#":
            code, message = "hash", f"{quote_snippet(char)} does not start a comment"
            hint = "start comments in a query with --"
            end = _end(_LINE, self.text, offset)
        elif char.isspace() or char in _INVISIBLE:
            code, message = "odd-space", f"invisible character U+{ord(char):04X}"
            hint = "replace it with a plain space"
            end = _end(_ODD_SPACES, self.text, offset)  # all at once: searching takes time
        else:
            code, message = "odd-character", f"unexpected character {quote_snippet(char)}"
            kind = TokenKind.NAME
        if code != "odd-space" or char not in self._odd:
            self.problems.append(Problem(code, message, hint, offset, offset + 1))
        if code == "odd-space":  # once: a pasted query is full of them
            self._odd.add(char)
        if kind is not None:
            self.damaged.add(offset)
            self.tokens.append(Token(kind, self.text[offset:end], "", offset, end))
        return end


def _end(pattern: re.Pattern[str], text: str, offset: int) -> int:
    match = pattern.match(text, offset)
    return match.end() if match else offset + 1
