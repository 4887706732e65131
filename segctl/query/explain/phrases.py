"""Plain English for the names of fields, and for lists of words.

`values` words values, `terms` fields and what is computed from them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from segctl.query.explain.values import BLANK, visible_text
from segctl.query.parser.tokens import lower

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.query import ast

MAX_UNCOUNTED = 6
"""A list of more items starts with their number."""

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
_TAKEN = frozenset(lower(phrase) for phrase in _FIELDS.values())
_SIMPLE_FIELD = re.compile(r"[^\W_]+(?:[ _-][^\W_]+)*")
_CLUMSY_VERBS = frozenset(("is", "has", "had", "was", "can", "did", "does", "wants", "should",
                           "likes"))  # fmt: skip
_GRAMMAR = frozenset(
    ("and", "or", "not", "is", "are", "of", "than", "who", "whose", "their", "set", "in", "with",
     "without", "the", "excluding", "contains", "contain", "starts", "ends", "matches", "match",
     "includes", "include", "sorts", "sort", "does", "do", "for", "if", "joined", "plus", "minus",
     "times", "divided")
)  # fmt: skip
"""Words that would read as part of the sentence."""
_PARTICLES = frozenset(("up", "at", "on", "in", "by", "off", "out", "to"))
_SINGULAR_ENDS = ("ss", "us", "is", "as", "os")
_CONSONANT_SOUNDS = ("uni", "use", "usa", "uti", "eu", "one", "once")


def field_name(name: ast.Name) -> str:
    """Return the name of a field in words: `last order` for `last_order`.

    Fields with different names have different words: a name is in quotation marks if it would read
    as part of the sentence, and exact if underscores cannot be told from blanks.
    """
    text = name.text if name.quoted else lower(name.text)
    if text in _FIELDS:
        return _FIELDS[text]
    spaced = text.replace("_", " ")
    is_simple = _SIMPLE_FIELD.fullmatch(text) and visible_text(text) == text
    if lower(spaced) in _TAKEN or not is_simple:
        return f"“{visible_text(text)}”"
    has_capitals, has_blanks = lower(text) != text, " " in text
    if has_capitals and "_" in text:
        return f"“{visible_text(text)}”"
    if has_blanks and not has_capitals:
        return f"“{text.replace(' ', BLANK)}”"
    words = lower(spaced).split()
    clumsy = words[0] in _CLUMSY_VERBS or words[-1] in _PARTICLES or bool(_GRAMMAR & set(words))
    return f"“{spaced}”" if clumsy else spaced


def takes_plural(field: str) -> bool:
    """Return whether the name of a field takes `are`, judging by its ending."""
    word = field.rsplit(" ", 1)[-1]
    return word.endswith("s") and len(word) > 3 and not word.endswith(_SINGULAR_ENDS)  # noqa: PLR2004


def without(field: str) -> str:
    """Return the words for an unset field: `without a country`."""
    if takes_plural(field):
        return f"without {field}"
    start = lower(field.lstrip("“`"))
    starts_with_vowel = start[:1] in tuple("aeiou") and not start.startswith(_CONSONANT_SOUNDS)
    if len(start.rstrip("”`")) == 1:  # the name of a letter
        starts_with_vowel = start[0] in "aefhilmnorsx"
    return f"without {'an' if starts_with_vowel else 'a'} {field}"


def join_with(items: Sequence[str], conjunction: str = "or") -> str:
    """Return items joined: `a`, `a or b`, `a, b or c`."""
    if len(items) == 1:
        return items[0]
    return f"{', '.join(items[:-1])} {conjunction} {items[-1]}"


def counted(items: Sequence[str]) -> str:
    """Return the number of items, for what comes before a long list: `these 100: `."""
    return f"these {len(items)}: " if len(items) > MAX_UNCOUNTED else ""
