"""Segments that someone renamed in SendGrid: plans over real histories, and what drift says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from segctl.planning.temporary_names import Marker, temporary_name
from tests.support.builders import query

from .repository import (
    STYLES,
    Repository,
    applied_repository,
    bring_to_main,
    edit_by_hand,
    ids_by_name,
    segment,
    set_time,
)

if TYPE_CHECKING:
    from segctl.emulator.console import Console
    from tests.support.account import Remote
    from tests.support.project import Project

VIP = query("total_spend > 500")
CODE = "error[rename-or-create]: `VIP` would be created"


@pytest.fixture
def console(remote: Remote) -> Console:
    """The account an hour before the first commit, with a segment that someone made by hand."""
    set_time(remote, -60)
    remote.emulator.console.create("By hand", query("city = 'Brno'"))
    return remote.emulator.console


@pytest.fixture
def repository(connected: Project, remote: Remote, console: Console) -> Repository:
    """A repository with two segments, applied ten minutes after the first commit."""
    assert len(console.segments()) == 1
    files = {"keep.yaml": segment("Keep", "orders_count > 9"), "vip.yaml": segment("VIP")}
    return applied_repository(connected, remote, files)


def rename(remote: Remote, old: str, new: str) -> str:
    """Rename a segment in SendGrid; return its id."""
    segment_id = ids_by_name(remote)[old]
    remote.emulator.console.edit(segment_id, name=new)
    return segment_id


def apply_twice(connected: Project) -> None:
    assert connected.run("apply", "--auto-approve").code == 0
    assert connected.run("plan", "--detailed-exitcode").code == 0


PREVIOUS = "previous_names: [VIP gold]\n"


@pytest.mark.parametrize("style", ["untouched", *STYLES])
def test_a_segment_that_someone_renamed_is_renamed_back_once_the_file_says_so(
    connected: Project, remote: Remote, repository: Repository, style: str
) -> None:
    """Also with an edit of its query, which a branch brought in the meantime."""
    vip = rename(remote, "VIP", "VIP gold")
    text, condition = VIP, "total_spend > 500"
    before = remote.definitions()
    if style != "untouched":
        condition = "total_spend > 600"
        text = query(condition)
        repository.git("checkout", "--quiet", "-b", "work")
        repository.commit("Edit", {"vip.yaml": segment("VIP", "total_spend > 550")})
        repository.commit("Edit again", {"vip.yaml": segment("VIP", "total_spend > 600")})
        bring_to_main(repository, style)
    plan = connected.run("apply", "--auto-approve")
    assert (plan.code, remote.definitions()) == (3, before)
    assert "0 to create, 1 to patch, 0 to replace, 0 to delete" in plan.out
    assert "~ name  VIP gold -> VIP" in plan.out
    assert "renamed back: someone may have renamed it in SendGrid" in plan.out
    assert "proven-by-git" not in plan.out
    words = " ".join(plan.out.split())
    assert (
        "error[renamed-outside-git]: `VIP` may have been renamed to `VIP gold` outside git: commit"
        in words
    )
    assert "declared it as it is, and someone changed it on 2026-05-31" in words
    assert 'to keep its name, write `name: "VIP gold"` there' in words
    assert 'add `previous_names: ["VIP gold"]` to segments/vip.yaml' in words
    repository.write({"vip.yaml": segment("VIP", condition, extra=PREVIOUS)})
    apply_twice(connected)
    assert ids_by_name(remote)["VIP"] == vip
    assert remote.definitions()["VIP"] == (text, ())
    assert set(ids_by_name(remote)) == {"By hand", "Keep", "VIP"}


@pytest.mark.parametrize("is_committed", [True, False])
def test_the_new_name_is_kept_once_the_file_has_it(
    connected: Project, remote: Remote, repository: Repository, *, is_committed: bool
) -> None:
    """As the hint says."""
    vip = rename(remote, "VIP", "VIP gold")
    repository.write({"vip.yaml": segment("VIP gold")})
    if is_committed:
        repository.commit("Adopt the name", {})
    plan = connected.run("plan", "--detailed-exitcode")
    assert (plan.code, "No changes." in plan.out, plan.err) == (0, True, "")
    assert ids_by_name(remote)["VIP gold"] == vip
    assert connected.run("drift", "--managed-only", "--detailed-exitcode").code == 0


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("name", ["VIP", "VIP gold"])
def test_a_new_name_that_git_does_not_prove_is_not_accepted_and_says_how_to_keep_it(
    connected: Project, remote: Remote, name: str
) -> None:
    rename(remote, "VIP", "VIP gold")
    remote.emulator.console.create("A copy", VIP)
    set_time(remote, 3700)
    rename(remote, "A copy", "VIP copy")
    done = connected.run("drift", "--accept", name)
    assert (done.code, done.out) == (1, "")
    assert "may be it under another name" in done.err
    assert "write it there as `name` to keep it" in " ".join(done.err.split())


@pytest.mark.parametrize("form", ["text", "json", "markdown", "github", "sarif", "html"])
@pytest.mark.parametrize("is_likely", [True, False])
def test_every_format_says_what_happens_to_a_renamed_segment(
    connected: Project, remote: Remote, repository: Repository, form: str, *, is_likely: bool
) -> None:
    rename(remote, "VIP", "VIP gold")
    if not is_likely:
        remote.emulator.console.create("A copy", VIP)
        set_time(remote, 3700)
        rename(remote, "A copy", "VIP copy")
    result = connected.run("plan", "--format", form)
    assert result.code == 3
    output = result.out.replace("%60", "`").replace("<code>", "`").replace("</code>", "`")
    assert "VIP gold" in output
    expected = "may have been renamed to" if is_likely else "may be it under another name"
    assert expected in output
    if form == "json":
        document = json.loads(result.out)
        reasons = [change["reason"] for change in document["changes"]]
        assert reasons == ["renamed-by-hand" if is_likely else "not-on-account"]
        codes = [item["code"] for item in document["diagnostics"] + document["refusals"]]
        assert ("renamed-outside-git" if is_likely else "rename-or-create") in codes


def test_drift_and_plan_agree(connected: Project, remote: Remote, repository: Repository) -> None:
    vip = rename(remote, "VIP", "VIP gold")
    (drift,) = json.loads(connected.run("drift", "--format", "json", "--managed-only").out)["drift"]
    assert (drift["kind"], drift["name"], drift["now"]) == ("renamed", "VIP", "VIP gold")
    assert (drift["id"], drift["updated_at"][:10]) == (vip, "2026-05-31")


def test_a_copy_by_hand_is_not_the_segment(
    connected: Project, remote: Remote, repository: Repository, console: Console
) -> None:
    """It was never edited, so nobody renamed it: the segment was deleted."""
    console.create("VIP copy", VIP)
    console.delete(ids_by_name(remote)["VIP"])
    copy = ids_by_name(remote)["VIP copy"]
    assert "+ create  VIP" in connected.run("plan").out
    apply_twice(connected)
    assert ids_by_name(remote)["VIP copy"] == copy


def test_a_segment_that_was_renamed_and_edited_is_another_one(
    connected: Project, remote: Remote, repository: Repository, console: Console
) -> None:
    console.edit(rename(remote, "VIP", "VIP gold"), query=query("city = 'Praha'"))
    assert "+ create  VIP" in connected.run("plan").out
    apply_twice(connected)
    assert remote.definitions()["VIP gold"] == (query("city = 'Praha'"), ())


def test_two_candidates_are_refused_until_a_file_decides(
    connected: Project, remote: Remote, repository: Repository, console: Console
) -> None:
    vip = rename(remote, "VIP", "VIP gold")
    copy = console.create("A copy", VIP)
    set_time(remote, 3700)
    console.edit(copy, name="VIP copy")
    before = remote.definitions()
    refused = connected.run("apply", "--auto-approve")
    assert (refused.code, CODE in refused.out) == (3, True)
    words = " ".join(refused.out.split())
    assert "`VIP gold`, `VIP copy` are as commits declared it: one of them may be it under" in words
    assert remote.definitions() == before
    # What the hint says: the one that it is, or each one that it is not.
    repository.write({"copy.yaml": "name: VIP copy\nremoved: forget\n"})
    assert "error[renamed-outside-git]: `VIP` may have been" in connected.run("plan").out
    repository.write({"copy.yaml": None})
    repository.write({"vip.yaml": segment("VIP", extra="previous_names: [VIP gold]\n")})
    apply_twice(connected)
    assert ids_by_name(remote)["VIP"] == vip
    assert ids_by_name(remote)["VIP copy"] == copy


def test_one_segment_that_fits_two_declarations_is_refused(
    connected: Project, remote: Remote, repository: Repository, console: Console
) -> None:
    repository.commit("Another one like it", {"twin.yaml": segment("Twin")})
    set_time(remote, 3700)
    assert connected.run("apply", "--auto-approve").code == 0
    console.delete(ids_by_name(remote)["Twin"])
    vip = rename(remote, "VIP", "VIP gold")
    refused = connected.run("apply", "--auto-approve")
    assert refused.code == 3
    assert refused.out.count("error[rename-or-create]") == 2
    repository.write({"vip.yaml": segment("VIP", extra="previous_names: [VIP gold]\n")})
    apply_twice(connected)
    assert ids_by_name(remote)["VIP"] == vip


@pytest.mark.parametrize("decision", ["rename back", "adopt the name", "create another"])
def test_a_renamed_segment_that_is_older_than_its_file_is_refused_until_a_file_decides(
    connected: Project, remote: Remote, repository: Repository, decision: str
) -> None:
    """As an imported one is. Nothing proves that it is not someone else's."""
    old = ids_by_name(remote)["By hand"]
    assert connected.run("import", "By hand").code == 0
    repository.commit("Import", {})
    set_time(remote, 3700)
    rename(remote, "By hand", "Brno: all")
    refused = connected.run("apply", "--auto-approve")
    assert refused.code == 3
    words = " ".join(refused.out.split())
    assert (
        "error[rename-or-create]: `By hand` would be created, but `Brno: all` may be it under "
        "another name: commit" in words
    )
    assert "and someone changed it on 2026-05-31" in words
    assert 'add `previous_names: ["Brno: all"]` to segments/by-hand.yaml' in words
    text = (repository.root / "segments/by-hand.yaml").read_text()
    match decision:
        case "rename back":
            repository.write({"by-hand.yaml": f'{text}previous_names: ["Brno: all"]\n'})
        case "adopt the name":
            repository.write({"by-hand.yaml": text.replace("name: By hand", 'name: "Brno: all"')})
        case "create another":
            repository.write({"brno.yaml": 'name: "Brno: all"\nremoved: forget\n'})
    repository.commit("Decide", {})
    apply_twice(connected)
    ids = ids_by_name(remote)
    assert ids["By hand" if decision == "rename back" else "Brno: all"] == old
    assert ("Brno: all" in ids, "By hand" in ids) == (
        decision != "rename back",
        decision != "adopt the name",
    )


