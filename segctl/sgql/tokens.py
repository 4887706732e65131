"""The tokens of an SGQL query.

Splits a text as `query.parser.parse` does for Segments V2. The languages differ in their quotes:
both kinds enclose strings in SGQL, and names are in backticks. Knows no grammar.
"""

from __future__ import annotations

import re
from typing import NoReturn

from segctl.query.parser.errors import ParseError, Problem, quote_snippet
from segctl.query.parser.tokens import Token, TokenKind, upper

_TOKEN = re.compile(
    r"""(?P<space>\s++)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*+)
      | (?P<quoted>`[^`]++`)
      | (?P<string>'(?:[^'\\]++|\\.)*+'|"(?:[^"\\]++|\\.)*+")
      | (?P<number>\d++(?:\.\d++)?+)
      | (?P<symbol>(?!--|/\*)(?:<>|!=|<=|>=|[-+*/%=<>(),.:\[\]]))""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_STRING = "the string that starts here is never closed"
_UNTERMINATED = {
    "'": ("unterminated-string", _STRING, "add a closing '"),
    '"': ("unterminated-string", _STRING, 'add a closing "'),
    "`": ("unterminated-name", "the name that starts here is never closed", "add a closing `"),
}
_KINDS: dict[str | None, TokenKind] = {kind.value: kind for kind in TokenKind}


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a text, with an END token. Raises `ParseError`."""
    tokens: list[Token] = []
    position = 0
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        if start != position:
            break
        position = end
        kind, lexeme = _KINDS.get(match.lastgroup), match.group()
        if kind is None:  # white space
            continue
        before = tokens[-1] if tokens else None
        if before and before.end == start and {before.kind, kind} == {TokenKind.STRING}:
            message = "a string starts right after another string"
            hint = "put a backslash before a quote inside a string"
            raise ParseError(Problem("quote-in-text", message, hint, before.start, end))
        folded = upper(lexeme) if kind is TokenKind.NAME else lexeme
        tokens.append(Token(kind, lexeme, folded, start, end))
    if position < len(text):
        _raise_bad_character(text, position)
    return [*tokens, Token(TokenKind.END, "", "", len(text), len(text))]


def _raise_bad_character(text: str, offset: int) -> NoReturn:
    char = text[offset]
    code, message, hint = "odd-character", f"unexpected character {quote_snippet(char)}", ""
    if char in _UNTERMINATED:
        code, message, hint = _UNTERMINATED[char]
    elif char in "-/#":
        code, message = "comment", "comments in SGQL are not documented"
    raise ParseError(Problem(code, message, hint, offset, offset + 1))
