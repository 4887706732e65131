"""Proofs about who is in an audience, from its query alone.

`Contacts` are those of an audience, and `Prover` asks whether a `Claim` about two of them certainly
holds: that no contact, whatever its values and events, breaks it. It does so in three-valued logic,
where a contact is in an audience only if WHERE is TRUE, and for any way in which SendGrid may
compare the case of letters or choose a time zone. Both queries are evaluated at the same time, and
a contact_id has one row in contact_data. That a claim is not proven means nothing: count then.

Counts nothing, and reads no names in place of ids: queries must be bound.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from segctl.policies.claims import Claim, Relation
from segctl.policies.formulas import (
    ANYTHING,
    NOTHING,
    Formula,
    NoRow,
    Wanted,
    all_of,
    any_of,
    terms_of,
)
from segctl.policies.names import (
    CONTACT,
    CONTACTS,
    NotUnderstood,
    conditions_on_rows,
    named,
    scope_of,
)
from segctl.policies.reader import Reader, linked_aliases
from segctl.policies.refuter import Budget, Case, GaveUp, Refuter
from segctl.query import ast
from segctl.query.catalogue import CONTACT_DATA, JOIN_COLUMN, ColumnType
from segctl.query.list_ids import LIST_IDS
from segctl.query.parser.parse import parse
from segctl.query.parser.tokens import lower
from segctl.query.visit import walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.model import Segment


@dataclass(frozen=True, slots=True)
class Statement:
    """What holds for contacts, and its terms; `case` is what follows, `None` if it never holds."""

    formula: Formula
    terms: frozenset[str]
    case: Case | None

    @property
    def all_terms(self) -> frozenset[str]:
        """The terms of the formula and of what follows."""
        return self.terms.union(self.case.known) if self.case else self.terms


class Contacts:
    """What holds for the contacts in an audience, and for all others.

    `not_understood` says why some condition of the query proves nothing; it is empty if all do.
    """

    def __init__(
        self,
        query: str,
        parent_list_ids: tuple[str, ...] = (),
        fields: Mapping[str, ColumnType] | None = None,
    ) -> None:
        """`fields` are the types of the account's fields, by name, as far as they are known."""
        self._parents = parent_list_ids
        types = {lower(name): column_type for name, column_type in (fields or {}).items()}
        self._types = {**types, **CONTACT_DATA}
        # The account names its reserved fields as well, which are no second ones.
        names = Counter(map(lower, {*(fields or ()), *CONTACT_DATA}))
        self._ambiguous = {name for name, count in names.items() if count > 1}
        self.not_understood = ""
        self._conditions: list[ast.Expression] = []
        self._events: tuple[tuple[str, str], ...] = ()
        self._read_query(query)

    def _read_query(self, text: str) -> None:
        query = parse(text).query
        if query is None:
            self.not_understood = "the query has a syntax error"
            return
        try:
            _check_selected(query)
            scope = scope_of(query)
            nodes = conditions_on_rows(query)
        except NotUnderstood as error:
            self.not_understood = error.reason
            return
        tables = [*scope.tables.values()]
        if [table for _, table in tables].count(CONTACTS) != 1:
            self.not_understood = "the query does not use contact_data exactly once"
            return
        events = tuple(each for each in tables if each[0] != CONTACT)
        hidden = {lower(item.alias.text) for item in query.select if item.alias}
        for node in nodes:
            try:
                _check_columns(node, hidden, self._ambiguous)
                self._conditions.append(named(node, scope))
            except NotUnderstood as error:
                self.not_understood = error.reason
        conditions = tuple((node, Wanted.TRUE) for node in self._conditions)
        aliases = {alias for alias, _ in events}
        if linked_aliases(conditions, aliases) != aliases:
            self.not_understood = "the tables are not joined on contact_id"
            self._conditions = []
            return
        self._events = events

    @cached_property
    def members(self) -> Statement:
        """What holds for every contact in the audience."""
        return self._statement(self._members())

    @cached_property
    def others(self) -> Statement:
        """What holds for every contact that is not in the audience."""
        return self._statement(self._others())

    def _members(self) -> Formula:
        reader = Reader(self._types)
        parts = [self._in_parents(reader, Wanted.TRUE)] if self._parents else []
        conditions = tuple((node, Wanted.TRUE) for node in self._conditions)
        try:
            parts.append(reader.some_row(self._events, conditions))
        except NotUnderstood as error:
            self.not_understood = error.reason
        return all_of(parts)

    def _others(self) -> Formula:
        if self.not_understood:
            return ANYTHING
        reader = Reader(self._types)
        parts = [self._in_parents(reader, Wanted.NOT_TRUE)] if self._parents else []
        events = {alias for alias, _ in self._events}
        on_rows = []
        try:
            for node in self._conditions:
                if events & _tables_in(node):
                    on_rows.append((node, Wanted.TRUE))
                else:
                    parts.append(reader.formula(node, Wanted.NOT_TRUE))
        except NotUnderstood as error:
            self.not_understood = error.reason
            return ANYTHING
        if self._events:
            parts.append(NoRow(self._events, tuple(on_rows)))
        return any_of(parts)

    def _in_parents(self, reader: Reader, wanted: Wanted) -> Formula:
        names = [ast.Name(start=0, end=0, text=text) for text in (CONTACT, LIST_IDS)]
        column = ast.Column(start=0, end=0, qualifier=names[0], name=names[1])
        return reader.contains(column, self._parents, wanted)

    def _statement(self, formula: Formula) -> Statement:
        case = self._case_of(formula)
        terms = frozenset(terms_of(formula))
        return Statement(formula, terms, case) if case else Statement(NOTHING, terms, None)

    def _case_of(self, formula: Formula) -> Case | None:
        """Return what follows from a formula; `None` if no contact certainly fulfils it."""
        case = Case(Budget())
        refuter = Refuter(Reader(self._types))
        try:
            if not case.learn([formula]) or not refuter.saturate(case):
                return None
            return None if refuter.is_impossible(case.copy()) else case
        except (GaveUp, NotUnderstood):
            return case

    def cannot_also(self, statement: Statement) -> bool:
        """Return whether no contact in the audience certainly fulfils a statement."""
        own = self.members
        if own.case is None or statement.case is None:
            return True
        if own.all_terms.isdisjoint(statement.all_terms):
            return False
        case = own.case.copy(Budget())
        case.about = {*statement.terms}
        try:
            if not case.learn([statement.formula]):
                return True
            return Refuter(Reader(self._types)).is_impossible(case)
        except (GaveUp, NotUnderstood):
            return False


