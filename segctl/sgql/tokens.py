"""The words of an SGQL query.

Owns the cutting of a text, as `query.parse` does for the language of V2, from which this one
differs in its quotes: both kinds hold texts, and names stand between backticks. Refuses to know
any grammar.
"""

from __future__ import annotations

import re
from typing import NoReturn

from segctl.query.parser.errors import ParseError, Problem, quote_snippet
from segctl.query.parser.tokens import Token, TokenKind, upper

_PIECE = re.compile(
    r"""(?P<space>\s++)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*+)
      | (?P<quoted>`[^`]++`)
      | (?P<string>'(?:[^'\\]++|\\.)*+'|"(?:[^"\\]++|\\.)*+")
      | (?P<number>\d++(?:\.\d++)?+)
      | (?P<symbol>(?!--|/\*)(?:<>|!=|<=|>=|[-+*/%=<>(),.:\[\]]))""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_OPENERS = {
    "'": ("unterminated-string", "the text that begins here never ends", "add a closing '"),
    '"': ("unterminated-string", "the text that begins here never ends", 'add a closing "'),
    "`": ("unterminated-name", "the name that begins here never ends", "add a closing `"),
}
_KINDS: dict[str | None, TokenKind] = {kind.value: kind for kind in TokenKind}


def tokenize(text: str) -> list[Token]:
    """Cut a text into words, an END at the end. Raises `CannotRead`."""
    words: list[Token] = []
    position = 0
    for found in _PIECE.finditer(text):
        start, end = found.span()
        if start != position:
            break
        position = end
        kind, piece = _KINDS.get(found.lastgroup), found.group()
        if kind is None:  # white space
            continue
        before = words[-1] if words else None
        if before and before.end == start and {before.kind, kind} == {TokenKind.STRING}:
            message = "a text ends where another begins"
            hint = "for a quote inside a text write a backslash before it"
            raise ParseError(Problem("quote-in-text", message, hint, before.start, end))
        folded = upper(piece) if kind is TokenKind.NAME else piece
        words.append(Token(kind, piece, folded, start, end))
    if position < len(text):
        _stop_on(text, position)
    return [*words, Token(TokenKind.END, "", "", len(text), len(text))]


def _stop_on(text: str, at: int) -> NoReturn:
    char = text[at]
    code, message, hint = "odd-character", f"SGQL has no {quote_snippet(char)}", ""
    if char in _OPENERS:
        code, message, hint = _OPENERS[char]
    elif char in "-/#":
        code, message = "comment", "whether SGQL has comments is not documented"
    raise ParseError(Problem(code, message, hint, at, at + 1))
