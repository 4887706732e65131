"""The planner: compares the declared segments with a snapshot of the account and returns a plan.

Pure: reads no file, no clock and no network. Whether the plan is allowed is decided in `safety`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segctl.errors import Severity
from segctl.model import Create, Declared, Disposal, Plan, Remote, Snapshot, TargetRef, Tombstone
from segctl.planning.comparison import Comparison
from segctl.planning.hand_renames import (
    hand_rename_refusals,
    hand_renames_to_read,
    renamable,
    renamed_back,
)
from segctl.planning.matching import (
    find_undeclared,
    find_unmatched,
    find_upgrade_segments,
    match_segments,
)
from segctl.planning.name_conflicts import find_names_in_use
from segctl.planning.ordering import order_changes
from segctl.planning.ownership import Ownership, Removal, RemovalHistory
from segctl.planning.proofs import proof_remarks
from segctl.planning.temporary_names import successors_by_name
from segctl.planning.unclear_renames import unclear_rename_refusals
from segctl.planning.uncommitted import Uncommitted
from segctl.planning.undeclared import decide_undeclared, find_renamed_old
from segctl.planning.undeclared_rules import UndeclaredRules, may_be_deleted
from segctl.planning.v1_upgrades import finished_upgrades

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from segctl.model import Change


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """Everything that decides a plan, besides the declarations and the account.

    `tombstones` are the files with `removed`. `removal_history` and `ownership` decide on segments
    that no file declares. `selected` holds the names to plan for (`None`: all). With
    `strict_text`, a query that is only written differently is a change. With `ignores_case`, names
    that differ only in case are known to be one name to SendGrid.
    """

    tombstones: tuple[Tombstone, ...] = ()
    removal_history: RemovalHistory = field(default_factory=RemovalHistory)
    ownership: Ownership = Ownership.HISTORY
    detect_renames: bool = True
    selected: Collection[str] | None = None
    strict_text: bool = False
    ignores_case: bool = False

    @property
    def rename_candidates(self) -> tuple[Removal, ...]:
        """The removals that a new declaration may be a rename of."""
        if not self.detects_renames:
            return ()
        names = self.tombstone_names
        return tuple(item for item in self.removal_history.removals if item.name not in names)

    @property
    def detects_renames(self) -> bool:
        """Whether git history may show which segment a declaration was before."""
        return self.detect_renames and not self.removal_history.unavailable

    @property
    def tombstone_names(self) -> frozenset[str]:
        """The names of which files say `removed`."""
        return frozenset(tombstone.name for tombstone in self.tombstones)

    @property
    def names_to_delete(self) -> frozenset[str]:
        """The names of which files say `removed: true`."""
        return frozenset(
            tombstone.name for tombstone in self.tombstones if tombstone.disposal is Disposal.DELETE
        )

    def is_selected(self, name: str) -> bool:
        """Return whether a name is among those to plan for."""
        return self.selected is None or name in self.selected

    def undeclared_rules(
        self, declared: Collection[str] = (), displaced: Mapping[str, Removal] | None = None
    ) -> UndeclaredRules:
        """Return the rules for undeclared segments; the parameters are as there."""
        return UndeclaredRules(
            self.tombstones,
            self.removal_history,
            self.ownership,
            self.selected,
            declared,
            displaced or {},
        )


def definitions_to_read(
    declared: Sequence[Declared], listed: Sequence[Remote], inputs: PlanInputs
) -> tuple[Remote, ...]:
    """Return the listed segments whose definition the plan needs.

    These are the V2 segments with a declared name, those that a declaration may have been before
    (whatever is selected: an unselected segment can hold a name), those that someone may have
    renamed in SendGrid, the v1 segments that are upgraded and their successors, and the segments of
    either version that may be deleted.
    """
    selected = [item for item in declared if inputs.is_selected(item.name)]
    names = {item.name for item in selected}
    for item in declared:
        if item.previous_names:
            names.update((item.name, *item.previous_names))
    sources, successors = find_upgrade_segments(selected, listed)
    not_upgraded = [item.name for item in selected if not item.upgrade_from]
    orphaned = successors_by_name(not_upgraded, listed).values()
    upgrade_ids = {remote.id for remotes in (sources, successors, *orphaned) for remote in remotes}
    rules = inputs.undeclared_rules()
    renamed_ids = {remote.id for remote in _maybe_renamed_by_hand(declared, listed, inputs)}
    return tuple(
        remote
        for remote in listed
        if (remote.name in names and not remote.is_v1)
        or remote.id in upgrade_ids
        or remote.id in renamed_ids
        or may_be_deleted(remote, rules)
    )


def _maybe_renamed_by_hand(
    declared: Sequence[Declared], listed: Sequence[Remote], inputs: PlanInputs
) -> tuple[Remote, ...]:
    """Return the listed segments that may be a missing one under a name given by hand."""
    existing = {remote.name for remote in listed}
    if not inputs.detects_renames or all(item.name in existing for item in declared):
        return ()
    missing, undeclared = find_unmatched(declared, listed, inputs.rename_candidates)
    candidates = renamable(undeclared, inputs.tombstone_names)
    return hand_renames_to_read(missing, candidates, inputs.removal_history)


def needs_history(
    declared: Sequence[Declared], listed: Sequence[Remote], inputs: PlanInputs
) -> bool:
    """Return whether git history can change the plan for these segments.

    It can only if some V2 segment is undeclared: it may have been ours, or be a declared segment
    under an earlier name; or a file removes or renames it, and the plan names the commit. Does not
    use the removal history of `inputs`.
    """
    undeclared = [remote for remote in find_undeclared(declared, listed) if not remote.is_v1]
    if any(remote.name in inputs.names_to_delete for remote in undeclared):
        return True
    if _renames_by_file(declared, listed):
        return True
    if inputs.ownership is not Ownership.DECLARED:
        names = inputs.tombstone_names
        return any(remote.name not in names for remote in undeclared)
    # Then no removed file deletes, and only a declaration without a segment can be a rename.
    existing = {remote.name for remote in listed}
    return (
        bool(undeclared)
        and inputs.detect_renames
        and any(item.name not in existing for item in declared)
    )


def _renames_by_file(declared: Sequence[Declared], listed: Sequence[Remote]) -> bool:
    """Return whether `previous_names` may rename a segment, so that the plan names the commit."""
    existing = {remote.name for remote in listed if not remote.is_v1}
    moving = {item.name for item in declared if item.previous_names}
    return any(
        previous in existing and (item.name not in existing or previous in moving)
        for item in declared
        for previous in item.previous_names
    )


def make_plan(
    target: TargetRef,
    declared: Sequence[Declared],
    snapshot: Snapshot,
    inputs: PlanInputs | None = None,
) -> Plan:
    """Return the plan that brings the account to the declared state.

    `declared` has every declaration, so that no declared segment looks unmanaged. The snapshot has
    the definition of each segment from `definitions_to_read`; an undeclared segment without one is
    left alone. With an error among its diagnostics, the plan must not be applied.
    """
    inputs = inputs or PlanInputs()
    remotes = snapshot.remotes
    matching = match_segments(
        declared,
        remotes,
        inputs.rename_candidates,
        inputs.tombstone_names,
        inputs.removal_history,
        detect_renames=inputs.detect_renames,
        may_delete=inputs.undeclared_rules().may_displace,
    )
    comparison = Comparison(
        remotes,
        find_renamed_old(declared, remotes, matching.claimed, inputs.undeclared_rules()),
        strict_text=inputs.strict_text,
        ignores_case=inputs.ignores_case,
    )
    for match in matching.matches:
        if inputs.is_selected(match.declared.name):
            comparison.add(match)
    claimed = matching.claimed | comparison.resumed
    undeclared = decide_undeclared(
        [remote for remote in remotes if remote.id not in claimed],
        inputs.undeclared_rules({item.name for item in declared}, matching.displaced),
    )
    changes = order_changes([*comparison.changes, *undeclared.deletes])
    uncommitted = Uncommitted.find(
        inputs.removal_history, changes, undeclared.ignored, inputs.tombstone_names
    )
    owns_all = inputs.ownership is Ownership.EXCLUSIVE
    uncommitted_renames = tuple(uncommitted.refusals(changes)) if inputs.detects_renames else ()
    return Plan(
        target=target,
        changes=changes,
        refusals=(
            *unclear_rename_refusals(
                changes, inputs.rename_candidates, declared, inputs.removal_history.former_of
            ),
            *hand_rename_refusals(matching.unclear_hand_renames, _created_names(changes)),
            *(() if owns_all else renamed_back(changes, Severity.ERROR)),
            *uncommitted_renames,
        ),
        kept=tuple(sorted(comparison.kept, key=lambda keep: keep.name)),
        ignored=tuple(sorted(undeclared.ignored, key=lambda ignore: (ignore.name, ignore.id))),
        diagnostics=(
            *matching.diagnostics,
            *comparison.diagnostics,
            *(renamed_back(changes, Severity.WARNING) if owns_all else ()),
            *finished_upgrades(comparison.upgraded),
            *find_names_in_use(changes, remotes),
            *(() if uncommitted_renames else uncommitted.warnings(inputs.selected)),
            *undeclared.diagnostics,
            *proof_remarks(changes),
        ),
    )


def _created_names(changes: Sequence[Change]) -> frozenset[str]:
    return frozenset(change.name for change in changes if isinstance(change, Create))
