"""The order of a plan's changes, and the temporary names that it needs.

Applied in this order, no change needs a name that is still in use. Deletes that free a name for a
rename come first, then the renames, each after the one that frees its name; a cycle of names is
opened by a temporary name for one of its segments. Then come creates, patches, replacements,
upgrades and the other deletes. Pure. Does not report names that stay in use: that is the job of
`name_conflicts`.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from segctl.model import Create, Delete, Patch, Precondition, Reason, Replace, Upgrade
from segctl.planning.temporary_names import Marker, temporary_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.model import Change


def order_changes(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return the changes in order, with the renames to temporary names that they need."""
    ranked = sorted(changes, key=_rank)
    renames = [
        change for change in ranked if isinstance(change, Patch | Replace) and _is_rename(change)
    ]
    needed = {change.after.name for change in renames}
    freeing = [change for change in ranked if isinstance(change, Delete) and change.name in needed]
    resolver = _RenameResolver(renames)
    for change in renames:
        resolver.emit(change)
    # A replacement keeps its rank, even where its old name was freed early.
    rest = [
        resolver.updated.get(id(change), change)
        for change in ranked
        if id(change) not in resolver.emitted and change not in freeing
    ]
    return (*freeing, *resolver.ordered, *rest)


def _is_rename(change: Patch | Replace) -> bool:
    return change.before.name != change.after.name


def _rank(change: Change) -> tuple[int, bool, str]:
    """Return the sort key: deletes last, since a segment may be needed until another exists.

    Those that free a name are an exception of the caller.

    Replacements that an earlier run began come before other ones: they free a place under the cap.
    """
    rank = {Create: 1, Patch: 2, Replace: 3, Upgrade: 4, Delete: 5}[type(change)]
    if isinstance(change, Patch) and _is_rename(change):
        rank = 0
    is_resumed = isinstance(change, Replace) and change.successor is not None
    return rank, not is_resumed, change.name


class _RenameResolver:
    """Orders renames so that each name is free when it is needed.

    `ordered` is the result, and `emitted` the identities of the changes in it. `updated` has, by
    identity, the changes whose segments get a temporary name first.
    """

    def __init__(self, renames: list[Patch | Replace]) -> None:
        self._holders = {change.before.name: change for change in renames}
        self._path: set[int] = set()
        self.ordered: list[Change] = []
        self.emitted: set[int] = set()
        self.updated: dict[int, Patch | Replace] = {}

    def emit(self, change: Patch | Replace) -> None:
        """Emit a rename after the change of the segment that holds its new name."""
        if id(change) in self.emitted or id(change) in self._path:
            return
        self._path.add(id(change))
        holder = self._holders.get(change.after.name)
        if holder is not None and id(holder) in self._path:
            self._rename_temporarily(holder, Marker.MOVING)
        elif holder is not None:
            self.emit(holder)
            if isinstance(holder, Replace):
                self._rename_temporarily(holder, Marker.OLD)
        self._path.discard(id(change))
        if isinstance(change, Patch):
            self.ordered.append(self.updated.get(id(change), change))
            self.emitted.add(id(change))
        self._holders.pop(change.before.name, None)

    def _rename_temporarily(self, change: Patch | Replace, marker: Marker) -> None:
        """Emit the rename of a change's segment to a temporary name, from which it starts then."""
        if id(change) in self.updated:
            return
        if isinstance(change, Replace):
            marker = Marker.OLD
        segment_id, before = change.id, change.before
        name = change.after.name if marker is Marker.OLD else before.name
        renamed = dataclasses.replace(before, name=temporary_name(name, segment_id, marker))
        self.ordered.append(
            Patch(
                before=before,
                after=renamed,
                changed_fields=("name",),
                precondition=change.precondition,
                span=change.span,
                contacts_count=change.contacts_count,
                reason=Reason.FREES_NAME,
                proof=change.proof,
            )
        )
        self.updated[id(change)] = dataclasses.replace(
            change,
            before=renamed,
            precondition=Precondition(segment_id, change.precondition.updated_at, renamed.sha256),
        )
