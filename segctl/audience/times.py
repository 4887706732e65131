"""Times in DuckDB's SQL: spans, dates, parts of a time, differences.

Source: Snowflake's pages on date and time functions, with its default that weeks start on Monday.
The day of a time in a column does not depend on a time zone: SendGrid documents the columns as
TIMESTAMP, which is TIMESTAMP_NTZ in Snowflake. The day of the current time depends on the time zone
of SendGrid's session, which is not documented, so those are refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from segctl.audience.literals import constant_number
from segctl.audience.texts import check_count
from segctl.audience.typed_sql import NUMBER_TYPE, TypedSql, as_time, time_sql
from segctl.common.timestamps import parse_time_as_utc
from segctl.query import ast
from segctl.query.catalogue import NOW_FUNCTIONS, TIME_SUM_FUNCTIONS
from segctl.query.parser.tokens import lower, upper
from segctl.query.value_types import ValueType, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from segctl.audience.expressions import ExpressionTranslator
    from segctl.audience.scope import TableScope
    from segctl.query.value_types import CannotTranslate

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

_ABBREVIATIONS = {
    "second": "s sec secs",
    "minute": "m mi min mins",
    "hour": "h hh hr hrs",
    "day": "d dd",
    "week": "w wk",
    "month": "mm mon mons",
    "quarter": "q qtr qtrs",
    "year": "y yy yyy yyyy yr yrs",
}
_LONG_NAMES = {short: unit for unit, shorts in _ABBREVIATIONS.items() for short in shorts.split()}

_CLOCK_UNITS = frozenset(("second", "minute", "hour"))

_MAX_SPAN = 500 * 31_536_000
"""Seconds; times stay within the years that every database supports."""

_PARTS = (
    "YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DAYOFMONTH", "DAYOFWEEK", "DAYOFYEAR", "HOUR",
    "MINUTE", "SECOND",
)  # fmt: skip

_LOCAL_TYPES = frozenset(("TIMESTAMP", "TIMESTAMP_NTZ", "DATETIME", "TIMESTAMP WITHOUT TIME ZONE"))
"""Types of a time without a zone."""

_ZONED_TYPES = frozenset(
    ("TIMESTAMP_TZ", "TIMESTAMP_LTZ", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITH LOCAL TIME ZONE")
)
_UTC_OFFSET = re.compile(r"(?:z|[+-]00:?00)\s*", re.IGNORECASE)
_OFFSET = re.compile(r".*:.*(?P<offset>z|[+-]\d\d:?\d\d)\s*", re.IGNORECASE)
_MAX_EPOCH = 253_402_300_799
"""The last second of the year 9999."""


def unit_name(text: str) -> str | None:
    """Return a unit of time in the singular, or `None` if it is unknown."""
    name = lower(text)
    name = _LONG_NAMES.get(name, name.removesuffix("s"))
    return name if name in _UNITS else None


def zone_refusal(node: ast.Node, subject: str, hint: str = "") -> CannotTranslate:
    """Return the exception that refuses what depends on the time zone of SendGrid's session."""
    return refusal(
        node,
        f"{subject} depends on the time zone of SendGrid's session, which is undocumented",
        hint or "compare the time itself: created_at > now() - 30 days",
    )


