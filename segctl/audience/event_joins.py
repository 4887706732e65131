"""Joins of event_data with itself, in SQL that never pairs all events of a contact.

An account's test address can have a million events, and a million times a million pairs are more
than any machine can form. What a query asks for is less: whether a contact has events that fulfil
the conditions together. Conditions on one event each need one flag for each event. Where two events
are compared, one of them needs only what all candidates for the other have in common: their
greatest or least value, their distinct values, or the nearest one. Each of these takes one pass, or
one sort, and leaves at most one row to join with. A comparison that none of them decides is
refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.audience.alternatives import alternatives, cannot_bound
from segctl.audience.typed_sql import join_conditions, name_sql
from segctl.query import ast
from segctl.query.catalogue import JOIN_COLUMN
from segctl.query.joins import is_contact_join
from segctl.query.value_types import CannotTranslate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segctl.audience.alternatives import Alternative
    from segctl.audience.conditions import ConditionTranslator
    from segctl.audience.scope import ScopedTable, TableScope

CONTACT = "c"
"""The alias of the contact that a query is about."""

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_BELOW, _ABOVE = ("<", "<="), (">", ">=")
_KEYS = ("=", "IS NOT DISTINCT FROM")
_UNEQUAL = ("!=", "IS DISTINCT FROM")
_ID = name_sql(JOIN_COLUMN)


class EventJoin:
    """The rows that a join returns for one contact, with all conditions on them."""

    def __init__(
        self,
        translator: ConditionTranslator,
        tables: Sequence[ScopedTable],
        nodes: Sequence[ast.Expression],
        scope: TableScope,
    ) -> None:
        """`tables` are those of the events, and `nodes` the conditions of ON and WHERE."""
        self._translator = translator
        self._tables = {table.alias: table for table in tables}
        self._nodes = nodes
        self._scope = scope

    def sql(self) -> str:
        """Return whether the contact has such a row. Raises `CannotTranslate`."""
        nodes = self._unlinked_nodes()
        options = alternatives(nodes, lambda node: len(self._events_in(node)) > 1)
        sqls = dict.fromkeys(self._alternative_sql(option) for option in options)
        self._translator.used.add(CONTACT)
        return f"({' OR '.join(sqls)})"

    def _unlinked_nodes(self) -> list[ast.Expression]:
        """Return the conditions without those that link all events to the contact."""
        links: list[frozenset[str]] = []
        nodes = []
        for node in self._nodes:
            link = self._aliases_in(node) if is_contact_join(node) else frozenset()
            if len(link) > 1 and link <= {CONTACT, *self._tables}:
                links.append(link)
            else:
                nodes.append(node)
        if _group([CONTACT, *self._tables], links)[0] != {CONTACT, *self._tables}:
            raise cannot_bound(self._nodes[0], "not all of them are joined on the contact_id")
        return nodes

    def _alternative_sql(self, conditions: Alternative) -> str:
        """Return whether the contact has events that fulfil all of these conditions together."""
        by_events = [(node, self._events_in(node)) for node in conditions]
        sqls = [
            self._translator.condition_sql(node, self._scope)
            for node, events in by_events
            if not events
        ]
        for group in _group([*self._tables], [events for _, events in by_events]):
            nodes = [node for node, events in by_events if events and events <= group]
            sqls.append(self._group_sql(group, nodes))
        return f"({' AND '.join(sqls)})"

    def _group_sql(self, aliases: set[str], nodes: Sequence[ast.Expression]) -> str:
        """Return whether the contact has events that fulfil conditions; all are connected."""
        roots = [alias for alias in self._tables if alias in aliases]
        if len(roots) == 1:
            table = self._tables[roots[0]]
            flag = self._translator.flag(table, nodes, self._scope, linked=True)
            if flag:
                return flag
        refused: list[CannotTranslate] = []
        for root in roots:
            try:
                rows = _EventTree(self._translator, self._scope, self._by_events(nodes)).rows(root)
            except CannotTranslate as error:
                refused.append(error)
            else:
                return f"({CONTACT}.{_ID} IN (SELECT {root}.{_ID}{rows}))"
        raise refused[0]

    def _by_events(
        self, nodes: Sequence[ast.Expression]
    ) -> dict[frozenset[str], list[ast.Expression]]:
        result: dict[frozenset[str], list[ast.Expression]] = {}
        for node in nodes:
            result.setdefault(self._events_in(node), []).append(node)
        return result

    def _events_in(self, node: ast.Expression) -> frozenset[str]:
        return self._aliases_in(node).intersection(self._tables)

    def _aliases_in(self, node: ast.Expression) -> frozenset[str]:
        return _aliases_in(self._translator, node, self._scope)


class _EventTree:
    """Events compared with each other, each with those next to it in a tree."""

    def __init__(
        self,
        translator: ConditionTranslator,
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

    def rows(self, alias: str, parent: str | None = None) -> str:
        """Return the events of an alias that have the events below it, as FROM and WHERE."""
        translator = self._translator
        saved = translator.used, translator.flags, translator.in_flag
        # The flags are joined to the contact outside.
        translator.used, translator.flags, translator.in_flag = set(), None, True
        try:
            nodes = self._nodes.get(frozenset((alias,)), ())
            conditions = translator.condition_sqls(nodes, self._scope)
            joins = []
            for pair, comparisons in self._nodes.items():
                if len(pair) > 1 and alias in pair and parent not in pair:
                    (child,) = pair - {alias}
                    edge = _Edge(*self._sides(comparisons, alias, child))
                    join, more = edge.join(alias, child, self.rows(child, alias))
                    joins.append(join)
                    conditions += more
            uses_contact = CONTACT in translator.used
        finally:
            translator.used, translator.flags, translator.in_flag = saved
        source = f" FROM event_data AS {alias}"
        if uses_contact:
            source += f" JOIN contact_data AS {CONTACT} ON {CONTACT}.{_ID} = {alias}.{_ID}"
        where = f" WHERE {join_conditions('AND', conditions)}" if conditions else ""
        return f"{source}{''.join(joins)}{where}"

    def _sides(
        self, nodes: Sequence[ast.Expression], alias: str, child: str
    ) -> tuple[list[_Compared], ast.Expression]:
        compared = []
        for node in nodes:
            if not isinstance(node, ast.Comparison):
                raise cannot_bound(node, "this condition is about several events at once")
            sides, _ = self._translator.unify((node.left, node.right), self._scope)
            aliases = [
                _aliases_in(self._translator, side, self._scope) & {alias, child}
                for side in (node.left, node.right)
            ]
            (left, right), op = (side.sql for side in sides), str(node.op)
            if aliases == [{child}, {alias}]:
                left, right, op = right, left, _FLIPPED.get(op, op)
            elif aliases != [{alias}, {child}]:
                raise cannot_bound(node, "one side of this comparison is about both events")
            compared.append(_Compared(left, op, right))
        return compared, nodes[0]


@dataclass(frozen=True, slots=True)
class _Compared:
    """A comparison of a value of one event with a value of the next one in the tree."""

    value: str
    op: str
    other: str


class _Edge:
    """The comparisons of two events, decided by one row for all candidates for the second."""

    def __init__(self, compared: Sequence[_Compared], node: ast.Expression) -> None:
        self._node = node
        self._keys = [each for each in compared if each.op in _KEYS]
        self._below = [each for each in compared if each.op in _BELOW]
        self._above = [each for each in compared if each.op in _ABOVE]
        self._unequal = [each for each in compared if each.op in _UNEQUAL]

    def join(self, alias: str, child: str, rows: str) -> tuple[str, list[str]]:
        """Return a join with at most one row for each event, and conditions on that row.

        `rows` are the candidates for the second event, as FROM and WHERE.
        """
        joined = f"j{child}"
        columns = [f"{child}.{_ID} AS id"]
        on = [f"{joined}.id = {alias}.{_ID}"]
        for index, key in enumerate(self._keys):
            columns.append(f"{key.other} AS k{index}")
            on.append(f"{key.value} {key.op} {joined}.k{index}")
        kind, group = "JOIN", " GROUP BY ALL"
        if self._below and self._above:
            kind = "ASOF JOIN"
            more, condition, conditions = self._nearest(joined)
            on.append(condition)
        elif self._below or self._above:
            more, conditions = self._extreme(joined)
        elif self._unequal:
            more, conditions = self._other_value(joined)
        else:
            more, conditions = [], []
        selected = f"SELECT {', '.join([*columns, *more])}{rows}{group}"
        return f" {kind} ({selected}) AS {joined} ON {' AND '.join(on)}", conditions

    def _extreme(self, joined: str) -> tuple[list[str], list[str]]:
        """Return the greatest or the least value: it decides whether any is above or below."""
        function, compared = ("max", self._below) if self._below else ("min", self._above)
        column = f"{function}({self._only_value(compared)}) AS v"
        return [column], [f"{each.value} {each.op} {joined}.v" for each in compared]

    def _nearest(self, joined: str) -> tuple[list[str], str, list[str]]:
        """Return the value nearest to one bound: it decides whether any is between both."""
        column = f"{self._only_value([*self._below, *self._above])} AS v"
        firsts, others = self._below, self._above
        if len(firsts) > 1:
            firsts, others = others, firsts
        if len(firsts) > 1 or any(key.op != "=" for key in self._keys):
            raise cannot_bound(self._node, "there are too many comparisons")
        nearest, *rest = (f"{each.value} {each.op} {joined}.v" for each in (*firsts, *others))
        return [column], nearest, rest

    def _only_value(self, compared: Sequence[_Compared]) -> str:
        values = {each.other for each in compared}
        if len(values) > 1 or self._unequal:
            raise cannot_bound(self._node, "two events are compared by several values")
        return values.pop()

    def _other_value(self, joined: str) -> tuple[list[str], list[str]]:
        """Return the least and the greatest value: one differs from a value where any does."""
        if len(self._unequal) > 1:
            raise cannot_bound(self._node, "two events are compared by several values")
        (compared,) = self._unequal
        value, other = compared.value, compared.other
        columns = [f"min({other}) AS low", f"max({other}) AS high"]
        differs = f"{value} <> {joined}.low OR {value} <> {joined}.high"
        if compared.op == "!=":
            return columns, [f"({differs})"]
        columns.append(f"bool_or({other} IS NULL) AS missing")
        if_null = f"{joined}.low IS NOT NULL"
        return columns, [
            f"(CASE WHEN {value} IS NULL THEN {if_null} ELSE {joined}.missing OR {differs} END)"
        ]


def _aliases_in(
    translator: ConditionTranslator, node: ast.Expression, scope: TableScope
) -> frozenset[str]:
    """Return the aliases of the tables that an expression uses, also inside subqueries."""
    saved = translator.used, translator.flags
    translator.used, translator.flags = set(), None
    try:
        translator.value(node, scope)
        return frozenset(translator.used)
    finally:
        translator.used, translator.flags = saved


def _group(items: Sequence[str], links: Sequence[frozenset[str]]) -> list[set[str]]:
    """Return items in groups: linked ones are in the same group."""
    groups = [{item} for item in items]
    for link in links:
        linked = [group for group in groups if group & link]
        if linked:
            groups = [group for group in groups if not group & link]
            groups.append(set().union(*linked))
    return sorted(groups, key=lambda group: min(map(items.index, group)))
