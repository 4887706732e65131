"""Which automations a plan hits, for a project that observes them; what is not known is said."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from segctl.emulator import seed
from tests.support.builders import query, segment_yaml

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

OBSERVED = "version: 1\nreferences: {automations: observed}\n"
FORMATS = ("text", "json", "markdown", "html", "github", "sarif")
LIST = seed.CUSTOMERS_LIST_ID


def spends_more_than(number: int) -> str:
    return query(f"total_spend > {number}")


@pytest.fixture
def segment_id(connected: Project, remote: Remote) -> str:
    """Declare `VIP` with another query than the account has, observing automations."""
    long_ago = (remote.clock.moment - timedelta(days=3)).timestamp()
    segment_id = remote.emulator.console.create("VIP", spends_more_than(15), at=long_ago)
    connected.write({"segctl.yaml": OBSERVED})
    connected.declare("VIP", spends_more_than(9))
    return segment_id


def automation_requests(remote: Remote) -> list[str]:
    return [entry.target for entry in remote.emulator.log if "automations" in entry.target]


def test_a_plan_names_the_automations_that_a_change_hits(
    connected: Project, segment_id: str, remote: Remote
) -> None:
    console = remote.emulator.console
    goal = query(f"city = '{segment_id.upper()}'")
    console.add_automation("Welcome", entrance=segment_id, goal=goal)
    console.add_automation("Later", status="draft", exits=["x", segment_id], steps=[segment_id])
    console.add_automation("Other", entrance="y")
    text = connected.run("plan").out
    assert [line.strip() for line in text.splitlines() if "used by" in line] == [
        "used by   automation Later, draft (exit and step)",
        "used by   automation Welcome, live (entrance and goal)",
    ]
    markdown = connected.run("plan", "--format", "markdown").out
    assert "<li><code>Welcome</code>, live (entrance and goal)</li>" in markdown
    page = connected.run("plan", "--format", "html").out
    assert "automation <b>Welcome</b>, live (entrance and goal)" in page
    plan = json.loads(connected.run("plan", "--format", "json").out)
    assert plan["automations"][1]["uses"] == [
        {"as": "entrance", "segment_id": segment_id},
        {"as": "goal", "segment_id": segment_id},
    ]
    saved = str(connected.root / "plan.json")
    connected.run("plan", "--out", saved)
    assert connected.run("show", saved).out == text
    assert connected.run("apply", saved, "--auto-approve").code == 0
    remote.emulator.clear_log()
    assert "No changes." in connected.run("plan").out
    assert automation_requests(remote) == []


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize(
    "fault",
    [
        *(f"GET */automations {kind}" for kind in ("401", "403", "404", "404-empty", "502")),
        "GET */automations wrong-json",
        "GET */automations 500 #2",
        *(f"GET */automations/* {kind}" for kind in ("401", "403", "404", "502", "wrong-json")),
    ],
)
@pytest.mark.usefixtures("segment_id")
def test_automations_that_cannot_be_read_are_not_known_in_every_format(
    connected: Project, remote: Remote, fault: str, format_name: str
) -> None:
    remote.emulator.console.add_automation("Welcome", entrance="x")
    remote.emulator.faults.add(f"{fault} always" if "#" not in fault else fault)
    done = connected.run("plan", "--format", format_name)
    assert done.code == 0
    assert "hich automations use the changed segments is not known" in done.out
    assert "No automation uses" not in done.out
    if format_name == "json":
        assert json.loads(done.out)["automations"] is None


@pytest.mark.usefixtures("segment_id")
def test_a_failure_of_automations_is_not_waited_for(connected: Project, remote: Remote) -> None:
    remote.emulator.faults.add("GET */automations 502 always")
    connected.run("plan")
    assert len(automation_requests(remote)) == 1


@pytest.mark.usefixtures("segment_id")
def test_automations_are_read_only_on_request(connected: Project, remote: Remote) -> None:
    connected.write({"segctl.yaml": "version: 1\n"})
    assert "automation" not in connected.run("plan").out
    assert automation_requests(remote) == []
    connected.write({"segctl.yaml": "version: 1\nreferences: {automations: yes}\n"})
    assert "`references.automations` must be" in connected.run("plan").err


@pytest.mark.parametrize("how", ["delete", "replace"])
def test_a_segment_that_a_live_automation_uses_is_not_deleted(
    connected: Project, segment_id: str, remote: Remote, how: str
) -> None:
    console = remote.emulator.console
    console.create("Other", spends_more_than(1))
    console.add_list("Customers", id=LIST)
    automation = console.add_automation("Welcome", entrance=segment_id)
    if how == "delete":
        connected.write({"segments/vip.yaml": "name: VIP\nremoved: true\n"})
    else:
        connected.declare("VIP", spends_more_than(9), parent=LIST, extra="allow_replace: true\n")
    refused = connected.run("apply", "--auto-approve")
    assert refused.code == 3
    assert "the automation `Welcome` (live: entrance) uses `VIP`" in refused.out
    assert "Not checked: the exclusion lists of scheduled Single Sends" in refused.out
    ignored = connected.run("plan", "--ignore-references", "VIP")
    assert (ignored.code, "reference-ignored" in ignored.out) == (0, True)
    console.set_automation_status(automation, "draft")
    assert "warning[draft-automation]" in connected.run("plan").out
    assert connected.run("apply", "--auto-approve").code == 0
    assert "No changes." in connected.run("plan").out


def test_an_automation_that_is_not_known_does_not_refuse_a_delete(
    connected: Project, segment_id: str, remote: Remote
) -> None:
    console = remote.emulator.console
    console.create("Other", spends_more_than(1))
    console.add_automation("Welcome", entrance=segment_id)
    remote.emulator.faults.add("GET */automations 403 always")
    connected.write({"segments/vip.yaml": "name: VIP\nremoved: true\n"})
    done = connected.run("apply", "--auto-approve")
    assert done.code == 0
    assert "warning[automations-unread]" in done.out
    assert "warning[automations-unseen]" in done.out
    assert "to read automations" not in done.out


def test_an_upgrade_waits_for_a_live_automation(connected: Project, remote: Remote) -> None:
    console = remote.emulator.console
    v1_id = console.seed_v1("Old", "city = 'Brno'", contacts_count=0)
    automation = console.add_automation("Welcome", entrance=v1_id)
    text = segment_yaml("Old", query("city = 'Brno'"), extra=f"upgrade_from: {{v1_id: {v1_id}}}\n")
    connected.write({"segments/old.yaml": text})
    assert "automations likely use what is still v1: `Old`" in connected.run("plan").out
    connected.write({"segctl.yaml": f"{OBSERVED}limits: {{max_upgrade_difference: 100}}\n"})
    assert "v1-in-automations" not in connected.run("plan").out
    waiting = connected.run("apply", "--auto-approve")
    assert waiting.code == 4
    assert "the automation `Welcome` (live: entrance) still uses the v1 segment" in waiting.out
    assert len(console.segments()) == 2
    plan = json.loads(connected.run("plan", "--format", "json").out)
    (change,) = plan["changes"]
    assert [entry["name"] for entry in change["upgrade"]["waits_for_automations"]] == ["Welcome"]
    # It stays so where the automations can no longer be read at the last moment.
    remote.emulator.faults.add("GET */automations 403 #3 always")
    assert connected.run("apply", "--auto-approve").code == 4
    remote.emulator.faults.clear()
    console.set_automation_status(automation, "draft")
    remote.clock.forward(minutes=6)
    assert connected.run("apply", "--auto-approve").code == 0
    assert "No changes." in connected.run("plan").out


def test_the_list_shows_automations(connected: Project, segment_id: str, remote: Remote) -> None:
    remote.emulator.console.add_automation("Welcome", entrance=segment_id)
    done = connected.run("list", "--references")
    assert "Welcome (automation, live: entrance)" in done.out
    assert "Automations were not read" not in done.err
    (entry,) = json.loads(connected.run("list", "--references", "--format", "json").out)["segments"]
    assert entry["automations"][0]["uses"] == [{"as": "entrance", "segment_id": segment_id}]
    remote.emulator.faults.add("GET */automations 403 always")
    done = connected.run("list", "--references")
    assert "Which automations use a segment is not known: " in done.err
    (entry,) = json.loads(connected.run("list", "--references", "--format", "json").out)["segments"]
    assert entry["automations"] is None
