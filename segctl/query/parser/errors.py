"""What stops a query from being read, in segctl's own words.

Owns `Problem` and the exception that carries one out of the depths of the parser, which
`parse.parse` alone catches. Knows offsets in the query, never files: the caller maps them
(`declarations.positions`) and decides how much a problem weighs. What segctl cannot read is
unknown, not wrong (sendgrid-api.md §6): a caller should warn, and send the query as written.
"""

from __future__ import annotations

from dataclasses import dataclass

from segctl.common.secrets import redact
from segctl.query.personal_data import mask_email_addresses

MAX_SNIPPET = 40
"""A message quotes at most so many characters of a query."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that segctl could not read.

    `code` is stable and short (`unclosed-parenthesis`); `message` is one sentence without a
    final stop; `hint` says what to do, or is empty; `start` and `end` are offsets in characters
    into the query's text, `end` one past the last.
    """

    code: str
    message: str
    hint: str
    start: int
    end: int


class ParseError(Exception):
    """Leaves the parser with the problem that ends the reading."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def quote_snippet(text: str) -> str:
    """Quote a piece of a query for a message: short, on one line, without control characters.

    Keys and addresses are masked before it is cut, for no mask knows half of one.
    """
    text = redact(mask_email_addresses(text))
    short = text if len(text) <= MAX_SNIPPET else text[: MAX_SNIPPET - 1] + "…"
    return "`" + "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in short) + "`"


def describe_position(text: str, offset: int) -> str:
    """Say where in the query `offset` is, for a hint: lines and columns count from 1."""
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return f"line {line}, column {column} of the query"
