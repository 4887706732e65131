"""The inputs that decide what happens to undeclared segments: files, git history and settings.

Pure. Does not decide on any segment (`undeclared`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from segctl.planning.ownership import Ownership, RemovalHistory, is_ours
from segctl.planning.temporary_names import find_marked, is_marked

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from segctl.model import Remote, Tombstone
    from segctl.planning.ownership import Removal

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class UndeclaredRules:
    """The inputs that decide what happens to undeclared segments.

    `selected` holds the names to plan for (`None`: all): no segment is deleted because it is not
    selected. `declared` are all declared names. `displaced` has, by id, the removals of segments
    whose name a declaration takes for another segment.
    """

    tombstones: Sequence[Tombstone] = ()
    removal_history: RemovalHistory = field(default_factory=RemovalHistory)
    ownership: Ownership = Ownership.HISTORY
    selected: Collection[str] | None = None
    declared: Collection[str] = ()
    displaced: Mapping[str, Removal] = field(default_factory=dict)
    _tombstones: Mapping[str, Tombstone] = field(init=False, repr=False, compare=False)
    _removals: Mapping[str, Removal] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        history = self.removal_history
        removals = () if history.unavailable else history.removals
        tombstones = {tombstone.name: tombstone for tombstone in reversed(self.tombstones)}
        object.__setattr__(self, "_tombstones", tombstones)
        object.__setattr__(self, "_removals", {item.name: item for item in reversed(removals)})

    def tombstone_of(self, remote: Remote) -> Tombstone | None:
        """Return the `removed` file of a segment, by its own or a temporary name."""
        return _lookup(remote, self._tombstones)

    def removal_of(self, remote: Remote) -> Removal | None:
        """Return the removal of a segment in git history, by its own or a temporary name.

        `None` where a file declares the name now, unless it declares it for another segment.
        """
        removal = _lookup(remote, self._removals)
        if removal is not None and removal.name in self.declared:
            removal = None
        return self.displaced.get(remote.id, removal)

    def may_displace(self, removal: Removal, remote: Remote) -> bool:
        """Return whether a removal whose name another segment takes deletes a segment."""
        return (
            self.ownership is not Ownership.DECLARED
            and not removal.is_protected
            and not removal.by_settings
            and is_ours(removal, remote)
        )

    def is_selected(self, name: str) -> bool:
        """Return whether a name is among those to plan for."""
        return self.selected is None or name in self.selected


def _lookup(remote: Remote, by_name: Mapping[str, Entry]) -> Entry | None:
    entry = by_name.get(remote.name)
    if entry is None and is_marked(remote):
        matches = (entry for name, entry in by_name.items() if find_marked(name, [remote]))
        return next(matches, None)
    return entry


def may_be_deleted(remote: Remote, rules: UndeclaredRules) -> bool:
    """Return whether an undeclared segment may be deleted, so that its definition must be read."""
    if rules.ownership is Ownership.EXCLUSIVE or rules.tombstone_of(remote) is not None:
        return True
    return not remote.is_v1 and (rules.removal_of(remote) is not None or is_marked(remote))
