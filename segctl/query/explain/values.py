"""Plain English for values: literals, and other texts that a sentence shows exactly.

Two different texts are never shown alike: blanks that a reader would miss, unprintable characters
and quotation marks are replaced by signs, which `signs_note` explains. The exception are e-mail
addresses, which are masked everywhere: explanations are posted where contact data must not appear.
"""

from __future__ import annotations

import re
import unicodedata

from segctl.query import ast
from segctl.query.parser.tokens import lower

BLANK = "␣"
"""Shown for a blank at the start or end of a text, and for several in a row."""

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SIGNS = {BLANK: "a blank", "\\n": "a line break", "\\r": "a carriage return", "\\t": "a tab",
          "\\u{a0}": "a no-break space"}  # fmt: skip
_UNSEEN_BLANKS = re.compile(r"^ +| +$| {2,}")
_SHOWN = re.compile("“[^”]*+”|`[^`]*+`")
_SIGN = re.compile(r"\\\\|␣|\\[nrt]|\\u\{[0-9a-f]++\}")
_PLAIN_ID = re.compile(r"[A-Za-z0-9_<>-]++")
_SIMPLE_VALUE = re.compile(r"[^\W\d_][\w-]*")
_AMBIGUOUS_VALUES = frozenset(
    {
        "a", "an", "and", "any", "are", "as", "at", "before", "between", "event", "events",
        "exactly", "for", "from", "holds", "if", "ignoring", "in", "is", "it", "its", "joined",
        "minus", "most", "no", "plus", "times",
        "none", "nor", "not", "now", "null", "of", "on", "one", "only", "or", "set", "than",
        "that", "the", "their", "them", "they", "those", "to", "today", "true", "false", "which",
        "who", "whom", "whose", "without",
    }
)  # fmt: skip
_ADDRESS_CHARACTER = r"""[^\s@"'`(),:;<>\[\]\\\u201c\u201d]"""
# Matches only at the start of a run of such characters, and never backtracks: linear in a long
# text. A limit on the length would leave the start of a longer address unmasked.
_ADDRESS = re.compile(f"(?<!{_ADDRESS_CHARACTER})({_ADDRESS_CHARACTER}++)@(?=\\w)")


def mask_addresses(text: str) -> str:
    """Return a text with its e-mail addresses masked: `a…@example.com`."""
    return _ADDRESS.sub(_mask_match, text) if "@" in text else text


def _mask_match(match: re.Match[str]) -> str:
    bare = match[1].lstrip("%_")
    wildcards = match[1][: len(match[1]) - len(bare)]
    return f"{wildcards}{bare[:1]}…@" if bare else match.group()


def visible_text(text: str) -> str:
    """Return a text on one line, masked, with signs for what a reader could not see or tell."""
    return show_blanks(_escaped(mask_addresses(text), "“”`", _ESCAPES))


def show_blanks(text: str) -> str:
    """Return a text with a sign for each blank that is easily missed."""
    return _UNSEEN_BLANKS.sub(lambda match: BLANK * len(match[0]), text)


def escape_unprintable(text: str, also: str = "") -> str:
    """Return a text on one line; the characters of `also` are escaped like unprintable ones."""
    return _escaped(text, also, {})


def _escaped(text: str, also: str, escapes: dict[str, str]) -> str:
    if text.isascii() and text.isprintable() and not any(c in text for c in ("\\", *also)):
        return text
    decomposed = unicodedata.normalize("NFC", text) != text
    return "".join(
        escapes.get(char)
        or (f"\\u{{{ord(char):x}}}" if char in also or _looks_alike(char, decomposed) else char)
        for char in text
    )


def _looks_alike(char: str, decomposed: bool) -> bool:
    """Return whether a character is invisible, or looks like a sequence of others."""
    if not char.isprintable() or char == BLANK:
        return True
    return decomposed and bool(
        unicodedata.combining(char) or unicodedata.normalize("NFC", char) != char
    )


def signs_note(text: str) -> str:
    """Return what the signs in the quoted parts of a sentence stand for: `␣ is a blank`."""
    if BLANK not in text and "\\" not in text:
        return ""
    signs = dict.fromkeys(sign for shown in _SHOWN.findall(text) for sign in _SIGN.findall(shown))
    return ", ".join(f"{sign} is {_SIGNS[sign]}" for sign in signs if sign in _SIGNS)


def value_text(value: str) -> str:
    """Return a value, in quotation marks unless it is one plain word."""
    if _SIMPLE_VALUE.fullmatch(value) and lower(value) not in _AMBIGUOUS_VALUES:
        plain = visible_text(value)
        if plain == value:
            return value
    return quoted_value(value) if value else "“” (empty)"


def quoted_value(value: str) -> str:
    """Return a value in quotation marks."""
    return f"“{visible_text(value)}”"


def id_text(value: str) -> str:
    """Return an id, in quotation marks if it does not look like one."""
    return value if _PLAIN_ID.fullmatch(value) else quoted_value(value)


def literal_text(node: ast.Expression) -> str | None:
    """Return a literal in words, or `None` for anything else, including NULL."""
    match node:
        case ast.String(value=value):
            return value_text(value)
        case ast.Boolean(value=value):
            return "true" if value else "false"
        case ast.Number() | ast.Unary():
            return number_text(node)
        case _:
            return None


def number_text(node: ast.Expression) -> str | None:
    """Return a number with its sign, or `None` for anything else."""
    match node:
        case ast.Number(text=text):
            return text
        case ast.Unary(op=op, operand=ast.Number(text=text)):
            return f"-{text}" if op == "-" else text
        case _:
            return None


def string_value(node: ast.Expression) -> str | None:
    """Return the value of a string literal, or `None` for anything else."""
    return node.value if isinstance(node, ast.String) else None


def string_values(nodes: tuple[ast.Expression, ...]) -> tuple[str, ...]:
    """Return the values of string literals; nothing if any node is something else."""
    values = [string_value(node) for node in nodes]
    return tuple(value for value in values if value is not None) if None not in values else ()
