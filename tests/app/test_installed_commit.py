"""Which commit of segctl runs, from what pip noted, and what `init` does with it."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from segctl.app.installed_commit import _commit_of, installed_commit
from segctl.app.starter_files import ACTION, VERSION_LINE
from tests.support.process import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.project import Project

COMMIT = "c0ffee" * 6 + "c0ff"
OWN = "https://github.com/segctl/segctl"


def from_git(url: str, commit: str = COMMIT) -> dict[str, Any]:
    return {"url": url, "vcs_info": {"vcs": "git", "commit_id": commit}}


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (from_git(OWN), COMMIT),
        (from_git(f"{OWN}.git"), COMMIT),
        (from_git("https://git.example.com/segctl.git"), f"git+https://git.example.com/segctl.git@{COMMIT}"),
        (from_git(OWN, "main"), None),
        (from_git('https://example.com/" # x'), None),
        ({"url": "file:///dist/segctl.whl", "archive_info": {}}, None),
        ({"url": "file:///nowhere", "dir_info": {}}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_the_commit_is_the_one_that_pip_noted(origin: dict[str, Any], expected: str | None) -> None:
    assert _commit_of(origin, os.environ) == expected


def test_the_commit_of_a_clone_is_what_it_has_checked_out(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=Test", "-c", "user.email=t@example.com"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "Start"], check=True)
    head = subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()
    assert _commit_of({"url": tmp_path.as_uri(), "dir_info": {}}, os.environ) == head


def version_in(project: Project) -> str:
    text = (project.root / ACTION / "action.yml").read_bytes()
    (version,) = VERSION_LINE.findall(text)
    return str(version, "ascii")


@pytest.mark.skipif(not (REPOSITORY / ".git").exists(), reason="not a checkout")
def test_init_writes_down_the_commit(project: Project) -> None:
    done = project.run("init")
    commit = installed_commit(os.environ)
    assert commit is not None
    assert re.fullmatch(r"[0-9a-f]{40}", commit)
    assert version_in(project) == commit
    assert f"the action installs the commit {commit[:12]} of {OWN}\n" in done.err


def test_an_unknown_commit_is_said_and_replaces_no_known_one(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("segctl.app.starter_files", "segctl.cli.commands.init"):
        monkeypatch.setattr(f"{module}.installed_commit", lambda _env: None)
    done = project.run("init")
    assert "warning: it is unknown from which commit" in done.err
    assert version_in(project) == ""
    action = project.root / ACTION / "action.yml"
    text = VERSION_LINE.sub(
        b'    default: "%s" # segctl init' % COMMIT.encode(), action.read_bytes()
    )
    action.write_bytes(b"# of an older version\n" + text)
    assert project.run("init", "--update").code == 0
    assert version_in(project) == COMMIT
    assert b"# of an older version" not in action.read_bytes()
