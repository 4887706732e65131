"""Plain English for what is after, before and between points in time.

Claims no more than is true: "in the last 30 days" excludes the future, so fields that can be in the
future get "in the last 30 days or in the future". Whether a bound relative to now is inclusive is
not mentioned: it is an instant that is another one when the query runs next. Dates and the starts
of days, months and years stay, so theirs is always mentioned.
"""

from __future__ import annotations

from typing import assert_never

from segctl.query.explain.times import AbsoluteTime, NamedTime, RelativeTime, TimeBound, TimePoint


def time_range(low: TimeBound | None, high: TimeBound | None, *, past: bool) -> str:
    """Return the words for a time after `low` and before `high`, at least one of which is given.

    `past` is true for a time that cannot be in the future. Reads well after `is` and after a verb.
    """
    if low and high:
        return neat_range(low, high) or _both(low, high)
    return _after(low, past=past) if low else _before(high) if high else ""


def outside_range(low: TimePoint, high: TimePoint, *, past: bool) -> str:
    """Return the words for a time that is not between two points, which are not outside."""
    before = _before(TimeBound(low, inclusive=False))
    return f"{before} or {_after(TimeBound(high, inclusive=False), past=past)}"


def exact_time(point: TimePoint) -> str:
    """Return the words, after `is`, for one instant: a day alone would mean the whole day."""
    match point:
        case RelativeTime():
            return f"exactly {point.phrase}"
        case AbsoluteTime() | NamedTime():
            return f"exactly {point.text}"
        case _:
            assert_never(point)


def whole_day(point: TimePoint | None) -> str:
    """Return the day that a point in time is the start of, or nothing for any other time."""
    match point:
        case AbsoluteTime(day=day, clock="") | NamedTime(day=day):
            return day
        case _:
            return ""


def _after(bound: TimeBound, *, past: bool) -> str:
    match bound.point:
        case RelativeTime(amount=amount) as point if amount < 0:
            return f"{_since(point)}{'' if past else ' or in the future'}"
        case RelativeTime(amount=0):
            return "in the future"
        case RelativeTime() as point:
            return f"more than {point.span} from now"
        case AbsoluteTime(clock="") as point if bound.inclusive:
            return f"on or after {point.day}"
        case AbsoluteTime() | NamedTime() as point:
            return f"{'at or after' if bound.inclusive else 'after'} {point.text}"


def _before(bound: TimeBound) -> str:
    match bound.point:
        case RelativeTime(amount=amount) as point if amount < 0:
            return f"more than {point.span} ago"
        case RelativeTime(amount=0):
            return "in the past"
        case RelativeTime() as point:
            return f"no later than {point.span} from now"
        case AbsoluteTime(clock="") as point if not bound.inclusive:
            return f"before {point.day}"
        case AbsoluteTime() | NamedTime() as point:
            return f"{'at or before' if bound.inclusive else 'before'} {point.text}"


def _since(point: RelativeTime) -> str:
    return f"in the last {point.length}" if point.length else f"less than {point.span} ago"


def neat_range(low: TimeBound, high: TimeBound) -> str:
    """Return the words for a range whose ends are certainly in this order; else nothing."""
    match low.point, high.point:
        case RelativeTime() as start, RelativeTime() as end if start.days[1] < end.days[0]:
            return _relative_range(start, end)
        case AbsoluteTime() as start, AbsoluteTime() as end if "" < start.order < end.order:
            from_ = start.day if low.inclusive and not start.clock else start.text
            to = end.day if not high.inclusive and not end.clock else end.text
            return f"between {from_} and {to}{_excluded(low, high)}"
        case _:
            return ""


def _relative_range(start: RelativeTime, end: RelativeTime) -> str:
    if not end.amount:
        return _since(start)
    if not start.amount and end.length:
        return f"in the next {end.length}"
    if start.unit == end.unit and start.amount * end.amount > 0:
        where = "ago" if end.amount < 0 else "from now"
        return f"between {abs(start.amount)} and {end.span} {where}"
    return f"between {start.phrase} and {end.phrase}"


def _both(low: TimeBound, high: TimeBound) -> str:
    """Return the words for a range whose ends may be in the wrong order: no time is in it then."""
    if not isinstance(low.point, RelativeTime) and not isinstance(high.point, RelativeTime):
        return f"{_after(low, past=True)} and {_before(high)}"
    start, end = (
        bound.point.phrase if isinstance(bound.point, RelativeTime) else bound.point.text
        for bound in (low, high)
    )
    return f"from {start} up to {end}{_excluded(low, high)}"


def _excluded(low: TimeBound, high: TimeBound) -> str:
    ends = [
        name
        for name, bound in (("start", low), ("end", high))
        if not bound.inclusive and not isinstance(bound.point, RelativeTime)
    ]
    return f" ({'both' if len(ends) > 1 else ends[0]} excluded)" if ends else ""
