"""Warnings about conditions that events cannot meet, or only some of them.

A path that no event has, a type that events spell in another case, JSON inside a string: a query
counts nobody, or under NOT everyone, and the number looks like any other. Such numbers may be
right, so they stay, with a warning at the condition. Reads the events once, and only the columns
that the conditions use. Shows values of events only where they are a query's own words in other
letters, or words that SendGrid documents.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from segctl.audience.duckdb_engine import EvaluationFailed
from segctl.audience.expressions import json_path_sql
from segctl.audience.typed_sql import text_sql
from segctl.common.suggest import nearest_match
from segctl.contacts.event_checks import partly_unmatched_events
from segctl.query import ast
from segctl.query.catalogue import EVENT_SOURCES, EVENT_TYPES
from segctl.query.parser.errors import Problem
from segctl.query.parser.parse import parse
from segctl.query.parser.tokens import lower
from segctl.query.visit import walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from segctl.audience.to_duckdb import Audience
    from segctl.contacts.dataset import Dataset
    from segctl.model import Segment

PAYLOAD = "payload"
"""The first step of the paths that SendGrid's events have (sendgrid-api.md §6)."""

_WORDS = {"event_type": EVENT_TYPES, "event_source": EVENT_SOURCES}
_COMPARISONS = ("=", "!=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM")
_NO_EVENTS: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class _Value:
    """A value that a query compares with a column or a path of an event."""

    column: ast.Column
    literal: ast.String


def event_warnings(
    dataset: Dataset, audiences: Mapping[Segment, Audience], matches: tuple[int, int] | None
) -> dict[Segment, tuple[Problem, ...]]:
    """Return warnings about the conditions of audiences, with offsets in their queries.

    `matches` as for `has_unmatched_events`. Empty where the events cannot be read, which the count
    reports.
    """
    uses = {
        segment: _EventUses(segment.query, audience)
        for segment, audience in audiences.items()
        if audience.uses_events
    }
    survey = _Survey(dataset, [*uses.values()])
    try:
        survey.run()
    except EvaluationFailed:
        return {}
    return {
        segment: (
            *partly_unmatched_events(dataset, audiences[segment], segment, matches),
            # One warning for a condition that is in a query twice.
            *{warning.message: warning for warning in survey.warnings(used)}.values(),
        )
        for segment, used in uses.items()
    }


class _EventUses:
    """The columns of events in a query, and the values that it compares with them."""

    def __init__(self, text: str, audience: Audience) -> None:
        self.text = text
        query = parse(text).query
        nodes = [*walk(query)] if query else []
        places = {
            (use.start, use.end): use.column
            for use in audience.column_uses
            if use.table == "event_data"
        }
        self._places = places
        self.paths = [node for node in nodes if isinstance(node, ast.Column) and self._is(node)]
        self.values = [value for node in nodes for value in self._values_in(node)]

    def _is(self, node: ast.Column) -> bool:
        return bool(node.path) and (node.start, node.end) in self._places

    def _values_in(self, node: ast.Node) -> Iterator[_Value]:
        match node:
            case ast.Comparison(left=left, op=op, right=right) if op in _COMPARISONS:
                yield from self._pairs(left, [right])
                yield from self._pairs(right, [left])
            case ast.In(operand=operand, items=tuple() as items):
                yield from self._pairs(operand, items)

    def _pairs(self, operand: ast.Expression, items: Sequence[ast.Expression]) -> Iterator[_Value]:
        while isinstance(operand, ast.Cast):
            operand = operand.operand
        if isinstance(operand, ast.Column) and (
            self._is(operand) or self._places.get((operand.start, operand.end)) in _WORDS
        ):
            for item in items:
                if isinstance(item, ast.String):
                    yield _Value(operand, item)

    def source(self, node: ast.Node) -> str:
        """Return the text of a node in one line."""
        return " ".join(self.text[node.start : node.end].split())


