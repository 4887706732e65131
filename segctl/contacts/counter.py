"""Counts of many audiences, before and after a change, in few passes over the contacts.

Owns what the numbers mean, and when there are none. A segment is refused, with the reason, where
its query uses what is missing from the data set, where values of a column are not of its type, and
where a computation fails on the data; the others are counted. Nothing is counted where contacts
have two rows or no id: every number would be wrong. Leaves the SQL to `count_query`.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

from segctl.audience.duckdb_engine import EvaluationFailed, FileUnreadable
from segctl.audience.results import CountResult, Counts, Overlap, Uncountable
from segctl.audience.to_duckdb import translate
from segctl.contacts.count_query import CountQuery
from segctl.contacts.event_checks import (
    has_no_events,
    has_unmatched_events,
    no_events,
    query_range,
    unmatched_events,
)
from segctl.contacts.event_warnings import event_warnings
from segctl.contacts.faults import (
    describe_faults,
    failing_row,
    first_repeating_row,
    first_row_without_id,
)
from segctl.contacts.masking import mask_samples
from segctl.contacts.typed_columns import FAULT_HINTS
from segctl.errors import UsageError
from segctl.query.ast import Column
from segctl.query.catalogue import JOIN_COLUMN
from segctl.query.list_ids import LIST_IDS, normal_list_ids
from segctl.query.parser.errors import Problem
from segctl.query.parser.parse import parse
from segctl.query.parser.tokens import lower
from segctl.query.visit import walk
from segctl.render.lists import format_lists

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from segctl.audience.scope import ColumnUse
    from segctl.audience.to_duckdb import Audience
    from segctl.contacts.dataset import Dataset
    from segctl.model import Segment


def column_names_in(segments: Iterable[Segment]) -> frozenset[str]:
    """Return, in lower case, every name in the queries that could be a column."""
    names: set[str] = set()
    for text in {segment.query for segment in segments}:
        query = parse(text).query
        if query is not None:
            names |= {lower(node.name.text) for node in walk(query) if isinstance(node, Column)}
    return frozenset(names)


def count_audiences(
    dataset: Dataset,
    pairs: Sequence[tuple[Segment | None, Segment]],
    now: datetime,
    *,
    overlap: bool = False,
    sample: int = 0,
) -> CountResult:
    """Count the audiences of segments before (`None`: there was none) and after a change.

    With `overlap`, any two of those after are compared as well; `sample` is how many masked
    addresses of members to return for each. Raises `UsageError` where nothing can be counted, and
    `EvaluationFailed` where the data set cannot be read.
    """
    if sample and "email" not in dataset.contacts.columns:
        raise UsageError(f"{dataset.contacts.name} has no column email, which --sample needs")
    audiences: dict[Segment, Audience] = {}
    problems: dict[Segment, tuple[Problem, ...]] = {}
    for segment in {each: None for pair in pairs for each in pair if each is not None}:
        audience = _translate(dataset, segment)
        if isinstance(audience, tuple):
            problems[segment] = audience
        else:
            audiences[segment] = audience
    with_events = [segment for segment, audience in audiences.items() if audience.uses_events]
    if with_events and has_no_events(dataset):
        for segment in with_events:
            problems[segment] = (no_events(audiences.pop(segment), segment),)
    return _count(dataset, audiences, pairs, now, problems, overlap=overlap, sample=sample)


def _count(
    dataset: Dataset,
    audiences: dict[Segment, Audience],
    pairs: Sequence[tuple[Segment | None, Segment]],
    now: datetime,
    problems: Mapping[Segment, tuple[Problem, ...]],
    *,
    overlap: bool,
    sample: int,
) -> CountResult:
    """Count pairs in one statement, without the audiences that fail in it."""
    failed: dict[Segment, tuple[Problem, ...]] = {}
    try:
        run = _CountRun(dataset, audiences, pairs, now, overlap=overlap, sample=sample)
    except FileUnreadable:
        raise
    except EvaluationFailed:
        _check_readable(dataset)
        for segment, reason in _find_failing(dataset, audiences, now):
            failed[segment] = (Problem("not-computed", reason, "", *query_range(segment)),)
        audiences = {
            segment: audience for segment, audience in audiences.items() if segment not in failed
        }
        run = _CountRun(
            dataset, audiences, pairs, now, overlap=overlap, sample=sample, isolated=True
        )
    run.check_contacts()
    problems = {**problems, **failed, **run.data_problems()}
    counted = {
        segment: audience for segment, audience in audiences.items() if segment not in problems
    }
    warnings = event_warnings(dataset, counted, run.matches)
    return replace(
        run.result(problems), warnings=tuple(warnings.get(after, ()) for _, after in pairs)
    )


class _CountRun:
    """One run of the count query, and its row of measures."""

    def __init__(
        self,
        dataset: Dataset,
        audiences: Mapping[Segment, Audience],
        pairs: Sequence[tuple[Segment | None, Segment]],
        now: datetime,
        *,
        overlap: bool,
        sample: int,
        isolated: bool = False,
    ) -> None:
        self.dataset = dataset
        self.audiences = audiences
        self.pairs = pairs
        self.query = query = CountQuery(
            dataset, [*audiences.values()], emails=sample > 0, isolated=isolated
        )
        self.names = dict(zip(audiences, query.names, strict=True))
        self.total = query.measure("count(*)")
        self.with_id = query.measure("count(id)")
        # Equal texts have equal hashes, and hashes are faster to compare.
        distinct = "count(id)" if dataset.is_distinct else "count(DISTINCT hash(id))"
        self.distinct = query.measure(distinct)
        self.flagged = query.measure_flagged()
        self.counts = [self._measure_pair(*pair) for pair in pairs]
        counted = [index for index, (_, after) in enumerate(pairs) if after in audiences]
        self.overlaps = [*combinations(counted if overlap else (), 2)]
        self.shared = query.measure_shared() if self.overlaps else None
        self.samples = [
            query.measure(
                f"arg_min(email, id, {sample}) FILTER (WHERE {self.names[after]} AND email <> '')"
            )
            if sample and after in audiences
            else None
            for _, after in pairs
        ]
        self.row = query.run(now)
        self.matches = self.flagged and (self.row[self.flagged[0]], self.row[self.flagged[1]])

    def _measure_pair(self, before: Segment | None, after: Segment) -> tuple[int, int, int] | None:
        """Return the measures of a pair: before, after, and both; -1 where there is no before."""
        if after not in self.audiences or (before is not None and before not in self.audiences):
            return None
        if before is None:
            return -1, self.query.measure_count(self.names[after]), -1
        names = self.names[before], self.names[after]
        first, second, both = map(self.query.measure_count, (*names, " AND ".join(names)))
        return first, second, both

    def check_contacts(self) -> None:
        """Raise `UsageError` where the data set does not have one row for each contact."""
        relation = self.dataset.contacts
        total, with_id = self.row[self.total], self.row[self.with_id]
        if with_id < total:
            row = first_row_without_id(self.dataset.database, relation)
            rows = "row has" if total - with_id == 1 else "rows have"
            raise UsageError(
                f"{total - with_id:,} {rows} no {JOIN_COLUMN} in {relation.name}: "
                f"{_first(total - with_id)} {row:,}",
                hint="export one row for each contact, with its id; remove empty lines",
            )
        if self.row[self.distinct] == with_id:
            if self.dataset.uniqueness and not self.dataset.is_distinct:
                self.dataset.uniqueness.save_passed()
            return
        value = relation.columns[JOIN_COLUMN].value
        ((duplicates,),) = self.dataset.database.rows(
            f"SELECT count({value}) - count(DISTINCT {value}) FROM {relation.source}"  # noqa: S608 - our own relation
        )
        if duplicates:
            row = first_repeating_row(self.dataset.database, relation)
            rows = "row repeats" if duplicates == 1 else "rows repeat"
            raise UsageError(
                f"{duplicates:,} {rows} a {JOIN_COLUMN} in {relation.name}: "
                f"{_first(duplicates)} {row:,}",
                hint="keep one row for each contact: a contact with two rows would count twice",
            )

    def data_problems(self) -> dict[Segment, tuple[Problem, ...]]:
        """Return the problems of segments that use faulty values, or events of other contacts."""
        faults = {column: self.row[measure] for column, measure in self.query.faults.items()}
        problems = {
            segment: segment_problems
            for segment, audience in self.audiences.items()
            if (segment_problems := tuple(_fault_problems(self.dataset, audience, faults)))
        }
        with_events = {
            segment: audience
            for segment, audience in self.audiences.items()
            if audience.uses_events
        }
        if self.row[self.total] and has_unmatched_events(
            self.dataset, with_events.values(), self.matches
        ):
            for segment, audience in with_events.items():
                problems.setdefault(segment, (unmatched_events(self.dataset, audience, segment),))
        return problems

    def result(self, problems: Mapping[Segment, tuple[Problem, ...]]) -> CountResult:
        """Return all numbers, except those of segments with problems."""
        counted = {index for index, (_, after) in enumerate(self.pairs) if after not in problems}
        return CountResult(
            self.row[self.total],
            tuple(
                _uncountable(*pair, problems) or self._counts(measures)
                for pair, measures in zip(self.pairs, self.counts, strict=True)
            ),
            tuple(self._overlaps(counted)),
            mask_samples(
                self.dataset,
                [
                    self.row[measure] or () if measure is not None and index in counted else ()
                    for index, measure in enumerate(self.samples)
                ],
            ),
        )

    def _counts(self, measures: tuple[int, int, int] | None) -> Counts:
        if measures is None:
            raise ValueError("a pair without problems has measures")
        first, second, shared = measures
        before, both = (0, 0) if first < 0 else (self.row[first], self.row[shared])
        after = self.row[second]
        return Counts(before, after, after - both, before - both)

    def _overlaps(self, counted: set[int]) -> Iterator[Overlap]:
        """Yield the overlaps of any two pairs that could be counted."""
        rows = self.row[self.shared] if self.shared is not None else None
        shared = {(first, second): contacts for first, second, contacts in rows or ()}
        numbers = {name: index for index, name in enumerate(dict.fromkeys(self.query.names))}
        for first, second in self.overlaps:
            if {first, second} <= counted:
                low, high = sorted(
                    numbers[self.names[self.pairs[index][1]]] for index in (first, second)
                )
                both = shared.get((low, high), 0)
                alone = (
                    shared.get((number, number), 0) - both
                    for number in (
                        numbers[self.names[self.pairs[index][1]]] for index in (first, second)
                    )
                )
                yield Overlap(first, second, both, *alone)


def _uncountable(
    before: Segment | None, after: Segment, problems: Mapping[Segment, tuple[Problem, ...]]
) -> Uncountable | None:
    if after in problems:
        return Uncountable(problems[after])
    if before is not None and before in problems:
        return Uncountable(problems[before], in_before=True)
    return None


def _translate(dataset: Dataset, segment: Segment) -> Audience | tuple[Problem, ...]:
    """Translate a segment; return the problems where the data set lacks what it uses."""
    parents = segment.parent_list_ids
    translation = translate(parse(segment.query), dataset.columns, parents, shared=True)
    audience = translation.audience
    if audience is None:
        return translation.problems
    if audience.uses_events and dataset.events is None:
        return (no_events(audience, segment),)
    problems: dict[str, Problem] = {}
    for use in audience.column_uses:
        problem = _check_column(dataset, use)
        if problem is not None:
            problems.setdefault(problem.message, problem)
    return tuple(problems.values()) or audience


def _check_column(dataset: Dataset, use: ColumnUse) -> Problem | None:
    """Return what the data set lacks of a column that a query uses."""
    place = (use.start, use.end)
    relation = dataset.relation(use.table)
    column = relation.columns.get(use.column) if relation else None
    if relation is None or column is None:
        is_contact = use.table == "contact_data"
        pull = "run `segctl contacts pull` again"
        hint = pull if dataset.is_pulled and is_contact else "export that column as well"
        owner = "contacts" if is_contact else "events"
        return Problem("no-column", f"the {owner} have no column `{use.column}`", hint, *place)
    if column.unusable:
        message = f"`{use.column}` in {relation.name} {column.unusable}"
        return Problem("wrong-type", message, "export it in another type", *place)
    if use.column != LIST_IDS or dataset.lists is None:
        return None
    pull = "run `segctl contacts pull` to read their members"
    if use.items is None:
        message = "this uses all lists of a contact, and the members of some lists are unknown"
        return Problem("unknown-list", message, pull, *place)
    known = frozenset(normal_list_ids(dataset.lists))
    unknown = [item for item in use.items if item not in known]
    if not unknown:
        return None
    names = {list_id.lower(): name for list_id, name in dataset.account_lists.items() if name}
    lists = format_lists(unknown, names, " and ")
    noun = "list" if len(unknown) == 1 else "lists"
    message = f"the members of the {noun} {lists} are unknown"
    return Problem("unknown-list", message, pull, *place)


def _first(count: int) -> str:
    return "row" if count == 1 else "the first is row"


def _fault_problems(
    dataset: Dataset, audience: Audience, faults: Mapping[tuple[str, str], int]
) -> Iterator[Problem]:
    """Yield a problem for each column with faulty values that an audience uses."""
    reported = set()
    for use in audience.column_uses:
        key = (use.table, use.column)
        relation = dataset.relation(use.table)
        if relation is None or key in reported or not faults.get(key):
            continue
        reported.add(key)
        if use.column == JOIN_COLUMN:
            rows = "event has" if faults[key] == 1 else "events have"
            row = first_row_without_id(dataset.database, relation)
            message = (
                f"{faults[key]:,} {rows} no {JOIN_COLUMN} in {relation.name}: "
                f"{_first(faults[key])} {row:,}"
            )
            hint = "export each event with the id of its contact; remove empty lines"
            yield Problem("bad-values", message, hint, use.start, use.end)
            continue
        message = describe_faults(dataset.database, relation, use.column, faults[key])
        hint = FAULT_HINTS.get(relation.columns[use.column].type, "")
        yield Problem("bad-values", message, hint, use.start, use.end)


def _find_failing(
    dataset: Dataset, audiences: Mapping[Segment, Audience], now: datetime
) -> Iterator[tuple[Segment, str]]:
    """Yield the segments whose computation fails on this data, and why, by bisection."""
    try:
        CountQuery(dataset, [*audiences.values()], isolated=True).run(now)
    except EvaluationFailed as error:
        if len(audiences) == 1:
            ((segment, audience),) = audiences.items()
            row = failing_row(dataset, audience, now)
            place = f", first in row {row:,} of {dataset.contacts.name}" if row else ""
            yield segment, f"{error.message}{place}"
            return
        items, middle = [*audiences.items()], len(audiences) // 2
        yield from _find_failing(dataset, dict(items[:middle]), now)
        yield from _find_failing(dataset, dict(items[middle:]), now)


def _check_readable(dataset: Dataset) -> None:
    """Raise `FileUnreadable` where not even the rows can be counted: no query is to blame."""
    for relation in filter(None, (dataset.contacts, dataset.events)):
        value = relation.columns[JOIN_COLUMN].value
        try:
            dataset.database.rows(f"SELECT count({value}) FROM {relation.source}")  # noqa: S608 - our own relation
        except FileUnreadable:
            raise
        except EvaluationFailed:
            hint = "export it again: it may be truncated or damaged"
            raise FileUnreadable(f"cannot read {relation.name}", hint=hint) from None
