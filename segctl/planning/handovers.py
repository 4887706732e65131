"""Names that one segment gives up and another takes: A is removed, and B is renamed to A.

Until that is applied, the account has both, and the declaration of A fits each of them. If git
proves that both are ours, and that one commit made B the new A, the segment named A is deleted
first, and B then gets its name and keeps its id. Without that proof, a rename to the name of
another segment is an error (`taken_names`). Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.model import Reason
from segctl.planning.equality import same_audience
from segctl.planning.ownership import is_ours
from segctl.planning.proofs import proof_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from segctl.model import Declared, Remote
    from segctl.planning.match_state import MatchState
    from segctl.planning.ownership import FormerSegment, Removal, RemovalHistory


def hand_over_names(
    state: MatchState,
    removals: Iterable[Removal],
    history: RemovalHistory,
    may_delete: Callable[[Removal, Remote], bool],
) -> None:
    """Match declarations with their earlier segments where the one with their name was removed.

    `removals` are those by which renames may be detected. `may_delete` returns whether the rules
    let a removal delete a segment. The segments that are to be deleted are in `state.displaced`,
    by id.
    """
    if history.unavailable:
        return
    removed = {removal.name: removal for removal in history.removals}
    detectable = {removal.name for removal in removals}
    by_source: dict[str, list[Removal]] = {}
    for removal in history.removals:
        by_source.setdefault(removal.file, []).append(removal)
    by_new_name = {removal.renamed_to: removal for removal in history.removals}
    for name, (remote, reason) in list(state.matches.items()):
        declared = state.declared[name]
        if reason is not None or remote.query is None or name in state.v1_segments:
            continue
        candidates = {
            removal.name: (removal, earlier)
            for removal in (
                *(removed[old] for old in declared.previous_names if old in removed),
                *([by_new_name[name]] if name in by_new_name else []),
                *by_source.get(declared.source, ()),
            )
            if removal.name in detectable or removal.name in declared.previous_names
            for earlier in _own_segments(state, removal)
        }
        former = history.former_of(name) if candidates else None
        if former is None or former.may_live_on or not may_delete(former.removal, remote):
            continue
        fitting = [
            (removal, earlier)
            for removal, earlier in candidates.values()
            if _is_renamed(removal, declared, former)
        ]
        if len(fitting) == 1:
            _hand_over(state, name, former, *fitting[0])


def _own_segments(state: MatchState, removal: Removal) -> Iterator[Remote]:
    """Yield the segment of a removed declaration, if no declaration has it and git proves it."""
    namesakes = state.by_name.get(removal.name, ())
    if len(namesakes) == 1 and namesakes[0].id not in state.owners:
        yield from (remote for remote in namesakes if is_ours(removal, remote))


def _is_renamed(removal: Removal, declared: Declared, former: FormerSegment) -> bool:
    """Return whether the commit that declared a name again renamed a removed segment to it."""
    if removal.name in declared.previous_names:
        return True
    if removal.name in former.removed_with and removal.renamed_to == declared.name:
        return True
    return (
        removal.name in former.in_its_files
        and same_audience(declared.segment, removal.segment)
        and not same_audience(declared.segment, former.removal.segment)
    )


def _hand_over(
    state: MatchState, name: str, former: FormerSegment, removal: Removal, earlier: Remote
) -> None:
    displaced, _ = state.matches[name]
    del state.owners[displaced.id]
    state.claimed.discard(displaced.id)
    state.displaced[displaced.id] = former.removal
    is_named = removal.name in state.declared[name].previous_names
    state.claim(name, earlier, Reason.RENAMED if is_named else Reason.RENAMED_IN_FILE)
    state.proofs[name] = proof_of(removal, earlier)
