"""The order of a plan's changes, and the temporary names without which there is none.

Owns one promise: performed from first to last, no change meets a name that is still in use.
Renames come first, each after the one that frees its name; a ring of names is opened by giving one
of its segments a temporary name. Then what comes, what changes, what is made anew, what is
upgraded, what goes. Pure.
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
    """Order the changes of a plan; add the renames to temporary names that they need."""
    ordered = sorted(changes, key=_rank)
    renames = [one for one in ordered if isinstance(one, Patch | Replace) and _renames(one)]
    moves = _Moves(renames)
    for one in renames:
        moves.free_the_way(one)
    # A replacement stays among its kind, wherever its old name was freed.
    rest = [moves.now.get(id(one), one) for one in ordered if id(one) not in moves.done]
    return (*moves.made, *rest)


def _renames(change: Patch | Replace) -> bool:
    return change.before.name != change.after.name


def _rank(change: Change) -> tuple[int, bool, str]:
    """Put what comes first and what goes last: what goes may be needed until the other is there.

    Of replacements those that an earlier run began come first: they make room for the others.
    """
    rank = {Create: 1, Patch: 2, Replace: 3, Upgrade: 4, Delete: 5}[type(change)]
    if isinstance(change, Patch) and _renames(change):
        rank = 0
    is_resumed = isinstance(change, Replace) and change.successor is not None
    return rank, not is_resumed, change.name


class _Moves:
    """Renames put in order. `now` has the changes whose segment got a temporary name first."""

    def __init__(self, renames: list[Patch | Replace]) -> None:
        self.holder = {one.before.name: one for one in renames}
        self.made: list[Change] = []
        self.done: set[int] = set()
        self.now: dict[int, Patch | Replace] = {}
        self.path: set[int] = set()

    def free_the_way(self, change: Patch | Replace) -> None:
        """Emit a rename after whatever holds the name that it takes."""
        if id(change) in self.done or id(change) in self.path:
            return
        self.path.add(id(change))
        in_the_way = self.holder.get(change.after.name)
        if in_the_way is not None and id(in_the_way) in self.path:
            self.step_aside(in_the_way, Marker.MOVING)
        elif in_the_way is not None:
            self.free_the_way(in_the_way)
            if isinstance(in_the_way, Replace):
                self.step_aside(in_the_way, Marker.OLD)
        self.path.discard(id(change))
        if isinstance(change, Patch):
            self.made.append(self.now.get(id(change), change))
            self.done.add(id(change))
        self.holder.pop(change.before.name, None)

    def step_aside(self, change: Patch | Replace, marker: Marker) -> None:
        """Emit the rename to a temporary name; what follows begins from there."""
        if id(change) in self.now:
            return
        if isinstance(change, Replace):
            marker = Marker.OLD
        segment_id, before = change.id, change.before
        name = change.after.name if marker is Marker.OLD else before.name
        aside = dataclasses.replace(before, name=temporary_name(name, segment_id, marker))
        self.made.append(
            Patch(
                before=before,
                after=aside,
                changed_fields=("name",),
                precondition=change.precondition,
                span=change.span,
                contacts_count=change.contacts_count,
                reason=Reason.FREES_NAME,
            )
        )
        self.now[id(change)] = dataclasses.replace(
            change,
            before=aside,
            precondition=Precondition(segment_id, change.precondition.updated_at, aside.sha256),
        )
