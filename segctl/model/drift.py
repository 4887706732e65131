"""Drift: what someone did to a segment in SendGrid that no commit did. Shapes only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segctl.errors import Span
    from segctl.model.clauses import ClauseChange


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
    """

    kind: DriftKind
    name: str
    id: str | None = None
    now: str = ""
    changed_fields: tuple[str, ...] = ()
    clauses: tuple[ClauseChange, ...] = ()
    updated_at: str | None = None
    span: Span | None = None
