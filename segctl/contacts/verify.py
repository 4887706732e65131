"""The comparison of translated queries with their originals, contact by contact.

Compares two evaluations that share as little as can be: SGQL's own rules (`sgql.interpreter`), and
DuckDB on the translation. A query that the data set cannot evaluate with certainty has problems,
and is never called equal.
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
"""Contacts that are compared at a time: each is in memory twice."""


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """The result of a comparison: the contacts that differ, or the problems that prevented it.

    `contacts` is how many were compared.
    """

    differing: tuple[AudienceDifference, ...] = ()
    problems: tuple[Problem, ...] = ()
    contacts: int = 0


def verify(
    dataset: Dataset,
    pairs: Sequence[tuple[Segment, Segment]],
    now: datetime,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[VerifyResult]:
    """Compare v1 segments, whose queries are SGQL, with their translations.

    `on_progress` gets the contacts that are done, and all: a million takes minutes. Raises
    `UsageError` where nothing can be counted, and `EvaluationFailed` where the data set cannot be
    read.
    """
    counted = count_audiences(dataset, [(None, translation) for _, translation in pairs], now)
    results: list[VerifyResult] = []
    comparisons: dict[int, _Comparison] = {}
    for index, ((original, translation), result) in enumerate(
        zip(pairs, counted.results, strict=True)
    ):
        results.append(VerifyResult(contacts=counted.total))
        if isinstance(result, Uncountable):
            results[index] = VerifyResult(problems=result.problems)
            continue
        try:
            comparisons[index] = _Comparison.of(dataset, original, translation, now)
        except CannotEvaluate as error:
            results[index] = VerifyResult(problems=_problems(error))
    differing: dict[int, list[AudienceDifference]] = defaultdict(list)
    done = 0
    for contacts, events, values in _evaluated_batches(dataset, comparisons, now):
        for index, comparison in [*comparisons.items()]:
            selected = {contact_id: row[index] for contact_id, row in values.items()}
            try:
                differing[index] += differences(comparison.original, contacts, events, selected)
            except CannotEvaluate as error:
                results[index] = VerifyResult(problems=_problems(error))
                del comparisons[index]
        done += len(contacts)
        on_progress(done, counted.total)
    for index in comparisons:
        results[index] = VerifyResult(tuple(differing[index]), contacts=counted.total)
    return results


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The original query, ready to be evaluated, and the SQL of its translation."""

    original: SgqlQuery
    condition: str

    @classmethod
    def of(
        cls, dataset: Dataset, original: Segment, translation: Segment, now: datetime
    ) -> _Comparison:
        audience = translate(
            parse(translation.query), dataset.columns, translation.parent_list_ids
        ).audience
        if audience is None:
            raise CannotEvaluate("segctl cannot evaluate the new query")
        query = read_query(original.query, original.parent_list_ids, now)
        return cls(query, audience.condition.sql)


def _problems(error: CannotEvaluate) -> tuple[Problem, ...]:
    return error.problems or (Problem("no-answer", str(error), "", 0, 0),)


def _evaluated_batches(
    dataset: Dataset, comparisons: Mapping[int, _Comparison], now: datetime
) -> Iterator[
    tuple[
        Sequence[dict[str, Any]],
        Mapping[str, Sequence[dict[str, Any]]],
        Mapping[str, Mapping[int, bool | None]],
    ]
]:
    """Yield the contacts in batches, with all events and the values of the translations."""
    if not comparisons:
        return
    events: dict[str, list[dict[str, Any]]] = defaultdict(list)
    if dataset.events is not None:
        for event in _read_rows(dataset, dataset.events):
            events[event.get(JOIN_COLUMN, "")].append(event)
    engine = Engine(dataset.columns)
    indexes = [*comparisons]
    conditions = [comparisons[index].condition for index in indexes]
    rows = _read_rows(dataset, dataset.contacts)
    while contacts := [*islice(rows, BATCH)]:
        engine.fill(contacts, _events_of(contacts, events))
        values = engine.evaluate(conditions, now)
        yield (
            contacts,
            events,
            {
                contact_id: dict(zip(indexes, row, strict=True))
                for contact_id, row in values.items()
            },
        )


def _events_of(
    contacts: Iterable[Mapping[str, Any]], events: Mapping[str, Sequence[dict[str, Any]]]
) -> Iterator[dict[str, Any]]:
    for contact in contacts:
        yield from events.get(contact[JOIN_COLUMN], ())


def _read_rows(dataset: Dataset, relation: Relation) -> Iterator[dict[str, Any]]:
    """Yield the rows of a relation; the count has reported faulty values already."""
    columns = {name: column for name, column in relation.columns.items() if not column.unusable}
    values = ", ".join(
        f"CASE WHEN {column.fault} THEN NULL ELSE {column.value} END"
        if column.fault
        else column.value
        for column in columns.values()
    )
    for row in dataset.database.rows(f"SELECT {values} FROM {relation.source}"):  # noqa: S608 - our own relation
        yield fold_row(
            {
                name: _python_value(value, column.type)
                for (name, column), value in zip(columns.items(), row, strict=True)
                if value is not None
            }
        )


def _python_value(value: Any, column_type: ColumnType) -> Any:
    if column_type is ColumnType.TIMESTAMP and isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    return json.loads(value) if column_type is ColumnType.VARIANT else value
