"""Asks git what the segments folder declared, and when: the one seam for git.

Owns the processes, their environment and their output; what the commits mean is `ledger/`. Two
processes read a history of any length: one `git log` gives every commit of the first-parent line
that touched the folder with the ids of what it wrote, one `git cat-file --batch` the contents.

Trusts neither the repository nor the user's settings: nothing here runs a hook, an external diff, a
text conversion or a pager, fetches what a partial clone lacks, follows replaced objects, or prints
otherwise than asked. Changes nothing. A history that is not whole is never taken for one: it is
refused with the reason.
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
"""Seconds that one git process may take."""

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
# What git may be told from outside: where its settings and its programs are. GIT_DIR and the like,
# which a hook has set, would lead it away from the project's folder.
_KEPT = ("GIT_CONFIG", "GIT_EXEC_PATH", "GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS")
_ENVIRONMENT = {
    "LC_ALL": "C",
    "LANGUAGE": "",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    # A partial clone would fetch every blob it lacks. The first is known since git 2.44; without
    # it, there is no protocol by which anything could be fetched.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
}
_LINK = b"120000"
_SUBMODULE = b"160000"
_WHOLE = "check the repository out with its whole history"
_FETCH = "`fetch-depth: 0` for actions/checkout, `git fetch --unshallow` by hand"
_LONGEST_WORDS = 200


def read_removal_history(
    root: Path,
    folder: str,
    now_declared: Collection[str],
    *,
    env: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT,
) -> RemovalHistory:
    """Tell which segments the history of a folder declared that no file declares now.

    `folder` is relative to the project's `root`; `now_declared` holds the names that the files of
    the work tree declare. A name that HEAD still declares is no removal either: no commit removed
    it, though its file may be deleted in the work tree or left out by a sparse checkout.
    Never raises for what git says: the ledger is then unavailable, with the reason and a remedy.
    """
    try:
        past = read_timeline(root, folder, env=env, timeout=timeout)
    except UsageError as error:
        return RemovalHistory(unavailable=error.message, remedy=error.hint)
    return RemovalHistory(past.removals(now_declared), uncommitted=past.uncommitted(now_declared))


def read_timeline(
    root: Path,
    folder: str,
    *,
    env: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT,
) -> Timeline:
    """Read the whole first-parent history of a folder, from its first commit to HEAD.

    Raises `UsageError` where there is no git, no repository, no commit, or a history that is not
    whole or cannot be read.
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
    """Give a place outside of a folder to which a commit moved a file of it, empty if it did not.

    git tells by their likeness; the place is relative to the top of the repository. The commit has
    a parent. Raises `UsageError` where git cannot tell.
    """
    git = _Git(root, env, TIMEOUT)
    # Without the limit by which git, or the user's settings, give up on many files.
    asked = ("diff-tree", "-r", "-z", "--name-status", "--find-renames", "-l0", "--diff-filter=R")
    told = git.run(*asked, f"{commit}^1", commit).decode("utf-8", "replace").split("\0")
    above = git.run("rev-parse", "--show-prefix").decode("utf-8", "replace").strip()
    inside = f"{above}{folder}/"
    # For each file a word and the two paths; the last piece is empty.
    moves = zip(told[1::3], told[2::3], strict=False)
    outward = (new for old, new in moves if old.startswith(inside) and not new.startswith(inside))
    return next(outward, "")


def find_declared_elsewhere(
    root: Path, folder: str, names: Collection[str], env: Mapping[str, str]
) -> tuple[str, str] | None:
    """Give a file of the project outside of a folder that declares one of some names, and that.

    Asks for what HEAD has; the file is relative to `root`. Raises `UsageError` where git cannot
    tell: also where a submodule could have such a file.
    """
    git = _Git(root, env, TIMEOUT)
    blobs = {}
    for entry in git.run("ls-tree", "-r", "-z", "HEAD").split(b"\0")[:-1]:
        what, _, path = entry.partition(b"\t")
        mode, _, blob = what.split(b" ")
        name = path.decode("utf-8", "replace")
        suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - a path of git, not of here
        if mode == _SUBMODULE:
            raise UsageError(
                f"`{name}` is a submodule, and could have the files",
                hint=f"if they are to go, keep {folder}/, with an empty file `.gitkeep` in it",
            )
        if is_file(mode) and suffix in SEGMENT_SUFFIXES and not name.startswith(f"{folder}/"):
            blobs[name] = blob.decode("ascii")
    contents = git.contents(dict.fromkeys(blobs.values()))
    declared = ((file, possible_name(contents[blob])) for file, blob in blobs.items())
    return next((one for one in declared if one[1] in names), None)


def current_commit(
    root: Path, *, env: Mapping[str, str] | None = None, timeout: float = TIMEOUT
) -> str | None:
    """Give the commit that is checked out, `None` where there is none or it cannot be told.

    A shallow clone has it, too.
    """
    try:
        return _Git(root, os.environ if env is None else env, timeout).commit()
    except UsageError:
        return None


def repository_root(root: Path) -> Path | None:
    """Give the folder of the repository that holds a project, `None` where none does.

    Asks the files alone: git refuses some repositories, and a place in one is no secret of it.
    """
    here = root.resolve()
    return next((one for one in (here, *here.parents) if (one / ".git").exists()), None)


class GitStatus(Enum):
    """What git makes of a file: it leaves it alone, would take it with all others, or has it."""

    IGNORED = "hidden"
    UNTRACKED = "loose"
    TRACKED = "tracked"


