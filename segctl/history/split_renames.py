"""Renames whose removal and addition are in different commits: what one commit of both would show.

The answer does not depend on how a branch was merged. Only segments that are in the account, and
names that are not, matter: the others were renamed, or deleted and created, long ago.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from typing import TYPE_CHECKING

from segctl.history.git_log import renamed_paths

if TYPE_CHECKING:
    from collections.abc import Collection

    from segctl.history.folder_history import ProvenHistory
    from segctl.history.folder_moves import FolderMoves
    from segctl.history.git_process import Git
    from segctl.history.timeline import Timeline
    from segctl.planning.ownership import Removal

_COMMAND = (
    *("diff-tree", "-r", "-z", "--name-status", "--diff-filter=R"),
    # As in the detection of moves within a commit.
    *("--find-renames", "-l1000"),
)


def with_split_renames(
    git: Git,
    moves: FolderMoves,
    proven: ProvenHistory,
    new_names: Collection[str],
    present: Collection[str],
) -> tuple[Removal, ...]:
    """Return the removals, with the new names that other commits gave to their segments.

    `new_names` are declared and not in the account, whose names are `present`. Raises `UsageError`
    where git fails.
    """
    timeline = proven.timeline
    indexes = {commit.id: index for index, commit in enumerate(timeline.commits)}
    pairs: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for removal in proven.removals:
        if removal.name in present and not removal.renamed_to and not removal.maybe_renamed_to:
            for name in new_names:
                before = _last_before(timeline, removal.name, indexes[removal.commit], name)
                if before is not None:
                    pairs[before][removal.name].add(name)
    certain: dict[str, str] = {}
    unclear: dict[str, str] = {}
    last = len(timeline.commits) - 1
    for before, candidates in pairs.items():
        parent = timeline.commits[before + 1].parents[0]
        moved = timeline.pair_moved_names(before, last, moved_files(git, parent, moves))
        for pairs_of_kind, names in ((certain, moved.certain), (unclear, moved.unclear)):
            pairs_of_kind |= {
                old: new for old, new in names.items() if new in candidates.get(old, ())
            }
    return tuple(
        dataclasses.replace(
            removal,
            renamed_to=removal.renamed_to or certain.get(removal.name, ""),
            maybe_renamed_to=removal.maybe_renamed_to or unclear.get(removal.name, ""),
        )
        for removal in proven.removals
    )


def _last_before(timeline: Timeline, removed: str, removal: int, name: str) -> int | None:
    """Return the last commit that declares a removed name and not a new one, if there is one."""
    added = timeline.declared_since(name)
    if added is None or added == removal:
        return None
    before = min(added, removal) - 1
    if before < 0 or timeline.declared(removed, before) is None:
        return None
    return before if timeline.commits[before + 1].parents else None


def moved_files(git: Git, commit: str, moves: FolderMoves) -> dict[str, str]:
    """Return the new paths, by the old ones, of the files that git finds moved up to HEAD."""
    paths = (git.at(folder) for folder in moves.folders)
    output = git.run(*_COMMAND, *git.relative, commit, "HEAD", "--", *paths)
    return {
        moves.path_today(old) or old: moves.path_today(new) or new
        for old, new in renamed_paths(output.decode("utf-8", "surrogateescape"))
    }
