"""The values that conditions compare with, and how two of them relate.

Owns the reading of literals: numbers, texts, times, and times counted from now. Refuses to
guess: what is not certain is `None`, and a rule that gets `None` stays silent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from segctl.common.timestamps import instant
from segctl.query.ast import Binary, Boolean, Call, Cast, DatePart, Interval, Number, String, Unary
from segctl.query.catalogue import ColumnType
from segctl.query.parser.tokens import lower, upper

if TYPE_CHECKING:
    from segctl.query.ast import Expression

LONGEST_NUMBER: Final = 40
"""Numbers of more characters are not computed with."""

_NOW = frozenset(("NOW", "CURRENT_TIMESTAMP"))
_ADD = frozenset(("TIMESTAMPADD", "DATEADD", "TIMEADD"))
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_INTERVAL_TEXT = re.compile(r"\s*(-?\d{1,9})\s*([A-Za-z]+)\s*")


@dataclass(frozen=True, slots=True)
class Ago:
    """A time counted from now, negative in the past. Months have no fixed length."""

    months: int
    seconds: int

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the most seconds from now that this can be."""
        one, other = self.months * 28 * 86400, self.months * 31 * 86400
        return min(one, other) + self.seconds, max(one, other) + self.seconds


@dataclass(frozen=True, slots=True)
class Text:
    """A text, with what stands between its quotes."""

    raw: str
    value: str


Value = Decimal | Text | bool | datetime | Ago


def value_of(  # noqa: PLR0911 - one a shape
    node: Expression, kind: ColumnType | None = None
) -> Value | None:
    """Read a value that is compared with a column of type `kind`, or give `None`."""
    match node:
        case Number():
            return _number(node.text)
        case Unary(op=op, operand=Number(text=text)):
            return _number(text if op == "+" else f"-{text}")
        case String(raw=raw, value=value):
            if kind is ColumnType.TIMESTAMP:
                return instant(value)
            return Text(raw, value)
        case Boolean(value=value):
            return value
        case Cast(form="literal", operand=String(value=value)):
            return instant(value)
        case _:
            return ago(node)


def _number(text: str) -> Decimal | None:
    if len(text) > LONGEST_NUMBER:
        return None
    try:
        number = Decimal(text)
    except ArithmeticError:
        return None
    # Enormous exponents are legal and cost enormous time to compute with.
    return number if abs(number.adjusted()) < LONGEST_NUMBER * 10 else None


def ago(node: Expression) -> Ago | None:
    """Read a time counted from now: `now() - 30 days`, `timestampadd(day, -30, …)`."""
    match node:
        case Call(name=name) if upper(name.text) in _NOW:
            return Ago(0, 0)
        case Call(name=name, args=(DatePart(name=unit), amount, base)) if upper(name.text) in _ADD:
            count = value_of(amount)
            return _plus(ago(base), _span(count, unit.text))
        case Binary(op="+" | "-" as op, left=left, right=Interval() as interval):
            span = _interval(interval)
            if span and op == "-":
                span = Ago(-span.months, -span.seconds)
            return _plus(ago(left), span)
        case _:
            return None


def _plus(one: Ago | None, other: Ago | None) -> Ago | None:
    if one is None or other is None:
        return None
    return Ago(one.months + other.months, one.seconds + other.seconds)


def _interval(node: Interval) -> Ago | None:
    if isinstance(node.value, String):
        whole = node.value.value + (f" {node.unit.text}" if node.unit else "")
        found = _INTERVAL_TEXT.fullmatch(whole)
        return _span(Decimal(found[1]), found[2]) if found else None
    return _span(value_of(node.value), node.unit.text) if node.unit else None


def _span(count: Value | None, unit: str) -> Ago | None:
    if not isinstance(count, Decimal) or count != count.to_integral_value() or abs(count) > 10**9:
        return None
    number, singular = int(count), lower(unit).removesuffix("s")
    if singular in _MONTHS:
        return Ago(number * _MONTHS[singular], 0)
    if singular in _SECONDS:
        return Ago(0, number * _SECONDS[singular])
    return None


def order(one: Value, other: Value) -> int | None:  # noqa: PLR0911 - one a pair of types
    """Compare two values that have an order: negative, 0 or positive, or `None` for unsure."""
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return (one > other) - (one < other)
    if isinstance(one, datetime) and isinstance(other, datetime):
        if (one.tzinfo is None) != (other.tzinfo is None):
            return None
        return (one > other) - (one < other)
    if isinstance(one, Ago) and isinstance(other, Ago):
        if one.months == other.months:
            return (one.seconds > other.seconds) - (one.seconds < other.seconds)
        if one.seconds == other.seconds:
            return (one.months > other.months) - (one.months < other.months)
        (low, high), (other_low, other_high) = one.bounds, other.bounds
        return -1 if high < other_low else 1 if low > other_high else None
    return None


def same(one: Value, other: Value) -> bool | None:
    """Tell whether two values are equal; `None` where that is not certain.

    Texts that differ by nothing but case or white space at their ends are not certain to differ
    for the server, nor are those with escapes.
    """
    if isinstance(one, Text) and isinstance(other, Text):
        if one.raw == other.raw:
            return True
        if "\\" in one.raw + other.raw:
            return None
        if one.value.strip().casefold() == other.value.strip().casefold():
            return None
        return False
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other if isinstance(one, bool) and isinstance(other, bool) else None
    compared = order(one, other)
    return None if compared is None else compared == 0
