"""The files of a project as another commit has them. Does not read what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import UsageError
from segctl.history.git_log import is_file
from segctl.history.git_process import TIMEOUT, Git
from segctl.project.location import repository_root

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Revision:
    """A commit by any name that git knows: a branch, a tag, an id, `HEAD~1`.

    Raises `UsageError` where there is no such commit, no repository or no git.
    """

    def __init__(
        self, root: Path, name: str, *, env: Mapping[str, str], timeout: float = TIMEOUT
    ) -> None:
        self._git = Git(root, env, timeout)
        argv = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        code, output, stderr = self._git.call(*argv)
        if code and repository_root(root) is None:
            raise self._git.error(stderr)
        if code:
            hint = "name a branch, a tag or a commit of this repository, such as HEAD~1"
            raise UsageError(f"commit `{name}` not found", hint=hint)
        self.commit = output.decode("ascii", "replace").strip()

    def files(self, path: str) -> dict[str, bytes]:
        """Return the files at or below a path of the project, relative to it, without links.

        Raises `UsageError` where the path itself is a link, and where git fails.
        """
        entries = [*self._git.tree(self.commit, path)]
        if any(name == path and not is_file(mode) for mode, _, name in entries):
            # As in the work tree: what a link hides must not look like nothing.
            raise UsageError(
                f"{path} is a link in commit {self.commit[:12]}, which is not followed",
                hint="name another commit",
            )
        blobs = {name: blob for mode, blob, name in entries if is_file(mode)}
        contents = self._git.contents(dict.fromkeys(blobs.values()))
        return {name: contents[blob] for name, blob in blobs.items()}
