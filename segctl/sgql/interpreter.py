"""The evaluation of an SGQL query, from the rules and without SQL.

Evaluates a query for contacts in memory, so that a translation can be checked against it
(`differences`). Implements the rules in the docstring of `segctl.sgql` on Python's values, and
shares only the tree and the reading of events with the translation: a mistake in the SQL, in its
NULLs or its patterns, shows as a contact that differs. A mistake about the language itself is in
both; the notes of a translation say where one is possible.

Rows map columns to text, `Decimal`, lists of text, times (UTC if they have no time zone), and the
`data` of an event to what JSON can contain; a missing column is NULL.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, DecimalException
from typing import TYPE_CHECKING, Any, TypeAlias

from segctl.common.timestamps import parse_time
from segctl.query import ast
from segctl.query.list_ids import LIST_IDS, is_list_column, normal_list_ids
from segctl.query.parser.tokens import lower, upper
from segctl.sgql.parse import parse
from segctl.sgql.predicates import (
    EVENT_FIELDS,
    AllOf,
    AnyOf,
    ContactCondition,
    EventExists,
    Negation,
    Predicate,
    read_predicate,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from segctl.query.parser.errors import Problem
    from segctl.query.value_types import SqlBool

Row: TypeAlias = "Mapping[str, Any]"

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_MONTHS = {"month": 1, "year": 12}
_EXACT = Context(prec=100)
_ARITHMETIC = {
    "+": _EXACT.add,
    "-": _EXACT.subtract,
    "*": _EXACT.multiply,
    "/": _EXACT.divide,
    "%": _EXACT.remainder,
}


class CannotEvaluate(Exception):
    """The rules do not decide whether a contact is selected, as for a division by zero.

    `problems` are those of a query that cannot be parsed. Messages contain no contact data.
    """

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class AudienceDifference:
    """A contact that only one of the two queries selects."""

    contact_id: str
    in_old: bool
    in_new: bool


@dataclass(frozen=True, slots=True)
class SgqlQuery:
    """A parsed query with its parent lists and the value of NOW()."""

    predicate: Predicate
    parent_list_ids: tuple[str, ...]
    now: datetime

    def evaluate(self, contact: Row, events: Iterable[Row]) -> SqlBool:
        """Return the value of the query for one contact and its events. Raises `CannotEvaluate`."""
        fields = fold_row(contact)
        event_rows = [fold_row(event) for event in events]
        parents = [
            _contains(fields.get(LIST_IDS), list_id)
            for list_id in normal_list_ids(self.parent_list_ids)
        ]
        return _and([*parents, self._predicate(self.predicate, fields, event_rows)])

    def _predicate(self, predicate: Predicate, contact: Row, events: Sequence[Row]) -> SqlBool:
        match predicate:
            case ContactCondition(condition=condition):
                return self._condition(condition, _RowContext(contact))
            case EventExists(conditions=conditions):
                return any(
                    all(
                        self._condition(condition, _RowContext(contact, event)) is True
                        for condition in conditions
                    )
                    for event in events
                )
            case AllOf(operands=operands):
                return _and(self._predicate(operand, contact, events) for operand in operands)
            case AnyOf(operands=operands):
                return _or(self._predicate(operand, contact, events) for operand in operands)
            case Negation(operand=operand):
                return _not(self._predicate(operand, contact, events))

    def _condition(self, node: ast.Expression, row: _RowContext) -> SqlBool:
        value = self._value(node, row)
        if value is None or isinstance(value, bool):
            return value
        raise CannotEvaluate("must be a condition, got a value")

    def _value(  # noqa: C901, PLR0911, PLR0912 - one branch per node
        self, node: ast.Expression, row: _RowContext
    ) -> Any:
        def value_of(operand: ast.Expression) -> Any:
            return self._value(operand, row)

        match node:  # the most frequent nodes come first: this runs for every contact
            case ast.Column():
                return row.find(node)
            case ast.String(value=value):
                return value
            case ast.Number(text=text):
                return Decimal(text)
            case ast.Boolean(value=value):
                return value
            case ast.Null():
                return None
            case ast.And(operands=operands):
                return _and(self._condition(operand, row) for operand in operands)
            case ast.Or(operands=operands):
                return _or(self._condition(operand, row) for operand in operands)
            case ast.Not(operand=operand):
                return _not(self._condition(operand, row))
            case ast.Comparison(op=op, left=left, right=right):
                return _compare(value_of(left), op, value_of(right))
            case ast.Between(operand=operand, low=low, high=high, negated=negated):
                value = value_of(operand)
                is_between = _and(
                    (_compare(value, ">=", value_of(low)), _compare(value, "<=", value_of(high)))
                )
                return _not(is_between) if negated else is_between
            case ast.In(operand=operand, items=tuple(items), negated=negated):
                value = value_of(operand)
                is_in = _or(_compare(value, "=", value_of(item)) for item in items)
                return _not(is_in) if negated else is_in
            case ast.IsNull(operand=operand, negated=negated):
                return (value_of(operand) is None) != negated
            case ast.Like(operand=operand, pattern=pattern, negated=negated):
                text, like = value_of(operand), value_of(pattern)
                if text is None or like is None:
                    return None
                return _like(_text(text), _text(like)) != negated
            case ast.Cast(operand=operand):
                return _as_time(value_of(operand))
            case ast.Unary(operand=operand):
                return _arithmetic("-", Decimal(0), value_of(operand))
            case ast.Binary(op=op, left=left, right=ast.Interval() as interval):
                base = value_of(left)
                return None if base is None else _add_interval(_as_time(base), op, interval)
            case ast.Binary(op=op, left=left, right=right):
                return _arithmetic(op, value_of(left), value_of(right))
            case ast.Call(name=ast.Name(text=name), args=(column, ast.String(value=list_id))) if (
                upper(name) == "CONTAINS" and is_list_column(column)
            ):
                return _contains(value_of(column), lower(list_id))
            case ast.Call(name=function, args=args):
                return self._call(upper(function.text), [value_of(arg) for arg in args])
            case _:
                raise CannotEvaluate("this expression is not part of SGQL")

    def _call(self, name: str, args: list[Any]) -> Any:
        if name == "NOW":
            return self.now
        if None in args:
            return None
        functions: dict[str, Callable[..., Any]] = {
            "CONTAINS": _contains,
            "CONCAT": lambda left, right: _text(left) + _text(right),
            "LENGTH": lambda text: Decimal(len(_text(text))),
            "LOWER": lambda text: _text(text).lower(),
        }
        if name not in functions:
            raise CannotEvaluate(f"SGQL does not document the function {name}")
        return functions[name](*args)


def read_query(text: str, parent_list_ids: Sequence[str], now: datetime) -> SgqlQuery:
    """Return a query ready to evaluate. Raises `CannotEvaluate` with the problems of its text."""
    result = read_predicate(parse(text))
    if result.predicate is None:
        raise CannotEvaluate("the query cannot be read", result.problems)
    return SgqlQuery(result.predicate, tuple(parent_list_ids), now)


def differences(
    query: SgqlQuery,
    contacts: Iterable[Row],
    events: Mapping[str, Sequence[Row]],
    selected: Mapping[str, SqlBool],
) -> Iterator[AudienceDifference]:
    """Yield the contacts that only the query, or only its translation, selects.

    `events` are the events by contact_id, `selected` the value of the translation by contact_id, as
    `Engine.evaluate` returns it. Raises `CannotEvaluate`.
    """
    for contact in contacts:
        contact_id = contact["contact_id"]
        in_old = query.evaluate(contact, events.get(contact_id, ())) is True
        in_new = selected.get(contact_id) is True
        if in_old != in_new:
            yield AudienceDifference(contact_id, in_old, in_new)


@dataclass(frozen=True, slots=True)
class _RowContext:
    """The rows that a condition is about: a contact, and perhaps one of its events."""

    contact: Row
    event: Row | None = None

    def find(self, node: ast.Column) -> Any:
        name = lower(node.name.text)
        if name not in EVENT_FIELDS:
            return self.contact.get(node.name.text, self.contact.get(name))
        value = (self.event or {}).get(EVENT_FIELDS[name])
        for step in node.path:
            value = value.get(getattr(step, "text", "")) if isinstance(value, dict) else None
        if node.path and value is not None and not isinstance(value, str):
            raise CannotEvaluate("a part of an event is not a string")
        return value


class FoldedRow(dict[str, Any]):
    """A row whose columns are found by their exact name and by their name in lower case."""


def fold_row(row: Row) -> FoldedRow:
    """Return a row prepared for evaluation, once for any number of queries."""
    if isinstance(row, FoldedRow):
        return row
    columns = {lower(name): value for name, value in row.items()} | dict(row)
    if columns.get(LIST_IDS):
        columns[LIST_IDS] = normal_list_ids(columns[LIST_IDS])
    return FoldedRow(
        (name, value.replace(tzinfo=value.tzinfo or UTC) if isinstance(value, datetime) else value)
        for name, value in columns.items()
    )


def _and(values: Iterable[SqlBool]) -> SqlBool:
    """Return the AND of values: FALSE if any is false, else NULL if any is NULL."""
    has_null = False
    for value in values:
        if value is False:
            return False
        has_null = has_null or value is None
    return None if has_null else True


def _or(values: Iterable[SqlBool]) -> SqlBool:
    """Return the OR of values: TRUE if any is true, else NULL if any is NULL."""
    return _not(_and(_not(value) for value in values))


def _not(value: SqlBool) -> SqlBool:
    return None if value is None else not value


def _compare(left: Any, op: str, right: Any) -> SqlBool:
    if left is None or right is None:
        return None
    if isinstance(left, datetime) or isinstance(right, datetime):
        left, right = _as_time(left), _as_time(right)
    if type(left) is not type(right) or not isinstance(left, bool | str | Decimal | datetime):
        raise CannotEvaluate("values of different types are compared")
    order = int(left > right) - int(left < right)
    return {
        "=": order == 0,
        "!=": order != 0,
        "<": order < 0,
        "<=": order <= 0,
        ">": order > 0,
        ">=": order >= 0,
    }[op]


def _arithmetic(op: str, left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    if op == "+" and isinstance(left, str) and isinstance(right, str):
        return left + right
    if not (isinstance(left, Decimal) and isinstance(right, Decimal)):
        raise CannotEvaluate("arithmetic takes numbers")
    try:
        return _ARITHMETIC[op](left, right)
    except DecimalException:
        raise CannotEvaluate("a number is divided by zero") from None


def _contains(items: Any, item: Any) -> SqlBool:
    if items is None:
        return None
    if not isinstance(items, list | tuple):
        raise CannotEvaluate("the first argument of CONTAINS must be a list")
    return item in items


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise CannotEvaluate("must be a string")


def _as_time(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        return parse_time(_text(value))
    except ValueError:
        raise CannotEvaluate(
            "a string that is compared with a time is not a time, or has no time zone"
        ) from None


def _add_interval(base: datetime, op: str, interval: ast.Interval) -> datetime:
    """Return a time plus or minus an interval; a day past the end of a month becomes its last."""
    amount = int(interval.value.text) if isinstance(interval.value, ast.Number) else 0
    amount = amount if op == "+" else -amount
    unit = interval.unit.text if interval.unit else ""
    try:
        if unit in _SECONDS:
            return base + timedelta(seconds=amount * _SECONDS[unit])
        year, month = divmod(base.year * 12 + base.month - 1 + amount * _MONTHS[unit], 12)
        day = min(base.day, calendar.monthrange(year, month + 1)[1])
        return base.replace(year=year, month=month + 1, day=day)
    except (OverflowError, ValueError):
        raise CannotEvaluate("an interval goes beyond the calendar") from None


def _like(text: str, pattern: str) -> bool:
    """Return whether a pattern matches: `%` anything, `%%` a percent sign, the rest itself."""
    pieces = [""]
    at = 0
    while at < len(pattern):
        if pattern.startswith("%%", at):
            pieces[-1] += "%"
            at += 2
        elif pattern[at] == "%":
            pieces.append("")
            at += 1
        else:
            pieces[-1] += pattern[at]
            at += 1
    first, *rest = pieces
    if not rest:
        return text == first
    *middle, last = rest
    if not text.startswith(first) or not text.endswith(last):
        return False
    at = len(first)
    for piece in middle:
        index = text.find(piece, at)
        if index < 0:
            return False
        at = index + len(piece)
    return at <= len(text) - len(last)
