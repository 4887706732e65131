"""Counts of many audiences, before and after a change, in as few passes over a base as can be.

Owns what the numbers mean, and what they must not be made of. Where a query asks what the base
does not know, where values of a column are none of its type, and where a computation fails on the
data, that segment is refused with the reason, and the others are counted. Where contacts stand in
two rows, or have no id, nothing is: every number would be wrong.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from segctl.audience.duckdb_engine import EvaluationFailed, FileUnreadable
from segctl.audience.results import CountResult, Counts, Overlap, Uncountable
from segctl.audience.to_duckdb import translate
from segctl.contacts.count_query import Statement
from segctl.contacts.event_checks import (
    are_strangers,
    has_no_event,
    segment_place,
    strangers,
    without_events,
)
from segctl.contacts.file_readers import FAULT_HINTS, fault_words
from segctl.contacts.masking import masked
from segctl.errors import UsageError
from segctl.query.ast import Column
from segctl.query.catalogue import JOIN_COLUMN
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
    """Give, in lower case, every name in some queries that could be a column's."""
    names: set[str] = set()
    for text in {segment.query for segment in segments}:
        query = parse(text).query
        if query is not None:
            names |= {lower(one.name.text) for one in walk(query) if isinstance(one, Column)}
    return frozenset(names)


def count_audiences(
    base: Dataset,
    pairs: Sequence[tuple[Segment | None, Segment]],
    now: datetime,
    *,
    overlap: bool = False,
    sample: int = 0,
) -> CountResult:
    """Count the audiences before (`None`: there is none) and after.

    With `overlap`, any two of those after are compared, too; of each, `sample` members are shown,
    by masked addresses. Raises `UsageError` for a base in which nothing can be counted, and
    `EvaluationFailed` where it cannot be read.
    """
    if sample and "email" not in base.contacts.columns:
        raise UsageError(f"{base.contacts.name} has no column email to show a sample of")
    sound: dict[Segment, Audience] = {}
    wrong: dict[Segment, tuple[Problem, ...]] = {}
    for segment in {one: None for pair in pairs for one in pair if one is not None}:
        asked = _ask(base, segment)
        if isinstance(asked, tuple):
            wrong[segment] = asked
        else:
            sound[segment] = asked
    asking = [one for one, audience in sound.items() if audience.uses_events]
    if asking and has_no_event(base):
        for segment in asking:
            wrong[segment] = (without_events(sound.pop(segment), segment),)
    return _counted(base, sound, pairs, now, wrong, overlap=overlap, sample=sample)


def _counted(
    base: Dataset,
    sound: dict[Segment, Audience],
    pairs: Sequence[tuple[Segment | None, Segment]],
    now: datetime,
    wrong: Mapping[Segment, tuple[Problem, ...]],
    *,
    overlap: bool,
    sample: int,
) -> CountResult:
    """Count some pairs in one statement, without those that fail in it; see `compare`."""
    failed: dict[Segment, tuple[Problem, ...]] = {}
    try:
        count = _Count(base, sound, pairs, now, overlap=overlap, sample=sample)
    except FileUnreadable:
        raise
    except EvaluationFailed:
        _refuse_damaged(base)
        for segment, reason in _failing(base, sound, now):
            failed[segment] = (Problem("not-computed", reason, "", *segment_place(segment)),)
        sound = {one: audience for one, audience in sound.items() if one not in failed}
        count = _Count(base, sound, pairs, now, overlap=overlap, sample=sample, wholly=True)
    count.check_contacts()
    return count.counted({**wrong, **failed, **count.faulty()})


