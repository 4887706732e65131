"""What stands around a view and is in none of the values: when, from which commit, where.

Owns the way from a place in the project to one in the repository, which is what a pull request
knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segctl.errors import Span


@dataclass(frozen=True, slots=True)
class RenderContext:
    """The circumstances of a view.

    `generated_at` is an ISO 8601 time in UTC. `commit` is the id of the one checked out, empty
    where that is not known. `project` is the project's folder in its repository, with forward
    slashes, empty for the root.
    """

    generated_at: str = ""
    commit: str = ""
    project: str = ""

    def path(self, span: Span) -> str:
        """Give the path of a place's file from the root of the repository."""
        return f"{self.project}/{span.file}" if self.project else span.file

    def place(self, span: Span) -> str:
        """Give a place for a person to read: path, line and column."""
        return f"{self.path(span)}:{span.line}:{span.column}"
