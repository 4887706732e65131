"""Aliases of tables: what a qualifier refers to, and whether renaming it is provably harmless.

`to_sql` writes the new names; `equivalence` explains the rules.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segctl.query.ast import Call, Column, Derived, Query, SelectItem, Star, Table
from segctl.query.catalogue import SELECTED_COLUMNS
from segctl.query.parser.tokens import lower
from segctl.query.visit import children, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from segctl.query.ast import Name, Node, Source


@dataclass(frozen=True, slots=True)
class AliasScope:
    """The visible tables: new names by folded alias, and the scope of the query around."""

    depth: int
    names: dict[str, str] = field(default_factory=dict)
    outer: AliasScope | None = None

    def find(self, alias: str) -> str | None:
        """Return the new name of a folded alias, from the innermost scope that has it."""
        scope: AliasScope | None = self
        while scope:
            if alias in scope.names:
                return scope.names[alias]
            scope = scope.outer
        return None


def alias_scope(query: Query, outer: AliasScope | None) -> AliasScope:
    """Return the scope of a query's own tables, numbered in the order of FROM and JOIN."""
    depth = outer.depth + 1 if outer else 0
    names: dict[str, str] = {}
    for number, source in enumerate(sources_of(query), 1):
        alias = alias_of(source)
        if alias:
            names[lower(alias.text)] = f"t{depth}_{number}"
    return AliasScope(depth, names, outer)


def sources_of(query: Query) -> Iterator[Source]:
    """Yield the tables of a query in order, those of joins last."""
    yield from query.sources
    for join in query.joins:
        yield join.source


def alias_of(source: Source) -> Name | None:
    """Return the name of a table in its query: its alias, or its own name."""
    return source.alias or (source.name if isinstance(source, Table) else None)


def can_rename_aliases(query: Query) -> bool:
    """Return whether all tables of a query and its subqueries may get new aliases."""
    return _can_rename(query, None, set())


def _can_rename(query: Query, outer: AliasScope | None, taken: set[str]) -> bool:
    aliases = [alias_of(source) for source in sources_of(query)]
    if query.unsupported or any(alias is None or alias.quoted for alias in aliases):
        return False
    scope = alias_scope(query, outer)
    if len(scope.names) < len(aliases):
        return False  # an alias is used twice
    taken = taken | set(scope.names) | set(scope.names.values())
    subqueries: list[tuple[Query, AliasScope | None]] = []
    for node in _own_nodes(query, subqueries, scope):
        if isinstance(node, Column | Star) and node.qualifier:
            qualifier = node.qualifier
            if qualifier.quoted or scope.find(lower(qualifier.text)) is None:
                return False
        elif isinstance(node, Column) and lower(node.name.text) in taken:
            return False  # some dialects read it as the whole row
        elif isinstance(node, SelectItem) and node.alias and lower(node.alias.text) in taken:
            return False
    return all(_can_rename(subquery, around, taken) for subquery, around in subqueries)


def _own_nodes(
    query: Query, subqueries: list[tuple[Query, AliasScope | None]], scope: AliasScope
) -> Iterator[Node]:
    """Yield the nodes of a query without its subqueries, which are added to `subqueries`.

    A query in place of a table does not see the tables beside it; any other subquery does.
    """
    pending: list[tuple[Node, bool]] = [(query, False)]
    while pending:
        node, in_table = pending.pop()
        if isinstance(node, Query) and node is not query:
            subqueries.append((node, scope.outer if in_table else scope))
            continue
        yield node
        pending.extend((child, isinstance(node, Derived)) for child in children(node))


def select_aliases(query: Query) -> dict[int, str]:
    """Return new aliases for selected values of the outermost query, by the offset of the item.

    Only for queries for which `can_rename_aliases` is true.
    """
    counts = Counter(lower(item.alias.text) for item in query.select if item.alias)
    columns = {lower(column.name.text) for column in _columns(query)} | set(SELECTED_COLUMNS)
    renamed: dict[int, str] = {}
    for number, item in enumerate(query.select, 1):
        alias = item.alias
        if alias is None or alias.quoted or not isinstance(item.value, Call):
            continue
        folded = lower(alias.text)
        if counts[folded] == 1 and folded not in columns:
            renamed[item.start] = f"x{number}"
    unchanged = {lower(i.alias.text) for i in query.select if i.alias and i.start not in renamed}
    return {} if (columns | unchanged) & set(renamed.values()) else renamed


def _columns(query: Query) -> Iterable[Column]:
    return (node for node in walk(query) if isinstance(node, Column))