class Prover:
    """Proves claims; reads the query of each audience once.

    `fields` are the types of the account's fields, by name, as far as they are known.
    """

    def __init__(self, fields: Mapping[str, ColumnType] | None = None) -> None:
        self._fields = fields or {}
        self._contacts: dict[tuple[str, tuple[str, ...]], Contacts] = {}

    def contacts(self, segment: Segment) -> Contacts:
        """Return the contacts in a segment."""
        key = segment.query, segment.parent_list_ids
        contacts = self._contacts.get(key)
        if contacts is None:
            contacts = self._contacts[key] = Contacts(*key, self._fields)
        return contacts

    def proves(self, claim: Claim) -> bool:
        """Return whether no contact can break a claim; false if that is not certain."""
        contacts, other = self.contacts(claim.segment), self.contacts(claim.other)
        is_subset = claim.relation is Relation.SUBSET
        return contacts.cannot_also(other.others if is_subset else other.members)


def _check_selected(query: ast.Query) -> None:
    match query.select:
        case (ast.SelectItem(value=ast.Column(name=name, path=())), *_) if (
            lower(name.text) == JOIN_COLUMN
        ):
            return
    raise NotUnderstood(query, "the query does not select contact_id first")


def _check_columns(node: ast.Expression, selected: set[str], ambiguous: set[str]) -> None:
    """Raise `NotUnderstood` for a name that may be a selected value, or another column."""
    for column in walk(node) if selected or ambiguous else ():
        if isinstance(column, ast.Column):
            name = lower(column.name.text)
            if name in ambiguous:
                raise NotUnderstood(column, f"two fields have the name `{name}` in different case")
            if name in selected and column.qualifier is None:
                raise NotUnderstood(column, f"`{name}` may be a selected value")


def _tables_in(node: ast.Node) -> set[str]:
    return {
        part.qualifier.text
        for part in walk(node)
        if isinstance(part, ast.Column) and part.qualifier is not None
    }
