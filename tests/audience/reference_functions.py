"""The functions of the second evaluator, written from Snowflake's documentation.

Each line says what the documentation says, in Python: no SQL, and no type checks. NULL is `None`.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING, Any

from segctl.query import ast
from segctl.query.visit import walk

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
MONTHS = {"month": 1, "quarter": 3, "year": 12}
PRECISE = Context(prec=100)


FALLIBLE = re.compile(r" / |lower|upper|ilike|substr", re.IGNORECASE)
"""What may be uncertain in a query."""


class Uncertain(Exception):
    """The documentation does not say what the value is."""


@dataclass(frozen=True)
class Assumed:
    """What is not documented, for one reading of it.

    The decimals of a number field, the rounding of a quotient, and whether letters change their
    case one by one.
    """

    decimals: int = 0
    rounding: str = ROUND_HALF_UP
    one_by_one: bool = True


READING = Assumed()


_READINGS: dict[int, tuple[ast.Expression, list[Assumed]]] = {}


def readings(node: ast.Expression) -> list[Assumed]:
    """Return all readings of a condition; one if nothing in it is undocumented."""
    known = _READINGS.get(id(node))
    if known is None:  # the node is kept, so that no other one gets its id
        known = _READINGS[id(node)] = node, _readings_of(node)
    return known[1]


def _readings_of(node: ast.Expression) -> list[Assumed]:
    nodes = list(walk(node))
    divides = any(isinstance(each, ast.Binary) and each.op == "/" for each in nodes)
    folds = any(
        (isinstance(each, ast.Call) and each.name.text.upper() == "LOWER")
        or (isinstance(each, ast.Like) and each.kind == "ILIKE")
        for each in nodes
    )
    return [
        Assumed(decimals, rounding, one_by_one)
        for decimals in (range(10) if divides else (0,))
        for rounding in ((ROUND_HALF_UP, ROUND_DOWN) if divides else (ROUND_HALF_UP,))
        for one_by_one in ((True, False) if folds else (True,))
    ]


def decimals_of(  # noqa: C901, PLR0911 - one return a shape
    node: ast.Expression, field: int
) -> int:
    """Return the scale of a number, where that of a field is `field`."""
    match node:
        case ast.Number(text=text):
            return len(text.partition(".")[2])
        case ast.Column():
            return field
        case ast.Unary(operand=operand):
            return decimals_of(operand, field)
        case ast.Binary(op=op, left=left, right=right):
            first, second = decimals_of(left, field), decimals_of(right, field)
            if op == "*":
                return min(first + second, max(first, second, 12))
            return max(first, min(first + 6, 12)) if op == "/" else max(first, second)
        case ast.Case(whens=whens, otherwise=otherwise):
            results = [when.result for when in whens] + ([otherwise] if otherwise else [])
            return max(decimals_of(result, field) for result in results)
        case ast.Call(name=name, args=args):
            match name.text.upper():
                case "COALESCE" | "NVL" | "IFNULL":
                    return max(decimals_of(argument, field) for argument in args)
                case "IFF" | "NVL2":
                    return max(decimals_of(argument, field) for argument in args[1:])
                case "NULLIF":
                    return decimals_of(args[0], field)
    return 0


def quotient(node: ast.Binary, left: Decimal, right: Decimal, assumed: Assumed) -> Decimal:
    if right == 0:
        raise Uncertain("division by zero")
    unit = Decimal(1).scaleb(-decimals_of(node, assumed.decimals))
    value = PRECISE.divide(left, right)
    return value.quantize(unit, assumed.rounding, PRECISE)


def product(node: ast.Binary, left: Decimal, right: Decimal, assumed: Assumed) -> Decimal:
    value = PRECISE.multiply(left, right)
    if any(isinstance(each, ast.Binary) and each.op == "/" for each in walk(node)):
        unit = Decimal(1).scaleb(-decimals_of(node, assumed.decimals))
        return value.quantize(unit, ROUND_HALF_UP, PRECISE)
    return value


def lower(text: str, assumed: Assumed) -> str:
    return "".join(letter.lower()[0] for letter in text) if assumed.one_by_one else text.lower()


def upper(text: str) -> str:
    for letter in text:
        if letter != "ß" and len(letter.upper()) > 1:
            raise Uncertain(letter)
    return text.upper()


def fold(text: str, assumed: Assumed) -> str:
    """Return a string without its case, for ILIKE: by its lower case, or by its upper case."""
    return lower(text, assumed) if assumed.one_by_one else upper(text)


def left(text: str, count: Decimal) -> str:
    return text[: max(int(count), 0)]


def right(text: str, count: Decimal) -> str:
    return text[max(len(text) - max(int(count), 0), 0) :]


def substr(text: str, start: Decimal, count: Decimal | None = None) -> str:
    first = int(start) - 1 if start > 0 else len(text) + int(start)
    if start == 0 or first < 0:
        raise Uncertain("before the first character")
    end = len(text) if count is None else first + max(int(count), 0)
    return text[first:end]


def trim(text: str, characters: str = " ") -> str:
    return text.strip(characters)


def unit_of(text: str) -> str:
    short = {"y": "year", "yy": "year", "yyyy": "year", "q": "quarter", "qtr": "quarter"}
    short |= {"mm": "month", "mon": "month", "w": "week", "wk": "week", "d": "day", "dd": "day"}
    short |= {"h": "hour", "hh": "hour", "hr": "hour", "m": "minute", "mi": "minute"}
    short |= {"min": "minute", "s": "second", "sec": "second"}
    return short.get(text.lower(), text.lower().removesuffix("s"))


def shift(base: datetime | None, amount: int, unit: str) -> datetime | None:
    if base is None:
        return None
    unit = unit_of(unit)
    if unit in SECONDS:
        return base + timedelta(seconds=amount * SECONDS[unit])
    month = base.year * 12 + base.month - 1 + amount * MONTHS[unit]
    year, month = divmod(month, 12)
    day = min(base.day, calendar.monthrange(year, month + 1)[1])
    return base.replace(year=year, month=month + 1, day=day)


def days(date: datetime, op: str, other: datetime | Decimal) -> Any:
    """Return a date plus or minus days, or the days between two dates."""
    if isinstance(other, datetime):
        return Decimal((date - other).days)
    return date + timedelta(days=int(other) if op == "+" else -int(other))


def like(text: str, pattern: str, escape: str) -> bool:
    if not pattern:
        return not text
    first, rest = pattern[0], pattern[1:]
    if escape and first == escape:
        return text[:1] == rest[0] and like(text[1:], rest[1:], escape)
    if first == "%":
        return any(like(text[start:], rest, escape) for start in range(len(text) + 1))
    return bool(text) and first in ("_", text[0]) and like(text[1:], rest, escape)


def truncate(  # noqa: PLR0911 - one return a unit
    unit: str, time: datetime
) -> datetime:
    midnight = time.replace(hour=0, minute=0, second=0, microsecond=0)
    match unit:
        case "year":
            return midnight.replace(month=1, day=1)
        case "quarter":
            return midnight.replace(month=(time.month - 1) // 3 * 3 + 1, day=1)
        case "month":
            return midnight.replace(day=1)
        case "week":
            return midnight - timedelta(days=time.weekday())
        case "day":
            return midnight
        case "hour":
            return time.replace(minute=0, second=0, microsecond=0)
        case "minute":
            return time.replace(second=0, microsecond=0)
        case "second":
            return time.replace(microsecond=0)
    raise AssertionError(unit)


def boundaries(unit: str, start: datetime, end: datetime) -> Decimal:
    """Return how often a new unit begins after `start`, until `end`."""
    return Decimal(_index(unit, end) - _index(unit, start))


def _index(unit: str, time: datetime) -> int:
    """Return the number of a year, of a month since the year 0, of a day, …"""
    months = time.year * 12 + time.month - 1
    seconds = int((time.replace(microsecond=0) - datetime(1, 1, 1, tzinfo=UTC)).total_seconds())
    return {
        "year": time.year,
        "quarter": months // 3,
        "month": months,
        "week": (time.toordinal() - 1) // 7,
        "day": time.toordinal(),
        "hour": seconds // 3600,
        "minute": seconds // 60,
        "second": seconds,
    }[unit]


def part(name: str, time: datetime) -> Decimal:
    values = {
        "YEAR": time.year,
        "QUARTER": (time.month + 2) // 3,
        "MONTH": time.month,
        "WEEK": time.isocalendar().week,
        "DAY": time.day,
        "DAYOFMONTH": time.day,
        "DAYOFWEEK": time.isoweekday() % 7,
        "DAYOFYEAR": time.timetuple().tm_yday,
        "HOUR": time.hour,
        "MINUTE": time.minute,
        "SECOND": time.second,
    }
    return Decimal(values[name])


def last_day(time: datetime) -> datetime:
    day = calendar.monthrange(time.year, time.month)[1]
    return truncate("day", time).replace(day=day)


def to_timestamp(value: datetime | Decimal) -> datetime:
    if isinstance(value, Decimal):
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(value))
    return value


def to_date(value: datetime) -> datetime:
    return truncate("day", value)


STRICT: dict[str, Callable[..., Any]] = {
    "UPPER": upper,
    "LENGTH": lambda text: Decimal(len(text)),
    "LEN": lambda text: Decimal(len(text)),
    "STARTSWITH": str.startswith,
    "ENDSWITH": str.endswith,
    "CONTAINS": str.__contains__,
    "TRIM": trim,
    "LTRIM": lambda text, characters=" ": text.lstrip(characters),
    "RTRIM": lambda text, characters=" ": text.rstrip(characters),
    "LEFT": left,
    "RIGHT": right,
    "SUBSTR": substr,
    "SUBSTRING": substr,
    "CONCAT": lambda *texts: "".join(texts),
    "ARRAY_SIZE": lambda items: Decimal(len(items)),
    "LAST_DAY": last_day,
    "TO_TIMESTAMP": to_timestamp,
    "TO_TIMESTAMP_NTZ": to_timestamp,
    "TO_DATE": to_date,
    "DATE": to_date,
}
"""Functions that are NULL where an argument is NULL."""

TIME_FUNCTIONS = ("LAST_DAY", "TO_TIMESTAMP", "TO_TIMESTAMP_NTZ", "TO_DATE", "DATE")

PARTS = (
    "YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DAYOFMONTH", "DAYOFWEEK", "DAYOFYEAR", "HOUR",
    "MINUTE", "SECOND",
)  # fmt: skip
