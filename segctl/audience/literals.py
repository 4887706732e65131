"""What is written out in a query: texts, numbers, spans of time.

Owns which of their forms mean the same in every dialect; any other is refused.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from segctl.query import ast
from segctl.query.value_types import refusal

_SAFE_ESCAPES = frozenset("'\"\\ntr")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_AMOUNT = re.compile(r"\s*([+-]?\d{1,12})\s*([A-Za-z]+)?\s*")


def plain(node: ast.String) -> str:
    """Give what a text says; refuse escapes that dialects do not agree on."""
    for found in _ESCAPE.finditer(node.raw):
        if found[1] not in _SAFE_ESCAPES:
            hint = "in LIKE, write ESCAPE '!' and !% for a percent sign" if found[1] in "%_" else ""
            raise refusal(node, f"what `{found[0]}` means in a text is not known", hint)
    if "\0" in node.value:
        raise refusal(node, "the text holds a NUL character")
    return node.value


def number(node: ast.Expression) -> Decimal | None:
    """Give the number that is written here, with its sign; `None` for anything else."""
    match node:
        case ast.Number(text=text):
            try:
                return Decimal(text)
            except InvalidOperation:
                return None
        case ast.Unary(op=op, operand=ast.Number() as operand):
            value = number(operand)
            return value.copy_negate() if value is not None and op == "-" else value
        case _:
            return None


def interval(node: ast.Interval) -> tuple[int, str]:
    """Give how many of which unit a span has; refuse one that cannot be read."""
    unit = node.unit.text if node.unit else ""
    if isinstance(node.value, ast.String):
        found = _AMOUNT.fullmatch(node.value.value)
        if found and bool(found[2]) != bool(unit):
            return int(found[1]), unit or found[2]
        raise refusal(node, "this span of time cannot be read", "write interval '10 days'")
    value = number(node.value)
    if value is None or value != value.to_integral_value():
        raise refusal(node, "only whole numbers of units are added to a time")
    return int(value), unit
