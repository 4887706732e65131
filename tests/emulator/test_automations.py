"""Automations as public clients read them, in pages and one by one."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from segctl.emulator import Emulator, seed

from .account import Account, error

if TYPE_CHECKING:
    from pathlib import Path

AUTOMATIONS = "/v3/marketing/automations"


def test_automations_are_short_in_the_list_and_complete_by_id(account: Account) -> None:
    console = account.emulator.console
    first = console.add_automation("First", entrance="s1", exits=["s2"], steps=["s3"], goal="q")
    second = console.add_automation("Second", status="draft")
    page = account.get(f"{AUTOMATIONS}?offset=0&limit=1")["result"]
    assert [(entry["id"], entry["status"]) for entry in page] == [(first, "live")]
    assert "entrance_criteria" not in page[0]
    (last,) = account.get(f"{AUTOMATIONS}?offset=1&limit=50")["result"]
    assert (last["id"], last["status"]) == (second, "draft")
    assert account.get(f"{AUTOMATIONS}?offset=2&limit=50")["result"] == []
    whole = account.get(f"{AUTOMATIONS}/{first}")
    assert whole["entrance_criteria"] == {"occurs": "once", "id": "s1", "type": "segment"}
    assert whole["exit_criteria"] == [{"id": "s2", "type": "segment"}]
    assert whole["steps"][-1]["segment_id"] == "s3"
    assert whole["goal"] == {"query_dsl": "q"}
    assert account.get(f"{AUTOMATIONS}/{second}")["goal"] is None
    assert account.ask("GET", f"{AUTOMATIONS}/x").status == 404
    console.set_automation_status(second, "live")
    assert account.get(f"{AUTOMATIONS}/{second}")["status"] == "live"


def test_a_page_out_of_range_is_a_400(account: Account) -> None:
    assert error(account.ask("GET", f"{AUTOMATIONS}?limit=101"))[0] == 400
    assert error(account.ask("GET", f"{AUTOMATIONS}?offset=x"))[0] == 400
    assert account.ask("POST", AUTOMATIONS, {}).status == 405


def test_the_console_refuses_what_an_automation_cannot_be(account: Account) -> None:
    console = account.emulator.console
    automation_id = console.add_automation("First")
    with pytest.raises(ValueError, match="exists"):
        console.add_automation("Again", id=automation_id)
    with pytest.raises(ValueError, match="must be one of draft, live"):
        console.add_automation("Odd", status="paused")
    with pytest.raises(LookupError, match="no automation"):
        console.set_automation_status("x", "draft")


def test_the_seeded_automations_use_the_seeded_segments(account: Account) -> None:
    assert account.emulator.seed()
    uses = {}
    for entry in account.get(AUTOMATIONS)["result"]:
        whole = account.get(f"{AUTOMATIONS}/{entry['id']}")
        uses[entry["name"], entry["status"]] = whole["entrance_criteria"]["id"]
    assert uses == {
        ("Welcome series", "live"): seed.NEWSLETTER_READERS_ID,
        ("Win back webinar guests", "draft"): seed.OLD_WEBINAR_GUESTS_ID,
        ("Tips for Gmail users", "live"): seed.GMAIL_USERS_V1_ID,
    }


def test_a_state_from_before_automations_has_none(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    Emulator(path).close()
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE automation")
        db.execute("PRAGMA user_version = 2")
    db.close()
    with Account(path=path) as account:
        assert account.get(AUTOMATIONS)["result"] == []
