"""Real git repositories that are the same everywhere: fixed authors and times, no settings."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.support.builders import query, segment_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.account import Remote
    from tests.support.project import Project

START = 1_780_000_000
"""The time of the first commit, 2026-05-28T20:26:40Z; each later one is a minute later."""


def segment(name: str, condition: str = "total_spend > 500", *, extra: str = "") -> str:
    """Return the text of a segment file."""
    return segment_yaml(name, query(condition), extra=extra)


@dataclass
class Repository:
    """A repository at `top` whose project is `root`."""

    top: Path
    root: Path
    commits: int = 0

    def git(self, *argv: str, data: bytes = b"") -> str:
        """Run git in the repository, at the time of the next commit."""
        moment = f"@{START + 60 * self.commits} +0000"
        env_without_git = {
            key: value for key, value in os.environ.items() if not key.startswith("GIT_")
        }
        env = {
            **env_without_git,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "A Committer",
            "GIT_AUTHOR_EMAIL": "committer@example.invalid",
            "GIT_COMMITTER_NAME": "Another Committer",
            "GIT_COMMITTER_EMAIL": "another@example.invalid",
            "GIT_AUTHOR_DATE": moment,
            "GIT_COMMITTER_DATE": moment,
        }
        process = subprocess.run(
            ["git", "-C", str(self.top), *argv],
            env=env,
            input=data,
            capture_output=True,
            check=True,
        )
        return process.stdout.decode().strip()

    def write(self, files: Mapping[str, str | bytes | None]) -> None:
        """Write files below segments/, or delete them (`None`)."""
        for name, content in files.items():
            path = self.root / "segments" / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, subject: str, files: Mapping[str, str | bytes | None]) -> str:
        """Write files and commit everything; return the commit."""
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", subject)
        self.commits += 1
        return self.git("rev-parse", "HEAD")

    def merge(self, branch: str, subject: str) -> str:
        """Merge a branch into the one that is checked out; return the commit."""
        self.git("merge", "--quiet", "--no-ff", "--message", subject, branch)
        self.commits += 1
        return self.git("rev-parse", "HEAD")


def set_time(remote: Remote, minutes: float) -> None:
    """Set the account's time, in minutes after the first commit."""
    remote.clock.moment = datetime.fromtimestamp(START + 60 * minutes, UTC)


def ids_by_name(remote: Remote) -> dict[str, str]:
    """Return the ids of the account's segments."""
    return {record.name: record.id for record in remote.emulator.console.segments()}


def edit_by_hand(remote: Remote, name: str, query: str) -> None:
    """Change the query of a segment in SendGrid."""
    remote.emulator.console.edit(ids_by_name(remote)[name], query=query)


def applied_repository(project: Project, remote: Remote, files: Mapping[str, str]) -> Repository:
    """Return a repository with a commit of these files, applied ten minutes after it.

    The next commit is twenty minutes after the first one, and the account's time is later.
    """
    repository = Repository(project.root, project.root)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit("Declare", files)
    set_time(remote, 10)
    assert project.run("apply", "--auto-approve").code == 0
    repository.commits = 20
    set_time(remote, 3600)
    return repository


STYLES = ["on the branch", "merge ref", "rebase", "merge", "squash"]
"""How a branch comes to main. A rebase is a fast-forward here, where nothing else is on main."""


def bring_to_main(repository: Repository, style: str) -> None:
    """Check out the branch `work` as a style of merging has it."""
    match style:
        case "on the branch":
            return
        case "merge ref":
            repository.git("checkout", "--quiet", "--detach", "main")
            repository.merge("work", "Merge work into main")
            return
    repository.git("checkout", "--quiet", "main")
    match style:
        case "rebase":
            repository.git("merge", "--quiet", "--ff-only", "work")
        case "merge":
            repository.merge("work", "Merge")
        case "squash":
            repository.git("merge", "--quiet", "--squash", "work")
            repository.commit("Squash", {})


def new_repository(top: Path, project: str = ".") -> Repository:
    """Create an empty repository with a project in it."""
    root = top / project
    (root / "segments").mkdir(parents=True)
    repository = Repository(top, root)
    repository.git("init", "--quiet", "--initial-branch=main")
    return repository
