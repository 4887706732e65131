"""A file that has the name of a segment that no commit declared as it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.builders import query

from .repository import Repository, applied_repository, edit_by_hand, ids_by_name, segment, set_time

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

HANDMADE = query("city = 'Brno'")
LIST = "0b1f4a10-5c1d-4a6e-9f02-000000000001"
CODE = "error[takeover]: `Guests` is not this project's"


@pytest.fixture
def repository(connected: Project, remote: Remote) -> Repository:
    """A repository with one applied segment, and one that someone made by hand before."""
    set_time(remote, -60)
    remote.emulator.console.create("Guests", HANDMADE)
    return applied_repository(connected, remote, {"vip.yaml": segment("VIP")})


@pytest.mark.parametrize("is_committed", [True, False])
@pytest.mark.parametrize("kind", ["patch", "replace"])
def test_a_takeover_is_refused_until_the_file_says_adopt(
    connected: Project, remote: Remote, repository: Repository, *, is_committed: bool, kind: str
) -> None:
    extra = ""
    if kind == "replace":
        remote.emulator.console.add_list("A list", id=LIST)
        extra = f"parent_list_ids: [{LIST}]\nallow_replace: true\n"
    repository.write({"guests.yaml": segment("Guests", extra=extra)})
    if is_committed:
        repository.commit("Take the name", {})
    refused = connected.run("apply", "--auto-approve")
    assert (refused.code, CODE in refused.out) == (3, True)
    # Both sides.
    assert "city = 'Brno'" in refused.out
    assert "total_spend > 500" in refused.out
    assert remote.definitions()["Guests"] == (HANDMADE, ())
    repository.write({"guests.yaml": segment("Guests", extra=f"{extra}adopt: true\n")})
    adopted = connected.run("plan")
    assert (adopted.code, "error" in adopted.out) == (0, False)
    assert "info[adopted]: `Guests` is changed although no commit declared it" in adopted.out
    assert connected.run("apply", "--auto-approve").code == 0
    assert remote.definitions()["Guests"][0] == query("total_spend > 500")


@pytest.mark.parametrize("form", ["text", "json", "markdown", "github", "sarif", "html"])
def test_every_format_shows_a_takeover_with_both_definitions(
    connected: Project, repository: Repository, form: str
) -> None:
    repository.commit("Take the name", {"guests.yaml": segment("Guests")})
    result = connected.run("plan", "--format", form)
    assert result.code == 3
    assert "is not this project" in result.out
    if form in {"text", "json", "markdown", "html"}:
        assert "total_spend" in result.out
        assert "Brno" in result.out
    if form == "json":
        (refusal,) = json.loads(result.out)["refusals"]
        assert refusal["code"] == "takeover"


def test_a_segment_that_is_as_declared_is_adopted_in_silence(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    repository.commit("Declare", {"guests.yaml": segment("Guests", "city  =  'Brno'")})
    plan = connected.run("plan", "--detailed-exitcode")
    assert (plan.code, "No changes." in plan.out, plan.err) == (0, True, "")
    repository.commit("Edit", {"guests.yaml": segment("Guests", "city = 'Praha'")})
    plan = connected.run("apply", "--auto-approve")
    assert (plan.code, "changed outside git" in plan.out) == (0, False)
    assert remote.definitions()["Guests"][0] == query("city = 'Praha'")


def test_an_edit_by_hand_is_overwritten_and_dated(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    edit_by_hand(remote, "VIP", HANDMADE)
    plan = connected.run("plan")
    assert plan.code == 0
    assert "warning[changed-outside-git]: `VIP` was changed outside git on 2026-05-31" in plan.out
    assert "city = 'Brno'" in plan.out
    assert connected.run("apply", "--auto-approve").code == 0
    assert remote.definitions()["VIP"][0] == query("total_spend > 500")
    assert repository.commits == 20


def test_a_change_that_a_commit_declares_is_not_remarked_on(
    connected: Project, repository: Repository
) -> None:
    repository.commit("Edit", {"vip.yaml": segment("VIP", "orders_count > 3")})
    plan = connected.run("plan")
    assert "~ patch  VIP" in plan.out
    assert "outside git" not in plan.out
    assert "warning" not in plan.out


def test_a_shallow_clone_warns_of_every_overwrite(
    connected: Project, repository: Repository
) -> None:
    head = repository.commit("Edit", {"vip.yaml": segment("VIP", "orders_count > 3")})
    (connected.root / ".git" / "shallow").write_text(f"{head}\n")
    plan = connected.run("plan")
    assert plan.code == 0
    assert "warning[origin-unknown]" in plan.out
    assert "edited: `VIP` (this is a shallow clone" in " ".join(plan.out.split())
    assert "fetch-depth: 0" in plan.out
    text = segment("VIP", "orders_count > 3", extra="adopt: true\n")
    repository.write({"vip.yaml": text})
    assert "origin-unknown" not in connected.run("plan").out


def test_exclusive_ownership_takes_over_every_segment(
    connected: Project, repository: Repository
) -> None:
    connected.write({"segctl.yaml": "version: 1\nownership: exclusive\n"})
    repository.commit("Take the name", {"guests.yaml": segment("Guests")})
    assert connected.run("plan").code == 0


@pytest.mark.parametrize("decision", ["copy", "accept", "import", "adopt"])
def test_an_imported_segment_that_someone_edits_is_kept_or_overwritten_as_the_files_say(
    connected: Project, remote: Remote, repository: Repository, decision: str
) -> None:
    assert connected.run("import", "Guests").code == 0
    repository.commit("Import", {})
    set_time(remote, 3700)
    edited = query("city = 'Praha'")
    edit_by_hand(remote, "Guests", edited)
    before = ids_by_name(remote)
    refused = connected.run("apply", "--auto-approve")
    assert refused.code == 3
    words = " ".join(refused.out.split())
    assert (
        "error[takeover]: `Guests` may have been edited by hand on 2026-05-31, after it was "
        "declared: no commit declared it as it is, and it is older than its file" in words
    )
    assert "to keep the edit, run `segctl drift --accept Guests`, or declare it in the" in words
    assert "add `adopt: true` to segments/guests.yaml" in words
    # Both sides.
    assert "city = 'Praha'" in refused.out
    assert "city = 'Brno'" in refused.out
    path = repository.root / "segments/guests.yaml"
    text = path.read_text()
    match decision:
        case "copy":
            repository.write({"guests.yaml": text.replace("Brno", "Praha")})
        case "accept":
            assert connected.run("drift", "--accept", "Guests").code == 0
        case "import":
            path.unlink()
            assert connected.run("import", "Guests").code == 0
        case "adopt":
            repository.write({"guests.yaml": f"{text}adopt: true\n"})
    repository.commit("Decide", {})
    assert connected.run("apply", "--auto-approve").code == 0
    assert remote.definitions()["Guests"] == (HANDMADE if decision == "adopt" else edited, ())
    assert ids_by_name(remote) == before
    assert connected.run("plan", "--detailed-exitcode").code == 0


def test_a_handmade_segment_that_nobody_edited_since_is_not_said_to_be_edited(
    connected: Project, repository: Repository
) -> None:
    repository.commit("Take the name", {"guests.yaml": segment("Guests")})
    plan = connected.run("plan").out
    assert CODE in plan
    assert "edited by hand" not in plan
