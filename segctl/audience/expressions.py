"""ExpressionTranslator of a query in DuckDB's SQL: literals, columns, times, functions.

Owns every expression but conditions and what holds another query (`conditions`). Each function of
the catalogue that is missing in `_CALLS` is missing for a reason: its answer depends on the zone
of the server's session (DATE_TRUNC, CURRENT_DATE), on how it rounds (`/`, ROUND, casts), or on a
dialect's idea of NULL (GREATEST).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from segctl.audience.literals import interval, number, plain
from segctl.audience.scope import ColumnUse, resolve
from segctl.audience.typed_sql import (
    DECIMALS,
    ERROR_PREFIX,
    NUMBER_TYPE,
    TypedSql,
    hashed_name,
    number_sql,
    path_columns,
    text_sql,
    time_sql,
    unify_types,
)
from segctl.common.timestamps import parse_utc
from segctl.query import ast
from segctl.query.parser.tokens import lower, upper
from segctl.query.value_types import ValueType, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from segctl.audience.scope import Columns, ScopedTable, TableScope

NOW = "CAST($now AS TIMESTAMP)"
"""The moment of the evaluation: a bound parameter, in UTC and without zone."""

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
_LONGEST_SPAN = 500 * 31_536_000
"""Times stay within the years that every database has."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_SAME = {
    ValueType.TEXT: frozenset(("VARCHAR", "STRING", "TEXT")),
    ValueType.TIME: frozenset(("TIMESTAMP", "TIMESTAMP_NTZ", "DATETIME")),
    ValueType.INSIDE: frozenset(("VARCHAR", "STRING", "TEXT")),
}
"""Casts that change nothing."""


