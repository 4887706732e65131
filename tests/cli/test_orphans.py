"""Segments that nothing visible uses: for an account near its cap, and never by a failed read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.builders import query

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

ANYONE = query("total_spend > 1")


@pytest.fixture
def segments(connected: Project, remote: Remote) -> dict[str, str]:
    """Fill the account; return ids by name."""
    console = remote.emulator.console
    names = ("Drafted", "Sent", "Automated", "Managed", "Forgotten")
    ids = {name: console.create(name, ANYONE) for name in names}
    ids["Frozen"] = console.seed_v1("Frozen", "city = 'Brno'")
    console.add_single_send("Draft", segment_ids=[ids["Drafted"]])
    console.add_single_send("Old", status="triggered", segment_ids=[ids["Sent"]])
    console.add_automation("Draft", status="draft", exits=[ids["Automated"]])
    connected.declare("Managed", ANYONE)
    return ids


def orphans(project: Project) -> list[str]:
    done = project.run("list", "--orphans", "--format", "json")
    assert done.code == 0
    return [entry["name"] for entry in json.loads(done.out)["segments"]]


@pytest.mark.usefixtures("segments")
def test_orphans_are_the_segments_that_nothing_visible_uses(connected: Project) -> None:
    assert orphans(connected) == ["Automated", "Forgotten", "Frozen", "Managed"]
    done = connected.run("list", "--orphans")
    assert [line.split()[0] for line in done.out.splitlines()[1:]] == orphans(connected)
    assert "4 segments of 6: nothing that segctl can see uses them." in done.err
    assert "Not checked: automations; the exclusion lists of scheduled Single Sends" in done.err
    assert "6 of 200 segments used." in done.err
    connected.write({"segctl.yaml": "version: 1\nreferences: {automations: observed}\n"})
    assert orphans(connected) == ["Forgotten", "Frozen", "Managed"]
    done = connected.run("list", "--orphans", "--format", "json")
    document = json.loads(done.out)
    assert document["not_checked"][0] == "the exclusion lists of scheduled Single Sends"
    assert document["segments"][0]["automations"] == []
    assert json.loads(connected.run("list", "--format", "json").out)["not_checked"] is None


@pytest.mark.usefixtures("segments")
@pytest.mark.parametrize(
    "fault",
    ["singlesends 500", "singlesends/* 403", "automations 404", "automations/* wrong-json"],
)
def test_nothing_is_called_an_orphan_where_a_read_failed(
    connected: Project, remote: Remote, fault: str
) -> None:
    connected.write({"segctl.yaml": "version: 1\nreferences: {automations: observed}\n"})
    remote.emulator.faults.add(f"GET */{fault} always")
    done = connected.run("list", "--orphans", "--no-cache")
    assert (done.code, done.out) == (1, "")
    assert "what uses a segment is not known, so none is called an orphan: could not" in done.err


def test_an_account_where_everything_is_used_has_no_orphan(
    connected: Project, remote: Remote
) -> None:
    console = remote.emulator.console
    console.add_single_send("Draft", segment_ids=[console.create("Drafted", ANYONE)])
    done = connected.run("list", "--orphans")
    assert (done.code, done.out) == (0, "")
    assert "0 segments of 1: nothing that segctl can see uses them." in done.err
