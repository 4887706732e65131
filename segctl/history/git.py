"""What git is asked: the history of a folder, its files at HEAD, and the status of a file.

Two processes read a history of any length: `git log` lists every first-parent commit that touched
the folder with the blobs that it wrote, and `git cat-file --batch` returns their contents. Does not
interpret the commits (`timeline`, `audit`), and does not run the processes (`git_process`). Changes
nothing. An incomplete history is refused with the reason.
"""

from __future__ import annotations

import os
import posixpath
import shutil
from enum import Enum
from typing import TYPE_CHECKING

from segctl.common.clock import format_utc
from segctl.documents.yaml_reader import parse_document
from segctl.errors import UsageError
from segctl.history.all_parents import correct_removals
from segctl.history.git_log import is_file, parse_log, parse_moves
from segctl.history.git_process import SUBMODULE, TIMEOUT, Git, repository_root
from segctl.history.name_scan import possible_name
from segctl.history.timeline import Timeline
from segctl.planning.ownership import RemovalHistory
from segctl.project.config import FILE as CONFIG
from segctl.project.files import SEGMENT_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from segctl.history.commits import Commit
    from segctl.planning.ownership import Removal

_LOG = (
    "log",
    "--diff-merges=first-parent",
    "--root",
    "--raw",
    "-z",
    "--no-abbrev",
    "--no-renames",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-decorate",
    "--no-notes",
    "--no-show-signature",
    "--encoding=UTF-8",
    "--format=tformat:%H %ct %P%n%an%n%s",
)

_SUFFIXES = tuple(SEGMENT_SUFFIXES)
_ALL_PARENTS = ("--full-history", "--parents", "--topo-order")
_MOVES = (
    *("log", "--no-walk=unsorted", "--stdin", "--diff-merges=first-parent", "--name-status", "-z"),
    # The limit is git's own; it holds whatever the user's settings are.
    *("--find-renames", "-l1000", "--diff-filter=R", "--no-ext-diff", "--no-textconv"),
    *("--no-color", "--no-notes", "--no-show-signature", "--format=tformat:%H"),
)


def read_removal_history(
    root: Path,
    folder: str,
    now_declared: Collection[str],
    *,
    now: datetime | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT,
) -> RemovalHistory:
    """Return the segments that the history of a folder declared and no file declares now.

    `folder` is relative to the project's `root`; `now_declared` holds the names that the files of
    the work tree declare. A name that HEAD still declares was not removed: no commit removed it,
    even if its file is deleted in the work tree or not part of a sparse checkout. A removal dated
    after `now` is kept apart. Does not raise for an error of git: the result is then unavailable,
    with the reason and a remedy.
    """
    try:
        timeline = read_timeline(root, folder, env=env, timeout=timeout)
    except UsageError as error:
        return RemovalHistory(unavailable=error.message, remedy=error.hint)
    removals, uncommitted = timeline.removals(now_declared), timeline.uncommitted(now_declared)
    try:
        git = Git(root, os.environ if env is None else env, timeout)
        removals = _with_all_parents(git, timeline, folder, removals)
        elsewhere = _declared_by_others(git, {removal.name for removal in removals})
    except UsageError as error:
        return RemovalHistory(unavailable=error.message, remedy=error.hint)
    # Both are ISO 8601 in UTC, which sorts by time.
    limit = "9999" if now is None else format_utc(now)
    return RemovalHistory(
        tuple(
            removal
            for removal in removals
            if removal.removed_at <= limit and removal.name not in elsewhere
        ),
        uncommitted=uncommitted,
        dated_ahead=tuple(removal for removal in removals if removal.removed_at > limit),
        declared_elsewhere=tuple(sorted(elsewhere.items())),
        versions_of=timeline.versions,
        declared_at_head=lambda name: timeline.declared(name, len(timeline.commits) - 1),
    )


def read_timeline(
    root: Path,
    folder: str,
    *,
    env: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT,
) -> Timeline:
    """Read the whole first-parent history of a folder, from its first commit to HEAD.

    Raises `UsageError` where git, the repository or a commit is missing, or the history is
    incomplete or cannot be read.
    """
    git = Git(root, os.environ if env is None else env, timeout)
    head = git.head()
    git.refuse_other_histories(head, folder)
    commits = list(
        parse_log(
            git.run(*_LOG, "--first-parent", *git.relative, head, "--", git.at(folder)),
            f"{folder}/",
        )
    )
    commits.reverse()
    blobs = {
        change.blob: b""
        for commit in commits
        for change in (*commit.segments, *commit.queries)
        if change.blob
    }
    return Timeline(commits, git.contents(blobs), folder, _moves(git, commits, folder))


