"""Functions of strings in DuckDB's SQL.

Source: Snowflake's pages on string functions: NULL in any argument gives NULL, positions count
characters from 1, and TRIM removes nothing but blanks unless told otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.audience.literals import constant_number
from segctl.audience.open_questions import Question
from segctl.audience.typed_sql import NUMBER_TYPE, TypedSql, text_sql
from segctl.query.parser.tokens import lower, upper
from segctl.query.value_types import ValueType, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from segctl.audience.expressions import ExpressionTranslator
    from segctl.audience.scope import TableScope
    from segctl.query import ast

CASE_OF_LETTERS = Question(
    "depends, for some contact, on a letter whose case is undocumented, such as İ, a final Σ or, in"
    " ILIKE, ß",
    2,
)
"""How Unicode changes the case of letters: one by one, or by their place in the word."""

_MAX_LENGTH = 16_777_216
"""Characters in Snowflake's longest string."""

_ODD_TO_UPPER = r"[ŉǰΐΰև\x{1e96}-\x{1e9a}\x{1f50}-\x{1fff}\x{fb00}-\x{fb17}]"
"""Letters whose upper case is several letters in Unicode, as that of ß, which is documented."""

_FINAL_SIGMA = r"(?s)(.)Σ([^\p{Lu}\p{Ll}\p{Lt}]|\z)"


def lower_sql(text: str, answer: int) -> str:
    """Return a string in lower case, under an answer to `CASE_OF_LETTERS`."""
    if answer == 0:
        return f"lower({text})"
    decomposed = f"replace({text}, 'İ', 'i\u0307')"
    final = rf"regexp_replace({decomposed}, '{_FINAL_SIGMA}', '\1ς\2', 'g')"
    return (
        f"lower(CASE WHEN contains({text}, 'İ') OR contains({text}, 'Σ') THEN {final}"
        f" ELSE {text} END)"
    )


def upper_sql(text: str, error: str) -> str:
    """Return a string in upper case; `error` where that is not certain."""
    return (
        f"(CASE WHEN regexp_matches({text}, '{_ODD_TO_UPPER}') THEN {error}"
        f" ELSE upper(replace({text}, 'ß', 'SS')) END)"
    )


def text_arguments(
    translator: ExpressionTranslator,
    node: ast.Call,
    arguments: tuple[ast.Expression, ...],
    scope: TableScope,
) -> list[TypedSql]:
    """Return arguments that all must be strings. Raises `CannotTranslate`."""
    operands = []
    for argument in arguments:
        operand = translator.value(argument, scope)
        if operand.type is ValueType.NULL:
            operand = TypedSql("CAST(NULL AS VARCHAR)", _TEXT)
        operands.append(operand)
        if operand.type not in (ValueType.TEXT, ValueType.INSIDE):
            name = upper(node.name.text)
            raise refusal(argument, f"an argument of {name} must be a string, got {operand.type}")
    return operands


def check_count(node: ast.Call, least: int, most: int | None = None) -> None:
    """Raise `CannotTranslate` for a call with too few or too many arguments."""
    count = len(node.args)
    most = least if most is None else most
    if not least <= count <= most:
        expected = f"{least}" if least == most else f"{least} to {most}"
        noun = "argument" if most == 1 else "arguments"
        raise refusal(node, f"{upper(node.name.text)} takes {expected} {noun}, got {count}")


def _lower(translator: ExpressionTranslator, node: ast.Call, scope: TableScope) -> TypedSql:
    check_count(node, 1)
    (text,) = text_arguments(translator, node, node.args, scope)
    return TypedSql(lower_sql(text.sql, translator.questions.answer(CASE_OF_LETTERS, node)), _TEXT)


def _upper(translator: ExpressionTranslator, node: ast.Call, scope: TableScope) -> TypedSql:
    check_count(node, 1)
    (text,) = text_arguments(translator, node, node.args, scope)
    error = translator.error_sql(node, "has a letter whose upper case is undocumented")
    return TypedSql(upper_sql(text.sql, error), _TEXT)


def _length(translator: ExpressionTranslator, node: ast.Call, scope: TableScope) -> TypedSql:
    check_count(node, 1)
    (text,) = text_arguments(translator, node, node.args, scope)
    sql = f"CAST(length({text.sql}) AS {NUMBER_TYPE})"
    return TypedSql(sql, ValueType.NUMBER, is_whole=True)


def _predicate(translator: ExpressionTranslator, node: ast.Call, scope: TableScope) -> TypedSql:
    check_count(node, 2)
    functions = {"STARTSWITH": "starts_with", "ENDSWITH": "ends_with", "CONTAINS": "contains"}
    text, part = text_arguments(translator, node, node.args, scope)
    sql = f"{functions[upper(node.name.text)]}({text.sql}, {part.sql})"
    return TypedSql(sql, ValueType.BOOLEAN)


