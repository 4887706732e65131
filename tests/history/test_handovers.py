"""A is removed, and B is renamed to A: over real histories, and over the emulated account."""

from __future__ import annotations

import dataclasses
import io
from typing import TYPE_CHECKING

import pytest

from tests.support.builders import query

from .repository import (
    STYLES,
    Repository,
    applied_repository,
    bring_to_main,
    ids_by_name,
    segment,
    set_time,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.account import Remote
    from tests.support.project import Project

A, B = "total_spend > 500", "orders_count > 9"
TAKEN = "error[name-taken]: `B` cannot be renamed to `A`"


@pytest.fixture
def repository(connected: Project, remote: Remote) -> Repository:
    """A repository with three segments, applied ten minutes after the first commit."""
    keep = segment("Keep", "city = 'Brno'")
    files = {"a.yaml": segment("A", A), "b.yaml": segment("B", B), "keep.yaml": keep}
    return applied_repository(connected, remote, files)


def renamed(condition: str = B, *, says_so: bool) -> str:
    return segment("A", condition, extra="previous_names: [B]\n" if says_so else "")


def on_branch(repository: Repository, style: str, *steps: Mapping[str, str | None]) -> None:
    """Commit each step on a branch, and bring it to main in a style of merging."""
    repository.git("checkout", "--quiet", "-b", "work")
    for files in steps:
        repository.commit("Change", files)
    bring_to_main(repository, style)


def assert_handed_over(
    connected: Project, remote: Remote, before: Mapping[str, str], condition: str = B
) -> None:
    plan = connected.run("plan")
    assert plan.code == 0, plan.out
    assert "0 to create, 1 to patch, 0 to replace, 1 to delete" in plan.out
    assert plan.out.index("- delete  A") < plan.out.index("~ patch  A")
    assert "~ name  B -> A" in plan.out
    assert "info[proven-by-git]: `A` is deleted: commit" in plan.out
    assert "info[proven-by-git]: `B` is renamed to `A`: commit" in plan.out
    assert connected.run("apply", "--auto-approve").code == 0
    assert ids_by_name(remote) == {"A": before["B"], "Keep": before["Keep"]}
    assert remote.definitions()["A"] == (query(condition), ())
    assert connected.run("plan", "--detailed-exitcode").code == 0
    assert "No changes." in connected.run("apply", "--auto-approve").out


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("commits", [1, 2])
@pytest.mark.parametrize("says_so", [True, False])
def test_the_removed_segment_is_deleted_and_the_other_one_keeps_its_id(
    connected: Project,
    remote: Remote,
    repository: Repository,
    style: str,
    commits: int,
    *,
    says_so: bool,
) -> None:
    before = ids_by_name(remote)
    removal, rename = {"a.yaml": None}, {"b.yaml": renamed(says_so=says_so)}
    steps = [{**removal, **rename}] if commits == 1 else [removal, rename]
    on_branch(repository, style, *steps)
    assert_handed_over(connected, remote, before)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("commits", [1, 2])
def test_it_may_be_edited_too_if_the_file_says_so(
    connected: Project, remote: Remote, repository: Repository, style: str, commits: int
) -> None:
    before = ids_by_name(remote)
    removal, rename = {"a.yaml": None}, {"b.yaml": renamed("orders_count > 8", says_so=True)}
    steps = [{**removal, **rename}] if commits == 1 else [removal, rename]
    on_branch(repository, style, *steps)
    assert_handed_over(connected, remote, before, "orders_count > 8")


def test_with_an_apply_between_the_two(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    before = ids_by_name(remote)
    repository.commit("Remove A", {"a.yaml": None})
    assert connected.run("apply", "--auto-approve").code == 0
    repository.commit("Rename B", {"b.yaml": renamed(says_so=False)})
    assert connected.run("apply", "--auto-approve").code == 0
    assert ids_by_name(remote) == {"A": before["B"], "Keep": before["Keep"]}
    assert connected.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("condition", ["orders_count > 8", "both alike"])
def test_an_unclear_rename_is_refused_until_a_file_decides(
    connected: Project, remote: Remote, repository: Repository, style: str, condition: str
) -> None:
    """The file of B declares A, but with neither query, or they had the same one."""
    if condition == "both alike":
        repository.commit("Alike", {"b.yaml": segment("B", A)})
        set_time(remote, 3700)
        assert connected.run("apply", "--auto-approve").code == 0
        repository.commits = 3800
        condition = A
    before = ids_by_name(remote)
    on_branch(repository, style, {"a.yaml": None, "b.yaml": renamed(condition, says_so=False)})
    refused = connected.run("apply", "--auto-approve")
    assert refused.code == 3
    words = " ".join(refused.out.split())
    assert (
        "error[rename-or-delete]: `A` may be the new name of `B`, which would be deleted: "
        "segments/b.yaml declared `B` before commit" in words
    )
    assert 'add `previous_names: ["B"]` to segments/b.yaml' in words
    assert ids_by_name(remote) == before
    repository.commit("It is B", {"b.yaml": renamed(condition, says_so=True)})
    assert "~ name  B -> A" in connected.run("plan").out
    files = {"b.yaml": renamed(condition, says_so=False), "old.yaml": "name: B\nremoved: true\n"}
    repository.commit("It is A", files)
    assert connected.run("apply", "--auto-approve").code == 0
    assert ids_by_name(remote) == {"A": before["A"], "Keep": before["Keep"]}


def test_a_declaration_that_moves_to_the_file_of_a_removed_one_keeps_its_segment(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    before = ids_by_name(remote)
    repository.commit("Move A", {"a.yaml": None, "b.yaml": segment("A", A)})
    assert "- delete  B" in connected.run("plan").out
    assert connected.run("apply", "--auto-approve").code == 0
    assert ids_by_name(remote) == {"A": before["A"], "Keep": before["Keep"]}


# What is not proven stays an error


def assert_taken(connected: Project, remote: Remote, before: Mapping[str, str]) -> None:
    result = connected.run("apply", "--auto-approve")
    assert (result.code, TAKEN in result.out) == (1, True), result.out
    assert ids_by_name(remote) == before


def test_a_segment_that_was_edited_by_hand_is_not_deleted(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    before = ids_by_name(remote)
    remote.emulator.console.edit(before["A"], query=query("total_spend > 900"))
    repository.commit("Hand over", {"a.yaml": None, "b.yaml": renamed(says_so=True)})
    assert_taken(connected, remote, before)


def test_a_namesake_that_is_newer_than_the_removal_is_not_deleted(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    repository.commit("Hand over", {"a.yaml": None, "b.yaml": renamed(says_so=True)})
    remote.emulator.console.delete(ids_by_name(remote)["A"])
    remote.emulator.console.create("A", query(A))
    assert_taken(connected, remote, ids_by_name(remote))


@pytest.mark.parametrize("how", ["protected", "forgotten", "protected on another parent"])
def test_a_segment_that_was_protected_or_forgotten_is_not_deleted(
    connected: Project, remote: Remote, repository: Repository, how: str
) -> None:
    before = ids_by_name(remote)
    protected = {"a.yaml": segment("A", A, extra="protected: true\n")}
    rename = {"b.yaml": renamed(says_so=True)}
    match how:
        case "protected":
            repository.commit("Protect", protected)
            repository.commit("Hand over", {"a.yaml": None, **rename})
        case "forgotten":
            repository.commit("Forget", {"a.yaml": "name: A\nremoved: forget\n"})
            repository.commit("Hand over", {"a.yaml": None, **rename})
        case _:
            repository.git("checkout", "--quiet", "-b", "work")
            repository.commit("Hand over", {"a.yaml": None, **rename})
            repository.git("checkout", "--quiet", "main")
            repository.commit("Protect", protected)
            repository.git("checkout", "--quiet", "work")
            repository.git("merge", "--quiet", "--strategy=ours", "--message", "Merge", "main")
    assert_taken(connected, remote, before)


def test_a_segment_that_another_name_continues_is_not_deleted(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    """A is C now, which only git says. The files can say it."""
    before = ids_by_name(remote)
    files = {"a.yaml": segment("C", A), "b.yaml": renamed(says_so=True)}
    repository.commit("A is C, B is A", files)
    assert_taken(connected, remote, before)
    repository.commit("Say so", {"a.yaml": segment("C", A, extra="previous_names: [A]\n")})
    assert connected.run("apply", "--auto-approve").code == 0
    assert ids_by_name(remote) == {"A": before["B"], "C": before["A"], "Keep": before["Keep"]}
    assert connected.run("plan", "--detailed-exitcode").code == 0


def test_nothing_is_guessed_where_git_alone_shows_a_chain(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    before = ids_by_name(remote)
    files = {"a.yaml": segment("C", A), "b.yaml": renamed(says_so=False)}
    repository.commit("A is C, B is A", files)
    result = connected.run("apply", "--auto-approve")
    assert result.code in (1, 3)
    assert "previous_names" in result.out
    assert ids_by_name(remote) == before


@pytest.mark.parametrize("how", ["ownership: declared", "shallow", "not committed"])
def test_without_proof_from_git_nothing_is_deleted(
    connected: Project, remote: Remote, repository: Repository, how: str
) -> None:
    before = ids_by_name(remote)
    repository.write({"a.yaml": None, "b.yaml": renamed(says_so=True)})
    if how != "not committed":
        head = repository.commit("Hand over", {})
    if how == "shallow":
        (connected.root / ".git" / "shallow").write_text(f"{head}\n")
    elif how != "not committed":
        connected.write({"segctl.yaml": f"version: 1\n{how}\n"})
    assert_taken(connected, remote, before)


def test_a_handmade_segment_with_the_old_name_of_an_applied_rename_harms_nothing(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    """`previous_names` stay in the file, and someone creates a B as the old one was."""
    before = ids_by_name(remote)
    repository.commit("Hand over", {"a.yaml": None, "b.yaml": renamed(says_so=True)})
    assert connected.run("apply", "--auto-approve").code == 0
    remote.clock.forward(minutes=10)
    remote.emulator.console.create("B", query(B))
    repository.commits = 4000
    repository.commit(
        "Edit", {"b.yaml": segment("A", "orders_count > 7", extra="previous_names: [B]\n")}
    )
    plan = connected.run("plan").out
    assert "0 to create, 1 to patch, 0 to replace, 0 to delete" in plan
    assert connected.run("apply", "--auto-approve").code == 0
    assert ids_by_name(remote)["A"] == before["B"]


# Rules that hold for every delete


def test_a_single_send_that_targets_it_refuses_the_plan(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    before = ids_by_name(remote)
    remote.emulator.console.add_single_send("Sale", segment_ids=[before["A"]], status="scheduled")
    repository.commit("Hand over", {"a.yaml": None, "b.yaml": renamed(says_so=True)})
    result = connected.run("apply", "--auto-approve")
    assert (result.code, "error[in-use]" in result.out) == (3, True)
    assert ids_by_name(remote) == before


def test_it_counts_as_a_delete(connected: Project, remote: Remote, repository: Repository) -> None:
    before = ids_by_name(remote)
    connected.write({"segctl.yaml": "version: 1\nlimits: {max_destroy: 0}\n"})
    repository.commit("Hand over", {"a.yaml": None, "b.yaml": renamed(says_so=True)})
    result = connected.run("apply", "--auto-approve")
    assert (result.code, "error[too-destructive]" in result.out) == (3, True)
    assert ids_by_name(remote) == before


@pytest.mark.parametrize("only", ["A", "Keep"])
def test_only_what_is_selected_is_handed_over(
    connected: Project, repository: Repository, only: str
) -> None:
    repository.commit("Hand over", {"a.yaml": None, "b.yaml": renamed(says_so=True)})
    plan = connected.run("plan", "--only", only).out
    assert ("1 to patch, 0 to replace, 1 to delete" in plan) is (only == "A")
    assert ("No changes." in plan) is (only == "Keep")


def test_a_full_account_has_room_for_it(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    before = ids_by_name(remote)
    connected.write({"segctl.yaml": "version: 1\nlimits: {max_segments: 3}\n"})
    repository.commit("Hand over", {"a.yaml": None, "b.yaml": renamed(says_so=True)})
    # Git must not find it similar to the file of A.
    extra = f"description: {'Who lives in Prague. ' * 20}\n"
    repository.commit("One more", {"new.yaml": segment("New", "city = 'Praha'", extra=extra)})
    assert connected.run("apply", "--auto-approve").code == 0
    assert ids_by_name(remote)["A"] == before["B"]
    assert set(ids_by_name(remote)) == {"A", "Keep", "New"}
    assert connected.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("fault", ["400 always", "500 always", "drop always"])
def test_the_rename_is_not_tried_while_the_name_is_not_free(
    connected: Project, remote: Remote, repository: Repository, fault: str
) -> None:
    before = ids_by_name(remote)
    repository.commit("Hand over", {"a.yaml": None, "b.yaml": renamed(says_so=True)})
    remote.emulator.faults.add(f"DELETE * {fault}")
    sent = len(remote.emulator.log)
    result = connected.run("apply", "--auto-approve")
    assert result.code in (1, 4)
    assert "`A` is still the name of another segment; nothing was sent" in result.out
    assert "PATCH" not in {entry.method for entry in remote.emulator.log[sent:]}
    assert ids_by_name(remote) == before
    assert {record.name for record in remote.emulator.console.segments()} == {"A", "B", "Keep"}
    remote.emulator.faults.clear()
    assert_handed_over(connected, remote, before)


def test_a_rename_that_fails_is_finished_by_the_next_apply(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    before = ids_by_name(remote)
    repository.commit("Hand over", {"a.yaml": None, "b.yaml": renamed(says_so=True)})
    remote.emulator.faults.add("PATCH * 400 always")
    assert connected.run("apply", "--auto-approve").code == 4
    assert ids_by_name(remote) == {"B": before["B"], "Keep": before["Keep"]}
    remote.emulator.faults.clear()
    assert connected.run("apply", "--auto-approve").code == 0
    assert ids_by_name(remote) == {"A": before["B"], "Keep": before["Keep"]}
    assert connected.run("plan", "--detailed-exitcode").code == 0


def test_a_change_by_someone_else_in_the_meantime_ends_it(
    connected: Project, remote: Remote, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Someone edits the segment to be deleted while the question is open."""
    before = ids_by_name(remote)
    repository.commit("Hand over", {"a.yaml": None, "b.yaml": renamed(says_so=True)})

    def edit_and_approve() -> str:
        remote.emulator.console.edit(before["A"], query=query("total_spend > 900"))
        return "yes\n"

    stdin = io.StringIO()
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    monkeypatch.setattr(stdin, "readline", edit_and_approve)
    monkeypatch.setattr("sys.stdin", stdin)
    result = connected.run("apply")
    assert result.code == 1
    assert "someone changed the segment after the plan was made" in result.out
    assert "`A` is still the name of another segment; nothing was sent" in result.out
    assert ids_by_name(remote) == before


def test_a_deleted_segment_that_sendgrid_still_lists_is_waited_for(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    before = ids_by_name(remote)
    remote.emulator.settings = dataclasses.replace(remote.emulator.settings, delete_linger=30)
    repository.commit("Hand over", {"a.yaml": None, "b.yaml": renamed(says_so=True)})
    assert connected.run("apply", "--auto-approve").code == 0
    again = connected.run("plan")
    assert (again.code, "run the command again in a minute" in again.err) == (1, True)
    remote.clock.forward(minutes=1)
    assert connected.run("plan", "--detailed-exitcode").code == 0
    assert ids_by_name(remote) == {"A": before["B"], "Keep": before["Keep"]}


@pytest.mark.parametrize("says_so", [True, False])
def test_a_handover_that_is_not_committed_changes_nothing(
    connected: Project, remote: Remote, repository: Repository, *, says_so: bool
) -> None:
    before = ids_by_name(remote)
    repository.write({"a.yaml": None, "b.yaml": renamed(says_so=says_so)})
    result = connected.run("apply", "--auto-approve")
    assert result.code == (1 if says_so else 3)
    code = "name-taken" if says_so else "rename-not-committed"
    assert (f"error[{code}]" in result.out, "commit first" in result.out) == (True, True)
    repository.commit("Hand over", {})
    assert_handed_over(connected, remote, before)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("commits", [1, 2])
def test_a_new_file_like_the_removed_one_makes_it_unclear(
    connected: Project, remote: Remote, repository: Repository, style: str, commits: int
) -> None:
    """Git finds that the file of A was moved to it."""
    before = ids_by_name(remote)
    handover = {"a.yaml": None, "b.yaml": renamed(says_so=True)}
    new = {"new.yaml": segment("New", "total_spend > 501")}
    on_branch(repository, style, *([{**handover, **new}] if commits == 1 else [handover, new]))
    assert_taken(connected, remote, before)


def test_a_segment_that_another_project_declares_is_not_deleted(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    before = ids_by_name(remote)
    connected.write({"two/segctl.yaml": "version: 1\n", "two/segments/a.yaml": segment("A", A)})
    repository.commit("Hand over", {"a.yaml": None, "b.yaml": renamed(says_so=True)})
    assert_taken(connected, remote, before)


@pytest.mark.parametrize("fault", ["500", "500 after", "drop", "drop after", "cut", "429", "403"])
@pytest.mark.parametrize("method", ["DELETE", "PATCH"])
def test_no_fault_loses_the_segment_that_stays(
    connected: Project, remote: Remote, repository: Repository, method: str, fault: str
) -> None:
    before = ids_by_name(remote)
    repository.commit("Hand over", {"a.yaml": None, "b.yaml": renamed(says_so=True)})
    remote.emulator.faults.add(f"{method} * {fault}")
    for _ in range(3):
        connected.run("apply", "--auto-approve")
        assert before["B"] in ids_by_name(remote).values()
        remote.clock.forward(minutes=6)
    assert ids_by_name(remote) == {"A": before["B"], "Keep": before["Keep"]}
    assert connected.run("plan", "--detailed-exitcode").code == 0