class _Count:
    """One run of the statement, and what stands in its row."""

    def __init__(
        self,
        base: Dataset,
        sound: Mapping[Segment, Audience],
        pairs: Sequence[tuple[Segment | None, Segment]],
        now: datetime,
        *,
        overlap: bool,
        sample: int,
        wholly: bool = False,
    ) -> None:
        self.base = base
        self.sound = sound
        self.pairs = pairs
        self.statement = statement = Statement(
            base, [*sound.values()], emails=sample > 0, wholly=wholly
        )
        self.names = dict(zip(sound, statement.names, strict=True))
        self.total = statement.measure("count(*)")
        self.with_id = statement.measure("count(id)")
        # Equal texts have equal hashes, and hashes are quicker to tell apart.
        distinct = "count(id)" if base.is_distinct else "count(DISTINCT hash(id))"
        self.distinct = statement.measure(distinct)
        self.raised = statement.raised()
        self.counts = [self._counts(*pair) for pair in pairs]
        places = [place for place, (_, after) in enumerate(pairs) if after in sound]
        self.overlaps = [*combinations(places if overlap else (), 2)]
        self.shared = statement.shared() if self.overlaps else None
        self.samples = [
            statement.measure(
                f"arg_min(email, id, {sample}) FILTER (WHERE {self.names[after]} AND email <> '')"
            )
            if sample and after in sound
            else None
            for _, after in pairs
        ]
        self.row = statement.run(now)

    def _counts(self, before: Segment | None, after: Segment) -> tuple[int, int, int] | None:
        """Measure a pair: before, after, and both."""
        if after not in self.sound or (before is not None and before not in self.sound):
            return None
        if before is None:
            return -1, self.statement.count(self.names[after]), -1
        names = self.names[before], self.names[after]
        first, second, both = map(self.statement.count, (*names, " AND ".join(names)))
        return first, second, both

    def check_contacts(self) -> None:
        """Refuse a base in which a contact is not a row. Raises `UsageError`."""
        name, total, with_id = self.base.contacts.name, self.row[self.total], self.row[self.with_id]
        if with_id < total:
            what = "row has" if total - with_id == 1 else "rows have"
            raise UsageError(
                f"{total - with_id:,} {what} no {JOIN_COLUMN} in {name}",
                hint="each row must be a contact, and say which",
            )
        if self.row[self.distinct] == with_id:
            if self.base.check and not self.base.is_distinct:
                self.base.check.remember()
            return
        relation = self.base.contacts
        value = relation.columns[JOIN_COLUMN].value
        ((twice,),) = self.base.database.rows(
            f"SELECT count({value}) - count(DISTINCT {value}) FROM {relation.source}"  # noqa: S608 - our own relation
        )
        if twice:
            what = "row repeats" if twice == 1 else "rows repeat"
            raise UsageError(
                f"{twice:,} {what} a {JOIN_COLUMN} in {name}",
                hint="keep one row for each contact: it would be counted twice",
            )

    def faulty(self) -> dict[Segment, tuple[Problem, ...]]:
        """Give the segments that ask what the files do not hold as it should be."""
        bad = {one: self.row[place] for one, place in self.statement.faults.items()}
        faulty = {
            segment: problems
            for segment, audience in self.sound.items()
            if (problems := tuple(_faults(self.base, audience, bad)))
        }
        raised = self.raised and (self.row[self.raised[0]], self.row[self.raised[1]])
        asking = {one: each for one, each in self.sound.items() if each.uses_events}
        if self.row[self.total] and are_strangers(self.base, asking.values(), raised):
            for segment, audience in asking.items():
                faulty.setdefault(segment, (strangers(self.base, audience, segment),))
        return faulty

    def counted(self, wrong: Mapping[Segment, tuple[Problem, ...]]) -> CountResult:
        """Give all numbers, but those of segments that are wrong."""
        fine = {place for place, (_, after) in enumerate(self.pairs) if after not in wrong}
        return CountResult(
            self.row[self.total],
            tuple(
                _uncountable(*pair, wrong) or self._result(places)
                for pair, places in zip(self.pairs, self.counts, strict=True)
            ),
            tuple(self._overlaps(fine)),
            masked(
                self.base,
                [
                    self.row[place] or () if place is not None and number in fine else ()
                    for number, place in enumerate(self.samples)
                ],
            ),
        )

    def _result(self, places: tuple[int, int, int] | None) -> Counts:
        if places is None:
            raise ValueError("only what could be asked has places")
        one, other, shared = places
        before, both = (0, 0) if one < 0 else (self.row[one], self.row[shared])
        after = self.row[other]
        return Counts(before, after, after - both, before - both)

    def _overlaps(self, fine: set[int]) -> Iterator[Overlap]:
        """Yield what any two of those share that could be computed."""
        found = self.row[self.shared] if self.shared is not None else None
        shared = {(one, other): contacts for one, other, contacts in found or ()}
        number = {name: place for place, name in enumerate(dict.fromkeys(self.statement.names))}
        for one, other in self.overlaps:
            if {one, other} <= fine:
                first, second = (number[self.names[self.pairs[each][1]]] for each in (one, other))
                both = shared.get((min(first, second), max(first, second)), 0)
                alone = (shared.get((each, each), 0) - both for each in (first, second))
                yield Overlap(one, other, both, *alone)


