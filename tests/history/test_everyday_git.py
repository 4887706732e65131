"""What people do with git every day: applied twice, and a segment made by hand stays as it is."""

from __future__ import annotations

import dataclasses
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.builders import query

from .repository import (
    Repository,
    applied_repository,
    bring_to_main,
    ids_by_name,
    new_repository,
    segment,
    set_time,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.account import Remote
    from tests.support.project import Project

BRNO = query("city = 'Brno'")
GUESTS = segment("Guests", "city = 'Praha'")


@pytest.fixture
def repository(connected: Project, remote: Remote) -> Repository:
    """A repository with two applied segments, and `Guests`, which someone made by hand before."""
    set_time(remote, -60)
    remote.emulator.console.create("Guests", BRNO)
    files = {"keep.yaml": segment("Keep", "orders_count > 3"), "vip.yaml": segment("VIP")}
    return applied_repository(connected, remote, files)


def apply_twice(project: Project, remote: Remote, *expected: str) -> str:
    """Apply, check what the account has then, and that nothing is left to do."""
    done = project.run("apply", "--auto-approve")
    assert done.code == 0, done.out + done.err
    assert {*ids_by_name(remote)} == {"Guests", "Keep", *expected}
    assert remote.definitions()["Guests"] == (BRNO, ())
    assert project.run("plan", "--detailed-exitcode").code == 0
    assert "No changes." in project.run("apply", "--auto-approve").out
    return done.out


def revert(repository: Repository, commit: str, *argv: str) -> str:
    """Revert a commit; return the new one."""
    repository.git("revert", "--no-edit", *argv, commit)
    repository.commits += 1
    return repository.git("rev-parse", "HEAD")


@pytest.mark.parametrize("applies_between", [True, False])
def test_a_removal_is_reverted_and_reverted_again(
    connected: Project, remote: Remote, repository: Repository, *, applies_between: bool
) -> None:
    first = ids_by_name(remote)["VIP"]
    removal = repository.commit("Remove", {"vip.yaml": None})
    if applies_between:
        apply_twice(connected, remote)
        remote.clock.forward(minutes=2)
    undone = revert(repository, removal)
    remote.clock.forward(minutes=6)
    apply_twice(connected, remote, "VIP")
    assert (ids_by_name(remote)["VIP"] == first) is not applies_between
    repository.commits = 3700
    set_time(remote, 7200)
    revert(repository, undone)
    assert "- delete  VIP" in apply_twice(connected, remote)


@pytest.mark.parametrize("style", ["merge", "squash", "rebase"])
def test_a_merge_that_took_the_name_of_a_segment_is_reverted(
    connected: Project, remote: Remote, repository: Repository, style: str
) -> None:
    repository.git("checkout", "--quiet", "-b", "work")
    repository.commit("Take the name", {"guests.yaml": GUESTS})
    bring_to_main(repository, style)
    assert connected.run("apply", "--auto-approve").code == 3
    argv = ["-m", "1"] if style == "merge" else []
    undone = revert(repository, "HEAD", *argv)
    assert "unmanaged-left" in apply_twice(connected, remote, "VIP")
    revert(repository, undone)
    assert connected.run("apply", "--auto-approve").code == 3
    revert(repository, "HEAD")
    apply_twice(connected, remote, "VIP")


@pytest.mark.parametrize("merges_first", [True, False])
def test_a_removal_is_picked_to_main_and_its_branch_merged_later(
    connected: Project, remote: Remote, repository: Repository, *, merges_first: bool
) -> None:
    """In between, someone makes a namesake with the same query."""
    repository.git("checkout", "--quiet", "-b", "work")
    repository.commit("Other work", {"keep.yaml": segment("Keep", "orders_count > 4")})
    removal = repository.commit("Remove", {"vip.yaml": None})
    repository.git("checkout", "--quiet", "main")
    repository.git("cherry-pick", removal)
    repository.commits = 60
    if not merges_first:
        apply_twice(connected, remote)
        remote.emulator.console.create("VIP", query("total_spend > 500"))
    repository.merge("work", "Merge")
    apply_twice(connected, remote, *([] if merges_first else ["VIP"]))


@pytest.mark.parametrize("place", ["eu", "eu/north", "renamed"])
def test_files_move_between_folders(
    connected: Project, remote: Remote, repository: Repository, place: str
) -> None:
    before = ids_by_name(remote)
    target = "best.yaml" if place == "renamed" else f"{place}/vip.yaml"
    (repository.root / "segments" / target).parent.mkdir(parents=True, exist_ok=True)
    repository.git("mv", "segments/vip.yaml", f"segments/{target}")
    repository.commit("Move", {})
    apply_twice(connected, remote, "VIP")
    repository.git("mv", f"segments/{target}", "segments/vip.yaml")
    repository.commit("Move back", {"vip.yaml": segment("Best")})
    apply_twice(connected, remote, "Best")
    assert ids_by_name(remote)["Best"] == before["VIP"]


def unrelated(top: Path) -> Repository:
    """Return a repository of someone else, which declared our names and Guests in its segments/."""
    theirs = new_repository(top)
    theirs.commits = 20
    files = {"guests.yaml": segment("Guests", "city = 'Brno'"), "vip.yaml": segment("VIP")}
    theirs.commit("Theirs", files)
    theirs.commit("Remove Guests", {"guests.yaml": None})
    theirs.commit("Forget ours", {"vip.yaml": None, "keep.yaml": "name: Keep\nremoved: true\n"})
    theirs.commit("More", {"more.yaml": segment("More")})
    return theirs


@pytest.mark.parametrize("prefix", ["vendor/theirs", ""])
def test_the_history_of_another_repository_is_merged(
    connected: Project, remote: Remote, repository: Repository, tmp_path: Path, prefix: str
) -> None:
    """As `git subtree add` does; without a prefix, its history alone, and none of its files."""
    theirs = unrelated(tmp_path.with_name(f"{tmp_path.name}-theirs"))
    repository.git("fetch", "--quiet", str(theirs.top), "main:theirs")
    repository.git("merge", "--quiet", "-s", "ours", "--no-commit", "--allow-unrelated-histories",
                   "theirs")  # fmt: skip
    if prefix:
        repository.git("read-tree", f"--prefix={prefix}/", "-u", "theirs")
    repository.commit("Merge theirs", {})
    apply_twice(connected, remote, "VIP")
    repository.commits = 3700
    set_time(remote, 7200)
    repository.commit("Remove", {"vip.yaml": None})
    assert "- delete  VIP" in apply_twice(connected, remote)


def test_a_sparse_checkout_removes_nothing(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    repository.git("sparse-checkout", "set", "--no-cone", "/*", "!/segments/vip.yaml")
    assert not (repository.root / "segments/vip.yaml").exists()
    assert "not-committed" in apply_twice(connected, remote, "VIP")
    repository.git("sparse-checkout", "disable")
    apply_twice(connected, remote, "VIP")


def test_a_checkout_of_an_older_commit_removes_nothing_that_came_later(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    repository.commit("Declare", {"new.yaml": segment("New", "city = 'Olomouc'")})
    assert connected.run("apply", "--auto-approve").code == 0
    repository.git("checkout", "--quiet", "--detach", "HEAD~1")
    apply_twice(connected, remote, "VIP", "New")


@pytest.mark.parametrize("kind", ["worktree", "submodule", "clone of the merge ref"])
def test_other_ways_to_check_out_are_like_a_clone(
    connected: Project, remote: Remote, repository: Repository, tmp_path: Path, kind: str
) -> None:
    repository.git("checkout", "--quiet", "-b", "work")
    repository.commit("Take a name", {"guests.yaml": GUESTS})
    unlike = "# Who came, whoever invited them, and however often they did.\n" * 9
    text = unlike + segment("Visitors", "city = 'Praha'")
    repository.commit("Another name", {"guests.yaml": text})
    repository.commit("Remove", {"vip.yaml": None})
    repository.git("checkout", "--quiet", "--detach", "main")
    repository.merge("work", "Merge work into main")
    repository.git("update-ref", "refs/pull/7/merge", "HEAD")
    root = tmp_path.with_name(f"{tmp_path.name}-other")
    match kind:
        case "worktree":
            repository.git("worktree", "add", "--quiet", "--detach", str(root), "HEAD")
        case "submodule":
            outer = Repository(root, root / "inner")
            root.mkdir()
            outer.git("init", "--quiet", "--initial-branch=main")
            outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add",
                      str(repository.top), "inner")  # fmt: skip
            outer.git("commit", "--quiet", "--message", "Add")
            root = outer.root
        case _:
            root.mkdir()
            clone = Repository(root, root)
            clone.git("init", "--quiet", "--initial-branch=main")
            refs = "+refs/heads/*:refs/remotes/origin/*", "+refs/pull/7/merge:refs/pull/7/merge"
            clone.git("fetch", "--quiet", str(repository.top), *refs)
            clone.git("checkout", "--quiet", "--detach", "refs/pull/7/merge")
    done = apply_twice(dataclasses.replace(connected, root=root), remote, "Visitors")
    assert "- delete  VIP" in done
    assert "+ create  Visitors" in done


def test_a_history_that_was_squashed_into_one_commit_proves_less(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    repository.git("checkout", "--quiet", "--orphan", "new")
    repository.commit("Everything", {"vip.yaml": None})
    repository.git("branch", "--force", "main", "new")
    apply_twice(connected, remote, "VIP")


def test_a_removal_that_is_dated_before_the_segment_removes_nothing(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    repository.commits = 5
    repository.commit("Remove", {"vip.yaml": None})
    assert "newer-left" in apply_twice(connected, remote, "VIP")


def test_a_segment_in_a_file_that_git_stores_as_a_pointer_is_left(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    """As git LFS does. What the pointer stands for is in no commit."""
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 100\n"
    repository.commit("To LFS", {"guests.yaml": pointer})
    repository.commit("Remove", {"guests.yaml": None})
    apply_twice(connected, remote, "VIP")


def test_a_repository_without_git_is_left_alone(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    repository.commit("Remove", {"vip.yaml": None})
    shutil.rmtree(repository.root / ".git")
    assert "history-unavailable" in apply_twice(connected, remote, "VIP")
