"""The values with which conditions compare, and how two of them relate.

Reads literals: numbers, strings, times, and times relative to now. Guesses nothing: what is not
certain is `None`, and a rule that gets `None` reports nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from segctl.common.timestamps import parse_lenient_time
from segctl.query.ast import Binary, Boolean, Call, Cast, DatePart, Interval, Number, String, Unary
from segctl.query.catalogue import NOW_FUNCTIONS, TIME_SUM_FUNCTIONS, ColumnType
from segctl.query.parser.tokens import lower, upper

if TYPE_CHECKING:
    from segctl.query.ast import Expression

MAX_NUMBER_LENGTH: Final = 40
"""Longer numbers, in characters, are not computed with."""

_MAX_FOLDED_DIGITS: Final = 12
"""Arithmetic on larger numbers, which would not be exact, is not computed."""

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_INTERVAL_TEXT = re.compile(r"\s*(-?\d{1,9})\s*([A-Za-z]+)\s*")


@dataclass(frozen=True, slots=True)
class RelativeTime:
    """A time relative to now, negative in the past. A month has no fixed length."""

    months: int
    seconds: int

    @property
    def bounds(self) -> tuple[float, float]:
        """The smallest and the largest number of seconds from now that this can be."""
        limits = self.months * 28 * 86400, self.months * 31 * 86400
        return min(limits) + self.seconds, max(limits) + self.seconds


@dataclass(frozen=True, slots=True)
class StringValue:
    """A string: `raw` as written between its quotes, `value` with its escapes resolved."""

    raw: str
    value: str


Value = Decimal | StringValue | bool | datetime | RelativeTime


def value_of(  # noqa: PLR0911 - one return per shape
    node: Expression, column_type: ColumnType | None = None
) -> Value | None:
    """Return a value that is compared with a column of type `column_type`, or `None`."""
    match node:
        case Number():
            return _number(node.text)
        case Unary(op=op, operand=Number() | Unary() as operand):
            number = value_of(operand)
            if not isinstance(number, Decimal):
                return None
            return number if op == "+" else -number
        case String(raw=raw, value=value):
            if column_type is ColumnType.TIMESTAMP:
                return parse_lenient_time(value)
            return StringValue(raw, value)
        case Boolean(value=value):
            return value
        case Cast(form="literal", operand=String(value=value)):
            return parse_lenient_time(value)
        case Binary(op="+" | "-" | "*" | "||" as op, left=left, right=right) if not isinstance(
            right, Interval
        ):
            return _folded(op, value_of(left), value_of(right))
        case _:
            return relative_time(node)


def _folded(op: str, left: Value | None, right: Value | None) -> Value | None:
    """Return the value of an operation on constants, or `None`."""
    match left, right:
        case StringValue(), StringValue() if op == "||":
            return StringValue(left.raw + right.raw, left.value + right.value)
        case Decimal(), Decimal() if op != "||":
            if max(abs(left.adjusted()), abs(right.adjusted())) > _MAX_FOLDED_DIGITS:
                return None
            if op == "*":
                return left * right
            return left + right if op == "+" else left - right
    return None


def _number(text: str) -> Decimal | None:
    if len(text) > MAX_NUMBER_LENGTH:
        return None
    try:
        number = Decimal(text)
    except ArithmeticError:
        return None
    # Enormous exponents are legal, and take enormous time to compute with.
    return number if abs(number.adjusted()) < MAX_NUMBER_LENGTH * 10 else None


def relative_time(node: Expression) -> RelativeTime | None:
    """Return a time relative to now: `now() - 30 days`, `timestampadd(day, -30, …)`."""
    match node:
        case Call(name=name) if upper(name.text) in NOW_FUNCTIONS:
            return RelativeTime(0, 0)
        case Call(name=name, args=(DatePart(name=unit), amount, base)) if (
            upper(name.text) in TIME_SUM_FUNCTIONS
        ):
            return _sum(relative_time(base), _time_span(value_of(amount), unit.text))
        case Binary(op="+" | "-" as op, left=left, right=Interval() | Unary() as right):
            return _sum(relative_time(left), _signed_interval(right, op))
        case _:
            return None


def is_time_sum(node: object) -> bool:
    """Return whether a node calls a function that adds an amount to a time."""
    return isinstance(node, Call) and upper(node.name.text) in TIME_SUM_FUNCTIONS


def _sum(first: RelativeTime | None, second: RelativeTime | None) -> RelativeTime | None:
    if first is None or second is None:
        return None
    return RelativeTime(first.months + second.months, first.seconds + second.seconds)


def _signed_interval(node: Expression, sign: str) -> RelativeTime | None:
    """Return the length of an interval with the signs before it, or `None`."""
    while isinstance(node, Unary):
        sign = "+" if node.op == sign else "-"
        node = node.operand
    span = _interval(node) if isinstance(node, Interval) else None
    if span and sign == "-":
        span = RelativeTime(-span.months, -span.seconds)
    return span


def _interval(node: Interval) -> RelativeTime | None:
    if isinstance(node.value, String):
        text = node.value.value + (f" {node.unit.text}" if node.unit else "")
        match = _INTERVAL_TEXT.fullmatch(text)
        return _time_span(Decimal(match[1]), match[2]) if match else None
    return _time_span(value_of(node.value), node.unit.text) if node.unit else None


def _time_span(count: Value | None, unit: str) -> RelativeTime | None:
    if not isinstance(count, Decimal) or count != count.to_integral_value() or abs(count) > 10**9:
        return None
    number, singular = int(count), lower(unit).removesuffix("s")
    if singular in _MONTHS:
        return RelativeTime(number * _MONTHS[singular], 0)
    if singular in _SECONDS:
        return RelativeTime(0, number * _SECONDS[singular])
    return None


def compare(  # noqa: PLR0911 - one return per pair of types
    first: Value, second: Value
) -> int | None:
    """Compare two values that have an order: negative, 0 or positive; `None` if not certain."""
    if isinstance(first, Decimal) and isinstance(second, Decimal):
        return (first > second) - (first < second)
    if isinstance(first, datetime) and isinstance(second, datetime):
        if (first.tzinfo is None) != (second.tzinfo is None):
            return None
        return (first > second) - (first < second)
    if isinstance(first, RelativeTime) and isinstance(second, RelativeTime):
        if first.months == second.months:
            return (first.seconds > second.seconds) - (first.seconds < second.seconds)
        if first.seconds == second.seconds:
            return (first.months > second.months) - (first.months < second.months)
        (low, high), (other_low, other_high) = first.bounds, second.bounds
        return -1 if high < other_low else 1 if low > other_high else None
    return None


def are_equal(first: Value, second: Value) -> bool | None:
    """Return whether two values are equal; `None` if not certain.

    Strings that differ only in case or in white space at their ends may be equal to the server, and
    so may strings with escapes.
    """
    if isinstance(first, StringValue) and isinstance(second, StringValue):
        if first.raw == second.raw:
            return True
        if "\\" in first.raw + second.raw:
            return None
        if first.value.strip().casefold() == second.value.strip().casefold():
            return None
        return False
    if isinstance(first, bool) or isinstance(second, bool):
        both = isinstance(first, bool) and isinstance(second, bool)
        return first is second if both else None
    order = compare(first, second)
    return None if order is None else order == 0
