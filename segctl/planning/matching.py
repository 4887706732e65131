"""Which segment of the account each declaration means: by name, or by an earlier name.

An earlier name is one of `previous_names`, a temporary name that an unfinished run left, or one
from git history (`renames`). An ambiguous match is an error. Pure. Does not decide what follows
from a match: that is the job of the planner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.model import Reason
from segctl.planning.equality import same_audience
from segctl.planning.hand_renames import find_hand_renames, renamable
from segctl.planning.handovers import hand_over_names
from segctl.planning.match_state import MatchState, join_ids, join_names
from segctl.planning.ownership import RemovalHistory, is_older, is_ours
from segctl.planning.proofs import proof_by_previous_names
from segctl.planning.renames import match_by_history, match_by_previous_names, resolve_swaps
from segctl.planning.taken_names import fail_taken_names
from segctl.planning.temporary_names import (
    looks_like_successor,
    successors_by_name,
    successors_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from segctl.model import Declared, Remote
    from segctl.planning.match_state import Matching
    from segctl.planning.ownership import Removal


def match_segments(
    declared: Sequence[Declared],
    remotes: Sequence[Remote],
    removals: Iterable[Removal] = (),
    tombstones: Collection[str] = (),
    history: RemovalHistory | None = None,
    *,
    detect_renames: bool = False,
    may_delete: Callable[[Removal, Remote], bool] = lambda _removal, _remote: False,
) -> Matching:
    """Match every declaration with the account.

    `removals` are those of git history by which renames may be detected, none where detection is
    turned off. `tombstones` are the names of which files say `removed`. `history` shows which
    segments of a name were its own, as far as git history is available; with `detect_renames`, it
    also shows which were renamed in SendGrid. `may_delete` is as for `hand_over_names`. Segments
    with the name of a removal must have their definitions, which prove whose they are. So must
    those of declarations with `previous_names`: otherwise two names before a swap look like the
    same names after it.
    """
    history = history or RemovalHistory()
    state = MatchState(declared, remotes)
    _match_by_name(state)
    _match_upgrades(state)
    match_by_previous_names(state)
    resolve_swaps(state)
    hand_over_names(state, removals, history, may_delete)
    fail_taken_names(state, removals, history)
    _match_orphaned_successors(state, tombstones)
    match_by_history(state, removals, is_ours)
    if detect_renames and not history.unavailable:
        _match_renamed_by_hand(state, tombstones, history)
    for name, (remote, reason) in state.matches.items():
        if reason is Reason.RENAMED:
            state.proofs[name] = proof_by_previous_names(state.declared[name], remote, history)
    return state.result()


def find_undeclared(
    declared: Sequence[Declared], remotes: Iterable[Remote], removals: Iterable[Removal] = ()
) -> tuple[Remote, ...]:
    """Return the segments that no declaration claims by a current or an earlier name.

    `removals` are as for `match_segments`. No segment needs its definition: it is declared by
    whichever of its names a declaration claims it, and a rename that its definition may disprove
    counts. A rename by hand does not.
    """
    return find_unmatched(declared, remotes, removals)[1]


def find_unmatched(
    declared: Sequence[Declared], remotes: Iterable[Remote], removals: Iterable[Removal] = ()
) -> tuple[tuple[Declared, ...], tuple[Remote, ...]]:
    """Return the declarations without a segment, and the segments without a declaration.

    They are as for `find_undeclared`.
    """
    remotes = tuple(remotes)
    state = MatchState(declared, remotes)
    _match_by_name(state)
    _match_upgrades(state)
    match_by_previous_names(state)
    match_by_history(state, removals, is_older)
    return (
        state.missing(),
        tuple(remote for remote in remotes if remote.id not in state.claimed),
    )


def find_upgrade_segments(
    declared: Iterable[Declared], remotes: Sequence[Remote]
) -> tuple[tuple[Remote, ...], tuple[Remote, ...]]:
    """Return the v1 segments that declarations are upgraded from, and their successors."""
    v1_ids = {item.upgrade_from for item in declared if item.upgrade_from}
    if not v1_ids:
        return (), ()
    candidates = [remote for remote in remotes if looks_like_successor(remote)]
    return (
        tuple(remote for remote in remotes if remote.is_v1 and remote.id.lower() in v1_ids),
        tuple(remote for v1_id in sorted(v1_ids) for remote in successors_of(v1_id, candidates)),
    )


def _match_by_name(state: MatchState) -> None:
    """Match each declaration with the segment of the same name."""
    for name, declared in state.declared.items():
        namesakes = [
            remote
            for remote in state.by_name.get(name, ())
            if not (remote.is_v1 and remote.id.lower() == declared.upgrade_from)
        ]
        state.reserve(namesakes)
        match namesakes:
            case [remote] if remote.is_v1:
                state.fail(
                    name,
                    "name-held-by-v1",
                    f"the account has a v1 segment named `{name}`, which cannot be changed",
                    "names are unique in an account: choose another name, or upgrade the segment "
                    f"with `upgrade_from: {{v1_id: {remote.id}}}`, which `segctl upgrade` writes",
                )
            case [remote]:
                state.claim(name, remote, None)
            case [_, *_]:
                state.fail(
                    name,
                    "ambiguous-name",
                    f"the account has {len(namesakes)} segments named `{name}`",
                    f"rename or delete all but one in SendGrid: {join_ids(namesakes)}",
                )


def _match_upgrades(state: MatchState) -> None:
    """Find the v1 segments that are upgraded, and the successors that earlier runs created."""
    for name, declared in state.declared.items():
        v1_id = declared.upgrade_from
        if not v1_id:
            continue
        source = state.by_id.get(v1_id)
        if source is not None and source.is_v1:
            state.claimed.add(source.id)
            state.v1_segments[name] = source
        elif source is not None and source.name != name:
            state.fail(
                name,
                "upgrade-from-v2",
                f"`{name}` cannot be upgraded from `{source.name}`, which is not a v1 segment",
                "remove `upgrade_from`; to rename that segment, add its name to `previous_names`",
            )
            continue
        successors = successors_of(v1_id, state.successors)
        state.reserve(successors)
        if name not in state.failed and successors:
            _match_successors(state, name, successors)


def _match_successors(state: MatchState, name: str, successors: tuple[Remote, ...]) -> None:
    is_matched = name in state.matches
    if is_matched and name not in state.v1_segments:
        state.surplus[name] = successors
    elif is_matched or len(successors) > 1:
        candidates = [*successors, *([state.matches[name][0]] if is_matched else [])]
        state.fail(
            name,
            "ambiguous-upgrade",
            f"the account has {len(candidates)} segments that may be the upgraded `{name}`: "
            + join_names(remote.name for remote in candidates),
            f"delete or rename all but one in SendGrid: {join_ids(candidates)}",
        )
    else:
        state.claim(name, successors[0], Reason.RESUMED)


def _match_orphaned_successors(state: MatchState, tombstones: Collection[str]) -> None:
    """Finish upgrades whose `upgrade_from` was removed before the successor had its final name.

    Without the v1 id, the digits in the name prove nothing. So the successor must be as the file
    declares it, and is only renamed; one that differs is reported and left alone.
    """
    names = [
        name
        for name, declared in state.declared.items()
        if state.is_open(name) and not declared.upgrade_from
    ]
    for name, successors in successors_by_name(names, state.successors).items():
        remote = successors[0]
        if (
            len(successors) == 1
            and remote.id not in state.claimed
            and remote.query is not None
            and remote.name not in tombstones
            and same_audience(state.declared[name].segment, remote.definition)
        ):
            state.claim(name, remote, Reason.RESUMED)


def _match_renamed_by_hand(
    state: MatchState, tombstones: Collection[str], history: RemovalHistory
) -> None:
    """Match declarations with the segments that are likely theirs under another name."""
    undeclared = [remote for remote in state.by_id.values() if remote.id not in state.claimed]
    for rename in find_hand_renames(state.missing(), renamable(undeclared, tombstones), history):
        if rename.is_likely:
            name = rename.declared.name
            state.claim(name, rename.candidates[0], Reason.RENAMED_BY_HAND)
            state.proofs[name] = rename.proof
        else:
            state.unclear_hand_renames.append(rename)
