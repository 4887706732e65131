"""Numbers in DuckDB's SQL: how many decimals the results of arithmetic have, and division.

Source: Snowflake's page "Arithmetic operators" (Scale and precision in arithmetic operations). It
gives the decimals of a result by those of its operands, but not which way a division rounds; and
SendGrid does not document the decimals of its number fields, which here are 0: with more of them, a
quotient has more.
"""

from __future__ import annotations

from segctl.audience.open_questions import Question

MAX_RESULT_DECIMALS = 12
"""Decimals to which Snowflake extends the result of a multiplication or a division."""

_PLACES = 12

QUOTIENT = Question(
    "depends, for some contact, on the decimals that SendGrid keeps in a division, which are"
    " undocumented",
    2,
)
"""Whether a quotient is the nearest value towards 0 or away from 0, with the fewest decimals.

All values that it can have are between these two, or it is exact.
"""


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
    """Return the quotient of two numbers, cut to `decimals` towards 0 or away from 0.

    `answer` is that to `QUOTIENT`, `error` the SQL for a division by 0. DuckDB's own `/` computes
    with binary fractions, so this divides whole numbers; it fails beyond about 10^19.
    """
    numerator, divisor = (f"CAST({side} AS DECIMAL(38, {_PLACES}))" for side in (left, right))
    first, second = (
        f"abs(CAST({side} * {10**_PLACES} AS HUGEINT))" for side in (numerator, divisor)
    )
    scaled = f"{first} * {10**decimals}"
    digits = f"({scaled}) // {second}" if answer == 0 else f"({scaled} - 1) // {second} + 1"
    unit = f"CAST(0.{1:0{decimals}} AS DECIMAL({decimals}, {decimals}))"
    sign = f"CASE WHEN ({left} < 0) = ({right} < 0) THEN {unit} ELSE - {unit} END"
    return (
        f"(CASE WHEN {divisor} = 0 THEN {error}"
        f" WHEN {numerator} = 0 AND {divisor} <> 0 THEN CAST(0 AS DECIMAL(38, {decimals}))"
        f" ELSE CAST({digits} AS DECIMAL(38, 0)) * ({sign}) END)"
    )
