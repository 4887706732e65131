"""Plain English for the functions of the query language.

A function that is missing from `FUNCTION_WORDS` has no words that are as exact as its name, or
changes what is not set (TRY_TO_NUMBER). `predicates` words the functions that are
conditions, and `times` those that are points in time.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from segctl.query import ast
from segctl.query.catalogue import TIME_SUM_FUNCTIONS
from segctl.query.explain.ranges import whole_day
from segctl.query.explain.terms import (
    UNSET_VALUE,
    Term,
    computed,
    day_of,
    joined,
    remainder,
    shifted,
)
from segctl.query.explain.times import RelativeTime, read_time, unit_of, whole_span
from segctl.query.explain.values import number_text, quoted_value
from segctl.query.value_types import ValueType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Nodes: TypeAlias = "tuple[ast.Expression, ...]"
Terms: TypeAlias = "tuple[Term | None, ...]"
_TEXT, _NUMBER, _TIME = ValueType.TEXT, ValueType.NUMBER, ValueType.TIME
_CLOCK_UNITS = ("hour", "minute", "second")
_PARTS = {
    "YEAR": "year", "QUARTER": "quarter", "MONTH": "month", "WEEK": "week", "DAY": "day",
    "DAYOFMONTH": "day", "HOUR": "hour", "MINUTE": "minute", "SECOND": "second",
}  # fmt: skip
_PART_WORDS = {
    "year": "the year", "quarter": "the quarter (1 to 4)", "month": "the month (1 to 12)",
    "week": "the number of the week", "day": "the day of the month", "hour": "the hour",
    "minute": "the minute", "second": "the second",
}  # fmt: skip


def _worded(
    template: str, of: tuple[ValueType, ...], kind: ValueType
) -> Callable[[Nodes, Terms], Term | None]:
    """Return the words of a function of one value of one of the types `of`, or of an unknown one.

    `{}` in the template is the value; the words end in `s` where they are a plural.
    """

    def words(_: Nodes, terms: Terms) -> Term | None:
        match terms:
            case (Term() as operand,) if operand.type in (*of, None):
                return computed(template.format(operand.operand), kind, operand)
            case _:
                return None

    return words


def _part_of_text(which: str) -> Callable[[Nodes, Terms], Term | None]:
    def words(nodes: Nodes, terms: Terms) -> Term | None:
        match nodes, terms:
            case (_, ast.Number(text=count)), (Term() as operand, _) if count.isdigit():
                return _characters(which, int(count), operand)
            case _:
                return None

    return words


def _characters(which: str, count: int, operand: Term) -> Term | None:
    """Return the first or the last characters of a text."""
    if not operand.may_be_text:
        return None
    if count == 1:
        return computed(f"the {which} character of {operand.operand}", _TEXT, operand)
    text = f"the {which} {count} characters of {operand.operand}"
    return computed(text, _TEXT, operand, plural=True)


def _substring(nodes: Nodes, terms: Terms) -> Term | None:
    operand, start = terms[0], number_text(nodes[1])
    if operand is None or start is None or not re.fullmatch(r"[1-9]\d{0,8}", start):
        return None
    if len(nodes) == 2:  # noqa: PLR2004
        return computed(f"the rest of {operand.operand} from character {start} on", _TEXT, operand)
    count = number_text(nodes[2])
    if count is None or not re.fullmatch(r"[1-9]\d{0,8}", count):
        return None
    if start == "1":
        return _characters("first", int(count), operand)
    if count == "1":
        return computed(f"the character at place {start} of {operand.operand}", _TEXT, operand)
    end = int(start) + int(count) - 1
    text = f"the characters {start} to {end} of {operand.operand}"
    return computed(text, _TEXT, operand, plural=True)


def _concat(_: Nodes, terms: Terms) -> Term | None:
    operands = tuple(term for term in terms if term)
    return joined(operands) if 1 < len(operands) == len(terms) else None


def _coalesce(_: Nodes, terms: Terms) -> Term | None:
    operands = [term for term in terms if term]
    if len(operands) < len(terms) or len(operands) < 2:  # noqa: PLR2004
        return None
    first, *others = operands
    types = {operand.type for operand in operands if operand.type}
    if first.is_literal or (len(types) > 1 and types != {ValueType.INSIDE, _TEXT}):
        return None
    if _TIME in types and any(other.is_literal for other in others):
        return None  # the literal would be a time
    if len(others) == 1:
        text = f"{first.operand} ({others[0].operand} if not set)"
    else:
        text = f"the first that is set of ({', '.join(operand.operand for operand in operands)})"
    unset = "" if any(other.is_literal for other in others) else "without any of them"
    return Term(text, first.type, plural=first.plural, unset=unset)


def _null_if(_: Nodes, terms: Terms) -> Term | None:
    match terms:
        case (Term() as value, Term() as other) if not value.is_literal and (
            value.type is None or value.type is other.type
        ):
            text = f"{value.operand} (not set if {other.operand})"
            return Term(text, value.type, plural=value.plural, unset=UNSET_VALUE)
        case _:
            return None


def _zero_if_null(_: Nodes, terms: Terms) -> Term | None:
    match terms:
        case (Term(type=ValueType.NUMBER | None) as value,):
            return Term(f"{value.operand} (0 if not set)", _NUMBER, plural=value.plural)
        case _:
            return None


def _last_day(_: Nodes, terms: Terms) -> Term | None:
    match terms:
        case (Term(type=ValueType.TIME) as operand,):
            day = f"the last day of the month of {operand.operand}"
            return computed(f"the start of {day}", _TIME, operand, day=day)
        case _:
            return None


def _round(nodes: Nodes, terms: Terms) -> Term | None:
    operand = terms[0]
    digits = number_text(nodes[1]) if len(nodes) > 1 else "0"
    if operand is None or operand.type not in (_NUMBER, None) or digits is None:
        return None
    if not digits.isdigit():
        return None
    where = "a whole number" if digits == "0" else f"{digits} decimal{'s' * (digits != '1')}"
    return computed(f"{operand.operand} rounded to {where}", _NUMBER, operand)


def _split_part(nodes: Nodes, terms: Terms) -> Term | None:
    operand, number = terms[0], number_text(nodes[2])
    match nodes[1]:
        case ast.String(value=mark) if operand and number and mark and number.strip("0").isdigit():
            text = f"the part {number} of {operand.operand} split at {quoted_value(mark)}"
            return computed(text, _TEXT, operand)
        case _:
            return None


def _mod(_: Nodes, terms: Terms) -> Term | None:
    match terms:
        case (Term() as left, Term() as right):
            return remainder(left, right)
        case _:
            return None


def _extreme(which: str) -> Callable[[Nodes, Terms], Term | None]:
    def words(_: Nodes, terms: Terms) -> Term | None:
        operands = [term for term in terms if term and term.type is _NUMBER]
        if len(operands) < len(terms) or len(operands) < 2:  # noqa: PLR2004
            return None
        listed = ", ".join(operand.operand for operand in operands)
        return computed(f"the {which} of ({listed})", _NUMBER, *operands)

    return words


def _date_part(unit: str) -> Callable[[Nodes, Terms], Term | None]:
    return _worded(f"{_PART_WORDS[unit]} of {{}}", (_TIME,), _NUMBER)


def _date_part_call(nodes: Nodes, terms: Terms) -> Term | None:
    unit = unit_of(nodes[0])
    return _date_part(unit)(nodes[1:], terms[1:]) if unit in _PART_WORDS else None


def _date_trunc(nodes: Nodes, terms: Terms) -> Term | None:
    unit, operand = unit_of(nodes[0]), terms[1]
    if not unit or operand is None or operand.type not in (_TIME, None) or operand.is_literal:
        return None
    if unit == "day":
        return day_of(operand)
    text = f"the start of the {unit} of {operand.operand}"
    return computed(text, _TIME, operand, past=operand.past)


def _to_date(_: Nodes, terms: Terms) -> Term | None:
    match terms:
        case (Term(type=ValueType.TIME) as operand,):
            return day_of(operand)
        case _:
            return None


def _to_time(_: Nodes, terms: Terms) -> Term | None:
    match terms:
        case (Term(type=ValueType.TIME) as operand,):
            return operand
        case _:
            return None


def _time_operand(node: ast.Expression, term: Term | None) -> Term | None:
    """Return a time that another one is compared with: a field, or a point in time."""
    if term is not None and term.type is _TIME:
        return term
    point = read_time(node, strings=True)
    if point is None:
        return None
    text = point.phrase if isinstance(point, RelativeTime) else whole_day(point) or point.text
    return Term(text, _TIME, is_literal=True)


def _date_diff(nodes: Nodes, terms: Terms) -> Term | None:
    unit = unit_of(nodes[0])
    start, end = (_time_operand(nodes[place], terms[place]) for place in (1, 2))
    if not unit or start is None or end is None:
        return None
    kind = "clock" if unit in _CLOCK_UNITS else "calendar"
    text = f"the number of {kind} {unit}s from {start.operand} to {end.operand}"
    return computed(text, _NUMBER, start, end)


def _date_add(nodes: Nodes, terms: Terms) -> Term | None:
    start, unit = terms[2], unit_of(nodes[0])
    return shifted(start, whole_span(number_text(nodes[1]), unit, 1)) if start and unit else None


FUNCTION_WORDS: Mapping[str, tuple[int, int, Callable[[Nodes, Terms], Term | None]]] = (
    MappingProxyType(
        {
            "LOWER": (1, 1, _worded("{} in lower case", (_TEXT, ValueType.INSIDE), _TEXT)),
            "UPPER": (1, 1, _worded("{} in upper case", (_TEXT, ValueType.INSIDE), _TEXT)),
            "TRIM": (1, 1, _worded("{} without blanks at its ends", (_TEXT,), _TEXT)),
            "LTRIM": (1, 1, _worded("{} without blanks at its start", (_TEXT,), _TEXT)),
            "RTRIM": (1, 1, _worded("{} without blanks at its end", (_TEXT,), _TEXT)),
            "LEFT": (2, 2, _part_of_text("first")),
            "RIGHT": (2, 2, _part_of_text("last")),
            **dict.fromkeys(("SUBSTR", "SUBSTRING"), (2, 3, _substring)),
            **dict.fromkeys(
                ("LEN", "LENGTH"), (1, 1, _worded("the length of {}", (_TEXT,), _NUMBER))
            ),
            "CONCAT": (2, 99, _concat),
            "COALESCE": (2, 99, _coalesce),
            **dict.fromkeys(("NVL", "IFNULL"), (2, 2, _coalesce)),
            "NULLIF": (2, 2, _null_if),
            "ZEROIFNULL": (1, 1, _zero_if_null),
            "LAST_DAY": (1, 1, _last_day),
            "SPLIT_PART": (3, 3, _split_part),
            "ABS": (1, 1, _worded("the absolute value of {}", (_NUMBER,), _NUMBER)),
            "CEIL": (1, 1, _worded("{} rounded up", (_NUMBER,), _NUMBER)),
            "FLOOR": (1, 1, _worded("{} rounded down", (_NUMBER,), _NUMBER)),
            "ROUND": (1, 2, _round),
            "MOD": (2, 2, _mod),
            "GREATEST": (2, 99, _extreme("greatest")),
            "LEAST": (2, 99, _extreme("least")),
            "ARRAY_SIZE": (1, 1, _worded("the number of {}", (ValueType.LIST,), _NUMBER)),
            **{name: (1, 1, _date_part(unit)) for name, unit in _PARTS.items()},
            "DATE_PART": (2, 2, _date_part_call),
            "DATE_TRUNC": (2, 2, _date_trunc),
            **dict.fromkeys(("DATE", "TO_DATE"), (1, 1, _to_date)),
            **dict.fromkeys(("TO_TIMESTAMP", "TO_TIMESTAMP_NTZ"), (1, 1, _to_time)),
            **dict.fromkeys(("DATEDIFF", "TIMEDIFF", "TIMESTAMPDIFF"), (3, 3, _date_diff)),
            **dict.fromkeys(TIME_SUM_FUNCTIONS, (3, 3, _date_add)),
        }
    )
)
"""By name in upper case: the least and the greatest number of arguments, and the words."""
