"""The circumstances of a view, which are in none of its values: when, which commit, where.

Maps a place in the project to a place in its repository, which is what a pull request knows. Does
not ask git.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from segctl.errors import with_instance
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.errors import Span
    from segctl.model import TargetRef


def target_name(target: TargetRef) -> str:
    """Return a target as headings name it: `production`, `production (subuser shop)`."""
    subuser = f" (subuser {target.subuser})" if target.subuser else ""
    return clean(f"{target.name}{subuser}")


class Repeated(NamedTuple):
    """The target whose part shows the definition of a change.

    `by_name`: its lists have the same names and other ids.
    """

    target: str
    by_name: bool

    @property
    def note(self) -> str:
        """What to add where the lists are another account's."""
        return ", with its own lists of these names" if self.by_name else ""


@dataclass(frozen=True, slots=True)
class RenderContext:
    """The circumstances of a view.

    `generated_at` is an ISO 8601 time in UTC. `commit` is the id of the commit that is checked out,
    empty where it is unknown. `project` is the project's folder in its repository, with forward
    slashes, empty for the root. `repeated` has the changes, by identity, whose definitions the part
    of an earlier target shows, and that target.
    """

    generated_at: str = ""
    commit: str = ""
    project: str = ""
    repeated: Mapping[int, Repeated] = field(default_factory=dict, hash=False)

    def path(self, span: Span) -> str:
        """Return the path of a file from the root of the repository."""
        return f"{self.project}/{span.file}" if self.project else span.file

    def place(self, span: Span) -> str:
        """Return a place to read: path, line and column, and the instance."""
        return with_instance(f"{self.line(span)}:{span.column}", span)

    def line(self, span: Span) -> str:
        """Return a line to read: path and line."""
        return f"{self.path(span)}:{span.line}"