class ExpressionTranslator(ABC):
    """Translates values.

    `used` collects the aliases of the tables that were asked, `asked` the columns. `paths` collects
    the paths into DATA, by name, whose values are columns of their own; where it is `None`, each
    value is taken out of the JSON wherever it is asked.
    """

    paths: dict[str, str] | None = None

    def __init__(self, text: str, columns: Columns) -> None:
        self.text = text
        self.columns = columns
        self.used: set[str] = set()
        self.asked: list[ColumnUse] = []
        self.count = 0

    def value(  # noqa: C901, PLR0911, PLR0912 - one branch a shape
        self, node: ast.Expression, scope: TableScope
    ) -> TypedSql:
        """Translate an expression, or refuse it."""
        match node:
            case ast.String():
                return TypedSql(text_sql(plain(node)), ValueType.TEXT, node.value)
            case ast.Number() | ast.Unary():
                return self._signed(node, scope)
            case ast.Boolean(value=value):
                return TypedSql("TRUE" if value else "FALSE", ValueType.BOOLEAN)
            case ast.Null():
                return TypedSql("NULL", ValueType.NULL)
            case ast.Column():
                return self.column(node, scope)
            case ast.Binary():
                return self._binary(node, scope)
            case ast.Call():
                return self._call(node, scope)
            case ast.Cast():
                return self._cast(node, scope)
            case ast.Case():
                return self._case(node, scope)
            case ast.Interval() | ast.DatePart():
                raise refusal(node, "a span of time means something only beside + or - and a time")
            case ast.Array():
                raise refusal(node, "a list of values can stand only in array_contains")
            case ast.Star():
                raise refusal(node, "* cannot stand here")
            case _:
                return self.condition(node, scope)

    @abstractmethod
    def condition(self, node: ast.Expression, scope: TableScope) -> TypedSql:
        """Translate a condition: `conditions` knows how."""

    def column(self, node: ast.Column, scope: TableScope) -> TypedSql:
        """Translate a column, with its path into DATA if there is one."""
        if not node.path:
            return self._resolved(node, scope)[1]
        kind, text = self.inside(node, scope)
        wrong = self.failing(node, "is not a text in some event")
        return TypedSql(
            f"(CASE WHEN {kind} = 'VARCHAR' THEN {text} WHEN {kind} IS NULL THEN NULL"
            f" ELSE {wrong} END)",
            ValueType.INSIDE,
        )

    def _resolved(self, node: ast.Column, scope: TableScope) -> tuple[ScopedTable, TypedSql]:
        seen, piece = resolve(node, scope, self.columns)
        self.used.add(seen.alias)
        name = lower(node.name.text)
        if seen.table == "contact_data":
            name = self.columns.spelling(name) or name
        self.asked.append(ColumnUse(seen.table, name, node.start, node.end))
        return seen, piece

    def inside(self, node: ast.Column, scope: TableScope) -> tuple[str, str]:
        """Write what type of JSON stands at a path into DATA, and it as a text."""
        seen, piece = self._resolved(node, scope)
        if piece.kind is not ValueType.DATA:
            raise refusal(node, f"`{node.name.text}` is {piece.kind} and has no parts")
        path = self._path(node)
        if self.paths is None:
            where = f"{piece.sql}, {path}"
            return f"json_type({where})", f"json_extract_string({where})"
        name = hashed_name("d", path)
        self.paths[name] = path
        kind, text = path_columns(name)
        return f"{seen.alias}.{kind}", f"{seen.alias}.{text}"

    def failing(self, node: ast.Column, words: str) -> str:
        """Write what fails, once it is computed, and says so of a path into DATA."""
        written = " ".join(self.text[node.start : node.end].split())
        message = text_sql(f"{ERROR_PREFIX}{written} {words}")
        if self.paths is None:
            return f"error({message})"
        # DuckDB takes error() for a function with effects, and pairs all events with all others
        # before it would compute one among the conditions of a join.
        return f"CAST(CAST({message} AS INTEGER) AS VARCHAR)"

    def _path(self, node: ast.Column) -> str:
        """Write the path into DATA as a JSON path."""
        steps = []
        for step in node.path:
            match step:
                case ast.Number(text=text) if text.isdecimal():
                    steps.append(f"[{int(text)}]")
                case ast.Name(text=key) | ast.String(value=key) if not re.search(
                    r'["\\*\x00]', key
                ):
                    steps.append(f'."{key}"')
                case _:
                    raise refusal(step, "this step into DATA cannot be followed")
        return text_sql("$" + "".join(steps))

    def _signed(self, node: ast.Number | ast.Unary, scope: TableScope) -> TypedSql:
        value = number(node)
        if value is None and isinstance(node, ast.Unary):
            piece = self.value(node.operand, scope)
            if piece.kind is not ValueType.NUMBER:
                raise refusal(node, f"a sign stands before {piece.kind}")
            return TypedSql(f"({node.op} {piece.sql})", ValueType.NUMBER)
        sql = None if value is None else number_sql(value)
        if sql is None:
            raise refusal(node, f"this number is too large, or has more than {DECIMALS} decimals")
        return TypedSql(sql, ValueType.NUMBER)

    def _binary(self, node: ast.Binary, scope: TableScope) -> TypedSql:
        if isinstance(node.right, ast.Interval) and node.op in ("+", "-"):
            amount, unit = interval(node.right)
            return self._shifted(
                node, node.left, amount if node.op == "+" else -amount, unit, scope
            )
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        wanted = ValueType.TEXT if node.op == "||" else ValueType.NUMBER
        for side, piece in ((node.left, left), (node.right, right)):
            if piece.kind is not wanted:
                raise refusal(
                    side,
                    f"`{node.op}` takes {wanted}, and this is {piece.kind}",
                    "write the unit of time: now() - 30 days"
                    if left.kind is ValueType.TIME
                    else "",
                )
        if node.op == "/":
            raise refusal(
                node,
                "how many decimals SendGrid's division keeps is not known",
                "multiply the other side instead: total_spend > 50 * orders_count",
            )
        if node.op == "%" and not number(node.right):
            raise refusal(node, "the remainder of a division by what may be 0 is not known")
        return TypedSql(f"({left.sql} {node.op} {right.sql})", wanted)

    def _shifted(
        self, node: ast.Node, base: ast.Expression, amount: int, unit: str, scope: TableScope
    ) -> TypedSql:
        name = lower(unit).removesuffix("s")
        if name not in _UNITS:
            raise refusal(node, f"the unit of time `{unit}` is not known")
        word, factor, seconds = _UNITS[name]
        if abs(amount) * seconds > _LONGEST_SPAN:
            raise refusal(node, "this is more than 500 years away")
        piece = self.value(base, scope)
        if piece.kind is ValueType.TEXT and piece.literal is not None:
            moment = parse_utc(piece.literal)
            piece = TypedSql(time_sql(moment), ValueType.TIME) if moment else piece
        if piece.kind is not ValueType.TIME:
            raise refusal(base, f"a span of time is added to {piece.kind}, not to a time")
        # To DuckDB a month equals 30 days, and what differs in nothing else it computes only once.
        op, amount = ("-", -amount) if word == "MONTH" else ("+", amount)
        return TypedSql(f"({piece.sql} {op} INTERVAL ({amount * factor}) {word})", ValueType.TIME)

    def _cast(self, node: ast.Cast, scope: TableScope) -> TypedSql:
        if isinstance(node.operand, ast.String) and node.type in _SAME[ValueType.TIME] | {"DATE"}:
            moment = parse_utc(node.operand.value)
            is_day = _DAY.fullmatch(node.operand.value) is not None
            if moment and (is_day or node.type != "DATE"):
                return TypedSql(time_sql(moment), ValueType.TIME)
        piece = self.value(node.operand, scope)
        if node.type not in _SAME.get(piece.kind, ()):
            raise refusal(
                node,
                f"how SendGrid makes {node.type} of {piece.kind} is not known",
                "compare without the cast",
            )
        return TypedSql(piece.sql, ValueType.TEXT) if piece.kind is ValueType.INSIDE else piece

    def _case(self, node: ast.Case, scope: TableScope) -> TypedSql:
        head = ""
        if node.operand is None:
            tests = [self.truth(when.condition, scope) for when in node.whens]
        else:
            nodes = [node.operand, *(when.condition for when in node.whens)]
            (operand, *pieces), kind = unify_types(nodes, [self.value(one, scope) for one in nodes])
            refuse_kind(node, kind)
            head, tests = f" {operand.sql}", [piece.sql for piece in pieces]
        results = [when.result for when in node.whens]
        results += [node.otherwise] if node.otherwise else []
        values, kind = unify_types(results, [self.value(one, scope) for one in results])
        parts = [
            f" WHEN {test} THEN {one.sql}"
            for test, one in zip(tests, values[: len(tests)], strict=True)
        ]
        last = f" ELSE {values[-1].sql}" if node.otherwise else ""
        return TypedSql(f"(CASE{head}{''.join(parts)}{last} END)", kind)

    def truth(self, node: ast.Expression, scope: TableScope) -> str:
        """Translate what must be a condition."""
        piece = self.value(node, scope)
        if piece.kind is ValueType.NULL:
            return "CAST(NULL AS BOOLEAN)"
        if piece.kind is not ValueType.BOOLEAN:
            raise refusal(
                node, f"{piece.kind} stands where a condition should", "compare it: … = …"
            )
        return piece.sql

    def _call(self, node: ast.Call, scope: TableScope) -> TypedSql:
        name = upper(node.name.text)
        call = None if node.distinct else self._CALLS.get(name)
        if call is None:
            raise refusal(
                node,
                f"segctl does not compute {name}: what it gives on SendGrid is not known for sure",
                "",
            )
        return call(self, node, scope)

    def _now(self, node: ast.Call, _: TableScope) -> TypedSql:
        if node.args:
            raise refusal(
                node, "how SendGrid rounds the present moment is not known", "write now()"
            )
        return TypedSql(NOW, ValueType.TIME)

    def _add(self, node: ast.Call, scope: TableScope) -> TypedSql:
        match node.args:
            case (ast.DatePart(name=unit), amount, base):
                many = number(amount)
                if many is None or many != many.to_integral_value():
                    raise refusal(amount, "only whole numbers of units are added to a time")
                return self._shifted(node, base, int(many), unit.text, scope)
            case _:
                raise refusal(node, "write timestampadd(day, -30, CURRENT_TIMESTAMP)")

    def _texts(self, node: ast.Call, scope: TableScope, count: int) -> list[str]:
        """Translate arguments that all must be texts."""
        if len(node.args) != count:
            raise refusal(node, f"{upper(node.name.text)} takes {count} arguments")
        pieces = [self.value(one, scope) for one in node.args]
        for one, piece in zip(node.args, pieces, strict=True):
            if piece.kind not in (ValueType.TEXT, ValueType.INSIDE):
                raise refusal(
                    one, f"{upper(node.name.text)} looks into texts, and this is {piece.kind}"
                )
        return [piece.sql for piece in pieces]

    def _one_text(self, node: ast.Call, scope: TableScope) -> TypedSql:
        (text,) = self._texts(node, scope, 1)
        return TypedSql(f"{lower(node.name.text)}({text})", ValueType.TEXT)

    def _length(self, node: ast.Call, scope: TableScope) -> TypedSql:
        (text,) = self._texts(node, scope, 1)
        return TypedSql(f"CAST(length({text}) AS {NUMBER_TYPE})", ValueType.NUMBER)

    def _two_texts(self, node: ast.Call, scope: TableScope) -> TypedSql:
        functions = {"STARTSWITH": "starts_with", "ENDSWITH": "ends_with", "CONTAINS": "contains"}
        one, other = self._texts(node, scope, 2)
        return TypedSql(f"{functions[upper(node.name.text)]}({one}, {other})", ValueType.BOOLEAN)

    def _coalesce(self, node: ast.Call, scope: TableScope) -> TypedSql:
        if len(node.args) < 2 or (len(node.args) > 2 and upper(node.name.text) != "COALESCE"):  # noqa: PLR2004 - NVL and IFNULL take two
            raise refusal(node, f"{upper(node.name.text)} takes two values")
        pieces, kind = unify_types(node.args, [self.value(one, scope) for one in node.args])
        refuse_kind(node, kind)
        return TypedSql(f"COALESCE({', '.join(piece.sql for piece in pieces)})", kind)

    def _array_contains(self, node: ast.Call, scope: TableScope) -> TypedSql:
        match node.args:
            case (ast.Column() as column, ast.Array(items=items)):
                wanted: tuple[ast.Expression, ...] = items
            case (ast.Column() as column, ast.String() as one):
                wanted = (one,)
            case _:
                raise refusal(node, "write array_contains(list_ids, ['…'])")
        piece = self.column(column, scope)
        if piece.kind is not ValueType.LIST:
            raise refusal(column, f"array_contains looks into lists, and this is {piece.kind}")
        if not wanted:
            raise refusal(node, "whom array_contains finds with an empty list is not known")
        texts = []
        for item in wanted:
            if not isinstance(item, ast.String):
                raise refusal(item, "array_contains takes texts between single quotes")
            texts.append(plain(item))
        self.asked[-1] = replace(self.asked[-1], items=tuple(texts))
        literals = ", ".join(map(text_sql, texts))
        return TypedSql(f"list_has_any({piece.sql}, [{literals}])", ValueType.BOOLEAN)

    def _array_size(self, node: ast.Call, scope: TableScope) -> TypedSql:
        piece = self.value(node.args[0], scope) if len(node.args) == 1 else None
        if piece is None or piece.kind is not ValueType.LIST:
            raise refusal(node, "ARRAY_SIZE takes one list")
        return TypedSql(f"CAST(len({piece.sql}) AS {NUMBER_TYPE})", ValueType.NUMBER)

    _CALLS: ClassVar[
        Mapping[str, Callable[[ExpressionTranslator, ast.Call, TableScope], TypedSql]]
    ] = {
        "NOW": _now,
        "CURRENT_TIMESTAMP": _now,
        "TIMESTAMPADD": _add,
        "DATEADD": _add,
        "TIMEADD": _add,
        "ARRAY_CONTAINS": _array_contains,
        "ARRAY_SIZE": _array_size,
        "LOWER": _one_text,
        "UPPER": _one_text,
        "LENGTH": _length,
        "STARTSWITH": _two_texts,
        "ENDSWITH": _two_texts,
        "CONTAINS": _two_texts,
        "COALESCE": _coalesce,
        "NVL": _coalesce,
        "IFNULL": _coalesce,
    }


def refuse_kind(node: ast.Node, kind: ValueType) -> None:
    """Refuse what has no equality: lists, and semi-structured data as a whole."""
    if kind in (ValueType.LIST, ValueType.DATA):
        hint = "write array_contains(…, ['…'])" if kind is ValueType.LIST else "name a part of it"
        raise refusal(node, f"{kind} is compared as one value", hint)
    if kind is ValueType.INSIDE:
        raise refusal(
            node, "of what type the values inside DATA are is not known", "compare with a text"
        )
