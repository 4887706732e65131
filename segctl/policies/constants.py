"""Constants in conditions, and how two of them relate.

Concludes only what holds however the server compares: with or without regard to the case of
letters, and whichever time zone its session has. What is not certain is `None` or false. A string
keeps the text between its quotes, since the escapes of the server are not documented.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias
from unicodedata import combining, normalize

from segctl.audience.literals import constant_number, interval_value
from segctl.audience.times import unit_name
from segctl.common.timestamps import TIME, parse_lenient_time
from segctl.query import ast
from segctl.query.catalogue import NOW_FUNCTIONS, TIME_SUM_FUNCTIONS
from segctl.query.parser.tokens import upper
from segctl.query.value_types import CannotTranslate

if TYPE_CHECKING:
    from collections.abc import Hashable
    from datetime import datetime

_MAX_DIGITS = 15
"""A number with more significant digits may be rounded by the server."""

_MAX_EXPONENT = 17
_ZONES = 48 * 3600
"""Seconds: two times further apart have the same order in any two time zones."""

_DATE_DIGITS = 3
"""A date has a day, a month or its name, and a year of at least two digits."""

_DECIMALS = 9
"""A number with more decimals may be rounded by the server, as that of a product."""

_MICROSECONDS = 6
_DST = 2 * 3600
"""Seconds by which days can be longer or shorter than 24 hours, at most."""

_TIME_TYPES = frozenset(("TIMESTAMP", "TIMESTAMP_NTZ", "DATETIME", "DATE"))
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}
_SECONDS = {"second": 1, "minute": 60, "hour": 3600}
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.IGNORECASE)
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class TextConstant:
    """A string; `raw` is the source between its quotes, `value` its likely meaning."""

    raw: str
    value: str


@dataclass(frozen=True, slots=True)
class TimeConstant:
    """A time that is not relative; `time` has a zone where the text has one."""

    raw: str
    time: datetime


@dataclass(frozen=True, slots=True)
class RelativeConstant:
    """The time of the evaluation, plus months, then days, then seconds."""

    months: int = 0
    days: int = 0
    seconds: int = 0

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the greatest number of seconds from now that this can be."""
        months = self.months * 28 * 86_400, self.months * 31 * 86_400
        rest = self.days * 86_400 + self.seconds
        return min(months) + rest - _DST, max(months) + rest + _DST


Constant: TypeAlias = Decimal | TextConstant | TimeConstant | RelativeConstant


def read_constant(node: ast.Expression) -> Constant | None:
    """Return the constant that an expression is, or `None` for any other expression."""
    match node:
        case ast.String(raw=raw, value=value):
            return TextConstant(raw, value)
        case ast.Number() | ast.Unary():
            return _number(node)
        case ast.Cast(operand=ast.String(raw=raw, value=value), type=kind, form=form):
            is_time = kind in _TIME_TYPES and form != "TRY_CAST"
            if not is_time or (kind == "DATE" and ":" in value):
                return None
            return as_time(TextConstant(raw, value))
        case ast.Binary() | ast.Call():
            return _relative(node) or (None if isinstance(node, ast.Call) else _number(node))
        case _:
            return None


def as_time(constant: TextConstant) -> TimeConstant | None:
    """Return the time that a string is where it is compared with one, or `None`."""
    match = TIME.fullmatch(constant.value.strip())
    fraction = re.split("[.,]", (match["clock"] or "") if match else "")[1:]
    if fraction and len(fraction[0]) > _MICROSECONDS:
        return None
    time = parse_lenient_time(constant.value)
    return TimeConstant(constant.raw, time) if time else None


def _number(node: ast.Expression) -> Decimal | None:
    try:
        number = constant_number(node)
    except ArithmeticError:
        return None
    if number is None or not number.is_finite() or abs(number.adjusted()) > _MAX_EXPONENT:
        return None
    if number != round(number, _DECIMALS):
        return None
    return number if len(number.as_tuple().digits) <= _MAX_DIGITS else None


def _relative(node: ast.Expression) -> RelativeConstant | None:
    try:
        match node:
            case ast.Call(name=ast.Name(text=name, quoted=False), args=()) if (
                upper(name) in NOW_FUNCTIONS
            ):
                return RelativeConstant()
            case ast.Binary(op="+" | "-" as op, left=left, right=ast.Interval() as interval):
                amount, unit = interval_value(interval)
                return _shifted(_relative(left), amount if op == "+" else -amount, unit)
            case ast.Call(
                name=ast.Name(text=name, quoted=False),
                args=(ast.DatePart(name=ast.Name(text=unit)) | ast.String(value=unit), count, base),
            ) if upper(name) in TIME_SUM_FUNCTIONS:
                number = constant_number(count)
                if number is None or number != number.to_integral_value():
                    return None
                return _shifted(_relative(base), int(number), unit)
    except (CannotTranslate, ArithmeticError):
        pass
    return None


