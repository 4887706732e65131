"""Renames: which segment a declaration was under an earlier name.

The evidence is `previous_names`, a temporary name from an unfinished run, or a declaration that git
history shows removed. Pure. Does not decide in which order names change (`ordering`).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from segctl.model import Reason
from segctl.planning.equality import audience_key, same_audience
from segctl.planning.match_state import join_ids, join_names
from segctl.planning.proofs import proof_of
from segctl.planning.temporary_names import Marker, find_marked

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from segctl.model import Remote
    from segctl.planning.match_state import MatchState
    from segctl.planning.ownership import Removal


def match_by_previous_names(state: MatchState) -> None:
    """Match each declaration that has no segment with the one that it was before.

    Another declaration may have that segment by name, in a chain (A is now B, B is now C). It must
    then match a segment by its own previous names.
    """
    waiting = [name for name in state.declared if state.is_open(name)]
    while waiting:
        name = waiting.pop(0)
        candidates, reason = _find_candidates(state, name)
        state.reserve(candidates)
        if not candidates:
            continue
        if len(candidates) > 1:
            state.fail(
                name,
                "ambiguous-previous-name",
                f"the account has {len(candidates)} segments that may be `{name}` under an earlier "
                "name: " + join_names(remote.name for remote in candidates),
                f"keep only the right name in `previous_names` ({join_ids(candidates)})",
            )
            continue
        (remote,) = candidates
        owner = state.owners.get(remote.id)
        if owner is not None and not _has_another_segment(state, owner, remote):
            _fail_claimed_twice(state, name, owner, remote)
            continue
        if owner is not None:
            del state.matches[owner]
            waiting.append(owner)
        state.claim(name, remote, reason)


def _find_candidates(state: MatchState, name: str) -> tuple[list[Remote], Reason]:
    """Return the segments that a declaration may have been, by the strongest evidence there is."""
    moving = _find_moving(state, name)
    if moving:
        return moving, Reason.RESUMED
    # Before the previous names: another segment may have taken one of those since.
    replaced = find_marked(name, state.marked, Marker.OLD)
    if replaced:
        return list(replaced), Reason.RESUMED
    renamed = _find_previous(state, name)
    if renamed:
        return renamed, Reason.RENAMED
    return list(find_marked(name, state.marked, Marker.MOVING)), Reason.RESUMED


def _find_moving(state: MatchState, name: str) -> list[Remote]:
    """Return the segments on their way from a previous name, under a temporary one."""
    return [
        remote
        for previous in state.declared[name].previous_names
        for remote in find_marked(previous, state.marked, Marker.MOVING)
    ]


def _find_previous(state: MatchState, name: str) -> list[Remote]:
    """Return the V2 segments that have a previous name; v1 segments cannot be renamed."""
    return [
        remote
        for previous in state.declared[name].previous_names
        for remote in state.by_name.get(previous, ())
        if not remote.is_v1
    ]


def _has_another_segment(state: MatchState, name: str, remote: Remote) -> bool:
    """Return whether a declaration that matched a segment by name has another one to move to."""
    if state.matches[name][1] is not None:
        return False
    others = [*_find_moving(state, name), *_find_previous(state, name)]
    return any(other.id != remote.id for other in others)


def _fail_claimed_twice(state: MatchState, name: str, other: str, remote: Remote) -> None:
    state.fail(
        name,
        "claimed-twice",
        f"`{name}` and `{other}` both claim the segment `{remote.name}`",
        f"the other one is at {state.declared[other].span}: remove `{remote.name}` from the "
        "`previous_names` of the wrong one",
        (other, remote.name),
    )


def resolve_swaps(state: MatchState) -> None:
    """Rename the segments of declarations that exchange names (A is now B, B is now A).

    The account has the same names before and after; only the queries show which it is.
    """
    previous_owner: dict[str, str] = {}
    for name, (_, reason) in state.matches.items():
        previous = _find_previous(state, name)
        if reason is None and len(previous) == 1 and previous[0].id in state.owners:
            previous_owner[name] = state.owners[previous[0].id]
    seen: set[str] = set()
    for start in previous_owner:
        cycle = [start]
        while cycle[-1] in previous_owner and previous_owner[cycle[-1]] not in cycle:
            cycle.append(previous_owner[cycle[-1]])
        if previous_owner.get(cycle[-1]) == start and start not in seen:
            seen.update(cycle)
            _rotate(state, cycle, previous_owner)


def _rotate(state: MatchState, cycle: list[str], previous_owner: Mapping[str, str]) -> None:
    """Move each declaration in a cycle of names to its previous segment, if the queries fit."""
    current = {name: state.matches[name][0] for name in cycle}
    rotated = {name: current[previous_owner[name]] for name in cycle}
    fits_current, fits_rotated = (
        sum(
            same_audience(state.declared[name].segment, segments[name].definition) for name in cycle
        )
        for segments in (current, rotated)
    )
    if fits_current == len(cycle) or (fits_current and not fits_rotated):
        return
    if fits_current or not fits_rotated:
        for name in cycle:
            state.fail(
                name,
                "unclear-swap",
                f"{join_names(cycle, ' and ')} have each other's names in `previous_names`, and "
                "their queries do not show whether they were swapped already",
                "remove `previous_names` if they were; otherwise swap the names in one change and "
                "the queries in another",
            )
        return
    for name in cycle:
        state.claim(name, rotated[name], Reason.RENAMED)


def match_by_history(
    state: MatchState, removals: Iterable[Removal], proves: Callable[[Removal, Remote], bool]
) -> None:
    """Match each new declaration with a removed one that is the same segment.

    They are the same where the same file declared both in turn, else where their audiences are
    equal. `proves` returns whether a segment with the name of a removed declaration is its own.
    """
    new_names = [name for name in state.declared if state.is_open(name)]
    by_name = {removal.name: removal for removal in removals} if new_names else {}
    removed = [
        (removal, remote)
        for removal in by_name.values()
        if (remote := _find_removed(state, removal)) is not None and proves(removal, remote)
    ]
    by_final_name: dict[str, list[tuple[Removal, Remote]]] = defaultdict(list)
    by_audience: dict[Hashable, list[tuple[Removal, Remote]]] = defaultdict(list)
    for removal, remote in removed:
        by_final_name[_final_name(state, removal, by_name)].append((removal, remote))
        if not removal.by_settings:
            # What only segctl.yaml takes from this account may well live on: it was not renamed.
            by_audience[audience_key(removal.segment)].append((removal, remote))
    candidates: dict[str, list[tuple[Removal, Remote]]] = {}
    claimants: dict[str, list[str]] = defaultdict(list)
    for name in new_names if removed else ():
        by_file = by_final_name.get(name)
        pairs = by_file or by_audience[audience_key(state.declared[name].segment)]
        for _, remote in pairs:
            claimants[remote.id].append(name)
        if pairs:
            candidates[name] = pairs
    for name, pairs in candidates.items():
        state.reserve(remote for _, remote in pairs)
        removal, remote = pairs[0]
        if len(pairs) > 1 or len(claimants[remote.id]) > 1:
            state.fail(
                name,
                "unclear-rename",
                f"`{name}` may be the new name of "
                + join_names((removal.name for removal, _ in pairs), " or ")
                + ", but more than one match is possible",
                "add `previous_names` to the right file, or turn detection off with "
                "--no-detect-renames",
                [removal.name for removal, _ in pairs],
            )
            continue
        in_file = _final_name(state, removal, by_name) == name
        state.claim(name, remote, Reason.RENAMED_IN_FILE if in_file else Reason.SAME_QUERY)
        state.proofs[name] = proof_of(removal, remote)


def _find_removed(state: MatchState, removal: Removal) -> Remote | None:
    """Return the segment with the name of a removed declaration, if it has no declaration."""
    namesakes = state.by_name.get(removal.name, ())
    if len(namesakes) != 1 or removal.name in state.declared:
        return None
    (remote,) = namesakes
    return remote if remote.id not in state.owners else None


def _final_name(state: MatchState, removal: Removal, by_name: Mapping[str, Removal]) -> str:
    """Return the declared name to which a name was changed in its file, in one step or more.

    Empty where the file declares no such name any more.
    """
    # Each name on the way was removed after the one before it, so the loop ends.
    name = removal.renamed_to
    while name in by_name and name not in state.declared:
        name = by_name[name].renamed_to
    return name if name in state.declared else ""
