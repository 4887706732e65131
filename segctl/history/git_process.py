"""The processes of git: the only place that runs it.

Trusts neither the repository nor the user's settings: no process runs a hook, an external diff, a
text conversion or a pager, fetches objects that a partial clone lacks, follows grafts or replaced
objects, takes a committed folder for a repository, or gets a secret. Changes nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from segctl.errors import UsageError
from segctl.history.git_log import is_file
from segctl.project.location import repository_root

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

TIMEOUT = 60.0
"""The time that one git process may take, in seconds."""

_SETTINGS = {
    "advice.graftFileDeprecated": "false",
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.quotePath": "false",
    "core.useReplaceRefs": "false",
    "diff.orderFile": os.devnull,
    "log.follow": "false",
    "log.showSignature": "false",
    "safe.bareRepository": "explicit",
}
# The variables that pass to git: where programs, libraries, settings and temporary files are, who
# started sudo (for git's check of a folder's owner), and settings, which are how a container says
# that it trusts a folder (`safe.directory`). No other does. Git needs no secret of this process; it
# has dozens of variables, each version more, and GIT_DIR and the like, which a hook sets, would
# point it elsewhere.
_PASSED_VARIABLES = re.compile(
    r"PATH|HOME|XDG_CONFIG_HOME|TMPDIR|SUDO_UID|(LD|DYLD|DYLD_FALLBACK)_LIBRARY_PATH"
    r"|DEVELOPER_DIR|SDKROOT"  # macOS, whose git is a link to that of the developer tools
    r"|SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|TEMP|TMP|USERPROFILE|HOMEDRIVE|HOMEPATH"
    r"|(LOCAL)?APPDATA|PROGRAMDATA|PROGRAMFILES(\(X86\))?|PROGRAMW6432"  # Windows
    r"|GIT_EXEC_PATH|GIT_CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|(KEY|VALUE)_[0-9]+)"
)
_ENVIRONMENT = {
    "LC_ALL": "C",
    "LANGUAGE": "",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    # A partial clone would fetch every blob that it lacks. Before git 2.44, which introduced the
    # first variable, no allowed protocol means no fetch.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
}
_HEAD = "HEAD^{commit}"
_OBJECT = re.compile(rb"([0-9a-f]+) ([a-z]+) (\d+)")
_LINK = b"120000"
SUBMODULE = b"160000"
_FULL_CLONE = "check out the whole history"
_UNSHALLOW = "`fetch-depth: 0` for actions/checkout, or run `git fetch --unshallow`"
_LONGEST_MESSAGE = 200


class GitObject(NamedTuple):
    """An object of a repository: its id, its kind (blob, tree, commit or tag) and its content."""

    id: str
    kind: bytes
    content: bytes


class Git:
    """Runs git for a project, with an environment and settings that change nothing.

    Every process runs at the top of the repository, so its paths are relative to that: `at` returns
    them, and `relative` are the options that make `git log` print them relative to the project.
    """

    def __init__(self, root: Path, env: Mapping[str, str], timeout: float) -> None:
        passed = {key: value for key, value in env.items() if _PASSED_VARIABLES.fullmatch(key)}
        self._env = {**passed, **_ENVIRONMENT}
        self._patience = timeout
        self._contents: dict[str, bytes] = {}
        folder = root.resolve()
        top = repository_root(folder)
        if top is None:
            # A folder that holds a repository's files is not a repository: anyone can commit one.
            self._env["GIT_DIR"] = os.devnull
        else:
            self._env["GIT_CEILING_DIRECTORIES"] = os.fspath(top.parent)
        path = "" if top is None else folder.relative_to(top).as_posix()
        self._prefix = "" if path in ("", ".") else f"{path}/"
        self.relative = (f"--relative={self._prefix}",) if self._prefix else ()
        self._argv = ["git", "-C", os.fspath(top or folder), "--no-pager", "--literal-pathspecs"]
        for key, value in _SETTINGS.items():
            self._argv += ["-c", f"{key}={value}"]

    def at(self, path: str) -> str:
        """Return a path of the project, relative to the top of the repository."""
        return self._prefix.rstrip("/") if path == "." else f"{self._prefix}{path}"

    def tree(self, commit: str, path: str) -> Iterator[tuple[bytes, str, str]]:
        """Yield the mode, the object and the path of each file at or below a path of the project.

        The paths are relative to the project. Raises `UsageError` where git fails.
        """
        place = self.at(path)
        argv = ("ls-tree", "-r", "-z", commit, *(("--", place) if place else ()))
        for entry in self.run(*argv).split(b"\0")[:-1]:
            header, _, name = entry.partition(b"\t")
            mode, _, blob = header.split(b" ")
            relative = name.decode("utf-8", "replace").removeprefix(self._prefix)
            yield mode, blob.decode("ascii"), relative

    def files_at(self, commit: str, folder: str = "") -> dict[str, str]:
        """Return the blob of each file in a commit, by its path from the top of the repository.

        Only those below `folder`, which is relative to the top, where it is not empty. Raises
        `UsageError` where git fails.
        """
        files = {}
        argv = ("ls-tree", "-r", "-z", commit, *(("--", folder) if folder else ()))
        for entry in self.run(*argv).split(b"\0")[:-1]:
            header, _, name = entry.partition(b"\t")
            mode, _, blob = header.split(b" ")
            if is_file(mode):
                files[name.decode("utf-8", "replace")] = blob.decode("ascii")
        return files

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
        options = ("rev-parse", "--is-inside-work-tree", "--is-shallow-repository")
        code, output, _ = self.call(*options, _HEAD, "--")
        # Without a commit, git fails after it has printed the answers; other failures recur here.
        inside, shallow, *commits = (output if code == 0 else self.run(*options)).split()
        if inside != b"true" or self._prefix.startswith(".git/"):
            raise UsageError("the project is not in the work tree of a git repository")
        if shallow != b"false":
            raise UsageError(
                "this is a shallow clone, which lacks the older commits",
                hint=f"{_FULL_CLONE}: {_UNSHALLOW}",
            )
        if not commits:
            raise UsageError(
                "HEAD of the git repository has no commit",
                hint="commit the segment files",
            )
        return commits[0].decode("ascii", "replace")

    def commit(self) -> str | None:
        """Return the commit that is checked out, if there is one."""
        code, output, _ = self.call("rev-parse", "--verify", "--quiet", _HEAD)
        return output.decode("ascii", "replace").strip() if code == 0 else None

    def refuse_other_histories(self, head: str, folder: str) -> None:
        """Raise `UsageError` where files of the folder have their history elsewhere.

        A submodule that is not checked out looks as if its files were removed, and the files behind
        a link have their history at its target.
        """
        for mode, _, path in self.tree(head, folder):
            if mode == SUBMODULE:
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
        unread = [blob for blob in dict.fromkeys(blobs) if blob not in self._contents]
        if unread:
            self._read(unread)
        return {blob: self._contents[blob] for blob in blobs}

    def _read(self, blobs: Sequence[str]) -> None:
        for blob, git_object in zip(blobs, self.objects(blobs), strict=True):
            if git_object is None or git_object.kind != b"blob":
                raise self.error(f"object {blob} is missing")
            self._contents[blob] = git_object.content

    def objects(self, names: Sequence[str]) -> list[GitObject | None]:
        """Return the object of each name, such as an id or `HEAD:path`; `None` for a missing one.

        Raises `UsageError` where git fails.
        """
        output = self.run(
            "cat-file", "--batch", data="".join(f"{name}\n" for name in names).encode()
        )
        objects: list[GitObject | None] = []
        offset = 0
        for name in names:
            end = output.find(b"\n", offset)
            if end < 0:
                raise self.error(f"object {name} is missing")
            header = _OBJECT.fullmatch(output, offset, end)
            offset = end + 1
            if header is None:
                # `NAME missing`.
                objects.append(None)
                continue
            id_, kind, size = header.groups()
            content = output[offset : offset + int(size)]
            offset += int(size) + 1
            objects.append(GitObject(id_.decode("ascii"), kind, content))
        return objects

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


def with_git_line_ends(data: bytes) -> bytes:
    """Return the content of a file with the line ends that git keeps, which may convert CRLF."""
    return data.replace(b"\r\n", b"\n")
