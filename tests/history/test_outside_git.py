"""What drift knows, the plan says: a change that undoes what someone did in SendGrid is marked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.builders import query

from .repository import (
    STYLES,
    Repository,
    applied_repository,
    bring_to_main,
    edit_by_hand,
    ids_by_name,
    segment,
)

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

DATE = "2026-05-31"
EDITED = f"changed outside git on {DATE}: `total_spend > 500` became `total_spend > 750`"
DELETED = "deleted outside git, or never applied"
LIST = "0b1f4a10-5c1d-4a6e-9f02-000000000001"


@pytest.fixture
def repository(connected: Project, remote: Remote) -> Repository:
    """A repository whose every commit is applied."""
    remote.emulator.console.add_list("A list", id=LIST)
    names = ("Edited", "Renamed", "Deleted", "Untouched", "Reshaped")
    files = {f"{name.lower()}.yaml": segment(name) for name in names}
    # Two segments with one query could not be told apart once they are renamed.
    files["renamed.yaml"] = segment("Renamed", "total_spend > 501")
    repository = applied_repository(connected, remote, files)
    repository.commit("Say hello", {"notes.txt": "Hello\n"})
    return repository


def marks(project: Project) -> dict[str, dict[str, Any]]:
    """Return what the plan says was done outside git, by name."""
    changes = json.loads(project.run("plan", "--format", "json").out)["changes"]
    return {change["name"]: change["outside_git"] for change in changes if change["outside_git"]}


def drifts(project: Project) -> dict[str, dict[str, Any]]:
    """Return the same facts as `segctl drift` reports them; it also reports what was created."""
    reported = json.loads(project.run("drift", "--format", "json").out)["drift"]
    keys = ("kind", "updated_at", "changed_fields", "clauses")
    return {
        drift["name"]: {**{key: drift[key] for key in keys}, "now": drift["now"] or None}
        for drift in reported
        if drift["kind"] != "created"
    }


def disturb(remote: Remote, *kinds: str) -> None:
    console, ids = remote.emulator.console, ids_by_name(remote)
    if "edited" in kinds:
        edit_by_hand(remote, "Edited", query("total_spend > 750"))
    if "reshaped" in kinds:
        edit_by_hand(remote, "Reshaped", "not a query")
    if "renamed" in kinds:
        console.edit(ids["Renamed"], name="Renamed by hand")
    if "deleted" in kinds:
        console.delete(ids["Deleted"])
    if "created" in kinds:
        console.create("By hand", query("city = 'Brno'"))


@pytest.mark.parametrize(
    "kinds",
    [
        ("edited",),
        ("renamed",),
        ("deleted",),
        ("created",),
        ("reshaped", "deleted"),
        ("edited", "reshaped", "renamed", "deleted", "created"),
        (),
    ],
)
def test_plan_and_drift_agree_where_every_commit_is_applied(
    connected: Project, remote: Remote, repository: Repository, kinds: tuple[str, ...]
) -> None:
    disturb(remote, *kinds)
    assert marks(connected) == drifts(connected)
    assert {name.lower() for name in marks(connected)} == {*kinds} - {"created"}
    assert repository.commits


@pytest.mark.parametrize("style", STYLES)
def test_a_branch_that_changes_files_is_not_taken_for_drift(
    connected: Project, remote: Remote, repository: Repository, style: str
) -> None:
    disturb(remote, "edited")
    repository.git("checkout", "--quiet", "-b", "work")
    repository.commit(
        "Change",
        {
            "edited.yaml": segment("Edited", "total_spend > 900"),
            "untouched.yaml": segment("Untouched", "total_spend > 900"),
            "new.yaml": segment("New", "city = 'Brno'"),
        },
    )
    bring_to_main(repository, style)
    done = connected.run("plan")
    assert EDITED in done.out
    assert marks(connected).keys() == {"Edited"}
    assert marks(connected)["Edited"]["clauses"][0]["after"] == "total_spend > 500"
    # Drift takes the files for what was applied last, but says the same of the edit.
    assert drifts(connected)["Edited"] == marks(connected)["Edited"]


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html", "github", "sarif"])
@pytest.mark.parametrize("kind", ["edited", "renamed", "deleted"])
def test_every_format_marks_what_was_done_outside_git(
    connected: Project, remote: Remote, repository: Repository, form: str, kind: str
) -> None:
    disturb(remote, kind)
    output = connected.run("plan", "--format", form).out
    output = output.replace("%60", "`").replace("<code>", "`").replace("</code>", "`")
    output = output.replace("&gt;", ">").replace(f"`{DATE}`", DATE)
    if form == "json":
        assert marks(connected)[kind.capitalize()]["kind"] == kind
        return
    expected = {
        "edited": EDITED,
        "renamed": "renamed outside git" if form in {"text", "markdown"} else "outside git",
        "deleted": DELETED,
    }
    assert expected[kind].lower() in output.lower()
    assert repository.commits


def test_a_saved_plan_and_the_report_say_it_too(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    disturb(remote, "edited", "deleted")
    saved = str(connected.root / "plan.json")
    text = connected.run("plan", "--out", saved).out
    assert connected.run("show", saved).out == text
    report = connected.run("apply", saved, "--auto-approve", "--format", "json").out
    outcomes = {item["name"]: item for item in json.loads(report)["outcomes"]}
    assert outcomes["Edited"]["outside_git"] == {
        "kind": "edited",
        "now": None,
        "updated_at": "2026-05-31T08:26:40Z",
        "changed_fields": ["query_dsl"],
    }
    assert outcomes["Deleted"]["outside_git"]["kind"] == "deleted"
    assert "total_spend" not in report
    assert "No changes." in connected.run("plan").out
    assert "No drift" in connected.run("drift").out
    assert repository.commits


@pytest.mark.parametrize("form", ["text", "markdown", "html", "github"])
def test_the_report_of_an_apply_says_what_it_undid(
    connected: Project, remote: Remote, repository: Repository, form: str
) -> None:
    disturb(remote, "edited")
    output = connected.run("apply", "--auto-approve", "--format", form).out
    assert f"changed outside git on {DATE}" in output.replace(f"<code>{DATE}</code>", DATE)
    assert repository.commits


def test_a_fresh_account_has_no_deleted_segment(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    """It is another account: nothing was ever applied to it."""
    for segment_id in ids_by_name(remote).values():
        remote.emulator.console.delete(segment_id)
    assert marks(connected) == {}
    assert "outside git" not in connected.run("plan").out
    assert repository.commits


def test_a_shallow_clone_marks_nothing(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    disturb(remote, "edited", "deleted")
    head = repository.git("rev-parse", "HEAD").strip()
    (connected.root / ".git" / "shallow").write_text(f"{head}\n")
    assert marks(connected) == {}
    assert "warning[origin-unknown]" in connected.run("plan").out
