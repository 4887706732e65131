"""What is known of the account when a query is checked: its fields and its lists.

Answers whether `contact_data` or `event_data` has a column. Fetches nothing: the callers read
fields and lists from a file of the project or from the account.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from segctl.model.observed import NOTHING_OBSERVED
from segctl.query.ast import Column
from segctl.query.catalogue import CONTACT_DATA, EVENT_DATA, ColumnType
from segctl.query.lint.rule import Needs, quote_sql
from segctl.query.parser.tokens import lower
from segctl.query.visit import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from segctl.model.observed import Observed
    from segctl.query.parser.parse import ParsedQuery

NEVER_NULL = frozenset(
    ("contact_id", "email", "list_ids", "created_at", "updated_at", "event_source", "event_type",
     "timestamp")
)  # fmt: skip
"""Columns that every contact or event has. `email` is one of them: nearly every contact has an
address, and a condition that excludes addresses is not meant for contacts without one."""

_NO_FIELDS: Mapping[str, ColumnType] = MappingProxyType({})

MAX_LISTS_IN_HINT = 8

PULL_ACCOUNT = "run `segctl account pull`"


@dataclass(frozen=True, slots=True)
class AccountSchema:
    """The fields and lists of an account, as far as they are known.

    `custom_fields` maps names, as the account spells them, to types; `None` where they are not
    known. `fresh` says that they were read recently enough to be sure that a field does not
    exist. `reserved_fields` are columns that the account reports beyond those of the catalogue.
    `lists` maps the ids of the account's lists, in lower case, to their names; `None` where they
    are not known. `recorded` says that a file has all this, and that the account was not asked.
    `observed` is what a probe saw SendGrid accept or refuse.
    """

    custom_fields: Mapping[str, ColumnType] | None = None
    fresh: bool = False
    reserved_fields: Mapping[str, ColumnType] = field(default_factory=lambda: _NO_FIELDS)
    lists: Mapping[str, str] | None = None
    recorded: bool = False
    observed: Observed = NOTHING_OBSERVED
    _folded: dict[str, tuple[str, ColumnType]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        # Later ones win: a custom field cannot hide a column that SendGrid reserves.
        for columns in (self.custom_fields or {}, self.reserved_fields, CONTACT_DATA):
            self._folded.update({lower(name): (name, type_) for name, type_ in columns.items()})

    @property
    def list_hint(self) -> str:
        """What to write instead of the id of a list that the account does not have."""
        if self.recorded:
            return f"{self._known_lists}. If it is new, {PULL_ACCOUNT}"
        return self._known_lists

    @property
    def _known_lists(self) -> str:
        lists = sorted((self.lists or {}).items(), key=lambda item: (item[1], item[0]))
        if not lists:
            return "the account has no lists: remove the id"
        names = [f"{quote_sql(name)} is {list_id}" for list_id, name in lists[:MAX_LISTS_IN_HINT]]
        others = len(lists) - MAX_LISTS_IN_HINT
        more = f", and {others:,} more" if others > 0 else ""
        return f"use the id of a list of this account: {', '.join(names)}{more}"

    @property
    def is_complete(self) -> bool:
        """Whether a field that is not listed does not exist."""
        return self.custom_fields is not None and self.fresh

    def contact_column(self, name: str) -> tuple[str, ColumnType] | None:
        """Return the spelling and type of a column of `contact_data`, ignoring case."""
        return self._folded.get(lower(name))

    def is_custom(self, name: str) -> bool:
        """Whether the account has a custom field with exactly this name."""
        return name in (self.custom_fields or {})

    def columns(self, table: str) -> Iterable[str]:
        """Return the names of the columns of a table, to suggest one for a misspelt name."""
        if table == "event_data":
            return EVENT_DATA
        return (*(name for name, _ in self._folded.values()),)


def query_needs(parsed: ParsedQuery) -> frozenset[Needs]:
    """Return what must be known of the account to check a query completely.

    FIELDS where it names a column that is not a standard one, LISTS where it uses `list_ids`;
    nothing where it cannot be parsed.
    """
    nodes = walk(parsed.query) if parsed.query else ()
    names = {lower(node.name.text) for node in nodes if isinstance(node, Column)}
    needs = set()
    if "list_ids" in names:
        needs.add(Needs.LISTS)
    if any(name not in CONTACT_DATA and name not in EVENT_DATA for name in names):
        needs.add(Needs.FIELDS)
    return frozenset(needs)
