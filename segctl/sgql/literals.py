"""The literals of SGQL in the language of Segments V2: strings, times, LIKE patterns.

Spells them, and refuses those that V2 could read differently. Does not know the types of fields:
`expressions` does.
"""

from __future__ import annotations

import re
from dataclasses import replace

from segctl.common.timestamps import parse_lenient_time
from segctl.query import ast
from segctl.query.value_types import refusal

_TOO_FINE = re.compile(r"[.,]\d{6}\d*[1-9]")
_SPECIAL = re.compile(r"%%|[%_!]")


def string_literal(node: ast.String, value: str) -> ast.String:
    """Return a string literal of V2: quotes doubled, backslashes escaped."""
    if "\0" in value:
        raise refusal(node, "the string contains a NUL character")
    return replace(node, raw=value.replace("\\", "\\\\").replace("'", "''"), value=value)


def time_literal(node: ast.String, value: str) -> ast.String:
    """Return a time as queries of V2 have it: in UTC, with a Z."""
    moment = parse_lenient_time(value)
    if moment is None:
        raise refusal(node, "invalid time: must be in ISO format", "write '2026-01-31T00:00:00Z'")
    if moment.tzinfo is None:
        raise refusal(
            node,
            "the time has no time zone, and SGQL does not document a default",
            "write '2026-01-31T00:00:00Z'",
        )
    if _TOO_FINE.search(value):
        raise refusal(node, "the time is more precise than a microsecond")
    text = moment.replace(tzinfo=None).isoformat() + "Z"
    return replace(node, raw=text, value=text)


def check_not_ambiguous(node: ast.Expression) -> None:
    """Refuse a string that is rewritten if it is compared with a time, but not with a string."""
    if (
        isinstance(node, ast.String)
        and not node.value.endswith("Z")
        and parse_lenient_time(node.value)
    ):
        raise refusal(
            node,
            "the type of the field decides whether this is a time or a string",
            "run `segctl account pull`, which saves the types of the fields",
        )


def compared_time(node: ast.Expression) -> ast.Expression:
    """Return a value that is compared with a field or function of type time."""
    match node:
        case ast.Cast(operand=operand):
            return operand
        case ast.String(value=value):
            return time_literal(node, value)
        case _:
            return node


def like_pattern(node: ast.Expression, pattern: str) -> tuple[ast.String, ast.String | None]:
    """Return a pattern in V2's LIKE, where `_` is special too, and the operand of ESCAPE."""
    empty = ast.String(start=node.start, end=node.end, raw="", value="")
    if not any(special in pattern for special in ("%%", "_", "\\")):
        return string_literal(empty, pattern), None
    escaped = string_literal(empty, _SPECIAL.sub(_escape, pattern))
    return escaped, replace(empty, raw="!", value="!")


def _escape(match: re.Match[str]) -> str:
    return "%" if match[0] == "%" else f"!{match[0][0]}"
