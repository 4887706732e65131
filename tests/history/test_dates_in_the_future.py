"""Commits that a wrong clock dated in the future prove neither a removal nor a rename."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from .repository import START, Repository, segment

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

MINUTES_AHEAD = 100_000


@pytest.fixture
def repository(connected: Project, remote: Remote) -> Repository:
    """A repository with two applied segments, whose next commit is dated ahead of the clock."""
    repository = Repository(connected.root, connected.root)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit(
        "Declare", {"keep.yaml": segment("Keep"), "vip.yaml": segment("VIP", "city = 'Brno'")}
    )
    remote.clock.moment = datetime.fromtimestamp(START + 3600, UTC)
    assert connected.run("apply", "--auto-approve").code == 0
    repository.commits = MINUTES_AHEAD
    return repository


@pytest.mark.parametrize("text", [None, segment("VIP customers", "city = 'Brno'")])
def test_a_removal_or_rename_dated_in_the_future_proves_nothing(
    connected: Project, remote: Remote, repository: Repository, text: str | None
) -> None:
    commit = repository.commit("Change", {"vip.yaml": text})
    plan = connected.run("plan")
    assert plan.code == 0
    assert f"commit {commit[:10]}, which removed or renamed it, is dated in the future" in plan.out
    assert "dated-ahead" in plan.out
    assert connected.run("apply", "--auto-approve").code == 0
    assert "VIP" in remote.definitions()


def test_it_counts_from_that_date_on(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    repository.commit("Remove", {"vip.yaml": None})
    connected.clock.moment = datetime.fromtimestamp(START, UTC) + timedelta(minutes=MINUTES_AHEAD)
    plan = connected.run("plan")
    assert "- delete  VIP" in plan.out
    assert "dated-ahead" not in plan.out
    assert connected.run("apply", "--auto-approve").code == 0
    assert "VIP" not in remote.definitions()
