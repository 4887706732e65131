"""What a plan shows of each delete, rename and takeover: the commits by which to check it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.builders import query

from .repository import START, Repository, applied_repository, segment

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

FORMATS = ["text", "markdown", "html", "github"]


@pytest.fixture
def repository(connected: Project, remote: Remote) -> Repository:
    """A repository with two applied segments, and one that someone made by hand before."""
    remote.clock.moment = datetime.fromtimestamp(START - 3600, UTC)
    remote.emulator.console.create("Guests", query("city = 'Brno'"))
    files = {"keep.yaml": segment("Keep", "city = 'Praha'"), "vip.yaml": segment("VIP")}
    return applied_repository(connected, remote, files)


def proof(project: Project, name: str) -> Any:
    data = json.loads(project.run("plan", "--format", "json").out)
    (change,) = [change for change in data["changes"] if change["name"] == name]
    return change["proof"]


def evidence(commit: str, file: str, minutes: int) -> dict[str, str]:
    time = datetime.fromtimestamp(START + 60 * minutes, UTC)
    return {
        "file": f"segments/{file}",
        "commit": commit,
        "committed_at": f"{time:%Y-%m-%dT%H:%M:%SZ}",
        "author": "A Committer",
    }


def check_formats(project: Project, *commits: str) -> None:
    """Check that every format names each commit with its author, and apply the saved plan."""
    for name in FORMATS:
        out = project.run("plan", "--format", name).out
        for commit in commits:
            assert commit[:10] in out, name
        assert "A Committer" in out, name
    saved = str(project.root.with_name(f"{project.root.name}.json"))
    assert project.run("plan", "--out", saved).code == 0
    for commit in commits:
        assert commit[:10] in project.run("show", saved).out
    assert project.run("apply", saved, "--auto-approve").code == 0
    assert project.run("plan", "--detailed-exitcode").code == 0


def test_a_delete_names_the_removal_and_the_declaration(
    connected: Project, repository: Repository
) -> None:
    declared = repository.git("rev-parse", "HEAD")
    removed = repository.commit("Remove", {"vip.yaml": None})
    assert proof(connected, "VIP") == {
        "declared": evidence(declared, "vip.yaml", 0),
        "removed": evidence(removed, "vip.yaml", 20),
        "named": None,
    }
    check_formats(connected, declared, removed)


def test_a_rename_names_the_commit_that_renamed(connected: Project, repository: Repository) -> None:
    declared = repository.git("rev-parse", "HEAD")
    renamed = repository.commit("Rename", {"vip.yaml": segment("Best customers")})
    assert proof(connected, "Best customers") == {
        "declared": evidence(declared, "vip.yaml", 0),
        "removed": evidence(renamed, "vip.yaml", 20),
        "named": None,
    }
    check_formats(connected, declared, renamed)


def test_a_delete_by_file_names_the_commit_that_wrote_it(
    connected: Project, repository: Repository
) -> None:
    declared = repository.git("rev-parse", "HEAD")
    removed = repository.commit("Remove", {"vip.yaml": "name: VIP\nremoved: true\n"})
    repository.commit("Say why", {"vip.yaml": "# Too few.\nname: VIP\nremoved: true\n"})
    assert proof(connected, "VIP") == {
        "declared": evidence(declared, "vip.yaml", 0),
        "removed": evidence(removed, "vip.yaml", 20),
        "named": None,
    }
    check_formats(connected, declared, removed)


def test_a_delete_by_a_file_that_is_not_committed_has_no_proof(
    connected: Project, repository: Repository
) -> None:
    repository.write({"vip.yaml": "name: VIP\nremoved: true\n"})
    assert proof(connected, "VIP") is None
    assert connected.run("apply", "--auto-approve").code == 0


def test_a_takeover_names_the_commit_that_declared_the_name(
    connected: Project, repository: Repository
) -> None:
    text = segment("Guests", "city = 'Praha' AND total_spend > 1")
    named = repository.commit("Take over", {"guests.yaml": text})
    refused = connected.run("plan")
    assert refused.code == 3
    assert f"commit {named[:10]} (2026-05-28, A Committer) declared its name in" in refused.out
    repository.commit("Adopt", {"guests.yaml": f"{text}adopt: true\n"})
    assert proof(connected, "Guests") == {
        "declared": None,
        "removed": None,
        "named": evidence(named, "guests.yaml", 20),
    }
    check_formats(connected, named)


def test_the_name_of_an_author_is_only_a_name(connected: Project, repository: Repository) -> None:
    repository.write({"vip.yaml": None})
    repository.git("add", "--all")
    author = "@all [x](https://x.invalid) ::error::y&lt;script&gt;"
    repository.git("commit", "--quiet", "--message", "x", "--author", f"{author} <a@b.c>")
    for name in ("html", "markdown"):
        out = connected.run("plan", "--format", name).out
        assert "<script>" not in out
        if name == "markdown":
            assert "@all [x](https://x.invalid) ::error::y&amp;lt;script&amp;gt)</code>" in out
    out = connected.run("plan", "--format", "github").out
    assert not [line for line in out.splitlines() if line.startswith("::error::")]