class _Survey:
    """One pass over the events, which counts those with the paths and values of queries."""

    def __init__(self, dataset: Dataset, uses: Sequence[_EventUses]) -> None:
        self._dataset = dataset
        self._paths: dict[str, int] = {}
        self._words: dict[str, dict[str, None]] = {}
        for used in uses:
            for column in used.paths:
                self._paths.setdefault(json_path_sql(column), len(self._paths))
                for other in _other_places(column):
                    self._paths.setdefault(json_path_sql(other), len(self._paths))
            for value in used.values:
                words = self._words.setdefault(_key(value.column), {})
                words |= dict.fromkeys((value.literal.value, _folded(value.literal.value)))
        self._total = self._texts = 0
        self._with_path: list[int] = []
        self._spellings: dict[str, Mapping[str, int]] = {}

    def run(self) -> None:
        """Count. Raises `EvaluationFailed`."""
        relation = self._dataset.events
        if relation is None or not (self._paths or self._words):
            return
        values = [
            f"{column.value} AS {name}"
            for name, column in relation.columns.items()
            if name in _WORDS or (name == "data" and self._paths)
        ]
        rows = f"SELECT {', '.join(values)} FROM {relation.source}"  # noqa: S608 - our own relation
        measures = ["count(*)"]
        if self._paths:
            rows = (
                f"SELECT *, json_extract(data, [{', '.join(self._paths)}]) AS inside FROM ({rows})"  # noqa: S608 - as above
            )
            measures.append("count(*) FILTER (WHERE json_type(data) = 'VARCHAR')")
            measures += [f"count(inside[{index}])" for index in range(1, len(self._paths) + 1)]
        measures += [self._spellings_sql(key, words) for key, words in self._words.items()]
        (row,) = self._dataset.database.rows(f"SELECT {', '.join(measures)} FROM ({rows})")  # noqa: S608 - as above
        self._read(iter(row))

    def _read(self, row: Iterator[Any]) -> None:
        self._total = next(row)
        if self._paths:
            self._texts = next(row)
            self._with_path = [next(row) for _ in self._paths]
        self._spellings = {key: next(row) or {} for key in self._words}

    def _spellings_sql(self, key: str, words: Mapping[str, None]) -> str:
        """Return how many events have each spelling of the words, as a map."""
        value = key
        if key in self._paths:
            value = f"json_extract_string(inside[{self._paths[key] + 1}], '$')"
        known = {**words, **dict.fromkeys(_WORDS.get(key, ()))}
        texts = ", ".join(map(text_sql, known))
        is_near = f"{value} IN ({texts}) OR lower(trim({value})) IN ({texts})"
        return f"histogram({value}) FILTER (WHERE {is_near})"

    def warnings(self, used: _EventUses) -> Iterator[Problem]:
        """Yield the warnings about a query."""
        absent = set()
        for column in used.paths:
            if not self._count(column):
                absent.add(_key(column))
            yield from self._path_warnings(column, used)
        for value in used.values:
            if _key(value.column) not in absent:
                yield from self._value_warnings(value, used)

    def _count(self, column: ast.Column) -> int:
        return self._with_path[self._paths[json_path_sql(column)]]

    def _path_warnings(self, column: ast.Column, used: _EventUses) -> Iterator[Problem]:
        """Yield a warning where no event has a path, or some have its value elsewhere."""
        source, count, place = used.source(column), self._count(column), (column.start, column.end)
        causes = [
            (self._count(other), f"it at {_with_path(source, other)}", "query that path")
            for other in _other_places(column)
        ]
        if self._texts:
            hint = "export DATA as an object, not as a string with JSON in it"
            causes.append((self._texts, "a string as DATA", hint))
        causes = [cause for cause in causes if cause[0]]
        if count and not causes:
            return
        message = f"only {count:,} of {self._total:,} events have {source}"
        if not count:
            message = f"no event has {source}"
        for number, what, _ in causes:
            message += f"; {number:,} {_have(number)} {what}"
        hint = causes[0][2] if causes else "check the spelling; case matters in a path"
        yield Problem("unmatched-event", message, hint, *place)

    def _value_warnings(self, value: _Value, used: _EventUses) -> Iterator[Problem]:
        """Yield a warning where no event has a value, or some have it in other letters."""
        key, text = _key(value.column), value.literal.value
        spellings = self._spellings.get(key, _NO_EVENTS)
        others = {
            spelling: count
            for spelling, count in spellings.items()
            if spelling != text and _folded(spelling) == _folded(text)
        }
        if spellings.get(text) and not others:
            return
        name = used.source(value.column)
        message = f"no event has {name} `{text}`"
        hint = ""
        if spellings.get(text):
            message = f"some events have {name} `{text}`"
        if others:
            most = max(others, key=lambda spelling: others[spelling])
            message += f", and {others[most]:,} {_have(others[most])} `{most}`"
            hint = (
                f"query each spelling that the events have: IN ({text_sql(text)}, {text_sql(most)})"
            )
        elif key in _WORDS:
            near = nearest_match(_folded(text), [word for word in _WORDS[key] if word in spellings])
            hint = f"did you mean `{near}`?" if near else ""
        yield Problem("unmatched-event", message, hint, value.literal.start, value.literal.end)


def _key(column: ast.Column) -> str:
    """Return the column, or the path, that a value is compared with."""
    return json_path_sql(column) if column.path else lower(column.name.text)


def _have(number: int) -> str:
    return "has" if number == 1 else "have"


def _folded(text: str) -> str:
    return text.strip().lower()


def _other_places(column: ast.Column) -> list[ast.Column]:
    """Return the path without its first step, or with the payload before it."""
    first = column.path[0]
    places = [replace(column, path=column.path[1:])] if len(column.path) > 1 else []
    if not (isinstance(first, ast.Name) and first.text == PAYLOAD):
        step = ast.Name(start=column.start, end=column.end, text=PAYLOAD)
        places.append(replace(column, path=(step, *column.path)))
    return places


def _with_path(source: str, column: ast.Column) -> str:
    """Return the source of a path into DATA with the steps of another one."""
    head, _, steps = source.partition(":")
    if not column.path:
        return head
    first = column.path[0]
    if isinstance(first, ast.Name) and first.text == PAYLOAD:
        return f"{head}:{PAYLOAD}.{steps}"
    return f"{head}:{steps.partition('.')[2]}"