def _trim(translator: ExpressionTranslator, node: ast.Call, scope: TableScope) -> TypedSql:
    check_count(node, 1, 2)
    text, *rest = text_arguments(translator, node, node.args, scope)
    characters = rest[0].literal if rest else " "
    if not characters:
        raise refusal(
            node.args[-1],
            f"the characters that {upper(node.name.text)} removes must be a string in single"
            " quotes, and not empty",
        )
    return TypedSql(f"{lower(node.name.text)}({text.sql}, {text_sql(characters)})", _TEXT)


def _concat(translator: ExpressionTranslator, node: ast.Call, scope: TableScope) -> TypedSql:
    check_count(node, 1, max(1, len(node.args)))
    return concatenation(text_arguments(translator, node, node.args, scope))


def concatenation(operands: list[TypedSql]) -> TypedSql:
    """Return strings joined; NULL if one of them is. A constant if all of them are."""
    literals = [operand.literal for operand in operands if operand.literal is not None]
    if len(literals) == len(operands):
        joined = "".join(literals)
        return TypedSql(text_sql(joined), _TEXT, joined)
    return TypedSql(f"({' || '.join(operand.sql for operand in operands)})", _TEXT)


def _whole(
    translator: ExpressionTranslator, node: ast.Call, index: int, scope: TableScope
) -> tuple[str, int | None]:
    """Return an argument that must be a whole number as SQL, and its value if it is constant."""
    argument = node.args[index]
    number = constant_number(argument)
    if number is not None and number == number.to_integral_value():
        value = max(-_MAX_LENGTH, min(int(number), _MAX_LENGTH))
        return f"({value})", value
    operand = translator.value(argument, scope)
    if operand.type is not ValueType.NUMBER or not operand.is_whole:
        name = upper(node.name.text)
        raise refusal(argument, f"the numbers in {name} must be whole, such as 3 or LENGTH(email)")
    return f"CAST({operand.sql} AS BIGINT)", None


def _length_argument(
    translator: ExpressionTranslator, node: ast.Call, index: int, scope: TableScope
) -> str:
    """Return the length that a function returns at most: 0 if it is negative."""
    sql, value = _whole(translator, node, index, scope)
    return f"(CASE WHEN {sql} < 0 THEN 0 ELSE {sql} END)" if value is None else f"{max(value, 0)}"


def _side(translator: ExpressionTranslator, node: ast.Call, scope: TableScope) -> TypedSql:
    check_count(node, 2)
    (text,) = text_arguments(translator, node, node.args[:1], scope)
    length = _length_argument(translator, node, 1, scope)
    return TypedSql(f"{lower(node.name.text)}({text.sql}, {length})", _TEXT)


def _substring(translator: ExpressionTranslator, node: ast.Call, scope: TableScope) -> TypedSql:
    check_count(node, 2, 3)
    (text,) = text_arguments(translator, node, node.args[:1], scope)
    start, value = _whole(translator, node, 1, scope)
    length = str(_MAX_LENGTH)
    if node.args[2:]:
        length = _length_argument(translator, node, 2, scope)
    if value == 0:
        raise refusal(
            node.args[1], "the first character is 1, and the meaning of 0 is undocumented"
        )
    if value is not None and value > 0:
        return TypedSql(f"substring({text.sql}, {start}, {length})", _TEXT)
    error = translator.error_sql(
        node, "starts before the first character of some value, whose meaning is undocumented"
    )
    size = f"length({text.sql})"
    return TypedSql(
        f"(CASE WHEN {start} > 0 THEN substring({text.sql}, {start}, {length})"
        f" WHEN {start} < 0 AND {start} >= -{size}"
        f" THEN substring({text.sql}, {size} + {start} + 1, {length})"
        f" WHEN {size} IS NULL OR {start} IS NULL THEN NULL ELSE {error} END)",
        _TEXT,
    )


_TEXT = ValueType.TEXT

TEXT_CALLS: Mapping[str, Callable[[ExpressionTranslator, ast.Call, TableScope], TypedSql]] = {
    "LOWER": _lower,
    "UPPER": _upper,
    **dict.fromkeys(("LENGTH", "LEN"), _length),
    **dict.fromkeys(("STARTSWITH", "ENDSWITH", "CONTAINS"), _predicate),
    **dict.fromkeys(("TRIM", "LTRIM", "RTRIM"), _trim),
    **dict.fromkeys(("LEFT", "RIGHT"), _side),
    **dict.fromkeys(("SUBSTR", "SUBSTRING"), _substring),
    "CONCAT": _concat,
}
