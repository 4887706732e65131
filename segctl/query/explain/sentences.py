"""A query in plain English, for whoever reviews a segment without reading SQL.

    Contacts whose country is US and who clicked an e-mail in the last 30 days.

Owns the arrangement: a few statements make one sentence, many or mixed ones a list of which
every line begins with "- ", readable in a terminal and as Markdown. The statements are
`audience`'s. What segctl has no words for is quoted as it stands in the query, in normal form;
nothing is left out and nothing guessed: a query of a shape that is not known is quoted whole.
Ids are shown in full, for two of them may differ in the last digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from segctl.query import ast
from segctl.query.catalogue import UnsupportedKind
from segctl.query.explain.conditions import Audience, linked
from segctl.query.explain.phrases import clause, quotation
from segctl.query.explain.statements import Doing, Group, on_lists, relative_clause
from segctl.query.parser.tokens import lower, upper
from segctl.query.to_sql import SqlWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.model.contact_fields import ListNames

LONGEST = 220
"""A sentence has so many characters at the most, but for one that has a single statement."""

MOST = 4
"""A sentence has so many statements at the most."""

_NO_LISTS: ListNames = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ExplanationLine:
    """One line of an explanation: `depth` 0 is a paragraph, 1 and more an item of a list."""

    depth: int
    text: str


def explain(query: ast.Query, *, lists: ListNames = _NO_LISTS, parents: Sequence[str] = ()) -> str:
    """Say who is in the audience of a query. Ends with a full stop.

    `lists` has the names of contact lists by id, as far as they are known; `parents` the ids of
    the segment's parent lists. Never raises; e-mail addresses are masked.
    """
    lines = explain_lines(query, lists=lists, parents=parents)
    return "\n".join(
        line.text if not line.depth else f"{'  ' * (line.depth - 1)}- {line.text}" for line in lines
    )


def explain_lines(
    query: ast.Query, *, lists: ListNames = _NO_LISTS, parents: Sequence[str] = ()
) -> tuple[ExplanationLine, ...]:
    """Say it line by line, for other kinds of lists than `explain`'s."""
    shape = _shape(query)
    if shape is None:
        text = f"contacts that the query {quotation(SqlWriter().query(query))} selects"
        return (ExplanationLine(0, f"{_begun(text, parents, lists)}."),)
    contacts, events, conditions, last = shape
    group = Audience(lists, contacts, events).statement(conditions)
    if len(group.parts) == 1 and isinstance(group.parts[0], Group):
        group = group.parts[0]
    tail = ", with the time of their last such event" if last else ""
    sentence = _sentence(group)
    if sentence is not None:
        lines = [ExplanationLine(0, _begun(sentence, parents, lists) + tail)]
    else:
        where = f" who {on_lists(parents, lists)} and" if parents else ""
        amount = "all of this" if group.every else "at least one of these"
        lines = [ExplanationLine(0, f"Contacts{where} to whom {amount} applies{tail}:")]
        lines += _items(group, 1)
    lines[-1] = ExplanationLine(lines[-1].depth, f"{lines[-1].text}.")
    extras = [
        e
        for e in query.unsupported
        if e.kind not in (UnsupportedKind.STAR, UnsupportedKind.DISTINCT)
    ]
    if extras:  # said first: what follows would be wrong alone
        unknown = " and ".join(clause(extra.text) for extra in extras)
        lines.insert(
            0,
            ExplanationLine(
                0, f"Not all of this query can be explained: it says {unknown}. Without that:"
            ),
        )
    return tuple(lines)


def _begun(text: str, parents: Sequence[str], lists: ListNames) -> str:
    """Begin a sentence about contacts with the lists that they are on."""
    if parents:
        text = f"{on_lists(parents, lists).removeprefix('are ')}: {text}"
    return f"{text[0].upper()}{text[1:]}"


_Shape = tuple[str, tuple[str, ...], list[ast.Expression], bool]


def _shape(query: ast.Query) -> _Shape | None:
    """Return the aliases of contacts and events, the conditions, and whether it is a last event.

    `None` for a query whose tables are joined in any other way than the documented one.
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
        if not _joined(join, {*contacts, *events}, conditions):
            return None
    if query.where:
        conditions.append(query.where)
    last = _last(query.select)
    if last is None or (last and len(events) != 1):
        return None
    return (contacts or [""])[0], tuple(events), conditions, last


def _joined(join: ast.Join, aliases: set[str], conditions: list[ast.Expression]) -> bool:
    """Tell whether a join is the documented one; add what else it asks to the conditions."""
    if join.kind != "INNER":
        return False
    if join.using:
        return [lower(name.text) for name in join.using] == ["contact_id"]
    operands = join.on.operands if isinstance(join.on, ast.And) else (join.on,)
    own = _alias(join.source)
    link = [on for on in operands if on and own in linked(on) <= aliases and len(linked(on)) > 1]
    conditions += [on for on in operands if on and on not in link]
    return bool(link)


def _alias(source: ast.Source) -> str:
    return lower((source.alias or source.name).text) if isinstance(source, ast.Table) else ""


def _last(select: tuple[ast.SelectItem, ...]) -> bool | None:
    """Tell whether the time of the last event is selected; `None` if anything unknown is."""
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


def _sentence(group: Group) -> str | None:
    """Say a group in one sentence, or return `None` where a list is clearer."""
    if not group.parts:
        return "all contacts"
    clauses = list(_clauses(group))
    if len(clauses) < len(group.parts):
        return None
    word = "and" if group.every else "or"
    if len(clauses) == 1:
        return f"contacts {clauses[0]}"
    if len(clauses) > MOST:
        return None
    loose = any(", " in clause or (group.every and " or " in clause) for clause in clauses)
    comma = "," if len(clauses) > 2 or loose else ""  # noqa: PLR2004
    text = f"contacts {', '.join(clauses[:-1])}{comma} {word} {clauses[-1]}"
    return text if len(text) <= LONGEST else None


def _clauses(group: Group) -> Iterator[str]:
    """Yield the statements of a group that are no groups, as relative clauses."""
    known: str | None = None
    for part in group.parts:
        if not isinstance(part, Group):
            yield relative_clause(part, known)
        known = part.event.send if isinstance(part, Doing) else None


def _items(group: Group, depth: int) -> Iterator[ExplanationLine]:
    clauses = _clauses(group)
    for part in group.parts:
        if isinstance(part, Group):
            yield ExplanationLine(depth, f"{'all' if part.every else 'at least one'} of these:")
            yield from _items(part, depth + 1)
        else:
            yield ExplanationLine(depth, _main_clause(next(clauses)))


def _main_clause(clause: str) -> str:
    """Make a line of a list of a relative clause: `their country is US`."""
    begin, _, rest = clause.partition(" ")
    if begin == "for":
        return rest.removeprefix("whom ")
    return f"{'their' if begin == 'whose' else 'they'} {rest}"
