"""Subqueries in DuckDB's SQL: their tables, joins and rows, and those that become flags.

Leaves joins of events with each other to `event_joins`, and single conditions to `conditions`.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from segctl.audience.alternatives import cannot_bound
from segctl.audience.event_joins import EventJoin
from segctl.audience.functions import FunctionTranslator
from segctl.audience.scope import CONTACT, ScopedTable, TableScope
from segctl.audience.typed_sql import hashed_name, join_conditions
from segctl.query import ast
from segctl.query.aliases import alias_of, sources_of
from segctl.query.catalogue import JOIN_COLUMN, TABLES
from segctl.query.joins import (
    conditions_of,
    is_contact_join,
    join_condition,
    merges_contact_id,
    operands_of,
)
from segctl.query.parser.tokens import lower
from segctl.query.value_types import CannotTranslate, collect, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.audience.scope import Columns

EVENT = "e"
"""The alias of the event in the condition of a flag."""


class SubqueryTranslator(FunctionTranslator):
    """Translates subqueries on events.

    `flags` collects the conditions, by name, that single events decide; where it is `None`, each
    becomes a subquery.
    `unbounded` collects refusals of subqueries that would pair all events of a contact.
    """

    flags: dict[str, str] | None = None

    def __init__(self, text: str, columns: Columns) -> None:
        super().__init__(text, columns)
        self.unbounded: list[CannotTranslate] = []

    def condition_sqls(self, operands: Sequence[ast.Expression], scope: TableScope) -> list[str]:
        """Return conditions in SQL. Raises `CannotTranslate` with the problems of all of them."""
        return collect([partial(self.condition_sql, operand, scope) for operand in operands])

    def events_sql(
        self, query: ast.Query, scope: TableScope, linked: Sequence[str] = ()
    ) -> str | None:
        """Return SQL for whether a subquery on events has a row about the contact.

        `linked` are the aliases that the subquery's place in the query links to the contact. `None`
        where it must be translated as it is.
        """
        if self.paths is None or any(table.table != "event_data" for table in scope.tables):
            return None
        nodes = conditions_of(query)
        if len(scope.tables) == 1:
            flag = self.flag(scope.tables[0], nodes, scope, linked=bool(linked))
            if flag:
                return flag
        around = self._events_around(scope)
        if any(self.aliases_in(node, scope) & around for node in nodes):
            return None
        join = EventJoin(self, scope.tables, nodes, scope, linked)
        return join.sql() if join.is_linked else None

    def linked_by(
        self,
        operand: ast.Expression,
        query: ast.Query,
        outer: TableScope,
        inner: TableScope,
        event: str,
    ) -> tuple[str, ...]:
        """Return the aliases that `operand IN (query)` links to the contact of an event."""
        if len(query.select) != 1:
            return ()
        with self.aside(), self.questions.ignored():
            value = self.value(operand, outer)
            item = self.value(query.select[0].value, inner)
        if value.sql not in (contact_id_sql(CONTACT), contact_id_sql(event)):
            return ()
        return tuple(
            table.alias for table in inner.tables if item.sql == contact_id_sql(table.alias)
        )

    @staticmethod
    def _events_around(scope: TableScope) -> set[str]:
        """Return the aliases of the events outside a subquery."""
        aliases = set()
        outer = scope.outer
        while outer:
            aliases |= {table.alias for table in outer.tables if table.table == "event_data"}
            outer = outer.outer
        return aliases

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Translate something of its own: what it uses is not used by what is around it."""
        saved = self.used, self.flags, self.unbounded
        self.used, self.flags, self.unbounded = set(), None, []
        try:
            yield
        finally:
            self.used, self.flags, self.unbounded = saved

    def aliases_in(self, node: ast.Expression, scope: TableScope) -> frozenset[str]:
        """Return the aliases of the tables that an expression uses, also inside subqueries."""
        with self.aside(), self.questions.ignored():
            self.value(node, scope)
            return frozenset(self.used)

    def bounded_sqls(self, nodes: Sequence[ast.Expression], scope: TableScope) -> list[str]:
        """Return conditions in SQL. Raises `CannotTranslate`, also where one pairs all events."""
        before = len(self.unbounded)
        sqls = self.condition_sqls(nodes, scope)
        self.refuse_unbounded(before)
        return sqls

    def refuse_unbounded(self, before: int) -> None:
        """Raise `CannotTranslate` with the refusals since the number `before`."""
        problems = [problem for refused in self.unbounded[before:] for problem in refused.problems]
        if problems:
            raise CannotTranslate(*dict.fromkeys(problems))

    def flag(
        self,
        table: ScopedTable,
        nodes: Sequence[ast.Expression],
        scope: TableScope,
        *,
        linked: bool = False,
    ) -> str | None:
        """Return SQL for a flag: whether an event of the contact fulfils all conditions.

        One of the conditions must link the event to the contact, unless they are `linked` already,
        and each other one must be about a single event alone. `None` where no flag is possible.
        """
        flags = self.flags
        if flags is None or table.table != "event_data":
            return None
        tables = tuple(
            replace(visible, alias=EVENT) if visible is table else visible
            for visible in scope.tables
        )
        flag_scope = replace(scope, tables=tables)
        # Without flags inside: a nested query would give its events the same alias.
        with self.aside():
            try:
                conditions = []
                for node in nodes:
                    if self._links(node, flag_scope):
                        linked = True
                    else:
                        conditions.append(self.condition_sql(node, flag_scope))
                is_possible = linked and self.used <= {EVENT}
            except CannotTranslate:
                # The translation as a subquery reports it, with all other problems.
                is_possible = False
        if not is_possible:
            return None
        self.used.add(CONTACT)
        condition = join_conditions("AND", conditions) or "TRUE"
        name = hashed_name("f", condition)
        flags[name] = condition
        return f"COALESCE(f.{name}, FALSE)"

    def _links(self, node: ast.Expression, scope: TableScope) -> bool:
        if not is_contact_join(node):
            return False
        used, self.used = self.used, set()
        self.condition_sql(node, scope)
        links, self.used = self.used == {CONTACT, EVENT}, used | (self.used - {CONTACT, EVENT})
        return links

    def rows_sql(self, query: ast.Query, scope: TableScope) -> str:
        """Return the rows of a subquery, as FROM and WHERE. Raises `CannotTranslate`."""
        conditions = self.join_sqls(query, scope)
        if query.where is not None:
            conditions += self.condition_sqls((query.where,), scope)
        if self.paths is not None:
            self.unbounded += self._pairs(query, scope)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f" FROM {tables_sql(scope.tables)}{where}"

    def _pairs(self, query: ast.Query, scope: TableScope) -> Iterator[CannotTranslate]:
        """Yield refusals where rows as they are would pair many events with many rows around them.

        An equality pairs each event with one row; so does the contact_id with a contact.
        """
        own = {table.alias for table in scope.tables if table.table == "event_data"}
        if len(own) > 1:
            yield cannot_bound(query, "this query joins events, and they are not the contact's")
        around = self._events_around(scope)
        nodes = conditions_of(query)
        if own and not any(map(is_contact_join, nodes)):
            around.add(CONTACT)
        for node in nodes:
            aliases = self.aliases_in(node, scope)
            is_equality = isinstance(node, ast.Comparison) and node.op == "="
            if aliases & own and aliases & around and not is_equality:
                yield cannot_bound(node, "this condition compares them in a subquery")

    def inner_scope(self, query: ast.Query, outer: TableScope | None) -> TableScope:
        """Return the tables of a subquery, with aliases of their own."""
        return TableScope(self.tables(query), outer, merges_contact_id(query))

    def tables(self, query: ast.Query) -> tuple[ScopedTable, ...]:
        """Return the tables of a query of the shape SELECT … FROM … JOIN … WHERE.

        Raises `CannotTranslate` for any other shape.
        """
        if query.unsupported:
            clause = query.unsupported[0]
            raise refusal(clause, f"SendGrid does not support {clause.kind.value}")
        if len(query.sources) > 1:
            raise refusal(
                query.sources[1], "tables separated by commas are unsupported", "write JOIN … ON"
            )
        tables: list[ScopedTable] = []
        for source in sources_of(query):
            if not isinstance(source, ast.Table) or source.schema:
                raise refusal(source, "the table must be contact_data or event_data")
            name, alias = lower(source.name.text), alias_of(source)
            if name not in TABLES or alias is None:
                raise refusal(source, f"table `{source.name.text}` not found")
            if any(table.name == lower(alias.text) for table in tables):
                raise refusal(alias, f"duplicate table `{alias.text}`")
            self.alias_count += 1
            tables.append(ScopedTable(lower(alias.text), name, f"t{self.alias_count}"))
        return tuple(tables)

    def join_sqls(self, query: ast.Query, scope: TableScope) -> list[str]:
        """Return the conditions of the joins, which must be on contact_id."""
        conditions = []
        for join in query.joins:
            condition = join_condition(query, join)
            if join.kind != "INNER" or condition is None:
                raise refusal(join, "SendGrid documents no join but JOIN … ON …")
            if not any(map(is_contact_join, operands_of(condition))):
                raise refusal(condition, "the tables must be joined on contact_id")
            conditions += self.condition_sqls((condition,), scope)
        return conditions


def tables_sql(tables: Sequence[ScopedTable]) -> str:
    """Return tables for FROM."""
    return ", ".join(f"{table.table} AS {table.alias}" for table in tables)


def contact_id_sql(alias: str) -> str:
    """Return the contact_id of a table."""
    return f'{alias}."{JOIN_COLUMN}"'
