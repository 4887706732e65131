"""What a comparison says of a value: `is US`, `is at least 3`, `sorts after M`.

The words depend on the type of the value: the date '2024-06-19' is a text beside a text.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from segctl.query.comparison_operators import FLIPPED
from segctl.query.explain.ranges import exact_time, time_range, whole_day
from segctl.query.explain.statements import FieldStatement
from segctl.query.explain.terms import computed
from segctl.query.explain.times import NamedTime, TimeBound, TimePoint, read_time
from segctl.query.explain.values import literal_text, number_text
from segctl.query.value_types import ValueType

if TYPE_CHECKING:
    from segctl.query import ast
    from segctl.query.explain.terms import Term

_BOUND_WORDS = {"<": "less than", "<=": "at most", ">": "more than", ">=": "at least"}
_ORDER_WORDS = {
    "<": "less than", "<=": "less than or equal to",
    ">": "greater than", ">=": "greater than or equal to",
}  # fmt: skip
_DATE_WORDS = {"<": "before", "<=": "at or before", ">": "after", ">=": "at or after"}
_DAY_WORDS = {"=": "", "!=": "not ", "<": "before ", "<=": "on or before ", ">": "after ",
              ">=": "on or after "}  # fmt: skip
_TIME_OR_UNKNOWN = (ValueType.TIME, ValueType.INSIDE, None)


def point_or_text(term: Term, node: ast.Expression) -> str | TimePoint | None:
    """Return a literal in words, or the point in time that a value is compared with."""
    point = read_time(node, strings=term.type is ValueType.TIME)
    if point:
        return point if term.type in _TIME_OR_UNKNOWN else None
    return literal_text(node)


def compare_with_literal(
    term: Term, op: str, literal: ast.Expression, case: str
) -> FieldStatement | None:
    """Return the statement of a comparison; `case` is `, ignoring case` or nothing.

    Returns `None` if the value cannot be compared with the literal, or if it is no literal.
    """
    value = point_or_text(term, literal)
    if value is None:
        return None
    if not isinstance(value, str):
        return _compare_time(term, op, value)
    number = number_text(literal)
    if op not in FLIPPED:
        return _equality(_as_number(term, number), op, f"{value}{case}")
    if number is not None:
        low, high = ((op, number), None) if op[0] == ">" else (None, (op, number))
        term = _as_number(term, number)
        predicate = f"{term.be} {_BOUND_WORDS[op]} {value}"
        return FieldStatement(term, predicate, low=low, high=high)
    if term.type is ValueType.TEXT:
        return FieldStatement(term, _sorts(term, op, value))
    # A text that is a date is before another one as a date and as a text.
    words = _DATE_WORDS if read_time(literal, strings=True) else _ORDER_WORDS
    return FieldStatement(term, f"{term.be} {words[op]} {value}")


def _as_number(term: Term, number: str | None) -> Term:
    """Return a text that is compared with a number as such: '0500' is 500."""
    if number is None or term.type is not ValueType.TEXT:
        return term
    return replace(term, text=f"{term.text} (as a number)")


def _compare_time(term: Term, op: str, point: TimePoint) -> FieldStatement:
    day = whole_day(point)
    if term.day and day and op in _DAY_WORDS:
        days = replace(term, text=term.day)
        return FieldStatement(days, f"is {_DAY_WORDS[op]}{day}", excludes_unset=op == "!=")
    if op not in FLIPPED:
        return _equality(term, op, exact_time(point))
    bound = TimeBound(point, inclusive=len(op) > 1)
    after, before = (bound, None) if op[0] == ">" else (None, bound)
    predicate = f"{term.be} {time_range(after, before, past=term.past)}"
    return FieldStatement(term, predicate, after=after, before=before, is_time=True)


def _equality(term: Term, op: str, value: str) -> FieldStatement:
    match op:
        case "!=":
            return FieldStatement(term, f"{term.be} not {value}", excludes_unset=True)
        case "IS DISTINCT FROM":
            return FieldStatement(term, f"{term.be} not {value} or {term.be} not set")
        case _:
            return FieldStatement(term, f"{term.be} {value}")


def _sorts(term: Term, op: str, value: str) -> str:
    """Return the predicate of a place in the order of texts: `sorts before M`."""
    verb, where = term.verb("sort", negated=False), "before" if op[0] == "<" else "after"
    return (
        f"{term.be} {value} or {verb} {where} it" if op.endswith("=") else f"{verb} {where} {value}"
    )


def compare_terms(term: Term, op: str, other: Term) -> FieldStatement | None:
    """Return the statement of a comparison of two values, `None` if it has no words."""
    types = {compared.type for compared in (term, other) if compared.type}
    if len(types) > 1 or op.startswith("IS") or (ValueType.LIST in types and op in FLIPPED):
        return None
    if op == "=":
        return FieldStatement(term, f"{term.be} the same as {other.noun}")
    if op == "!=":
        both = replace(term, unset=computed("", None, term, other).unset)
        return FieldStatement(both, f"{term.be} not the same as {other.noun}", excludes_unset=True)
    if types == {ValueType.TIME}:
        return _compare_time(replace(term, day=""), op, NamedTime(other.noun))
    if types == {ValueType.TEXT}:
        same = f"the same as {other.noun}"
        return FieldStatement(term, _sorts(term, op, other.noun if op in "<>" else same))
    return FieldStatement(term, f"{term.be} {_BOUND_WORDS[op]} {other.noun}")
