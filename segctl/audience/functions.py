"""Function calls of a query in DuckDB's SQL: choices between values, and lists.

Has the functions whose results Snowflake documents; one of the catalogue that is missing is missing
for a reason: its result depends on an undocumented rounding (ROUND), format (TO_CHAR) or dialect
(REGEXP_LIKE). None of them is known to work on SendGrid. Leaves strings to `texts` and times to
`times`.
"""

from __future__ import annotations

from abc import ABC
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from segctl.audience.expressions import ExpressionTranslator, refuse_equality, refuse_rounded
from segctl.audience.literals import text_value
from segctl.audience.texts import TEXT_CALLS, check_count
from segctl.audience.times import TIME_CALLS
from segctl.audience.typed_sql import NUMBER_TYPE, TypedSql, list_ids_sql, list_sql, merge
from segctl.query import ast
from segctl.query.list_ids import is_list_column, normal_list_ids
from segctl.query.parser.tokens import upper
from segctl.query.value_types import ValueType, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from segctl.audience.scope import TableScope


class FunctionTranslator(ExpressionTranslator, ABC):
    """Translates function calls."""

    def call(self, node: ast.Call, scope: TableScope) -> TypedSql:
        """Return a function call in SQL. Raises `CannotTranslate`."""
        name = upper(node.name.text)
        translate = None if node.distinct else self._CALLS.get(name)
        if translate is None:
            raise refusal(
                node, f"segctl cannot compute {name}: its result on SendGrid is undocumented"
            )
        return translate(self, node, scope)

    def _coalesce(self, node: ast.Call, scope: TableScope) -> TypedSql:
        name, count = upper(node.name.text), len(node.args)
        if count < 2 or (count > 2 and name != "COALESCE"):  # noqa: PLR2004 - NVL and IFNULL take two
            expected = "at least 2 arguments" if name == "COALESCE" else "2 arguments"
            raise refusal(node, f"{name} takes {expected}, got {count}")
        values, value_type = self.unify(node.args, scope)
        refuse_equality(node, value_type)
        sql = f"COALESCE({', '.join(value.sql for value in values)})"
        return merge(sql, value_type, values)

    def _iff(self, node: ast.Call, scope: TableScope) -> TypedSql:
        check_count(node, 3)
        test = self.condition_sql(node.args[0], scope)
        return self._choose(node, test, node.args[1:], scope)

    def _nvl2(self, node: ast.Call, scope: TableScope) -> TypedSql:
        check_count(node, 3)
        test = self.null_test_sql(node.args[0], scope, negated=True)
        return self._choose(node, test, node.args[1:], scope)

    def _choose(
        self, node: ast.Call, test: str, arguments: Sequence[ast.Expression], scope: TableScope
    ) -> TypedSql:
        (first, second), value_type = self.unify(arguments, scope)
        if value_type is ValueType.LIST:
            refuse_equality(node, value_type)
        sql = f"(CASE WHEN {test} THEN {first.sql} ELSE {second.sql} END)"
        return merge(sql, value_type, (first, second))

    def _nullif(self, node: ast.Call, scope: TableScope) -> TypedSql:
        check_count(node, 2)
        (value, other), value_type = self.unify(node.args, scope)
        refuse_equality(node, value_type)
        refuse_rounded(node, (value, other))
        return merge(f"NULLIF({value.sql}, {other.sql})", value_type, (value,))

    def _equal_null(self, node: ast.Call, scope: TableScope) -> TypedSql:
        check_count(node, 2)
        (value, other), value_type = self.unify(node.args, scope)
        refuse_equality(node, value_type)
        refuse_rounded(node, (value, other))
        sql = f"({value.sql} IS NOT DISTINCT FROM {other.sql})"
        return TypedSql(sql, ValueType.BOOLEAN)

    def _array_contains(self, node: ast.Call, scope: TableScope) -> TypedSql:
        match node.args:
            case (ast.Column() as column, ast.Array() | ast.String() as items):
                pass
            case _:
                raise refusal(
                    node,
                    "invalid arguments of array_contains",
                    "write array_contains(list_ids, ['…'])",
                )
        texts = _list_items(items)
        if not texts:
            raise refusal(node, "the result of array_contains with an empty list is undocumented")
        return self._contains_any(node, column, texts, scope)

    def _contains_any(
        self, node: ast.Call, column: ast.Column, texts: Sequence[str], scope: TableScope
    ) -> TypedSql:
        """Return the condition that a list has one of the texts."""
        operand = self._list_column(node, column, scope)
        is_list_ids = is_list_column(column)
        items = tuple(normal_list_ids(texts) if is_list_ids else texts)
        self.column_uses[-1] = replace(self.column_uses[-1], items=items)
        if is_list_ids:
            return TypedSql(list_ids_sql(operand, items), ValueType.BOOLEAN)
        return TypedSql(f"list_has_any({operand}, {list_sql(items)})", ValueType.BOOLEAN)

    def _list_column(self, node: ast.Call, column: ast.Column, scope: TableScope) -> str:
        operand = self.column(column, scope)
        if operand.type is not ValueType.LIST:
            name = upper(node.name.text)
            raise refusal(column, f"an argument of {name} must be a list, got {operand.type}")
        return operand.sql

    def _arrays_overlap(self, node: ast.Call, scope: TableScope) -> TypedSql:
        match node.args:
            case (ast.Column() as first, ast.Column() as second):
                if is_list_column(first) != is_list_column(second):
                    raise refusal(node, "list_ids has ids of lists, and the other list has not")
                lists = [self._list_column(node, column, scope) for column in (first, second)]
                return TypedSql(f"list_has_any({', '.join(lists)})", ValueType.BOOLEAN)
            case (ast.Column() as column, ast.Array() | ast.Call() as items) | (
                ast.Array() | ast.Call() as items,
                ast.Column() as column,
            ):
                return self._contains_any(node, column, _list_items(items), scope)
            case _:
                raise refusal(
                    node,
                    "invalid arguments of ARRAYS_OVERLAP",
                    "write arrays_overlap(list_ids, ['…'])",
                )

    def _array_size(self, node: ast.Call, scope: TableScope) -> TypedSql:
        argument = self.value(node.args[0], scope) if len(node.args) == 1 else None
        if argument is None or argument.type is not ValueType.LIST:
            raise refusal(node, "ARRAY_SIZE takes one list")
        sql = f"CAST(len({argument.sql}) AS {NUMBER_TYPE})"
        return TypedSql(sql, ValueType.NUMBER, is_whole=True)

    _CALLS: ClassVar[
        Mapping[str, Callable[[FunctionTranslator, ast.Call, TableScope], TypedSql]]
    ] = {
        "ARRAY_CONTAINS": _array_contains,
        "ARRAYS_OVERLAP": _arrays_overlap,
        "ARRAY_SIZE": _array_size,
        "COALESCE": _coalesce,
        "NVL": _coalesce,
        "IFNULL": _coalesce,
        "IFF": _iff,
        "NVL2": _nvl2,
        "NULLIF": _nullif,
        "EQUAL_NULL": _equal_null,
        **TEXT_CALLS,
        **TIME_CALLS,
    }


def _list_items(node: ast.Array | ast.String | ast.Call) -> list[str]:
    """Return the strings of `['a', 'b']`, `array_construct('a', 'b')`, or of one string."""
    match node:
        case ast.String():
            items: tuple[ast.Expression, ...] = (node,)
        case ast.Array(items=array_items):
            items = array_items
        case ast.Call(name=name, args=args):
            if upper(name.text) != "ARRAY_CONSTRUCT":
                raise refusal(node, "must be a list of strings", "write ['…']")
            items = args
    texts = []
    for item in items:
        if not isinstance(item, ast.String):
            raise refusal(item, "an item of the list must be a string in single quotes")
        texts.append(text_value(item))
    return texts
