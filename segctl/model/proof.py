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
class Evidence:
    """A commit, and the file in which it shows something.

    `file` is relative to the project, with the instance where it declares several segments.
    """

    file: str
    commit: CommitRef


@dataclass(frozen=True, slots=True)
class Proof:
    """What git shows of a segment that a plan deletes, renames or takes over.

    `declared` is the commit from which on a file declared the segment as it is; `removed` the one
    that removed its name, or wrote `removed: true`; `named` the first one that declared the name of
    a segment that is taken over, or that wrote the name of a renamed one in `previous_names`. Each
    is `None` where no commit shows it.
    """

    declared: Evidence | None = None
    removed: Evidence | None = None
    named: Evidence | None = None


@dataclass(frozen=True, slots=True)
class DeclaredVersion:
    """A definition that a file declared, and the commit from which on it did.

    `file` is as for `Evidence`.
    """

    segment: Segment
    file: str
    commit: CommitRef

    @property
    def evidence(self) -> Evidence:
        """The commit and its file."""
        return Evidence(self.file, self.commit)
