"""Plain English for times: `timestampadd(day, -30, CURRENT_TIMESTAMP)` is 30 days ago.

Owns the reading of moments, relative to now and absolute, and the words for what lies after,
before and between them. Says no more than is true: "in the last 30 days" leaves out what is yet
to come, so for fields that can lie in the future it is "in the last 30 days or later". That a
bound itself belongs to the range is not said of moments relative to now: it is one instant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from segctl.query import ast
from segctl.query.catalogue import FUNCTIONS, TIME_UNITS
from segctl.query.explain.phrases import number
from segctl.query.parser.tokens import lower, upper

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.0+)?)?)? ?(Z|[+-]\d\d:?\d\d)?"
)
_AMOUNT = re.compile(r"\s*([+-]?\d+)\s*([A-Za-z]+)?\s*")
_NOW = frozenset(("CURRENT_TIMESTAMP", "NOW", "SYSDATE", "GETDATE", "LOCALTIMESTAMP"))
_ADD = frozenset(("TIMESTAMPADD", "DATEADD", "TIMEADD"))
_DAYS = {"second": 1 / 86400, "minute": 1 / 1440, "hour": 1 / 24, "day": 1.0, "week": 7.0,
         "month": 30.4, "quarter": 91.3, "year": 365.2}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Relative:
    """So many units from now; in the past where `amount` is negative."""

    amount: int
    unit: str

    @property
    def span(self) -> str:
        """The length: `30 days`."""
        return f"{abs(self.amount)} {self.unit}{'' if abs(self.amount) == 1 else 's'}"

    @property
    def length(self) -> str:
        """The length after `the last` or `the next`: `30 days`, `day`."""
        return self.unit if abs(self.amount) == 1 else self.span

    @property
    def place(self) -> str:
        """Where it is: `30 days ago`."""
        if not self.amount:
            return "now"
        return f"{self.span} {'ago' if self.amount < 0 else 'from now'}"

    @property
    def days(self) -> float:
        """About how many days from now."""
        return self.amount * _DAYS[self.unit]


@dataclass(frozen=True, slots=True)
class Absolute:
    """A date, with the time of the day where that is not the beginning of the day."""

    order: str
    day: str
    clock: str

    @property
    def text(self) -> str:
        """In full: `19 June 2024, 14:30 UTC`."""
        return f"{self.day}, {self.clock}" if self.clock else self.day


Moment = Relative | Absolute


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a range of times; `inclusive` when the moment itself belongs to it."""

    moment: Moment
    inclusive: bool


def moment(node: ast.Expression) -> Moment | None:  # noqa: PLR0911 - one return a form
    """Read a moment, or return `None` for what is none."""
    match node:
        case ast.String(value=value):
            return _absolute(value)
        case ast.Cast(operand=ast.String(value=value), type=kind) if _is_time(kind):
            return _absolute(value)
        case ast.Call(name=name, args=args) if not name.quoted:
            called = upper(name.text)
            if called in _NOW and not args:
                return Relative(0, "day")
            if called in _ADD and len(args) == 3 and isinstance(args[0], ast.DatePart):  # noqa: PLR2004
                return _shifted(moment(args[2]), number(args[1]), args[0].name.text, 1)
            function = FUNCTIONS.get(called)
            if function and called.startswith("TO_TIMESTAMP") and len(args) == 1:
                return moment(args[0])
        case ast.Binary(op="+" | "-" as op, left=left, right=ast.Interval() as interval):
            amount, unit = _interval(interval)
            return _shifted(moment(left), amount, unit, 1 if op == "+" else -1)
        case _:
            pass
    return None


def _is_time(kind: str) -> bool:
    return kind.startswith(("TIMESTAMP", "DATE"))


def _interval(node: ast.Interval) -> tuple[str | None, str]:
    """Return amount and unit of an interval, of which the unit may stand in the string."""
    unit = node.unit.text if node.unit else ""
    if not isinstance(node.value, ast.String):
        return number(node.value), unit
    found = _AMOUNT.fullmatch(node.value.value)
    if found is None or bool(found[2]) == bool(unit):
        return None, unit
    return found[1], unit or found[2]


def _shifted(start: Moment | None, amount: str | None, unit: str, sign: int) -> Moment | None:
    """Return a moment so many units from now; from elsewhere there are no words for it."""
    unit = lower(unit)
    if unit not in TIME_UNITS or amount is None or not re.fullmatch(r"[+-]?\d{1,9}", amount):
        return None
    if not isinstance(start, Relative) or start.amount:
        return None
    return Relative(sign * int(amount), unit.removesuffix("s"))


def _absolute(value: str) -> Absolute | None:
    found = _ISO.fullmatch(value.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second, zone = found.groups()
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
        return Absolute(order, words, "")
    if zone is not None:
        clock += " UTC" if universal else f" {zone}"
    return Absolute(order, words, clock)


def when(low: Bound | None, high: Bound | None, *, past: bool) -> str:
    """Say when something is: after `low`, before `high`; at least one is given.

    `past` says that it cannot lie in the future. Reads well after `is`, and behind a verb.
    """
    if low and high:
        both = _between(low, high)
        return both or f"{_after(low, past=True)} and {_before(high)}"
    return _after(low, past=past) if low else _before(high) if high else ""


def exactly(at: Moment) -> str:
    """Say that something is at one moment, after `is`: a day alone would say all of that day."""
    if isinstance(at, Relative):
        return at.place
    return f"exactly {at.text}" if at.clock else f"exactly the start of {at.day}"


def _after(bound: Bound, *, past: bool) -> str:
    match bound.moment:
        case Relative(amount=amount) as at if amount < 0:
            return f"in the last {at.length}{'' if past else ' or later'}"
        case Relative(amount=0):
            return "in the future"
        case Relative() as at:
            return f"more than {at.span} from now"
        case Absolute(clock="") as at:
            return f"on or after {at.day}" if bound.inclusive else f"after the start of {at.day}"
        case Absolute() as at:
            return f"{'at or after' if bound.inclusive else 'after'} {at.text}"


def _before(bound: Bound) -> str:
    match bound.moment:
        case Relative(amount=amount) as at if amount < 0:
            return f"more than {at.span} ago"
        case Relative(amount=0):
            return "in the past"
        case Relative() as at:
            return f"in the next {at.length} or earlier"
        case Absolute(clock="") as at:
            return (f"at or before the start of {at.day}" if bound.inclusive
                    else f"before {at.day}")  # fmt: skip
        case Absolute() as at:
            return f"{'at or before' if bound.inclusive else 'before'} {at.text}"


def _between(low: Bound, high: Bound) -> str:  # noqa: PLR0911 - one return a form
    """Say that something lies in a range; empty where two statements are clearer, or truer."""
    match low.moment, high.moment:
        case Relative() as start, Relative() as end if start.days < end.days:
            if not end.amount:
                return f"in the last {start.length}"
            if not start.amount:
                return f"in the next {end.length}"
            if start.unit == end.unit and start.amount * end.amount > 0:
                where = "ago" if end.amount < 0 else "from now"
                return f"between {abs(start.amount)} and {end.span} {where}"
            return f"between {start.place} and {end.place}"
        case Absolute() as start, Absolute() as end if "" < start.order < end.order:
            if low.inclusive and not high.inclusive:
                return f"between {start.text} and {end.text} (the end not included)"
            if low.inclusive and end.clock:
                return f"between {start.text} and {end.text}"
        case _:
            pass
    return ""
