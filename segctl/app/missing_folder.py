"""Whether a missing folder of segment files was removed by a commit, or is a mistake.

Git keeps no empty folders, so a commit that deletes the last segment file deletes the folder, and
means to delete the segment. A folder that never existed, that HEAD still has, whose files were
moved, or whose segments other files of the project declare is a mistake, and each has a message of
its own. Deletes nothing: what follows from removed files is decided by planning.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from segctl.errors import UsageError
from segctl.history.git import current_commit, find_move_out_of, read_timeline
from segctl.history.other_projects import find_declared_elsewhere
from segctl.project.location import repository_root
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from segctl.project.files import FolderMissing

_SHORT = 10
"""Characters of a commit's id that are shown."""


def check_removed_by_commit(
    root: Path, folder: str, env: Mapping[str, str], missing: FolderMissing
) -> str:
    """Return a remark that names the commit which removed the last segment file.

    Raises `UsageError`, or `missing` itself, unless a commit did.
    """
    is_committed = repository_root(root) is not None and current_commit(root, env=env) is not None
    if os.path.lexists(root / folder) or not is_committed:
        raise missing
    try:
        timeline = read_timeline(root, folder, env=env)
        removal = timeline.emptying_commit()
        moved = "" if removal is None else find_move_out_of(root, folder, removal.id, env)
        # A folder may be moved in one commit or in several: the names are what would be deleted.
        names = set() if removal is None else {segment.name for segment in timeline.removals(())}
        declared_elsewhere = find_declared_elsewhere(root, folder, names, env)
    except UsageError as error:
        why = f"{error.message}; {error.hint}" if error.hint else error.message
        raise UsageError(
            missing.message,
            hint=f"a commit may have removed its last file, but git history is unavailable: {why}",
        ) from None
    if not any(commit.segments for commit in timeline.commits):
        raise missing
    if removal is None:
        raise UsageError(
            f"{missing.message}, but the checked-out commit has it",
            hint=f"run `git restore {folder}`, or include it in the sparse checkout; to delete its "
            "segments, commit the removal",
        )
    commit = removal.id[:_SHORT]
    if moved or declared_elsewhere:
        what = f"commit {commit} moved one of its files to {clean(moved)}"
        if declared_elsewhere and not moved:
            file, name = map(clean, declared_elsewhere)
            what = f"commit {commit} removed it, but {file} declares its segment `{name}`"
        raise UsageError(
            f"{missing.message}: {what}",
            hint="set `segments:` in segctl.yaml to the folder where the segment files are now; to "
            f"delete the segments of {folder}/ instead, keep that folder with an empty file "
            "`.gitkeep` in it",
        )
    return f"{folder}/ does not exist: commit {commit} removed the last segment file."