def add_span(
    translator: ExpressionTranslator,
    node: ast.Node,
    base: ast.Expression,
    span: tuple[int, str],
    scope: TableScope,
) -> TypedSql:
    """Return a time in SQL, a number of units after `base`. Raises `CannotTranslate`."""
    amount, unit = span
    name = unit_name(unit)
    if name is None:
        raise refusal(node, f"unknown unit of time `{unit}`")
    duckdb_unit, factor, seconds = _UNITS[name]
    if abs(amount) * seconds > _MAX_SPAN:
        raise refusal(node, f"{abs(amount)} {unit} is more than the limit of 500 years")
    operand = translator.value(base, scope)
    if operand.type is ValueType.TEXT and operand.literal is not None:
        time = parse_time_as_utc(operand.literal)
        operand = TypedSql(time_sql(time), ValueType.TIME) if time else operand
    if operand.type is not ValueType.TIME:
        raise refusal(base, f"a span of time must be added to a time, got {operand.type}")
    # For DuckDB a month equals 30 days, and it computes terms that differ in nothing else once.
    op, amount = ("-", -amount) if duckdb_unit == "MONTH" else ("+", amount)
    interval = f"INTERVAL ({amount * factor}) {duckdb_unit}"
    return TypedSql(
        f"({operand.sql} {op} {interval})",
        ValueType.TIME,
        is_date=operand.is_date and name not in _CLOCK_UNITS,
        is_zoned=operand.is_zoned,
    )


def date_arithmetic(node: ast.Binary, left: TypedSql, right: TypedSql) -> TypedSql | None:
    """Return a date plus or minus days, or the days between two dates; `None` for other types."""
    if not left.is_date or node.op not in ("+", "-"):
        return None
    if right.is_date and node.op == "-":
        return _number(f"date_diff('day', {right.sql}, {left.sql})")
    days = constant_number(node.right)
    if days is None or days != days.to_integral_value() or abs(days) * 86_400 > _MAX_SPAN:
        return None
    interval = f"INTERVAL ({int(days)}) DAY"
    return TypedSql(f"({left.sql} {node.op} {interval})", ValueType.TIME, is_date=True)


def cast_to_time(
    translator: ExpressionTranslator,
    node: ast.Node,
    operand_node: ast.Expression,
    type_name: str,
    scope: TableScope,
) -> TypedSql | None:
    """Return a value converted to a date or a time, or `None` where it is not certain.

    Raises `CannotTranslate` for a day that depends on the time zone of the session.
    """
    if type_name != "DATE" and type_name not in _LOCAL_TYPES | _ZONED_TYPES:
        return None
    operand = translator.value(operand_node, scope)
    if operand.type is ValueType.NULL:
        return operand
    if operand.literal is not None:
        return _literal_to_time(operand, type_name)
    return _time_to_time(node, operand, type_name) if operand.type is ValueType.TIME else None


def _time_to_time(node: ast.Node, operand: TypedSql, type_name: str) -> TypedSql | None:
    if type_name == "DATE":
        if operand.is_zoned:
            raise zone_refusal(node, "the date of the current time")
        sql = operand.sql if operand.is_date else f"date_trunc('day', {operand.sql})"
        return TypedSql(sql, ValueType.TIME, is_date=True)
    if type_name in _LOCAL_TYPES:
        return TypedSql(operand.sql, ValueType.TIME, is_zoned=operand.is_zoned)
    return None


def _literal_to_time(operand: TypedSql, type_name: str) -> TypedSql | None:
    text = operand.literal or ""
    time = parse_time_as_utc(text)
    if time is None:
        return None
    match = _OFFSET.fullmatch(text)
    offset = match["offset"] if match else ""
    is_day = ":" not in text
    if type_name == "DATE":
        return TypedSql(time_sql(time), ValueType.TIME, is_date=True) if is_day else None
    # TIMESTAMP ignores the offset, but compared with a string, SendGrid may not.
    if type_name in _LOCAL_TYPES and (not offset or _UTC_OFFSET.fullmatch(offset)):
        return TypedSql(time_sql(time), ValueType.TIME)
    if type_name in _ZONED_TYPES and offset:
        return TypedSql(time_sql(time), ValueType.TIME, is_zoned=True)
    return None


def _number(sql: str) -> TypedSql:
    return TypedSql(f"CAST({sql} AS {NUMBER_TYPE})", ValueType.NUMBER, is_whole=True)


def _now(translator: ExpressionTranslator, node: ast.Call, _: TableScope) -> TypedSql:
    if node.args:
        raise refusal(node, "how SendGrid rounds the current time is undocumented", "write now()")
    return TypedSql(translator.now, ValueType.TIME, is_zoned=True)


