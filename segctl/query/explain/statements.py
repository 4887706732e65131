"""Statements about contacts, between the conditions of a query and the sentences about them.

Merges statements that belong together, such as a lower and an upper bound, and words a single
statement. Knows no SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, TypeAlias, assert_never

from segctl.query.explain.phrases import join_with, plain_text, takes_plural, without
from segctl.query.explain.times import time_range
from segctl.query.parser.tokens import lower

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.model.contact_fields import ListNames
    from segctl.query.explain.events import EventDescription
    from segctl.query.explain.times import TimeBound


@dataclass(frozen=True, slots=True)
class FieldStatement:
    """`whose <field> <predicate>`.

    `excludes_unset` is true if contacts without a value are excluded implicitly, `is_unset` if the
    statement says that there is no value. `low` and `high` are the operator and value of a bound on
    a number; `after` and `before` are bounds on a time, which cannot be in the future if `past`.
    `is_time` is true if the predicate is `is` and a time.
    """

    field: str
    predicate: str
    excludes_unset: bool = False
    is_unset: bool = False
    low: tuple[str, str] | None = None
    high: tuple[str, str] | None = None
    after: TimeBound | None = None
    before: TimeBound | None = None
    past: bool = False
    is_time: bool = False


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
_TIME_FIELDS = {
    "time of creation": "were created",
    "time of the last update": "were last updated",
}


def list_membership(ids: Sequence[str], names: ListNames, *, negated: bool = False) -> str:
    """Return the words for contacts on lists: `are on the list “Newsletter”`."""
    known = {lower(key): name for key, name in names.items()}
    lists = [_list_name(list_id, known) for list_id in ids]
    verb = "are not" if negated else "are"
    if len(ids) == 1:
        return f"{verb} on the list {lists[0]}"
    return f"{verb} on any of the lists {join_with(lists)}"


def _list_name(list_id: str, known: ListNames) -> str:
    """Return the name of a list, or its id if its name is unknown or the list does not exist."""
    name = known.get(lower(list_id), "")
    if name is None:
        return f"{plain_text(list_id)} (no such list)"
    return f"“{plain_text(name)}”" if name else plain_text(list_id)


def be_form(field: str) -> str:
    """Return `is` or `are` for a field."""
    return "are" if takes_plural(field) else "is"


def conjugate(field: str, verb: str, *, negated: bool) -> str:
    """Return a verb in the form for a field: `contains`, `do not contain`."""
    if negated:
        return f"{'do' if takes_plural(field) else 'does'} not {verb}"
    first, _, rest = verb.partition(" ")
    ending = "" if takes_plural(field) else "es" if first.endswith("ch") else "s"
    return f"{first}{ending}{' ' + rest if rest else ''}"


def group_statements(*, every: bool, parts: Sequence[Statement]) -> StatementGroup:
    """Return a group, with nested groups of the same kind merged into it."""
    flat: list[Statement] = []
    for part in parts:
        flat += part.parts if isinstance(part, StatementGroup) and part.every == every else [part]
    return StatementGroup(every, tuple(_merge_ranges(flat) if every else _merge_unset(flat)))


def _merge_ranges(parts: list[Statement]) -> list[Statement]:
    """Merge lower and upper bounds of a field; drop `excludes_unset` where `is set` is required."""
    set_ = {
        p.field
        for p in parts
        if isinstance(p, FieldStatement) and p.predicate in ("is set", "are set")
    }
    merged: list[Statement] = []
    waiting: dict[tuple[str, str], list[int]] = {}
    for part in parts:
        if not isinstance(part, FieldStatement):
            merged.append(part)
            continue
        side = _bound_side(part)
        others = waiting.get((part.field, _OPPOSITE[side]), []) if side else []
        for index in others[:MAX_PAIRINGS]:
            merged_bounds = _merge_bounds(merged[index], part) or _merge_bounds(part, merged[index])
            if merged_bounds:
                merged[index] = merged_bounds
                others.remove(index)
                break
        else:
            if side:
                waiting.setdefault((part.field, side), []).append(len(merged))
            merged.append(
                replace(part, excludes_unset=part.excludes_unset and part.field not in set_)
            )
    return merged


def _bound_side(fact: FieldStatement) -> str:
    """Return which end of a range a statement is; empty if it is not a bound."""
    sides = {"low": fact.low, "high": fact.high, "after": fact.after, "before": fact.before}
    return next((side for side, bound in sides.items() if bound), "")


def _merge_bounds(low: Statement, high: Statement) -> FieldStatement | None:
    if (
        not isinstance(low, FieldStatement)
        or not isinstance(high, FieldStatement)
        or low.field != high.field
    ):
        return None
    verb = be_form(low.field)
    if low.after and high.before and not (low.before or high.after):
        text = time_range(low.after, high.before, past=low.past)
        if " and " not in text or text.startswith("between"):
            return FieldStatement(low.field, f"{verb} {text}", is_time=True)
    if low.low and high.high and not (low.high or high.low):
        start, end = low.low[1], high.high[1]
        if not _is_less(start, end):
            return None
        notes = {
            (">=", "<="): "", (">", "<="): f" ({start} excluded)",
            (">=", "<"): f" ({end} excluded)", (">", "<"): " (both excluded)",
        }  # fmt: skip
        return FieldStatement(
            low.field, f"{verb} between {start} and {end}{notes[low.low[0], high.high[0]]}"
        )
    return None


def _is_less(left: str, right: str) -> bool:
    try:
        return Decimal(left) < Decimal(right)
    except InvalidOperation:
        return False


def _merge_unset(parts: list[Statement]) -> list[Statement]:
    """Merge `is not US` and `is not set` of a field: together they exclude no unset values."""
    is_unset = {p.field for p in parts if isinstance(p, FieldStatement) and p.is_unset}
    joined = {
        p.field
        for p in parts
        if isinstance(p, FieldStatement) and p.excludes_unset and p.field in is_unset
    }
    result: list[Statement] = []
    for part in parts:
        match part:
            case FieldStatement(field=field, excludes_unset=True) if field in joined:
                tail = f" or {be_form(field)} not set"
                result.append(replace(part, predicate=part.predicate + tail, excludes_unset=False))
            case FieldStatement(field=field, is_unset=True) if field in joined:
                pass
            case (
                FieldStatement()
                | VerbStatement()
                | QuotedStatement()
                | EventStatement()
                | StatementGroup()
            ):
                result.append(part)
            case _:
                assert_never(part)
    return result


def relative_clause(
    part: FieldStatement | VerbStatement | QuotedStatement | EventStatement,
    it: str | None = None,
) -> str:
    """Return a statement as a relative clause: `whose country is US`."""
    match part:
        case FieldStatement(field=field, predicate=predicate, is_time=True) if (
            field in _TIME_FIELDS
        ):
            return f"who {_TIME_FIELDS[field]} {predicate.removeprefix('is ')}"
        case FieldStatement(field=field, predicate=predicate, excludes_unset=excludes_unset):
            note = f" (excluding those {without(field)})" if excludes_unset else ""
            return f"whose {field} {predicate}{note}"
        case VerbStatement(text=text):
            return f"who {text}"
        case QuotedStatement(text=text):
            return f"for whom {text} is true"
        case EventStatement(event=event, negated=negated):
            return f"who {event.phrase(negated=negated, it=it)}"
        case _:
            assert_never(part)
