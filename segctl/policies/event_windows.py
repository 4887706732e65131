"""How far back a query looks at events: the window of each event table in it.

A condition on the timestamp of the events in one table limits that table. What a segment with a
fixed date looks at grows day by day, so no fixed date is within a window. Says nothing of which
contacts a query selects: `prover` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from segctl.audience.literals import interval_value
from segctl.policies.constants import RelativeConstant, before_now, compare
from segctl.policies.formulas import Bound, Conditions, IsNullFact, Row, Wanted, any_of, parts_of
from segctl.policies.names import EVENTS, NotUnderstood, Scope, conditions_on_rows, named, scope_of
from segctl.policies.reader import Reader
from segctl.policies.refuter import Budget, Case, GaveUp, Refuter
from segctl.query import ast
from segctl.query.aliases import sources_of
from segctl.query.catalogue import CONTACT_DATA
from segctl.query.parser.parse import parse
from segctl.query.parser.tokens import lower
from segctl.query.value_types import CannotTranslate
from segctl.query.visit import children, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIME = "timestamp"


class WindowCheck(StrEnum):
    """Whether a query looks at events in a window only."""

    WITHIN = "within"  # no event that matters is older
    BEYOND = "beyond"  # it has a limit, but events before the window matter
    UNLIMITED = "unlimited"  # it has no condition on the time
    UNCLEAR = "unclear"  # it has one, and segctl cannot tell


@dataclass(frozen=True, slots=True)
class EventTable:
    """An event table in a query, `query[start:end]`, and whether its events are in a window."""

    start: int
    end: int
    check: WindowCheck


def read_window(text: str) -> RelativeConstant | None:
    """Return the time at which a window such as `180 days` begins, or `None` if it is invalid."""
    place = {"start": 0, "end": 0}
    literal = ast.String(**place, raw=text, value=text)
    try:
        amount, unit = interval_value(ast.Interval(**place, value=literal, unit=None, keyword=True))
    except CannotTranslate:
        return None
    return before_now(amount, unit) if amount > 0 else None


def check_event_windows(query: str, window: RelativeConstant) -> tuple[EventTable, ...]:
    """Return every event table of a query, in the order of their places.

    `window` is the time at which it begins (`read_window`). A query with a syntax error has none.
    """
    tree = parse(query).query
    tables = _tables(tree, None, window) if tree else ()
    return tuple(sorted(tables, key=lambda table: table.start))


def _tables(
    query: ast.Query, outer: Scope | None, window: RelativeConstant
) -> Iterator[EventTable]:
    scope: Scope | None = None
    try:
        scope = scope_of(query, outer)
        checks = _checks(query, scope, window)
    except (NotUnderstood, GaveUp):
        checks = {}
    for source in sources_of(query):
        if isinstance(source, ast.Table) and lower(source.name.text) == EVENTS:
            check = checks.get(lower((source.alias or source.name).text), WindowCheck.UNCLEAR)
            yield EventTable(source.start, source.end, check)
    for subquery in _subqueries(query):
        yield from _tables(subquery, scope, window)


def _subqueries(query: ast.Query) -> Iterator[ast.Query]:
    pending = [*children(query)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Query):
            yield node
        else:
            pending.extend(children(node))


def _checks(query: ast.Query, scope: Scope, window: RelativeConstant) -> dict[str, WindowCheck]:
    """Return the check of each event table, by folded alias. Raises `NotUnderstood`, `GaveUp`."""
    conditions: list[tuple[ast.Expression, Wanted]] = []
    for node in conditions_on_rows(query):
        try:
            conditions.append((named(node, scope), Wanted.TRUE))
        except NotUnderstood:
            continue
    events = {key: alias for key, (alias, table) in scope.tables.items() if table == EVENTS}
    reader = Reader(CONTACT_DATA)
    formula = reader.some_row(
        tuple((alias, EVENTS) for alias in events.values()), tuple(conditions)
    )
    rows = [part.alias for part in parts_of(formula) if isinstance(part, Row)]
    case = Case(Budget())
    is_possible = case.learn([formula])
    checks = {}
    for (key, alias), row in zip(events.items(), rows, strict=False):
        if not is_possible:
            checks[key] = WindowCheck.WITHIN
        else:
            checks[key] = _check(case.copy(Budget()), f"{row}.{_TIME}", window, reader)
        if checks[key] is WindowCheck.UNLIMITED and _mentions_time(tuple(conditions), alias):
            checks[key] = WindowCheck.UNCLEAR
    return checks


def _check(case: Case, term: str, window: RelativeConstant, reader: Reader) -> WindowCheck:
    known = case.known.get(term)
    lows = [constant for constant, _ in known.lows] if known else []
    if not lows:
        return WindowCheck.UNLIMITED
    older = any_of((IsNullFact(term, is_null=True), Bound(term, "<", window)))
    case.about = {term}
    if not case.learn([older]) or Refuter(reader).is_impossible(case):
        return WindowCheck.WITHIN
    orders = [compare(low, window) for low in lows]
    return WindowCheck.BEYOND if all(order == -1 for order in orders) else WindowCheck.UNCLEAR


def _mentions_time(conditions: Conditions, alias: str) -> bool:
    return any(
        isinstance(part, ast.Column)
        and part.qualifier is not None
        and part.qualifier.text == alias
        and part.name.text == _TIME
        for node, _ in conditions
        for part in walk(node)
    )