def test_a_new_file_like_a_segment_that_someone_made_creates_one(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    """The segment is older, and nobody changed it since: it cannot have had the new name."""
    repository.commit("Declare", {"brno.yaml": segment("Brno", "city = 'Brno'")})
    assert "+ create  Brno" in connected.run("plan").out
    apply_twice(connected)
    assert {"Brno", "By hand"} <= set(ids_by_name(remote))


def test_a_new_name_that_a_file_had_once_is_not_by_hand(
    connected: Project, remote: Remote, repository: Repository, console: Console
) -> None:
    repository.commit("Declare", {"gold.yaml": segment("VIP gold", "city = 'Praha'")})
    repository.commit("Remove", {"gold.yaml": None})
    repository.commits = 3700
    set_time(remote, 3701)
    rename(remote, "VIP", "VIP gold")
    plan = connected.run("plan").out
    assert "+ create  VIP" in plan
    assert "renamed-outside-git" not in plan


def test_a_rename_in_git_wins_over_a_rename_by_hand(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    """Someone renamed it before the new name of its file was applied."""
    vip = rename(remote, "VIP", "VIP gold")
    repository.commit("Rename", {"vip.yaml": segment("Best customers")})
    plan = connected.run("plan")
    assert (plan.code, "~ name  VIP gold -> Best customers" in plan.out) == (3, True)
    repository.write({"vip.yaml": segment("Best customers", extra=PREVIOUS)})
    apply_twice(connected)
    assert ids_by_name(remote)["Best customers"] == vip


def test_an_earlier_name_by_hand_that_the_file_names_needs_no_proof(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    vip = rename(remote, "VIP", "VIP gold")
    text = segment("VIP", "city = 'Praha'", extra="previous_names: [VIP gold]\n")
    repository.commit("Decide", {"vip.yaml": text})
    plan = connected.run("plan").out
    assert "renamed by `previous_names`" in plan
    assert "outside-git" not in plan
    apply_twice(connected)
    assert ids_by_name(remote)["VIP"] == vip


@pytest.mark.parametrize("marker", [Marker.OLD, Marker.SUCCESSOR])
def test_a_temporary_name_is_not_by_hand(
    connected: Project, remote: Remote, repository: Repository, marker: Marker
) -> None:
    vip = ids_by_name(remote)["VIP"]
    name = temporary_name("Something else", vip, marker)
    rename(remote, "VIP", name)
    plan = connected.run("plan").out
    assert "renamed-outside-git" not in plan
    assert "+ create  VIP" in plan


@pytest.mark.parametrize("how", ["shallow", "--no-detect-renames"])
def test_without_history_or_detection_a_second_segment_is_created(
    connected: Project, remote: Remote, repository: Repository, how: str
) -> None:
    rename(remote, "VIP", "VIP gold")
    if how == "shallow":
        head = repository.git("rev-parse", "HEAD")
        (connected.root / ".git" / "shallow").write_text(f"{head}\n")
        # Drift has nothing to lose by a guess.
        assert "now `VIP gold`" in connected.run("drift").out
    plan = connected.run("plan", *([how] if how != "shallow" else []))
    assert "+ create  VIP" in plan.out
    assert ("renames create new segments" in plan.out) is (how == "shallow")


def test_a_segment_that_someone_made_like_one_that_was_never_applied_is_not_renamed(
    connected: Project, remote: Remote, repository: Repository, console: Console
) -> None:
    """In the account, it looks as if a declared segment had been applied and renamed."""
    repository.commit("Declare", {"brno.yaml": segment("Brno", "city = 'Olomouc'")})
    set_time(remote, 3700)
    console.create("Olomouc", query("city = 'Praha'"))
    set_time(remote, 3800)
    edit_by_hand(remote, "Olomouc", query("city = 'Olomouc'"))
    before = remote.definitions()
    refused = connected.run("apply", "--auto-approve")
    assert (refused.code, remote.definitions()) == (3, before)
    repository.write({"olomouc.yaml": "name: Olomouc\nremoved: forget\n"})
    apply_twice(connected)
    assert before.items() < remote.definitions().items()


def test_a_segment_that_nobody_changed_since_the_commit_of_its_definition_is_another_one(
    connected: Project, remote: Remote, repository: Repository, console: Console
) -> None:
    """No apply can have given that definition to it."""
    repository.commits = 3800
    edit_by_hand(remote, "VIP", query("city = 'Olomouc'"))
    rename(remote, "VIP", "Olomouc")
    repository.commit("Edit", {"keep.yaml": segment("Keep", "city = 'Olomouc'")})
    console.delete(ids_by_name(remote)["Keep"])
    set_time(remote, 7200)
    assert "2 to create, 0 to patch" in connected.run("plan").out
    apply_twice(connected)
    assert "Olomouc" in ids_by_name(remote)


def test_exclusive_ownership_renames_instead_of_deleting(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    connected.write({"segctl.yaml": "version: 1\nownership: exclusive\n"})
    vip = rename(remote, "VIP", "VIP gold")
    assert "0 to create, 1 to patch, 0 to replace, 1 to delete" in connected.run("plan").out
    apply_twice(connected)
    assert ids_by_name(remote) == {"VIP": vip, "Keep": ids_by_name(remote)["Keep"]}


def test_only_what_is_selected_is_renamed_back(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    rename(remote, "VIP", "VIP gold")
    plan = connected.run("plan", "--only", "Keep", "--detailed-exitcode")
    assert (plan.code, "renamed" in plan.out) == (0, False)
    assert "~ name  VIP gold -> VIP" in connected.run("plan", "--only", "VIP").out


def test_few_definitions_are_read_to_find_a_rename(
    connected: Project, remote: Remote, repository: Repository, console: Console
) -> None:
    """A new file asks for no segment that was not edited since its commit."""
    for number in range(5):
        console.create(f"Mine {number}", VIP)
        remote.clock.forward(minutes=5)
        rename(remote, f"Mine {number}", f"Mine: {number}")
    set_time(remote, 7200)
    repository.commits = 6000
    repository.commit("Declare", {"new.yaml": segment("New")})
    before = len(remote.emulator.log)
    plan = connected.run("plan", "--no-cache")
    assert "+ create  New" in plan.out
    targets = [entry.target.partition("?")[0] for entry in remote.emulator.log[before:]]
    ids = ids_by_name(remote)
    read = {name for name in ids if any(target.endswith(ids[name]) for target in targets)}
    assert read == {"Keep", "VIP"}


def test_a_segment_that_another_project_declares_is_its_own(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    """It has the definition of a missing one of this project, and was edited since."""
    remote.emulator.console.delete(ids_by_name(remote)["VIP"])
    other = remote.emulator.console.create("Theirs", VIP)
    set_time(remote, 3700)
    rename(remote, "Theirs", "Their VIP")
    files = {"two/segctl.yaml": "version: 1\n", "two/segments/vip.yaml": segment("Their VIP")}
    connected.write(files)
    repository.commit("Another project", {})
    assert "+ create  VIP" in connected.run("plan").out
    apply_twice(connected)
    assert ids_by_name(remote)["Their VIP"] == other
