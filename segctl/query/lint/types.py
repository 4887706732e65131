"""Rules about types: numbers, strings, times and lists, and what may be compared with what.

Owns `type_of`, the type of an expression as far as it is certain. A custom field has the type that
the account reports. An expression whose type is not certain is not checked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from segctl.common.timestamps import TIME, parse_lenient_time
from segctl.errors import Severity
from segctl.query import ast
from segctl.query.catalogue import FUNCTIONS, ColumnType
from segctl.query.lint.rule import Needs, Violation, quote_sql, rule, violation_at
from segctl.query.parser.tokens import upper

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from segctl.query.lint.scope import NodeContext, ResolvedColumn

    AnyComparison: TypeAlias = ast.Comparison | ast.In | ast.Between

NUMERIC_TEXT = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)\s*")
_COMPARISONS = (ast.Comparison, ast.In, ast.Between)
_TYPE_WORDS = {
    ColumnType.VARCHAR: "a string",
    ColumnType.NUMBER: "a number",
    ColumnType.TIMESTAMP: "a time",
    ColumnType.ARRAY: "a list",
}
_TIME_EXAMPLES = "'2026-01-31T00:00:00Z', or a relative time such as now() - 30 days"


def type_of(  # noqa: PLR0911 - one return per shape
    node: ast.Expression, context: NodeContext
) -> ColumnType | None:
    """Return the type of an expression, or `None` where it is not certain."""
    match node:
        case ast.Column():
            return context.resolve(node).type
        case ast.Call(name=name):
            function = FUNCTIONS.get(upper(name.text))
            return function.returns if function else None
        case ast.Number():
            return ColumnType.NUMBER
        case ast.Unary(operand=operand):
            return type_of(operand, context)
        case ast.Array():
            return ColumnType.ARRAY
        case ast.Binary(op="+" | "-", left=left, right=ast.Interval()):
            return type_of(left, context)
    return None


def compared_pairs(node: AnyComparison) -> Iterator[tuple[ast.Expression, ast.Expression]]:
    """Yield each pair that a condition compares, as (operand, value)."""
    match node:
        case ast.Comparison(left=left, right=right):
            if isinstance(right, ast.Column) and not isinstance(left, ast.Column):
                left, right = right, left
            yield left, right
        case ast.In(operand=operand, items=tuple(items)):
            for item in items:
                yield operand, item
        case ast.Between(operand=operand, low=low, high=high):
            yield operand, low
            yield operand, high


def _typed_column(node: ast.Expression, context: NodeContext) -> ResolvedColumn | None:
    """Return what is known of a column whose type is known, else `None`."""
    if isinstance(node, ast.Column):
        resolved = context.resolve(node)
        return resolved if resolved.type else None
    return None


@rule("type-mismatch", Severity.WARNING, *_COMPARISONS, ast.Like, ast.Binary, needs=Needs.FIELDS)
def type_mismatch(node: ast.Expression, context: NodeContext) -> Iterator[Violation]:
    """Report values of another type than the field that they are compared with.

    SendGrid refuses to compare a number with a text field, or a string with a number field, or the
    comparison fails for the first contact whose value cannot be converted. A postal code that is
    compared as a number loses its leading zero. `segctl account pull` writes down the types of the
    account's custom fields.

    Write numbers without quotes and strings in single quotes, to match the type of the field.

    Bad::

        postal_code = 01069

    Good::

        postal_code = '01069'
    """
    match node:
        case ast.Like(operand=operand, kind=kind):
            column = _typed_column(operand, context)
            if column and column.type in (ColumnType.NUMBER, ColumnType.TIMESTAMP):
                yield violation_at(
                    node,
                    f"{kind} compares strings, and `{column.spelling}` is"
                    f" {_TYPE_WORDS[column.type]}",
                    "compare it with =, < or >",
                )
        case ast.Binary(op=op) if op != "||":
            yield from _arithmetic(node, context)
        case ast.Comparison() | ast.In() | ast.Between():
            for operand, value in compared_pairs(node):
                yield from _mismatch(operand, value, context)


def _mismatch(
    operand: ast.Expression, value: ast.Expression, context: NodeContext
) -> Iterator[Violation]:
    column = _typed_column(operand, context)
    if column is None or column.type is None or column.type is ColumnType.ARRAY:
        return
    value_type, source = type_of(value, context), context.source(value)
    if column.type is ColumnType.NUMBER and isinstance(value, ast.String):
        is_numeric = NUMERIC_TEXT.fullmatch(value.value)
        value_type = ColumnType.VARCHAR
        hint = f"write {value.value.strip()}" if is_numeric else "compare it with a number"
    elif column.type is ColumnType.VARCHAR and _is_number(value):
        value_type = ColumnType.NUMBER
        hint = f"write '{source}'"
    elif column.type is ColumnType.TIMESTAMP and value_type is ColumnType.NUMBER:
        hint = f"write a time such as {_TIME_EXAMPLES}"
    elif column.type is ColumnType.NUMBER and value_type is ColumnType.TIMESTAMP:
        hint = ""
    else:
        return
    message = (
        f"`{column.spelling}` is {_TYPE_WORDS[column.type]},"
        f" and {quote_sql(source)} is {_TYPE_WORDS[value_type]}"
    )
    yield violation_at(value, message, hint)


def _is_number(node: ast.Expression) -> bool:
    return isinstance(node.operand if isinstance(node, ast.Unary) else node, ast.Number)


def _arithmetic(node: ast.Binary, context: NodeContext) -> Iterator[Violation]:
    left_type = type_of(node.left, context)
    if left_type is ColumnType.TIMESTAMP and _is_number(node.right) and node.op in ("+", "-"):
        replacement = f"{context.source(node.left)} {node.op} {context.source(node.right)} days"
        yield violation_at(
            node,
            "missing unit of time after the number",
            f"write {quote_sql(replacement)}",
        )
        return
    for side in (node.left, node.right):
        side_type = type_of(side, context)
        if side_type in (ColumnType.VARCHAR, ColumnType.ARRAY) and isinstance(side, ast.Column):
            yield violation_at(
                side,
                f"`{context.resolve(side).spelling}` is {_TYPE_WORDS[side_type]},"
                f" and {quote_sql(node.op)} computes with numbers",
                "use a field of the type Number",
            )


@rule("array-comparison", Severity.WARNING, *_COMPARISONS, ast.Like)
def array_comparison(node: AnyComparison | ast.Like, context: NodeContext) -> Iterator[Violation]:
    """Report list columns that are compared as if they held a single value.

    list_ids, email_domains and alternate_emails hold lists of values: a contact can be on many
    lists and have many addresses. A list is never equal to a single value, so the segment is
    empty, or SendGrid refuses it.

    Write array_contains(list_ids, ['…']). To match contacts that have at least one of several
    values, write array_contains(list_ids, ['…', '…']).

    Bad::

        list_ids = '0b1f4a10-5c1d-4a6e-9f02-000000000001'

    Good::

        array_contains(list_ids, ['0b1f4a10-5c1d-4a6e-9f02-000000000001'])
    """
    operand, values = _operand_and_values(node)
    column = _typed_column(operand, context)
    if column is None or column.type is not ColumnType.ARRAY:
        return
    if any(isinstance(value, ast.Null | ast.Array) for value in values):
        return
    is_negated = getattr(node, "negated", False) or getattr(node, "op", "") == "!="
    items = ", ".join(context.source(value) for value in values) or "'…'"
    call = f"array_contains({context.source(operand)}, [{items}])"
    yield violation_at(
        node,
        f"`{column.spelling}` is a list, and is compared with a single value",
        f"write {quote_sql(f'NOT {call}' if is_negated else call)}",
    )


def _operand_and_values(
    node: AnyComparison | ast.Like,
) -> tuple[ast.Expression, list[ast.Expression]]:
    if isinstance(node, ast.Like):
        return node.operand, []
    pairs = list(compared_pairs(node))
    if pairs:
        return pairs[0][0], [value for _, value in pairs]
    return (node.left if isinstance(node, ast.Comparison) else node.operand), []


@rule("unreadable-timestamp", Severity.WARNING, *_COMPARISONS, needs=Needs.FIELDS)
def unreadable_timestamp(node: AnyComparison, context: NodeContext) -> Iterator[Violation]:
    """Report strings that are compared with a time and are not valid times.

    '06/07/2026' is 6 July to one reader and June 7 to another, and '31.12.2026' may not be a time
    at all: SendGrid refuses the comparison, or it selects the wrong people.

    Write times in ISO format, with their time zone: '2026-07-06T00:00:00Z'. For "in the last 30
    days", write now() - 30 days.

    Bad::

        updated_at < '06/19/2024'

    Good::

        updated_at < '2024-06-19T00:00:00Z'
    """
    for text in _time_texts(node, context):
        time = text.value.strip()
        if not time.isdigit() and not parse_lenient_time(text.value):
            reason = ": no such day or hour" if TIME.fullmatch(time) else ""
            yield violation_at(
                text,
                f"invalid time {quote_sql(context.source(text))}{reason}",
                f"write {_TIME_EXAMPLES}",
            )


def _time_texts(node: AnyComparison, context: NodeContext) -> Iterator[ast.String]:
    """Yield the strings that a condition compares with a column of times."""
    for operand, value in compared_pairs(node):
        if isinstance(value, ast.String):
            column = _typed_column(operand, context)
            if column and column.type is ColumnType.TIMESTAMP:
                yield value


@rule("timestamp-zone", Severity.WARNING, *_COMPARISONS, needs=Needs.FIELDS)
def timestamp_zone(node: AnyComparison, context: NodeContext) -> Iterator[Violation]:
    """Report times without a time zone, and dates without a time.

    '2024-06-19' starts at midnight, and midnight in Prague is not midnight in New York. SendGrid
    does not document which zone it assumes, so it is a matter of chance whether contacts near the
    boundary are in the segment.

    Write the time and the zone: '2024-06-19T00:00:00Z' for UTC, '2024-06-19T00:00:00+02:00' for
    Prague in summer.

    Bad::

        updated_at < '2024-06-19'

    Good::

        updated_at < '2024-06-19T00:00:00Z'
    """
    for text in _time_texts(node, context):
        time = TIME.fullmatch(text.value.strip()) if parse_lenient_time(text.value) else None
        if time and not time["zone"]:
            lacks = "no time zone" if time["clock"] else "no time and no time zone"
            yield violation_at(
                text,
                f"{quote_sql(context.source(text))} has {lacks}",
                f"write '{time['date']}T{time['clock'] or '00:00:00'}Z' for UTC",
            )
