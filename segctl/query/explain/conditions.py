"""The conditions of a query as statements about contacts: "whose country is US".

Reads the meaning of conditions; `sentences` arranges the statements. NOT is moved inwards, which is
exact in SQL's three-valued logic too. If a condition excludes contacts without a value (`!=`, NOT
IN, NOT LIKE), the statement says so, unless the condition beside it includes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.query import ast
from segctl.query.explain.events import EventDescription
from segctl.query.explain.phrases import quote_condition
from segctl.query.explain.predicates import read_predicate
from segctl.query.explain.scope import ExplainScope
from segctl.query.explain.statements import (
    EventStatement,
    QuotedStatement,
    Statement,
    StatementGroup,
    group_statements,
)
from segctl.query.parser.tokens import lower
from segctl.query.visit import walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class ConditionReader:
    """Reads the conditions of one query."""

    def __init__(self, scope: ExplainScope) -> None:
        """`scope` has the tables of the query."""
        self._scope = scope

    def read_all(self, nodes: Sequence[ast.Expression]) -> StatementGroup:
        """Return the statements of conditions that must all be true, and of the joined events."""
        parts: list[Statement] = []
        events: dict[str, EventDescription] = {}
        for node in _flatten(nodes, ast.And):
            owners = self._scope.owners(node)
            alias = next(iter(owners)) if len(owners) == 1 else None
            simple = not any(isinstance(descendant, ast.Query) for descendant in walk(node))
            if alias in self._scope.events and simple:
                if alias not in events:
                    events[alias] = EventDescription()
                    parts.append(EventStatement(events[alias]))
                events[alias].add(node)
            else:
                parts.append(self.read(node))
        missing = [
            EventStatement(EventDescription())
            for alias in self._scope.events
            if alias not in events
        ]
        return group_statements(every=True, parts=[*missing, *parts])

    def read(self, node: ast.Expression, *, negated: bool = False) -> Statement:
        """Return the statement of one condition, or of its negation."""
        match node:
            case ast.Not(operand=operand):
                return self.read(operand, negated=not negated)
            case ast.And(operands=operands) | ast.Or(operands=operands):
                if any(owner in self._scope.events for owner in self._scope.owners(node)):
                    # All of it is about one event, which separate statements would not say.
                    return QuotedStatement(quote_condition(node, negated=negated))
                every = isinstance(node, ast.And) != negated
                return group_statements(
                    every=every, parts=[self.read(part, negated=negated) for part in operands]
                )
            case _:
                statement = self._read_leaf(node, negated=negated)
                return statement or QuotedStatement(quote_condition(node, negated=negated))

    def _read_leaf(self, node: ast.Expression, *, negated: bool) -> Statement | None:
        match node:
            case ast.In(items=ast.Subquery(query=query), operand=operand, negated=is_negated):
                return self._read_in_subquery(operand, query, negated=is_negated != negated)
            case ast.Exists(query=query):
                event = self._read_event(query, correlated=True)
                return EventStatement(event, negated) if event else None
            case _:
                return read_predicate(self._scope, node, negated=negated)

    def _read_in_subquery(
        self, operand: ast.Expression, query: ast.Query, *, negated: bool
    ) -> Statement | None:
        is_contact_id = isinstance(operand, ast.Column) and _is_contact_id(operand)
        if not is_contact_id or self._scope.field_phrase(operand) is None:
            return None
        event = self._read_event(query, correlated=False)
        return EventStatement(event, negated) if event else None

    def _read_event(self, query: ast.Query, *, correlated: bool) -> EventDescription | None:
        """Return the event that a subquery of IN, or a correlated one of EXISTS, asks for."""
        source = query.sources[0]
        simple = len(query.sources) == 1 and not (query.joins or query.unsupported)
        if not simple or not isinstance(source, ast.Table) or source.schema:
            return None
        if lower(source.name.text) != "event_data" or source.name.quoted:
            return None
        alias = lower((source.alias or source.name).text)
        inner = ExplainScope(self._scope.lists, "", (alias,))
        if not correlated and not _selects_contact_id(query.select):
            return None
        event = EventDescription()
        is_linked = False
        for node in _flatten([query.where] if query.where else [], ast.And):
            if correlated and self._links_contact(node, alias):
                is_linked = True
            elif inner.owners(node) != {alias} or any(isinstance(n, ast.Query) for n in walk(node)):
                return None
            else:
                event.add(node)
        return event if is_linked or not correlated else None

    def _links_contact(self, node: ast.Expression, alias: str) -> bool:
        """Return whether a condition says that the event belongs to the contact."""
        return (
            linked_aliases(node) == {alias, self._scope.contacts} and alias != self._scope.contacts
        )


def linked_aliases(node: ast.Expression) -> set[str]:
    """Return the two folded aliases that `a.contact_id = b.contact_id` links, or nothing."""
    match node:
        case ast.Comparison(op="=", left=ast.Column() as left, right=ast.Column() as right):
            if not (_is_contact_id(left) and _is_contact_id(right)):
                return set()
            names = (left.qualifier, right.qualifier)
            return {lower(name.text) for name in names if name and not name.quoted}
        case _:
            return set()


def _selects_contact_id(select: tuple[ast.SelectItem, ...]) -> bool:
    value = select[0].value
    return len(select) == 1 and isinstance(value, ast.Column) and _is_contact_id(value)


def _is_contact_id(column: ast.Column) -> bool:
    return lower(column.name.text) == "contact_id" and not column.path


def _flatten(
    nodes: Sequence[ast.Expression], kind: type[ast.And | ast.Or]
) -> Iterator[ast.Expression]:
    for node in nodes:
        if isinstance(node, kind):
            yield from _flatten(node.operands, kind)
        else:
            yield node
