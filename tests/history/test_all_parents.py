"""Branches that merge main: main's removals count there as on main."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from segctl.history.git import read_removal_history

from .repository import START, Repository, segment

if TYPE_CHECKING:
    from segctl.planning.ownership import Removal
    from tests.support.account import Remote
    from tests.support.project import Project

VIP, PROTECTED = segment("VIP"), segment("VIP", extra="protected: true\n")


def removals(repository: Repository) -> dict[str, Removal]:
    history = read_removal_history(repository.root, "segments", ())
    assert history.unavailable == ""
    return {removal.name: removal for removal in history.removals}


@pytest.fixture
def repository(repository: Repository) -> Repository:
    """A repository on main, with a branch `work` that has a commit which main lacks."""
    repository.commit("Declare", {"keep.yaml": segment("Keep"), "vip.yaml": VIP})
    repository.git("checkout", "--quiet", "-b", "work")
    repository.commit("Work", {"keep.yaml": segment("Keep", "city = 'Brno'")})
    repository.git("checkout", "--quiet", "main")
    return repository


def merge_main_into_work(repository: Repository) -> str:
    """Merge main into the branch an hour later; return the merge."""
    repository.commits += 60
    repository.git("checkout", "--quiet", "work")
    return repository.merge("main", "Merge branch 'main' into work")


def test_a_removal_on_main_has_its_date_there(repository: Repository) -> None:
    commit = repository.commit("Remove", {"vip.yaml": None})
    on_main = removals(repository)["VIP"]
    merge = merge_main_into_work(repository)
    assert removals(repository)["VIP"] == on_main
    assert on_main.commit == commit != merge


def test_an_octopus_merge_shows_the_removals_of_all_its_parents(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "-b", "other", "work")
    commit = repository.commit("Remove", {"vip.yaml": None})
    repository.git("checkout", "--quiet", "-b", "third", "main")
    repository.commit("Third", {"third.yaml": segment("Third")})
    repository.git("checkout", "--quiet", "work")
    repository.commit("More work", {"keep.yaml": segment("Keep", "city = 'Praha'")})
    repository.commits += 60
    repository.git("merge", "--quiet", "--no-ff", "--message", "Octopus", "other", "third")
    assert removals(repository)["VIP"].commit == commit


def test_protection_on_main_counts_on_the_branch(repository: Repository) -> None:
    repository.commit("Protect", {"vip.yaml": PROTECTED})
    repository.commit("Remove", {"vip.yaml": None})
    merge_main_into_work(repository)
    assert removals(repository)["VIP"].is_protected


def test_protection_on_main_counts_though_the_branch_removed_the_file(
    repository: Repository,
) -> None:
    repository.commit("Protect", {"vip.yaml": PROTECTED})
    repository.commit("Remove", {"vip.yaml": None})
    repository.git("checkout", "--quiet", "work")
    repository.commit("Remove here", {"vip.yaml": None})
    assert not removals(repository)["VIP"].is_protected
    merge_main_into_work(repository)
    assert removals(repository)["VIP"].is_protected


def test_a_name_that_main_forgot_is_not_removed_on_the_branch(repository: Repository) -> None:
    repository.commit("Forget", {"vip.yaml": "name: VIP\nremoved: forget\n"})
    repository.commit("Tidy up", {"vip.yaml": None})
    assert removals(repository) == {}
    merge_main_into_work(repository)
    assert removals(repository) == {}


def test_a_removal_before_the_name_was_declared_again_does_not_count(
    repository: Repository,
) -> None:
    repository.commit("Remove", {"vip.yaml": None})
    repository.commit("Declare again", {"vip.yaml": VIP})
    last = repository.commit("Remove again", {"vip.yaml": None})
    merge_main_into_work(repository)
    assert removals(repository)["VIP"].commit == last


def test_a_removal_counts_only_from_the_date_of_a_later_one(repository: Repository) -> None:
    """Main declared the name again, and removed it in a commit that is dated ahead."""
    repository.commit("Remove", {"vip.yaml": None})
    repository.git("branch", "--force", "work")
    repository.commit("Declare again", {"vip.yaml": VIP})
    repository.commits = 5000
    repository.commit("Remove again", {"vip.yaml": None})
    repository.commits = 200
    now = datetime.fromtimestamp(START + 60 * 300, UTC)
    expected = read_removal_history(repository.root, "segments", (), now=now)
    assert [removal.name for removal in expected.dated_ahead] == ["VIP"]
    merge_main_into_work(repository)
    on_branch = read_removal_history(repository.root, "segments", (), now=now)
    ahead, expected_ahead = on_branch.dated_ahead, expected.dated_ahead
    assert [item.commit for item in ahead] == [item.commit for item in expected_ahead]
    assert on_branch.removals == ()


def test_a_branch_that_declared_a_removed_name_for_a_while_makes_nothing_removable(
    connected: Project, remote: Remote
) -> None:
    """Someone made a namesake after the removal on main."""
    repository = Repository(connected.root, connected.root)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit("Declare", {"keep.yaml": segment("Keep"), "vip.yaml": VIP})
    repository.commit("Remove", {"vip.yaml": None})
    remote.clock.moment = datetime.fromtimestamp(START + 120, UTC)
    remote.emulator.console.create("VIP", remote_query(VIP))
    repository.commits = 60
    repository.git("checkout", "--quiet", "-b", "work")
    repository.commit("Declare again", {"vip.yaml": VIP})
    repository.commit("Remove again", {"vip.yaml": None})
    repository.git("checkout", "--quiet", "main")
    repository.merge("work", "Merge")
    remote.clock.moment = datetime.fromtimestamp(START + 60 * 300, UTC)
    assert "newer-left" in connected.run("apply", "--auto-approve").out
    assert "VIP" in remote.definitions()
    assert connected.run("plan", "--detailed-exitcode").code == 0


def test_a_namesake_that_is_newer_than_the_removal_on_main_is_left(
    connected: Project, remote: Remote
) -> None:
    repository = Repository(connected.root, connected.root)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit("Declare", {"keep.yaml": segment("Keep"), "vip.yaml": VIP})
    repository.git("checkout", "--quiet", "-b", "work")
    repository.commit("Work", {"keep.yaml": segment("Keep", "city = 'Brno'")})
    repository.git("checkout", "--quiet", "main")
    repository.commit("Remove", {"vip.yaml": None})
    remote.clock.moment = datetime.fromtimestamp(START + 1200, UTC)
    remote.emulator.console.create("VIP", remote_query(VIP))
    merge_main_into_work(repository)
    assert connected.run("apply", "--auto-approve").code == 0
    assert "VIP" in remote.definitions()


def remote_query(text: str) -> str:
    """Return the query in the text of a segment file."""
    return text.split('query_dsl: "')[1].split('"', maxsplit=1)[0]
