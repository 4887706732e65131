"""A file that is moved, renamed and edited: one answer, however the branch was merged."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from .repository import START, STYLES, Repository, bring_to_main, segment

if TYPE_CHECKING:
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
    repository = Repository(connected.root, connected.root)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit("Declare", {"keep.yaml": text("Keep", 7), "vip.yaml": text("VIP", 90)})
    remote.clock.moment = datetime.fromtimestamp(START + 600, UTC)
    assert connected.run("apply", "--auto-approve").code == 0
    repository.commits = 20
    remote.clock.moment = datetime.fromtimestamp(START + 36_000, UTC)
    return repository


def ids_by_name(remote: Remote) -> dict[str, str]:
    return {segment.name: segment.id for segment in remote.emulator.console.segments()}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("steps", ["move, name, query", "move and name, query"])
def test_the_segment_keeps_its_id_however_the_branch_is_merged(
    connected: Project, remote: Remote, repository: Repository, style: str, steps: str
) -> None:
    old = ids_by_name(remote)["VIP"]
    repository.git("checkout", "--quiet", "-b", "work")
    if steps == "move, name, query":
        repository.commit("Move", {"vip.yaml": None, "best.yaml": text("VIP", 90)})
        repository.commit("Rename", {"best.yaml": text("Best", 90)})
    else:
        repository.commit("Move", {"vip.yaml": None, "best.yaml": text("Best", 90)})
    repository.commit("Edit", {"best.yaml": text("Best", 60)})
    bring_to_main(repository, style)
    plan = connected.run("plan")
    assert plan.code == 0
    assert "0 to create, 1 to patch, 0 to replace, 0 to delete" in plan.out
    assert connected.run("apply", "--auto-approve").code == 0
    assert ids_by_name(remote)["Best"] == old
    assert set(ids_by_name(remote)) == {"Best", "Keep"}


@pytest.mark.parametrize("decision", ["rename", "delete"])
@pytest.mark.parametrize("style", ["merge ref", "merge", "squash", "one commit"])
def test_a_similar_file_with_another_query_is_refused_until_a_line_decides(
    connected: Project, remote: Remote, repository: Repository, style: str, decision: str
) -> None:
    old = ids_by_name(remote)["VIP"]
    new = text("Best", 60, description="")
    repository.git("checkout", "--quiet", "-b", "work")
    changes: dict[str, str | bytes | None] = {"vip.yaml": None, "best.yaml": new}
    if style == "one commit":
        repository.commit("Replace", changes)
    else:
        repository.commit("Remove", {"vip.yaml": None})
        repository.commit("Add", {"best.yaml": new})
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


def test_a_removed_and_a_new_file_that_are_not_similar_are_two_segments(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    other = segment("Other", "city = 'Brno'")
    repository.commit("Replace", {"vip.yaml": None, "other.yaml": other})
    plan = connected.run("plan")
    assert plan.code == 0
    assert "1 to create, 0 to patch, 0 to replace, 1 to delete" in plan.out
    assert connected.run("apply", "--auto-approve").code == 0
    assert set(ids_by_name(remote)) == {"Other", "Keep"}
