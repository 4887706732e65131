"""Drift: what someone did to a segment in SendGrid that no commit did. Shapes only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segctl.errors import Span
    from segctl.model.clauses import ClauseChange
    from segctl.model.contact_fields import ListNames


class DriftKind(StrEnum):
    """What someone did to a segment in SendGrid."""

    EDITED = "edited"
    RENAMED = "renamed"
    DELETED = "deleted"
    CREATED = "created"


@dataclass(frozen=True, slots=True)
class Drift:
    """A segment that differs from the files.

    `name` is the declared name, or the one on the account where no file declares the segment;
    `now` is the new name of a renamed one. `updated_at` is the time of its last change on the
    account. `clauses` lead back from the account to what git declared when it was changed.
    `parents` are the parent lists on the account and in the file, where they differ, and `lists`
    the names of the lists that the two definitions use; in a plan, its change has both.
    """

    kind: DriftKind
    name: str
    id: str | None = None
    now: str = ""
    changed_fields: tuple[str, ...] = ()
    clauses: tuple[ClauseChange, ...] = ()
    updated_at: str | None = None
    span: Span | None = None
    parents: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    lists: ListNames = field(default_factory=dict)
