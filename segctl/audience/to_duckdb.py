"""A query as one condition on a contact, in DuckDB's SQL.

`translate` returns an `Audience`, whose `condition.sql` is a condition over the relations
`contact_data AS c` and `event_data`, TRUE, FALSE or NULL for each contact. The rows that a join
returns for a contact are inside an EXISTS, so a contact counts once, and any number of audiences
can be evaluated in one pass over the contacts::

    SELECT count(*) FILTER (WHERE p1), count(*) FILTER (WHERE p2) FROM contact_data AS c

The relations have the columns of the catalogue and the account's own fields, in the types of
`TYPES`: times in UTC without a zone, NULL for what a contact does not have. `$now` is the time of
the evaluation, in UTC as well. `Condition` has the same for each condition in the query.

"Has clicked in the last 30 days" depends only on whether one of the contact's events fulfils a
condition, and many segments use that. Such a condition can become a flag instead of a subquery, so
that all flags of all audiences come from one pass over the events. `Audience.flags` has the
condition, over `event_data AS e`; the audience's own condition uses the flag's name as a column of
a relation `f`, left-joined to the contacts on contact_id, which is true where an event of the
contact fulfils the condition. This is equivalent as long as no event lacks its contact_id.

Likewise, the value at a path into DATA need not be extracted from the JSON by each condition that
uses it. `Audience.paths` has the paths, by name, and the conditions use two columns of `event_data`
(`typed_sql.path_columns`): the type of the value, as `json_type` returns it, and the value as a
text.

Translates the outermost query. Runs no SQL, and refuses to translate what is uncertain.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from segctl.audience.conditions import ConditionTranslator
from segctl.audience.event_joins import EventJoin
from segctl.audience.scope import CONTACT, Columns, ColumnUse, ScopedTable, TableScope
from segctl.audience.subqueries import tables_sql
from segctl.audience.typed_sql import NUMBER_TYPE, join_conditions, list_ids_sql
from segctl.query import ast
from segctl.query.catalogue import SELECTED_COLUMNS, ColumnType
from segctl.query.joins import conditions_of, merges_contact_id, operands_of
from segctl.query.list_ids import LIST_IDS, normal_list_ids
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
"""The types of the columns in DuckDB. Arrays contain no NULL."""

Operator = Literal["AND", "OR", "NOT", "ROW", ""]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of a query: `start` and `end` are offsets in its text, `sql` is its value.

    `operator` says how `operands` make it up; it is empty for a condition without operands. ROW is
    a join, true where one of its rows fulfils all conditions on them: the first operand is the join
    itself, and each other one is a condition on the rows, true where some row fulfils it. `start`
    is -1 for the parent lists, which are not in the query.
    """

    start: int
    end: int
    sql: str
    operator: Operator = ""
    operands: tuple[Condition, ...] = ()

    def walk(self) -> Iterator[Condition]:
        """Yield this condition and all below it."""
        yield self
        for operand in self.operands:
            yield from operand.walk()


@dataclass(frozen=True, slots=True)
class Audience:
    """A translated query; `uses_events`: it means nothing without events.

    `column_uses` are the columns that decide, at every place where they are used. `flags` are
    conditions on events, by name, and `paths` are paths into DATA, by name; the condition on the
    contact expects the result of both from elsewhere.
    """

    condition: Condition
    uses_events: bool
    column_uses: tuple[ColumnUse, ...] = ()
    flags: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Translation:
    """The result of a translation: `audience` is `None` exactly when there are `problems`."""

    audience: Audience | None
    problems: tuple[Problem, ...] = field(default=())


def translate(
    parsed: ParsedQuery, columns: Columns, parents: Sequence[str] = (), *, shared: bool = False
) -> Translation:
    """Translate a query with its parent lists. Never raises.

    Problems have offsets in the query's text. `shared` makes flags and names paths into DATA where
    that is possible, so that one pass over the events can serve all audiences.
    """
    if parsed.query is None:
        return Translation(None, parsed.problems)
    translator = _AudienceTranslator(parsed.text, columns)
    if shared:
        translator.flags, translator.paths = {}, {}
    try:
        return Translation(translator.audience(parsed.query, parents))
    except CannotTranslate as refused:
        return Translation(None, refused.problems)


