"""The bricks of a translation: typed pieces of SQL, and which of them may be compared.

Owns the types and the rule for two different ones: a text literal beside a time is read as a time,
a value inside DATA beside a text as a text, and anything else is refused. The server resembles
Snowflake (sendgrid-api.md §6), which converts more than that, but what it does with a value that
does not convert is not documented.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import blake2s
from typing import TYPE_CHECKING

from segctl.common.timestamps import parse_utc
from segctl.query.value_types import ValueType, refusal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from segctl.query.ast import Node


DECIMALS = 9
"""Decimals of a number that are kept; one with more is refused rather than rounded."""

NUMBER_LIMIT = Decimal(10) ** 18
"""Numbers are smaller than this."""

ERROR_PREFIX = "segctl: "
"""How a message of ours begins that a computation fails with."""

_LONGEST_GUARD = 2_000
"""What is longer is not written twice: conditions within conditions would grow without end."""

NUMBER_TYPE = f"DECIMAL(38, {DECIMALS})"


@dataclass(frozen=True, slots=True)
class TypedSql:
    """A piece of SQL, safe to stand beside any operator, and its kind.

    `literal` is the value of a text literal, which alone can still become a time. `guessed` says
    that of a column nothing but its values tell the kind.
    """

    sql: str
    kind: ValueType
    literal: str | None = None
    guessed: bool = False


def text_sql(text: str) -> str:
    """Write a text as a literal of DuckDB, which knows no escape but the doubled quote."""
    return "'" + text.replace("'", "''") + "'"


def name_sql(name: str) -> str:
    """Write a name as an identifier of DuckDB."""
    return '"' + name.replace('"', '""') + '"'


def hashed_name(prefix: str, text: str) -> str:
    """Make a name of a text; another text has another name. It needs no quotes."""
    return f"{prefix}{blake2s(text.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"


def path_columns(name: str) -> tuple[str, str]:
    """Name the columns of what stands at a path into DATA: its type in JSON, and it as a text."""
    return f"{name}_type", f"{name}_text"


def join_conditions(word: str, conditions: Sequence[str]) -> str:
    """Join conditions by AND or OR; one that can fail is computed only where it still matters.

    DuckDB computes both sides of an AND, but where it filters rows. That of a CASE whose condition
    is not met, it never does. NULL is kept apart from FALSE.
    """
    first = next(
        (at for at, one in enumerate(conditions) if at and f"'{ERROR_PREFIX}" in one),
        len(conditions),
    )
    before = f" {word} ".join(conditions[:first])
    if first == len(conditions) or len(before) > _LONGEST_GUARD:
        return f" {word} ".join(conditions)
    rest = join_conditions(word, conditions[first:])
    open_ = "FALSE" if word == "AND" else "TRUE"
    return f"{before} {word} CASE WHEN ({before}) IS NOT {open_} THEN {rest} END"


def number_sql(number: Decimal) -> str | None:
    """Write a number, or give `None` where it would not stay the same."""
    if not number.is_finite() or abs(number) >= NUMBER_LIMIT:
        return None
    if number != round(number, DECIMALS):
        return None
    return f"CAST({number:f} AS {NUMBER_TYPE})"


def time_sql(moment: datetime) -> str:
    """Write a moment that is in UTC."""
    return f"TIMESTAMP '{moment.replace(tzinfo=None).isoformat(sep=' ')}'"


def unify_types(
    nodes: Sequence[Node], pieces: Sequence[TypedSql]
) -> tuple[list[TypedSql], ValueType]:
    """Give pieces of one kind, converted where that is certain; refuse where it is not.

    NULL goes with everything.
    """
    kinds = {piece.kind for piece in pieces} - {ValueType.NULL}
    if kinds == {ValueType.TEXT} and any(piece.guessed for piece in pieces):
        # By their letters, "31.12.2026" comes after any time that a query can name.
        for node, piece in zip(nodes, pieces, strict=True):
            if piece.literal is not None and parse_utc(piece.literal):
                raise refusal(
                    node,
                    "a field is compared with a time here, and whether it holds times is not known",
                    "`segctl fields pull` writes down the types of the fields",
                )
    if kinds == {ValueType.TEXT, ValueType.TIME}:
        return [_as_time(*pair) for pair in zip(nodes, pieces, strict=True)], ValueType.TIME
    if kinds == {ValueType.TEXT, ValueType.INSIDE}:
        return [
            replace(one, kind=ValueType.TEXT) if one.kind is ValueType.INSIDE else one
            for one in pieces
        ], ValueType.TEXT
    if len(kinds) > 1:
        node = nodes[-1]
        first, other, *_ = sorted(kinds)
        raise refusal(
            node,
            f"{first} stands beside {other} here, and how SendGrid compares the two is not known",
            "compare values of one type; `segctl lint` says what type a field has",
        )
    return list(pieces), kinds.pop() if kinds else ValueType.NULL


def _as_time(node: Node, piece: TypedSql) -> TypedSql:
    if piece.kind is not ValueType.TEXT:
        return piece
    if piece.literal is None:
        raise refusal(
            node,
            "a text is compared with a time, and in which form it holds times is not known",
            "compare the time with one that is written out: '2026-01-31T00:00:00Z'",
        )
    moment = parse_utc(piece.literal)
    if moment is None:
        raise refusal(
            node,
            "this text is compared with a time, and is none in ISO form",
            "write '2026-01-31T00:00:00Z'",
        )
    return TypedSql(time_sql(moment), ValueType.TIME)
