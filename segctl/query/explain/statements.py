"""Statements about contacts, between the conditions of a query and the sentences about them.

Merges statements that belong together, such as a lower and an upper bound. Knows no SQL; `clauses`
words a single statement.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, TypeAlias

from segctl.query.explain.ranges import neat_range

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.query.explain.events import EventDescription
    from segctl.query.explain.terms import Term
    from segctl.query.explain.times import TimeBound


@dataclass(frozen=True, slots=True)
class FieldStatement:
    """`whose <term> <predicate>`.

    `excludes_unset` is true if contacts without a value are excluded implicitly, `is_unset` if the
    statement says that there is no value. `low` and `high` are the operator and value of a bound on
    a number; `after` and `before` are bounds on a time. `is_time` is true if the predicate is `is`
    and a time.
    """

    term: Term
    predicate: str
    excludes_unset: bool = False
    is_unset: bool = False
    low: tuple[str, str] | None = None
    high: tuple[str, str] | None = None
    after: TimeBound | None = None
    before: TimeBound | None = None
    is_time: bool = False

    @property
    def subject(self) -> str:
        """What the statement is about, in words."""
        return self.term.subject


@dataclass(frozen=True, slots=True)
class VerbStatement:
    """`who …`: a verb in the plural, and the rest."""

    text: str


@dataclass(frozen=True, slots=True)
class QuotedStatement:
    """`for whom … is true`: a quotation."""

    text: str


@dataclass(frozen=True, slots=True)
class EventStatement:
    """`who …`: an event that the contacts have, or do not have."""

    event: EventDescription
    negated: bool = False


@dataclass(frozen=True, slots=True)
class StatementGroup:
    """Statements that must all be true, or, unless `every`, at least one of them."""

    every: bool
    parts: tuple[Statement, ...]


Statement: TypeAlias = (
    FieldStatement | VerbStatement | QuotedStatement | EventStatement | StatementGroup
)


MAX_PAIRINGS = 8
"""The number of opposite bounds of a field with which a bound is tried."""

_OPPOSITE = {"low": "high", "high": "low", "after": "before", "before": "after"}


def group_statements(*, every: bool, parts: Sequence[Statement]) -> Statement:
    """Return a group, with nested groups of the same kind merged into it, or its only part."""
    flat: list[Statement] = []
    for part in parts:
        flat += part.parts if isinstance(part, StatementGroup) and part.every == every else [part]
    merged = _without_repeats(_merge_ranges(flat) if every else _merge_unset(flat))
    return merged[0] if len(merged) == 1 else StatementGroup(every, tuple(merged))


def _without_repeats(parts: list[Statement]) -> list[Statement]:
    """Return the statements, each once."""
    distinct: list[Statement] = []
    seen: set[Statement] = set()
    for part in parts:
        if part not in seen:
            seen.add(part)
            distinct.append(part)
    return distinct


def _merge_ranges(parts: list[Statement]) -> list[Statement]:
    """Merge lower and upper bounds of a field; drop `excludes_unset` where `is set` is required."""
    set_ = {
        part.subject
        for part in parts
        if isinstance(part, FieldStatement) and part.predicate in ("is set", "are set")
    }
    merged: list[Statement] = []
    waiting: dict[tuple[str, str], list[int]] = {}
    for part in parts:
        if not isinstance(part, FieldStatement):
            merged.append(part)
            continue
        side = _bound_side(part)
        others = waiting.get((part.subject, _OPPOSITE[side]), []) if side else []
        for index in others[:MAX_PAIRINGS]:
            merged_bounds = _merge_bounds(merged[index], part) or _merge_bounds(part, merged[index])
            if merged_bounds:
                merged[index] = merged_bounds
                others.remove(index)
                break
        else:
            if side:
                waiting.setdefault((part.subject, side), []).append(len(merged))
            merged.append(
                replace(part, excludes_unset=part.excludes_unset and part.subject not in set_)
            )
    return merged


def _bound_side(statement: FieldStatement) -> str:
    """Return which end of a range a statement is; empty if it is not a bound."""
    sides = {
        "low": statement.low, "high": statement.high,
        "after": statement.after, "before": statement.before,
    }  # fmt: skip
    return next((side for side, bound in sides.items() if bound), "")


def _merge_bounds(low: Statement, high: Statement) -> FieldStatement | None:
    if (
        not isinstance(low, FieldStatement)
        or not isinstance(high, FieldStatement)
        or low.subject != high.subject
    ):
        return None
    if low.after and high.before and not (low.before or high.after):
        text = neat_range(low.after, high.before)
        return FieldStatement(low.term, f"{low.term.be} {text}", is_time=True) if text else None
    if low.low and high.high and not (low.high or high.low):
        (low_op, start), (high_op, end) = low.low, high.high
        text = number_range(start, end, low_op, high_op)
        return FieldStatement(low.term, f"{low.term.be} {text}") if text else None
    return None


def number_range(start: str, end: str, low_op: str = ">=", high_op: str = "<=") -> str:
    """Return the words for a range of numbers; nothing if its ends are not in this order."""
    notes = {
        (">=", "<="): "", (">", "<="): f" ({start} excluded)",
        (">=", "<"): f" ({end} excluded)", (">", "<"): " (both excluded)",
    }  # fmt: skip
    return f"between {start} and {end}{notes[low_op, high_op]}" if _is_less(start, end) else ""


def _is_less(left: str, right: str) -> bool:
    try:
        return Decimal(left) < Decimal(right)
    except InvalidOperation:
        return False


def _merge_unset(parts: list[Statement]) -> list[Statement]:
    """Merge `is not US` and `is not set` of a field: together they exclude no unset values."""
    fields = [part for part in parts if isinstance(part, FieldStatement)]
    is_unset = {part.subject for part in fields if part.is_unset}
    first: dict[str, FieldStatement] = {}
    for part in fields:
        # `or is not set` cannot follow `who were created …`.
        if part.subject in is_unset and not (part.is_unset or part.is_time):
            first.setdefault(part.subject, part)
    result: list[Statement] = []
    for statement in parts:
        if not isinstance(statement, FieldStatement) or statement.subject not in first:
            result.append(statement)
        elif statement.excludes_unset or statement is first[statement.subject]:
            result.append(_or_unset(statement))
        elif not statement.is_unset:
            result.append(statement)
    return result


def _or_unset(statement: FieldStatement) -> FieldStatement:
    predicate = f"{statement.predicate} or {statement.term.be} not set"
    return FieldStatement(statement.term, predicate)
