"""ConditionTranslator of a query in DuckDB's SQL, and the queries inside a query.

Owns AND, OR, NOT, the comparisons, LIKE, IN and EXISTS. Three-valued logic is DuckDB's own, which
is SQL's: it is kept by translating operator by operator. Problems of the operands of an AND or OR
are collected, so that a person sees all of them at once.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from segctl.audience.expressions import ExpressionTranslator, refuse_kind
from segctl.audience.literals import plain
from segctl.audience.scope import ScopedTable, TableScope, resolve
from segctl.audience.typed_sql import TypedSql, hashed_name, join_conditions, text_sql, unify_types
from segctl.query import ast
from segctl.query.aliases import alias_of, sources_of
from segctl.query.catalogue import JOIN_COLUMN, TABLES
from segctl.query.parser.tokens import lower, upper
from segctl.query.value_types import CannotTranslate, ValueType, collect, refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

CONTACT = "c"
"""What the contact is called that a query is about."""

EVENT = "e"
"""What the event is called in the condition of a flag."""

_CONTACT = f'{CONTACT}."{JOIN_COLUMN}"'
_AGGREGATES = {"MAX": "max", "MIN": "min"}


class ConditionTranslator(ExpressionTranslator):
    """Translates conditions.

    `flags` collects the conditions, by name, that single events decide; where it is `None`, each
    is a subquery of its own.
    """

    flags: dict[str, str] | None = None
    _in_flag = False

    def condition(  # noqa: C901 - one branch a shape
        self, node: ast.Expression, scope: TableScope
    ) -> TypedSql:
        """Translate a condition, or refuse it."""
        match node:
            case ast.And(operands=operands):
                sql = f"({self._group('AND', operands, scope)})"
            case ast.Or(operands=operands):
                sql = f"({self._group('OR', operands, scope)})"
            case ast.Not(operand=operand):
                sql = f"(NOT {self.truth(operand, scope)})"
            case ast.Comparison(left=left, op=op, right=right):
                sql = self._compared(node, (left, right), f"{{}} {op} {{}}", scope)
            case ast.Between(operand=operand, low=low, high=high, negated=negated):
                form = f"{{}} {'NOT ' if negated else ''}BETWEEN {{}} AND {{}}"
                sql = self._compared(node, (operand, low, high), form, scope)
            case ast.In():
                sql = self._in(node, scope)
            case ast.IsNull():
                sql = self._is_null(node, scope)
            case ast.IsTruth(operand=operand, value=value, negated=negated):
                words = f"IS {'NOT ' if negated else ''}{'TRUE' if value else 'FALSE'}"
                sql = f"({self.truth(operand, scope)} {words})"
            case ast.Like():
                sql = self._like(node, scope)
            case ast.Exists(query=query):
                sql = self._exists(query, scope)
            case ast.Subquery(query=query):
                return self._scalar(node, query, scope)
            case _:
                raise refusal(node, "this cannot be translated")
        return TypedSql(sql, ValueType.BOOLEAN)

    def _group(self, word: str, operands: Sequence[ast.Expression], scope: TableScope) -> str:
        conditions = self.all_of(operands, scope)
        return join_conditions(word, conditions) if self._in_flag else f" {word} ".join(conditions)

    def all_of(self, operands: Sequence[ast.Expression], scope: TableScope) -> list[str]:
        """Translate conditions, and refuse all that must be at once."""
        return collect([partial(self.truth, operand, scope) for operand in operands])

    def _compared(
        self, node: ast.Node, sides: tuple[ast.Expression, ...], form: str, scope: TableScope
    ) -> str:
        pieces, kind = unify_types(sides, [self.value(side, scope) for side in sides])
        refuse_kind(node, kind)
        return f"({form.format(*(piece.sql for piece in pieces))})"

    def _in(self, node: ast.In, scope: TableScope) -> str:
        word = "NOT IN" if node.negated else "IN"
        if isinstance(node.items, ast.Subquery):
            query = node.items.query
            inner = self._scope(query, scope)
            if len(query.select) != 1:
                raise refusal(node.items, "the query after IN selects more than one column")
            selected = query.select[0].value
            value = self.value(node.operand, scope)
            (operand, item), kind = unify_types(
                (node.operand, selected), (value, self.value(selected, inner))
            )
            refuse_kind(node, kind)
            if operand.sql == _CONTACT and item.sql == f'{inner.tables[0].alias}."{JOIN_COLUMN}"':
                flag = self._flagged(query, inner, linked=True)
                if flag:
                    return f"(NOT {flag})" if node.negated else flag
            rows = self._rows(query, inner)
            return f"({operand.sql} {word} (SELECT {item.sql}{rows}))"
        sides = (node.operand, *node.items)
        pieces, kind = unify_types(sides, [self.value(side, scope) for side in sides])
        refuse_kind(node, kind)
        operand, *items = pieces
        return f"({operand.sql} {word} ({', '.join(item.sql for item in items)}))"

    def _is_null(self, node: ast.IsNull, scope: TableScope) -> str:
        if isinstance(node.operand, ast.Column) and node.operand.path:
            kind, _ = self.inside(node.operand, scope)
            wrong = self.failing(
                node.operand,
                "is JSON's null in some event, and whether SendGrid takes that for NULL is not"
                " known",
            )
            sql = f"(CASE {kind} WHEN 'NULL' THEN {wrong} ELSE {kind} END)"
        else:
            sql = self.value(node.operand, scope).sql
        return f"({sql} IS {'NOT ' if node.negated else ''}NULL)"

    def _like(self, node: ast.Like, scope: TableScope) -> str:
        if node.kind != "LIKE":
            raise refusal(
                node, f"{node.kind} is not documented, nor what it takes for equal", "use LIKE"
            )
        operand = self.value(node.operand, scope)
        if operand.kind not in (ValueType.TEXT, ValueType.INSIDE):
            raise refusal(node, f"LIKE looks into texts, and this is {operand.kind}")
        if not isinstance(node.pattern, ast.String):
            raise refusal(node.pattern, "the pattern of LIKE must be a text between single quotes")
        pattern, escape = plain(node.pattern), ""
        if node.escape is not None:
            if not isinstance(node.escape, ast.String) or len(plain(node.escape)) != 1:
                raise refusal(node.escape, "ESCAPE takes one character between single quotes")
            escape = plain(node.escape)
            inner = re.escape(escape)
            if not re.fullmatch(
                rf"(?:[^{inner}]|{inner}[%_{inner}])*", pattern, re.DOTALL
            ) or escape in ("%", "_"):
                raise refusal(node.pattern, f"`{escape}` must stand before %, _ or itself here")
        elif "\\" in pattern:
            raise refusal(
                node.pattern,
                "whether a backslash is an escape in LIKE is not known",
                "write another one, such as ESCAPE '!'",
            )
        end = f" ESCAPE {text_sql(escape)}" if escape else ""
        return f"({operand.sql} {'NOT ' if node.negated else ''}LIKE {text_sql(pattern)}{end})"

    def _scalar(self, node: ast.Subquery, query: ast.Query, scope: TableScope) -> TypedSql:
        match [item.value for item in query.select]:
            case [ast.Call(name=name, args=(ast.Column() as arg,))] if (
                upper(name.text) in _AGGREGATES
            ):
                inner = self._scope(query, scope)
                piece = self.value(arg, inner)
                if resolve(arg, inner, self.columns)[0] not in inner.tables:
                    raise refusal(arg, "this column belongs to the query around, not to this one")
                if piece.kind not in (ValueType.TEXT, ValueType.NUMBER, ValueType.TIME):
                    raise refusal(arg, f"{upper(name.text)} of {piece.kind} is not known")
                rows = self._rows(query, inner)
                function = _AGGREGATES[upper(name.text)]
                return TypedSql(f"(SELECT {function}({piece.sql}){rows})", piece.kind)
            case _:
                raise refusal(
                    node,
                    "a query that stands for one value must select MAX or MIN: any other can"
                    " give several",
                    "write IN (SELECT …)",
                )

    def _exists(self, query: ast.Query, outer: TableScope) -> str:
        scope = self._scope(query, outer)
        flag = self._flagged(query, scope)
        return flag or f"EXISTS (SELECT 1{self._rows(query, scope)})"

    def _flagged(self, query: ast.Query, scope: TableScope, *, linked: bool = False) -> str | None:
        """Make a flag of a query inside another: is one of its rows about the contact."""
        if len(scope.tables) > 1 or query.unsupported:
            return None
        return self.flag(scope.tables[0], operands_of(query.where), scope, linked=linked)

    def flag(
        self,
        table: ScopedTable,
        nodes: Sequence[ast.Expression],
        scope: TableScope,
        *,
        linked: bool = False,
    ) -> str | None:
        """Make a flag of conditions on a table in sight.

        One of them must say that it is about the contact's own events, unless they are `linked`
        already, and each other must be on a single event alone. `None` where no flag can be made.
        """
        flags = self.flags
        if flags is None or table.table != "event_data":
            return None
        tables = tuple(replace(one, alias=EVENT) if one is table else one for one in scope.tables)
        called = TableScope(tables, scope.outer)
        # Without flags inside: a query in there would call its events by the same name.
        used, self.used, self.flags, self._in_flag = self.used, set(), None, True
        try:
            conditions = []
            for node in nodes:
                if self._links(node, called):
                    linked = True
                else:
                    conditions.append(self.truth(node, called))
            alone = linked and self.used <= {EVENT}
        except CannotTranslate:
            # Who translates it in full says so, with all there is to say.
            alone = False
        finally:
            self.used, self.flags, self._in_flag = used, flags, False
        if not alone:
            return None
        self.used.add(CONTACT)
        condition = join_conditions("AND", conditions) or "TRUE"
        name = hashed_name("f", condition)
        flags[name] = condition
        return f"COALESCE(f.{name}, FALSE)"

    def _links(self, node: ast.Expression, scope: TableScope) -> bool:
        if not _on_contact(node):
            return False
        used, self.used = self.used, set()
        self.truth(node, scope)
        links, self.used = self.used == {CONTACT, EVENT}, used | (self.used - {CONTACT, EVENT})
        return links

    def _rows(self, query: ast.Query, scope: TableScope) -> str:
        conditions = self.joined(query, scope)
        if query.where is not None:
            conditions += self.all_of((query.where,), scope)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f" FROM {tables_sql(scope.tables)}{where}"

    def _scope(self, query: ast.Query, outer: TableScope | None) -> TableScope:
        return TableScope(self.tables(query), outer)

    def tables(self, query: ast.Query) -> tuple[ScopedTable, ...]:
        """Give the tables of a query, or refuse what is no plain SELECT … FROM … JOIN … WHERE."""
        if query.unsupported:
            extra = query.unsupported[0]
            raise refusal(extra, f"{extra.kind.value} is not supported by SendGrid")
        if len(query.sources) > 1:
            raise refusal(query.sources[1], "a second table follows a comma", "write JOIN … ON")
        seen: list[ScopedTable] = []
        for source in sources_of(query):
            if not isinstance(source, ast.Table) or source.schema:
                raise refusal(source, "only contact_data and event_data can be asked")
            name, called = lower(source.name.text), alias_of(source)
            if name not in TABLES or called is None:
                raise refusal(source, f"there is no table `{source.name.text}`")
            if any(other.called == lower(called.text) for other in seen):
                raise refusal(called, f"two tables are called `{called.text}`")
            self.count += 1
            seen.append(ScopedTable(lower(called.text), name, f"t{self.count}"))
        return tuple(seen)

    def joined(self, query: ast.Query, scope: TableScope) -> list[str]:
        """Translate the conditions of the joins, which must be on contact_id."""
        conditions = []
        for join in query.joins:
            if join.kind != "INNER" or join.on is None:
                raise refusal(join, "SendGrid documents JOIN … ON … alone")
            if not any(map(_on_contact, operands_of(join.on))):
                raise refusal(join.on, "the tables are not joined on contact_id")
            conditions += self.all_of((join.on,), scope)
        return conditions


def operands_of(where: ast.Expression | None) -> Sequence[ast.Expression]:
    """Give the conditions that must hold together."""
    if isinstance(where, ast.And):
        return where.operands
    return (where,) if where else ()


def tables_sql(tables: Sequence[ScopedTable]) -> str:
    """Write tables for FROM."""
    return ", ".join(f"{seen.table} AS {seen.alias}" for seen in tables)


def _on_contact(node: ast.Expression) -> bool:
    match node:
        case ast.Comparison(
            op="=",
            left=ast.Column(qualifier=ast.Name(text=one), name=left),
            right=ast.Column(qualifier=ast.Name(text=other), name=right),
        ):
            names = {lower(left.text), lower(right.text)}
            return names == {JOIN_COLUMN} and lower(one) != lower(other)
    return False