class _AudienceTranslator(ConditionTranslator):
    """Translates the outermost query, whose contact is the row `c`."""

    def audience(self, query: ast.Query, parents: Sequence[str]) -> Audience:
        scope = self._outermost_scope(query)
        event_tables = tuple(table for table in scope.tables if table.alias != CONTACT)
        self._check_selected(query, scope)
        # The selected columns decide nothing.
        self.column_uses.clear()
        joins = self.join_sqls(query, scope)
        nodes = operands_of(query.where)
        with_uses = collect([partial(self._condition_and_uses, node, scope) for node in nodes])
        aliases = {table.alias for table in event_tables}
        conditions = [condition for condition, used in with_uses if not used & aliases]
        sqls = [condition.sql for condition in conditions]
        if event_tables:
            on_rows = [condition for condition, used in with_uses if used & aliases]
            row_nodes = [
                node for node, (_, used) in zip(nodes, with_uses, strict=True) if used & aliases
            ]
            row = _row_condition(query, _Exists(event_tables, tuple(joins)), on_rows)
            conditions.append(row)
            sqls.append(row.sql if self.flags is None else self._join_sql(query, row_nodes, scope))
        if parents:
            ids = tuple(normal_list_ids(parents))
            conditions.insert(0, Condition(-1, -1, list_ids_sql(f'{CONTACT}."{LIST_IDS}"', ids)))
            sqls.insert(0, conditions[0].sql)
            self.column_uses.append(ColumnUse("contact_data", LIST_IDS, -1, -1, ids))
        place = query.where or query
        sql = f"({join_conditions('AND', sqls)})" if sqls else "TRUE"
        root = Condition(place.start, place.end, sql, "AND", tuple(conditions))
        if len(conditions) == 1 and not event_tables:
            (root,) = conditions
        return Audience(
            root,
            "event_data" in sql or bool(self.flags),
            tuple(dict.fromkeys(self.column_uses)),
            self.flags or {},
            self.paths or {},
        )

    def _outermost_scope(self, query: ast.Query) -> TableScope:
        """Return the tables of the query, with the contact as `c`. Raises `CannotTranslate`."""
        tables = self.tables(query)
        contacts = [table for table in tables if table.table == "contact_data"]
        if len(contacts) != 1:
            raise refusal(query, "the query must use contact_data exactly once")
        return TableScope(
            tuple(
                replace(table, alias=CONTACT) if table in contacts else table for table in tables
            ),
            merges_contact_id=merges_contact_id(query),
        )

    def _join_sql(
        self, query: ast.Query, nodes: Sequence[ast.Expression], scope: TableScope
    ) -> str:
        """Return SQL for a join that many contacts share; `nodes` are the conditions on its rows.

        A flag where that is possible. Raises `CannotTranslate`.
        """
        tables = [table for table in scope.tables if table.alias != CONTACT]
        on = conditions_of(replace(query, where=None))
        flag = self.flag(tables[0], [*on, *nodes], scope) if len(tables) == 1 else None
        return flag or EventJoin(self, tables, [*on, *nodes], scope).sql()

    def _condition_and_uses(
        self, node: ast.Expression, scope: TableScope
    ) -> tuple[Condition, set[str]]:
        """Return a condition and the aliases of the tables it uses, also inside subqueries."""
        self.used, self.unbounded = set(), []
        condition = self._condition(node, scope)
        if not any(table.alias in self.used for table in scope.tables if table.alias != CONTACT):
            self.refuse_unbounded(0)
        # Joins are translated again, differently.
        return condition, self.used

    def _condition(self, node: ast.Expression, scope: TableScope) -> Condition:
        if isinstance(node, ast.Not) and isinstance(node.operand, ast.And | ast.Or | ast.Not):
            operand = self._condition(node.operand, scope)
            return Condition(node.start, node.end, f"(NOT {operand.sql})", "NOT", (operand,))
        if not isinstance(node, ast.And | ast.Or):
            return Condition(node.start, node.end, self.condition_sql(node, scope))
        operator: Operator = "AND" if isinstance(node, ast.And) else "OR"
        operands = collect([partial(self._condition, operand, scope) for operand in node.operands])
        sql = f"({join_conditions(operator, [operand.sql for operand in operands])})"
        return Condition(node.start, node.end, sql, operator, tuple(operands))

    def _check_selected(self, query: ast.Query, scope: TableScope) -> None:
        """Check that the query selects a contact, and at most MAX(timestamp) after that."""
        names = tuple(
            lower(item.value.name.text)
            for item in query.select
            if isinstance(item.value, ast.Column) and not item.value.path
        )
        rest = query.select[len(SELECTED_COLUMNS) :]
        if names != SELECTED_COLUMNS or len(rest) > 1:
            raise refusal(
                query.select[0],
                "the query must select contacts",
                "select contact_id and updated_at",
            )
        for item in query.select[: len(SELECTED_COLUMNS)]:
            self.value(item.value, scope)
        for item in rest:
            match item.value:
                case ast.Call(name=name, args=(ast.Column() as column,)) if (
                    upper(name.text) == "MAX" and self.value(column, scope).type is ValueType.TIME
                ):
                    pass
                case _:
                    raise refusal(
                        item, "only MAX(timestamp) may be selected after contact_id and updated_at"
                    )


def _row_condition(query: ast.Query, exists: _Exists, conditions: Sequence[Condition]) -> Condition:
    """Return the condition that a row of the joins fulfils all `conditions`."""
    join = Condition(query.joins[0].start, query.joins[-1].end, exists.sql())
    first, last = (conditions[0], conditions[-1]) if conditions else (join, join)
    sql = exists.sql(*(condition.sql for condition in conditions))
    operands = (join, *(exists.condition(condition) for condition in conditions))
    return Condition(first.start, last.end, sql, "ROW", operands)


@dataclass(frozen=True, slots=True)
class _Exists:
    """Conditions on the rows that a join returns for one contact."""

    tables: tuple[ScopedTable, ...]
    joins: tuple[str, ...]

    def sql(self, *conditions: str) -> str:
        where = " AND ".join((*self.joins, *conditions))
        return f"EXISTS (SELECT 1 FROM {tables_sql(self.tables)} WHERE {where})"  # noqa: S608 - translated

    def condition(self, condition: Condition) -> Condition:
        """Return a condition on some row: NULL where it is neither true nor false in any row."""
        where = " AND ".join(self.joins)
        # In a subquery: an aggregate of the contact alone would belong to the outer query.
        rows = f"SELECT {condition.sql} AS met FROM {tables_sql(self.tables)} WHERE {where}"  # noqa: S608 - translated
        sql = f"(SELECT bool_or(met) FROM ({rows}))"  # noqa: S608 - as above
        if condition.operator == "NOT":
            # That one row does not fulfil a condition does not mean that none does.
            return replace(condition, sql=sql, operator="", operands=())
        operands = tuple(self.condition(operand) for operand in condition.operands)
        return replace(condition, sql=sql, operands=operands)
