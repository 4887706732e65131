"""What git is asked: the history of a folder, its files at HEAD, and the status of a file.

Two processes read a history of any length: `git log` lists every first-parent commit that touched
the folder with the blobs that it wrote, and `git cat-file --batch` returns their contents
(`folder_history`). Does not interpret the commits (`timeline`, `audit`), and does not run the
processes (`git_process`). Changes nothing. An incomplete history is refused with the reason.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING

from segctl.common.clock import format_utc
from segctl.errors import UsageError, file_of
from segctl.history.all_parents import FilesOfBranches, correct_removals
from segctl.history.folder_history import FolderHistory, prove_for, read_folder_history
from segctl.history.former_bindings import SettingsReader
from segctl.history.former_names import find_former
from segctl.history.git_log import LOG, parse_log, renamed_paths
from segctl.history.git_process import TIMEOUT, Git
from segctl.history.other_projects import declared_by_others
from segctl.history.split_renames import moved_files, with_split_renames
from segctl.planning.ownership import RemovalHistory
from segctl.project.location import FILE as SETTINGS
from segctl.project.location import repository_root

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from pathlib import Path

    from segctl.history.timeline import Timeline
    from segctl.model import Declared
    from segctl.model.accounts import Account
    from segctl.planning.ownership import FormerSegment, Removal

_ALL_PARENTS = ("--full-history", "--parents", "--topo-order")


def read_removal_history(
    root: Path,
    folder: str,
    now_declared: Collection[str],
    *,
    account: Account | None = None,
    target: str | None = None,
    present: Collection[str] | None = None,
    now: datetime | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT,
) -> RemovalHistory:
    """Return the segments that the history of a folder declared and no file declares now.

    `folder` is relative to the project's `root`; `now_declared` holds the names that the files of
    the work tree declare. A name that HEAD still declares was not removed: no commit removed it,
    even if its file is deleted in the work tree or not part of a sparse checkout. Only what commits
    declared for `account` counts; `None` means any. What names stand for is what the files of the
    same commit say of `target`. `present` are the names of the account's segments: what takes git
    longer is found out only for those, and for none without them. A removal dated after `now` is
    kept apart. Does not raise for an error of git: the result is then unavailable, with the reason
    and a remedy.
    """
    git = Git(root, os.environ if env is None else env, timeout)
    try:
        history = read_folder_history(git, folder, SettingsReader(target, account))
        whole, proven = history.timeline, prove_for(git, history, account, now_declared)
        removals = proven.removals
        if present is not None:
            new_names = {*now_declared} - {*present}
            removals = with_split_renames(git, history.moves, proven, new_names, present)
        # Both are ISO 8601 in UTC, which sorts by time.
        limit = "9999" if now is None else format_utc(now)
        removals = _with_all_parents(git, history, removals, limit)
        names = {removal.name for removal in removals}
        elsewhere = declared_by_others(git, folder, names, account)
    except UsageError as error:
        return RemovalHistory(unavailable=error.message, remedy=error.hint)
    return RemovalHistory(
        tuple(
            removal
            for removal in removals
            if removal.removed_at <= limit and removal.name not in elsewhere
        ),
        uncommitted=whole.uncommitted(now_declared),
        dated_ahead=tuple(removal for removal in removals if removal.removed_at > limit),
        declared_elsewhere=tuple(sorted(elsewhere.items())),
        place_change=proven.change,
        versions_of=proven.timeline.versions,
        disposed_by=whole.disposed_by,
        renamed_by=whole.renamed_by,
        declared_at_head=lambda name: whole.declared(name, len(whole.commits) - 1),
        declared_before=lambda name: _declared_before(history.head, proven.timeline, name),
        is_declared_elsewhere=cache(
            lambda name: _is_declared_elsewhere(git, folder, name, account)
        ),
        former_of=cache(
            lambda name: _former_of(
                git, history, proven.timeline, name, account=account, limit=limit
            )
        ),
    )


def read_timeline(
    root: Path,
    folder: str,
    *,
    target: str | None = None,
    account: Account | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT,
) -> Timeline:
    """Read the whole first-parent history of a folder, from its first commit to HEAD.

    `target` and `account` are as for `SettingsReader`.

    Raises `UsageError` where git, the repository or a commit is missing, or the history is
    incomplete or cannot be read.
    """
    git = Git(root, os.environ if env is None else env, timeout)
    return read_folder_history(git, folder, SettingsReader(target, account)).timeline


def _declared_before(head: str, timeline: Timeline, name: str) -> Declared | None:
    """Return what the first parent of HEAD declares, `None` for nothing."""
    # The last commit of the timeline is the last one that touched the folder.
    last = len(timeline.commits) - 1
    index = last - 1 if last >= 0 and timeline.commits[last].id == head else last
    return timeline.declared(name, index) if index >= 0 else None


def _is_declared_elsewhere(git: Git, folder: str, name: str, account: Account | None) -> bool:
    """Return whether another project declares a name, or git fails to tell."""
    try:
        return bool(declared_by_others(git, folder, {name}, account))
    except UsageError:
        return True


def _former_of(
    git: Git,
    history: FolderHistory,
    timeline: Timeline,
    name: str,
    *,
    account: Account | None,
    limit: str,
) -> FormerSegment | None:
    """Return the segment that had a name before; a removal dated after `limit` proves nothing.

    Where git fails, it may live on.
    """
    former_and_files = find_former(timeline, name)
    if former_and_files is None:
        return None
    former, new_sources = former_and_files
    (commit,) = (item for item in timeline.commits if item.id == former.removal.commit)
    try:
        # As for renames, git compares the commit before the removal with HEAD.
        moves = moved_files(git, commit.parents[0], history.moves) if commit.parents else {}
        removals = _with_all_parents(git, history, (former.removal,), limit, new_sources)
    except UsageError:
        moves, removals = {}, ()
    if (
        not removals
        or removals[0].removed_at > limit
        or file_of(former.removal.file) in moves
        or _is_declared_elsewhere(git, history.moves.folder, name, account)
    ):
        return dataclasses.replace(former, may_live_on=True)
    return dataclasses.replace(former, removal=removals[0])


def _with_all_parents(
    git: Git,
    history: FolderHistory,
    removals: tuple[Removal, ...],
    limit: str,
    left_out: Collection[str] = (),
) -> tuple[Removal, ...]:
    """Return removals as all parents of merges have them, not only the first ones.

    `limit` and `left_out` are as for `correct_removals`. Raises `UsageError` where git fails.
    """
    if not removals or not git.run("rev-list", "--min-parents=2", "--max-count=1", "HEAD", "--"):
        return removals
    folders = history.moves.folders
    paths = (git.at(path) for path in (*folders, SETTINGS))
    output = git.run(*LOG, *_ALL_PARENTS, *git.relative, "HEAD", "--", *paths)
    commits = [
        history.moves.read_as_today(commit)
        for commit in parse_log(output, *(f"{folder}/" for folder in folders))
    ]
    commits.reverse()
    blobs = {
        change.blob
        for commit in commits
        for change in (*commit.segments, *commit.settings)
        if change.blob
    }
    timeline = history.timeline
    files = FilesOfBranches(
        history.moves.folder, git.contents(blobs), timeline.scanned_names, timeline.settings
    )
    return correct_removals(removals, commits, files, limit=limit, left_out=left_out)


def find_move_out_of(root: Path, folder: str, commit: str, env: Mapping[str, str]) -> str:
    """Return a path outside of a folder to which a commit moved one of its files, empty if none.

    git detects the move by similarity. The path is relative to the top of the repository, and the
    commit must have a parent. Raises `UsageError` where git fails.
    """
    git = Git(root, env, TIMEOUT)
    # -l0 lifts the limit at which git, or the user's settings, stop detecting renames.
    argv = ("diff-tree", "-r", "-z", "--name-status", "--find-renames", "-l0", "--diff-filter=R")
    moves = renamed_paths(git.run(*argv, f"{commit}^1", commit).decode("utf-8", "replace"))
    inside = f"{git.at(folder)}/"
    outward = (new for old, new in moves if old.startswith(inside) and not new.startswith(inside))
    return next(outward, "")


def current_commit(
    root: Path, *, env: Mapping[str, str] | None = None, timeout: float = TIMEOUT
) -> str | None:
    """Return the commit that is checked out, `None` where there is none or git fails.

    Works in a shallow clone, too.
    """
    try:
        return Git(root, os.environ if env is None else env, timeout).commit()
    except UsageError:
        return None


class GitStatus(Enum):
    """Whether git ignores a file, would add it with all others, or tracks it."""

    IGNORED = "hidden"
    UNTRACKED = "loose"
    TRACKED = "tracked"


def git_status_of(
    root: Path, path: Path, *, env: Mapping[str, str] | None = None, timeout: float = TIMEOUT
) -> GitStatus:
    """Return the git status of a file, which is IGNORED where there is no repository or no git.

    `path` is relative to `root` and need not exist. Raises `UsageError` where git fails.
    """
    env = os.environ if env is None else env
    if repository_root(root) is None or shutil.which("git", path=env.get("PATH")) is None:
        return GitStatus.IGNORED
    git = Git(root, env, timeout)
    # check-ignore takes paths, not pathspecs, and rejects the global --literal-pathspecs.
    argv = ("--no-literal-pathspecs", "check-ignore", "--quiet", "--")
    code, _, stderr = git.call(*argv, git.at(path.as_posix()))
    if code > 1:
        raise git.error(stderr)
    if code == 0:
        return GitStatus.IGNORED
    is_tracked = git.run("ls-files", "-z", "--", git.at(path.as_posix()))
    return GitStatus.TRACKED if is_tracked else GitStatus.UNTRACKED


def tracked_below(root: Path, folder: str, env: Mapping[str, str]) -> str:
    """Return a file that git tracks in a folder of the project, or the folder if it is one itself.

    Empty if there is none, and where git cannot be asked. The path is relative to the project.
    """
    if repository_root(root) is None:
        return ""
    git = Git(root, env, TIMEOUT)
    try:
        output = git.run("ls-files", "-z", "--", git.at(folder))
    except UsageError:
        return ""
    first = output.partition(b"\0")[0].decode("utf-8", "replace")
    return first.removeprefix(git.at(""))
