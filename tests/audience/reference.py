"""A second evaluator of the query language, slow and simple: Python values, three-valued logic.

Written from the rules of the language (sendgrid-api.md §6), not from the translation: it works on
rows and values instead of SQL. It evaluates only queries that segctl accepts, so it checks no
types. A query means, for one contact: is there a row of the joined tables, with
this contact in it, for which WHERE is true?
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from segctl.query import ast

from . import reference_functions as functions
from .reference_functions import READING, Assumed, Uncertain, days, like, shift

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Row = dict[str, Any]
Truth = bool | None


@dataclass(frozen=True)
class World:
    """All rows, the current time, and a reading of what is not documented."""

    contacts: list[Row]
    events: list[Row]
    now: datetime
    assumed: Assumed = READING

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
    return has_row(query, rows_of(query, [], world, contact), world)


def has_row(query: ast.Query, rows: list[Env], world: World) -> bool:
    """Return whether WHERE is true for a row."""
    if query.where is None:
        return bool(rows)
    met = (partial(is_met, query.where, env, world) for env in rows)
    return negate(both(partial(negate_of, ask) for ask in met)) is True


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
    if isinstance(on, ast.Comparison):
        left, right = on.left, on.right
        if isinstance(left, ast.Column) and isinstance(right, ast.Column):
            # What `truth` gives, in a third of the time: it is asked of each event and contact.
            return compare(column(left, env), on.op, column(right, env)) is True
    return truth(on, env, world) is True


def truth(node: ast.Expression, env: Env, world: World) -> Truth:
    value = settled(node, env, world)
    assert value is None or isinstance(value, bool), node
    return value


def settled(node: ast.Expression, env: Env, world: World) -> Any:
    """Return the value of a condition on which all readings agree. Raises `Uncertain`."""
    if isinstance(node, ast.And | ast.Or | ast.Not | ast.IsTruth | ast.Exists):
        return evaluate(node, env, world)
    readings = functions.readings(node)
    if len(readings) == 1:
        return evaluate(node, env, world)
    values = {evaluate(node, env, replace(world, assumed=assumed)) for assumed in readings}
    if len(values) > 1:
        raise Uncertain(node)
    return values.pop()


def both(asks: Iterable[Callable[[], Truth]]) -> Truth:
    """Return the AND of values: FALSE decides, then what is uncertain, then NULL."""
    known, uncertain = True, None
    for ask in asks:
        try:
            value = ask()
        except Uncertain as error:
            uncertain = error
            continue
        if value is False:
            return False
        known = known and value is not None
    if uncertain:
        raise uncertain
    return True if known else None


def is_met(where: ast.Expression, env: Env, world: World) -> Truth:
    return truth(where, env, world) is True


def negate_of(ask: Callable[[], Truth]) -> Truth:
    return negate(ask())


def negated_value(node: ast.Expression, env: Env, world: World) -> Truth:
    return negate(settled(node, env, world))


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
            return both(partial(settled, operand, env, world) for operand in operands)
        case ast.Or(operands=operands):
            return negate(both(partial(negated_value, operand, env, world) for operand in operands))
        case ast.Not(operand=operand):
            return negate(settled(operand, env, world))
        case ast.Between(operand=operand, low=low, high=high, negated=negated):
            value = ask(operand)
            lowest, highest = ask(low), ask(high)
            bounds = partial(compare, value, ">=", lowest), partial(compare, value, "<=", highest)
            inside = both(bounds)
            return negate(inside) if negated else inside
        case ast.In(operand=operand, items=items, negated=negated):
            value = ask(operand)
            if isinstance(items, ast.Subquery):
                given = selected(items.query, env, world)
            else:
                given = [ask(item) for item in items]
            is_in = negate(both(partial(negate, compare(value, "=", item)) for item in given))
            return negate(is_in) if negated else is_in
        case ast.IsNull(operand=operand, negated=negated):
            return (ask(operand) is None) != negated
        case ast.IsTruth(operand=operand, value=wanted, negated=negated):
            return (settled(operand, env, world) is wanted) != negated
        case ast.Like(operand=operand, pattern=pattern, escape=escape, negated=negated):
            value, form = ask(operand), ask(pattern)
            if value is None or form is None:
                return None
            if node.kind == "ILIKE":
                value, form = (functions.fold(text, world.assumed) for text in (value, form))
            return like(value, form, ask(escape) if escape else "") != negated
        case ast.Exists(query=query):
            return has_row(query, rows_of(query, env, world), world)
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
            if isinstance(left_value, datetime):
                return days(left_value, op, right_value)
            match op:
                case "+" | "||":
                    return left_value + right_value
                case "-":
                    return left_value - right_value
                case "*":
                    return functions.product(node, left_value, right_value, world.assumed)
                case "/":
                    return functions.quotient(node, left_value, right_value, world.assumed)
                case "%":
                    return left_value % right_value
        case ast.Case(operand=operand, whens=whens, otherwise=otherwise):
            for when in whens:
                if operand is None:
                    value = settled(when.condition, env, world)
                else:
                    value = compare(ask(operand), "=", ask(when.condition))
                if value is True:
                    return ask(when.result)
            return ask(otherwise) if otherwise else None
        case ast.Cast(operand=operand):
            value = ask(operand)
            if value is None:
                return None
            if node.type == "DATE":
                return functions.to_date(as_moment(value))
            return as_moment(value) if "TIME" in node.type else value
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


def moment(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def as_moment(value: Any) -> Any:
    return moment(value) if isinstance(value, str) else value


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


def call_of(node: ast.Call, env: Env, world: World) -> Any:  # noqa: C901, PLR0911, PLR0912 - one branch a function
    name, args = node.name.text.upper(), node.args

    def ask(argument: ast.Expression) -> Any:
        return evaluate(argument, env, world)

    def time(argument: ast.Expression) -> Any:
        value = ask(argument)
        return moment(value) if isinstance(value, str) else value

    match name:
        case "NOW" | "CURRENT_TIMESTAMP":
            return world.now
        case "TIMESTAMPADD" | "DATEADD" | "TIMEADD":
            return shift(time(args[2]), int(ask(args[1])), unit(args[0]))
        case "DATE_TRUNC":
            value = time(args[1])
            return None if value is None else functions.truncate(unit(args[0]), value)
        case "DATEDIFF" | "TIMEDIFF" | "TIMESTAMPDIFF":
            start, end = time(args[1]), time(args[2])
            if start is None or end is None:
                return None
            return functions.boundaries(unit(args[0]), start, end)
        case "DATE_PART":
            value = time(args[1])
            return None if value is None else functions.part(unit(args[0]).upper(), value)
        case "ARRAY_CONTAINS" | "ARRAYS_OVERLAP":
            return overlap([(argument, items_of(argument, env, world)) for argument in args])
        case "COALESCE" | "NVL" | "IFNULL":
            return next((value for value in map(ask, args) if value is not None), None)
        case "IFF":
            return ask(args[1] if settled(args[0], env, world) is True else args[2])
        case "NVL2":
            return ask(args[1] if ask(args[0]) is not None else args[2])
        case "NULLIF":
            return None if compare(ask(args[0]), "=", ask(args[1])) is True else ask(args[0])
        case "EQUAL_NULL":
            return compare(ask(args[0]), "IS NOT DISTINCT FROM", ask(args[1]))
    values = [ask(argument) for argument in args]
    if None in values:
        return None
    if name == "LOWER":
        return functions.lower(values[0], world.assumed)
    if name in functions.PARTS:
        return functions.part(name, *map(as_moment, values))
    if name in functions.TIME_FUNCTIONS:
        values = [*map(as_moment, values)]
    return functions.STRICT[name](*values)


def unit(node: ast.Expression) -> str:
    match node:
        case ast.DatePart(name=ast.Name(text=text)) | ast.String(value=text):
            return functions.unit_of(text)
    raise AssertionError(node)


def items_of(node: ast.Expression, env: Env, world: World) -> list[Any] | None:
    match node:
        case ast.Array(items=items):
            return [evaluate(item, env, world) for item in items]
        case ast.Call(args=items):
            return [evaluate(item, env, world) for item in items]
        case ast.String(value=text):
            return [text]
    values: list[Any] | None = evaluate(node, env, world)
    return values


def overlap(lists: list[tuple[ast.Expression, list[Any] | None]]) -> Truth:
    """Return whether two lists share an item; the ids of lists compare in any case."""
    (_, first), (_, second) = lists
    if first is None or second is None:
        return None
    if any(
        isinstance(node, ast.Column) and node.name.text.lower() == "list_ids" for node, _ in lists
    ):
        first, second = [item.lower() for item in first], [item.lower() for item in second]
    return bool(set(first) & set(second))
