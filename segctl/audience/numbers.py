"""Numbers in DuckDB's SQL: how many decimals the results of arithmetic have, and division.

Source: Snowflake's page "Arithmetic operators" (Scale and precision in arithmetic operations). It
gives the decimals of a result by those of its operands, but not which way a division rounds; and
SendGrid does not document the decimals of its number fields. Both are open questions.
"""

from __future__ import annotations

from segctl.audience.open_questions import Question

MAX_RESULT_DECIMALS = 12
"""Decimals to which Snowflake extends the result of a multiplication or a division."""

_MAX_FIELD_DECIMALS = 6
"""A field with more decimals has quotients and products of 12 decimals, as one with 6."""

DECIMALS_OF_DIVISION = Question(
    "depends, for some contact, on the decimals that SendGrid keeps in a division, which are"
    " undocumented",
    2 * (_MAX_FIELD_DECIMALS + 1),
)
"""How many decimals a number field has, from 0, and whether a quotient is rounded or cut."""


def field_decimals(answer: int) -> int:
    """Return the decimals of a number field under an answer to `DECIMALS_OF_DIVISION`."""
    return answer // 2


def literal_decimals(text: str) -> int | None:
    """Return the decimals of a literal as written, or `None` for one with an exponent."""
    whole, point, decimals = text.partition(".")
    if "e" in (whole + decimals).lower():
        return None
    return len(decimals) if point else 0


def sum_decimals(left: int | None, right: int | None) -> int | None:
    """Return the decimals of a sum, a difference or a remainder."""
    return None if left is None or right is None else max(left, right)


def product_decimals(left: int | None, right: int | None) -> int | None:
    """Return the decimals of a product."""
    if left is None or right is None:
        return None
    return min(left + right, max(left, right, MAX_RESULT_DECIMALS))


def quotient_decimals(left: int) -> int:
    """Return the decimals of a quotient by those of its numerator."""
    return max(left, min(left + 6, MAX_RESULT_DECIMALS))


def quotient_sql(left: str, right: str, decimals: int, answer: int, error: str) -> str:
    """Return the quotient of two decimals with `decimals` decimals; `error` where it divides by 0.

    Exact up to about 10^13: DuckDB's own `/` computes with binary fractions, its `//` with whole
    numbers.
    """
    numerator, divisor = _whole(left), _whole(right)
    is_rounded = answer % 2 == 0
    half = f" + abs({divisor})" if is_rounded else ""
    digits = f"((abs({numerator}) * {2 * 10**decimals}{half}) // (2 * abs({divisor})))"
    signed = f"sign({numerator}) * sign({divisor}) * {digits}"
    value = _decimal(f"{signed} * {10 ** (MAX_RESULT_DECIMALS - decimals)}")
    return f"(CASE WHEN {divisor} = 0 THEN {error} ELSE {value} END)"


def _whole(sql: str) -> str:
    """Return a decimal as a whole number of its last places."""
    places = MAX_RESULT_DECIMALS
    return f"CAST(CAST({sql} AS DECIMAL(38, {places})) * {10**places} AS HUGEINT)"


def _decimal(sql: str) -> str:
    """Return the decimal with that whole number of last places."""
    unit = f"CAST(0.{1:0{MAX_RESULT_DECIMALS}} AS DECIMAL(12, {MAX_RESULT_DECIMALS}))"
    return f"CAST({sql} AS DECIMAL(38, 0)) * {unit}"
