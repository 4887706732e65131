"""Expressions of a query in DuckDB's SQL: literals, columns, arithmetic, times, CASE.

Leaves function calls to `functions`, and conditions and subqueries to `conditions`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING

from segctl.audience.literals import constant_number, interval_value, number_value, text_value
from segctl.audience.numbers import (
    QUOTIENT,
    literal_decimals,
    product_decimals,
    quotient_decimals,
    quotient_sql,
    sum_decimals,
)
from segctl.audience.open_questions import OpenQuestions
from segctl.audience.scope import ColumnUse, resolve
from segctl.audience.texts import concatenation
from segctl.audience.times import add_span, cast_to_time, conversion_refusal, date_arithmetic
from segctl.audience.typed_sql import (
    DECIMALS,
    ERROR_PREFIX,
    TypedSql,
    hashed_name,
    merge,
    number_sql,
    path_columns,
    text_sql,
    unify_types,
    with_places,
)
from segctl.query import ast
from segctl.query.parser.tokens import lower
from segctl.query.value_types import ValueType, refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.audience.scope import Columns, ScopedTable, TableScope

_NO_OP_CASTS = {
    ValueType.TEXT: frozenset(("VARCHAR", "STRING", "TEXT")),
    ValueType.INSIDE: frozenset(("VARCHAR", "STRING", "TEXT")),
}
"""Casts that change nothing, by the type of the value."""


class ExpressionTranslator(ABC):
    """Translates expressions.

    `used` collects the aliases of the tables that were used, `column_uses` the columns. `paths`
    collects the paths into DATA, by name, whose values become columns; where it is `None`, each
    value is extracted from the JSON wherever it is used. `now` is the time of the evaluation, a
    bound parameter, in UTC without a zone. `questions` are those that are not documented.
    """

    paths: dict[str, str] | None = None
    now = "CAST($now AS TIMESTAMP)"

    def __init__(self, text: str, columns: Columns) -> None:
        self.text = text
        self.columns = columns
        self.used: set[str] = set()
        self.column_uses: list[ColumnUse] = []
        self.alias_count = 0
        self.questions = OpenQuestions()

    def value(  # noqa: C901, PLR0911, PLR0912 - one branch a shape
        self, node: ast.Expression, scope: TableScope
    ) -> TypedSql:
        """Return an expression in SQL. Raises `CannotTranslate`."""
        match node:
            case ast.String():
                return TypedSql(text_sql(text_value(node)), ValueType.TEXT, node.value)
            case ast.Number() | ast.Unary():
                return self._signed(node, scope)
            case ast.Boolean(value=value):
                return TypedSql("TRUE" if value else "FALSE", ValueType.BOOLEAN)
            case ast.Null():
                return TypedSql("NULL", ValueType.NULL)
            case ast.Column():
                return self.column(node, scope)
            case ast.Binary():
                return self._binary(node, scope)
            case ast.Call():
                return self.call(node, scope)
            case ast.Cast():
                return self._cast(node, scope)
            case ast.Case():
                return self._case(node, scope)
            case ast.Interval() | ast.DatePart():
                raise refusal(node, "a span of time must be added to or subtracted from a time")
            case ast.Array():
                raise refusal(node, "a list of values is only supported in array_contains")
            case ast.Star():
                raise refusal(node, "* is not supported here")
            case _:
                return self.condition(node, scope)

    @abstractmethod
    def condition(self, node: ast.Expression, scope: TableScope) -> TypedSql:
        """Return a condition in SQL. Raises `CannotTranslate`."""

    @abstractmethod
    def call(self, node: ast.Call, scope: TableScope) -> TypedSql:
        """Return a function call in SQL. Raises `CannotTranslate`."""

    @abstractmethod
    def null_test_sql(self, node: ast.Expression, scope: TableScope, *, negated: bool) -> str:
        """Return the condition that an expression is NULL, or is not. Raises `CannotTranslate`."""

    def column(self, node: ast.Column, scope: TableScope) -> TypedSql:
        """Return a column in SQL, with its path into DATA, if any."""
        if not node.path:
            return self._resolve(node, scope)[1]
        json_type, text = self.value_at_path(node, scope)
        error = self.error_sql(node, "is not a string in some event")
        return TypedSql(
            f"(CASE WHEN {json_type} = 'VARCHAR' THEN {text} WHEN {json_type} IS NULL THEN NULL"
            f" ELSE {error} END)",
            ValueType.INSIDE,
        )

    def _resolve(self, node: ast.Column, scope: TableScope) -> tuple[ScopedTable, TypedSql]:
        table, column = resolve(node, scope, self.columns)
        self.used.add(table.alias)
        name = lower(node.name.text)
        if table.table == "contact_data":
            name = self.columns.spelling(name) or name
        self.column_uses.append(ColumnUse(table.table, name, node.start, node.end))
        return table, column

    def value_at_path(self, node: ast.Column, scope: TableScope) -> tuple[str, str]:
        """Return SQL for the JSON type of the value at a path into DATA, and for it as a text."""
        table, column = self._resolve(node, scope)
        if column.type is not ValueType.DATA:
            raise refusal(node, f"`{node.name.text}` is {column.type} and has no parts")
        path = json_path_sql(node)
        if self.paths is None:
            arguments = f"{column.sql}, {path}"
            return f"json_type({arguments})", f"json_extract_string({arguments})"
        name = hashed_name("d", path)
        self.paths[name] = path
        json_type, text = path_columns(name)
        return f"{table.alias}.{json_type}", f"{table.alias}.{text}"

    def error_sql(self, node: ast.Node, message: str, sql_type: str = "VARCHAR") -> str:
        """Return SQL that fails when it is computed, with a message about a part of the query."""
        source = " ".join(self.text[node.start : node.end].split())
        literal = text_sql(f"{ERROR_PREFIX}{source} {message}")
        if self.paths is None:
            return f"error({literal})"
        # DuckDB treats error() as a function with side effects, and would pair all events with all
        # others before it computed one among the conditions of a join.
        return f"CAST(CAST({literal} AS INTEGER) AS {sql_type})"

    def _signed(self, node: ast.Number | ast.Unary, scope: TableScope) -> TypedSql:
        number = number_value(node)
        if number is None and isinstance(node, ast.Unary):
            operand = self.value(node.operand, scope)
            if operand.type is not ValueType.NUMBER:
                raise refusal(node, f"`{node.op}` must precede a number, got {operand.type}")
            return replace(operand, sql=f"({node.op} {operand.sql})")
        sql = None if number is None else number_sql(number)
        if sql is None:
            raise refusal(
                node, f"a number must be less than 10^18 with at most {DECIMALS} decimals"
            )
        literal = node.operand if isinstance(node, ast.Unary) else node
        text = literal.text if isinstance(literal, ast.Number) else ""
        is_whole = number is not None and number == number.to_integral_value()
        decimals = literal_decimals(text)
        return TypedSql(sql, ValueType.NUMBER, decimals=decimals, is_whole=is_whole)

    def _binary(self, node: ast.Binary, scope: TableScope) -> TypedSql:
        if isinstance(node.right, ast.Interval) and node.op in ("+", "-"):
            amount, unit = interval_value(node.right)
            span = (amount if node.op == "+" else -amount), unit
            return add_span(self, node, node.left, span, scope)
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        date = date_arithmetic(node, left, right)
        if date is not None:
            return date
        expected = ValueType.TEXT if node.op == "||" else ValueType.NUMBER
        for side, operand in ((node.left, left), (node.right, right)):
            if operand.type is not expected:
                raise refusal(
                    side,
                    f"an operand of `{node.op}` must be {expected}, got {operand.type}",
                    "add the unit of time: now() - 30 days" if left.type is ValueType.TIME else "",
                )
        if node.op == "||":
            return concatenation([left, right])
        return self._arithmetic(node, left, right)

    def _arithmetic(self, node: ast.Binary, left: TypedSql, right: TypedSql) -> TypedSql:
        if node.op == "/":
            return self._quotient(node, left, right)
        places = max(left.places, right.places)
        if node.op == "%":
            if not constant_number(node.right):
                raise refusal(
                    node, "the remainder of a division by a value that may be 0 is undefined"
                )
            refuse_rounded(node, (left, right))
            # Of different places, DuckDB computes it with binary fractions.
            left, right = with_places(left, places), with_places(right, places)
        sql = f"({left.sql} {node.op} {right.sql})"
        decimals = sum_decimals(left.decimals, right.decimals)
        if node.op == "*":
            decimals = product_decimals(left.decimals, right.decimals)
            places = left.places + right.places
            if decimals is not None and decimals < (left.decimals or 0) + (right.decimals or 0):
                sql, places = f"round({sql}, {decimals})", decimals
        return TypedSql(
            sql,
            ValueType.NUMBER,
            decimals=decimals,
            places=places,
            is_whole=left.is_whole and right.is_whole,
            is_rounded=left.is_rounded or right.is_rounded,
        )

    def _quotient(self, node: ast.Binary, left: TypedSql, right: TypedSql) -> TypedSql:
        if left.decimals is None:
            raise refusal(
                node.left,
                "the decimals of a number with an exponent are undocumented",
                "write the number without the exponent",
            )
        if constant_number(node.right) == 0:
            raise refusal(node, "division by 0")
        # Each quotient is rounded by itself.
        question = replace(QUOTIENT, place=(node.start, node.end))
        answer = self.questions.answer(question, node)
        decimals = quotient_decimals(left.decimals)
        error = self.error_sql(
            node, "divides by 0 for some contact or event", f"DECIMAL(38, {decimals})"
        )
        sql = quotient_sql(left.sql, right.sql, decimals, answer, error)
        return TypedSql(sql, ValueType.NUMBER, decimals=decimals, places=decimals, is_rounded=True)

    def _cast(self, node: ast.Cast, scope: TableScope) -> TypedSql:
        time = cast_to_time(self, node, node.operand, node.type, scope)
        if time is not None:
            return time
        operand = self.value(node.operand, scope)
        if operand.type is ValueType.NULL:
            return operand
        if node.type not in _NO_OP_CASTS.get(operand.type, ()):
            raise conversion_refusal(node, operand.type, node.type)
        return (
            TypedSql(operand.sql, ValueType.TEXT) if operand.type is ValueType.INSIDE else operand
        )

    def _case(self, node: ast.Case, scope: TableScope) -> TypedSql:
        head = ""
        if node.operand is None:
            tests = [self.condition_sql(when.condition, scope) for when in node.whens]
        else:
            nodes = [node.operand, *(when.condition for when in node.whens)]
            (operand, *values), value_type = self.unify(nodes, scope)
            refuse_equality(node, value_type)
            refuse_rounded(node, (operand, *values))
            head, tests = f" {operand.sql}", [value.sql for value in values]
        result_nodes = [when.result for when in node.whens]
        result_nodes += [node.otherwise] if node.otherwise else []
        results, value_type = self.unify(result_nodes, scope)
        branches = [
            f" WHEN {test} THEN {result.sql}"
            for test, result in zip(tests, results[: len(tests)], strict=True)
        ]
        otherwise = f" ELSE {results[-1].sql}" if node.otherwise else ""
        return merge(f"(CASE{head}{''.join(branches)}{otherwise} END)", value_type, results)

    def unify(
        self, nodes: Sequence[ast.Expression], scope: TableScope
    ) -> tuple[list[TypedSql], ValueType]:
        """Return expressions in SQL, converted to one type. Raises `CannotTranslate`."""
        return unify_types(nodes, [self.value(node, scope) for node in nodes])

    def condition_sql(self, node: ast.Expression, scope: TableScope) -> str:
        """Return SQL for an expression that must be a condition. Raises `CannotTranslate`."""
        count = self.alias_count

        def translate() -> str:
            # The aliases of tables must be the same in each variant of a condition.
            self.alias_count = count
            return self._condition_sql(node, scope)

        return self.questions.settle(
            node, translate, lambda message: self.error_sql(node, message, "BOOLEAN")
        )

    def _condition_sql(self, node: ast.Expression, scope: TableScope) -> str:
        operand = self.value(node, scope)
        if operand.type is ValueType.NULL:
            return "CAST(NULL AS BOOLEAN)"
        if operand.type is not ValueType.BOOLEAN:
            raise refusal(node, f"must be a condition, got {operand.type}", "compare it: … = …")
        return operand.sql


def json_path_sql(column: ast.Column) -> str:
    """Return a path into DATA as a literal of a JSON path. Raises `CannotTranslate`."""
    steps = []
    for step in column.path:
        match step:
            case ast.Number(text=text) if text.isdecimal():
                steps.append(f"[{int(text)}]")
            case ast.Name(text=key) | ast.String(value=key) if not re.search(r'["\\*\x00]', key):
                steps.append(f'."{key}"')
            case _:
                raise refusal(step, "unsupported step in a path into DATA")
    return text_sql("$" + "".join(steps))


def refuse_rounded(node: ast.Node, operands: Sequence[TypedSql]) -> None:
    """Raise `CannotTranslate` where quotients are compared by what is not one of = != < and >."""
    if any(operand.is_rounded for operand in operands):
        raise refusal(
            node,
            "the decimals that SendGrid keeps in a division are undocumented",
            "compare the quotient with =, < or >",
        )


def refuse_equality(node: ast.Node, value_type: ValueType) -> None:
    """Raise `CannotTranslate` for types without equality: lists, and semi-structured data."""
    if value_type in (ValueType.LIST, ValueType.DATA):
        hint = (
            "write array_contains(…, ['…'])"
            if value_type is ValueType.LIST
            else "name a part of it"
        )
        raise refusal(node, f"{value_type} cannot be compared as a whole", hint)
    if value_type is ValueType.INSIDE:
        raise refusal(
            node, "the type of a value inside DATA is unknown", "compare it with a string"
        )
