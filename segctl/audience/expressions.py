"""Expressions of a query in DuckDB's SQL: literals, columns, arithmetic, times, CASE.

Leaves function calls to `functions`, and conditions and subqueries to `conditions`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from segctl.audience.literals import interval_value, number_value, text_value
from segctl.audience.scope import ColumnUse, resolve
from segctl.audience.typed_sql import (
    DECIMALS,
    ERROR_PREFIX,
    TypedSql,
    hashed_name,
    number_sql,
    path_columns,
    text_sql,
    time_sql,
    unify_types,
)
from segctl.common.timestamps import parse_time_as_utc
from segctl.query import ast
from segctl.query.parser.tokens import lower
from segctl.query.value_types import ValueType, refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.audience.scope import Columns, ScopedTable, TableScope

NOW = "CAST($now AS TIMESTAMP)"
"""The time of the evaluation: a bound parameter, in UTC without a zone."""

_UNITS = {
    "second": ("SECOND", 1, 1),
    "minute": ("MINUTE", 1, 60),
    "hour": ("HOUR", 1, 3600),
    "day": ("DAY", 1, 86_400),
    "week": ("DAY", 7, 604_800),
    "month": ("MONTH", 1, 2_592_000),
    "quarter": ("MONTH", 3, 7_776_000),
    "year": ("MONTH", 12, 31_536_000),
}
"""For each unit of time: DuckDB's unit, how many of them, and about how many seconds."""

