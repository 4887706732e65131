"""Plain English for times: `timestampadd(day, -30, CURRENT_TIMESTAMP)` is 30 days ago.

Reads points in time: relative to now, on a calendar, or computed from today's date. `ranges` words
what is after, before and between them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from segctl.query import ast
from segctl.query.catalogue import NOW_FUNCTIONS, TIME_SUM_FUNCTIONS, TIME_UNITS
from segctl.query.explain.values import number_text
from segctl.query.parser.tokens import lower, upper

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.0+)?)?)? ?(Z|[+-]\d\d:?\d\d)?"
)
_AMOUNT = re.compile(r"\s*([+-]?\d+)\s*+([A-Za-z]+)?\s*")
_NOW = frozenset((*NOW_FUNCTIONS, "SYSDATE", "GETDATE", "LOCALTIMESTAMP"))
_TO_TIME = frozenset(("TO_TIMESTAMP", "TO_TIMESTAMP_NTZ", "TO_TIMESTAMP_TZ", "TO_TIMESTAMP_LTZ"))
_TO_DAY = frozenset(("TO_DATE", "DATE"))
_DAYS = {"second": 1 / 86400, "minute": 1 / 1440, "hour": 1 / 24, "day": 1.0, "week": 7.0}
_CALENDAR_DAYS = {"month": (28.0, 31.0), "year": (365.0, 366.0)}
_LENGTHS = {"day": "24 hours", "week": "7 days", "year": "12 months"}


@dataclass(frozen=True, slots=True)
class RelativeTime:
    """A number of units from now; in the past if `amount` is negative. A quarter is 3 months."""

    amount: int
    unit: str

    @property
    def span(self) -> str:
        """The distance from now: `30 days`."""
        return f"{abs(self.amount)} {self.unit}{'' if abs(self.amount) == 1 else 's'}"

    @property
    def length(self) -> str:
        """The distance as said after `the last` or `the next`, empty if that would be misread.

        The last day, week or year may be the calendar's, and so may the last month.
        """
        if abs(self.amount) > 1:
            return self.span
        return "" if self.unit == "month" else _LENGTHS.get(self.unit, self.unit)

    @property
    def phrase(self) -> str:
        """The point in time: `30 days ago`."""
        if not self.amount:
            return "now"
        return f"{self.span} {'ago' if self.amount < 0 else 'from now'}"

    @property
    def days(self) -> tuple[float, float]:
        """The least and the greatest number of days from now, in this order."""
        least, most = _CALENDAR_DAYS.get(self.unit) or (_DAYS[self.unit],) * 2
        low, high = sorted((self.amount * least, self.amount * most))
        return low, high


@dataclass(frozen=True, slots=True)
class AbsoluteTime:
    """A date, with the time of day unless that is midnight UTC.

    `order` compares with that of another time; empty if the time zone is unknown.
    """

    order: str
    day: str
    clock: str

    @property
    def text(self) -> str:
        """The date and time: `19 June 2024, 14:30 UTC`, `the start of 19 June 2024`."""
        return f"{self.day}, {self.clock}" if self.clock else f"the start of {self.day}"


@dataclass(frozen=True, slots=True)
class NamedTime:
    """A time with a name: `the start of today`, `their last order`; `day` if it is a whole day."""

    text: str
    day: str = ""


TimePoint: TypeAlias = RelativeTime | AbsoluteTime | NamedTime


@dataclass(frozen=True, slots=True)
class TimeBound:
    """One end of a range of times; `inclusive` if the point itself is in the range."""

    point: TimePoint
    inclusive: bool


def read_time(  # noqa: PLR0911 - one return per form
    node: ast.Expression, *, strings: bool
) -> TimePoint | None:
    """Return the point in time that an expression means, or `None` for any other expression.

    `strings`: a string alone is a time too, because it is compared with one.
    """
    match node:
        case ast.String(value=value) if strings:
            return _read_absolute(value)
        case ast.Cast(operand=ast.String(value=value), type="DATE"):
            return _read_day(value)
        case ast.Cast(operand=ast.String(value=value), type=kind) if is_time_type(kind):
            return _read_absolute(value)
        case ast.Call(name=name, args=args) if not name.quoted:
            return _read_call(upper(name.text), args)
        case ast.Binary(op="+" | "-" as op, left=left, right=ast.Interval() as interval):
            amount, unit = interval_of(interval)
            return _shifted(read_time(left, strings=False), amount, unit, 1 if op == "+" else -1)
        case ast.Binary(op="+" | "-" as op, left=left, right=ast.Number(text=amount)):
            start = read_time(left, strings=False)
            sign = 1 if op == "+" else -1
            return _shifted(start, amount, "day", sign) if start == _TODAY else None
        case _:
            return None


_TODAY = NamedTime("the start of today", "today")


def _read_call(  # noqa: PLR0911 - one return per function
    function: str, args: tuple[ast.Expression, ...]
) -> TimePoint | None:
    match args:
        case () if function in _NOW:
            return RelativeTime(0, "day")
        case () if function == "CURRENT_DATE":
            return _TODAY
        case (part, amount, start) if function in TIME_SUM_FUNCTIONS:
            return _shifted(read_time(start, strings=False), number_text(amount), unit_of(part), 1)
        case (part, start) if function == "DATE_TRUNC":
            return _truncated(unit_of(part), read_time(start, strings=False))
        case (ast.String(value=value),) if function in _TO_TIME:
            return _read_absolute(value)
        case (ast.String(value=value),) if function in _TO_DAY:
            return _read_day(value)
        case _:
            return None


def is_time_type(kind: str) -> bool:
    """Return whether a type, in upper case, is one of times."""
    return kind.startswith(("TIMESTAMP", "DATE"))


def unit_of(part: ast.Expression) -> str:
    """Return a unit of time in the singular and in lower case; empty for anything else."""
    match part:
        case ast.DatePart(name=ast.Name(text=text)) | ast.String(value=text):
            return lower(text).removesuffix("s") if lower(text) in TIME_UNITS else ""
        case _:
            return ""


def interval_of(node: ast.Interval) -> tuple[str | None, str]:
    """Return amount and unit of an interval; the unit may be inside the string."""
    unit = node.unit.text if node.unit else ""
    if not isinstance(node.value, ast.String):
        return number_text(node.value), unit
    match = _AMOUNT.fullmatch(node.value.value)
    if match is None or bool(match[2]) == bool(unit):
        return None, unit
    return match[1], unit or match[2]


def whole_span(amount: str | None, unit: str, sign: int) -> RelativeTime | None:
    """Return a whole number of known units, `sign` times, or `None` for anything else."""
    unit = lower(unit)
    if unit not in TIME_UNITS or amount is None or not re.fullmatch(r"[+-]?\d{1,9}", amount):
        return None
    unit, count = unit.removesuffix("s"), sign * int(amount)
    return RelativeTime(3 * count, "month") if unit == "quarter" else RelativeTime(count, unit)


def _shifted(start: TimePoint | None, amount: str | None, unit: str, sign: int) -> TimePoint | None:
    """Return the point so many units after `start`, which must be now or today: else `None`."""
    span = whole_span(amount, unit, sign)
    if span is None:
        return None
    if start == _TODAY:
        if not span.amount or span.unit in ("second", "minute", "hour"):
            return None if span.amount else _TODAY
        return NamedTime(f"the start of the day {span.phrase}", f"the day {span.phrase}")
    return span if isinstance(start, RelativeTime) and not start.amount else None


def _truncated(unit: str, start: TimePoint | None) -> NamedTime | None:
    if not unit or (start != _TODAY and not (isinstance(start, RelativeTime) and not start.amount)):
        return None
    if unit == "day":
        return _TODAY
    is_clock = unit in ("second", "minute", "hour")
    return None if is_clock and start == _TODAY else NamedTime(f"the start of this {unit}")


def _read_day(value: str) -> AbsoluteTime | None:
    """Return the start of a day; a time of day would be cut off."""
    return _read_absolute(value) if len(value) == len("YYYY-MM-DD") else None


def _read_absolute(value: str) -> AbsoluteTime | None:
    match = _ISO.fullmatch(value)
    if match is None:
        return None
    year, month, day, hour, minute, second, zone = match.groups()
    try:
        datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    words = f"{int(day)} {_MONTHS[int(month) - 1]} {int(year)}"
    universal = zone in (None, "Z", "+00:00", "+0000", "-00:00")
    clock = f"{hour}:{minute}" if hour else "00:00"
    if second and second != "00":
        clock += f":{second}"
    order = f"{year}-{month}-{day} {clock}" if universal else ""
    if clock == "00:00" and universal:
        return AbsoluteTime(order, words, "")
    if zone is not None:
        clock += " UTC" if universal else f" {zone}"
    return AbsoluteTime(order, words, clock)
