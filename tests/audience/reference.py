"""A second evaluator of the query language, slow and simple: Python values, three-valued logic.

Written from the rules of the language (sendgrid-api.md §6), not from the translation: it works on
rows and values instead of SQL. It evaluates only queries that segctl accepts, so it checks no
types. A query means, for one contact: is there a row of the joined tables, with
this contact in it, for which WHERE is true?
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from segctl.query import ast

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = dict[str, Any]
Truth = bool | None

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class World:
    """All rows, and the current time."""

    contacts: list[Row]
    events: list[Row]
    now: datetime

    def rows(self, table: str) -> list[Row]:
        return self.contacts if table.lower() == "contact_data" else self.events


Tables = list[tuple[str, str]]
Env = list[tuple[Tables, dict[str, Row]]]
"""The visible tables by alias, and their current rows, innermost first."""


def is_member(query: ast.Query, contact: Row, world: World, parents: tuple[str, ...] = ()) -> bool:
    if parents:
        lists = contact.get("list_ids")
        if lists is None or not set(parents) & set(lists):
            return False
    for env in rows_of(query, [], world, contact):
        if query.where is None or truth(query.where, env, world) is True:
            return True
    return False


def where_of(query: ast.Query, contact: Row, world: World) -> Truth:
    """Return the value of WHERE in a query without joins."""
    (env,) = rows_of(query, [], world, contact)
    return True if query.where is None else truth(query.where, env, world)


def rows_of(query: ast.Query, outer: Env, world: World, contact: Row | None = None) -> list[Env]:
    environments: list[Env] = [[([], {}), *outer]]
    steps = [(source, None) for source in query.sources]
    for source, on in [*steps, *((join.source, join.on) for join in query.joins)]:
        assert isinstance(source, ast.Table)
        alias = (source.alias or source.name).text.lower()
        table = source.name.text.lower()
        fixed = contact is not None and table == "contact_data"
        rows = [contact] if fixed and contact else world.rows(table)
        longer: list[Env] = [
            [([*tables, (alias, table)], {**current, alias: row}), *around]
            for (tables, current), *around in environments
            for row in rows
        ]
        environments = [env for env in longer if on is None or is_joined(on, env, world)]
    return environments


def is_joined(on: ast.Expression, env: Env, world: World) -> bool:
    if isinstance(on, ast.Column) and on.qualifier is None:
        assert on.name.text.lower() == "contact_id"
        _, rows = env[0]
        return len({row["contact_id"] for row in rows.values()}) == 1
    return truth(on, env, world) is True


def truth(node: ast.Expression, env: Env, world: World) -> Truth:
    value = evaluate(node, env, world)
    assert value is None or isinstance(value, bool), node
    return value


def both(truths: Iterable[Truth]) -> Truth:
    """Return the AND of values: FALSE decides, then NULL."""
    known = True
    for value in truths:
        if value is False:
            return False
        known = known and value is not None
    return True if known else None


def negate(value: Truth) -> Truth:
    return None if value is None else not value


def evaluate(node: ast.Expression, env: Env, world: World) -> Any:  # noqa: C901, PLR0911, PLR0912, PLR0915 - one branch a shape
    def ask(operand: ast.Expression) -> Any:
        return evaluate(operand, env, world)

    match node:
        case ast.Column():
            return column(node, env)
        case ast.String(value=text):
            return text
        case ast.Number(text=text):
            return Decimal(text)
        case ast.Comparison(left=left, op=op, right=right):
            return compare(ask(left), op, ask(right))
        case ast.And(operands=operands):
            return both(map(ask, operands))
        case ast.Or(operands=operands):
            return negate(both(negate(ask(operand)) for operand in operands))
        case ast.Not(operand=operand):
            return negate(ask(operand))
        case ast.Between(operand=operand, low=low, high=high, negated=negated):
            value = ask(operand)
            inside = both((compare(value, ">=", ask(low)), compare(value, "<=", ask(high))))
            return negate(inside) if negated else inside
        case ast.In(operand=operand, items=items, negated=negated):
            value = ask(operand)
            if isinstance(items, ast.Subquery):
                given = selected(items.query, env, world)
            else:
                given = [ask(item) for item in items]
            is_in = negate(both(negate(compare(value, "=", item)) for item in given))
            return negate(is_in) if negated else is_in
        case ast.IsNull(operand=operand, negated=negated):
            return (ask(operand) is None) != negated
        case ast.IsTruth(operand=operand, value=wanted, negated=negated):
            return (ask(operand) is wanted) != negated
        case ast.Like(operand=operand, pattern=pattern, escape=escape, negated=negated):
            value, form = ask(operand), ask(pattern)
            if value is None or form is None:
                return None
            return like(value, form, ask(escape) if escape else "") != negated
        case ast.Exists(query=query):
            return any(
                query.where is None or truth(query.where, inner, world) is True
                for inner in rows_of(query, env, world)
            )
        case ast.Subquery(query=query):
            call = query.select[0].value
            assert isinstance(call, ast.Call)
            values = [
                value for value in selected(query, env, world, call.args[0]) if value is not None
            ]
            if not values:
                return None
            return max(values) if call.name.text.upper() == "MAX" else min(values)
        case ast.Boolean(value=value):
            return value
        case ast.Null():
            return None
        case ast.Unary(op=op, operand=operand):
            value = ask(operand)
            return None if value is None else -value if op == "-" else value
        case ast.Binary(op=op, left=left, right=ast.Interval() as interval):
            amount, unit = span(interval)
            return shift(ask(left), amount if op == "+" else -amount, unit)
        case ast.Binary(op=op, left=left, right=right):
            left_value, right_value = ask(left), ask(right)
            if left_value is None or right_value is None:
                return None
            match op:
                case "+" | "||":
                    return left_value + right_value
                case "-":
                    return left_value - right_value
                case "*":
                    return left_value * right_value
                case "%":
                    return left_value % right_value
        case ast.Case(operand=operand, whens=whens, otherwise=otherwise):
            for when in whens:
                value = ask(when.condition)
                if operand is not None:
                    value = compare(ask(operand), "=", value)
                if value is True:
                    return ask(when.result)
            return ask(otherwise) if otherwise else None
        case ast.Cast(operand=operand):
            value = ask(operand)
            is_time = "TIME" in node.type or node.type == "DATE"
            return moment(value) if is_time and isinstance(value, str) else value
        case ast.Call():
            return call_of(node, env, world)
    raise AssertionError(node)


def selected(
    query: ast.Query, env: Env, world: World, value: ast.Expression | None = None
) -> list[Any]:
    value = value or query.select[0].value
    return [
        evaluate(value, inner, world)
        for inner in rows_of(query, env, world)
        if query.where is None or truth(query.where, inner, world) is True
    ]


def column(node: ast.Column, env: Env) -> Any:
    name = node.name.text if node.name.quoted else node.name.text.lower()
    for tables, rows in env:
        for alias, table in tables:
            if node.qualifier and node.qualifier.text.lower() != alias:
                continue
            is_event = name in ("event_source", "event_type", "timestamp", "data")
            if not node.qualifier and name != "contact_id" and is_event != (table == "event_data"):
                continue
            value = rows[alias].get(name)
            for step in node.path:
                key: Any = step.text if isinstance(step, ast.Name) else step.raw  # type: ignore[union-attr]
                value = value.get(key) if isinstance(value, dict) else None
            return value
    raise AssertionError(node)


def compare(left: Any, op: str, right: Any) -> Truth:
    if isinstance(left, datetime) and isinstance(right, str):
        right = moment(right)
    if isinstance(right, datetime) and isinstance(left, str):
        left = moment(left)
    if op == "IS DISTINCT FROM":
        return bool(left != right)
    if op == "IS NOT DISTINCT FROM":
        return bool(left == right)
    if left is None or right is None:
        return None
    order = int(left > right) - int(left < right)
    return {
        "=": order == 0,
        "!=": order != 0,
        "<": order < 0,
        "<=": order <= 0,
        ">": order > 0,
        ">=": order >= 0,
    }[op]


def like(text: str, pattern: str, escape: str) -> bool:
    if not pattern:
        return not text
    first, rest = pattern[0], pattern[1:]
    if escape and first == escape:
        return text[:1] == rest[0] and like(text[1:], rest[1:], escape)
    if first == "%":
        return any(like(text[start:], rest, escape) for start in range(len(text) + 1))
    return bool(text) and first in ("_", text[0]) and like(text[1:], rest, escape)


def moment(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def span(interval: ast.Interval) -> tuple[int, str]:
    match interval.value:
        case ast.String(value=text):
            amount, *unit = text.split()
            return int(amount), unit[0] if unit else interval.unit.text  # type: ignore[union-attr]
        case ast.Unary(operand=ast.Number(text=text)):
            return -int(text), interval.unit.text  # type: ignore[union-attr]
        case ast.Number(text=text):
            return int(text), interval.unit.text  # type: ignore[union-attr]
    raise AssertionError(interval)


def shift(base: datetime | None, amount: int, unit: str) -> datetime | None:
    if base is None:
        return None
    unit = unit.lower().removesuffix("s")
    if unit in SECONDS:
        return base + timedelta(seconds=amount * SECONDS[unit])
    month = base.year * 12 + base.month - 1 + amount * MONTHS[unit]
    year, month = divmod(month, 12)
    day = min(base.day, calendar.monthrange(year, month + 1)[1])
    return base.replace(year=year, month=month + 1, day=day)


def call_of(  # noqa: C901, PLR0911, PLR0912 - one branch a function
    node: ast.Call, env: Env, world: World
) -> Any:
    name = node.name.text.upper()
    if name in ("NOW", "CURRENT_TIMESTAMP"):
        return world.now
    if name == "TIMESTAMPADD":
        part, amount, base = node.args
        assert isinstance(part, ast.DatePart)
        value = evaluate(base, env, world)
        count = int(evaluate(amount, env, world))
        return shift(moment(value) if isinstance(value, str) else value, count, part.name.text)
    if name == "ARRAY_CONTAINS":
        values = evaluate(node.args[0], env, world)
        wanted = node.args[1]
        items = wanted.items if isinstance(wanted, ast.Array) else (wanted,)
        texts = {evaluate(item, env, world) for item in items}
        if values is None:
            return None
        if node.args[0].name.text.lower() == "list_ids":  # type: ignore[union-attr]
            texts, values = {text.lower() for text in texts}, [value.lower() for value in values]
        return bool(texts & set(values))
    values = [evaluate(arg, env, world) for arg in node.args]
    if name in ("COALESCE", "NVL", "IFNULL"):
        return next((value for value in values if value is not None), None)
    if None in values:
        return None
    match name:
        case "LOWER":
            return values[0].lower()
        case "UPPER":
            return values[0].upper()
        case "STARTSWITH":
            return values[0].startswith(values[1])
        case "ENDSWITH":
            return values[0].endswith(values[1])
        case "CONTAINS":
            return values[1] in values[0]
        case "ARRAY_SIZE":
            return Decimal(len(values[0]))
    raise AssertionError(node)
