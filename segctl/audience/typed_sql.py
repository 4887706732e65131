"""Typed pieces of SQL, and which of them may be compared with each other.

The rule for two different types: a string literal compared with a time is read as a time, a value
inside DATA compared with a string is read as a string, and anything else is refused. SendGrid
resembles Snowflake (sendgrid-api.md §6), which converts more than that, but what it does with a
value that does not convert is undocumented. Does not know the query around the pieces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import blake2s
from typing import TYPE_CHECKING

from segctl.common.timestamps import parse_time_as_utc
from segctl.query.list_ids import normal_list_ids
from segctl.query.value_types import ValueType, refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from segctl.query.ast import Node


DECIMALS = 9
"""Decimals of a number that are kept; a number with more is refused rather than rounded."""

NUMBER_LIMIT = Decimal(10) ** 18
"""Numbers are smaller than this."""

ERROR_PREFIX = "segctl: "
"""The beginning of every message with which a computation fails on purpose."""

_MAX_REPEATED_LENGTH = 2_000
"""Longer conditions are not written twice: nested conditions would grow exponentially."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d")

NUMBER_TYPE = f"DECIMAL(38, {DECIMALS})"


@dataclass(frozen=True, slots=True)
class TypedSql:
    """A piece of SQL, safe beside any operator, and the type of its value.

    `literal` is the value of a constant string; only a constant can still become a time. `guessed`
    marks a column whose type is known from nothing but its values. A number has `decimals` on
    SendGrid, `None` if that is not known, and `places` in DuckDB; it `is_whole` if it certainly has
    no fraction, and `is_rounded` if a quotient is part of it. A time is at midnight if it
    `is_date`, and `is_zoned` if its day depends on the time zone of SendGrid's session.
    """

    sql: str
    type: ValueType
    literal: str | None = None
    guessed: bool = False
    decimals: int | None = 0
    places: int = DECIMALS
    is_whole: bool = False
    is_rounded: bool = False
    is_date: bool = False
    is_zoned: bool = False


def text_sql(text: str) -> str:
    """Return a text as a DuckDB literal; the doubled quote is DuckDB's only escape."""
    return "'" + text.replace("'", "''") + "'"


def list_ids_sql(lists: str, list_ids: Iterable[str]) -> str:
    """Return the condition that one of the `lists` of a contact is among `list_ids`."""
    ids = list_sql(normal_list_ids(list_ids))
    return f"list_has_any(list_transform({lists}, lambda list_id: lower(list_id)), {ids})"


def list_sql(texts: Iterable[str]) -> str:
    """Return a list of texts as a DuckDB literal."""
    return f"CAST([{', '.join(map(text_sql, texts))}] AS VARCHAR[])"


def name_sql(name: str) -> str:
    """Return a name as a DuckDB identifier."""
    return '"' + name.replace('"', '""') + '"'


def hashed_name(prefix: str, text: str) -> str:
    """Return a name for a text; different texts have different names. It needs no quotes."""
    return f"{prefix}{blake2s(text.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"


def path_columns(name: str) -> tuple[str, str]:
    """Return the columns for the value at a path into DATA: its JSON type, and it as a text."""
    return f"{name}_type", f"{name}_text"


def join_conditions(operator: str, conditions: Sequence[str]) -> str:
    """Join conditions by AND or OR; one that can fail is computed only where it still matters.

    Those that cannot fail come first. DuckDB computes both sides of an AND, except when it filters
    rows, but never the branch of a CASE whose condition is not met. NULL stays distinct from FALSE.
    """
    ordered = sorted(conditions, key=_can_fail)
    guarded = max(1, sum(not _can_fail(condition) for condition in ordered))
    before = f" {operator} ".join(ordered[:guarded])
    if guarded >= len(ordered) or len(before) > _MAX_REPEATED_LENGTH:
        return f" {operator} ".join(ordered)
    rest = join_conditions(operator, ordered[guarded:])
    decisive = "FALSE" if operator == "AND" else "TRUE"
    return f"{before} {operator} CASE WHEN ({before}) IS NOT {decisive} THEN {rest} END"


def _can_fail(condition: str) -> bool:
    return f"'{ERROR_PREFIX}" in condition


def number_sql(number: Decimal) -> str | None:
    """Return a number in SQL, or `None` where it would not stay the same."""
    if not number.is_finite() or abs(number) >= NUMBER_LIMIT:
        return None
    if number != round(number, DECIMALS):
        return None
    return f"CAST({number:f} AS {NUMBER_TYPE})"


