"""Whether the last commit has a file as it is: what may be rewritten without losing anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import UsageError
from segctl.history.git_process import TIMEOUT, Git

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
    git = Git(root, env, timeout)
    try:
        commit = git.commit()
        if commit is None:
            return False
        blobs = [blob for _, blob, name in git.tree(commit, path) if name == path]
        return any(_lines(content) == _lines(data) for content in git.contents(blobs).values())
    except UsageError:
        return False


def _lines(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n")
