"""Where a project is: the nearest folder with a segctl.yaml. Reads no file."""

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
    if os.path.lexists(folder / FILE) or (folder / SEGMENTS).is_dir():
        return "."
    for parent, child in zip(folder.parents, (folder, *folder.parents), strict=False):
        if (child / ".git").exists():
            break
        if (parent / FILE).is_file() and _is_in_repository(parent):
            return os.path.relpath(parent)
    return "."


def _is_in_repository(folder: Path) -> bool:
    tops = (path for path in (folder, *folder.parents) if (path / ".git").exists())
    top = next(tops, None)
    return top is not None and _is_own(top / ".git") and _is_own(folder / FILE)


def _is_own(path: Path) -> bool:
    # A link belongs to whoever made it, not to the owner of its target.
    return not hasattr(os, "geteuid") or path.lstat().st_uid == os.geteuid()
