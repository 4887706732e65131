"""Whether a translated query selects the contacts that the old one did, asked of real contacts.

Holds two answers against one another that share as little as can be: that of SGQL's own rules
(`sgql.interpreter`), and that of DuckDB to the SQL. Owns the way of the rows from a base to both.
A query that the base cannot answer for certain is told with its problems, never called equal.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from segctl.audience.duckdb_engine import Engine
from segctl.audience.results import Uncountable
from segctl.audience.to_duckdb import translate
from segctl.contacts.counter import count_audiences
from segctl.query.catalogue import JOIN_COLUMN, ColumnType
from segctl.query.parser.errors import Problem
from segctl.query.parser.parse import parse
from segctl.sgql.interpreter import CannotEvaluate, differences, fold_row, read_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from segctl.contacts.dataset import Dataset
    from segctl.contacts.file_readers import Relation
    from segctl.model import Segment
    from segctl.sgql.interpreter import AudienceDifference, SgqlQuery

BATCH = 5_000
"""Contacts that are looked at together: they stand in memory twice."""


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What a comparison came to: the contacts that differ, or the problems that kept it from that.

    `contacts` is how many were asked.
    """

    differing: tuple[AudienceDifference, ...] = ()
    problems: tuple[Problem, ...] = ()
    contacts: int = 0


def verify(
    base: Dataset,
    pairs: Sequence[tuple[Segment, Segment]],
    now: datetime,
    tell: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[VerifyResult]:
    """Compare old segments, whose queries are SGQL, with what they became.

    `tell` is told how many of how many contacts are done: a million take minutes. Raises
    `UsageError` for a base in which nothing can be counted, and `EvaluationFailed` where it cannot
    be read.
    """
    counted = count_audiences(base, [(None, new) for _, new in pairs], now)
    verified: list[VerifyResult] = []
    open_ones: dict[int, _Pair] = {}
    for number, ((old, new), result) in enumerate(zip(pairs, counted.results, strict=True)):
        verified.append(VerifyResult(contacts=counted.total))
        if isinstance(result, Uncountable):
            verified[number] = VerifyResult(problems=result.problems)
            continue
        try:
            open_ones[number] = _Pair.of(base, old, new, now)
        except CannotEvaluate as error:
            verified[number] = VerifyResult(problems=_problems(error))
    found: dict[int, list[AudienceDifference]] = defaultdict(list)
    done = 0
    for contacts, events, truths in _rows(base, open_ones, now):
        for number, pair in [*open_ones.items()]:
            selected = {one: values[number] for one, values in truths.items()}
            try:
                found[number] += differences(pair.asked, contacts, events, selected)
            except CannotEvaluate as error:
                verified[number] = VerifyResult(problems=_problems(error))
                del open_ones[number]
        done += len(contacts)
        tell(done, counted.total)
    for number in open_ones:
        verified[number] = VerifyResult(tuple(found[number]), contacts=counted.total)
    return verified


@dataclass(frozen=True, slots=True)
class _Pair:
    """The old query, ready to be asked, and the condition in SQL that stands for the new one."""

    asked: SgqlQuery
    condition: str

    @classmethod
    def of(cls, base: Dataset, old: Segment, new: Segment, now: datetime) -> _Pair:
        audience = translate(parse(new.query), base.columns, new.parent_list_ids).audience
        if audience is None:
            raise CannotEvaluate("the new query cannot be computed here")
        return cls(read_query(old.query, old.parent_list_ids, now), audience.condition.sql)


def _problems(error: CannotEvaluate) -> tuple[Problem, ...]:
    return error.problems or (Problem("no-answer", str(error), "", 0, 0),)


def _rows(
    base: Dataset, pairs: Mapping[int, _Pair], now: datetime
) -> Iterator[
    tuple[
        Sequence[dict[str, Any]],
        Mapping[str, Sequence[dict[str, Any]]],
        Mapping[str, Mapping[int, bool | None]],
    ]
]:
    """Yield the contacts in batches, with their events and what SQL says of each pair's query."""
    if not pairs:
        return
    events: dict[str, list[dict[str, Any]]] = defaultdict(list)
    if base.events is not None:
        for event in _read(base, base.events):
            events[event.get(JOIN_COLUMN, "")].append(event)
    engine = Engine(base.columns)
    numbers = [*pairs]
    conditions = [pairs[number].condition for number in numbers]
    rows = _read(base, base.contacts)
    while contacts := [*islice(rows, BATCH)]:
        engine.fill(contacts, _of(contacts, events))
        answers = engine.evaluate(conditions, now)
        yield (
            contacts,
            events,
            {one: dict(zip(numbers, row, strict=True)) for one, row in answers.items()},
        )


def _of(
    contacts: Iterable[Mapping[str, Any]], events: Mapping[str, Sequence[dict[str, Any]]]
) -> Iterator[dict[str, Any]]:
    for contact in contacts:
        yield from events.get(contact[JOIN_COLUMN], ())


def _read(base: Dataset, relation: Relation) -> Iterator[dict[str, Any]]:
    """Yield the rows of a relation; a value that is none of its column's type was told before."""
    columns = {name: one for name, one in relation.columns.items() if not one.unusable}
    values = ", ".join(
        f"CASE WHEN {one.fault} THEN NULL ELSE {one.value} END" if one.fault else one.value
        for one in columns.values()
    )
    for row in base.database.rows(f"SELECT {values} FROM {relation.source}"):  # noqa: S608 - our own relation
        found = zip(columns.items(), row, strict=True)
        yield fold_row(
            {name: _value(value, one.kind) for (name, one), value in found if value is not None}
        )


def _value(value: Any, kind: ColumnType) -> Any:
    if kind is ColumnType.TIMESTAMP and isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    return json.loads(value) if kind is ColumnType.VARIANT else value
