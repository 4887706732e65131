"""Conditions with every column under the name of its table: two writings of one value are equal.

The contact is `c`; tables of a subquery are named by their depth and place. Refuses a query whose
tables or columns are not certain, and functions that segctl does not know.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from segctl.query import ast
from segctl.query.aliases import alias_of, sources_of
from segctl.query.catalogue import CONTACT_DATA, EVENT_DATA, FUNCTIONS, JOIN_COLUMN, TABLES
from segctl.query.joins import (
    conditions_of,
    is_contact_join,
    join_condition,
    merges_contact_id,
    operands_of,
)
from segctl.query.parser.tokens import lower, upper
from segctl.query.visit import child_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTACT = "c"
CONTACTS, EVENTS = TABLES


class NotUnderstood(Exception):
    """Nothing certain can be said about a query, or a part of it; `reason` says why."""

    def __init__(self, node: ast.Node, reason: str) -> None:
        super().__init__(reason)
        self.node = node
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Scope:
    """The tables of a query by folded alias: new name and table; `outer` is the query around it."""

    tables: Mapping[str, tuple[str, str]]
    merges_contact_id: bool
    outer: Scope | None = None

    @property
    def depth(self) -> int:
        """How many queries are around it."""
        return self.outer.depth + 1 if self.outer else 0


def scope_of(query: ast.Query, outer: Scope | None = None) -> Scope:
    """Return the scope of a query of the shape SELECT … FROM … JOIN … WHERE.

    Raises `NotUnderstood` for any other shape.
    """
    if query.unsupported:
        clause = query.unsupported[0]
        raise NotUnderstood(clause, f"the query has {clause.kind.value}")
    if len(query.sources) != 1:
        raise NotUnderstood(query, "the query has tables separated by commas")
    tables: dict[str, tuple[str, str]] = {}
    depth = outer.depth + 1 if outer else 0
    for number, source in enumerate(sources_of(query), 1):
        alias = alias_of(source)
        if not isinstance(source, ast.Table) or source.schema or alias is None:
            raise NotUnderstood(source, "the query reads from something else than a table")
        table = lower(source.name.text)
        if table not in TABLES or alias.quoted or source.name.quoted:
            raise NotUnderstood(source, f"unknown table `{source.name.text}`")
        if lower(alias.text) in tables:
            raise NotUnderstood(alias, f"duplicate table `{alias.text}`")
        is_contact = outer is None and table == CONTACTS
        tables[lower(alias.text)] = (CONTACT if is_contact else f"t{depth}_{number}", table)
    for join in query.joins:
        if join.kind != "INNER" or join.on is None:
            raise NotUnderstood(join, "the query has a join other than JOIN … ON …")
    return Scope(tables, merges_contact_id(query), outer)


def conditions_on_rows(query: ast.Query) -> list[ast.Expression]:
    """Return the conditions of ON and WHERE that must all hold. Raises `NotUnderstood`."""
    for join in query.joins:
        if not any(map(is_contact_join, operands_of(join_condition(query, join)))):
            raise NotUnderstood(join, "the tables are not joined on contact_id")
    return conditions_of(query)


def named(node: ast.Expression, scope: Scope) -> ast.Expression:
    """Return an expression with the new names. Raises `NotUnderstood`."""
    renamed: ast.Expression = _named(node, scope)
    return renamed


def _named(node: Any, scope: Scope) -> Any:
    match node:
        case ast.Column():
            return _column(node, scope)
        case ast.Call(name=name) if name.quoted or upper(name.text) not in FUNCTIONS:
            raise NotUnderstood(node, f"unknown function `{name.text}`")
        case ast.Query():
            return _query(node, scope)
        case ast.Star():
            raise NotUnderstood(node, "* stands for unknown columns")
        case ast.Node():
            changed = {
                name: _named(value, scope)
                for name in child_fields(node)
                if isinstance(value := getattr(node, name), ast.Node | tuple) and value
            }
            return replace(node, **changed) if changed else node
        case tuple():
            return tuple([_named(each, scope) for each in node])
    return node


def _query(query: ast.Query, outer: Scope) -> ast.Query:
    """Return a subquery with all its conditions in WHERE."""
    scope = scope_of(query, outer)
    nodes = [named(node, scope) for node in conditions_on_rows(query)]
    start, end = query.start, query.end
    sources = tuple(
        ast.Table(
            start=start,
            end=end,
            schema=(),
            name=ast.Name(start=start, end=end, text=table),
            alias=ast.Name(start=start, end=end, text=alias),
        )
        for alias, table in scope.tables.values()
    )
    where: ast.Expression | None = None
    if nodes:
        where = (
            nodes[0] if len(nodes) == 1 else ast.And(start=start, end=end, operands=tuple(nodes))
        )
    # In EXISTS (SELECT 1 …) what is selected does not matter.
    is_row = all(isinstance(item.value, ast.Number | ast.Star) for item in query.select)
    select = () if is_row else tuple(
        ast.SelectItem(start=item.start, end=item.end, value=named(item.value, scope), alias=None)
        for item in query.select
    )  # fmt: skip
    return ast.Query(start=start, end=end, select=select, sources=sources, joins=(), where=where)


def _column(column: ast.Column, scope: Scope) -> ast.Column:
    """Return a column under the name of its table."""
    visible: Scope | None = scope
    name = lower(column.name.text)
    while visible:
        tables = visible.tables
        if column.qualifier:
            matches = [tables[key]] if (key := lower(column.qualifier.text)) in tables else []
            if column.qualifier.quoted:
                raise NotUnderstood(column, "the table of the column is in double quotes")
        else:
            matches = [each for each in tables.values() if _has(each[1], name, len(tables))]
        if visible.merges_contact_id and name == JOIN_COLUMN:
            matches = matches[:1]
        if len(matches) > 1:
            raise NotUnderstood(column, f"two tables have the column `{name}`")
        if matches:
            is_contact = matches[0][1] == CONTACTS and not column.qualifier
            if is_contact and visible.outer and name in EVENT_DATA and name not in CONTACT_DATA:
                raise NotUnderstood(column, f"`{name}` may be a column of the query around it")
            qualifier = ast.Name(start=column.start, end=column.end, text=matches[0][0])
            # A name in double quotes is another one, in case the server thinks so.
            plain = column.name if column.name.quoted else replace(column.name, text=name)
            return replace(column, qualifier=qualifier, name=plain)
        visible = visible.outer
    raise NotUnderstood(column, f"no table has the column `{name}`")


def _has(table: str, name: str, count: int) -> bool:
    """Return whether a table certainly has a column, or is the only one that can have it."""
    if table == EVENTS:
        return name in EVENT_DATA
    # Every other column is a field of the contacts.
    return name in CONTACT_DATA or count == 1 or name not in EVENT_DATA


def with_aliases(node: Any, aliases: Mapping[str, str], linked: frozenset[str]) -> Any:
    """Return a node with new names of tables.

    The contact_id of a `linked` table, by its new name, is that of the contact.
    """
    match node:
        case ast.Column(qualifier=ast.Name() as qualifier, name=name):
            alias = aliases.get(qualifier.text, qualifier.text)
            if alias in linked and name.text == JOIN_COLUMN and not node.path:
                alias = CONTACT
            if alias == qualifier.text:
                return node
            return replace(node, qualifier=replace(qualifier, text=alias))
        case ast.Node():
            changed = {
                name: new
                for name in child_fields(node)
                if isinstance(value := getattr(node, name), ast.Node | tuple)
                and value
                and (new := with_aliases(value, aliases, linked)) is not value
            }
            return replace(node, **changed) if changed else node
        case tuple():
            new = tuple([with_aliases(each, aliases, linked) for each in node])
            return node if all(map(lambda a, b: a is b, new, node)) else new
    return node
