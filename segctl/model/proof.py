"""Evidence from git: commits, and the definitions that files had in them. Shapes only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segctl.model.segments import Segment


@dataclass(frozen=True, slots=True)
class CommitRef:
    """A commit. `committed_at` is the committer's time (ISO 8601 in UTC), `author` a name."""

    id: str
    committed_at: str
    author: str = ""


@dataclass(frozen=True, slots=True)
class DeclaredVersion:
    """A definition that a file declared, and the commit from which on it did."""

    segment: Segment
    file: str
    commit: CommitRef
