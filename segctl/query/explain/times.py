"""Plain English for times: `timestampadd(day, -30, CURRENT_TIMESTAMP)` is 30 days ago.

Reads points in time, relative to now or absolute, and words what is after, before and between them.
Claims no more than is true: "in the last 30 days" excludes the future, so fields that can be in the
future get "in the last 30 days or in the future". Whether a bound is inclusive is not mentioned for
points relative to now: it is a single instant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from segctl.query import ast
from segctl.query.catalogue import FUNCTIONS, TIME_UNITS
from segctl.query.explain.phrases import number_text
from segctl.query.parser.tokens import lower, upper

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.0+)?)?)? ?(Z|[+-]\d\d:?\d\d)?"
)
_AMOUNT = re.compile(r"\s*([+-]?\d+)\s*+([A-Za-z]+)?\s*")
_NOW = frozenset(("CURRENT_TIMESTAMP", "NOW", "SYSDATE", "GETDATE", "LOCALTIMESTAMP"))
_ADD = frozenset(("TIMESTAMPADD", "DATEADD", "TIMEADD"))
_DAYS = {"second": 1 / 86400, "minute": 1 / 1440, "hour": 1 / 24, "day": 1.0, "week": 7.0,
         "month": 30.4, "quarter": 91.3, "year": 365.2}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RelativeTime:
    """A number of units from now; in the past if `amount` is negative."""

    amount: int
    unit: str

    @property
    def span(self) -> str:
        """The distance from now: `30 days`."""
        return f"{abs(self.amount)} {self.unit}{'' if abs(self.amount) == 1 else 's'}"

    @property
    def length(self) -> str:
        """The distance as said after `the last` or `the next`: `30 days`, `day`."""
        return self.unit if abs(self.amount) == 1 else self.span

    @property
    def phrase(self) -> str:
        """The point in time: `30 days ago`."""
        if not self.amount:
            return "now"
        return f"{self.span} {'ago' if self.amount < 0 else 'from now'}"

    @property
    def days(self) -> float:
        """The approximate number of days from now."""
        return self.amount * _DAYS[self.unit]


@dataclass(frozen=True, slots=True)
class AbsoluteTime:
    """A date, with the time of day unless that is midnight UTC."""

    order: str
    day: str
    clock: str

    @property
    def text(self) -> str:
        """The date and time: `19 June 2024, 14:30 UTC`."""
        return f"{self.day}, {self.clock}" if self.clock else self.day


TimePoint = RelativeTime | AbsoluteTime


@dataclass(frozen=True, slots=True)
class TimeBound:
    """One end of a range of times; `inclusive` if the point itself is in the range."""

    point: TimePoint
    inclusive: bool


def read_time(node: ast.Expression) -> TimePoint | None:  # noqa: PLR0911 - one return per form
    """Return the point in time that an expression means, or `None` for any other expression."""
    match node:
        case ast.String(value=value):
            return _read_absolute(value)
        case ast.Cast(operand=ast.String(value=value), type=kind) if _is_time(kind):
            return _read_absolute(value)
        case ast.Call(name=name, args=args) if not name.quoted:
            function = upper(name.text)
            if function in _NOW and not args:
                return RelativeTime(0, "day")
            if function in _ADD and len(args) == 3 and isinstance(args[0], ast.DatePart):  # noqa: PLR2004
                return _shifted(read_time(args[2]), number_text(args[1]), args[0].name.text, 1)
            known = function in FUNCTIONS
            if known and function.startswith("TO_TIMESTAMP") and len(args) == 1:
                return read_time(args[0])
        case ast.Binary(op="+" | "-" as op, left=left, right=ast.Interval() as interval):
            amount, unit = _interval(interval)
            return _shifted(read_time(left), amount, unit, 1 if op == "+" else -1)
        case _:
            pass
    return None


def _is_time(kind: str) -> bool:
    return kind.startswith(("TIMESTAMP", "DATE"))


def _interval(node: ast.Interval) -> tuple[str | None, str]:
    """Return amount and unit of an interval; the unit may be inside the string."""
    unit = node.unit.text if node.unit else ""
    if not isinstance(node.value, ast.String):
        return number_text(node.value), unit
    match = _AMOUNT.fullmatch(node.value.value)
    if match is None or bool(match[2]) == bool(unit):
        return None, unit
    return match[1], unit or match[2]


def _shifted(start: TimePoint | None, amount: str | None, unit: str, sign: int) -> TimePoint | None:
    """Return the point so many units after `start`, which must be now: else `None`."""
    unit = lower(unit)
    if unit not in TIME_UNITS or amount is None or not re.fullmatch(r"[+-]?\d{1,9}", amount):
        return None
    if not isinstance(start, RelativeTime) or start.amount:
        return None
    return RelativeTime(sign * int(amount), unit.removesuffix("s"))


def _read_absolute(value: str) -> AbsoluteTime | None:
    match = _ISO.fullmatch(value.strip())
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


def time_range(low: TimeBound | None, high: TimeBound | None, *, past: bool) -> str:
    """Return the words for a time after `low` and before `high`, at least one of which is given.

    `past` is true for a time that cannot be in the future. Reads well after `is` and after a verb.
    """
    if low and high:
        both = _between(low, high)
        return both or f"{_after(low, past=True)} and {_before(high)}"
    return _after(low, past=past) if low else _before(high) if high else ""


def exact_time(point: TimePoint) -> str:
    """Return the words, after `is`, for one instant: a day alone would mean the whole day."""
    if isinstance(point, RelativeTime):
        return point.phrase
    return f"exactly {point.text}" if point.clock else f"exactly the start of {point.day}"


def _after(bound: TimeBound, *, past: bool) -> str:
    match bound.point:
        case RelativeTime(amount=amount) as point if amount < 0:
            return f"in the last {point.length}{'' if past else ' or in the future'}"
        case RelativeTime(amount=0):
            return "in the future"
        case RelativeTime() as point:
            return f"more than {point.span} from now"
        case AbsoluteTime(clock="") as point:
            return (
                f"on or after {point.day}" if bound.inclusive else f"after the start of {point.day}"
            )
        case AbsoluteTime() as point:
            return f"{'at or after' if bound.inclusive else 'after'} {point.text}"


def _before(bound: TimeBound) -> str:
    match bound.point:
        case RelativeTime(amount=amount) as point if amount < 0:
            return f"more than {point.span} ago"
        case RelativeTime(amount=0):
            return "in the past"
        case RelativeTime() as point:
            return f"no later than {point.span} from now"
        case AbsoluteTime(clock="") as point:
            return (f"at or before the start of {point.day}" if bound.inclusive
                    else f"before {point.day}")  # fmt: skip
        case AbsoluteTime() as point:
            return f"{'at or before' if bound.inclusive else 'before'} {point.text}"


def _between(low: TimeBound, high: TimeBound) -> str:  # noqa: PLR0911 - one return per form
    """Return the words for a range; empty if two separate bounds are clearer, or more exact."""
    match low.point, high.point:
        case RelativeTime() as start, RelativeTime() as end if start.days < end.days:
            if not end.amount:
                return f"in the last {start.length}"
            if not start.amount:
                return f"in the next {end.length}"
            if start.unit == end.unit and start.amount * end.amount > 0:
                where = "ago" if end.amount < 0 else "from now"
                return f"between {abs(start.amount)} and {end.span} {where}"
            return f"between {start.phrase} and {end.phrase}"
        case AbsoluteTime() as start, AbsoluteTime() as end if "" < start.order < end.order:
            if low.inclusive and not high.inclusive:
                return f"between {start.text} and {end.text} (end excluded)"
            if low.inclusive and end.clock:
                return f"between {start.text} and {end.text}"
        case _:
            pass
    return ""
