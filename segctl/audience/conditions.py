"""Conditions and subqueries of a query in DuckDB's SQL.

Covers AND, OR, NOT, comparisons, LIKE, IN and EXISTS. Three-valued logic is DuckDB's own, which is
SQL's: the translation preserves it by going operator by operator. The problems of all operands of
an AND or OR are collected, so that a user sees them at once. Leaves the outermost query to
`to_duckdb`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from segctl.audience.expressions import refuse_equality
from segctl.audience.literals import text_value
from segctl.audience.scope import CONTACT, TableScope, resolve
from segctl.audience.subqueries import SubqueryTranslator, contact_id_sql
from segctl.audience.texts import CASE_OF_LETTERS, lower_sql, upper_sql
from segctl.audience.typed_sql import (
    TypedSql,
    join_conditions,
    text_sql,
    unify_types,
)
from segctl.query import ast
from segctl.query.parser.tokens import upper
from segctl.query.value_types import ValueType, refusal

if TYPE_CHECKING:
    from collections.abc import Sequence


_AGGREGATES = {"MAX": "max", "MIN": "min"}


class ConditionTranslator(SubqueryTranslator):
    """Translates conditions."""

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
                sql = self.null_test_sql(node.operand, scope, negated=node.negated)
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
        return join_conditions(operator, self.condition_sqls(operands, scope))

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
            inner = self.inner_scope(query, scope)
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
            if operand.sql == contact_id_sql(CONTACT):
                linked = [
                    table.alias for table in inner.tables if item.sql == contact_id_sql(table.alias)
                ]
                sql = self.events_sql(query, inner, linked) if linked else None
                if sql:
                    return f"(NOT {sql})" if node.negated else sql
            rows = self.rows_sql(query, inner)
            return f"({operand.sql} {operator} (SELECT {item.sql}{rows}))"
        (operand, *items), value_type = self.unify((node.operand, *node.items), scope)
        refuse_equality(node, value_type)
        return f"({operand.sql} {operator} ({', '.join(item.sql for item in items)}))"

    def null_test_sql(self, node: ast.Expression, scope: TableScope, *, negated: bool) -> str:
        """Return the condition that an expression is NULL, or is not. Raises `CannotTranslate`."""
        if isinstance(node, ast.Column) and node.path:
            json_type, _ = self.value_at_path(node, scope)
            error = self.error_sql(
                node,
                "is JSON null in some event, and whether SendGrid treats that as NULL is"
                " undocumented",
            )
            sql = f"(CASE {json_type} WHEN 'NULL' THEN {error} ELSE {json_type} END)"
        else:
            sql = self.value(node, scope).sql
        return f"({sql} IS {'NOT ' if negated else ''}NULL)"

    def _like(self, node: ast.Like, scope: TableScope) -> str:
        if node.kind not in ("LIKE", "ILIKE"):
            raise refusal(node, f"{node.kind} on SendGrid is undocumented", "use LIKE")
        operand = self.value(node.operand, scope)
        if operand.type not in (ValueType.TEXT, ValueType.INSIDE):
            raise refusal(node, f"the operand of {node.kind} must be a string, got {operand.type}")
        pattern, escape = self._pattern(node, scope)
        text, pattern = operand.sql, text_sql(pattern)
        if node.kind == "ILIKE":
            answer = self.questions.answer(CASE_OF_LETTERS, node)
            text, pattern = (self._folded(node, sql, answer) for sql in (text, pattern))
        end = f" ESCAPE {text_sql(escape)}" if escape else ""
        operator = "NOT LIKE" if node.negated else "LIKE"
        return f"({text} {operator} {pattern}{end})"

    def _folded(self, node: ast.Like, text: str, answer: int) -> str:
        """Return a string without its case, which is undocumented beyond A to Z."""
        if answer == 0:
            return lower_sql(text, answer)
        return upper_sql(text, self.error_sql(node, "has a letter whose case is undocumented"))

    def _pattern(self, node: ast.Like, scope: TableScope) -> tuple[str, str]:
        """Return the pattern of a LIKE, and its escape character or an empty text."""
        pattern = self.value(node.pattern, scope).literal
        if pattern is None:
            raise refusal(
                node.pattern, f"the pattern of {node.kind} must be a string in single quotes"
            )
        if node.escape is None:
            if "\\" in pattern:
                raise refusal(
                    node.pattern,
                    "whether a backslash is an escape in LIKE is undocumented",
                    "choose an escape character, such as ESCAPE '!'",
                )
            return pattern, ""
        if not isinstance(node.escape, ast.String) or len(text_value(node.escape)) != 1:
            raise refusal(node.escape, "ESCAPE must be one character in single quotes")
        escape = text_value(node.escape)
        if node.kind == "ILIKE" and escape.isalpha():
            raise refusal(node.escape, "ESCAPE of ILIKE must not be a letter")
        quoted = re.escape(escape)
        if not re.fullmatch(
            rf"(?:[^{quoted}]|{quoted}[%_{quoted}])*", pattern, re.DOTALL
        ) or escape in ("%", "_"):
            raise refusal(node.pattern, f"the escape `{escape}` must precede %, _ or itself")
        return pattern, escape

    def _scalar(self, node: ast.Subquery, query: ast.Query, scope: TableScope) -> TypedSql:
        match [item.value for item in query.select]:
            case [ast.Call(name=name, args=(ast.Column() as argument,))] if (
                upper(name.text) in _AGGREGATES
            ):
                inner = self.inner_scope(query, scope)
                value = self.value(argument, inner)
                if resolve(argument, inner, self.columns)[0] not in inner.tables:
                    raise refusal(argument, "this column belongs to the outer query")
                if value.type not in (ValueType.TEXT, ValueType.NUMBER, ValueType.TIME):
                    raise refusal(argument, f"{upper(name.text)} of {value.type} is undocumented")
                rows = self.rows_sql(query, inner)
                function = _AGGREGATES[upper(name.text)]
                return TypedSql(f"(SELECT {function}({value.sql}){rows})", value.type)
            case _:
                raise refusal(
                    node,
                    "a scalar subquery must select MAX or MIN: other queries can return many rows",
                    "write IN (SELECT …)",
                )

    def _exists(self, query: ast.Query, outer: TableScope) -> str:
        scope = self.inner_scope(query, outer)
        sql = self.events_sql(query, scope)
        return sql or f"EXISTS (SELECT 1{self.rows_sql(query, scope)})"
