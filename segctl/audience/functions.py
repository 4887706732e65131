"""Function calls of a query in DuckDB's SQL.

A function of the catalogue that is missing from `_CALLS` is missing for a reason: its result
depends on the time zone of SendGrid's session (DATE_TRUNC, CURRENT_DATE), on its rounding (ROUND),
or on a dialect's treatment of NULL (GREATEST). Leaves the arguments to `expressions`.
"""

from __future__ import annotations

from abc import ABC
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from segctl.audience.expressions import NOW, ExpressionTranslator, refuse_equality
from segctl.audience.literals import number_value, text_value
from segctl.audience.typed_sql import NUMBER_TYPE, TypedSql, list_ids_sql, text_sql
from segctl.query import ast
from segctl.query.list_ids import is_list_column, normal_list_ids
from segctl.query.parser.tokens import upper
from segctl.query.value_types import ValueType, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from segctl.audience.scope import TableScope


_ODD_TO_LOWER = r"(?s)İ|.Σ([^\p{Lu}\p{Ll}\p{Lt}]|\z)"
"""Letters without one documented lower case: İ, and Σ where it may be the last of a word."""

_ODD_TO_UPPER = r"[ŉǰΐΰև\x{1e96}-\x{1e9a}\x{1f50}-\x{1fff}\x{fb00}-\x{fb17}]"
"""Letters whose upper case is several letters in Unicode, as that of ß, which is documented."""


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

    def _now(self, node: ast.Call, _: TableScope) -> TypedSql:
        if node.args:
            raise refusal(
                node, "how SendGrid rounds the current time is undocumented", "write now()"
            )
        return TypedSql(NOW, ValueType.TIME)

    def _timestamp_add(self, node: ast.Call, scope: TableScope) -> TypedSql:
        match node.args:
            case (ast.DatePart(name=unit), amount, base):
                number = number_value(amount)
                if number is None or number != number.to_integral_value():
                    raise refusal(amount, "the amount added to a time must be a whole number")
                return self.add_span(node, base, int(number), unit.text, scope)
            case _:
                raise refusal(
                    node,
                    f"invalid arguments of {upper(node.name.text)}",
                    "write timestampadd(day, -30, CURRENT_TIMESTAMP)",
                )

    def _text_arguments(self, node: ast.Call, scope: TableScope, count: int) -> list[str]:
        """Return SQL for arguments that all must be texts."""
        name = upper(node.name.text)
        if len(node.args) != count:
            noun = "argument" if count == 1 else "arguments"
            raise refusal(node, f"{name} takes {count} {noun}, got {len(node.args)}")
        arguments = [self.value(argument, scope) for argument in node.args]
        for argument, operand in zip(node.args, arguments, strict=True):
            if operand.type not in (ValueType.TEXT, ValueType.INSIDE):
                raise refusal(
                    argument, f"an argument of {name} must be a string, got {operand.type}"
                )
        return [operand.sql for operand in arguments]

    def _lower(self, node: ast.Call, scope: TableScope) -> TypedSql:
        (text,) = self._text_arguments(node, scope, 1)
        return self._unless_odd(node, text, _ODD_TO_LOWER, f"lower({text})")

    def _upper(self, node: ast.Call, scope: TableScope) -> TypedSql:
        (text,) = self._text_arguments(node, scope, 1)
        return self._unless_odd(node, text, _ODD_TO_UPPER, f"upper(replace({text}, 'ß', 'SS'))")

    def _unless_odd(self, node: ast.Call, text: str, odd: str, sql: str) -> TypedSql:
        error = self.error_sql(node, "has a letter whose case on SendGrid is undocumented")
        guarded = f"(CASE WHEN regexp_matches({text}, '{odd}') THEN {error} ELSE {sql} END)"
        return TypedSql(guarded, ValueType.TEXT)

    def _length(self, node: ast.Call, scope: TableScope) -> TypedSql:
        (text,) = self._text_arguments(node, scope, 1)
        return TypedSql(f"CAST(length({text}) AS {NUMBER_TYPE})", ValueType.NUMBER)

    def _text_predicate(self, node: ast.Call, scope: TableScope) -> TypedSql:
        functions = {"STARTSWITH": "starts_with", "ENDSWITH": "ends_with", "CONTAINS": "contains"}
        text, part = self._text_arguments(node, scope, 2)
        return TypedSql(f"{functions[upper(node.name.text)]}({text}, {part})", ValueType.BOOLEAN)

    def _coalesce(self, node: ast.Call, scope: TableScope) -> TypedSql:
        name, count = upper(node.name.text), len(node.args)
        if count < 2 or (count > 2 and name != "COALESCE"):  # noqa: PLR2004 - NVL and IFNULL take two
            expected = "at least 2 arguments" if name == "COALESCE" else "2 arguments"
            raise refusal(node, f"{name} takes {expected}, got {count}")
        values, value_type = self.unify(node.args, scope)
        refuse_equality(node, value_type)
        return TypedSql(f"COALESCE({', '.join(value.sql for value in values)})", value_type)

    def _array_contains(self, node: ast.Call, scope: TableScope) -> TypedSql:
        match node.args:
            case (ast.Column() as column, ast.Array(items=array_items)):
                items: tuple[ast.Expression, ...] = array_items
            case (ast.Column() as column, ast.String() as text):
                items = (text,)
            case _:
                raise refusal(
                    node,
                    "invalid arguments of array_contains",
                    "write array_contains(list_ids, ['…'])",
                )
        operand = self.column(column, scope)
        if operand.type is not ValueType.LIST:
            raise refusal(
                column, f"the first argument of array_contains must be a list, got {operand.type}"
            )
        if not items:
            raise refusal(node, "the result of array_contains with an empty list is undocumented")
        texts = []
        for item in items:
            if not isinstance(item, ast.String):
                raise refusal(item, "an item in array_contains must be a string in single quotes")
            texts.append(text_value(item))
        is_list_ids = is_list_column(column)
        items_used = tuple(normal_list_ids(texts) if is_list_ids else texts)
        self.column_uses[-1] = replace(self.column_uses[-1], items=items_used)
        if is_list_ids:
            return TypedSql(list_ids_sql(operand.sql, texts), ValueType.BOOLEAN)
        literals = ", ".join(map(text_sql, texts))
        return TypedSql(f"list_has_any({operand.sql}, [{literals}])", ValueType.BOOLEAN)

    def _array_size(self, node: ast.Call, scope: TableScope) -> TypedSql:
        argument = self.value(node.args[0], scope) if len(node.args) == 1 else None
        if argument is None or argument.type is not ValueType.LIST:
            raise refusal(node, "ARRAY_SIZE takes one list")
        return TypedSql(f"CAST(len({argument.sql}) AS {NUMBER_TYPE})", ValueType.NUMBER)

    _CALLS: ClassVar[
        Mapping[str, Callable[[FunctionTranslator, ast.Call, TableScope], TypedSql]]
    ] = {
        "NOW": _now,
        "CURRENT_TIMESTAMP": _now,
        "TIMESTAMPADD": _timestamp_add,
        "DATEADD": _timestamp_add,
        "TIMEADD": _timestamp_add,
        "ARRAY_CONTAINS": _array_contains,
        "ARRAY_SIZE": _array_size,
        "LOWER": _lower,
        "UPPER": _upper,
        "LENGTH": _length,
        "STARTSWITH": _text_predicate,
        "ENDSWITH": _text_predicate,
        "CONTAINS": _text_predicate,
        "COALESCE": _coalesce,
        "NVL": _coalesce,
        "IFNULL": _coalesce,
    }
