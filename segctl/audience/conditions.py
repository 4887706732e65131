"""Conditions and subqueries of a query in DuckDB's SQL.

Covers AND, OR, NOT, comparisons, LIKE, IN and EXISTS. Three-valued logic is DuckDB's own, which is
SQL's: the translation preserves it by going operator by operator. The problems of all operands of
an AND or OR are collected, so that a user sees them at once. Leaves the outermost query to
`to_duckdb`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from segctl.audience.expressions import refuse_equality
from segctl.audience.functions import FunctionTranslator
from segctl.audience.literals import text_value
from segctl.audience.scope import ScopedTable, TableScope, resolve
from segctl.audience.typed_sql import (
    TypedSql,
    hashed_name,
    join_conditions,
    text_sql,
    unify_types,
)
from segctl.query import ast
from segctl.query.aliases import alias_of, sources_of
from segctl.query.catalogue import JOIN_COLUMN, TABLES
from segctl.query.joins import (
    is_contact_join,
    join_condition,
    merges_contact_id,
    operands_of,
)
from segctl.query.parser.tokens import lower, upper
from segctl.query.value_types import CannotTranslate, ValueType, collect, refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

CONTACT = "c"
"""The alias of the contact that a query is about."""

EVENT = "e"
"""The alias of the event in the condition of a flag."""

_CONTACT_ID = f'{CONTACT}."{JOIN_COLUMN}"'
_AGGREGATES = {"MAX": "max", "MIN": "min"}


class ConditionTranslator(FunctionTranslator):
    """Translates conditions.

    `flags` collects the conditions, by name, that single events decide; where it is `None`, each
    becomes a subquery. `in_flag`: DuckDB may compute all parts of a condition for each event.
    """

    flags: dict[str, str] | None = None
    in_flag = False

    def condition(  # noqa: C901 - one branch a shape
        self, node: ast.Expression, scope: TableScope
    ) -> TypedSql:
        """Return a condition in SQL. Raises `CannotTranslate`."""
        match node:
            case ast.And(operands=operands):
                sql = f"({self._group('AND', operands, scope)})"
            case ast.Or(operands=operands):
                sql = f"({self._group('OR', operands, scope)})"
            case ast.Not(operand=operand):
                sql = f"(NOT {self.condition_sql(operand, scope)})"
            case ast.Comparison(left=left, op=op, right=right):
                sql = self._compare(node, (left, right), f"{{}} {op} {{}}", scope)
            case ast.Between(operand=operand, low=low, high=high, negated=negated):
                template = f"{{}} {'NOT ' if negated else ''}BETWEEN {{}} AND {{}}"
                sql = self._compare(node, (operand, low, high), template, scope)
            case ast.In():
                sql = self._in(node, scope)
            case ast.IsNull():
                sql = self._is_null(node, scope)
            case ast.IsTruth(operand=operand, value=value, negated=negated):
                test = f"IS {'NOT ' if negated else ''}{'TRUE' if value else 'FALSE'}"
                sql = f"({self.condition_sql(operand, scope)} {test})"
            case ast.Like():
                sql = self._like(node, scope)
            case ast.Exists(query=query):
                sql = self._exists(query, scope)
            case ast.Subquery(query=query):
                return self._scalar(node, query, scope)
            case _:
                raise refusal(node, "unsupported expression")
        return TypedSql(sql, ValueType.BOOLEAN)

    def _group(self, operator: str, operands: Sequence[ast.Expression], scope: TableScope) -> str:
        conditions = self.condition_sqls(operands, scope)
        if self.in_flag:
            return join_conditions(operator, conditions)
        return f" {operator} ".join(conditions)

    def condition_sqls(self, operands: Sequence[ast.Expression], scope: TableScope) -> list[str]:
        """Return conditions in SQL. Raises `CannotTranslate` with the problems of all of them."""
        return collect([partial(self.condition_sql, operand, scope) for operand in operands])

    def _compare(
        self, node: ast.Node, sides: tuple[ast.Expression, ...], template: str, scope: TableScope
    ) -> str:
        operands, value_type = self.unify(sides, scope)
        refuse_equality(node, value_type)
        return f"({template.format(*(operand.sql for operand in operands))})"

    def _in(self, node: ast.In, scope: TableScope) -> str:
        operator = "NOT IN" if node.negated else "IN"
        if isinstance(node.items, ast.Subquery):
            query = node.items.query
            inner = self._scope(query, scope)
            if len(query.select) != 1:
                raise refusal(
                    node.items,
                    f"the query after IN must select 1 column, got {len(query.select)}",
                )
            selected = query.select[0].value
            value = self.value(node.operand, scope)
            (operand, item), value_type = unify_types(
                (node.operand, selected), (value, self.value(selected, inner))
            )
            refuse_equality(node, value_type)
            inner_id = f'{inner.tables[0].alias}."{JOIN_COLUMN}"'
            if operand.sql == _CONTACT_ID and item.sql == inner_id:
                flag = self._query_flag(query, inner, linked=True)
                if flag:
                    return f"(NOT {flag})" if node.negated else flag
            rows = self._rows(query, inner)
            return f"({operand.sql} {operator} (SELECT {item.sql}{rows}))"
        (operand, *items), value_type = self.unify((node.operand, *node.items), scope)
        refuse_equality(node, value_type)
        return f"({operand.sql} {operator} ({', '.join(item.sql for item in items)}))"

    def _is_null(self, node: ast.IsNull, scope: TableScope) -> str:
        if isinstance(node.operand, ast.Column) and node.operand.path:
            json_type, _ = self.value_at_path(node.operand, scope)
            error = self.error_sql(
                node.operand,
                "is JSON null in some event, and whether SendGrid treats that as NULL is"
                " undocumented",
            )
            sql = f"(CASE {json_type} WHEN 'NULL' THEN {error} ELSE {json_type} END)"
        else:
            sql = self.value(node.operand, scope).sql
        return f"({sql} IS {'NOT ' if node.negated else ''}NULL)"

    def _like(self, node: ast.Like, scope: TableScope) -> str:
        if node.kind != "LIKE":
            raise refusal(node, f"{node.kind} on SendGrid is undocumented", "use LIKE")
        operand = self.value(node.operand, scope)
        if operand.type not in (ValueType.TEXT, ValueType.INSIDE):
            raise refusal(node, f"the operand of LIKE must be a string, got {operand.type}")
        if not isinstance(node.pattern, ast.String):
            raise refusal(node.pattern, "the pattern of LIKE must be a string in single quotes")
        pattern, escape = text_value(node.pattern), ""
        if node.escape is not None:
            if not isinstance(node.escape, ast.String) or len(text_value(node.escape)) != 1:
                raise refusal(node.escape, "ESCAPE must be one character in single quotes")
            escape = text_value(node.escape)
            quoted = re.escape(escape)
            if not re.fullmatch(
                rf"(?:[^{quoted}]|{quoted}[%_{quoted}])*", pattern, re.DOTALL
            ) or escape in ("%", "_"):
                raise refusal(node.pattern, f"the escape `{escape}` must precede %, _ or itself")
        elif "\\" in pattern:
            raise refusal(
                node.pattern,
                "whether a backslash is an escape in LIKE is undocumented",
                "choose an escape character, such as ESCAPE '!'",
            )
        end = f" ESCAPE {text_sql(escape)}" if escape else ""
        operator = "NOT LIKE" if node.negated else "LIKE"
        return f"({operand.sql} {operator} {text_sql(pattern)}{end})"

    def _scalar(self, node: ast.Subquery, query: ast.Query, scope: TableScope) -> TypedSql:
        match [item.value for item in query.select]:
            case [ast.Call(name=name, args=(ast.Column() as argument,))] if (
                upper(name.text) in _AGGREGATES
            ):
                inner = self._scope(query, scope)
                value = self.value(argument, inner)
                if resolve(argument, inner, self.columns)[0] not in inner.tables:
                    raise refusal(argument, "this column belongs to the outer query")
                if value.type not in (ValueType.TEXT, ValueType.NUMBER, ValueType.TIME):
                    raise refusal(argument, f"{upper(name.text)} of {value.type} is undocumented")
                rows = self._rows(query, inner)
                function = _AGGREGATES[upper(name.text)]
                return TypedSql(f"(SELECT {function}({value.sql}){rows})", value.type)
            case _:
                raise refusal(
                    node,
                    "a scalar subquery must select MAX or MIN: other queries can return many rows",
                    "write IN (SELECT …)",
                )

    def _exists(self, query: ast.Query, outer: TableScope) -> str:
        scope = self._scope(query, outer)
        flag = self._query_flag(query, scope)
        return flag or f"EXISTS (SELECT 1{self._rows(query, scope)})"

    def _query_flag(
        self, query: ast.Query, scope: TableScope, *, linked: bool = False
    ) -> str | None:
        """Return a flag for a subquery: whether one of its rows is about the contact."""
        if len(scope.tables) > 1 or query.unsupported:
            return None
        return self.flag(scope.tables[0], operands_of(query.where), scope, linked=linked)

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
        used, self.used, self.flags, self.in_flag = self.used, set(), None, True
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
        finally:
            self.used, self.flags, self.in_flag = used, flags, False
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

    def _rows(self, query: ast.Query, scope: TableScope) -> str:
        conditions = self.join_sqls(query, scope)
        if query.where is not None:
            conditions += self.condition_sqls((query.where,), scope)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f" FROM {tables_sql(scope.tables)}{where}"

    def _scope(self, query: ast.Query, outer: TableScope | None) -> TableScope:
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
