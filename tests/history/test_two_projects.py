"""Two projects of one repository: a file that moves between them deletes nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from segctl.history.git import read_removal_history
from segctl.model.accounts import Account

from .repository import START, STYLES, Repository, bring_to_main, new_repository, segment

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


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    "path",
    [
        "two/segments/a.yml",
        "two/segments/deep/a.YAML",
        "one/nested/segments/a.Yml",
        "segments/a.yaml",
        "segctl.yaml in a/people/a.yaml",
    ],
)
def test_a_project_needs_no_settings_to_declare_a_name(
    tmp_path: Path, path: str, style: str
) -> None:
    repository = new_repository(tmp_path, "one")
    repository.commit("Add", {"a.yaml": segment("A"), "b.yaml": segment("B", "city = 'Brno'")})
    repository.git("checkout", "--quiet", "-b", "work")
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    if "people" in path:
        (file.parents[1] / "segctl.yaml").write_text("version: 1\nsegments: people\n")
    (repository.root / "segments/a.yaml").rename(file)
    repository.commit("Move", {"b.yaml": None})
    bring_to_main(repository, style)
    history = read_removal_history(repository.root, "segments", (), account=Account())
    assert [item.name for item in history.removals] == ["B"]
    assert history.declared_elsewhere == (("A", path),)


@pytest.mark.parametrize("path", ["two/other/a.yaml", "two/segments/a.txt", "one/a.yaml"])
def test_a_file_of_no_project_declares_nothing(tmp_path: Path, path: str) -> None:
    repository = new_repository(tmp_path, "one")
    repository.commit("Add", {"a.yaml": segment("A")})
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    (repository.root / "segments/a.yaml").rename(file)
    repository.commit("Move", {})
    history = read_removal_history(repository.root, "segments", (), account=Account())
    assert [item.name for item in history.removals] == ["A"]


@pytest.mark.parametrize("removed", ["true", "forget"])
def test_a_project_that_removes_a_name_does_not_declare_it(tmp_path: Path, removed: str) -> None:
    repository = new_repository(tmp_path, "one")
    repository.commit("Add", {"a.yaml": segment("A")})
    (tmp_path / "two/segments").mkdir(parents=True)
    (tmp_path / "two/segments/a.yaml").write_text(f"name: A\nremoved: {removed}\n")
    repository.commit("Remove", {"a.yaml": None})
    history = read_removal_history(repository.root, "segments", (), account=Account())
    assert [item.name for item in history.removals] == ["A"]


@pytest.mark.parametrize(
    ("settings", "may_share"),
    [
        ("subuser: other", False),
        ("region: eu", False),
        ("api_key_env: THE_SAME_KEY_OR_ANOTHER", True),
        ("subuser: other, api_key_env: OF_THE_PARENT", True),
    ],
)
def test_a_project_for_another_account_declares_nothing_here(
    tmp_path: Path, settings: str, *, may_share: bool
) -> None:
    repository = new_repository(tmp_path, "one")
    repository.commit("Add", {"a.yaml": segment("A")})
    (tmp_path / "two/segments").mkdir(parents=True)
    (tmp_path / "two/segctl.yaml").write_text(
        f"version: 1\ntargets:\n  production: {{{settings}}}\n"
    )
    (repository.root / "segments/a.yaml").rename(tmp_path / "two/segments/a.yaml")
    repository.commit("Move", {})
    history = read_removal_history(repository.root, "segments", (), account=Account())
    assert bool(history.removals) is not may_share
    assert bool(history.declared_elsewhere) is may_share


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
