"""Errors in a query, worded for its author.

`Problem` is one of them; `ParseError` carries a problem out of the parser, and only `parse.parse`
catches it. Knows offsets in the query, not files: the caller maps offsets to a file and decides how
serious a problem is. Most problems are errors that no SQL parser accepts. Those in `UNCERTAIN` are
not: SendGrid documents only a part of its language (sendgrid-api.md §6) and may accept them.
"""

from __future__ import annotations

from dataclasses import dataclass

from segctl.common.secrets import redact
from segctl.query.personal_data import mask_email_addresses

MAX_SNIPPET = 40
"""The number of characters of a query that a message quotes at most."""

UNDOCUMENTED = "undocumented-syntax"
"""The code of syntax that segctl does not parse, and that some SQL database has."""

UNCERTAIN = frozenset(
    (
        UNDOCUMENTED, "chained-comparison", "double-bar", "odd-space", "row-value", "string-prefix",
        "too-deep", "too-long", "unclear-precedence", "window-function",
    )
)  # fmt: skip
"""The codes of problems that do not make a query certainly invalid."""

UNKNOWN_SYNTAX = frozenset((UNDOCUMENTED, "window-function"))
"""The codes after which nothing is certain: the parser cannot know where that syntax ends."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong, or worth noting, at one place in a query.

    `code` is stable and short (`unclosed-parenthesis`); `message` is one sentence without a final
    full stop; `hint` says what to do, or is empty; `start` and `end` are offsets in characters into
    the text of the query, `end` one past the last.
    """

    code: str
    message: str
    hint: str
    start: int
    end: int


class ParseError(Exception):
    """The problem at which the parser stops."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def quote_snippet(text: str) -> str:
    """Return a piece of a query as a message quotes it: short, on one line, printable.

    API keys and e-mail addresses are masked before the text is cut: a mask would not recognise
    half of one.
    """
    text = redact(mask_email_addresses(text))
    short = text if len(text) <= MAX_SNIPPET else text[: MAX_SNIPPET - 1] + "…"
    return "`" + "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in short) + "`"


def describe_position(text: str, offset: int) -> str:
    """Return `line 2, column 5 of the query` for an offset; lines and columns count from 1."""
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return f"line {line}, column {column} of the query"
