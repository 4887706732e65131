"""A query becomes one condition on a contact, in DuckDB's SQL.

`translate` gives an `Audience`, whose `part.sql` is a condition over the relations `contact_data AS
c` and `event_data`, TRUE, FALSE or NULL for each contact: the rows that a join would give a contact
are inside an EXISTS, so a contact counts once, and any number of audiences can be evaluated in one
pass over the contacts::

    SELECT count(*) FILTER (WHERE p1), count(*) FILTER (WHERE p2) FROM contact_data AS c

The relations have the columns of the catalogue and the account's own, in the types of `TYPES`:
times in UTC without a zone, NULL for what a contact does not have. `$now` is the moment of the
evaluation, likewise. `Condition` says the same of each condition in the query by itself.

"Has clicked in the last 30 days" says nothing of a contact but whether one of its events fulfils a
condition, and many segments ask that. Such a condition can become a flag instead of a subquery, so
that all flags of all audiences come from one pass over the events. `Audience.flags` has the
condition, over `event_data AS e`; the audience's own uses its name as a column of a relation `f`,
joined left to the contacts on contact_id, which is true where some event of the contact fulfils it.
It means the same as long as no event lacks its contact_id.

Likewise, what stands at a path into DATA need not be taken out of the JSON by each condition that
asks it. `Audience.paths` has the paths, by name, and what stands there is asked of two columns of
`event_data` (`pieces.path_columns`): its type as `json_type` gives it, and it as a text.

Owns the outermost query; refuses to run anything, and to translate what it is not sure of.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from segctl.audience.conditions import CONTACT, ConditionTranslator, operands_of, tables_sql
from segctl.audience.scope import Columns, ColumnUse, ScopedTable, TableScope
from segctl.audience.typed_sql import NUMBER_TYPE, text_sql
from segctl.query import ast
from segctl.query.catalogue import SELECTED_COLUMNS, ColumnType
from segctl.query.parser.tokens import lower, upper
from segctl.query.value_types import CannotTranslate, ValueType, collect, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from segctl.query.parser.errors import Problem
    from segctl.query.parser.parse import ParsedQuery

TYPES = {
    ColumnType.VARCHAR: "VARCHAR",
    ColumnType.NUMBER: NUMBER_TYPE,
    ColumnType.TIMESTAMP: "TIMESTAMP",
    ColumnType.ARRAY: "VARCHAR[]",
    ColumnType.VARIANT: "JSON",
}
"""The types of the columns in DuckDB. Arrays hold no NULL."""

Operator = Literal["AND", "OR", "NOT", "ROW", ""]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of a query: `start` and `end` are offsets in its text, `sql` is its truth.

    `joiner` says how `parts` make it up; it is empty for a condition without parts. ROW is a join,
    true where one of its rows fulfils all conditions on them: the first part is the join itself,
    and each other one is a condition on the rows, true where some row fulfils that one. `start` is
    -1 for the parent list, which stands outside the query.
    """

    start: int
    end: int
    sql: str
    joiner: Operator = ""
    parts: tuple[Condition, ...] = ()

    def walk(self) -> Iterator[Condition]:
        """Yield this part and all below it."""
        yield self
        for part in self.parts:
            yield from part.walk()


@dataclass(frozen=True, slots=True)
class Audience:
    """A translated query; `uses_events` says whether it means anything without events.

    `asked` are the columns that decide, each at every place where it is asked. `flags` are the
    conditions, by name, that the condition on the contact takes from somewhere else, and `paths`
    those into DATA whose values it does.
    """

    condition: Condition
    uses_events: bool
    asked: tuple[ColumnUse, ...] = ()
    flags: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Translation:
    """What translating gave: `audience` is `None` exactly when there are `problems`."""

    audience: Audience | None
    problems: tuple[Problem, ...] = field(default=())


def translate(
    parsed: ParsedQuery, columns: Columns, parents: Sequence[str] = (), *, shared: bool = False
) -> Translation:
    """Translate a query with its parent lists. Never raises.

    Problems have offsets in the query's text. `shared` makes flags of what can be one, and names
    paths into DATA: what one pass over the events can give all audiences.
    """
    if parsed.query is None:
        return Translation(None, parsed.problems)
    work = AudienceTranslator(parsed.text, columns)
    if shared:
        work.flags, work.paths = {}, {}
    try:
        return Translation(work.audience(parsed.query, parents))
    except CannotTranslate as stop:
        return Translation(None, stop.problems)