def _shifted(base: RelativeConstant | None, amount: int, unit: str) -> RelativeConstant | None:
    """Return a time so many units after `base`; `None` where the order of the units matters."""
    name = unit_name(unit)
    if base is None or name is None or abs(amount) > 10**9:
        return None
    if name in _MONTHS:
        return None if base != RelativeConstant() else RelativeConstant(amount * _MONTHS[name])
    if name in _DAYS:
        if base.seconds:
            return None
        return RelativeConstant(base.months, base.days + amount * _DAYS[name])
    return RelativeConstant(base.months, base.days, base.seconds + amount * _SECONDS[name])


def bucket(constant: Constant) -> Hashable:
    """Return a key that two constants share wherever they might be equal.

    `None` for one that might equal any other: a string that a column of times may read as one.
    """
    match constant:
        case Decimal():
            return constant
        case TextConstant(raw=raw, value=value) if "\\" not in raw:
            if _NUMBER.fullmatch(value):
                return _number_in(value)
            is_time = "@" not in value and sum(map(str.isdigit, value)) >= _DATE_DIGITS
            return None if is_time else _without_marks(value)
        case _:
            return None


def _without_marks(text: str) -> str:
    """Return a text without case, accents and white space around it."""
    if not text.isascii():
        text = "".join(each for each in normalize("NFKD", text) if not combining(each))
    return text.strip().casefold()


def _number_in(text: str) -> Decimal | None:
    if len(text) > _MAX_EXPONENT:
        return None
    number = Decimal(text.strip())
    return number if abs(number.adjusted()) <= _MAX_EXPONENT else None


def are_different(first: Constant, second: Constant) -> bool:
    """Return whether two constants are certainly not equal."""
    keys = bucket(first), bucket(second)
    if None not in keys and keys[0] != keys[1]:
        return True
    return compare(first, second) not in (0, None)


def compare(first: Constant, second: Constant) -> int | None:
    """Compare two constants: negative, 0 or positive; `None` where the order is not certain."""
    if first == second:
        return 0
    match first, second:
        case (Decimal(), Decimal()):
            return -1 if first < second else 1
        case (RelativeConstant(), RelativeConstant()):
            return _compare_relative(first, second)
        case (TextConstant(), TextConstant()):
            return _compare_texts(first.value, second.value)
        case (TextConstant() | TimeConstant(), TextConstant() | TimeConstant()):
            times = [as_time(each) if isinstance(each, TextConstant) else each
                     for each in (first, second)]  # fmt: skip
            return _compare_times(*times)
        case _:
            return None


def _compare_relative(first: RelativeConstant, second: RelativeConstant) -> int | None:
    parts = [(one, other) for one, other in (
        (first.months, second.months), (first.days, second.days), (first.seconds, second.seconds)
    ) if one != other]  # fmt: skip
    if len(parts) == 1:
        ((one, other),) = parts
        return -1 if one < other else 1
    (low, high), (other_low, other_high) = first.bounds, second.bounds
    return -1 if high < other_low else 1 if low > other_high else None


def _compare_texts(first: str, second: str) -> int | None:
    """Compare two dates of the same form, whose order as texts is that of the times."""
    matches = TIME.fullmatch(first), TIME.fullmatch(second)
    if not matches[0] or not matches[1] or matches[0]["zone"] != matches[1]["zone"]:
        return None
    if _DIGIT.sub("0", first) != _DIGIT.sub("0", second):
        return None
    if parse_lenient_time(first) is None or parse_lenient_time(second) is None:
        return None
    return -1 if first < second else 1


def _compare_times(first: TimeConstant | None, second: TimeConstant | None) -> int | None:
    if first is None or second is None:
        return None
    zones = [_zone(constant.raw) for constant in (first, second)]
    one, other = first.time.replace(tzinfo=None), second.time.replace(tzinfo=None)
    if zones[0] == zones[1]:
        return (one > other) - (one < other)
    if abs((one - other).total_seconds()) <= _ZONES:
        return None
    return -1 if one < other else 1


def _zone(text: str) -> str:
    match = TIME.fullmatch(text.strip())
    zone = ((match["zone"] if match else "") or "").strip().upper().replace(":", "")
    return "+0000" if zone in ("Z", "-0000") else zone