def _current_date(_: ExpressionTranslator, node: ast.Call, __: TableScope) -> TypedSql:
    raise zone_refusal(node, upper(node.name.text))


def _timestamp_add(translator: ExpressionTranslator, node: ast.Call, scope: TableScope) -> TypedSql:
    match node.args:
        case (ast.DatePart(name=ast.Name(text=unit)) | ast.String(value=unit), amount, base):
            number = constant_number(amount)
            if number is None or number != number.to_integral_value():
                raise refusal(amount, "the amount added to a time must be a whole number")
            return add_span(translator, node, base, (int(number), unit), scope)
        case _:
            raise refusal(
                node,
                f"invalid arguments of {upper(node.name.text)}",
                "write timestampadd(day, -30, CURRENT_TIMESTAMP)",
            )


def _unit_and_times(
    translator: ExpressionTranslator, node: ast.Call, scope: TableScope, example: str
) -> tuple[str, list[TypedSql]]:
    """Return the unit of time and the times among the arguments of a call."""
    times = node.args[1:]
    match node.args:
        case (ast.DatePart(name=ast.Name(text=text)) | ast.String(value=text), *_) if len(
            times
        ) == example.count(","):
            unit = unit_name(text)
        case _:
            name = upper(node.name.text)
            raise refusal(node, f"invalid arguments of {name}", f"write {example}")
    if unit is None:
        raise refusal(node.args[0], f"unknown unit of time `{text}`")
    return unit, [_time(translator, node, argument, scope) for argument in times]


def _time(
    translator: ExpressionTranslator, node: ast.Call, argument: ast.Expression, scope: TableScope
) -> TypedSql:
    """Return an argument that must be a time."""
    operand = translator.value(argument, scope)
    if operand.literal is not None:
        operand = as_time(argument, operand)
    if operand.type is not ValueType.TIME:
        name = upper(node.name.text)
        raise refusal(argument, f"an argument of {name} must be a time, got {operand.type}")
    return operand


def _date_trunc(translator: ExpressionTranslator, node: ast.Call, scope: TableScope) -> TypedSql:
    unit, (time,) = _unit_and_times(translator, node, scope, "date_trunc(day, created_at)")
    if time.is_zoned and unit not in ("second", "minute"):
        raise zone_refusal(node, f"the {unit} of the current time")
    if time.is_date and unit in _CLOCK_UNITS:
        raise refusal(node, f"a date has no {unit}")
    return TypedSql(
        f"date_trunc('{unit}', {time.sql})",
        ValueType.TIME,
        is_date=time.is_date,
        is_zoned=time.is_zoned,
    )


def _date_diff(translator: ExpressionTranslator, node: ast.Call, scope: TableScope) -> TypedSql:
    unit, times = _unit_and_times(translator, node, scope, "datediff(day, created_at, updated_at)")
    if any(time.is_zoned for time in times) and unit not in ("second", "minute"):
        hint = f"compare the times: created_at > now() - 30 {unit}s"
        raise zone_refusal(node, f"the {unit} of the current time", hint)
    # Snowflake counts the boundaries between the two, which DuckDB's weeks are not.
    starts = ", ".join(f"date_trunc('{unit}', {time.sql})" for time in times)
    if unit == "week":
        return _number(f"(date_diff('day', {starts}) // 7)")
    return _number(f"date_diff('{unit}', {starts})")


def _part(translator: ExpressionTranslator, node: ast.Call, scope: TableScope) -> TypedSql:
    check_count(node, 1)
    return _part_of(node, upper(node.name.text), _time(translator, node, node.args[0], scope))


