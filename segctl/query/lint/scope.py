"""Name resolution for the rules: which table a column belongs to, and what surrounds a node.

`Scope` holds the tables of one query, `ResolvedColumn` what is known of a column, `NodeContext`
what a rule receives with its node. Judges nothing: whether an unknown name is an error is up to
the rules in `names`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, NamedTuple

from segctl.query.aliases import alias_of, sources_of
from segctl.query.ast import Table
from segctl.query.catalogue import EVENT_DATA, JOIN_COLUMN, TABLES, ColumnType
from segctl.query.joins import merges_contact_id
from segctl.query.lint.account_schema import NEVER_NULL
from segctl.query.parser.tokens import lower

if TYPE_CHECKING:
    from segctl.query.ast import And, Column, Node, Not, Or, Query, Source
    from segctl.query.lint.account_schema import AccountSchema


class Resolution(Enum):
    """How the lookup of a column ended."""

    KNOWN = auto()
    OTHER_CASE = auto()  # in double quotes, and the account spells it in another case
    UNKNOWN = auto()  # no visible table is known to have it
    AMBIGUOUS = auto()  # two tables have it
    NO_TABLE = auto()  # the qualifier names no visible table
    HIDDEN = auto()  # the qualifier is the name of a table that has an alias
    OPAQUE = auto()  # the columns of the table are not known


class ResolvedColumn(NamedTuple):
    """What is known of a column.

    `key` is equal for two references that certainly mean the same column. `table` is
    `contact_data`, `event_data` or empty; `source` is the offset of that table in FROM or JOIN.
    `spelling` is the name in the catalogue or in the account. `type` is `None` where it is not
    known, as inside semi-structured data.
    """

    resolution: Resolution
    key: tuple[object, ...]
    name: str
    table: str = ""
    source: int = -1
    spelling: str = ""
    type: ColumnType | None = None

    @property
    def nullable(self) -> bool:
        """Whether contacts without a value must be considered."""
        return self.name not in NEVER_NULL


class VisibleTable(NamedTuple):
    """A table that a query can refer to.

    `table` is its folded name, empty where its columns are not known.
    """

    table: str
    start: int
    aliased: bool


class Scope:
    """The tables of one query, by folded alias, and the scope around it.

    `selected` holds the folded aliases of the selected values.
    """

    __slots__ = ("aliases", "opaque", "outer", "query", "selected", "tables")

    def __init__(self, query: Query, outer: Scope | None) -> None:
        self.query = query
        self.outer = outer
        self.tables: list[VisibleTable] = []
        self.aliases: dict[str, VisibleTable] = {}
        self.opaque = False
        # Built once per query: building it for each column would take quadratic time.
        self.selected = frozenset(lower(item.alias.text) for item in query.select if item.alias)
        for source in sources_of(query):
            table = VisibleTable(_known_table(source), source.start, source.alias is not None)
            self.opaque = self.opaque or not table.table
            self.tables.append(table)
            name = alias_of(source)
            if name:
                self.aliases.setdefault(lower(name.text), table)

    def find_table(self, alias: str) -> VisibleTable | None:
        """Return the table of a folded alias, from the innermost scope that has it."""
        scope: Scope | None = self
        while scope:
            if alias in scope.aliases:
                return scope.aliases[alias]
            scope = scope.outer
        return None


def _known_table(source: Source) -> str:
    if isinstance(source, Table) and not source.schema:
        name = lower(source.name.text)
        return name if name in TABLES else ""
    return ""


@dataclass(slots=True)
class LintRun:
    """One walk through one query, and what it has learned so far.

    `value_columns` holds the offsets of columns where a value is expected: on the right of a
    comparison, in a list. `bounded_tables` holds the offsets of tables whose timestamp or
    semi-structured data the query mentions. `cache` is for rules that share a costly step.
    """

    text: str
    account_schema: AccountSchema
    resolved: dict[int, ResolvedColumn] = field(default_factory=dict)
    value_columns: set[int] = field(default_factory=set)
    bounded_tables: set[int] = field(default_factory=set)
    cache: dict[int, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NodeContext:
    """What surrounds a node.

    `enclosing` are the And, Or and Not nodes directly above it, innermost first. `is_asserted` is
    false below a NOT, in a CASE, in the condition of a join and in a query after NOT IN: wherever
    a condition is no longer simply required of each contact.
    """

    run: LintRun
    scope: Scope
    enclosing: tuple[And | Or | Not, ...] = ()
    is_asserted: bool = True

    @property
    def account_schema(self) -> AccountSchema:
        """What is known of the account."""
        return self.run.account_schema

    def source(self, node: Node) -> str:
        """Return the text of a node, as written."""
        return self.run.text[node.start : node.end]

    def resolve(self, column: Column) -> ResolvedColumn:
        """Return what is known of a column of this scope."""
        resolved = self.run.resolved.get(column.start)
        if resolved is None:
            resolved = self.run.resolved[column.start] = self._resolve(column)
        return resolved

    def _resolve(self, column: Column) -> ResolvedColumn:
        name = lower(column.name.text)
        lookup = self._look_up_qualified(column) if column.qualifier else self._look_up(column)
        table = lookup.table
        path = tuple(self.source(step) for step in column.path)
        owner: object = table.start if table else column.qualifier and lower(column.qualifier.text)
        # `plan` and `"plan"` are two names: whether they mean one column is not documented.
        key = (owner, column.name.text if column.name.quoted else name, column.name.quoted, path)
        return ResolvedColumn(
            lookup.resolution,
            key,
            name,
            table.table if table else "",
            table.start if table else -1,
            lookup.spelling,
            None if path else lookup.type,
        )

    def _look_up_qualified(self, column: Column) -> _Lookup:
        qualifier = lower(column.qualifier.text) if column.qualifier else ""
        table = self.scope.find_table(qualifier)
        if table is None:
            is_hidden = any(other.table == qualifier for other in self.scope.tables)
            return _Lookup(Resolution.HIDDEN if is_hidden else Resolution.NO_TABLE)
        return self._look_up_in(table, column)

    def _look_up(self, column: Column) -> _Lookup:
        scope: Scope | None = self.scope
        best_guess: VisibleTable | None = None
        name = lower(column.name.text)
        while scope:
            matches = []
            for table in scope.tables:
                lookup = self._look_up_in(table, column)
                if lookup.resolution in (Resolution.KNOWN, Resolution.OTHER_CASE):
                    matches.append(lookup)
                elif best_guess is None or (best_guess.table != "contact_data" and table.table):
                    best_guess = table
            if scope.opaque:
                return _Lookup(Resolution.OPAQUE)
            if len(matches) > 1 and name == JOIN_COLUMN and merges_contact_id(scope.query):
                return matches[0]
            if len(matches) > 1:
                types = {match.type for match in matches}
                shared = types.pop() if len(types) == 1 else None
                return _Lookup(Resolution.AMBIGUOUS, type=shared)
            if matches:
                return matches[0]
            scope = scope.outer
        return _Lookup(Resolution.UNKNOWN, best_guess)

    def _look_up_in(self, table: VisibleTable, column: Column) -> _Lookup:
        """Look up a column in one table."""
        name = column.name.text
        if not table.table:
            return _Lookup(Resolution.OPAQUE, table)
        if table.table == "event_data":
            event_type = EVENT_DATA.get(lower(name))
            resolution = Resolution.KNOWN if event_type else Resolution.UNKNOWN
            return _Lookup(resolution, table, lower(name), event_type)
        known = self.account_schema.contact_column(name)
        if known is None:
            return _Lookup(Resolution.UNKNOWN, table)
        spelling, column_type = known
        is_custom = self.account_schema.is_custom
        is_exact = not column.name.quoted or spelling == name or is_custom(name)
        # Which case the server keeps reserved columns in is not documented: any may be right.
        if is_exact or not is_custom(spelling):
            return _Lookup(Resolution.KNOWN, table, spelling, column_type)
        return _Lookup(Resolution.OTHER_CASE, table, spelling, column_type)


class _Lookup(NamedTuple):
    resolution: Resolution
    table: VisibleTable | None = None
    spelling: str = ""
    type: ColumnType | None = None
