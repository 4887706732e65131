"""Which table a column belongs to, and what stands around a node.

Owns the resolution of names for the rules: `Scope` has the tables of one query, `Resolved` says
what is known of one column, `Here` is what a rule gets beside its node. Refuses to judge: an
unknown name is marked, and left to `names`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, NamedTuple

from segctl.query.aliases import alias_of, sources_of
from segctl.query.ast import Table
from segctl.query.catalogue import EVENT_DATA, TABLES, ColumnType
from segctl.query.lint.account_schema import NEVER_NULL
from segctl.query.parser.tokens import lower

if TYPE_CHECKING:
    from segctl.query.ast import And, Column, Node, Not, Or, Query, Source
    from segctl.query.lint.account_schema import AccountSchema


class Found(Enum):
    """How the search for a column ended."""

    KNOWN = auto()
    OTHER_CASE = auto()  # in quotes, and the account spells it in other case
    UNKNOWN = auto()  # no table in sight is known to have it
    AMBIGUOUS = auto()  # two tables have it
    NO_TABLE = auto()  # the qualifier names no table in sight
    HIDDEN = auto()  # the qualifier is a table's name, and the table has an alias
    OPAQUE = auto()  # of a table that segctl cannot look into


class Resolved(NamedTuple):
    """What is known of a column.

    `key` is equal for two columns that are certainly one. `table` is `contact_data`,
    `event_data` or empty, `source` the place of that table in FROM or JOIN. `spelling` is the
    name as the catalogue or the account has it. `type` is `None` where it is not known, as
    inside semi-structured data.
    """

    found: Found
    key: tuple[object, ...]
    name: str
    table: str = ""
    source: int = -1
    spelling: str = ""
    type: ColumnType | None = None

    @property
    def nullable(self) -> bool:
        """Whether contacts without a value must be thought of."""
        return self.name not in NEVER_NULL


class Seen(NamedTuple):
    """One table in sight: its folded name, empty for what cannot be looked into."""

    table: str
    start: int
    aliased: bool


class Scope:
    """The tables of one query, by folded alias, and the scope around it.

    `selected` are the folded aliases of its selected values.
    """

    __slots__ = ("aliases", "depth", "opaque", "outer", "query", "seen", "selected")

    def __init__(self, query: Query, outer: Scope | None) -> None:
        self.query = query
        self.outer = outer
        self.depth: int = outer.depth + 1 if outer else 0
        self.seen: list[Seen] = []
        self.aliases: dict[str, Seen] = {}
        self.opaque = False
        # Once a query: asked for each column, it would take the square of a long list's length.
        self.selected = frozenset(lower(one.alias.text) for one in query.select if one.alias)
        for source in sources_of(query):
            seen = Seen(_table(source), source.start, source.alias is not None)
            self.opaque = self.opaque or not seen.table
            self.seen.append(seen)
            called = alias_of(source)
            if called:
                self.aliases.setdefault(lower(called.text), seen)

    def find(self, alias: str) -> Seen | None:
        """Give the table of a folded alias, from the innermost scope that has it."""
        scope: Scope | None = self
        while scope:
            if alias in scope.aliases:
                return scope.aliases[alias]
            scope = scope.outer
        return None


def _table(source: Source) -> str:
    if isinstance(source, Table) and not source.schema:
        name = lower(source.name.text)
        return name if name in TABLES else ""
    return ""


@dataclass(slots=True)
class Pass:
    """One walk through one query, and what it remembers.

    `values` are the places of columns that stand where a value is expected: on the right of a
    comparison, in a list. `dated` are the places of the tables of whose rows a time, or a part
    of the semi-structured data, is mentioned. `notes` are for rules that share a costly step.
    """

    text: str
    account_schema: AccountSchema
    resolved: dict[int, Resolved] = field(default_factory=dict)
    values: set[int] = field(default_factory=set)
    dated: set[int] = field(default_factory=set)
    notes: dict[int, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Here:
    """Where a node stands.

    `around` are the And, Or and Not right above it, innermost first, as far as nothing else
    stands between. `plain` is false below a NOT, in a CASE, in the condition of a join, in a
    query after NOT IN: where a condition is no longer simply demanded of each contact.
    """

    work: Pass
    scope: Scope
    around: tuple[And | Or | Not, ...] = ()
    plain: bool = True

    @property
    def account_schema(self) -> AccountSchema:
        """What is known of the account."""
        return self.work.account_schema

    def source(self, node: Node) -> str:
        """Give what was written."""
        return self.work.text[node.start : node.end]

    def resolve(self, column: Column) -> Resolved:
        """Say what is known of a column that stands here."""
        known = self.work.resolved.get(column.start)
        if known is None:
            known = self.work.resolved[column.start] = self._resolve(column)
        return known

    def _resolve(self, column: Column) -> Resolved:
        name = lower(column.name.text)
        found = self._qualified(column) if column.qualifier else self._bare(column)
        outcome, seen, spelling, kind = found
        path = tuple(self.source(step) for step in column.path)
        owner: object = seen.start if seen else column.qualifier and lower(column.qualifier.text)
        # `plan` and `"plan"` are two names: whether they mean one column is not documented.
        key = (owner, column.name.text if column.name.quoted else name, column.name.quoted, path)
        if path:
            kind = None
        return Resolved(
            outcome,
            key,
            name,
            seen.table if seen else "",
            seen.start if seen else -1,
            spelling,
            kind,
        )

    def _qualified(self, column: Column) -> _Answer:
        qualifier = lower(column.qualifier.text) if column.qualifier else ""
        seen = self.scope.find(qualifier)
        if seen is None:
            hidden = any(s.table == qualifier for s in self.scope.seen)
            return Found.HIDDEN if hidden else Found.NO_TABLE, None, "", None
        return self._in(seen, column)

    def _bare(self, column: Column) -> _Answer:
        scope: Scope | None = self.scope
        first: Seen | None = None
        while scope:
            hits = []
            for seen in scope.seen:
                answer = self._in(seen, column)
                if answer[0] is Found.KNOWN or answer[0] is Found.OTHER_CASE:
                    hits.append(answer)
                elif first is None or (first.table != "contact_data" and seen.table):
                    first = seen
            if scope.opaque:
                return Found.OPAQUE, None, "", None
            if len(hits) > 1:
                types = {hit[3] for hit in hits}
                return Found.AMBIGUOUS, None, "", types.pop() if len(types) == 1 else None
            if hits:
                return hits[0]
            scope = scope.outer
        return Found.UNKNOWN, first, "", None

    def _in(self, seen: Seen, column: Column) -> _Answer:
        """Look for a column in one table."""
        name = column.name.text
        if not seen.table:
            return Found.OPAQUE, seen, "", None
        if seen.table == "event_data":
            kind = EVENT_DATA.get(lower(name))
            return Found.KNOWN if kind else Found.UNKNOWN, seen, lower(name), kind
        known = self.account_schema.contact_column(name)
        if known is None:
            return Found.UNKNOWN, seen, "", None
        spelling, kind = known
        if column.name.quoted and spelling != name and not self.account_schema.is_custom(name):
            # A reserved column in quotes: which case the server keeps it in is not documented.
            if not self.account_schema.is_custom(spelling):
                return Found.KNOWN, seen, spelling, kind
            return Found.OTHER_CASE, seen, spelling, kind
        return Found.KNOWN, seen, spelling, kind


_Answer = tuple[Found, Seen | None, str, ColumnType | None]
