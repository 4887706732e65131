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


def test_remarks_on_segments_with_similar_names_are_not_shown(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    """A name can have backticks, and be a key."""
    names = {"a": "`VIP` in Brno", "b": "VIP customers", "c": "removed: true"}
    conditions = ["orders_count > 1", "orders_count > 2", "orders_count > 3"]
    texts = {
        f"{stem}.yaml": segment(name, text)
        for (stem, name), text in zip(names.items(), conditions, strict=True)
    }
    repository.commit("Declare", texts)
    assert connected.run("apply", "--auto-approve").code == 0
    repository.commits = 5000
    set_time(remote, 9000)
    repository.commit("Remove two", {"a.yaml": None, "b.yaml": None})
    assert ownership(connected, "VIP").endswith("  plan: unchanged\n")
    assert ownership(connected, "removed: true").endswith("  plan: unchanged\n")
    out = ownership(connected, "VIP customers")
    assert out.count("proven-by-git") == 1
    assert "`VIP customers` is deleted" in out


def test_a_refusal_of_the_whole_plan_is_shown_for_the_segments_that_cause_it(
    connected: Project, repository: Repository
) -> None:
    connected.write({"segctl.yaml": "version: 1\nlimits: {max_destroy: 0}\n"})
    repository.commit("Remove", {"vip.yaml": None})
    assert "  error[too-destructive]: " in ownership(connected, "VIP")
    assert "too-destructive" not in ownership(connected, "Keep")


@pytest.mark.usefixtures("repository")
def test_it_needs_a_name(connected: Project) -> None:
    result = connected.run("history", "--ownership")
    assert (result.code, "needs the NAME of a segment" in result.err) == (1, True)


def test_without_a_key_it_shows_what_git_knows(connected: Project, repository: Repository) -> None:
    declared = repository.git("rev-parse", "HEAD")[:10]
    del connected.env["SENDGRID_API_KEY"]
    result = connected.run("history", "VIP", "--ownership")
    assert result.code == 0
    assert "hint: set SENDGRID_API_KEY" in result.err
    commit = f"commit {declared} (2026-05-28, A Committer)"
    assert result.out.endswith(
        "On the account: not read (no API key for the target `production`)\n"
        f"  {commit} declared it in segments/vip.yaml first\n"
        "  segments/vip.yaml declares it\n"
        "  whether the segment of the account is ours depends on its definition\n"
    )
    removed = repository.commit("Remove", {"vip.yaml": None})[:10]
    out = ownership(connected, "VIP")
    assert f"  commit {removed} (2026-05-28, A Committer) removed its name from segm" in out
    assert "  no commit declared this name for this account\n" in ownership(connected, "Guests")
    answer = json.loads(connected.run("history", "VIP", "--ownership", "--format", "json").out)
    assert answer["ownership"]["removed"]["commit"][:10] == removed
    assert answer["ownership"]["unread"].startswith("no API key for the target")
    shutil.rmtree(repository.root / ".git")
    assert "  git history is unavailable (" in ownership(connected, "VIP")


@pytest.mark.usefixtures("repository")
def test_a_broken_key_is_an_error(connected: Project) -> None:
    result = connected.run("history", "VIP", "--ownership", SENDGRID_API_KEY="two words")
    assert (result.code, "does not contain an API key" in result.err) == (1, True)
