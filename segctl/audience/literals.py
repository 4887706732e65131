"""Literals in a query: texts, numbers, spans of time.

Accepts the forms that mean the same in every dialect and refuses the others. Does not write SQL.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from segctl.query import ast
from segctl.query.value_types import refusal

_SAFE_ESCAPES = frozenset("'\"\\ntr")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_DIGITS = 12
"""Arithmetic on larger literals is left to the database: enormous exponents take enormous time."""

_AMOUNT = re.compile(r"\s*([+-]?\d{1,12})\s*+([A-Za-z]+)?\s*")


def text_value(node: ast.String) -> str:
    """Return the value of a text. Raises `CannotTranslate` for escapes that dialects differ on."""
    for escape in _ESCAPE.finditer(node.raw):
        if escape[1] not in _SAFE_ESCAPES:
            is_wildcard = escape[1] in "%_"
            hint = "in LIKE, write ESCAPE '!' and !% for a percent sign" if is_wildcard else ""
            raise refusal(node, f"the meaning of `{escape[0]}` in a string is undocumented", hint)
    if "\0" in node.value:
        raise refusal(node, "the text contains a NUL character")
    return node.value


def number_value(node: ast.Expression) -> Decimal | None:
    """Return the number of a literal, with its sign; `None` for any other expression."""
    match node:
        case ast.Number(text=text):
            try:
                return Decimal(text)
            except InvalidOperation:
                return None
        case ast.Unary(op=op, operand=ast.Number() as operand):
            value = number_value(operand)
            return value.copy_negate() if value is not None and op == "-" else value
        case _:
            return None


def constant_number(node: ast.Expression) -> Decimal | None:
    """Return the value of arithmetic on literals; `None` for any other expression."""
    match node:
        case ast.Unary(op=op, operand=operand):
            value = constant_number(operand)
            return value.copy_negate() if value is not None and op == "-" else value
        case ast.Binary(op="+" | "-" | "*" as op, left=left, right=right):
            first, second = constant_number(left), constant_number(right)
            if first is None or second is None or max(map(_magnitude, (first, second))) > _DIGITS:
                return None
            if op == "*":
                return first * second
            return first + second if op == "+" else first - second
        case _:
            return number_value(node)


def _magnitude(number: Decimal) -> int:
    return abs(number.adjusted()) if number else 0


def interval_value(node: ast.Interval) -> tuple[int, str]:
    """Return the amount and the unit of a span of time. Raises `CannotTranslate`."""
    unit = node.unit.text if node.unit else ""
    if isinstance(node.value, ast.String):
        match = _AMOUNT.fullmatch(node.value.value)
        if match and bool(match[2]) != bool(unit):
            return int(match[1]), unit or match[2]
        raise refusal(node, "invalid interval", "write interval '10 days'")
    value = number_value(node.value)
    if value is None or value != value.to_integral_value():
        raise refusal(node, "the amount added to a time must be a whole number")
    return int(value), unit
