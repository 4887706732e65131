"""Plain English for the parts of a condition: names of fields, values, lists, quotations.

`times` words times, `conditions` whole conditions. Does not guess: what has no words is quoted in
backticks, in normal form. E-mail addresses are masked everywhere, because explanations are posted
in places where contact data must not appear.
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

MAX_VALUE_LENGTH = 80
"""The length in characters to which a value is cut."""

MAX_LISTED, LISTED_OF_MORE = 6, 3
"""Lists of up to MAX_LISTED items are shown whole; of longer ones, the first LISTED_OF_MORE."""

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
_AMBIGUOUS_VALUES = frozenset(
    {
        "a", "an", "and", "any", "are", "as", "between", "holds", "in", "is", "it", "no", "none",
        "not", "null", "of", "on", "one", "only", "or", "set", "than", "that", "the", "their",
        "they", "those", "to", "true", "false", "who", "whose", "without",
    }
)  # fmt: skip
_VERBS = frozenset(("is", "has", "had", "was", "can", "did", "does", "wants", "should", "likes"))
_CONNECTIVES = frozenset(("and", "or", "not"))  # they would read as part of the sentence
_PARTICLES = frozenset(("up", "at", "on", "in", "by", "off", "out", "to"))
_ADDRESS_CHARACTER = r"""[^\s@"'`(),:;<>\[\]\\\u201c\u201d]"""
# Matches only at the start of a run of such characters, and never backtracks: linear in a long
# text. A limit on the length would leave the start of a longer address unmasked.
_ADDRESS = re.compile(f"(?<!{_ADDRESS_CHARACTER})({_ADDRESS_CHARACTER}++)@(?=\\w)")
_WORD = re.compile(r"""'(?:[^'\\]++|\\.|'')*+'|"(?:[^"]++|"")*+"|[^\s]++""", re.DOTALL)
_CLAUSE_KEYWORDS = frozenset(("BY", "ALL", "ASC", "DESC", "TOP", "WINDOW"))
_SINGULAR_ENDS = ("ss", "us", "is", "as", "os")
_CONSONANT_SOUNDS = ("uni", "use", "usa", "uti", "eu", "one", "once")


def field_name(name: ast.Name) -> str:
    """Return the name of a field in words: `last order` for `last_order`."""
    text = name.text if name.quoted else lower(name.text)
    if text in _FIELDS:
        return _FIELDS[text]
    words = text.replace("_", " ").split()
    if not _SIMPLE_FIELD.fullmatch(text):
        return f"“{plain_text(text)}”"
    if _CONNECTIVES & {lower(word) for word in words}:
        return f"“{' '.join(words)}”"
    clumsy = lower(words[0]) in _VERBS or lower(words[-1]) in _PARTICLES
    return f"“{' '.join(words)}”" if clumsy else " ".join(words)


def takes_plural(field: str) -> bool:
    """Return whether the name of a field takes `are`, judging by its ending."""
    word = field.rsplit(" ", 1)[-1]
    return word.endswith("s") and len(word) > 3 and not word.endswith(_SINGULAR_ENDS)  # noqa: PLR2004


def without(field: str) -> str:
    """Return the words for an unset field: `without a country`."""
    if takes_plural(field):
        return f"without {field}"
    start = lower(field.lstrip("“"))
    starts_with_vowel = start[:1] in tuple("aeiou") and not start.startswith(_CONSONANT_SOUNDS)
    if len(start.rstrip("”")) == 1:  # the name of a letter
        starts_with_vowel = start[0] in "aefhilmnorsx"
    return f"without {'an' if starts_with_vowel else 'a'} {field}"


def mask_addresses(text: str) -> str:
    """Return a text with its e-mail addresses masked: `a…@example.com`."""
    return _ADDRESS.sub(_mask_match, text) if "@" in text else text


def _mask_match(match: re.Match[str]) -> str:
    bare = match[1].lstrip("%_")
    wildcards = match[1][: len(match[1]) - len(bare)]
    return f"{wildcards}{bare[:1]}…@" if bare else match.group()


def plain_text(text: str, limit: int = MAX_VALUE_LENGTH) -> str:
    """Return a text as a sentence can contain it: on one line, masked, and cut to `limit`."""
    text = " ".join("".join(c if c.isprintable() else " " for c in mask_addresses(text)).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def value_text(value: str) -> str:
    """Return a value, in quotation marks unless it is one plain word."""
    if (
        _SIMPLE_VALUE.fullmatch(value)
        and lower(value) not in _AMBIGUOUS_VALUES
        and len(value) <= MAX_VALUE_LENGTH
    ):
        return value
    return f"“{plain_text(value)}”" if value else "“” (empty)"


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


def quote_condition(node: ast.Expression, *, negated: bool = False) -> str:
    """Return a condition, or its negation, as a quotation."""
    condition = ast.Not(start=node.start, end=node.end, operand=node) if negated else node
    return quote_sql(SqlWriter().write(condition))


def quote_sql(text: str) -> str:
    """Return a part of a query, however long, as a quotation."""
    whole = plain_text(text, len(text) + 1).replace("`", "'")
    return f"`{whole}`"


def quote_clause(text: str) -> str:
    """Return an unsupported clause, whose tokens are joined by spaces, as people write it."""
    pieces: list[str] = []
    before = "("
    for word in _WORD.findall(text):
        is_call = word == "(" and before[-1:].isalnum() and upper(before) not in RESERVED
        is_attached = before in ("(", "[", ".", ":", "::") or word in (
            ")",
            "]",
            ",",
            ".",
            ":",
            "::",
            ";",
        )
        pieces.append("" if is_attached or is_call else " ")
        keyword = upper(word) in RESERVED or upper(word) in _CLAUSE_KEYWORDS
        pieces.append(upper(word) if keyword and before != "." else word)
        before = word
    return quote_sql("".join(pieces))


def join_with(items: Sequence[str], conjunction: str = "or") -> str:
    """Return items joined: `a`, `a or b`, `a, b or c`, `a, b, c and 97 more`."""
    if len(items) > MAX_LISTED:
        return f"{', '.join(items[:LISTED_OF_MORE])} and {len(items) - LISTED_OF_MORE} more"
    if len(items) == 1:
        return items[0]
    return f"{', '.join(items[:-1])} {conjunction} {items[-1]}"
