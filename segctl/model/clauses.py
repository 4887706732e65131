"""Changed clauses of a query, as a plan and its views carry them.

The shape only: `query.diff` compares two queries, `render` words the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ChangeKind(StrEnum):
    """How a clause changed."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class ClauseKind(StrEnum):
    """The part of a query that a clause is."""

    SELECT = "select"
    TABLE = "table"
    JOIN = "join"
    CONDITION = "condition"
    OTHER = "other"  # GROUP BY and so on


@dataclass(frozen=True, slots=True)
class ClauseChange:
    """One changed clause.

    `before` and `after` are as written, on one line without comments, or empty for an added or a
    removed clause. `path` locates the clause, outermost first, and is empty at the top level:
    "any of country = 'US' OR country = 'CA'", "the subquery of contact_id NOT IN". `added_items`
    and `removed_items` are the values by which a changed list (IN, an array) differs, as written.
    `window_before` and `window_after` are how far back or ahead the clause looks ("30 days"), where
    the change moves that; one is empty where there is no such bound.
    """

    kind: ChangeKind
    clause: ClauseKind
    before: str
    after: str
    path: tuple[str, ...] = ()
    added_items: tuple[str, ...] = ()
    removed_items: tuple[str, ...] = ()
    window_before: str = ""
    window_after: str = ""
