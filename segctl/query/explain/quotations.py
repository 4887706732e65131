"""Parts of a query that have no words, quoted in backticks and in normal form.

E-mail addresses are masked, as in `values`.
"""

from __future__ import annotations

import re

from segctl.query import ast
from segctl.query.explain.values import escape_unprintable, mask_addresses, show_blanks
from segctl.query.parser.cursor import RESERVED
from segctl.query.parser.tokens import upper
from segctl.query.to_sql import SqlWriter

_LITERAL = re.compile(r"""'(?:[^'\\]++|\\.|'')*+'|"(?:[^"]++|"")*+\"""", re.DOTALL)
_WORD = re.compile(r"""'(?:[^'\\]++|\\.|'')*+'|"(?:[^"]++|"")*+"|[^\s]++""", re.DOTALL)
_CLAUSE_KEYWORDS = frozenset(("BY", "ALL", "ASC", "DESC", "TOP", "WINDOW"))


def quote_condition(node: ast.Expression, *, negated: bool = False) -> str:
    """Return a condition, or its negation, as a quotation."""
    condition = ast.Not(start=node.start, end=node.end, operand=node) if negated else node
    return quote_sql(SqlWriter().write(condition))


def quote_sql(text: str) -> str:
    """Return a part of a query, however long, as a quotation on one line."""
    shown = escape_unprintable(mask_addresses(text), "`")
    return f"`{_LITERAL.sub(_show_literal, shown)}`"


def _show_literal(match: re.Match[str]) -> str:
    mark = match[0][0]
    return f"{mark}{show_blanks(match[0][1:-1])}{mark}"


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
    return quote_sql("".join(pieces).strip())
