"""Which campaigns a plan hits: every view says it, few requests learn it, and a limit refuses."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.builders import query

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

SEND_AT = "2026-12-01 09:00 UTC"


def spends_more_than(number: int) -> str:
    return query(f"total_spend > {number}")


@pytest.fixture
def campaign(connected: Project, remote: Remote) -> str:
    """Declare `VIP` with another query than the account has; return the segment's id."""
    console, now = remote.emulator.console, remote.clock.moment
    long_ago = (now - timedelta(days=3)).timestamp()
    segment_id = console.create("VIP", spends_more_than(15), at=long_ago)
    send_at = now.replace(year=2026, month=12, day=1, hour=9, minute=0, second=0).timestamp()
    for name, status, time in (
        ("Thank you", "draft", None),
        ("Spring sale", "scheduled", send_at),
        ("Last month", "triggered", long_ago),
    ):
        console.add_single_send(
            name, status=status, segment_ids=[segment_id], send_at=time, at=long_ago
        )
    console.add_single_send("For everyone", send_to_all=True, at=long_ago)
    connected.declare("VIP", spends_more_than(9))
    return segment_id


def single_send_requests(remote: Remote, project: Project, *argv: str) -> list[str]:
    remote.emulator.clear_log()
    project.run(*argv)
    paths = [entry.target.partition("?")[0] for entry in remote.emulator.log]
    return [path.rpartition("/")[2] for path in paths if "singlesends" in path]


def test_a_plan_names_the_campaigns_that_a_change_hits(
    connected: Project, campaign: str, remote: Remote
) -> None:
    connected.declare("VIP", spends_more_than(9), extra="protected: true\n")
    text = connected.run("plan").out
    assert ", protected\n" in text
    used_by = [line.strip() for line in text.splitlines() if "used by" in line]
    assert used_by == [
        f"used by   Spring sale, scheduled for {SEND_AT}",
        "used by   Thank you, draft",
    ]
    markdown = connected.run("plan", "--format", "markdown").out
    assert f"<code>Spring sale</code>, scheduled for {SEND_AT}</li>" in markdown
    assert "Last month" not in markdown
    page = connected.run("plan", "--format", "html").out
    assert f"<b>Spring sale</b>, scheduled for {SEND_AT}</li>" in page
    plan = json.loads(connected.run("plan", "--format", "json").out)
    assert [send["name"] for send in plan["single_sends"]] == ["Spring sale", "Thank you"]
    assert plan["single_sends"][0]["segment_ids"] == [campaign]
    assert plan["changes"][0]["protected"] is True
    assert connected.run("apply", "--auto-approve").code == 0
    assert "No changes." in connected.run("plan").out


def test_a_saved_plan_shows_the_campaigns_and_survives_a_new_one(
    connected: Project, campaign: str, remote: Remote
) -> None:
    file = str(connected.root / "plan.json")
    connected.run("plan", "--out", file)
    assert "used by   Spring sale" in connected.run("show", file).out
    remote.emulator.console.add_single_send("Later", segment_ids=[campaign])
    assert connected.run("apply", file, "--auto-approve").code == 0


def test_a_new_segment_costs_no_request_for_campaigns(connected: Project, remote: Remote) -> None:
    connected.declare("New", spends_more_than(9))
    assert single_send_requests(remote, connected, "plan") == []


@pytest.mark.usefixtures("campaign")
def test_sent_campaigns_are_not_read_and_read_ones_are_remembered(
    connected: Project, remote: Remote
) -> None:
    first = single_send_requests(remote, connected, "plan")
    assert (first[0], len(first)) == ("singlesends", 1 + 3)
    assert single_send_requests(remote, connected, "plan") == ["singlesends"]
    assert len(single_send_requests(remote, connected, "plan", "--no-cache")) == 1 + 3
    edited = remote.emulator.console.add_single_send("New")
    assert single_send_requests(remote, connected, "plan") == ["singlesends", edited]


@pytest.mark.usefixtures("campaign")
def test_the_cache_holds_no_name(connected: Project, remote: Remote) -> None:
    connected.run("plan")
    folder = Path(connected.env["SEGCTL_CACHE_DIR"])
    (file,) = folder.glob("single-sends/*.json")
    text = file.read_text("utf-8")
    assert "Spring" not in text
    assert file.stat().st_mode & 0o077 == 0
    file.write_text(text.replace("single_sends", "something_else"), "utf-8")
    assert "used by   Spring sale" in connected.run("plan").out


def test_a_campaign_that_moves_on_is_read_again(
    connected: Project, campaign: str, remote: Remote
) -> None:
    connected.run("plan")
    send_id = single_send_requests(remote, connected, "plan", "--no-cache")[1]
    remote.clock.forward(minutes=1)
    remote.emulator.console.edit_single_send(send_id, segment_ids=[])
    assert connected.run("plan").out.count("used by") == 1


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize(
    "fault", ["GET */singlesends 403 always", "GET */singlesends/* 500 always"]
)
def test_campaigns_that_cannot_be_read_are_not_known(
    connected: Project, remote: Remote, fault: str
) -> None:
    remote.emulator.faults.add(fault)
    done = connected.run("plan")
    assert done.code == 0
    assert "warning[single-sends-unread]: which Single Sends go to the changed" in done.out
    assert "used by" not in done.out
    markdown = connected.run("plan", "--format", "markdown").out
    assert "No Single Send" not in markdown
    assert json.loads(connected.run("plan", "--format", "json").out)["single_sends"] is None


@pytest.mark.usefixtures("campaign")
def test_a_scheduled_campaign_has_a_limit_of_its_own(connected: Project, remote: Remote) -> None:
    pytest.importorskip("duckdb")
    rows = "".join(f"c{spend},{spend}\n" for spend in range(20))
    connected.write(
        {
            "segctl.yaml": "version: 1\nlimits: {scheduled_send_change: 10%}\n"
            "contacts: {contacts: exports/people.csv}\n",
            "exports/people.csv": f"contact_id,total_spend\n{rows}",
        }
    )
    done = connected.run("plan")
    assert done.code == 3
    assert (
        "error[scheduled-send-change]: the Single Send `Spring sale` is scheduled for `VIP`, whose "
        "audience would change by 150 %, more than the limit of 10 %: from 4 to 10 contacts"
    ) in done.out
    connected.declare("VIP", spends_more_than(9), extra="allow_audience_change: 150%\n")
    assert connected.run("apply", "--auto-approve").code == 0
    assert "No changes." in connected.run("plan").out
    # Nothing is scheduled for a segment of drafts.
    connected.declare("VIP", spends_more_than(12))
    for send_id in single_send_requests(remote, connected, "plan", "--no-cache")[1:]:
        remote.emulator.console.edit_single_send(send_id, status="draft")
    assert connected.run("plan").code == 0


@pytest.mark.usefixtures("campaign")
def test_a_limit_without_contacts_is_said_to_be_unchecked(connected: Project) -> None:
    connected.write({"segctl.yaml": "version: 1\nlimits: {scheduled_send_change: 10%}\n"})
    assert "`limits.scheduled_send_change` is not checked" in connected.run("plan").out
