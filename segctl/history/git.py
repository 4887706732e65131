"""The processes of git: the only place that runs it.

Two processes read a history of any length: `git log` lists every first-parent commit that touched
the folder with the blobs that it wrote, and `git cat-file --batch` returns their contents. Does not
interpret the commits (`timeline`, `audit`).

Trusts neither the repository nor the user's settings: no process runs a hook, an external diff, a
text conversion or a pager, fetches objects that a partial clone lacks, follows replaced objects or
uses a custom format. Changes nothing. An incomplete history is refused with the reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from enum import Enum
from typing import TYPE_CHECKING

from segctl.errors import UsageError
from segctl.history.git_log import is_file, parse_log
from segctl.history.name_scan import possible_name
from segctl.history.timeline import Timeline
from segctl.planning.ownership import RemovalHistory
from segctl.project.files import SEGMENT_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

TIMEOUT = 60.0
"""The time that one git process may take, in seconds."""

_SETTINGS = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.quotePath": "false",
    "log.follow": "false",
    "log.showSignature": "false",
}
_LOG = (
    "log",
    "--first-parent",
    "--diff-merges=first-parent",
    "--root",
    "--raw",
    "-z",
    "--no-abbrev",
    "--no-renames",
    "--relative",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-decorate",
    "--no-notes",
    "--no-show-signature",
    "--encoding=UTF-8",
    "--format=tformat:%H %ct%n%an%n%s",
)
# Variables that pass to git: where its settings and its programs are. GIT_DIR and the like, which a
# hook sets, would point it at another repository.
_PASSED_VARIABLES = (
    "GIT_CONFIG",
    "GIT_EXEC_PATH",
    "GIT_CEILING_DIRECTORIES",
    "GIT_DISCOVERY_ACROSS",
)
_ENVIRONMENT = {
    "LC_ALL": "C",
    "LANGUAGE": "",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    # A partial clone would fetch every blob that it lacks. Before git 2.44, which introduced the
    # first variable, no allowed protocol means no fetch.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
}
_LINK = b"120000"
_SUBMODULE = b"160000"
_FULL_CLONE = "check out the whole history"
_UNSHALLOW = "`fetch-depth: 0` for actions/checkout, or run `git fetch --unshallow`"
_LONGEST_MESSAGE = 200


def read_removal_history(
    root: Path,
    folder: str,
    now_declared: Collection[str],
    *,
    env: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT,
) -> RemovalHistory:
    """Return the segments that the history of a folder declared and no file declares now.

    `folder` is relative to the project's `root`; `now_declared` holds the names that the files of
    the work tree declare. A name that HEAD still declares was not removed: no commit removed it,
    even if its file is deleted in the work tree or not part of a sparse checkout. Does not raise
    for an error of git: the result is then unavailable, with the reason and a remedy.
    """
    try:
        timeline = read_timeline(root, folder, env=env, timeout=timeout)
    except UsageError as error:
        return RemovalHistory(unavailable=error.message, remedy=error.hint)
    removals, uncommitted = timeline.removals(now_declared), timeline.uncommitted(now_declared)
    return RemovalHistory(removals, uncommitted=uncommitted)


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
    git = _Git(root, os.environ if env is None else env, timeout)
    head = git.head()
    git.refuse_other_histories(head, folder)
    commits = list(parse_log(git.run(*_LOG, head, "--", folder), f"{folder}/"))
    commits.reverse()
    blobs = {
        change.blob: b""
        for commit in commits
        for change in (*commit.segments, *commit.queries)
        if change.blob
    }
    return Timeline(commits, git.contents(blobs), folder)


def find_move_out_of(root: Path, folder: str, commit: str, env: Mapping[str, str]) -> str:
    """Return a path outside of a folder to which a commit moved one of its files, empty if none.

    git detects the move by similarity. The path is relative to the top of the repository, and the
    commit must have a parent. Raises `UsageError` where git fails.
    """
    git = _Git(root, env, TIMEOUT)
    # -l0 lifts the limit at which git, or the user's settings, stop detecting renames.
    argv = ("diff-tree", "-r", "-z", "--name-status", "--find-renames", "-l0", "--diff-filter=R")
    pieces = git.run(*argv, f"{commit}^1", commit).decode("utf-8", "replace").split("\0")
    prefix = git.run("rev-parse", "--show-prefix").decode("utf-8", "replace").strip()
    inside = f"{prefix}{folder}/"
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
    git = _Git(root, env, TIMEOUT)
    blobs = {}
    for entry in git.run("ls-tree", "-r", "-z", "HEAD").split(b"\0")[:-1]:
        header, _, path_bytes = entry.partition(b"\t")
        mode, _, blob = header.split(b" ")
        path = path_bytes.decode("utf-8", "replace")
        suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122 - a path of git, not of the OS
        if mode == _SUBMODULE:
            raise UsageError(
                f"`{path}` is a submodule, which may contain the files",
                hint=f"to remove them on purpose, keep {folder}/ with an empty file `.gitkeep`",
            )
        if is_file(mode) and suffix in SEGMENT_SUFFIXES and not path.startswith(f"{folder}/"):
            blobs[path] = blob.decode("ascii")
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
        return _Git(root, os.environ if env is None else env, timeout).commit()
    except UsageError:
        return None


def repository_root(root: Path) -> Path | None:
    """Return the top folder of the repository that contains a project, `None` if there is none.

    Looks for `.git` instead of running git, which refuses some repositories.
    """
    start = root.resolve()
    return next((path for path in (start, *start.parents) if (path / ".git").exists()), None)


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
    git = _Git(root, env, timeout)
    # check-ignore takes paths, not pathspecs, and rejects the global --literal-pathspecs.
    argv = ("--no-literal-pathspecs", "check-ignore", "--quiet", "--")
    code, _, stderr = git.call(*argv, path.as_posix())
    if code > 1:
        raise git.error(stderr)
    if code == 0:
        return GitStatus.IGNORED
    return (
        GitStatus.TRACKED
        if git.run("ls-files", "-z", "--", path.as_posix())
        else GitStatus.UNTRACKED
    )


class _Git:
    """Runs git in a folder, with an environment and settings that change nothing."""

    def __init__(self, root: Path, env: Mapping[str, str], timeout: float) -> None:
        passed = {
            key: value
            for key, value in env.items()
            if not key.startswith("GIT_") or key.startswith(_PASSED_VARIABLES)
        }
        self._env = {**passed, **_ENVIRONMENT}
        self._patience = timeout
        self._argv = ["git", "-C", os.fspath(root), "--no-pager", "--literal-pathspecs"]
        for key, value in _SETTINGS.items():
            self._argv += ["-c", f"{key}={value}"]

    def run(self, *argv: str, data: bytes = b"") -> bytes:
        """Return the output of git. Raises `UsageError` where it fails."""
        code, output, stderr = self.call(*argv, data=data)
        if code != 0:
            raise self.error(stderr)
        return output

    def call(self, *argv: str, data: bytes = b"") -> tuple[int, bytes, str]:
        """Return the exit code, the output and the messages of git.

        Raises `UsageError` where it cannot be run or takes too long.
        """
        try:
            process = subprocess.run(  # noqa: S603 - fixed arguments, no shell
                [*self._argv, *argv],
                input=data,
                env=self._env,
                capture_output=True,
                timeout=self._patience,
                check=False,
            )
        except FileNotFoundError:
            raise UsageError("git is not installed", hint="install git") from None
        except subprocess.TimeoutExpired:
            raise UsageError(
                f"git took longer than {self._patience:g} seconds to read the history",
                hint="try again, or run `git gc` in the repository",
            ) from None
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise UsageError(f"git cannot be started: {reason}") from None
        return process.returncode, process.stdout, process.stderr.decode("utf-8", "replace")

    def head(self) -> str:
        """Return the commit that is checked out. Raises `UsageError` for an incomplete history."""
        inside, shallow, *_ = self.run(
            "rev-parse", "--is-inside-work-tree", "--is-shallow-repository"
        ).split()
        if inside != b"true":
            raise UsageError("the project is not in the work tree of a git repository")
        if shallow != b"false":
            raise UsageError(
                "this is a shallow clone, which lacks the older commits",
                hint=f"{_FULL_CLONE}: {_UNSHALLOW}",
            )
        commit = self.commit()
        if commit is None:
            raise UsageError(
                "HEAD of the git repository has no commit",
                hint="commit the segment files",
            )
        return commit

    def commit(self) -> str | None:
        """Return the commit that is checked out, if there is one."""
        code, output, _ = self.call("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        return output.decode("ascii", "replace").strip() if code == 0 else None

    def refuse_other_histories(self, head: str, folder: str) -> None:
        """Raise `UsageError` where files of the folder have their history elsewhere.

        A submodule that is not checked out looks as if its files were removed, and the files behind
        a link have their history at its target.
        """
        for entry in self.run("ls-tree", "-r", "-z", head, "--", folder).split(b"\0"):
            mode, _, rest = entry.partition(b" ")
            path = rest.partition(b"\t")[2].decode("utf-8", "replace")
            if mode == _SUBMODULE:
                raise UsageError(
                    f"`{path}` is a submodule, whose history is in another repository",
                    hint="move its files into this repository",
                )
            if mode == _LINK and path == folder:
                raise UsageError(
                    f"`{path}` is a link, and its files have their history at the target",
                    hint="set `segments:` in segctl.yaml to the target folder",
                )

    def contents(self, blobs: Iterable[str]) -> dict[str, bytes]:
        """Return the content of each blob. Raises `UsageError` where one is missing."""
        blobs = [*blobs]
        output = self.run(
            "cat-file", "--batch", data="".join(f"{blob}\n" for blob in blobs).encode()
        )
        contents = {}
        offset = 0
        for blob in blobs:
            end = output.find(b"\n", offset)
            # `ID blob SIZE`, or `ID missing`.
            header = output[offset:end].split(b" ")
            if end < 0 or len(header) != 3 or header[1] != b"blob":  # noqa: PLR2004 - as above
                raise self.error(f"object {blob} is missing")
            start, offset = end + 1, end + 2 + int(header[2])
            contents[blob] = output[start : offset - 1]
        return contents

    def error(self, stderr: str) -> UsageError:
        """Return the error for a message of git, with a hint."""
        if "not a git repository" in stderr:
            return UsageError(
                "the project is not in a git repository",
                hint="run `git init`, and commit the files",
            )
        if "dubious ownership" in stderr:
            return UsageError(
                "git refuses to read this repository, since it belongs to another user",
                hint="if you trust it, add its folder with "
                "`git config --global --add safe.directory`",
            )
        if self._is_partial():
            return UsageError(
                "this is a partial clone, which lacks some of its history",
                hint=f"{_FULL_CLONE}: `fetch-depth: 0` and no `filter` for actions/checkout",
            )
        lines = [line for line in stderr.splitlines() if line.strip()]
        reason = (
            lines[-1].removeprefix("fatal: ")[:_LONGEST_MESSAGE] if lines else "it gives no reason"
        )
        return UsageError(
            f"git cannot read the history: {reason}",
            hint="run `git fsck` to find what is broken, or use a fresh clone with its whole "
            "history",
        )

    def _is_partial(self) -> bool:
        pattern = r"^(extensions\.partialclone|remote\..*\.(promisor|partialclonefilter))$"
        return self.call("config", "--get-regexp", pattern)[0] == 0
