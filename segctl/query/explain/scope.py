"""The tables in scope of a condition, and the fields that its columns are.

Resolves a column only where its table is certain; `lint.scope` guesses, for better messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.query import ast
from segctl.query.catalogue import CONTACT_DATA, EVENT_DATA
from segctl.query.explain.phrases import field_name
from segctl.query.parser.tokens import lower
from segctl.query.visit import walk

if TYPE_CHECKING:
    from segctl.model.contact_fields import ListNames


@dataclass(frozen=True, slots=True)
class ExplainScope:
    """The tables of one query.

    `lists` has names of contact lists by ID. `events` are the folded aliases of `event_data`,
    `contacts` is that of `contact_data`, or empty.
    """

    lists: ListNames
    contacts: str
    events: tuple[str, ...]

    def owner(self, column: ast.Column) -> str | None:
        """Return the folded alias of the table of a column, or `None` if that is not certain."""
        if column.qualifier:
            alias = lower(column.qualifier.text)
            known = (self.contacts, *self.events)
            return alias if alias in known and not column.qualifier.quoted else None
        name = lower(column.name.text)
        if not self.contacts or (len(self.events) == 1 and name in EVENT_DATA
                                 and name not in CONTACT_DATA):  # fmt: skip
            return self.events[0] if len(self.events) == 1 else None
        return self.contacts

    def owners(self, node: ast.Node) -> set[str | None]:
        """Return the aliases of the tables whose columns a condition uses."""
        return {self.owner(column) for column in walk(node) if isinstance(column, ast.Column)}

    def field_phrase(self, node: ast.Expression) -> str | None:
        """Return the name of a field of the contact in words, or `None` for anything else."""
        if not isinstance(node, ast.Column) or node.path or self.owner(node) != self.contacts:
            return None
        return field_name(node.name) if self.contacts else None
