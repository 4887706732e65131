"""A segment is ours only if it is as a commit declared it: histories in a real repository.

Someone else's segments have a name that a file had too; edited ones were ours once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from segctl.planning.temporary_names import Marker, temporary_name
from tests.support.builders import query

from .repository import (
    Repository,
    applied_repository,
    bring_to_main,
    ids_by_name,
    segment,
    set_time,
)

if TYPE_CHECKING:
    from segctl.emulator.console import Console
    from tests.support.account import Remote
    from tests.support.project import Project

HANDMADE = query("city = 'Brno'")
HAND = "Webinar guests"


@pytest.fixture
def console(remote: Remote) -> Console:
    """The account an hour before the first commit, with two segments that someone made by hand."""
    set_time(remote, -60)
    remote.emulator.console.create(HAND, HANDMADE)
    remote.emulator.console.create("By hand", HANDMADE)
    return remote.emulator.console


@pytest.fixture
def repository(connected: Project, remote: Remote, console: Console) -> Repository:
    """A repository with two segments, applied ten minutes after the first commit."""
    assert len(console.segments()) == 2
    return applied_repository(
        connected, remote, {"keep.yaml": segment("Keep"), "vip.yaml": segment("VIP")}
    )


def test_a_handmade_segment_outlives_a_reverted_file_with_its_name(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    before = remote.definitions()
    repository.commit("Take the name", {"new.yaml": segment(HAND, "total_spend > 7")})
    repository.commit("Revert", {"new.yaml": None})
    plan = connected.run("plan", "--detailed-exitcode")
    assert (plan.code, "No changes." in plan.out) == (0, True)
    assert f"info[unmanaged-left]: `{HAND}` is left alone" in plan.out
    assert connected.run("apply", "--auto-approve").code == 0
    assert remote.definitions() == before
    assert " ours " not in connected.run("list").out


@pytest.mark.parametrize("style", ["on the branch", "rebase", "merge", "squash"])
def test_a_handmade_segment_is_not_renamed_when_the_name_is_corrected(
    connected: Project, remote: Remote, repository: Repository, style: str
) -> None:
    old = ids_by_name(remote)[HAND]
    repository.git("checkout", "--quiet", "-b", "work")
    repository.commit("A name that is taken", {"new.yaml": segment(HAND, "total_spend > 7")})
    repository.commit("Another name", {"new.yaml": segment("Guests", "total_spend > 7")})
    bring_to_main(repository, style)
    plan = connected.run("plan").out
    assert "+ create  Guests" in plan
    assert "1 to create, 0 to patch, 0 to replace, 0 to delete" in plan
    assert connected.run("apply", "--auto-approve").code == 0
    assert remote.definitions()[HAND] == (HANDMADE, ())
    assert ids_by_name(remote)[HAND] == old
    assert connected.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("style", ["merge ref", "merge", "squash"])
def test_what_only_a_merged_branch_declared_is_not_ours(
    connected: Project, remote: Remote, repository: Repository, style: str
) -> None:
    """Someone imports the account on a branch, and drops a segment again before the merge."""
    before = remote.definitions()
    repository.git("checkout", "--quiet", "-b", "work")
    repository.commit("Import", {"guests.yaml": segment(HAND, "city = 'Brno'")})
    repository.commit("Not this one", {"guests.yaml": None})
    bring_to_main(repository, style)
    for _ in range(2):
        assert "No changes." in connected.run("apply", "--auto-approve").out
        assert remote.definitions() == before
    assert " ours " not in connected.run("list").out


@pytest.mark.parametrize("how", ["removed", "renamed"])
def test_a_segment_that_was_edited_by_hand_is_left(
    connected: Project, remote: Remote, repository: Repository, how: str
) -> None:
    edited = query("total_spend > 900")
    vip = ids_by_name(remote)["VIP"]
    remote.emulator.console.edit(vip, query=edited)
    repository.commit(
        "Change", {"vip.yaml": None if how == "removed" else segment("VIP customers")}
    )
    plan = connected.run("plan").out
    assert "info[edited-left]: `VIP` is left alone: it was edited by hand" in plan
    assert "0 to delete" in plan or "No changes." in plan
    assert connected.run("apply", "--auto-approve").code == 0
    assert remote.definitions()["VIP"] == (edited, ())
    assert ids_by_name(remote)["VIP"] == vip
    # What the hint says.
    if how == "removed":
        repository.write({"vip.yaml": "name: VIP\nremoved: true\n"})
        assert connected.run("apply", "--auto-approve").code == 0
        assert "VIP" not in ids_by_name(remote)


def test_a_segment_that_still_has_an_earlier_definition_is_ours(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    repository.commit(
        "An edit that is not applied", {"vip.yaml": segment("VIP", "orders_count > 3")}
    )
    repository.commit("A name, too", {"vip.yaml": segment("VIP customers", "orders_count > 4")})
    vip = ids_by_name(remote)["VIP"]
    remote.emulator.console.edit(vip, query=query("TOTAL_SPEND  >  500"))
    assert "renamed: the name changed in its file" in connected.run("plan").out
    assert connected.run("apply", "--auto-approve").code == 0
    assert ids_by_name(remote)["VIP customers"] == vip
    remote.emulator.console.edit(vip, query=query("total_spend > 500"))
    repository.commit("Remove", {"vip.yaml": None})
    assert "- delete  VIP customers" in connected.run("plan").out


@pytest.mark.parametrize("text", ["total_spend > 500", "total_spend > 501"])
def test_a_segment_that_is_newer_than_the_removal_is_left_with_a_remark(
    connected: Project, remote: Remote, repository: Repository, text: str
) -> None:
    repository.commit("Remove", {"vip.yaml": None})
    remote.emulator.console.delete(ids_by_name(remote)["VIP"])
    remote.emulator.console.create("VIP", query(text))
    plan = connected.run("plan", "--detailed-exitcode")
    assert (plan.code, "info[newer-left]: `VIP` is left alone: it was created " in plan.out) == (
        0,
        True,
    )
    repository.write({"vip.yaml": "name: VIP\nremoved: forget\n"})
    assert "newer-left" not in connected.run("plan").out


@pytest.mark.parametrize("text", ["total_spend > 500", "total_spend > 900"])
def test_the_old_segment_of_a_replacement_goes_only_as_it_was_declared(
    connected: Project, remote: Remote, repository: Repository, text: str
) -> None:
    """A replacement stopped half way, and its file was removed since."""
    vip = ids_by_name(remote)["VIP"]
    name = temporary_name("VIP", vip, Marker.OLD)
    remote.emulator.console.edit(vip, name=name, query=query(text))
    repository.commit("Remove", {"vip.yaml": None})
    assert connected.run("apply", "--auto-approve").code == 0
    assert (name in ids_by_name(remote)) is (text != "total_spend > 500")


def test_exclusive_ownership_deletes_what_was_edited_by_hand(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    remote.emulator.console.edit(ids_by_name(remote)["VIP"], query=HANDMADE)
    connected.write({"segctl.yaml": "version: 1\nownership: exclusive\n"})
    repository.commit("Remove", {"vip.yaml": None})
    plan = connected.run("plan").out
    assert "3 to delete" in plan
    assert "edited-left" not in plan


# Renames to a name that another segment has


@pytest.mark.parametrize("says_so", [True, False])
def test_a_rename_onto_the_name_of_another_segment_is_an_error(
    connected: Project, remote: Remote, repository: Repository, *, says_so: bool
) -> None:
    before = {record.id: record.name for record in remote.emulator.console.segments()}
    extra = "previous_names: [VIP]\n" if says_so else ""
    repository.commit("Rename", {"vip.yaml": segment(HAND, extra=extra)})
    result = connected.run("apply", "--auto-approve")
    assert result.code == 1
    assert f"error[name-taken]: `VIP` cannot be renamed to `{HAND}`" in result.out
    assert {record.id: record.name for record in remote.emulator.console.segments()} == before
    assert remote.definitions()[HAND] == (HANDMADE, ())
    # What the hint says.
    remote.emulator.console.edit(ids_by_name(remote)[HAND], name="Mine")
    assert connected.run("apply", "--auto-approve").code == 0
    assert before[ids_by_name(remote)[HAND]] == "VIP"


def test_a_rename_onto_the_name_of_a_segment_that_is_equal_deletes_neither(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    text = segment("By hand", "city = 'Brno'", extra="previous_names: [VIP]\n")
    repository.commit("Rename and edit", {"vip.yaml": text})
    result = connected.run("apply", "--auto-approve")
    assert (result.code, "error[name-taken]" in result.out) == (1, True)
    assert set(ids_by_name(remote)) == {"By hand", HAND, "Keep", "VIP"}


@pytest.mark.parametrize("applied", [True, False])
def test_a_renamed_segment_can_be_edited_while_another_one_has_its_old_name(
    connected: Project, remote: Remote, repository: Repository, *, applied: bool
) -> None:
    extra = "previous_names: [VIP]\n"
    vip = ids_by_name(remote)["VIP"]
    repository.commit("Rename", {"vip.yaml": segment("Gold", extra=extra)})
    assert connected.run("apply", "--auto-approve").code == 0
    remote.clock.forward(minutes=10)
    remote.emulator.console.create("VIP", HANDMADE)
    if applied:
        repository.commit("Edit", {"vip.yaml": segment("Gold", "orders_count > 3", extra=extra)})
    assert connected.run("apply", "--auto-approve").code == 0
    assert ids_by_name(remote)["Gold"] == vip
    assert remote.definitions()["VIP"] == (HANDMADE, ())


def test_a_removal_that_keeps_the_definition_is_taken_back_by_one_line(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    removed = {"vip.yaml": segment("VIP", extra="removed: true\n")}
    repository.commit("Remove", removed)
    assert connected.run("apply", "--auto-approve").code == 0
    assert "VIP" not in ids_by_name(remote)
    repository.commit("Take it back", {"vip.yaml": segment("VIP")})
    assert connected.run("apply", "--auto-approve").code == 0
    assert remote.definitions()["VIP"] == (query("total_spend > 500"), ())
    # The removal is dated by the commit that says so, not by the one that deletes the file.
    repository.commits = 4000
    repository.commit("Remove again", removed)
    repository.commit("Tidy up", {"vip.yaml": None})
    assert "- delete  VIP" in connected.run("plan").out


# The proof


@pytest.mark.parametrize("form", ["text", "json", "markdown", "github", "sarif", "html"])
def test_every_format_names_the_commits_that_prove_a_delete_and_a_rename(
    connected: Project, repository: Repository, form: str
) -> None:
    declared = repository.git("rev-parse", "HEAD")[:10]
    text = segment("Kept", "orders_count > 3")
    files = {"vip.yaml": None, "keep.yaml": text, "new.yaml": segment("New", "orders_count > 9")}
    changed = repository.commit("Change", files)[:10]
    output = connected.run("plan", "--format", form).out
    assert output.count(declared) >= 2
    assert output.count(changed) >= 2
    assert output.count("A Committer") >= 4
    if form == "text":
        assert "info[proven-by-git]: `VIP` is deleted: commit" in output
        assert "info[proven-by-git]: `Keep` is renamed to `Kept`: commit" in output
    assert "proven-by-git" not in connected.run("plan", "--only", "New").out
