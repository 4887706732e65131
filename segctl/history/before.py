"""Files as they were before the change that is at hand.

That is what the commit has that is checked out, if the files differ from it, else what its first
parent has: the base of a pull request's merge commit, and what a merge on the main branch changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from segctl.history.git_process import TIMEOUT, Git
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
    objects = ["HEAD", "HEAD^1", *names]
    output = git.run("cat-file", "--batch", data="".join(f"{name}\n" for name in objects).encode())
    answers: list[tuple[str, bytes] | None] = []
    offset = 0
    for _ in objects:
        end = output.index(b"\n", offset)
        # `ID TYPE SIZE`, or `NAME missing`.
        header = output[offset:end].split(b" ")
        offset = end + 1
        if header[-1] == b"missing":
            answers.append(None)
            continue
        size = int(header[-1])
        answers.append((header[0].decode("ascii"), output[offset : offset + size]))
        offset += size + 1
    commits, files = answers[:2], answers[2:]
    half = len(now)
    for commit, found in ((commits[0], files[:half]), (commits[1], files[half:])):
        if commit is None:
            return None
        contents = {
            path: None if answer is None else answer[1]
            for path, answer in zip(now, found, strict=True)
        }
        if any(_lines(contents[path]) != _lines(now[path]) for path in now):
            return FilesBefore(commit[0], contents)
    return None


def _lines(data: bytes | None) -> bytes | None:
    """Return a content with the line ends that git keeps."""
    return None if data is None else data.replace(b"\r\n", b"\n")
