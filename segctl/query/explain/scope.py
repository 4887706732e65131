"""The tables in scope of a condition, and which of them a column belongs to.

Resolves a column only where its table is certain; `lint.scope` guesses, for better messages.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from segctl.query import ast
from segctl.query.aliases import alias_of, sources_of
from segctl.query.catalogue import CONTACT_DATA, EVENT_DATA, JOIN_COLUMN, ColumnType
from segctl.query.explain.times import read_time
from segctl.query.parser.tokens import lower
from segctl.query.value_types import VALUE_TYPES, ValueType
from segctl.query.visit import children, walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.model.contact_fields import ListNames

NO_LISTS: ListNames = MappingProxyType({})
NO_FIELDS: Mapping[str, ColumnType] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ExplainScope:
    """The tables of one query.

    `events` are the folded aliases of `event_data`, `contacts` is that of `contact_data`, or empty.
    `subject` is the alias of the event that a condition is about; empty if it is about a contact.
    `lists` has names of contact lists by ID, and `fields` the types of the account's own fields.
    """

    contacts: str
    events: tuple[str, ...] = ()
    subject: str = ""
    is_subquery: bool = False
    lists: ListNames = field(default_factory=lambda: NO_LISTS)
    fields: Mapping[str, ColumnType] = field(default_factory=lambda: NO_FIELDS)

    def about(self, event: str) -> ExplainScope:
        """Return the scope of a condition on one event."""
        return replace(self, subject=event)

    def within(self, event: str) -> ExplainScope:
        """Return the scope of a subquery on one event, correlated with this scope's contact."""
        contacts = "" if event == self.contacts else self.contacts
        return replace(self, contacts=contacts, events=(event,), subject=event, is_subquery=True)

    def owner(self, column: ast.Column) -> str | None:
        """Return the folded alias of the table of a column, or `None` if that is not certain."""
        if column.qualifier:
            alias = lower(column.qualifier.text)
            known = (self.contacts, *self.events)
            return alias if alias in known and not column.qualifier.quoted else None
        name = lower(column.name.text)
        if name == JOIN_COLUMN and self.is_subquery:
            return self.subject
        if not self.contacts or (self.events and name in EVENT_DATA and name not in CONTACT_DATA):
            return self.events[0] if len(self.events) == 1 else None
        return self.contacts

    def owners(self, node: ast.Node) -> set[str | None]:
        """Return the aliases of the tables whose columns a condition uses, also in subqueries."""
        owners: set[str | None] = set()
        pending = [node]
        while pending:
            part = pending.pop()
            if isinstance(part, ast.Query):
                owners |= self._used_inside(part)
                continue
            if isinstance(part, ast.Column):
                owners.add(self.owner(part))
            pending.extend(children(part))
        return owners

    def _used_inside(self, query: ast.Query) -> set[str | None]:
        """Return the aliases of this query's tables that a subquery names."""
        inner = {lower(name.text) for name in map(alias_of, sources_of(query)) if name}
        named = {
            lower(part.qualifier.text)
            for part in walk(query)
            if isinstance(part, ast.Column) and part.qualifier
        }
        return {alias for alias in (self.contacts, *self.events) if alias in named - inner}

    def column_type(self, column: ast.Column) -> ValueType | None:
        """Return the type of a column, or `None` if it is unknown."""
        if column.path:
            return ValueType.INSIDE
        name = column.name.text if column.name.quoted else lower(column.name.text)
        if self.owner(column) in self.events:
            types = EVENT_DATA
        else:
            types = CONTACT_DATA if lower(name) in CONTACT_DATA else self.fields
        column_type = types.get(name) or types.get(lower(name))
        return VALUE_TYPES[column_type] if column_type else None


def field_types(query: ast.Query, fields: Mapping[str, ColumnType]) -> Mapping[str, ColumnType]:
    """Return the types of `fields` by exact and by folded name, and what the query itself shows.

    A column of an unknown type is a time if it is anywhere compared with the current time.
    """
    known = {**{lower(name): kind for name, kind in fields.items()}, **fields}
    times: dict[str, ColumnType] = {}
    for node in walk(query):
        match node:
            case ast.Comparison(left=ast.Column() as column, right=other) | (
                ast.Comparison(right=ast.Column() as column, left=other)
            ):
                others = [other]
            case ast.Between(operand=ast.Column() as column, low=low, high=high):
                others = [low, high]
            case _:
                continue
        is_time = any(read_time(other, strings=False) for other in others)
        if is_time and not column.path and lower(column.name.text) not in known:
            times[lower(column.name.text)] = ColumnType.TIMESTAMP
    return {**times, **known}
