"""git decides what absence deletes: through the command line, over HTTP, in a real repository."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.conftest import query

from .repository import START, Repository, segment

if TYPE_CHECKING:
    from tests.conftest import Project, Remote

VIP = query("total_spend > 500")


@pytest.fixture
def repository(connected: Project, remote: Remote) -> Repository:
    """A repository of four applied segments, and one that somebody made by hand before."""
    remote.watch.moment = datetime.fromtimestamp(START - 86_400, UTC)
    remote.emulator.ui.create("By hand", VIP)
    made = Repository(connected.root, connected.root)
    made.git("init", "--quiet", "--initial-branch=main")
    made.commit("Declare", {f"{name.lower()}.yaml": segment(name) for name in "ABCD"})
    assert connected.run("apply", "--auto-approve").code == 0
    remote.watch.moment = datetime.fromtimestamp(START + 3600, UTC)
    return made


def test_a_removed_file_deletes_exactly_its_segment(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    repository.commit("Remove B", {"b.yaml": None})
    plan = connected.run("plan")
    assert plan.code == 0
    assert "- delete  B" in plan.out
    assert "1 to delete" in plan.out
    assert connected.run("apply", "--auto-approve").code == 0
    assert set(remote.definitions()) == {"A", "C", "D", "By hand"}
    assert connected.run("plan", "--detailed-exitcode").code == 0


def test_a_file_removed_without_a_commit_deletes_nothing(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    repository.write({"b.yaml": None})
    done = connected.run("apply", "--auto-approve")
    assert done.code == 0
    assert "the last commit declares what no file here does: `B`" in done.out + done.err
    assert "B" in remote.definitions()


def test_a_name_changed_without_a_commit_makes_a_segment_and_warns(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    old = next(one.id for one in remote.emulator.ui.segments() if one.name == "B")
    repository.write({"b.yaml": segment("Better")})
    shown = connected.run("plan")
    assert "+ create  Better" in shown.out
    assert "commit first" in shown.out + shown.err
    repository.commit("Rename B", {})
    again = connected.run("apply", "--auto-approve")
    assert again.code == 0
    assert "not-committed" not in again.out + again.err
    assert next(o.id for o in remote.emulator.ui.segments() if o.name == "Better") == old


def test_a_namesake_made_by_hand_later_is_safe(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    repository.commit("Remove B", {"b.yaml": None})
    assert connected.run("apply", "--auto-approve").code == 0
    remote.emulator.ui.create("B", VIP)
    assert connected.run("plan", "--detailed-exitcode").code == 0
    assert connected.run("apply", "--auto-approve").code == 0
    assert "B" in remote.definitions()


def test_a_shallow_clone_deletes_nothing_and_says_why(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    head = repository.commit("Remove B", {"b.yaml": None})
    (connected.root / ".git" / "shallow").write_text(f"{head}\n")
    plan = connected.run("plan")
    assert plan.code == 0
    assert "0 to delete" in plan.out or "No changes" in plan.out
    assert "fetch-depth: 0" in plan.out
    assert "B" in remote.definitions()


def test_what_was_protected_stays(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    repository.commit("Protect B", {"b.yaml": segment("B", extra="protected: true\n")})
    repository.commit("Remove B", {"b.yaml": None})
    assert connected.run("apply", "--auto-approve").code == 0
    assert "B" in remote.definitions()


def test_what_was_forgotten_stays_when_the_file_goes(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    repository.commit("Forget B", {"b.yaml": "name: B\nremoved: forget\n"})
    assert connected.run("apply", "--auto-approve").code == 0
    repository.commit("Tidy up", {"b.yaml": None})
    assert connected.run("apply", "--auto-approve").code == 0
    assert "B" in remote.definitions()


def test_a_file_with_another_name_in_it_renames(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    before = {one.name: one.id for one in remote.emulator.ui.segments()}
    repository.commit("Rename B", {"b.yaml": segment("B the second")})
    assert connected.run("apply", "--auto-approve").code == 0
    after = {one.name: one.id for one in remote.emulator.ui.segments()}
    assert after["B the second"] == before["B"]
    assert connected.run("plan", "--detailed-exitcode").code == 0


def test_too_many_removals_are_refused_until_their_number_is_written_down(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    repository.commit("Remove all", {f"{name.lower()}.yaml": None for name in "ABCD"})
    refused = connected.run("apply", "--auto-approve")
    assert refused.code == 3
    assert "allow_destroy: 4" in refused.out
    assert set(remote.definitions()) == {*"ABCD", "By hand"}
    connected.write({"segctl.yaml": "version: 1\nlimits:\n  allow_destroy: 3\n"})
    assert connected.run("apply", "--auto-approve").code == 3
    connected.write({"segctl.yaml": "version: 1\nlimits:\n  allow_destroy: 4\n"})
    assert connected.run("apply", "--auto-approve").code == 0
    assert set(remote.definitions()) == {"By hand"}