def time_sql(time: datetime) -> str:
    """Return a time in UTC as SQL, without its zone."""
    return f"TIMESTAMP '{time.replace(tzinfo=None).isoformat(sep=' ')}'"


def merge(sql: str, value_type: ValueType, operands: Iterable[TypedSql]) -> TypedSql:
    """Return SQL whose value is that of one of the operands, all of one type or NULL."""
    values = [operand for operand in operands if operand.type is not ValueType.NULL]
    decimals = [value.decimals for value in values]
    return TypedSql(
        sql,
        value_type,
        guessed=any(value.guessed for value in values),
        decimals=None if None in decimals else max(filter(None, decimals), default=0),
        places=max((value.places for value in values), default=DECIMALS),
        is_whole=all(value.is_whole for value in values),
        is_rounded=any(value.is_rounded for value in values),
        is_date=bool(values) and all(value.is_date for value in values),
        is_zoned=any(value.is_zoned for value in values),
    )


def unify_types(
    nodes: Sequence[Node], operands: Sequence[TypedSql]
) -> tuple[list[TypedSql], ValueType]:
    """Return operands of one type, converted where the conversion is certain.

    NULL goes with every type. Raises `CannotTranslate` where the types cannot be compared.
    """
    types = {operand.type for operand in operands} - {ValueType.NULL}
    if types == {ValueType.TEXT} and any(operand.guessed for operand in operands):
        # By their letters, "31.12.2026" comes after any time that a query can name.
        for node, operand in zip(nodes, operands, strict=True):
            if operand.literal is not None and parse_time_as_utc(operand.literal):
                raise refusal(
                    node,
                    "a field is compared with a time, but whether the field holds times is unknown",
                    "run `segctl account pull` to record the types of the fields",
                )
    if types == {ValueType.TEXT, ValueType.TIME}:
        days_only = all(operand.is_date for operand in operands if operand.type is ValueType.TIME)
        converted = [
            as_time(node, operand, days_only=days_only)
            for node, operand in zip(nodes, operands, strict=True)
        ]
        return converted, ValueType.TIME
    if types == {ValueType.TEXT, ValueType.INSIDE}:
        return [
            replace(operand, type=ValueType.TEXT) if operand.type is ValueType.INSIDE else operand
            for operand in operands
        ], ValueType.TEXT
    if len(types) > 1:
        first, second, *_ = sorted(types)
        raise refusal(
            nodes[-1],
            f"{first} is compared with {second}, and how SendGrid compares them is undocumented",
            "compare values of one type; `segctl lint` reports the type of a field",
        )
    places = {operand.places for operand in operands if operand.type is ValueType.NUMBER}
    if len(places) > 1:
        # DuckDB cuts decimals where the values of a COALESCE or CASE have different places.
        return [with_places(operand, max(places)) for operand in operands], ValueType.NUMBER
    return list(operands), types.pop() if types else ValueType.NULL


def with_places(operand: TypedSql, places: int) -> TypedSql:
    """Return a number with that many places in DuckDB; other values as they are."""
    if operand.places == places or operand.type is not ValueType.NUMBER:
        return operand
    return replace(operand, sql=f"CAST({operand.sql} AS DECIMAL(38, {places}))", places=places)


def as_time(node: Node, operand: TypedSql, *, days_only: bool = False) -> TypedSql:
    """Return an operand as a time if it is a string; `days_only`: it is compared with a date.

    Raises `CannotTranslate` for a string that is not a constant ISO 8601 time.
    """
    if operand.type is not ValueType.TEXT:
        return operand
    if operand.literal is None:
        raise refusal(
            node,
            "a string is compared with a time, but the format of the times in it is unknown",
            "compare the time with a literal: '2026-01-31T00:00:00Z'",
        )
    time = parse_time_as_utc(operand.literal)
    if time is None:
        raise refusal(
            node,
            "a string that is compared with a time must be an ISO 8601 time",
            "write '2026-01-31T00:00:00Z'",
        )
    is_date = _DAY.fullmatch(operand.literal) is not None
    if days_only and not is_date:
        raise refusal(
            node, "a string that is compared with a date must be a date", "write '2026-01-31'"
        )
    return TypedSql(time_sql(time), ValueType.TIME, is_date=is_date)
