"""Files as they were before the change that is at hand.

That is what the commit has that is checked out, if the files differ from it, else what its first
parent has: the base of a pull request's merge commit, and what a merge on the main branch changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from segctl.history.git_process import TIMEOUT, Git, with_git_line_ends
from segctl.project.location import repository_root

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class FilesBefore(NamedTuple):
    """The content of files, `None` for one that was not there, and the commit that has it."""

    commit: str
    contents: Mapping[str, bytes | None]


def files_before(
    root: Path,
    now: Mapping[str, bytes | None],
    *,
    env: Mapping[str, str],
    timeout: float = TIMEOUT,
) -> FilesBefore | None:
    """Return files as they were before, by their paths relative to the project.

    `now` has what is in them, `None` for one that is not there. Returns `None` without a commit to
    compare with. Takes one process of git. Raises `UsageError` where git fails.
    """
    if repository_root(root) is None:
        return None
    git = Git(root, env, timeout)
    names = [f"{commit}:{git.at(path)}" for commit in ("HEAD", "HEAD^1") for path in now]
    head, parent, *files = git.objects(["HEAD", "HEAD^1", *names])
    for commit, objects in ((head, files[: len(now)]), (parent, files[len(now) :])):
        if commit is None:
            return None
        contents = {
            path: None if blob is None else blob.content
            for path, blob in zip(now, objects, strict=True)
        }
        if any(_lines(contents[path]) != _lines(now[path]) for path in now):
            return FilesBefore(commit.id, contents)
    return None


def _lines(data: bytes | None) -> bytes | None:
    return None if data is None else with_git_line_ends(data)
