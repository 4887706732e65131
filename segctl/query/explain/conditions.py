"""The conditions of a query as statements about contacts: "whose country is US".

Reads AND, OR, NOT and subqueries, and finds what belongs to one event; `sentences` arranges the
statements. NOT is moved inwards, which is exact in SQL's three-valued logic too, and so is IS NOT
TRUE: a condition is not true if it is false or if a value that it needs is not set.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from segctl.query import ast
from segctl.query.explain.events import EventReader
from segctl.query.explain.links import is_contact_id, linked_aliases
from segctl.query.explain.predicates import read_is_set, read_predicate, read_truth
from segctl.query.explain.quotations import quote_condition
from segctl.query.explain.statements import (
    EventStatement,
    QuotedStatement,
    Statement,
    StatementGroup,
    group_statements,
)
from segctl.query.explain.strictness import needs_all_values
from segctl.query.parser.tokens import lower
from segctl.query.visit import walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.query.explain.events import EventDescription
    from segctl.query.explain.scope import ExplainScope


class ConditionReader:
    """Reads the conditions of one query."""

    def __init__(self, scope: ExplainScope) -> None:
        """`scope` has the tables of the query."""
        self._scope = scope

    def read_all(self, nodes: Sequence[ast.Expression]) -> StatementGroup:
        """Return the statements of conditions that must all be true, and of the joined events."""
        scope = self._scope
        parts: list[Statement | str] = []
        readers = {alias: EventReader(scope.about(alias)) for alias in scope.events}
        placed: dict[str, None] = {}
        labelled: set[str] = set()
        for node in flatten(nodes):
            aliases = [alias for alias in scope.events if alias in scope.owners(node)]
            if not aliases:
                parts.append(self.read(node))
                continue
            own = aliases[-1]
            if own not in placed:
                placed[own] = None
                parts.append(own)
            if self._add(readers[own], node) and len(scope.events) > 1:
                labelled.update(aliases)  # a quotation uses the aliases
            labelled.update(aliases[:-1])
        missing = [alias for alias in scope.events if alias not in placed]
        events = {alias: reader.event for alias, reader in readers.items()}
        in_order = iter([alias for alias in scope.events if alias in placed])
        parts = [next(in_order) if isinstance(part, str) else part for part in parts]
        if len(events) > 1:
            # Having an event is part of having one with conditions.
            missing = [alias for alias in missing if alias in labelled]
            missing = missing or ([] if placed else [scope.events[0]])
        statements = [
            EventStatement(_labelled(events[part], part, labelled))
            if isinstance(part, str)
            else part
            for part in (*missing, *parts)
        ]
        group = group_statements(every=True, parts=statements)
        return group if isinstance(group, StatementGroup) else StatementGroup(True, (group,))  # noqa: FBT003 - every

    def _add(self, reader: EventReader, node: ast.Expression) -> bool:
        """Add a condition to an event; return whether it is quoted."""
        if reader.add(node):
            return False
        has_query = any(isinstance(part, ast.Query) for part in walk(node))
        if has_query or None in self._scope.owners(node):
            statement: Statement = QuotedStatement(quote_condition(node))
        else:
            statement = ConditionReader(reader.scope).read(node)
        reader.add_other(statement)
        return _is_quoted(statement)

    def read(
        self, node: ast.Expression, *, negated: bool = False, or_unknown: bool = False
    ) -> Statement:
        """Return the statement of one condition, or of its negation.

        `or_unknown`: the statement is also true where the condition is neither true nor false.
        """
        match node:
            case ast.Not(operand=operand):
                return self.read(operand, negated=not negated, or_unknown=or_unknown)
            case ast.And(operands=operands) | ast.Or(operands=operands):
                parts = [
                    self.read(part, negated=negated, or_unknown=or_unknown) for part in operands
                ]
                return group_statements(every=isinstance(node, ast.And) != negated, parts=parts)
            case ast.IsTruth(operand=operand, value=value, negated=is_negated):
                is_not = is_negated != negated
                if not is_not:
                    return self.read(operand, negated=not value)
                statement = self._read_leaf(operand, negated=value, or_unknown=True)
                return statement or QuotedStatement(quote_condition(node, negated=negated))
            case _:
                statement = self._read_leaf(node, negated=negated, or_unknown=or_unknown)
                return statement or QuotedStatement(
                    quote_condition(_or_unknown(node, negated) if or_unknown else node,
                                    negated=negated and not or_unknown)
                )  # fmt: skip

    def _read_leaf(
        self, node: ast.Expression, *, negated: bool, or_unknown: bool
    ) -> Statement | None:
        match node:
            case ast.Not() | ast.And() | ast.Or() | ast.IsTruth():
                return self.read(node, negated=negated, or_unknown=or_unknown)
            case ast.In(items=ast.Subquery(query=query), operand=operand, negated=is_negated):
                return self._read_in_subquery(operand, query, negated=is_negated != negated)
            case ast.Exists(query=query):
                event = self._read_event(query, correlated=True)
                return EventStatement(event, negated) if event else None
            case ast.Column():
                return read_truth(self._scope, node, value=not negated, or_unset=or_unknown)
            case ast.IsNull():
                return read_predicate(self._scope, node, negated=negated)
            case _:
                statement = read_predicate(self._scope, node, negated=negated)
                return self._or_unset(statement, node) if or_unknown else statement

    def _or_unset(self, statement: Statement | None, node: ast.Expression) -> Statement | None:
        """Return a statement that is also true where a value is not set; `None` without words."""
        if statement is None or not needs_all_values(node):
            return None
        columns = [part for part in walk(node) if isinstance(part, ast.Column)]
        unset = [read_is_set(self._scope, column, is_unset=True) for column in columns]
        known = [part for part in unset if part]
        if len(known) < len(unset):
            return None
        return group_statements(every=False, parts=[statement, *known])

    def _read_in_subquery(
        self, operand: ast.Expression, query: ast.Query, *, negated: bool
    ) -> Statement | None:
        if not isinstance(operand, ast.Column) or not is_contact_id(operand):
            return None
        if not self._scope.contacts or self._scope.owner(operand) != self._scope.contacts:
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
        inner = ConditionReader(self._scope.within(alias))
        if not correlated and not _selects_contact_id(query.select):
            return None
        reader = EventReader(inner._scope)
        is_linked = False
        for node in flatten([query.where] if query.where else []):
            if correlated and self._links_contact(node, alias):
                is_linked = True
            elif None in inner._scope.owners(node) or any(
                isinstance(part, ast.Query) for part in walk(node)
            ):
                return None
            else:
                inner._add(reader, node)
        return reader.event if is_linked or not correlated else None

    def _links_contact(self, node: ast.Expression, alias: str) -> bool:
        """Return whether a condition says that the event belongs to the contact."""
        contacts = self._scope.contacts
        return linked_aliases(node) == {alias, contacts} and alias != contacts


def _labelled(event: EventDescription, alias: str, labelled: set[str]) -> EventDescription:
    return replace(event, label=alias) if alias in labelled else event


def _is_quoted(statement: Statement) -> bool:
    if isinstance(statement, StatementGroup):
        return any(map(_is_quoted, statement.parts))
    return isinstance(statement, QuotedStatement)


def _or_unknown(node: ast.Expression, negated: bool) -> ast.IsTruth:
    return ast.IsTruth(start=node.start, end=node.end, operand=node, value=negated, negated=True)


def _selects_contact_id(select: tuple[ast.SelectItem, ...]) -> bool:
    value = select[0].value
    return len(select) == 1 and isinstance(value, ast.Column) and is_contact_id(value)


def flatten(nodes: Sequence[ast.Expression]) -> Iterator[ast.Expression]:
    """Yield the conditions that must all be true, those inside an AND one by one."""
    for node in nodes:
        if isinstance(node, ast.And):
            yield from flatten(node.operands)
        else:
            yield node
