"""Conditions and subqueries of a query in DuckDB's SQL.

Covers AND, OR, NOT, comparisons, LIKE, IN and EXISTS. Three-valued logic is DuckDB's own, which is
SQL's: the translation preserves it by going operator by operator. The problems of all operands of
an AND or OR are collected, so that a user sees them at once. Leaves the outermost query to
`to_duckdb`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from segctl.audience.expressions import refuse_equality, refuse_rounded
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
            case ast.Comparison():
                sql = self._comparison(node, scope)
            case ast.Between():
                sql = self._between(node, scope)
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

    def _comparison(self, node: ast.Comparison, scope: TableScope) -> str:
        before = self.questions.asked()
        operands, value_type = self.unify((node.left, node.right), scope)
        refuse_equality(node, value_type)
        if node.op in ("<", "<=", ">", ">=") or not any(map(_is_rounded, operands)):
            left, right = operands
            return f"({left.sql} {node.op} {right.sql})"
        if node.op not in ("=", "!="):
            refuse_rounded(node, operands)
        # A value between the two that a quotient can have may be equal although neither of them is:
        # "equal" is "neither more nor less", each of which is certain or not.
        self.questions.withdraw(before)
        bounds = (replace(node, op="<="), replace(node, op=">="))
        return self._all_of(bounds, scope, negated=node.op == "!=")

    def _between(self, node: ast.Between, scope: TableScope) -> str:
        before = self.questions.asked()
        nodes = (node.operand, node.low, node.high)
        (operand, low, high), value_type = self.unify(nodes, scope)
        refuse_equality(node, value_type)
        if not any(map(_is_rounded, (operand, low, high))):
            negation = "NOT " if node.negated else ""
            return f"({operand.sql} {negation}BETWEEN {low.sql} AND {high.sql})"
        self.questions.withdraw(before)
        place = {"start": node.start, "end": node.end}
        bounds = (
            ast.Comparison(**place, op=">=", left=node.operand, right=node.low),
            ast.Comparison(**place, op="<=", left=node.operand, right=node.high),
        )
        return self._all_of(bounds, scope, negated=node.negated)

    def _all_of(self, nodes: Sequence[ast.Expression], scope: TableScope, *, negated: bool) -> str:
        sql = f"({join_conditions('AND', self.condition_sqls(nodes, scope))})"
        return f"(NOT {sql})" if negated else sql

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
        before = self.questions.asked()
        (operand, *items), value_type = self.unify((node.operand, *node.items), scope)
        refuse_equality(node, value_type)
        if any(map(_is_rounded, (operand, *items))):
            self.questions.withdraw(before)
            return self._in_rounded(node, node.items, scope)
        return f"({operand.sql} {operator} ({', '.join(item.sql for item in items)}))"

    def _in_rounded(self, node: ast.In, items: Sequence[ast.Expression], scope: TableScope) -> str:
        equal = [
            ast.Comparison(start=node.start, end=node.end, op="=", left=node.operand, right=item)
            for item in items
        ]
        sql = join_conditions("OR", self.condition_sqls(equal, scope))
        return f"(NOT ({sql}))" if node.negated else f"({sql})"

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


def _is_rounded(operand: TypedSql) -> bool:
    return operand.is_rounded