def _declared_by_others(git: Git, names: Collection[str]) -> dict[str, str]:
    """Return the names that other projects of the repository declare at HEAD, with the files.

    The files are relative to the top. Raises `UsageError` where git fails.
    """
    files = git.files_at_head() if names else {}
    settings = [path for path in files if path == CONFIG or path.endswith(f"/{CONFIG}")]
    others = [path for path in settings if path != git.at(CONFIG)]
    if not others:
        return {}
    texts = git.contents({files[path] for path in others})
    folders = tuple(
        f"{path.removesuffix(CONFIG)}{_segments_folder(texts[files[path]])}/" for path in others
    )
    paths = [path for path in files if path.startswith(folders) and path.endswith(_SUFFIXES)]
    contents = git.contents({files[path] for path in paths})
    declared = {possible_name(contents[files[path]]): path for path in reversed(paths)}
    return {name: path for name, path in declared.items() if name in names}


def _segments_folder(settings: bytes) -> str:
    """Return the setting `segments` of a segctl.yaml."""
    value = parse_document(CONFIG, settings.decode("utf-8", "replace")).value
    folder = value.get("segments") if isinstance(value, dict) else None
    return posixpath.normpath(folder) if isinstance(folder, str) and folder else "segments"


def _with_all_parents(
    git: Git, timeline: Timeline, folder: str, removals: tuple[Removal, ...]
) -> tuple[Removal, ...]:
    """Return removals as all parents of merges have them, not only the first ones.

    Raises `UsageError` where git fails.
    """
    if not removals or not git.run("rev-list", "--min-parents=2", "--max-count=1", "HEAD", "--"):
        return removals
    output = git.run(*_LOG, *_ALL_PARENTS, *git.relative, "HEAD", "--", git.at(folder))
    commits = list(parse_log(output, f"{folder}/"))
    commits.reverse()
    blobs = {change.blob: b"" for commit in commits for change in commit.segments if change.blob}
    contents = {**timeline.blobs, **git.contents(blobs.keys() - timeline.blobs.keys())}
    return correct_removals(removals, commits, contents, folder, timeline.scanned_names)


def _moves(git: Git, commits: Sequence[Commit], folder: str) -> dict[str, dict[str, str]]:
    """Return the new paths of the files that git finds moved, by commit and old path."""
    candidates = [
        f"{commit.id}\n"
        for commit in commits
        if {change.blob is None for change in commit.segments} == {True, False}
    ]
    if not candidates:
        return {}
    data = "".join(candidates).encode()
    output = git.run(*_MOVES, *git.relative, "--", git.at(folder), data=data)
    return parse_moves(output)


def find_move_out_of(root: Path, folder: str, commit: str, env: Mapping[str, str]) -> str:
    """Return a path outside of a folder to which a commit moved one of its files, empty if none.

    git detects the move by similarity. The path is relative to the top of the repository, and the
    commit must have a parent. Raises `UsageError` where git fails.
    """
    git = Git(root, env, TIMEOUT)
    # -l0 lifts the limit at which git, or the user's settings, stop detecting renames.
    argv = ("diff-tree", "-r", "-z", "--name-status", "--find-renames", "-l0", "--diff-filter=R")
    pieces = git.run(*argv, f"{commit}^1", commit).decode("utf-8", "replace").split("\0")
    inside = f"{git.at(folder)}/"
    # Three pieces per file: the status, the old path and the new path. The last piece is empty.
    moves = zip(pieces[1::3], pieces[2::3], strict=False)
    outward = (new for old, new in moves if old.startswith(inside) and not new.startswith(inside))
    return next(outward, "")


def find_declared_elsewhere(
    root: Path, folder: str, names: Collection[str], env: Mapping[str, str]
) -> tuple[str, str] | None:
    """Return a file outside of a folder that declares one of the names at HEAD, and that name.

    The file is relative to `root`. Raises `UsageError` where git fails, or where a submodule could
    contain such a file.
    """
    git = Git(root, env, TIMEOUT)
    blobs = {}
    for entry in git.tree("HEAD", "."):
        mode, blob, path = entry
        suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122 - a path of git, not of the OS
        if mode == SUBMODULE:
            raise UsageError(
                f"`{path}` is a submodule, which may contain the files",
                hint=f"to remove them on purpose, keep {folder}/ with an empty file `.gitkeep`",
            )
        if is_file(mode) and suffix in SEGMENT_SUFFIXES and not path.startswith(f"{folder}/"):
            blobs[path] = blob
    contents = git.contents(dict.fromkeys(blobs.values()))
    for path, blob_id in blobs.items():
        name = possible_name(contents[blob_id])
        if name in names:
            return path, name
    return None


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
