"""A third evaluator: sqlglot reads the query as Snowflake's and writes it for DuckDB.

It shares DuckDB with segctl, but neither the parser nor the translation. SendGrid's language is
Snowflake's with a few forms of its own (sendgrid-api.md §6), which are put into Snowflake's words
here: `array_contains` with the list first, spans of time without INTERVAL, and a join ON the bare
contact_id. Three rules are segctl's own: a value inside DATA is read as a string, a time with an
offset is that moment, and the ids of lists compare in any case.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from segctl.audience.duckdb_engine import EvaluationFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .reference import World

_BARE_SPAN = re.compile(r"([-+]) (\d+) ([a-z]+)(?![\w(])", re.IGNORECASE)
_OFFSET_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ].*[-+]\d\d:\d\d")


def transpile(text: str, now: datetime) -> str | None:
    """Return a query for DuckDB that selects the contact_id, or `None` if sqlglot cannot read it.

    `now` is the time of CURRENT_TIMESTAMP.
    """
    try:
        tree = sqlglot.parse_one(_BARE_SPAN.sub(r"\1 interval '\2 \3'", text), dialect="snowflake")
    except SqlglotError:
        return None
    if tree.find(exp.Left, exp.Right):
        # With a length below 0, sqlglot returns an empty text for NULL.
        return None
    time = exp.cast(exp.Literal.string(_moment(now)), exp.DataType.Type.TIMESTAMP)
    tree = tree.transform(lambda node: _in_words_of_duckdb(node, time))
    # A subquery's columns stay: IN compares them.
    tree.set("expressions", tree.expressions[:1])
    return tree.sql(dialect="duckdb")


def _in_words_of_duckdb(  # noqa: PLR0911 - one branch a form
    node: exp.Expr, time: exp.Expr
) -> exp.Expr:
    match node:
        case _ if isinstance(node, exp.CurrentTimestamp) or _calls(node, "NOW"):
            return time.copy()
        case exp.Anonymous(expressions=[exp.Column() as column]) if _calls(node, "TO_TIMESTAMP"):
            # It is one already.
            return column
        case exp.ArrayContains() | exp.ArrayOverlaps():
            return _contains(node)
        case exp.Upper():
            node.set("this", exp.func("REPLACE", node.this, *map(exp.Literal.string, ("ß", "SS"))))
        case exp.Left() | exp.Right():
            return _side(node)
        case exp.Literal() if node.is_string and _OFFSET_TIME.fullmatch(node.name):
            return exp.Literal.string(_moment(datetime.fromisoformat(node.name)))
        case exp.Upper():
            # Snowflake documents SS for ß, which DuckDB keeps.
            text = exp.Anonymous(this="REPLACE", expressions=[node.this, *_texts("ß", "ss")])
            return exp.Upper(this=text)
        case exp.JSONExtract():
            return exp.JSONExtractScalar(**node.args)
        case exp.Join() if isinstance(node.args.get("on"), exp.Column):
            name = node.args["on"].this
            node.set("on", None)
            node.set("using", [name])
    return node


def _calls(node: exp.Expr, name: str) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.upper() == name


def _side(node: exp.Left | exp.Right) -> exp.Expr:
    """Return LEFT or RIGHT, which sqlglot makes empty for NULL with a negative length."""
    length = node.expression
    at_least_0 = exp.case().when(exp.LT(this=length.copy(), expression=exp.Literal.number(0)), "0")
    arguments = [node.this, at_least_0.else_(length.copy())]
    return exp.Anonymous(this=node.sql_name(), expressions=arguments)


def _contains(node: exp.ArrayContains | exp.ArrayOverlaps) -> exp.Expr:
    column, wanted = node.this, node.expression
    if isinstance(node, exp.ArrayContains):
        # In Snowflake, the value comes first.
        column, wanted = wanted, column
    values = wanted.expressions if isinstance(wanted, exp.Array) else [wanted]
    items: Sequence[exp.Expr] = values
    if column.name.lower() == "list_ids":
        # The ids of lists compare in any case.
        items = [exp.Literal.string(value.name.lower()) for value in values]
        joined = exp.func(
            "LOWER", exp.Anonymous(this="ARRAY_TO_STRING", expressions=[column, *_texts("|")])
        )
        column = exp.Anonymous(this="STR_SPLIT", expressions=[joined, *_texts("|")])
    array = exp.Array(expressions=list(items))
    return exp.Anonymous(this="LIST_HAS_ANY", expressions=[column, array])


def _texts(*values: str) -> list[exp.Expr]:
    return [exp.Literal.string(value) for value in values]


def _moment(time: datetime) -> str:
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")


def members(
    rows: Callable[[str], list[tuple[Any, ...]]],
    text: str,
    world: World,
    parents: tuple[str, ...] = (),
) -> set[str] | None:
    """Return the contact_ids that a query selects; `None` where it has no form that DuckDB runs.

    `rows` runs a statement. It raises `EvaluationFailed` where DuckDB cannot.
    """
    sql = transpile(text, world.now)
    if sql is None:
        return None
    try:
        ids = {row[0] for row in rows(sql)}
    except EvaluationFailed:
        return None
    wanted = {name.lower() for name in parents}
    return {
        contact["contact_id"]
        for contact in world.contacts
        if contact["contact_id"] in ids
        and (not parents or wanted & {name.lower() for name in contact["list_ids"] or ()})
    }
