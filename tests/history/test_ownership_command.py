"""`segctl history NAME --ownership`: whose a segment is, by which commit, and what a plan does."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.builders import query

from .repository import Repository, applied_repository, edit_by_hand, segment, set_time

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project


@pytest.fixture
def repository(connected: Project, remote: Remote) -> Repository:
    """A repository with two applied segments, and one that someone made by hand before."""
    set_time(remote, -60)
    remote.emulator.console.create("Guests", query("city = 'Brno'"))
    files = {"keep.yaml": segment("Keep", "city = 'Praha'"), "vip.yaml": segment("VIP")}
    return applied_repository(connected, remote, files)


def ownership(project: Project, name: str) -> str:
    result = project.run("history", name, "--ownership")
    assert result.code == 0, result.err
    assert all(len(line) < 300 for line in result.out.splitlines())
    return result.out


def test_a_declared_segment_is_ours(connected: Project, repository: Repository) -> None:
    commit = repository.git("rev-parse", "HEAD")[:10]
    out = ownership(connected, "VIP")
    assert "+ created  VIP  segments/vip.yaml" in out
    ours = f"  ours: commit {commit} (2026-05-28, A Committer) declared it in segments/vip.yaml as"
    assert ours in out
    assert out.endswith("  plan: unchanged\n")


def test_a_removed_segment_is_deleted_with_the_proof(
    connected: Project, repository: Repository
) -> None:
    repository.commit("Remove", {"vip.yaml": None})
    out = ownership(connected, "VIP")
    assert "  plan: to be deleted\n  info[proven-by-git]: `VIP` is deleted: " in out
    assert "  ours: commit" in out


def test_a_renamed_segment_is_shown_under_either_name(
    connected: Project, repository: Repository
) -> None:
    repository.commit("Rename", {"vip.yaml": segment("Best customers")})
    for name in ("VIP", "Best customers"):
        out = ownership(connected, name)
        assert "On the account: VIP  " in out
        assert "  ours: commit" in out
        assert "  plan: to be patched\n" in out


def test_an_edit_by_hand_is_named(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    edit_by_hand(remote, "VIP", query("city = 'Brno'"))
    out = ownership(connected, "VIP")
    assert "  edited by hand: commit" in out
    assert "  plan: to be patched\n  warning[changed-outside-git]: " in out
    repository.commit("Remove", {"vip.yaml": None})
    out = ownership(connected, "VIP")
    assert "  plan: left alone, no file declares it\n  info[edited-left]: " in out
    assert "    hint: to delete it, add a file with its name and `removed: true`" in out


def test_a_segment_of_someone_else_is_not_ours(connected: Project, repository: Repository) -> None:
    out = ownership(connected, "Guests")
    assert "  not ours: no commit declared this name for this account\n" in out
    assert "  plan: left alone, no file declares it\n" in out
    repository.commit("Take the name", {"guests.yaml": segment("Guests")})
    out = ownership(connected, "Guests")
    assert "  not ours: it is older than its file, and no commit declared it as it is; co" in out
    assert "  error[takeover]: " in out
    assert "add `adopt: true`" in out


def test_a_name_that_the_account_does_not_have(connected: Project, repository: Repository) -> None:
    repository.commit("Declare another", {"new.yaml": segment("New")})
    assert ownership(connected, "New").endswith(
        "On the account: no segment `New`\n  plan: to be created\n"
    )
    assert ownership(connected, "Nobody").endswith(
        "On the account: no segment `Nobody`\n  plan: nothing to do\n"
    )


def test_without_git_nobody_knows(connected: Project, repository: Repository) -> None:
    shutil.rmtree(repository.root / ".git")
    out = ownership(connected, "Guests")
    assert "  whose it is is not known: git history is unavailable (" in out


def test_json_has_the_same(connected: Project, repository: Repository) -> None:
    commit = repository.git("rev-parse", "HEAD")
    data = json.loads(connected.run("history", "VIP", "--ownership", "--format", "json").out)
    assert data["events"][0]["kind"] == "created"
    answer = data["ownership"]
    assert answer["segment"]["name"] == "VIP"
    assert (answer["standing"], answer["plan"]) == ("ours", "unchanged")
    assert answer["declared"] == {
        "file": "segments/vip.yaml",
        "commit": commit,
        "committed_at": "2026-05-28T20:26:40Z",
        "author": "A Committer",
    }


@pytest.mark.usefixtures("repository")
def test_it_needs_a_name_and_an_account(connected: Project) -> None:
    result = connected.run("history", "--ownership")
    assert (result.code, "needs the NAME of a segment" in result.err) == (1, True)
    del connected.env["SENDGRID_API_KEY"]
    result = connected.run("history", "VIP", "--ownership")
    assert result.code == 1
    assert "SENDGRID_API_KEY" in result.err
    assert connected.run("history", "VIP").code == 0
