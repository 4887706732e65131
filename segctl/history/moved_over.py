"""Commits that moved another folder over the one of the segment files.

Then the files of before belonged to something else, such as the project of another account: that
they are gone says nothing of the segments of this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.history.git_log import LOG, counts, is_segment_file, parse_log

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from segctl.history.commits import Commit
    from segctl.history.git_process import Git


def last_moved_over(
    git: Git,
    commits: Sequence[Commit],
    folder: str,
    former: Collection[str],
    removing: Collection[int],
) -> int | None:
    """Return the last commit that moved another folder over this one, `None` if none did.

    `former` are this folder's own former names, and `removing` the commits that removed segments.
    Raises `UsageError` where git fails.
    """
    candidates = sorted({*removing, *_replacing(commits)}, reverse=True)
    if not candidates:
        return None
    data = "".join(f"{commits[index].id}\n" for index in candidates).encode()
    output = git.run(*LOG, "--no-walk=unsorted", "--stdin", data=data)
    in_repository = {commit.id: commit for commit in parse_log(output, "")}
    own = tuple(f"{git.at(path)}/" for path in (folder, *former))
    for index in candidates:
        commit = commits[index]
        removed = [
            change.path
            for change in in_repository[commit.id].segments
            if change.blob is None and not change.path.startswith(own)
        ]
        if not removed or not commit.parents:
            continue
        files = {
            path.removeprefix(f"{folder}/"): blob for path, blob in _live_at(commits, index).items()
        }
        for source in sorted(set(_sources(removed, files))):
            before = {
                path.removeprefix(source): blob
                for path, blob in git.files_at(commit.parents[0], source).items()
                if is_segment_file(path) and counts(path, (source,))
            }
            if before.keys() == files.keys() and before.items() & files.items():
                return index
    return None


def _sources(removed: Sequence[str], files: Collection[str]) -> Iterator[str]:
    """Yield the folders, with a slash at the end, that had some of the files."""
    for path in removed:
        for name in files:
            if path.endswith(f"/{name}"):
                yield path.removesuffix(name)


def _live_at(commits: Sequence[Commit], index: int) -> dict[str, str]:
    """Return the segment files after a commit, by path."""
    live: dict[str, str] = {}
    for commit in commits[: index + 1]:
        _apply(commit, live)
    return live


def _replacing(commits: Sequence[Commit]) -> Iterator[int]:
    """Yield the commits that left no file as it was, once there had been files."""
    live: dict[str, str] = {}
    last: dict[str, str] = {}
    for index, commit in enumerate(commits):
        # A commit that leaves a file alone replaces nothing.
        if len(commit.segments) < len(live):
            _apply(commit, live)
            continue
        before, last = dict(live), dict(live) or last
        _apply(commit, live)
        if last and live and not before.items() & live.items():
            yield index


def _apply(commit: Commit, live: dict[str, str]) -> None:
    for change in commit.segments:
        if change.blob is None:
            live.pop(change.path, None)
        else:
            live[change.path] = change.blob
