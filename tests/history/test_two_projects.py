"""Two projects of one repository: a file that moves between them deletes nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from segctl.history.git import read_removal_history

from .repository import START, Repository, new_repository, segment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.account import Remote
    from tests.support.project import Project


@pytest.mark.parametrize("folder", ["segments", "audiences"])
def test_a_name_that_another_project_declares_is_not_removed(tmp_path: Path, folder: str) -> None:
    repository = new_repository(tmp_path, "one")
    repository.commit("Add", {"a.yaml": segment("A"), "b.yaml": segment("B", "city = 'Brno'")})
    other = tmp_path / "two"
    (other / folder).mkdir(parents=True)
    (other / "segctl.yaml").write_text(f"version: 1\nsegments: {folder}\n")
    (other / folder / "a.yaml").write_text(segment("A"))
    commit = repository.commit("Move A, remove B", {"a.yaml": None, "b.yaml": None})
    history = read_removal_history(repository.root, "segments", ())
    assert [(item.name, item.commit) for item in history.removals] == [("B", commit)]
    assert history.declared_elsewhere == (("A", f"two/{folder}/a.yaml"),)
    (other / folder / "a.yaml").unlink()
    repository.commit("Remove A", {})
    history = read_removal_history(repository.root, "segments", ())
    assert [item.name for item in history.removals] == ["A", "B"]


def test_the_plan_names_the_file_that_declares_the_segment_now(
    connected: Project, remote: Remote
) -> None:
    repository = Repository(connected.root, connected.root)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit("Add", {"a.yaml": segment("A"), "keep.yaml": segment("Keep")})
    remote.clock.moment = datetime.fromtimestamp(START + 30, UTC)
    assert connected.run("apply", "--auto-approve").code == 0
    connected.write({"two/segctl.yaml": "version: 1\n", "two/segments/a.yaml": segment("A")})
    repository.commit("Move", {"a.yaml": None})
    plan = connected.run("plan")
    assert plan.code == 0
    assert "another project of this repository declares it (two/segments/a.yaml)" in plan.out
    assert connected.run("apply", "--auto-approve").code == 0
    assert "A" in remote.definitions()
