"""Plain English for the small things of a query: names of fields, values, lists, quotations.

Owns the words for what stands in a condition; `moments` has those for times, `audience` puts
conditions together. Refuses to guess: what it has no words for is quoted between backticks, in
normal form. E-mail addresses are masked wherever they stand, for an explanation is posted where
the contacts' data must not be.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from segctl.query import ast
from segctl.query.parser.cursor import RESERVED
from segctl.query.parser.tokens import lower, upper
from segctl.query.to_sql import SqlWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 80
"""A value is shown in so many characters at the most."""

WHOLE, CUT = 6, 3
"""Lists of up to WHOLE items are shown whole, of longer ones the first CUT."""

_FIELDS = {
    "email": "e-mail address",
    "alternate_emails": "alternate e-mail addresses",
    "email_domains": "e-mail domains",
    "state_province_region": "state or region",
    "created_at": "time of creation",
    "updated_at": "time of the last update",
    "list_ids": "lists",
    "whatsapp": "WhatsApp",
    "facebook": "Facebook",
    "line": "LINE",
}
_SIMPLE_FIELD = re.compile(r"[^\W_]+(?:[ _-][^\W_]+)*")
_SIMPLE_VALUE = re.compile(r"[^\W\d_][\w-]*")
_MISREAD = frozenset(
    {
        "a", "an", "and", "any", "are", "as", "between", "holds", "in", "is", "it", "no", "none",
        "not", "null", "of", "on", "one", "only", "or", "set", "than", "that", "the", "their",
        "they", "those", "to", "true", "false", "who", "whose", "without",
    }
)  # fmt: skip
_VERBS = frozenset(("is", "has", "had", "was", "can", "did", "does", "wants", "should", "likes"))
_JOINING = frozenset(("and", "or", "not"))  # they would read as the query's own
_PARTICLES = frozenset(("up", "at", "on", "in", "by", "off", "out", "to"))
_OF_ADDRESS = r"""[^\s@"'`(),:;<>\[\]\\\u201c\u201d]"""
# Tried only where a run of such characters begins, and never twice: linear in a long text. A bound
# on its length would let the beginning of a longer one through.
_ADDRESS = re.compile(f"(?<!{_OF_ADDRESS})({_OF_ADDRESS}++)@(?=\\w)")
_WORD = re.compile(r"""'(?:[^'\\]++|\\.|'')*+'|"(?:[^"]++|"")*+"|[^\s]++""", re.DOTALL)
_OF_CLAUSES = frozenset(("BY", "ALL", "ASC", "DESC", "TOP", "WINDOW"))
_SINGULAR_ENDS = ("ss", "us", "is", "as", "os")
_LIKE_A_CONSONANT = ("uni", "use", "usa", "uti", "eu", "one", "once")


def field_name(name: ast.Name) -> str:
    """Return what people call a field: `last_order` is the last order."""
    text = name.text if name.quoted else lower(name.text)
    if text in _FIELDS:
        return _FIELDS[text]
    words = text.replace("_", " ").split()
    if not _SIMPLE_FIELD.fullmatch(text):
        return f"“{plain(text)}”"
    if _JOINING & {lower(word) for word in words}:
        return f"“{' '.join(words)}”"
    clumsy = lower(words[0]) in _VERBS or lower(words[-1]) in _PARTICLES
    return f"“{' '.join(words)}”" if clumsy else " ".join(words)


def is_plural(field: str) -> bool:
    """Tell whether the name of a field takes `are`, as far as its end shows it."""
    word = field.rsplit(" ", 1)[-1]
    return word.endswith("s") and len(word) > 3 and not word.endswith(_SINGULAR_ENDS)  # noqa: PLR2004


def without(field: str) -> str:
    """Say that a field is not set: `without a country`."""
    if is_plural(field):
        return f"without {field}"
    start = lower(field.lstrip("“"))
    vowel = start[:1] in tuple("aeiou") and not start.startswith(_LIKE_A_CONSONANT)
    if len(start.rstrip("”")) == 1:  # the name of a letter
        vowel = start[0] in "aefhilmnorsx"
    return f"without {'an' if vowel else 'a'} {field}"


def masked(text: str) -> str:
    """Return a text with the e-mail addresses in it made unrecognisable: `a…@example.com`."""
    return _ADDRESS.sub(_mask, text) if "@" in text else text


def _mask(found: re.Match[str]) -> str:
    bare = found[1].lstrip("%_")
    wild = found[1][: len(found[1]) - len(bare)]
    return f"{wild}{bare[:1]}…@" if bare else found.group()


def plain(text: str, most: int = SHOWN) -> str:
    """Return a text as it can stand in a sentence: on one line, masked, not too long."""
    text = " ".join("".join(c if c.isprintable() else " " for c in masked(text)).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def value_text(value: str) -> str:
    """Return a text value; in quotation marks unless it is one plain word."""
    if _SIMPLE_VALUE.fullmatch(value) and lower(value) not in _MISREAD and len(value) <= SHOWN:
        return value
    return f"“{plain(value)}”" if value else "“” (the empty text)"


def literal(node: ast.Expression) -> str | None:
    """Return what a literal says, or `None` for anything else, NULL included."""
    match node:
        case ast.String(value=value):
            return value_text(value)
        case ast.Boolean(value=value):
            return "true" if value else "false"
        case ast.Number() | ast.Unary():
            return number(node)
        case _:
            return None


def number(node: ast.Expression) -> str | None:
    """Return a number with its sign, or `None` for anything else."""
    match node:
        case ast.Number(text=text):
            return text
        case ast.Unary(op=op, operand=ast.Number(text=text)):
            return f"-{text}" if op == "-" else text
        case _:
            return None


def text_of(node: ast.Expression) -> str | None:
    """Return the value of a string, or `None` for anything else."""
    return node.value if isinstance(node, ast.String) else None


def quoted(node: ast.Expression, *, negated: bool = False) -> str:
    """Quote a condition that there are no words for."""
    text = SqlWriter().write(ast.Not(start=node.start, end=node.end, operand=node)
                          if negated else node)  # fmt: skip
    return quotation(text)


def quotation(text: str) -> str:
    """Quote a piece of a query, which may be long."""
    whole = plain(text, len(text) + 1).replace("`", "'")
    return f"`{whole}`"


def clause(text: str) -> str:
    """Quote an unsupported clause, whose words are joined by spaces, as people write one."""
    pieces: list[str] = []
    before = "("
    for word in _WORD.findall(text):
        called = word == "(" and before[-1:].isalnum() and upper(before) not in RESERVED
        close = before in ("(", "[", ".", ":", "::") or word in (")", "]", ",", ".", ":", "::", ";")
        pieces.append("" if close or called else " ")
        keyword = upper(word) in RESERVED or upper(word) in _OF_CLAUSES
        pieces.append(upper(word) if keyword and before != "." else word)
        before = word
    return quotation("".join(pieces))


def listed(items: Sequence[str], word: str = "or") -> str:
    """List texts: `a`, `a or b`, `a, b or c`, `a, b, c and 97 more`."""
    if len(items) > WHOLE:
        return f"{', '.join(items[:CUT])} and {len(items) - CUT} more"
    if len(items) == 1:
        return items[0]
    return f"{', '.join(items[:-1])} {word} {items[-1]}"
