"""Deletes by git history: through the command line, over HTTP, in a real repository."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.support.builders import query

from .repository import START, Repository, ids_by_name, segment

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

VIP = query("total_spend > 500")


@pytest.fixture
def repository(connected: Project, remote: Remote) -> Repository:
    """A repository with four applied segments, and one that someone created by hand before."""
    remote.clock.moment = datetime.fromtimestamp(START - 86_400, UTC)
    remote.emulator.console.create("By hand", VIP)
    repository = Repository(connected.root, connected.root)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit("Declare", {f"{name.lower()}.yaml": segment(name) for name in "ABCD"})
    assert connected.run("apply", "--auto-approve").code == 0
    remote.clock.moment = datetime.fromtimestamp(START + 3600, UTC)
    return repository


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
    result = connected.run("apply", "--auto-approve")
    assert result.code == 0
    assert (
        "the last commit declares segments that no file declares now: `B`"
        in result.out + result.err
    )
    assert "B" in remote.definitions()


def test_a_namesake_that_is_created_later_is_kept(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    repository.commit("Remove B", {"b.yaml": None})
    assert connected.run("apply", "--auto-approve").code == 0
    remote.emulator.console.create("B", VIP)
    assert connected.run("plan", "--detailed-exitcode").code == 0
    assert connected.run("apply", "--auto-approve").code == 0
    assert "B" in remote.definitions()


def test_a_shallow_clone_deletes_nothing_and_warns(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    head = repository.commit("Remove B", {"b.yaml": None})
    (connected.root / ".git" / "shallow").write_text(f"{head}\n")
    plan = connected.run("plan")
    assert plan.code == 0
    assert "0 to delete" in plan.out or "No changes" in plan.out
    assert "fetch-depth: 0" in plan.out
    assert "B" in remote.definitions()


def test_a_removed_segment_that_was_protected_stays(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    repository.commit("Protect B", {"b.yaml": segment("B", extra="protected: true\n")})
    repository.commit("Remove B", {"b.yaml": None})
    assert connected.run("apply", "--auto-approve").code == 0
    assert "B" in remote.definitions()


def test_a_forgotten_segment_stays_when_its_file_is_deleted(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    repository.commit("Forget B", {"b.yaml": "name: B\nremoved: forget\n"})
    assert connected.run("apply", "--auto-approve").code == 0
    repository.commit("Tidy up", {"b.yaml": None})
    assert connected.run("apply", "--auto-approve").code == 0
    assert "B" in remote.definitions()


def test_a_new_name_in_the_same_file_renames_the_segment(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    before = ids_by_name(remote)
    repository.commit("Rename B", {"b.yaml": segment("B the second")})
    assert connected.run("apply", "--auto-approve").code == 0
    after = ids_by_name(remote)
    assert after["B the second"] == before["B"]
    assert connected.run("plan", "--detailed-exitcode").code == 0


def test_too_many_removals_are_refused_until_allow_destroy_has_their_number(
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


# The last file and its folder


def remove_folder(repository: Repository, **elsewhere: str) -> None:
    """Remove the last three files and with them the folder, as git does; write other files."""
    repository.commit("Remove D", {"d.yaml": None})
    repository.write(dict.fromkeys(("a.yaml", "b.yaml", "c.yaml")))
    for name, text in elsewhere.items():
        path = repository.root / name / "a.yaml"
        path.parent.mkdir()
        path.write_text(text, "utf-8")
    repository.commit("Remove the rest", {})
    (repository.root / "segments").rmdir()


def test_the_last_files_are_removed_with_their_folder_like_any_other(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    repository.commit("Remove D", {"d.yaml": None})
    assert connected.run("apply", "--auto-approve").code == 0
    emptied_at = repository.commit("Remove the rest", dict.fromkeys(("a.yaml", "b.yaml", "c.yaml")))
    (repository.root / "segments").rmdir()
    note = f"segments/ does not exist: commit {emptied_at[:10]} removed the last segment file.\n"
    assert (connected.run("validate").code, connected.run("list").err.startswith(note)) == (0, True)
    plan = connected.run("plan")
    assert (plan.code, plan.err) == (0, note)
    assert "3 to delete" in plan.out
    assert plan.out.count("its file was removed") == 3
    assert connected.run("apply", "--auto-approve").code == 0
    assert set(remote.definitions()) == {"By hand"}
    second = connected.run("plan", "--detailed-exitcode")
    assert (second.code, "No changes." in second.out) == (0, True)
    assert connected.run("drift", "--detailed-exitcode", "--managed-only").code == 0


def test_the_limit_on_deletes_holds_for_a_removed_folder(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    remove_folder(repository)
    before = remote.definitions()
    result = connected.run("apply", "--auto-approve")
    assert (result.code, "error[too-destructive]" in result.out) == (3, True)
    assert remote.definitions() == before


def test_a_folder_that_was_moved_deletes_nothing(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    # One of the files was edited slightly.
    remove_folder(repository, audiences=segment("A", "total_spend > 501"))
    before = remote.definitions()
    result = connected.run("apply", "--auto-approve")
    assert (result.code, result.out) == (1, "")
    assert "moved one of its files to audiences/a.yaml" in result.err
    assert "set `segments:` in segctl.yaml to the folder" in result.err
    # What the hint suggests if the deletes are intended.
    repository.commit("Keep it", {".gitkeep": ""})
    assert "4 to delete" in connected.run("plan").out
    assert remote.definitions() == before


@pytest.mark.parametrize("how", ["copied first", "edited", "back to an old folder"])
def test_a_folder_that_was_moved_in_any_other_way_deletes_nothing(
    connected: Project, remote: Remote, repository: Repository, how: str
) -> None:
    """With so few segments, no limit would refuse the deletes."""
    repository.commit("Remove C and D", {"c.yaml": None, "d.yaml": None})
    assert connected.run("apply", "--auto-approve").code == 0
    new = "total_spend > 500"
    if how == "edited":
        # So much that git does not detect a rename.
        new = " AND ".join(f"country = 'N{number}'" for number in range(40))
    folder = repository.root / "audiences"
    folder.mkdir()
    for name in "AB":
        (folder / f"{name.lower()}.yaml").write_text(segment(name, new))
    if how == "copied first":
        repository.commit("Copy", {})
    repository.commit("Remove the rest", {"a.yaml": None, "b.yaml": None})
    (repository.root / "segments").rmdir()
    if how == "back to an old folder":
        connected.write({"segctl.yaml": "version: 1\nsegments: audiences\n"})
        assert connected.run("plan", "--detailed-exitcode").code == 0
        connected.write({"segctl.yaml": "version: 1\n"})
    before = remote.definitions()
    result = connected.run("apply", "--auto-approve")
    assert (result.code, result.out) == (1, "")
    assert "audiences/a.yaml" in result.err
    assert remote.definitions() == before


def test_a_folder_that_may_have_become_a_submodule_deletes_nothing(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    repository.commit("Remove C and D", {"c.yaml": None, "d.yaml": None})
    assert connected.run("apply", "--auto-approve").code == 0
    head = repository.commit("Remove the rest", {"a.yaml": None, "b.yaml": None})
    (repository.root / "segments").rmdir()
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{head},audiences")
    repository.git("commit", "--quiet", "--message", "Take them from another repository")
    result = connected.run("apply", "--auto-approve")
    assert (result.code, result.out) == (1, "")
    assert "`audiences` is a submodule, which may contain the files" in result.err
    assert {"A", "B"} <= set(remote.definitions())


@pytest.mark.parametrize("how", ["uncommitted", "shallow", "never"])
def test_a_folder_that_no_commit_emptied_is_missing(
    connected: Project, remote: Remote, repository: Repository, how: str
) -> None:
    if how == "uncommitted":
        repository.write({f"{name}.yaml": None for name in "abcd"})
        (repository.root / "segments").rmdir()
        expected = "but the checked-out commit has it"
    elif how == "shallow":
        remove_folder(repository)
        head = repository.git("rev-parse", "HEAD")
        (repository.root / ".git/shallow").write_text(f"{head}\n")
        expected = "git history is unavailable: this is a shallow clone"
    else:
        connected.write({"segctl.yaml": "version: 1\nsegments: audiences\n"})
        expected = "run `segctl init` to create it"
    before = remote.definitions()
    for argv in (["plan"], ["apply", "--auto-approve"], ["validate"], ["drift"]):
        result = connected.run(*argv)
        assert result.code == 1
        assert expected in result.err
    assert remote.definitions() == before