def _date_part(translator: ExpressionTranslator, node: ast.Call, scope: TableScope) -> TypedSql:
    match node.args:
        case (ast.DatePart(name=ast.Name(text=text)) | ast.String(value=text), argument):
            name = upper(unit_name(text) or text)
            if name not in _PARTS:
                raise refusal(node.args[0], f"unknown part of a time `{text}`")
            return _part_of(node, name, _time(translator, node, argument, scope))
        case _:
            raise refusal(node, "invalid arguments of DATE_PART", "write date_part(year, x)")


def _part_of(node: ast.Call, name: str, time: TypedSql) -> TypedSql:
    if time.is_zoned:
        raise zone_refusal(node, f"{name} of the current time")
    if time.is_date and lower(name) in _CLOCK_UNITS:
        raise refusal(node, f"a date has no {lower(name)}")
    return _number(f"{lower(name)}({time.sql})")


def _last_day(translator: ExpressionTranslator, node: ast.Call, scope: TableScope) -> TypedSql:
    if len(node.args) != 1:
        raise refusal(
            node, f"LAST_DAY takes 1 argument, got {len(node.args)}", "leave out the unit"
        )
    time = _time(translator, node, node.args[0], scope)
    if time.is_zoned:
        raise zone_refusal(node, "the month of the current time")
    return TypedSql(f"CAST(last_day({time.sql}) AS TIMESTAMP)", ValueType.TIME, is_date=True)


_CONVERSIONS = {
    "TO_DATE": "DATE",
    "TRY_TO_DATE": "DATE",
    "DATE": "DATE",
    "TO_TIMESTAMP": "TIMESTAMP",
    "TRY_TO_TIMESTAMP": "TIMESTAMP",
    "TO_TIMESTAMP_NTZ": "TIMESTAMP",
    "TO_TIMESTAMP_TZ": "TIMESTAMP_TZ",
    "TO_TIMESTAMP_LTZ": "TIMESTAMP_LTZ",
}


def _conversion(translator: ExpressionTranslator, node: ast.Call, scope: TableScope) -> TypedSql:
    name = upper(node.name.text)
    if len(node.args) != 1:
        raise refusal(
            node,
            f"{name} with a format is not supported",
            "write the time in ISO 8601: '2026-01-31T00:00:00Z'",
        )
    (argument,) = node.args
    seconds = constant_number(argument)
    if seconds is not None and name in ("TO_TIMESTAMP", "TO_TIMESTAMP_NTZ"):
        if seconds != seconds.to_integral_value() or not 0 <= seconds <= _MAX_EPOCH:
            raise refusal(argument, f"the seconds must be a whole number from 0 to {_MAX_EPOCH}")
        return TypedSql(f"make_timestamp({int(seconds) * 1_000_000})", ValueType.TIME)
    time = cast_to_time(translator, node, argument, _CONVERSIONS[name], scope)
    if time is None:
        raise conversion_refusal(node, translator.value(argument, scope).type, _CONVERSIONS[name])
    return time


def conversion_refusal(node: ast.Node, value_type: ValueType, type_name: str) -> CannotTranslate:
    """Return the exception that refuses a conversion."""
    return refusal(
        node,
        f"how SendGrid converts {value_type} to {type_name} is undocumented",
        "compare without the cast",
    )


TIME_CALLS: Mapping[str, Callable[[ExpressionTranslator, ast.Call, TableScope], TypedSql]] = {
    **dict.fromkeys(NOW_FUNCTIONS, _now),
    **dict.fromkeys(("CURRENT_DATE", "CURRENT_TIME", "LOCALTIME", "LOCALTIMESTAMP"), _current_date),
    **dict.fromkeys(TIME_SUM_FUNCTIONS, _timestamp_add),
    **dict.fromkeys(("TIMESTAMPDIFF", "DATEDIFF", "TIMEDIFF"), _date_diff),
    **dict.fromkeys(_PARTS, _part),
    **dict.fromkeys(_CONVERSIONS, _conversion),
    "DATE_TRUNC": _date_trunc,
    "DATE_PART": _date_part,
    "LAST_DAY": _last_day,
}
