"""SGQL's literals in the language of Segments V2: texts, times, patterns of LIKE.

Owns their spelling, and the refusal of those that V2 could read as something else. Knows no types
of fields: `values` does.
"""

from __future__ import annotations

import re
from dataclasses import replace

from segctl.common.timestamps import instant
from segctl.query import ast
from segctl.query.value_types import refusal

_TOO_FINE = re.compile(r"[.,]\d{6}\d*[1-9]")
_SPECIAL = re.compile(r"%%|[%_!]")


def text_of(node: ast.String, value: str) -> ast.String:
    """Write a text: quotes doubled, backslashes escaped."""
    if "\0" in value:
        raise refusal(node, "the text holds a NUL character")
    return replace(node, raw=value.replace("\\", "\\\\").replace("'", "''"), value=value)


def time_of(node: ast.String, value: str) -> ast.String:
    """Write a time as V2's queries have it: in UTC, with a Z."""
    moment = instant(value)
    if moment is None:
        raise refusal(node, "this is no time in ISO form", "such as '2026-01-31T00:00:00Z'")
    if moment.tzinfo is None:
        raise refusal(
            node,
            "the time has no zone, and in which one SGQL reads it is not documented",
            "SGQL documents '2026-01-31T00:00:00Z'",
        )
    if _TOO_FINE.search(value):
        raise refusal(node, "the time is finer than a microsecond")
    text = moment.replace(tzinfo=None).isoformat() + "Z"
    return replace(node, raw=text, value=text)


def refuse_unclear_time(node: ast.Expression) -> None:
    """Refuse a text that would be written anew beside a time, and must not be beside a text."""
    if isinstance(node, ast.String) and not node.value.endswith("Z") and instant(node.value):
        raise refusal(
            node,
            "whether this is a time or a text depends on the type of the field",
            "`segctl fields pull` writes it down",
        )


def beside_a_time(node: ast.Expression) -> ast.Expression:
    """Write a time that is compared with one that is no literal."""
    match node:
        case ast.Cast(operand=operand):
            return operand
        case ast.String(value=value):
            return time_of(node, value)
        case _:
            return node


def pattern_of(node: ast.Expression, pattern: str) -> tuple[ast.String, ast.String | None]:
    """Make a pattern of V2, in which `_` stands for anything, and the character of ESCAPE."""
    empty = ast.String(start=node.start, end=node.end, raw="", value="")
    if not any(mark in pattern for mark in ("%%", "_", "\\")):
        return text_of(empty, pattern), None
    return text_of(empty, _SPECIAL.sub(_escaped, pattern)), replace(empty, raw="!", value="!")


def _escaped(found: re.Match[str]) -> str:
    return "%" if found[0] == "%" else f"!{found[0][0]}"