class AudienceTranslator(ConditionTranslator):
    """Translates the outermost query, whose contact is the row `c`."""

    def audience(self, query: ast.Query, parents: Sequence[str]) -> Audience:
        """Return the audience that a query and its parent lists select."""
        tables = self.tables(query)
        contacts = [seen for seen in tables if seen.table == "contact_data"]
        if len(contacts) != 1:
            raise refusal(query, "the query must ask contact_data, and that once")
        scope = TableScope(
            tuple(replace(seen, alias=CONTACT) if seen in contacts else seen for seen in tables)
        )
        others = tuple(seen for seen in scope.tables if seen.alias != CONTACT)
        self._check_selected(query, scope)
        # What is selected decides nothing.
        self.asked.clear()
        joins = self.joined(query, scope)
        nodes = operands_of(query.where)
        asking = collect([partial(self._asking, node, scope) for node in nodes])
        rows = {seen.alias for seen in others}
        alone = [part for part, used in asking if not used & rows]
        events = [part for part, used in asking if used & rows]
        parts, sqls = list(alone), [part.sql for part in alone]
        if others:
            exists = _Exists(others, tuple(joins))
            join = Condition(query.joins[0].start, query.joins[-1].end, exists.of())
            first, last = (events[0], events[-1]) if events else (join, join)
            row = exists.of(*(part.sql for part in events))
            inside = (join, *(exists.part(part) for part in events))
            parts.append(Condition(first.start, last.end, row, "ROW", inside))
            flag = None
            if len(others) == 1:
                conditions = [join.on for join in query.joins if join.on]
                both = [one for on in conditions for one in operands_of(on)]
                both += [node for node, (_, used) in zip(nodes, asking, strict=True) if used & rows]
                flag = self.flag(others[0], both, scope)
            sqls.append(flag or row)
        if parents:
            ids = ", ".join(map(text_sql, parents))
            parts.insert(0, Condition(-1, -1, f'list_has_any(c."list_ids", [{ids}])'))
            sqls.insert(0, parts[0].sql)
            self.asked.append(ColumnUse("contact_data", "list_ids", -1, -1, tuple(parents)))
        place = query.where or query
        whole = f"({' AND '.join(sqls)})" if sqls else "TRUE"
        root = Condition(place.start, place.end, whole, "AND", tuple(parts))
        if len(parts) == 1 and not others:
            (root,) = parts
        asked = tuple(dict.fromkeys(self.asked))
        uses_events = "event_data" in whole or bool(self.flags)
        return Audience(root, uses_events, asked, self.flags or {}, self.paths or {})

    def _asking(self, node: ast.Expression, scope: TableScope) -> tuple[Condition, set[str]]:
        """Translate one condition; say which tables it asks, those of queries inside included."""
        self.used = set()
        return self._part(node, scope), self.used

    def _part(self, node: ast.Expression, scope: TableScope) -> Condition:
        if isinstance(node, ast.Not) and isinstance(node.operand, ast.And | ast.Or | ast.Not):
            inner = self._part(node.operand, scope)
            return Condition(node.start, node.end, f"(NOT {inner.sql})", "NOT", (inner,))
        if not isinstance(node, ast.And | ast.Or):
            return Condition(node.start, node.end, self.truth(node, scope))
        word: Operator = "AND" if isinstance(node, ast.And) else "OR"
        parts = collect([partial(self._part, one, scope) for one in node.operands])
        sql = f"({f' {word} '.join(part.sql for part in parts)})"
        return Condition(node.start, node.end, sql, word, tuple(parts))

    def _check_selected(self, query: ast.Query, scope: TableScope) -> None:
        """Refuse what selects something else than a contact; MAX(timestamp) may follow."""
        names = tuple(
            lower(item.value.name.text)
            for item in query.select
            if isinstance(item.value, ast.Column) and not item.value.path
        )
        rest = query.select[len(SELECTED_COLUMNS) :]
        if names != SELECTED_COLUMNS or len(rest) > 1:
            raise refusal(
                query.select[0],
                "the query selects something else than contacts",
                "select contact_id and updated_at",
            )
        for item in query.select[: len(SELECTED_COLUMNS)]:
            self.value(item.value, scope)
        for item in rest:
            match item.value:
                case ast.Call(name=name, args=(ast.Column() as column,)) if (
                    upper(name.text) == "MAX" and self.value(column, scope).kind is ValueType.TIME
                ):
                    pass
                case _:
                    raise refusal(
                        item, "beside contact_id and updated_at only MAX(timestamp) is selected"
                    )


@dataclass(frozen=True, slots=True)
class _Exists:
    """ConditionTranslator on the rows that a join gives one contact."""

    tables: tuple[ScopedTable, ...]
    joins: tuple[str, ...]

    def of(self, *conditions: str) -> str:
        every = " AND ".join((*self.joins, *conditions))
        return f"EXISTS (SELECT 1 FROM {tables_sql(self.tables)} WHERE {every})"  # noqa: S608 - translated

    def part(self, part: Condition) -> Condition:
        """Ask a condition of some row: NULL where it is neither true nor false in any."""
        where = " AND ".join(self.joins)
        # Of rows: an aggregate of the contact's columns alone would be one of the query around.
        rows = f"SELECT {part.sql} AS met FROM {tables_sql(self.tables)} WHERE {where}"  # noqa: S608 - translated
        sql = f"(SELECT bool_or(met) FROM ({rows}))"  # noqa: S608 - as above
        if part.joiner == "NOT":
            # That no row fulfils a condition does not follow from one that does not.
            return replace(part, sql=sql, joiner="", parts=())
        return replace(part, sql=sql, parts=tuple(self.part(inner) for inner in part.parts))
