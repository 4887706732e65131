"""A query in plain English, for people who review segments without reading SQL.

    Contacts whose country is US and who clicked an e-mail in the last 30 days.

Arranges the statements of `conditions`: a few make one sentence, many or nested ones a list, whose
items start with "- ", readable in a terminal and as Markdown. What segctl has no words for is
quoted in normal form. Nothing is left out or guessed: a query of an unknown shape is quoted whole.
IDs are shown in full, because two of them may differ only in the last digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.query import ast
from segctl.query.catalogue import UnsupportedKind
from segctl.query.explain.clauses import join_clauses, main_clause, relative_clause
from segctl.query.explain.conditions import ConditionReader
from segctl.query.explain.links import linked_aliases
from segctl.query.explain.memberships import list_membership
from segctl.query.explain.quotations import quote_clause, quote_sql
from segctl.query.explain.scope import NO_FIELDS, NO_LISTS, ExplainScope, field_types
from segctl.query.explain.statements import EventStatement, StatementGroup
from segctl.query.explain.values import signs_note
from segctl.query.joins import join_condition
from segctl.query.parser.tokens import lower, upper
from segctl.query.to_sql import SqlWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from segctl.model.contact_fields import ListNames
    from segctl.query.catalogue import ColumnType
    from segctl.query.explain.statements import Statement

MAX_SENTENCE_LENGTH = 220
"""The length in characters up to which several statements make one sentence."""

MAX_CLAUSES = 4
"""The number of statements that one sentence may have."""


@dataclass(frozen=True, slots=True)
class ExplanationLine:
    """One line of an explanation: a paragraph at `depth` 0, an item of a list at 1 and more."""

    depth: int
    text: str


def explain(
    query: ast.Query,
    *,
    lists: ListNames = NO_LISTS,
    parents: Sequence[str] = (),
    fields: Mapping[str, ColumnType] = NO_FIELDS,
) -> str:
    """Return who is in the audience of a query, ending with a full stop.

    `lists` has the known names of contact lists by ID, `parents` the IDs of the segment's parent
    lists, `fields` the known types of the account's own fields. Never raises; e-mail addresses are
    masked.
    """
    lines = explain_lines(query, lists=lists, parents=parents, fields=fields)
    return "\n".join(
        line.text if not line.depth else f"{'  ' * (line.depth - 1)}- {line.text}" for line in lines
    )


def explain_lines(
    query: ast.Query,
    *,
    lists: ListNames = NO_LISTS,
    parents: Sequence[str] = (),
    fields: Mapping[str, ColumnType] = NO_FIELDS,
) -> tuple[ExplanationLine, ...]:
    """Return the explanation line by line, for views with their own kind of lists."""
    shape = _shape(query)
    if shape is None:
        text = f"contacts selected by the query {quote_sql(SqlWriter().query(query))}"
        return (ExplanationLine(0, f"{_with_parents(text, parents, lists)}."),)
    contacts, events, conditions, with_last_event = shape
    types = field_types(query, fields)
    scope = ExplainScope(contacts, events, lists=lists, fields=types)
    group = ConditionReader(scope).read_all(conditions)
    if len(group.parts) == 1 and isinstance(group.parts[0], StatementGroup):
        group = group.parts[0]
    tail = ", with the time of the latest such event" if with_last_event else ""
    sentence = _sentence(group)
    if sentence is not None:
        lines = [ExplanationLine(0, _with_parents(sentence, parents, lists) + tail)]
    else:
        membership = f"{list_membership(parents, lists)} and " if parents else ""
        amount = "all" if group.every else "at least one"
        text = f"Contacts who {membership}meet {amount} of these conditions{tail}:"
        lines = [ExplanationLine(0, text)]
        lines += _list_lines(group, 1)
    lines = [_with_signs(line) for line in lines]
    lines[-1] = ExplanationLine(lines[-1].depth, f"{lines[-1].text}.")
    unsupported = [
        e
        for e in query.unsupported
        if e.kind not in (UnsupportedKind.STAR, UnsupportedKind.DISTINCT)
    ]
    if unsupported:  # comes first: the rest would be wrong on its own
        unknown = " and ".join(quote_clause(part.text) for part in unsupported)
        lines.insert(
            0,
            ExplanationLine(
                0,
                f"This query cannot be explained completely: it contains {unknown}. Without that:",
            ),
        )
    return tuple(lines)


def _with_signs(line: ExplanationLine) -> ExplanationLine:
    note = signs_note(line.text)
    return ExplanationLine(line.depth, f"{line.text}, where {note}") if note else line


def _with_parents(text: str, parents: Sequence[str], lists: ListNames) -> str:
    """Return a sentence about contacts, starting with the parent lists."""
    if parents:
        text = f"{list_membership(parents, lists).removeprefix('are ')}: {text}"
    return f"{text[0].upper()}{text[1:]}"


_Shape = tuple[str, tuple[str, ...], list[ast.Expression], bool]


def _shape(query: ast.Query) -> _Shape | None:
    """Return the aliases of contacts and events, the conditions, and `_selects_last_event`.

    `None` if the tables are joined in any way but the documented one.
    """
    sources = [*query.sources, *(join.source for join in query.joins)]
    contacts: list[str] = []
    events: list[str] = []
    for source in sources:
        if not isinstance(source, ast.Table) or source.schema or source.name.quoted:
            return None
        alias = source.alias or source.name
        kinds = {"contact_data": contacts, "event_data": events}
        if lower(source.name.text) not in kinds or alias.quoted:
            return None
        kinds[lower(source.name.text)].append(lower(alias.text))
    if len(query.sources) > 1 or len(contacts) > 1 or len({*contacts, *events}) < len(sources):
        return None
    conditions: list[ast.Expression] = []
    for join in query.joins:
        if not _is_documented_join(query, join, {*contacts, *events}, conditions):
            return None
    if query.where:
        conditions.append(query.where)
    last = _selects_last_event(query.select)
    if last is None or (last and len(events) != 1):
        return None
    return (contacts or [""])[0], tuple(events), conditions, last


def _is_documented_join(
    query: ast.Query, join: ast.Join, aliases: set[str], conditions: list[ast.Expression]
) -> bool:
    """Return whether a join is the documented one; add its other conditions to `conditions`."""
    if join.kind != "INNER":
        return False
    if join.using:
        return [lower(name.text) for name in join.using] == ["contact_id"]
    condition = join_condition(query, join)
    operands = condition.operands if isinstance(condition, ast.And) else (condition,)
    own = _alias(join.source)
    links = [
        on
        for on in operands
        if on and own in linked_aliases(on) <= aliases and len(linked_aliases(on)) > 1
    ]
    conditions += [on for on in operands if on and on not in links]
    return bool(links)


def _alias(source: ast.Source) -> str:
    return lower((source.alias or source.name).text) if isinstance(source, ast.Table) else ""


def _selects_last_event(select: tuple[ast.SelectItem, ...]) -> bool | None:
    """Return whether the time of the last event is selected; `None` for any other expression."""
    last = False
    for item in select:
        match item.value:
            case ast.Column() | ast.Star():
                pass
            case ast.Call(name=name, args=(ast.Column(name=column, path=()),)) if (
                upper(name.text) == "MAX" and lower(column.text) == "timestamp"
            ):
                last = True
            case _:
                return None
    return last


def _sentence(group: StatementGroup) -> str | None:
    """Return a group as one sentence, or `None` if a list is clearer."""
    if not group.parts:
        return "all contacts"
    clauses = [
        relative_clause(part, it)
        for part, it in _with_single_sends(group)
        if not isinstance(part, StatementGroup)
    ]
    if len(clauses) < len(group.parts) or len(clauses) > MAX_CLAUSES:
        return None
    text = f"contacts {join_clauses(clauses, every=group.every)}"
    return text if len(text) <= MAX_SENTENCE_LENGTH or len(clauses) == 1 else None


def _with_single_sends(group: StatementGroup) -> Iterator[tuple[Statement, str | None]]:
    """Yield the statements of a group, each with the Single Send mentioned just before."""
    single_send: str | None = None
    for part in group.parts:
        yield part, single_send
        single_send = part.event.single_send if isinstance(part, EventStatement) else None


def _list_lines(group: StatementGroup, depth: int) -> Iterator[ExplanationLine]:
    for part, it in _with_single_sends(group):
        if isinstance(part, StatementGroup):
            yield ExplanationLine(depth, f"{'all' if part.every else 'at least one'} of these:")
            yield from _list_lines(part, depth + 1)
        else:
            yield ExplanationLine(depth, main_clause(part, it))
