"""Whether the last commit has a file as it is: what may be rewritten without losing anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import UsageError
from segctl.history.git_process import TIMEOUT, Git, with_git_line_ends

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def is_committed(
    root: Path, path: str, data: bytes, *, env: Mapping[str, str], timeout: float = TIMEOUT
) -> bool:
    """Return whether the commit that is checked out has a file with this content.

    `path` is relative to `root`. Line ends do not count, since git may convert them. False where
    there is no repository, or git fails.
    """
    return path in committed_files(root, path, {path: data}, env=env, timeout=timeout)


def committed_files(
    root: Path,
    folder: str,
    files: Mapping[str, bytes],
    *,
    env: Mapping[str, str],
    timeout: float = TIMEOUT,
) -> frozenset[str]:
    """Return the paths of those files in a folder for which `is_committed` is true."""
    git = Git(root, env, timeout)
    try:
        commit = git.commit()
        if commit is None:
            return frozenset()
        blobs = {name: blob for _, blob, name in git.tree(commit, folder) if name in files}
        contents = git.contents({*blobs.values()})
    except UsageError:
        return frozenset()
    return frozenset(
        name
        for name, blob in blobs.items()
        if with_git_line_ends(contents[blob]) == with_git_line_ends(files[name])
    )
