"""Removals and renames in the work tree that no commit shows yet.

Only a commit can tell a renamed segment, which keeps its id, from a removed one. Until then, a
removal does nothing, and a change of another segment that may be a rename of the removed one is
refused, unless someone at a terminal decides. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity
from segctl.model import Create, Delete, Patch, Reason, Replace
from segctl.model.plan import RENAME_NOT_COMMITTED
from segctl.planning.equality import same_audience
from segctl.planning.match_state import join_names
from segctl.planning.wording import add_previous_name, list_names, quoted_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from segctl.model import Change, Declared, Ignore
    from segctl.planning.ownership import RemovalHistory

_MOST_LISTED = 5
"""Names that a refusal offers as the earlier one of a new segment."""


@dataclass(frozen=True, slots=True)
class Uncommitted:
    """What the last commit declares, the work tree does not, and the account still has."""

    segments: tuple[Declared, ...]
    history: RemovalHistory

    @classmethod
    def find(
        cls,
        history: RemovalHistory,
        changes: Sequence[Change],
        ignored: Sequence[Ignore],
        tombstones: Collection[str],
    ) -> Uncommitted:
        """Return what no commit removed; `tombstones` are the names that files say `removed` of."""
        left = {item.name for item in ignored if not item.is_v1}
        left |= {
            change.name
            for change in changes
            if isinstance(change, Delete) and change.reason is Reason.NOT_DECLARED
        }
        segments = (
            history.declared_at_head(name)
            for name in history.uncommitted
            if name in left and name not in tombstones
        )
        return cls(tuple(segment for segment in segments if segment is not None), history)

    def refusals(self, changes: Sequence[Change]) -> Iterator[Diagnostic]:
        """Refuse each change that may be a rename: of a name that is new, or moved to a file."""
        creates = [
            change
            for change in changes
            if isinstance(change, Create) and self.history.declared_at_head(change.name) is None
        ]
        likely = {create.name: self._likely(create) for create in creates}
        claimed = {item.name for items in likely.values() for item in items}
        rest = [item for item in self.segments if item.name not in claimed]
        for create in creates:
            earlier = likely[create.name] or rest
            if earlier:
                yield _refusal(create, earlier)
        for change in changes:
            if isinstance(change, Patch | Replace) and change.before.name == change.after.name:
                at_head = self.history.declared_at_head(change.name)
                is_moved = at_head is not None and at_head.source != change.span.source
                earlier = self._in_file(change) if is_moved else []
                if earlier:
                    yield _refusal(change, earlier)

    def warnings(self, selected: Collection[str] | None) -> Iterator[Diagnostic]:
        """Warn of the selected segments (`None`: all) whose removal is not committed."""
        names = [item.name for item in self.segments if selected is None or item.name in selected]
        if names:
            yield Diagnostic(
                "not-committed",
                Severity.WARNING,
                "the last commit declares segments that no file declares now: " + list_names(names),
                hint="commit first, or check out the whole folder: only a commit can tell a "
                "renamed segment, which keeps its id, from a removed one",
                names=tuple(names),
            )

    def _likely(self, create: Create) -> list[Declared]:
        """Return the segments that the same file declared, or that have the same audience."""
        return (
            self._in_file(create)
            or self._with_other_keys(create)
            or [item for item in self.segments if same_audience(item.segment, create.after)]
        )

    def _in_file(self, change: Create | Patch | Replace) -> list[Declared]:
        return [item for item in self.segments if item.source == change.span.source]

    def _with_other_keys(self, create: Create) -> list[Declared]:
        """Return the other instances of the same file: the key of one may have changed."""
        return [item for item in self.segments if item.file == create.span.file]


def _refusal(change: Create | Patch | Replace, earlier: Sequence[Declared]) -> Diagnostic:
    names = [item.name for item in earlier]
    first = quoted_name(names[0])
    rename = add_previous_name(names[0], change.span)
    shown = join_names(names, " or ") if len(names) <= _MOST_LISTED else list_names(names)
    return Diagnostic(
        RENAME_NOT_COMMITTED,
        Severity.ERROR,
        f"`{change.name}` may be the new name of {shown}, which the last commit declares: only a "
        "commit shows a rename",
        change.span,
        hint=f"commit first; or, to rename the segment, {rename}; or, to leave it alone, add a "
        f"file with `name: {first}` and `removed: forget`",
        names=(change.name, *names),
    )
