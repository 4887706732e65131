"""Rules about types: numbers, texts, times and lists, and what may be compared with what.

Owns `kind_of`, the type of an expression as far as it is certain. A custom field has the type that
the account says; what has no certain type is compared with nothing here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from segctl.common.timestamps import TIME, instant
from segctl.errors import Severity
from segctl.query import ast
from segctl.query.catalogue import FUNCTIONS, ColumnType
from segctl.query.lint.rule import Needs, Spot, quoted, rule
from segctl.query.parser.tokens import upper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.query.lint.scope import Here, Resolved

_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)\s*")
_COMPARED = (ast.Comparison, ast.In, ast.Between)
_WORDS = {
    ColumnType.VARCHAR: "a text",
    ColumnType.NUMBER: "a number",
    ColumnType.TIMESTAMP: "a time",
    ColumnType.ARRAY: "a list",
}


def kind_of(  # noqa: PLR0911 - one a shape
    node: ast.Expression, here: Here
) -> ColumnType | None:
    """Give the type of an expression, or `None` where it is not certain."""
    match node:
        case ast.Column():
            return here.resolve(node).type
        case ast.Call(name=name):
            function = FUNCTIONS.get(upper(name.text))
            return function.returns if function else None
        case ast.Number():
            return ColumnType.NUMBER
        case ast.Unary(operand=operand):
            return kind_of(operand, here)
        case ast.Array():
            return ColumnType.ARRAY
        case ast.Binary(op="+" | "-", left=left, right=ast.Interval()):
            return kind_of(left, here)
    return None


def compared(
    node: ast.Comparison | ast.In | ast.Between,
) -> Iterator[tuple[ast.Expression, ast.Expression]]:
    """Yield each pair that is compared, as (the operand, the value)."""
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


def _column(node: ast.Expression, here: Here) -> Resolved | None:
    """Resolve a column whose type is known."""
    if isinstance(node, ast.Column):
        resolved = here.resolve(node)
        return resolved if resolved.type else None
    return None


@rule("type-mismatch", Severity.WARNING, *_COMPARED, ast.Like, ast.Binary, needs=Needs.FIELDS)
def type_mismatch(node: ast.Expression, here: Here) -> Iterator[Spot]:
    """Find values of another type than the field they are compared with.

    A number compared with a text field, or a text with a number field, is refused, or fails for
    the first contact whose value does not convert; a postal code compared as a number loses its
    leading zero. Which type a custom field has, the account knows: see `fields.yaml`.

    Write numbers bare and texts between single quotes, as the type of the field demands.

    Bad::

        postal_code = 01069

    Good::

        postal_code = '01069'
    """
    match node:
        case ast.Like(operand=operand, kind=kind):
            column = _column(operand, here)
            if column and column.type in (ColumnType.NUMBER, ColumnType.TIMESTAMP):
                yield Spot(
                    node.start,
                    node.end,
                    f"{kind} looks into texts, and `{column.spelling}` is {_WORDS[column.type]}",
                    "compare it with =, < or >",
                )
        case ast.Binary(left=left, op=op, right=right) if op != "||":
            yield from _arithmetic(node, left, right, here)
        case ast.Comparison() | ast.In() | ast.Between():
            for operand, value in compared(node):
                yield from _mismatch(operand, value, here)


def _mismatch(operand: ast.Expression, value: ast.Expression, here: Here) -> Iterator[Spot]:
    column = _column(operand, here)
    if column is None or column.type is None or column.type is ColumnType.ARRAY:
        return
    kind, name = kind_of(value, here), column.spelling
    written = here.source(value)
    if column.type is ColumnType.NUMBER and isinstance(value, ast.String):
        numeric = _NUMBER.fullmatch(value.value)
        message = f"`{name}` is a number, and {quoted(written)} is a text"
        hint = f"write {value.value.strip()}" if numeric else "compare it with a number"
    elif column.type is ColumnType.VARCHAR and _is_number(value):
        message = f"`{name}` is a text, and {quoted(written)} is a number"
        hint = f"write '{written}'"
    elif column.type is ColumnType.TIMESTAMP and kind is ColumnType.NUMBER:
        message = f"`{name}` is a time, and {quoted(written)} is a number"
        hint = "write a time: '2026-01-31T00:00:00Z', or now() - 30 days"
    elif column.type is ColumnType.NUMBER and kind is ColumnType.TIMESTAMP:
        message, hint = f"`{name}` is a number, and {quoted(written)} is a time", ""
    else:
        return
    yield Spot(value.start, value.end, message, hint)


def _is_number(node: ast.Expression) -> bool:
    return isinstance(node.operand if isinstance(node, ast.Unary) else node, ast.Number)


def _arithmetic(
    node: ast.Binary, left: ast.Expression, right: ast.Expression, here: Here
) -> Iterator[Spot]:
    kinds = kind_of(left, here), kind_of(right, here)
    if kinds[0] is ColumnType.TIMESTAMP and _is_number(right) and node.op in ("+", "-"):
        yield Spot(
            node.start,
            node.end,
            "a time and a bare number: the unit of time is missing",
            f"write {quoted(f'{here.source(left)} {node.op} {here.source(right)} days')}",
        )
        return
    for side, kind in zip((left, right), kinds, strict=True):
        if kind in (ColumnType.VARCHAR, ColumnType.ARRAY) and isinstance(side, ast.Column):
            yield Spot(
                side.start,
                side.end,
                f"`{here.resolve(side).spelling}` is {_WORDS[kind]};"
                f" {quoted(node.op)} computes with numbers",
                "compute with a field of type Number",
            )


@rule("array-comparison", Severity.WARNING, *_COMPARED, ast.Like)
def array_comparison(
    node: ast.Comparison | ast.In | ast.Between | ast.Like, here: Here
) -> Iterator[Spot]:
    """Find list columns that are compared as if they were one value.

    A contact is on many lists, and may have many addresses: list_ids, email_domains and
    alternate_emails hold lists of values. A list is never equal to one value, so the segment
    is empty or refused.

    Write array_contains(list_ids, ['…']); for several values, at least one of which must be in
    the list, array_contains(list_ids, ['…', '…']).

    Bad::

        list_ids = '0b1f4a10-5c1d-4a6e-9f02-000000000001'

    Good::

        array_contains(list_ids, ['0b1f4a10-5c1d-4a6e-9f02-000000000001'])
    """
    if isinstance(node, ast.Like):
        operand: ast.Expression = node.operand
        values: list[ast.Expression] = []
    else:
        pairs = list(compared(node))
        if not pairs:
            operand, values = node.left if isinstance(node, ast.Comparison) else node.operand, []
        else:
            operand, values = pairs[0][0], [value for _, value in pairs]
    column = _column(operand, here)
    if column is None or column.type is not ColumnType.ARRAY:
        return
    if any(isinstance(value, ast.Null | ast.Array) for value in values):
        return
    negated = getattr(node, "negated", False) or getattr(node, "op", "") == "!="
    texts = ", ".join(here.source(value) for value in values) or "'…'"
    written = f"{'NOT ' if negated else ''}array_contains({here.source(operand)}, [{texts}])"
    yield Spot(
        node.start,
        node.end,
        f"`{column.spelling}` is a list, and is compared as one value",
        f"write {quoted(written)}",
    )


@rule("unreadable-timestamp", Severity.WARNING, *_COMPARED, needs=Needs.FIELDS)
def unreadable_timestamp(node: ast.Comparison | ast.In | ast.Between, here: Here) -> Iterator[Spot]:
    """Find texts compared with a time that are no time.

    '06/07/2026' is the sixth of July to one reader and the seventh of June to another, and
    '31.12.2026' is perhaps nothing at all: the comparison is refused, or selects the wrong
    people.

    Write times in ISO form with their zone: '2026-07-06T00:00:00Z'. For "in the last 30 days"
    write now() - 30 days.

    Bad::

        updated_at < '06/19/2024'

    Good::

        updated_at < '2024-06-19T00:00:00Z'
    """
    for operand, value in compared(node):
        text = _time_text(operand, value, here)
        if text is None or text.value.strip().isdigit() or instant(text.value):
            continue
        impossible = TIME.fullmatch(text.value.strip())
        yield Spot(
            text.start,
            text.end,
            f"{quoted(here.source(text))} is compared with a time,"
            f" and {'there is no such day or hour' if impossible else 'is none'}",
            "write '2026-01-31T00:00:00Z', or a time counted from now: now() - 30 days",
        )


def _time_text(operand: ast.Expression, value: ast.Expression, here: Here) -> ast.String | None:
    """Give the text that a column of times is compared with."""
    if not isinstance(value, ast.String):
        return None
    column = _column(operand, here)
    return value if column and column.type is ColumnType.TIMESTAMP else None


@rule("timestamp-zone", Severity.WARNING, *_COMPARED, needs=Needs.FIELDS)
def timestamp_zone(node: ast.Comparison | ast.In | ast.Between, here: Here) -> Iterator[Spot]:
    """Find times without a zone, and dates without a time.

    '2024-06-19' begins at midnight, and midnight is at another moment in Prague than in New
    York. Which zone the server takes is not documented, so contacts near the boundary are in
    the segment or not by accident.

    Write the time and the zone: '2024-06-19T00:00:00Z' for UTC, '2024-06-19T00:00:00+02:00'
    for Prague in summer.

    Bad::

        updated_at < '2024-06-19'

    Good::

        updated_at < '2024-06-19T00:00:00Z'
    """
    for operand, value in compared(node):
        text = _time_text(operand, value, here)
        found = TIME.fullmatch(text.value.strip()) if text and instant(text.value) else None
        if text is None or found is None or found["zone"]:
            continue
        what = "a time without its zone" if found["clock"] else "a date without a time and a zone"
        yield Spot(
            text.start,
            text.end,
            f"{quoted(here.source(text))} is {what}",
            f"write '{found['date']}T{found['clock'] or '00:00:00'}Z' for UTC",
        )
