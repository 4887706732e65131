"""A file that is moved, renamed and edited: one answer, however the branch was merged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from segctl.history.git import read_removal_history

from .repository import (
    STYLES,
    Repository,
    applied_repository,
    bring_to_main,
    ids_by_name,
    new_repository,
    segment,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.account import Remote
    from tests.support.project import Project

QUERY = """\
query_dsl: |
  SELECT contact_id, updated_at
  FROM contact_data
  WHERE country IN ('DE', 'AT', 'CH')
    AND created_at > timestampadd(day, -DAYS, CURRENT_TIMESTAMP)
"""


def text(name: str, days: int, *, description: str = "New in the north.", extra: str = "") -> str:
    described = f"description: {description}\n" if description else ""
    header = f"name: {name}\n{described}owner: sales\ntags: [customers]\n{extra}"
    return header + QUERY.replace("DAYS", str(days))


@pytest.fixture
def repository(connected: Project, remote: Remote) -> Repository:
    """A repository with two applied segments."""
    return applied_repository(
        connected, remote, {"keep.yaml": text("Keep", 7), "vip.yaml": text("VIP", 90)}
    )


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    "steps", ["move, name, query", "move and name, query", "remove, add", "add, remove"]
)
def test_the_segment_keeps_its_id_however_the_branch_is_merged(
    connected: Project, remote: Remote, repository: Repository, style: str, steps: str
) -> None:
    old = ids_by_name(remote)["VIP"]
    repository.git("checkout", "--quiet", "-b", "work")
    match steps:
        case "move, name, query":
            repository.commit("Move", {"vip.yaml": None, "best.yaml": text("VIP", 90)})
            repository.commit("Rename", {"best.yaml": text("Best", 90)})
            repository.commit("Edit", {"best.yaml": text("Best", 60)})
        case "move and name, query":
            repository.commit("Move", {"vip.yaml": None, "best.yaml": text("Best", 90)})
            repository.commit("Edit", {"best.yaml": text("Best", 60)})
        case "remove, add":
            repository.commit("Remove", {"vip.yaml": None})
            repository.commit("Other work", {"keep.yaml": text("Keep", 8)})
            repository.commit("Add", {"best.yaml": text("Best", 60)})
        case _:
            repository.commit("Add", {"best.yaml": text("Best", 60)})
            repository.commit("Remove", {"vip.yaml": None})
    bring_to_main(repository, style)
    plan = connected.run("plan")
    assert plan.code == 0
    patches = 2 if steps == "remove, add" else 1
    assert f"0 to create, {patches} to patch, 0 to replace, 0 to delete" in plan.out
    assert connected.run("apply", "--auto-approve").code == 0
    assert ids_by_name(remote)["Best"] == old
    assert set(ids_by_name(remote)) == {"Best", "Keep"}
    assert connected.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("decision", ["rename", "delete"])
@pytest.mark.parametrize("steps", ["one commit", "remove, add", "add, remove"])
@pytest.mark.parametrize("style", STYLES)
def test_a_similar_file_with_another_query_is_refused_until_a_line_decides(
    connected: Project,
    remote: Remote,
    repository: Repository,
    style: str,
    *,
    steps: str,
    decision: str,
) -> None:
    old = ids_by_name(remote)["VIP"]
    new = text("Best", 60, description="")
    repository.git("checkout", "--quiet", "-b", "work")
    match steps:
        case "one commit":
            repository.commit("Replace", {"vip.yaml": None, "best.yaml": new})
        case "remove, add":
            repository.commit("Remove", {"vip.yaml": None})
            repository.commit("Add", {"best.yaml": new})
        case _:
            repository.commit("Add", {"best.yaml": new})
            repository.commit("Remove", {"vip.yaml": None})
    bring_to_main(repository, style)
    plan = connected.run("plan")
    assert plan.code == 3
    assert "error[rename-or-delete]: `Best` may be the new name of `VIP`" in plan.out
    assert 'previous_names: ["VIP"]' in plan.out
    assert connected.run("apply", "--auto-approve").code == 3
    assert ids_by_name(remote)["VIP"] == old
    if decision == "rename":
        line = 'previous_names: ["VIP"]\n'
        repository.commit("Decide", {"best.yaml": text("Best", 60, description="", extra=line)})
    else:
        repository.commit("Decide", {"vip.yaml": "name: VIP\nremoved: true\n"})
    assert connected.run("apply", "--auto-approve").code == 0
    assert set(ids_by_name(remote)) == {"Best", "Keep"}
    assert (ids_by_name(remote)["Best"] == old) is (decision == "rename")


@pytest.mark.parametrize("steps", ["one commit", "remove, add", "add, remove"])
def test_a_removed_and_a_new_file_that_are_not_similar_are_two_segments(
    connected: Project, remote: Remote, repository: Repository, steps: str
) -> None:
    other = segment("Other", "city = 'Brno'")
    changes: dict[str, dict[str, str | bytes | None]] = {
        "remove": {"vip.yaml": None},
        "add": {"other.yaml": other},
        "one commit": {"vip.yaml": None, "other.yaml": other},
    }
    for step in steps.split(", "):
        repository.commit(step, changes[step])
    plan = connected.run("plan")
    assert plan.code == 0
    assert "1 to create, 0 to patch, 0 to replace, 1 to delete" in plan.out
    assert connected.run("apply", "--auto-approve").code == 0
    assert set(ids_by_name(remote)) == {"Other", "Keep"}


def test_a_removal_that_was_applied_is_not_half_of_a_rename(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    repository.commit("Remove", {"vip.yaml": None})
    assert connected.run("apply", "--auto-approve").code == 0
    assert set(ids_by_name(remote)) == {"Keep"}
    repository.commit("Add", {"best.yaml": text("Best", 60, description="")})
    plan = connected.run("plan")
    assert plan.code == 0
    assert "1 to create, 0 to patch, 0 to replace, 0 to delete" in plan.out


@pytest.mark.parametrize("order", ["remove, add", "add, remove"])
@pytest.mark.parametrize("present", [{"VIP"}, {"VIP", "Best"}, {"Best"}, None])
def test_only_names_in_the_account_are_paired_with_those_that_are_not(
    tmp_path: Path, order: str, present: set[str] | None
) -> None:
    repository = new_repository(tmp_path, "a/project")
    best = text("Best", 60, description="")
    repository.commit("Declare", {"keep.yaml": text("Keep", 7), "vip.yaml": text("VIP", 90)})
    steps: dict[str, dict[str, str | bytes | None]] = {
        "remove": {"vip.yaml": None},
        "add": {"best.yaml": best},
    }
    first, last = order.split(", ")
    repository.commit(first, steps[first])
    # The folder moves between the two.
    (repository.root / "segctl.yaml").write_text("version: 1\nsegments: people\n")
    (repository.root / "segments").rename(repository.root / "people")
    repository.commit("Move", {})
    if last == "remove":
        (repository.root / "people/vip.yaml").unlink()
    else:
        (repository.root / "people/best.yaml").write_text(best)
    repository.commit(last, {})
    history = read_removal_history(repository.root, "people", {"Keep", "Best"}, present=present)
    (removal,) = history.removals
    assert removal.renamed_to == ""
    assert removal.maybe_renamed_to == ("Best" if present == {"VIP"} else "")
