"""Promise: a command takes no project that another user of the machine put above it.

Against a `segctl.yaml` beside a `.git` in a folder that several people can write to, such as /tmp.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from segctl.project.location import project_folder

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.posix


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a project and a repository, above the current folder."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "segctl.yaml").write_text("version: 1\n")
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path / "mine")
    return tmp_path


def become_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as somebody who owns none of the files so far."""
    uid = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: uid)


@pytest.mark.usefixtures("shared")
def test_the_project_of_another_user_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert project_folder() == ".."
    become_another_user(monkeypatch)
    assert project_folder() == "."


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("name", [".git", "segctl.yaml"])
@pytest.mark.parametrize("is_link", [False, True])
def test_neither_half_of_it_may_be_theirs(shared: Path, name: str, is_link: bool) -> None:
    path = shared / name
    if is_link:
        target = path.rename(shared / "mine" / "target")
        path.symlink_to(target)
    os.chown(path, 12345, 12345, follow_symlinks=False)
    assert project_folder() == "."