def git_status_of(
    root: Path, path: Path, *, env: Mapping[str, str] | None = None, timeout: float = TIMEOUT
) -> GitStatus:
    """Say what git makes of a file; it is hidden where it is ignored, or there is no git.

    `path` need not exist, and is relative to `root`. Raises `UsageError` where git cannot tell.
    """
    env = os.environ if env is None else env
    # Whoever has no git commits nothing.
    if repository_root(root) is None or shutil.which("git", path=env.get("PATH")) is None:
        return GitStatus.IGNORED
    git = _Git(root, env, timeout)
    # This command knows no magic in paths, and refuses to be told that there is none.
    asking = ("--no-literal-pathspecs", "check-ignore", "--quiet", "--")
    code, _, words = git.call(*asking, path.as_posix())
    if code > 1:
        raise git.refusal(words)
    if code == 0:
        return GitStatus.IGNORED
    return (
        GitStatus.TRACKED
        if git.run("ls-files", "-z", "--", path.as_posix())
        else GitStatus.UNTRACKED
    )


class _Git:
    """Runs git in a folder."""

    def __init__(self, root: Path, env: Mapping[str, str], timeout: float) -> None:
        kept = {
            key: value
            for key, value in env.items()
            if not key.startswith("GIT_") or key.startswith(_KEPT)
        }
        self._env = {**kept, **_ENVIRONMENT}
        self._patience = timeout
        self._argv = ["git", "-C", os.fspath(root), "--no-pager", "--literal-pathspecs"]
        for key, value in _SETTINGS.items():
            self._argv += ["-c", f"{key}={value}"]

    def run(self, *argv: str, data: bytes = b"") -> bytes:
        """Give what git printed. Raises `UsageError` where it did not end well."""
        code, out, words = self.call(*argv, data=data)
        if code != 0:
            raise self.refusal(words)
        return out

    def call(self, *argv: str, data: bytes = b"") -> tuple[int, bytes, str]:
        try:
            done = subprocess.run(  # noqa: S603 - fixed words, no shell
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
        return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")

    def head(self) -> str:
        """Give the commit that is checked out, of a repository that has all of its history."""
        inside, shallow, *_ = self.run(
            "rev-parse", "--is-inside-work-tree", "--is-shallow-repository"
        ).split()
        if inside != b"true":
            raise UsageError("the project is not in the work tree of a git repository")
        if shallow != b"false":
            raise UsageError(
                "this is a shallow clone, which lacks the older commits", hint=f"{_WHOLE}: {_FETCH}"
            )
        commit = self.commit()
        if commit is None:
            raise UsageError(
                "the git repository has no commit that HEAD leads to",
                hint="commit the segment files",
            )
        return commit

    def commit(self) -> str | None:
        """Give the commit that is checked out, if there is one."""
        code, out, _ = self.call("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        return out.decode("ascii", "replace").strip() if code == 0 else None

    def refuse_other_histories(self, head: str, folder: str) -> None:
        """Raise `UsageError` where files of the folder have their history somewhere else.

        A submodule that is not checked out looks as if its files were removed, and what became of
        a file behind a link is told of the place to which that leads.
        """
        for entry in self.run("ls-tree", "-r", "-z", head, "--", folder).split(b"\0"):
            mode, _, rest = entry.partition(b" ")
            path = rest.partition(b"\t")[2].decode("utf-8", "replace")
            if mode == _SUBMODULE:
                raise UsageError(
                    f"`{path}` is a submodule, whose history is in another repository",
                    hint="put its files into this repository",
                )
            if mode == _LINK and path == folder:
                raise UsageError(
                    f"`{path}` is a link, and the history is that of the folder behind it",
                    hint="let `segments:` in segctl.yaml name that folder",
                )

    def contents(self, blobs: Iterable[str]) -> dict[str, bytes]:
        """Give the contents of blobs, all of them."""
        asked = [*blobs]
        out = self.run("cat-file", "--batch", data="".join(f"{one}\n" for one in asked).encode())
        found = {}
        at = 0
        for blob in asked:
            end = out.find(b"\n", at)
            # `ID blob SIZE`, or `ID missing`.
            words = out[at:end].split(b" ")
            if end < 0 or len(words) != 3 or words[1] != b"blob":  # noqa: PLR2004
                raise self.refusal(f"object {blob} is missing")
            start, at = end + 1, end + 2 + int(words[2])
            found[blob] = out[start : at - 1]
        return found

    def refusal(self, words: str) -> UsageError:
        """Find the words for a person in those of git."""
        if "not a git repository" in words:
            return UsageError(
                "the project is not in a git repository", hint="`git init`, and commit the files"
            )
        if "dubious ownership" in words:
            return UsageError(
                "git refuses to read this repository, since it belongs to another user",
                hint="if you trust it: `git config --global --add safe.directory` with its folder",
            )
        if self._is_partial():
            return UsageError(
                "this is a partial clone, which lacks a part of its history",
                hint=f"{_WHOLE}: `fetch-depth: 0` and no `filter` for actions/checkout",
            )
        lines = [line for line in words.splitlines() if line.strip()]
        last = (
            lines[-1].removeprefix("fatal: ")[:_LONGEST_WORDS] if lines else "it does not say why"
        )
        return UsageError(
            f"git cannot read the history: {last}",
            hint="`git fsck` looks for what is broken; a fresh clone with `fetch-depth: 0` has it",
        )

    def _is_partial(self) -> bool:
        pattern = r"^(extensions\.partialclone|remote\..*\.(promisor|partialclonefilter))$"
        return self.call("config", "--get-regexp", pattern)[0] == 0