_MAX_SPAN = 500 * 31_536_000
"""Seconds; times stay within the years that every database supports."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_NO_OP_CASTS = {
    ValueType.TEXT: frozenset(("VARCHAR", "STRING", "TEXT")),
    ValueType.TIME: frozenset(("TIMESTAMP", "TIMESTAMP_NTZ", "DATETIME")),
    ValueType.INSIDE: frozenset(("VARCHAR", "STRING", "TEXT")),
}
"""Casts that change nothing, by the type of the value."""


class ExpressionTranslator(ABC):
    """Translates expressions.

    `used` collects the aliases of the tables that were used, `column_uses` the columns. `paths`
    collects the paths into DATA, by name, whose values become columns; where it is `None`, each
    value is extracted from the JSON wherever it is used.
    """

    paths: dict[str, str] | None = None

    def __init__(self, text: str, columns: Columns) -> None:
        self.text = text
        self.columns = columns
        self.used: set[str] = set()
        self.column_uses: list[ColumnUse] = []
        self.alias_count = 0

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
        path = self._json_path(node)
        if self.paths is None:
            arguments = f"{column.sql}, {path}"
            return f"json_type({arguments})", f"json_extract_string({arguments})"
        name = hashed_name("d", path)
        self.paths[name] = path
        json_type, text = path_columns(name)
        return f"{table.alias}.{json_type}", f"{table.alias}.{text}"

    def error_sql(self, node: ast.Node, message: str) -> str:
        """Return SQL that fails when it is computed, with a message about a part of the query."""
        source = " ".join(self.text[node.start : node.end].split())
        literal = text_sql(f"{ERROR_PREFIX}{source} {message}")
        if self.paths is None:
            return f"error({literal})"
        # DuckDB treats error() as a function with side effects, and would pair all events with all
        # others before it computed one among the conditions of a join.
        return f"CAST(CAST({literal} AS INTEGER) AS VARCHAR)"

    def _json_path(self, node: ast.Column) -> str:
        """Return the path into DATA as a literal of a JSON path."""
        steps = []
        for step in node.path:
            match step:
                case ast.Number(text=text) if text.isdecimal():
                    steps.append(f"[{int(text)}]")
                case ast.Name(text=key) | ast.String(value=key) if not re.search(
                    r'["\\*\x00]', key
                ):
                    steps.append(f'."{key}"')
                case _:
                    raise refusal(step, "unsupported step in a path into DATA")
        return text_sql("$" + "".join(steps))

    def _signed(self, node: ast.Number | ast.Unary, scope: TableScope) -> TypedSql:
        number = number_value(node)
        if number is None and isinstance(node, ast.Unary):
            operand = self.value(node.operand, scope)
            if operand.type is not ValueType.NUMBER:
                raise refusal(node, f"`{node.op}` must precede a number, got {operand.type}")
            return TypedSql(f"({node.op} {operand.sql})", ValueType.NUMBER)
        sql = None if number is None else number_sql(number)
        if sql is None:
            raise refusal(
                node, f"a number must be less than 10^18 with at most {DECIMALS} decimals"
            )
        return TypedSql(sql, ValueType.NUMBER)

    def _binary(self, node: ast.Binary, scope: TableScope) -> TypedSql:
        if isinstance(node.right, ast.Interval) and node.op in ("+", "-"):
            amount, unit = interval_value(node.right)
            return self.add_span(
                node, node.left, amount if node.op == "+" else -amount, unit, scope
            )
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        expected = ValueType.TEXT if node.op == "||" else ValueType.NUMBER
        for side, operand in ((node.left, left), (node.right, right)):
            if operand.type is not expected:
                raise refusal(
                    side,
                    f"an operand of `{node.op}` must be {expected}, got {operand.type}",
                    "add the unit of time: now() - 30 days" if left.type is ValueType.TIME else "",
                )
        if node.op == "/":
            raise refusal(
                node,
                "the number of decimals in SendGrid's division is undocumented",
                "multiply the other side instead: total_spend > 50 * orders_count",
            )
        if node.op == "%" and not number_value(node.right):
            raise refusal(node, "the remainder of a division by a value that may be 0 is undefined")
        return TypedSql(f"({left.sql} {node.op} {right.sql})", expected)

    def add_span(
        self, node: ast.Node, base: ast.Expression, amount: int, unit: str, scope: TableScope
    ) -> TypedSql:
        """Return a time in SQL, `amount` units after `base`. Raises `CannotTranslate`."""
        name = lower(unit).removesuffix("s")
        if name not in _UNITS:
            raise refusal(node, f"unknown unit of time `{unit}`")
        duckdb_unit, factor, seconds = _UNITS[name]
        if abs(amount) * seconds > _MAX_SPAN:
            raise refusal(node, f"{abs(amount)} {unit} is more than the limit of 500 years")
        operand = self.value(base, scope)
        if operand.type is ValueType.TEXT and operand.literal is not None:
            time = parse_time_as_utc(operand.literal)
            operand = TypedSql(time_sql(time), ValueType.TIME) if time else operand
        if operand.type is not ValueType.TIME:
            raise refusal(base, f"a span of time must be added to a time, got {operand.type}")
        # For DuckDB a month equals 30 days, and it computes terms that differ in nothing else once.
        op, amount = ("-", -amount) if duckdb_unit == "MONTH" else ("+", amount)
        interval = f"INTERVAL ({amount * factor}) {duckdb_unit}"
        return TypedSql(f"({operand.sql} {op} {interval})", ValueType.TIME)

    def _cast(self, node: ast.Cast, scope: TableScope) -> TypedSql:
        if isinstance(node.operand, ast.String) and node.type in _NO_OP_CASTS[ValueType.TIME] | {
            "DATE"
        }:
            time = parse_time_as_utc(node.operand.value)
            is_day = _DAY.fullmatch(node.operand.value) is not None
            if time and (is_day or node.type != "DATE"):
                return TypedSql(time_sql(time), ValueType.TIME)
        operand = self.value(node.operand, scope)
        if node.type not in _NO_OP_CASTS.get(operand.type, ()):
            raise refusal(
                node,
                f"how SendGrid converts {operand.type} to {node.type} is undocumented",
                "compare without the cast",
            )
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
            head, tests = f" {operand.sql}", [value.sql for value in values]
        result_nodes = [when.result for when in node.whens]
        result_nodes += [node.otherwise] if node.otherwise else []
        results, value_type = self.unify(result_nodes, scope)
        branches = [
            f" WHEN {test} THEN {result.sql}"
            for test, result in zip(tests, results[: len(tests)], strict=True)
        ]
        otherwise = f" ELSE {results[-1].sql}" if node.otherwise else ""
        return TypedSql(f"(CASE{head}{''.join(branches)}{otherwise} END)", value_type)

    def unify(
        self, nodes: Sequence[ast.Expression], scope: TableScope
    ) -> tuple[list[TypedSql], ValueType]:
        """Return expressions in SQL, converted to one type. Raises `CannotTranslate`."""
        return unify_types(nodes, [self.value(node, scope) for node in nodes])

    def condition_sql(self, node: ast.Expression, scope: TableScope) -> str:
        """Return SQL for an expression that must be a condition. Raises `CannotTranslate`."""
        operand = self.value(node, scope)
        if operand.type is ValueType.NULL:
            return "CAST(NULL AS BOOLEAN)"
        if operand.type is not ValueType.BOOLEAN:
            raise refusal(node, f"must be a condition, got {operand.type}", "compare it: … = …")
        return operand.sql


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
