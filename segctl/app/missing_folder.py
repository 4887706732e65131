"""A folder of segment files that is not there: a commit emptied it, or it is the wrong one.

git keeps no empty folder, so whoever deletes the last segment file deletes the folder, and means
the segment. Only a commit says so: a folder that nobody ever had, that HEAD still has, whose files
were moved, or whose segments other files of the project declare, is a mistake, and each has words
of its own. Deletes nothing: what follows from files that are gone is the ledger's, as ever.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from segctl.errors import UsageError
from segctl.history.git import checked_out, held_elsewhere, moved_out, read_timeline, top_of
from segctl.project.files import Files
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from segctl.app.session import Session
    from segctl.project.files import FolderMissing

_SHORT = 10
"""Characters of a commit's id that are shown."""


def emptied_folder(session: Session, missing: FolderMissing) -> Files:
    """Give no files, where a commit removed the last of them. Raises `UsageError` elsewhere."""
    root, folder, env = session.root, session.config.segments, session.env
    is_committed = top_of(root) is not None and checked_out(root, env=env) is not None
    if os.path.lexists(root / folder) or not is_committed:
        raise missing
    try:
        past = read_timeline(root, folder, env=env)
        taken = past.last_taken()
        moved = "" if taken is None else moved_out(root, folder, taken.id, env)
        # However a folder was moved, in a step or in several: the names are what would be deleted.
        names = {one.name for one in past.removals(())} if taken is not None else set()
        held = held_elsewhere(root, folder, names, env)
    except UsageError as error:
        why = f"{error.message}; {error.hint}" if error.hint else error.message
        raise UsageError(
            missing.message,
            hint=f"if a commit removed its last file, git has to say so, and cannot: {why}",
        ) from None
    if not any(one.segments for one in past.commits):
        raise missing
    if taken is None:
        raise UsageError(
            f"{missing.message}, though the commit that is checked out has it",
            hint=f"`git restore {folder}` brings it back, and a sparse checkout must have it; to "
            "delete its segments, commit the removal",
        )
    commit = taken.id[:_SHORT]
    if moved or held:
        what = f"commit {commit} moved a file of it to {clean(moved)}"
        if held and not moved:
            file, name = map(clean, held)
            what = f"commit {commit} removed it, but {file} has its segment `{name}`"
        raise UsageError(
            f"{missing.message}: {what}",
            hint="let `segments:` in segctl.yaml name the folder where the segment files are now. "
            f"Should those of {folder}/ be deleted all the same, keep that folder, with an empty "
            "file `.gitkeep` in it",
        )
    session.talk(f"{folder}/ is not there: commit {commit} removed the last segment file.")
    return Files()
