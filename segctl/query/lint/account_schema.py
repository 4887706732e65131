"""What is known of the account when a query is checked.

Owns the answer to "is there such a column?" for `contact_data` and `event_data`. Refuses to
fetch anything: fields and lists come from `fields.yaml` or from the account, by other hands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from segctl.query.ast import Column
from segctl.query.catalogue import CONTACT_DATA, EVENT_DATA, ColumnType
from segctl.query.lint.rule import Needs, quoted
from segctl.query.parser.parse import parse
from segctl.query.parser.tokens import lower
from segctl.query.visit import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NEVER_NULL = frozenset(
    ("contact_id", "email", "list_ids", "created_at", "updated_at", "event_source", "event_type",
     "timestamp")
)  # fmt: skip
"""Columns that every contact or event has. `email` too: nearly every contact has one, and who
excludes addresses does not think of those without."""

_NOTHING: Mapping[str, ColumnType] = MappingProxyType({})


MOST_LISTS = 8
"""Lists that a hint names."""


@dataclass(frozen=True, slots=True)
class AccountSchema:
    """The account's fields and lists, as far as they are known.

    `custom_fields` goes from names, as the account spells them, to types; `None` means that
    nobody knows them. `fresh` says that they were read recently enough for "there is no such
    field" to be certain. `reserved_fields` are columns that the account reports beyond those of
    the catalogue. `lists` are the names of the account's lists by their ids in lower case, `None`
    where they are not known.
    """

    custom_fields: Mapping[str, ColumnType] | None = None
    fresh: bool = False
    reserved_fields: Mapping[str, ColumnType] = field(default_factory=lambda: _NOTHING)
    lists: Mapping[str, str] | None = None
    _folded: dict[str, tuple[str, ColumnType]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        # Later ones win: a custom field cannot hide a column that SendGrid reserves.
        sources = (self.custom_fields or {}, self.reserved_fields, CONTACT_DATA)
        for names in sources:
            self._folded.update({lower(name): (name, kind) for name, kind in names.items()})

    @property
    def list_hint(self) -> str:
        """Say what to write instead of the id of a list that the account does not have."""
        lists = sorted((self.lists or {}).items(), key=lambda one: (one[1], one[0]))
        if not lists:
            return "the account has no lists: leave it out"
        named = [f"{quoted(name)} is {one}" for one, name in lists[:MOST_LISTS]]
        more = f", and {len(lists) - MOST_LISTS:,} more" if len(lists) > MOST_LISTS else ""
        return f"use the id of a list of this account: {', '.join(named)}{more}"

    @property
    def certain(self) -> bool:
        """Whether a field that is not listed does not exist."""
        return self.custom_fields is not None and self.fresh

    def contact_column(self, name: str) -> tuple[str, ColumnType] | None:
        """Give the spelling and the type of a column of `contact_data`, whatever its case."""
        return self._folded.get(lower(name))

    def is_custom(self, name: str) -> bool:
        """Whether the account spells a custom field exactly so."""
        return name in (self.custom_fields or {})

    def columns(self, table: str) -> Iterable[str]:
        """Give the names of the columns of a table, for guessing at misspelt ones."""
        if table == "event_data":
            return EVENT_DATA
        return (*(name for name, _ in self._folded.values()),)


def query_needs(text: str) -> frozenset[Needs]:
    """Say what must be known of the account before a query can be checked wholly.

    FIELDS where it names a column that is not a standard one, LISTS where it speaks of
    `list_ids`; nothing where it cannot be read.
    """
    query = parse(text).query
    nodes = walk(query) if query else ()
    names = {lower(node.name.text) for node in nodes if isinstance(node, Column)}
    wanted = set()
    if "list_ids" in names:
        wanted.add(Needs.LISTS)
    if any(name not in CONTACT_DATA and name not in EVENT_DATA for name in names):
        wanted.add(Needs.FIELDS)
    return frozenset(wanted)
