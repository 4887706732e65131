"""Who is in an SGQL query: a second answer, worked out from the rules and from no SQL.

Owns the evaluation of a query for contacts that stand in memory, so that a translation can be
checked against it (`differences`). Written from the rules in the docstring of `segctl.sgql`, on
Python's values, and shares with the translation the tree and the reading of events alone: a mistake
in the writing of SQL, in its NULLs or in its patterns, shows as a contact that differs. A mistake
about the language itself shows in both; the notes of a translation say where one is possible.

Rows go from columns to text, `Decimal`, lists of text, times (UTC where they have no zone), and for
`data` of an event what JSON can hold; what is missing is NULL.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, DecimalException
from typing import TYPE_CHECKING, Any, TypeAlias

from segctl.common.timestamps import parse_moment
from segctl.query import ast
from segctl.query.parser.tokens import lower, upper
from segctl.sgql.parse import parse
from segctl.sgql.predicates import (
    EVENT_FIELDS,
    AllOf,
    AnyOf,
    Happened,
    Holds,
    NoneOf,
    Predicate,
    read,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from segctl.query.parser.errors import Problem

SqlBool: TypeAlias = bool | None
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
    """The rules do not say whether a contact is in: two types are compared, zero divides.

    `problems` are those of a query that cannot be read. Says nothing of what contacts hold.
    """

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class AudienceDifference:
    """A contact that is in one of two audiences only: in that of the old query, or of the new."""

    contact_id: str
    old: bool
    new: bool


@dataclass(frozen=True, slots=True)
class SgqlQuery:
    """A query that was read, with its parent lists and the moment that NOW() gives."""

    predicate: Predicate
    parent_list_ids: tuple[str, ...]
    now: datetime

    def truth(self, contact: Row, events: Iterable[Row]) -> SqlBool:
        """Work out what the query says of one contact and its events. Raises `NoAnswer`."""
        fields = fold_row(contact)
        happened = [fold_row(event) for event in events]
        parents = (_contains(fields.get("list_ids"), one) for one in self.parent_list_ids)
        return _both([*parents, self._holds(self.predicate, fields, happened)])

    def _holds(self, predicate: Predicate, contact: Row, events: Sequence[Row]) -> SqlBool:
        match predicate:
            case Holds(condition=condition):
                return self._truth(condition, _RowContext(contact))
            case Happened(conditions=conditions):
                return any(
                    all(self._truth(one, _RowContext(contact, event)) is True for one in conditions)
                    for event in events
                )
            case AllOf(operands=operands):
                return _both(self._holds(one, contact, events) for one in operands)
            case AnyOf(operands=operands):
                return _either(self._holds(one, contact, events) for one in operands)
            case NoneOf(operand=operand):
                return _not(self._holds(operand, contact, events))

    def _truth(self, node: ast.Expression, sight: _RowContext) -> SqlBool:
        value = self._value(node, sight)
        if value is None or isinstance(value, bool):
            return value
        raise CannotEvaluate("a value stands where a condition should")

    def _value(  # noqa: C901, PLR0911, PLR0912 - one branch a shape
        self, node: ast.Expression, sight: _RowContext
    ) -> Any:
        def ask(one: ast.Expression) -> Any:
            return self._value(one, sight)

        match node:  # what there is most of comes first: this runs for every contact
            case ast.Column():
                return sight.find(node)
            case ast.String(value=value):
                return value
            case ast.Number(text=text):
                return Decimal(text)
            case ast.Boolean(value=value):
                return value
            case ast.Null():
                return None
            case ast.And(operands=operands):
                return _both(self._truth(one, sight) for one in operands)
            case ast.Or(operands=operands):
                return _either(self._truth(one, sight) for one in operands)
            case ast.Not(operand=operand):
                return _not(self._truth(operand, sight))
            case ast.Comparison(op=op, left=left, right=right):
                return _compare(ask(left), op, ask(right))
            case ast.Between(operand=operand, low=low, high=high, negated=negated):
                value = ask(operand)
                inside = _both((_compare(value, ">=", ask(low)), _compare(value, "<=", ask(high))))
                return _not(inside) if negated else inside
            case ast.In(operand=operand, items=tuple(items), negated=negated):
                value = ask(operand)
                among = _either(_compare(value, "=", ask(item)) for item in items)
                return _not(among) if negated else among
            case ast.IsNull(operand=operand, negated=negated):
                return (ask(operand) is None) != negated
            case ast.Like(operand=operand, pattern=pattern, negated=negated):
                text, form = ask(operand), ask(pattern)
                if text is None or form is None:
                    return None
                return _like(_text(text), _text(form)) != negated
            case ast.Cast(operand=operand):
                return _moment(ask(operand))
            case ast.Unary(operand=operand):
                return _arithmetic("-", Decimal(0), ask(operand))
            case ast.Binary(op=op, left=left, right=ast.Interval() as span):
                base = ask(left)
                return None if base is None else _shifted(_moment(base), op, span)
            case ast.Binary(op=op, left=left, right=right):
                return _arithmetic(op, ask(left), ask(right))
            case ast.Call(name=name, args=args):
                return self._call(upper(name.text), [ask(one) for one in args])
            case _:
                raise CannotEvaluate("SGQL has no such expression")

    def _call(self, name: str, args: list[Any]) -> Any:
        if name == "NOW":
            return self.now
        if None in args:
            return None
        functions: dict[str, Callable[..., Any]] = {
            "CONTAINS": _contains,
            "CONCAT": lambda one, other: _text(one) + _text(other),
            "LENGTH": lambda text: Decimal(len(_text(text))),
            "LOWER": lambda text: _text(text).lower(),
        }
        if name not in functions:
            raise CannotEvaluate(f"SGQL documents no function {name}")
        return functions[name](*args)


def read_query(text: str, parent_list_ids: Sequence[str], now: datetime) -> SgqlQuery:
    """Read a query, to ask it of contacts. Raises `NoAnswer` with the problems of its text."""
    found = read(parse(text))
    if found.predicate is None:
        raise CannotEvaluate("the query cannot be read", found.problems)
    return SgqlQuery(found.predicate, tuple(parent_list_ids), now)


def differences(
    asked: SgqlQuery,
    contacts: Iterable[Row],
    events: Mapping[str, Sequence[Row]],
    selected: Mapping[str, SqlBool],
) -> Iterator[AudienceDifference]:
    """Yield the contacts that a query selects and its translation does not, or the reverse.

    `events` are the events by contact_id, `selected` is what the translation says of each
    contact, as `Engine.evaluate` gives it. Raises `NoAnswer`.
    """
    for contact in contacts:
        contact_id = contact["contact_id"]
        old = asked.truth(contact, events.get(contact_id, ())) is True
        new = selected.get(contact_id) is True
        if old != new:
            yield AudienceDifference(contact_id, old, new)


@dataclass(frozen=True, slots=True)
class _RowContext:
    """The rows that a condition asks: a contact, and perhaps one of its events."""

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
            raise CannotEvaluate("a part of an event is not a text")
        return value


class FoldedRow(dict[str, Any]):
    """A row whose columns are found by their exact name, and by it in lower case."""


def fold_row(row: Row) -> FoldedRow:
    """Prepare a row, once for however many questions."""
    if isinstance(row, FoldedRow):
        return row
    found = {lower(name): value for name, value in row.items()} | dict(row)
    return FoldedRow(
        (name, value.replace(tzinfo=value.tzinfo or UTC) if isinstance(value, datetime) else value)
        for name, value in found.items()
    )


def _both(truths: Iterable[SqlBool]) -> SqlBool:
    """AND: what is false decides, and only then what is not known."""
    known = True
    for one in truths:
        if one is False:
            return False
        known = known and one is not None
    return True if known else None


def _either(truths: Iterable[SqlBool]) -> SqlBool:
    """OR: what is true decides, and only then what is not known."""
    return _not(_both(_not(one) for one in truths))


def _not(value: SqlBool) -> SqlBool:
    return None if value is None else not value


def _compare(left: Any, op: str, right: Any) -> SqlBool:
    if left is None or right is None:
        return None
    if isinstance(left, datetime) or isinstance(right, datetime):
        left, right = _moment(left), _moment(right)
    if type(left) is not type(right) or not isinstance(left, bool | str | Decimal | datetime):
        raise CannotEvaluate("values of two types are compared")
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


def _contains(held: Any, wanted: Any) -> SqlBool:
    if held is None:
        return None
    if not isinstance(held, list | tuple):
        raise CannotEvaluate("CONTAINS looks into lists")
    return wanted in held


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise CannotEvaluate("a text is needed")


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        return parse_moment(_text(value))
    except ValueError:
        raise CannotEvaluate(
            "a text that is compared with a time is none, or has no zone"
        ) from None


def _shifted(base: datetime, op: str, span: ast.Interval) -> datetime:
    """Go some time back or forth; a day that a month does not have becomes its last."""
    amount = int(span.value.text) if isinstance(span.value, ast.Number) else 0
    amount = amount if op == "+" else -amount
    unit = span.unit.text if span.unit else ""
    try:
        if unit in _SECONDS:
            return base + timedelta(seconds=amount * _SECONDS[unit])
        year, month = divmod(base.year * 12 + base.month - 1 + amount * _MONTHS[unit], 12)
        day = min(base.day, calendar.monthrange(year, month + 1)[1])
        return base.replace(year=year, month=month + 1, day=day)
    except (OverflowError, ValueError):
        raise CannotEvaluate("a span reaches beyond the calendar") from None


def _like(text: str, pattern: str) -> bool:
    """Match `%` with anything, `%%` with a percent sign, and every other character with itself."""
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
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return at <= len(text) - len(last)
