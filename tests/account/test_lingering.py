"""Segments that SendGrid lists although they are deleted, and segments without a query.

The list has a deleted segment for up to a minute (sendgrid-api.md §1). In these tests it has it for
ever, since the clock stands still.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

from segctl.app import plan
from segctl.model import Segment
from segctl.model.proof import CommitRef, DeclaredVersion
from segctl.planning.ownership import Removal, RemovalHistory
from tests.support.account import KEY, Remote
from tests.support.builders import query

if TYPE_CHECKING:
    from segctl.emulator.console import Console
    from tests.support.project import Project

VIP, CZECH = query("total_spend > 500"), query("preferred_language = 'cs'")
LIST = "0b1f4a10-5c1d-4a6e-9f02-000000000001"
GONE = "was deleted a moment ago"


@pytest.fixture
def console(remote: Remote) -> Console:
    """The web UI of an account whose list lags behind."""
    emulator = remote.emulator
    emulator.settings = dataclasses.replace(emulator.settings, delete_linger=3600.0)
    emulator.console.add_list("A list", id=LIST)
    return emulator.console


def remember_removal(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    """Make the history say that a segment was declared, and removed after its creation."""
    segment, file, removed_at = Segment(name, text), "segments/old.yaml", "2026-07-15T17:00:00Z"
    declared = DeclaredVersion(segment, file, CommitRef("decade", "2026-07-15T16:00:00Z"))
    removal = Removal(
        segment,
        is_protected=False,
        file=file,
        commit="c0ffee",
        removed_at=removed_at,
        versions=(declared,),
    )
    removal_history = RemovalHistory((removal,))
    monkeypatch.setattr(plan, "removal_history", lambda *_: removal_history)


def delete(remote: Remote, segment_id: str) -> None:
    """Delete a segment by a request, as SendGrid's web UI does."""
    path = f"/v3/marketing/segments/2.0/{segment_id}"
    headers = {"authorization": f"Bearer {KEY}", "accept": "application/json"}
    assert remote.emulator.handle("DELETE", path, headers, b"").status == 202


def check_no_changes(project: Project) -> None:
    """Check that every command that reads the whole account reports no change."""
    plan = project.run("plan", "--detailed-exitcode")
    assert (plan.code, plan.err) == (0, "")
    assert "No changes." in plan.out
    assert project.run("drift", "--detailed-exitcode").code == 0
    imported = project.run("import", "--all")
    assert (imported.code, imported.out) == (0, "")
    assert project.run("list").code == 0


def listed(project: Project) -> list[str]:
    data = json.loads(project.run("list", "--format", "json").out)
    return [entry["name"] for entry in data["segments"]]


def test_a_plan_right_after_a_removal_is_empty(connected: Project, console: Console) -> None:
    console.create("Old", VIP)
    console.create("New", CZECH)
    connected.declare("New", CZECH)
    connected.write({"segments/old.yaml": "name: Old\nremoved: true\n"})
    assert connected.run("apply", "--auto-approve").code == 0
    assert listed(connected) == ["New", "Old"]
    check_no_changes(connected)


def test_a_plan_right_after_an_exclusive_delete_is_empty(
    connected: Project, console: Console
) -> None:
    console.create("Old", VIP)
    connected.write({"segctl.yaml": "version: 1\nownership: exclusive\n"})
    connected.declare("New", CZECH)
    assert connected.run("apply", "--auto-approve").code == 0
    assert listed(connected) == ["New", "Old"]
    check_no_changes(connected)


def test_a_plan_right_after_a_replacement_is_empty(connected: Project, console: Console) -> None:
    console.create("VIP", VIP)
    connected.declare("VIP", VIP, parent=LIST, extra="allow_replace: true\n")
    assert connected.run("apply", "--auto-approve").code == 0
    assert len(listed(connected)) == 2
    check_no_changes(connected)


def test_a_plan_right_after_a_delete_by_history_is_empty(
    connected: Project, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.create("Old", VIP)
    console.create("New", CZECH)
    connected.declare("New", CZECH)
    remember_removal(monkeypatch, "Old", VIP)
    assert connected.run("apply", "--auto-approve").code == 0
    assert listed(connected) == ["New", "Old"]
    check_no_changes(connected)


def test_a_segment_created_and_deleted_by_hand_is_not_drift(
    connected: Project, remote: Remote, console: Console
) -> None:
    delete(remote, console.create("By hand", VIP))
    connected.declare("New", CZECH)
    drift = json.loads(connected.run("drift", "--format", "json").out)
    assert [(entry["kind"], entry["name"]) for entry in drift["drift"]] == [("deleted", "New")]


@pytest.mark.parametrize("by", ["name", "previous name", "history"])
def test_a_claimed_segment_is_never_re_created_after_a_404(
    connected: Project, remote: Remote, console: Console, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    delete(remote, console.create("New" if by == "name" else "Old", VIP))
    extra = "previous_names: [Old]\n" if by == "previous name" else ""
    connected.declare("New", VIP, extra=extra)
    remember_removal(monkeypatch, "Old", VIP)
    for argv in (["plan"], ["drift"], ["apply", "--auto-approve"]):
        result = connected.run(*argv)
        assert (result.code, result.out) == (1, "")
        assert GONE in result.err
        assert "in a minute" in result.err
    assert remote.definitions() == {}


def test_the_import_of_a_deleted_segment_by_name_fails(
    connected: Project, remote: Remote, console: Console
) -> None:
    delete(remote, console.create("By hand", VIP))
    result = connected.run("import", "By hand")
    assert (result.code, result.out) == (1, "")
    assert GONE in result.err


def test_an_undeclared_segment_without_a_query_is_not_an_error(
    connected: Project, remote: Remote, console: Console
) -> None:
    odd_id = console.create("Odd", "")
    connected.declare("New", CZECH)
    # `New` is missing, so drift reads every segment that it may have been renamed to.
    data = json.loads(connected.run("drift", "--format", "json").out)
    assert {entry["name"]: entry["kind"] for entry in data["drift"]} == {
        "New": "deleted",
        "Odd": "created",
    }
    for setting in ("exclusive", "history"):
        connected.write({"segctl.yaml": f"version: 1\nownership: {setting}\n"})
        if setting == "history":
            connected.write({"segments/odd.yaml": "name: Odd\nremoved: true\n"})
        shown = connected.run("plan")
        assert shown.code == 0
        assert "to delete" not in shown.out or "0 to delete" in shown.out
        assert "`Odd` is not deleted: SendGrid returns no query of it" in shown.err + shown.out
        assert odd_id in shown.err + shown.out
    assert connected.run("apply", "--auto-approve").code == 0
    assert set(remote.definitions()) == {"New", "Odd"}
    assert connected.run("plan", "--detailed-exitcode").code == 0