def _uncountable(
    before: Segment | None, after: Segment, wrong: Mapping[Segment, tuple[Problem, ...]]
) -> Uncountable | None:
    if after in wrong:
        return Uncountable(wrong[after])
    if before is not None and before in wrong:
        return Uncountable(wrong[before], in_before=True)
    return None


def _ask(base: Dataset, segment: Segment) -> Audience | tuple[Problem, ...]:
    """Translate a segment, and see whether the base knows what it asks."""
    parents = segment.parent_list_ids
    translated = translate(parse(segment.query), base.columns, parents, shared=True)
    audience = translated.audience
    if audience is None:
        return translated.problems
    if audience.uses_events and base.events is None:
        return (without_events(audience, segment),)
    problems: dict[str, Problem] = {}
    for one in audience.column_uses:
        problem = _lacking(base, one)
        if problem is not None:
            problems.setdefault(problem.message, problem)
    return tuple(problems.values()) or audience


def _lacking(base: Dataset, asked: ColumnUse) -> Problem | None:
    """Say what a base does not know of a column that is asked."""
    place = (asked.start, asked.end)
    relation = base.relation(asked.table)
    column = relation.columns.get(asked.column) if relation else None
    if relation is None or column is None:
        of_contacts = asked.table == "contact_data"
        hint = "pull it again" if base.is_pulled and of_contacts else "export that column as well"
        whose = "the base has" if of_contacts else "the events have"
        return Problem("no-column", f"{whose} no column `{asked.column}`", hint, *place)
    if column.unusable:
        message = f"`{asked.column}` in {relation.name} {column.unusable}"
        return Problem("wrong-type", message, "export it in another form", *place)
    if asked.column != "list_ids" or base.lists is None:
        return None
    if asked.items is None:
        message = "this asks for all lists of a contact, and the base knows only some lists"
        return Problem("unknown-list", message, "`segctl contacts pull` reads them all", *place)
    unknown = [item for item in asked.items if item not in base.lists]
    if not unknown:
        return None
    names = {key.lower(): name for key, name in base.account_lists.items() if name}
    message = f"the base does not know who is on the list {format_lists(unknown, names, ' and ')}"
    return Problem("unknown-list", message, "`segctl contacts pull` reads its members", *place)


def _faults(
    base: Dataset, audience: Audience, bad: Mapping[tuple[str, str], int]
) -> Iterator[Problem]:
    """Yield what is wrong with the values of the columns that an audience asks."""
    told = set()
    for one in audience.column_uses:
        key = (one.table, one.column)
        relation = base.relation(one.table)
        if relation is None or key in told or not bad.get(key):
            continue
        told.add(key)
        column = relation.columns[one.column]
        message, hint = fault_words(relation, one.column, bad[key]), FAULT_HINTS.get(column.kind)
        if one.column == JOIN_COLUMN:
            message, hint = f"events without a {JOIN_COLUMN} stand in {relation.name}", None
        yield Problem("bad-values", message, hint or "", one.start, one.end)


def _failing(
    base: Dataset, sound: Mapping[Segment, Audience], now: datetime
) -> Iterator[tuple[Segment, str]]:
    """Find those whose computation fails on this data, by halves, and why."""
    try:
        Statement(base, [*sound.values()], wholly=True).run(now)
    except EvaluationFailed as error:
        if len(sound) == 1:
            yield next(iter(sound)), error.message
            return
        items, half = [*sound.items()], len(sound) // 2
        yield from _failing(base, dict(items[:half]), now)
        yield from _failing(base, dict(items[half:]), now)


def _refuse_damaged(base: Dataset) -> None:
    """Raise `FileUnreadable` where not even the rows can be counted: no query is to blame."""
    for relation in filter(None, (base.contacts, base.events)):
        value = relation.columns[JOIN_COLUMN].value
        try:
            base.database.rows(f"SELECT count({value}) FROM {relation.source}")  # noqa: S608 - our own relation
        except FileUnreadable:
            raise
        except EvaluationFailed:
            hint = "take it anew: it may be cut or damaged"
            raise FileUnreadable(f"{relation.name} cannot be read", hint=hint) from None
