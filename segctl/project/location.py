"""Where a project and its repository are: the nearest folders with segctl.yaml and .git.

Reads no file.
"""

from __future__ import annotations

import os
from pathlib import Path

FILE = "segctl.yaml"
SEGMENTS = "segments"
"""The folder of segment files, unless the settings name another."""


def project_folder() -> str:
    """Return the nearest folder with a segctl.yaml, from the current one to the repository's top.

    The current folder where there is none, or where it has a folder of segment files. It never
    looks beyond the repository, where someone else may have put such a file, nor takes a project
    or a repository of another user, as git does not: `/tmp` may have one.
    """
    folder = Path.cwd()
    top = repository_root(folder)
    is_here = os.path.lexists(folder / FILE) or (folder / SEGMENTS).is_dir()
    if is_here or top is None or not _is_own(top / ".git"):
        return "."
    inside = (parent for parent in folder.parents if parent.is_relative_to(top))
    own = (parent for parent in inside if (parent / FILE).is_file() and _is_own(parent / FILE))
    nearest = next(own, None)
    return "." if nearest is None else os.path.relpath(nearest)


def repository_root(root: Path) -> Path | None:
    """Return the top folder of the repository that contains a project, `None` if there is none.

    Looks for `.git` instead of running git, which refuses some repositories.
    """
    start = root.resolve()
    return next((path for path in (start, *start.parents) if (path / ".git").exists()), None)


def _is_own(path: Path) -> bool:
    # A link belongs to whoever made it, not to the owner of its target.
    return not hasattr(os, "geteuid") or path.lstat().st_uid == os.geteuid()
