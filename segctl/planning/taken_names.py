"""Renames to a name that another segment of the account has.

A declaration then fits two segments: the one with its name, and the one that it was before. To
change the first would overwrite a segment that it never was, and to delete the second would end an
id that a rename promises to keep. So it is an error, and neither is touched. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.planning.equality import same_audience
from segctl.planning.match_state import join_ids
from segctl.planning.ownership import find_version, is_older, is_ours

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.model import Declared, Remote
    from segctl.planning.match_state import MatchState
    from segctl.planning.ownership import Removal, RemovalHistory


def fail_taken_names(
    state: MatchState, removals: Iterable[Removal], history: RemovalHistory
) -> None:
    """Report declarations that match a segment by name, and whose earlier segment exists too.

    `removals` are those by which renames may be detected. Without a history, only `previous_names`
    say what a declaration was before.
    """
    renamed_in_file = {removal.renamed_to: removal for removal in removals}
    removed = {removal.name: removal for removal in history.removals}
    for name, (remote, reason) in list(state.matches.items()):
        if reason is not None or remote.query is None or state.v1_segments.get(name) is not None:
            continue
        earlier = [
            previous
            for old_name in state.declared[name].previous_names
            for previous in state.by_name.get(old_name, ())
            if not previous.is_v1 and previous.id not in state.owners
        ]
        # No commit decides yet what becomes of these.
        is_uncommitted = any(previous.name in history.uncommitted for previous in earlier)
        would_be_deleted = is_uncommitted or any(
            previous.name in removed and is_ours(removed[previous.name], previous)
            for previous in earlier
        )
        declared = state.declared[name]
        if would_be_deleted or (earlier and not _is_proven(declared, remote, history)):
            _fail(state, name, remote, earlier, is_uncommitted=is_uncommitted)
        elif not earlier and name in renamed_in_file:
            removal = renamed_in_file[name]
            earlier = [
                previous
                for previous in state.by_name.get(removal.name, ())
                if previous.id not in state.owners and is_ours(removal, previous)
            ]
            # A segment that is newer than the commit may have been created for this declaration.
            if earlier and is_older(removal, remote):
                _fail(state, name, remote, earlier)


def _is_proven(declared: Declared, remote: Remote, history: RemovalHistory) -> bool:
    """Return whether a segment is as the file has it, or as a commit declared it by this name."""
    if same_audience(declared.segment, remote.definition):
        return True
    versions = history.versions_of(declared.name)
    own = [version for version in versions if version.segment.name == declared.name]
    return find_version(own, remote.definition) is not None


def _fail(
    state: MatchState,
    name: str,
    remote: Remote,
    earlier: list[Remote],
    *,
    is_uncommitted: bool = False,
) -> None:
    state.reserve(earlier)
    old_name = earlier[0].name
    state.fail(
        name,
        "name-taken",
        f"`{old_name}` cannot be renamed to `{name}`: another segment has that name",
        ("commit first, or " if is_uncommitted else "")
        + f"choose another name, or rename or delete the other segment in SendGrid (id {remote.id})"
        "; if its file was removed, apply that before the rename. "
        f"If that is the one to keep, remove `{old_name}` from `previous_names` and add a file "
        f"with the name `{old_name}` and `removed: true` or `forget` (id {join_ids(earlier)})",
        [previous.name for previous in earlier],
    )
