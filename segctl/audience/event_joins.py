"""Joins of event_data with itself, in SQL that never pairs all events of a contact.

An account's test address can have a million events, and a million times a million pairs are more
than any machine can form. What a query asks for is less: whether a contact has events that fulfil
the conditions together. Conditions on one event each need one flag for each event. Where two events
are compared, in a join or in a subquery about an event, a row for all candidates decides
(`event_edges`), which takes one pass or one sort. What remains is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.audience.alternatives import alternatives, cannot_bound
from segctl.audience.event_edges import Compared, EventEdge
from segctl.audience.scope import CONTACT
from segctl.audience.typed_sql import join_conditions, name_sql
from segctl.query import ast
from segctl.query.catalogue import JOIN_COLUMN
from segctl.query.comparison_operators import FLIPPED
from segctl.query.joins import conditions_of, is_contact_join
from segctl.query.value_types import CannotTranslate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from segctl.audience.alternatives import Alternative
    from segctl.audience.scope import ScopedTable, TableScope
    from segctl.audience.subqueries import SubqueryTranslator

_ID = name_sql(JOIN_COLUMN)
_Nodes = dict[frozenset[str], list[ast.Expression]]
"""Conditions by the aliases of the events in them."""


class EventJoin:
    """The rows that a join, or a subquery, returns for one contact, with all conditions on them."""

    def __init__(
        self,
        translator: SubqueryTranslator,
        tables: Sequence[ScopedTable],
        nodes: Iterable[ast.Expression],
        scope: TableScope,
        linked: Iterable[str] = (),
    ) -> None:
        """`tables` are those of the events, and `nodes` the conditions of ON and WHERE.

        `linked` are aliases, also of events around a subquery, that are about the contact already.
        """
        self._translator = translator
        self._tables = {table.alias: table for table in tables}
        self._scope = scope
        self._nodes: list[ast.Expression] = []
        around = {CONTACT, *linked}
        links = [frozenset(around)]
        for node in nodes:
            link = self._aliases_in(node) if is_contact_join(node) else frozenset()
            if len(link) > 1 and link <= {*around, *self._tables}:
                links.append(link)
            else:
                self._nodes.append(node)
        groups = _group([*around, *self._tables], links)
        self.is_linked = len(groups) == 1
        """Whether every event is joined to the contact."""

    def sql(self) -> str:
        """Return whether the contact has such a row. Raises `CannotTranslate`."""
        return _any_of(self._alternative_sql(option) for option in self._options([*self._tables]))

    def sql_about(self, event: str) -> tuple[list[str], str]:
        """Return joins to a row `event`, and whether that event has such a row around it."""
        joins: list[str] = []
        sqls = []
        aliases = [event, *self._tables]
        for option in self._options(aliases):
            conditions = []
            nodes = self._by_events(option, aliases)
            for group in _group(aliases, [*nodes]):
                inside = {key: value for key, value in nodes.items() if key and key <= group}
                if event in group:
                    tree = _EventTree(self._translator, self._scope, inside)
                    more, own = tree.edges(event, is_optional=True)
                    joins += more
                    conditions += own
                else:
                    conditions.append(self._group_sql(group, inside, event))
            conditions += self._bounded_sqls(nodes.get(frozenset(), ()))
            sqls.append(f"COALESCE({join_conditions('AND', conditions) or 'TRUE'}, FALSE)")
        return joins, _any_of(sqls)

    def _options(self, aliases: Sequence[str]) -> list[Alternative]:
        return alternatives(
            self._nodes, lambda node: len(self._aliases_in(node).intersection(aliases)) > 1
        )

    def _alternative_sql(self, conditions: Alternative) -> str:
        """Return whether the contact has events that fulfil all of these conditions together."""
        nodes = self._by_events(conditions, [*self._tables])
        sqls = self._bounded_sqls(nodes.get(frozenset(), ()))
        for group in _group([*self._tables], [*nodes]):
            inside = {key: value for key, value in nodes.items() if key and key <= group}
            sqls.append(self._group_sql(group, inside, CONTACT))
        self._translator.used.add(CONTACT)
        return f"({join_conditions('AND', sqls)})"

    def _bounded_sqls(self, nodes: Sequence[ast.Expression]) -> list[str]:
        return self._translator.bounded_sqls(nodes, self._scope)

    def _group_sql(self, aliases: set[str], nodes: _Nodes, around: str) -> str:
        """Return whether there are events that fulfil connected conditions."""
        roots = [alias for alias in self._tables if alias in aliases]
        if len(roots) == 1 and around == CONTACT:
            own = nodes.get(frozenset(roots), ())
            flag = self._translator.flag(self._tables[roots[0]], own, self._scope, linked=True)
            if flag:
                return flag
        refused: list[CannotTranslate] = []
        for root in roots:
            try:
                rows = _EventTree(self._translator, self._scope, nodes).rows(root)
            except CannotTranslate as error:
                refused.append(error)
            else:
                return f"({around}.{_ID} IN (SELECT {root}.{_ID}{rows}))"
        raise refused[0]

    def _by_events(self, nodes: Alternative, aliases: Sequence[str]) -> _Nodes:
        result: _Nodes = {}
        for node in nodes:
            events = self._aliases_in(node).intersection(aliases)
            result.setdefault(events, []).append(node)
        return result

    def _aliases_in(self, node: ast.Expression) -> frozenset[str]:
        return self._translator.aliases_in(node, self._scope)


class _EventTree:
    """Events compared with each other, each with those next to it in a tree."""

    def __init__(
        self,
        translator: SubqueryTranslator,
        scope: TableScope,
        nodes: Mapping[frozenset[str], Sequence[ast.Expression]],
    ) -> None:
        """`nodes` has the conditions by the aliases of the events in them."""
        self._translator = translator
        self._scope = scope
        self._nodes = nodes
        aliases = frozenset[str]().union(*nodes)
        pairs = [pair for pair in nodes if len(pair) > 1]
        for pair in pairs:
            if len(pair) > 2:  # noqa: PLR2004 - a comparison of two
                raise cannot_bound(nodes[pair][0], "it compares more than two events at once")
        if len(pairs) >= len(aliases) > 0:
            raise cannot_bound(nodes[pairs[-1]][0], "events are compared in a circle")

    def rows(self, alias: str, parent: str | None = None, *, uses_contact: bool = False) -> str:
        """Return the events of an alias that have the events below it, as FROM and WHERE.

        `uses_contact`: what is selected uses the contact.
        """
        translator = self._translator
        # The flags are joined to the contact outside.
        with translator.aside():
            joins, conditions = self.edges(alias, parent)
            uses_contact = uses_contact or CONTACT in translator.used
        source = f" FROM event_data AS {alias}"
        if uses_contact:
            source += f" JOIN contact_data AS {CONTACT} ON {CONTACT}.{_ID} = {alias}.{_ID}"
        where = f" WHERE {join_conditions('AND', conditions)}" if conditions else ""
        return f"{source}{''.join(joins)}{where}"

    def edges(
        self, alias: str, parent: str | None = None, *, is_optional: bool = False
    ) -> tuple[list[str], list[str]]:
        """Return joins to the events below an alias, and all conditions on it.

        `is_optional` keeps events for which the conditions are not true.
        """
        joins: list[str] = []
        conditions = []
        for node in self._nodes.get(frozenset((alias,)), ()):
            more, sql = self._own_condition(alias, node)
            joins += more
            conditions.append(sql)
        for pair, comparisons in self._nodes.items():
            if len(pair) > 1 and alias in pair and parent not in pair:
                (child,) = pair - {alias}
                compared, uses_contact = self._compared(comparisons, alias, child)
                rows = self.rows(child, alias, uses_contact=uses_contact)
                self._translator.alias_count += 1
                joined = f"j{self._translator.alias_count}"
                edge = EventEdge(compared, comparisons[0])
                join, more = edge.join(alias, child, rows, joined, is_optional=is_optional)
                joins.append(join)
                conditions += [f"{joined}.id IS NOT NULL", *more] if is_optional else more
        return joins, conditions

    def _own_condition(self, alias: str, node: ast.Expression) -> tuple[list[str], str]:
        """Return a condition on one event, with joins where it is a subquery about that event."""
        inner, is_negated = node, False
        while isinstance(inner, ast.Not):
            inner, is_negated = inner.operand, not is_negated
        join = self._subquery_join(alias, inner)
        if join is None:
            (sql,) = self._translator.bounded_sqls((node,), self._scope)
            return [], sql
        if isinstance(inner, ast.In):
            is_negated = is_negated != inner.negated
        joins, sql = join.sql_about(alias)
        return joins, f"(NOT {sql})" if is_negated else sql

    def _subquery_join(self, alias: str, node: ast.Expression) -> EventJoin | None:
        """Return the rows of a subquery on events that uses the event around it."""
        linked: tuple[str, ...] = ()
        match node:
            case ast.Exists(query=query):
                scope = self._translator.inner_scope(query, self._scope)
            case ast.In(operand=operand, items=ast.Subquery(query=query)):
                scope = self._translator.inner_scope(query, self._scope)
                linked = self._translator.linked_by(operand, query, self._scope, scope, alias)
                if not linked:
                    return None
            case _:
                return None
        nodes = conditions_of(query)
        uses_event = any(alias in self._translator.aliases_in(each, scope) for each in nodes)
        if not uses_event or any(table.table != "event_data" for table in scope.tables):
            return None
        join = EventJoin(self._translator, scope.tables, nodes, scope, (alias, *linked))
        return join if join.is_linked else None

    def _compared(
        self, nodes: Sequence[ast.Expression], alias: str, child: str
    ) -> tuple[list[Compared], bool]:
        """Return comparisons with the event's value first; whether the other uses the contact."""
        compared = []
        uses_contact = False
        for node in nodes:
            if not isinstance(node, ast.Comparison):
                raise cannot_bound(node, "this condition is about several events at once")
            before = len(self._translator.unbounded)
            sides, _ = self._translator.unify((node.left, node.right), self._scope)
            self._translator.refuse_unbounded(before)
            aliases = [
                self._translator.aliases_in(side, self._scope) for side in (node.left, node.right)
            ]
            (left, right), op = (side.sql for side in sides), str(node.op)
            if child in aliases[0]:
                left, right, op = right, left, FLIPPED.get(op, op)
                aliases.reverse()
            if child in aliases[0] or alias in aliases[1]:
                raise cannot_bound(node, "one side of this comparison is about both events")
            uses_contact = uses_contact or CONTACT in aliases[1]
            compared.append(Compared(left, op, right))
        return compared, uses_contact


def _any_of(sqls: Iterable[str]) -> str:
    return f"({join_conditions('OR', [*dict.fromkeys(sqls)])})"


def _group(items: Sequence[str], links: Sequence[frozenset[str]]) -> list[set[str]]:
    """Return items in groups: linked ones are in the same group."""
    groups = [{item} for item in items]
    for link in links:
        linked = [group for group in groups if group & link]
        if linked:
            groups = [group for group in groups if not group & link]
            groups.append(set().union(*linked))
    return sorted(groups, key=lambda group: min(map(items.index, group)))
