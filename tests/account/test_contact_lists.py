"""Names of contact lists, wherever a plan or a table mentions them, and the requests they cost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.builders import query

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

NEWS = "0b1f4a10-5c1d-4a6e-9f02-000000000001"
VIP = "0b1f4a10-5c1d-4a6e-9f02-000000000002"
GONE = "0b1f4a10-5c1d-4a6e-9f02-000000000009"
FORMATS = ("text", "markdown", "html")


def on(*ids: str) -> str:
    return query(f"array_contains(list_ids, [{', '.join(map(repr, ids))}])")


def lists_read(remote: Remote) -> int:
    return sum("/marketing/lists" in entry.target for entry in remote.emulator.log)


@pytest.fixture
def account(connected: Project, remote: Remote) -> Remote:
    """An account with two lists and a segment with a parent list, which a file removes."""
    remote.emulator.console.add_list("Newsletter", id=NEWS)
    remote.emulator.console.add_list("VIP \x1b[2J customers", id=VIP)
    remote.emulator.console.create("By hand", query("country = 'CZ'"))
    remote.emulator.console.create("Old", on(VIP), parent_list_ids=[NEWS])
    connected.write({"segments/old.yaml": "name: Old\nremoved: true\n"})
    return remote


@pytest.mark.parametrize("output", FORMATS)
def test_a_plan_names_the_lists_of_created_and_deleted_segments(
    connected: Project, account: Remote, output: str
) -> None:
    connected.declare("New", on(NEWS.upper(), GONE), parent=VIP)
    text = connected.run("plan", "--format", output).out
    assert lists_read(account) == 1
    assert "“Newsletter”" in text
    assert r"“VIP \x1b[2J customers”" in text
    assert "(no such list)" in text
    assert all(list_id in text.lower() for list_id in (NEWS, VIP, GONE))
    assert "\x1b" not in text


def test_the_list_names_are_in_the_json_and_in_a_saved_plan(
    connected: Project, account: Remote
) -> None:
    connected.write({"segctl.yaml": "version: 1\nlint: {rules: {unknown-list: warning}}\n"})
    connected.declare("New", on(GONE), parent=NEWS)
    file = str(connected.root / "plan.json")
    shown = {
        output: connected.run("plan", "--format", output, "--out", file).out for output in FORMATS
    }
    plan = json.loads((connected.root / "plan.json").read_text("utf-8"))
    assert plan["lists"] == {NEWS: "Newsletter", VIP: "VIP \x1b[2J customers", GONE: None}
    sent = len(account.emulator.log)
    for output, text in shown.items():
        assert connected.run("show", file, "--format", output).out == text
    assert len(account.emulator.log) == sent
    # A list that is created meanwhile does not make the plan stale.
    account.emulator.console.add_list("Late", id=GONE)
    assert connected.run("apply", file, "--auto-approve").code == 0
    second = json.loads(connected.run("plan", "--format", "json").out)
    assert (second["changes"], second["lists"]) == ([], {})


def test_lists_are_not_read_if_no_change_mentions_one(connected: Project, account: Remote) -> None:
    account.emulator.console.create("Same", on(NEWS), parent_list_ids=[VIP])
    connected.declare("Same", on(NEWS), parent=VIP)
    connected.declare("New", query("country = 'CZ'"))
    connected.write({"segments/old.yaml": "name: Old\nremoved: forget\n"})
    assert connected.run("plan").code == 0
    assert lists_read(account) == 0
    assert connected.run("apply", "--auto-approve").code == 0
    assert lists_read(account) == 0
    account.clock.forward(hours=1)
    connected.clock.sleep(3600)
    connected.run("plan")
    sent = len(account.emulator.log)
    assert (
        connected.run("plan", "-q").out == "No changes. 2 segments of production match segments/.\n"
    )
    assert len(account.emulator.log) == sent + 1


@pytest.mark.parametrize("fault", ["403", "500", "truncated", "drop"])
def test_list_names_that_cannot_be_read_change_no_plan(
    connected: Project, account: Remote, fault: str
) -> None:
    named = connected.run("plan", "-v")
    account.emulator.faults.add(f"GET /v3/marketing/lists {fault} always")
    bare = connected.run("plan", "-v")
    assert (named.code, bare.code) == (0, 0)
    assert bare.out == named.out.replace(" “Newsletter”", "").replace(
        f"        list  {VIP} “VIP \\x1b[2J customers”\n", ""
    )
    assert connected.run("apply", "--auto-approve").code == 0
    assert account.definitions().keys() == {"By hand"}


def test_list_names_the_parent_lists(connected: Project, account: Remote) -> None:
    account.emulator.console.create("Lost", query("city = 'x'"), parent_list_ids=[GONE])
    assert f"{NEWS} “Newsletter”" in connected.run("list").out
    assert f"{GONE} (no such list)" in connected.run("list").out
    data = json.loads(connected.run("list", "--format", "json").out)
    assert data["lists"] == {NEWS: "Newsletter", GONE: None}
    before = lists_read(account)
    assert "By hand" in connected.run("list", "--no-parent-list").out
    assert lists_read(account) == before
    account.emulator.faults.add("GET /v3/marketing/lists 403 always")
    bare = connected.run("list")
    assert (bare.code, NEWS in bare.out, "Newsletter" in bare.out) == (0, True, False)
    assert "warning[lists-unknown]: parent lists are shown without their names" in bare.err
