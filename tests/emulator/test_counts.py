"""Counts and samples: computed from the account's contacts once they are due and read."""

from __future__ import annotations

import dataclasses
import gzip
import json
import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from segctl.app.sandbox import open_sandbox
from segctl.audience.duckdb_engine import Engine
from segctl.common.folder import Folder
from segctl.emulator import Contact, Settings, contacts, counts, seed
from tests.support.clock import START

from .account import HEADERS, V2, Account
from .test_exports import EXPORTS, fetch, rows, urls

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from tests.support.project import Project

FROM = "SELECT contact_id, updated_at FROM contact_data WHERE "
JOINED = (
    "SELECT c.contact_id, c.updated_at FROM contact_data c "
    "JOIN event_data e ON c.contact_id = e.contact_id WHERE "
)


def count(account: Account, segment_id: str) -> int:
    (listed,) = account.get(f"{V2}?ids={segment_id}")["results"]
    read = account.get(f"{V2}/{segment_id}?contacts_sample=false")
    assert read["contacts_count"] == listed["contacts_count"]
    return int(read["contacts_count"])


def test_a_count_is_of_the_last_sample(account: Account) -> None:
    console = account.emulator.console
    console.add_contact("a@x.test", fields={"city": "Brno"})
    segment = account.create("One", FROM + "city = 'Brno'")["id"]
    assert count(account, segment) == 0
    account.clock.forward(10)
    assert count(account, segment) == 1
    console.add_contact("b@x.test", fields={"city": "Brno"})
    account.clock.forward(3599)
    assert count(account, segment) == 1
    account.clock.forward(1)
    assert count(account, segment) == 2
    console.add_contact("c@x.test", fields={"city": "Praha"})
    account.clock.forward(1)
    account.ask("PATCH", f"{V2}/{segment}", {"query_dsl": FROM + "city IS NOT NULL"})
    assert count(account, segment) == 2
    account.clock.forward(10)
    assert count(account, segment) == 3
    console.add_contact("d@x.test", fields={"city": "Praha"})
    account.ask("POST", f"{V2}/refresh/{segment}", {"user_time_zone": "UTC"})
    assert count(account, segment) == 3
    account.clock.forward(10)
    assert count(account, segment) == 4


def test_counts_in_the_seeded_world_match_its_contacts(account: Account) -> None:
    account.emulator.seed()
    cases = {
        "orders_count > 0 AND last_order <= now() - 180 days": lambda contact: (
            contact.fields.get("orders_count", 0) > 0
            and datetime.fromisoformat(contact.fields["last_order"]) <= START - timedelta(days=180)
        ),
        "preferred_language = 'cs'": lambda contact: (
            contact.fields.get("preferred_language") == "cs"
        ),
        "preferred_language != 'cs'": lambda contact: (
            contact.fields.get("preferred_language", "cs") != "cs"
        ),
        "array_contains(email_domains, 'mail.test')": lambda contact: (
            "mail.test" in contact.email_domains
        ),
        "total_spend > 500.5": lambda contact: contact.fields.get("total_spend", 0) > 500.5,
        "created_at < '2025-01-01T00:00:00Z' AND lead_source = 'webinar-2024'": lambda contact: (
            contact.fields.get("lead_source") == "webinar-2024"
        ),
    }
    segment_ids = {text: account.create(text[:40], FROM + text)["id"] for text in cases}
    send_id = seed.PAST_SINGLE_SEND_IDS[-1]
    condition = f"e.event_type = 'click' AND e.DATA:payload.unique_args.singlesend_id = '{send_id}'"
    clicked = account.create("Clicked", JOINED + condition)["id"]
    parent = account.create("Parent", FROM + "preferred_language = 'cs'", seed.EVENT_GUESTS_LIST_ID)
    account.clock.forward(10)
    assert count(account, clicked) == 0
    account.clock.forward(1850)
    with account.emulator._store.transaction() as db:
        all_contacts, events = contacts.read_contacts(db, ""), contacts.read_events(db, "")
    for text, fulfils in cases.items():
        expected = sum(map(fulfils, all_contacts))
        assert count(account, segment_ids[text]) == expected > 0, text
    data: list[Any] = [event.data for event in events if event.event_type == "click"]
    sends = [event_data["payload"]["unique_args"]["singlesend_id"] for event_data in data]
    assert count(account, clicked) == sends.count(send_id) > 0
    guests = [contact for contact in all_contacts if seed.EVENT_GUESTS_LIST_ID in contact.list_ids]
    czechs = sum(contact.fields.get("preferred_language") == "cs" for contact in guests)
    assert count(account, parent["id"]) == czechs > 0
    readers = sum(seed.NEWSLETTER_LIST_ID in contact.list_ids for contact in all_contacts)
    assert count(account, seed.NEWSLETTER_READERS_ID) == readers
    assert count(account, seed.OLD_WEBINAR_GUESTS_ID) > 0


def test_all_due_counts_are_computed_together(monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[int] = []
    evaluate = Engine.evaluate

    def counted(self: Engine, conditions: Sequence[str], now: datetime) -> Any:
        passes.append(len(conditions))
        return evaluate(self, conditions, now)

    monkeypatch.setattr(Engine, "evaluate", counted)
    with Account(Settings(cap=None, rate_limit=None)) as account:
        console = account.emulator.console
        console.add_contact("a@x.test", fields={"city": "Brno"})
        for number in range(12):
            account.create(f"S{number}", FROM + f"city = 'Brno' OR city = '{number}'")
        account.create("Same", FROM + "city = 'Brno' OR city = '1'")
        account.clock.forward(10)
        assert {entry["contacts_count"] for entry in account.get(V2)["results"]} == {1}
        assert passes == [12]
        account.get(V2)
        assert passes == [12]
        account.create("New", FROM + "city = 'Brno'")
        account.clock.forward(10)
        account.get(V2)
        assert passes == [12, 1]
        monkeypatch.setattr(counts, "_AT_ONCE", 5)
        account.clock.forward(3600)
        assert {entry["contacts_count"] for entry in account.get(V2)["results"]} == {1}
        assert passes[2:] == [5, 5, 3]


def test_a_bad_query_does_not_affect_other_counts(account: Account) -> None:
    console = account.emulator.console
    console.add_field("spend", "Number")
    console.add_contact("a@x.test", fields={"spend": 5, "city": "Brno"})
    console.add_event(_only(account), "click", data={"payload": {"price": {}}})
    uncertain = account.create("Uncertain", JOINED + "e.DATA:payload.price = '5'")["id"]
    untranslated = account.create("Untranslated", FROM + "spend = 'five'")["id"]
    invalid = account.create("Invalid", FROM + "sped = 5")["id"]
    good = [account.create(f"Good {n}", FROM + f"spend = 5 OR spend = {n}")["id"] for n in "123"]
    account.clock.forward(60)
    account.get(V2)
    bad = [uncertain, untranslated, invalid]
    assert [count(account, segment_id) for segment_id in bad] == [0, 0, 0]
    assert [count(account, segment_id) for segment_id in good] == [1, 1, 1]


def _only(account: Account) -> str:
    with account.emulator._store.transaction() as db:
        (contact,) = contacts.read_contacts(db, "")
    return contact.id


def test_queries_over_events_fill_half_an_hour_after_their_check(account: Account) -> None:
    console = account.emulator.console
    console.add_event(console.add_contact("a@x.test"), "open")
    segment = account.create("One", JOINED + "e.event_type = 'open'")
    assert segment["status"] == {"query_validation": "PENDING"}
    for seconds, expected in ((60, 0), (1799, 0), (1, 1)):
        account.clock.forward(seconds)
        read = account.get(f"{V2}/{segment['id']}")
        assert read["status"] == {"query_validation": "VALID"}
        assert (read["contacts_count"], len(read["contacts_sample"])) == (expected, expected)
        assert (read["sample_updated_at"] is None) == (expected == 0)
    account.ask("POST", f"{V2}/refresh/{segment['id']}", {"user_time_zone": "UTC"})
    console.add_event(console.add_contact("b@x.test"), "open")
    account.clock.forward(10)
    assert count(account, segment["id"]) == 2


def test_a_query_is_not_counted_before_its_check() -> None:
    with Account(Settings(validation_delay=20.0)) as account:
        account.emulator.console.add_contact("a@x.test")
        segment = account.create("One", FROM + "email LIKE '%'")
        account.clock.forward(15)
        assert count(account, segment["id"]) == 0
        account.clock.forward(5)
        assert count(account, segment["id"]) == 1


def test_a_count_set_by_hand_stays_until_the_query_changes(account: Account) -> None:
    console = account.emulator.console
    console.add_contact("a@x.test")
    segment = console.create("One", FROM + "email LIKE '%'", contacts_count=1203)
    account.clock.forward(3600)
    assert count(account, segment) == 1203
    console.edit(segment, name="Two", contacts_count=7)
    account.clock.forward(3600)
    assert count(account, segment) == 7
    console.edit(segment, query=FROM + "email IS NOT NULL")
    account.clock.forward(10)
    assert count(account, segment) == 1


def test_a_sample_has_at_most_fifty_contacts(account: Account) -> None:
    console = account.emulator.console
    console.add_field("tier", "Text")
    console.add_list("Readers", id="l")
    console.add_contact("a@x.test", id="1", fields={"tier": "gold", "city": "Brno"}, list_ids=["l"])
    segment = account.create("One", FROM + "email LIKE '%@x.test'")
    assert segment["contacts_sample"] == []
    account.clock.forward(10)
    read = account.get(f"{V2}/{segment['id']}")
    assert read["contacts_sample"] == [
        {
            "id": "1",
            "email": "a@x.test",
            "city": "Brno",
            "list_ids": ["l"],
            "custom_fields": {"tier": "gold"},
            "created_at": "2026-07-15T16:04:33Z",
            "updated_at": "2026-07-15T16:04:33Z",
            "segment_ids": [segment["id"]],
            "_metadata": {"self": "https://api.sendgrid.com/v3/marketing/contacts/1"},
        }
    ]
    assert "contacts_sample" not in account.get(f"{V2}/{segment['id']}?contacts_sample=false")
    console.add_contacts(Contact(f"n{n}", f"{n}@x.test", {}, (), 0, 0) for n in range(60))
    account.clock.forward(3600)
    read = account.get(f"{V2}/{segment['id']}")
    assert (read["contacts_count"], len(read["contacts_sample"])) == (61, 50)


def test_an_export_can_be_limited_to_segments(account: Account) -> None:
    console = account.emulator.console
    console.add_list("Readers", id="l")
    for number, city in enumerate(("Brno", "Praha", "Wien")):
        console.add_contact(
            f"{number}@x.test", fields={"city": city}, list_ids=["l"] if number else []
        )
    segment_id = account.create("One", FROM + "city = 'Brno'")["id"]
    v1_id = console.seed_v1("Old", "email LIKE '%'")
    exported = rows(account, {"segment_ids": [segment_id]})
    assert [row["CITY"] for row in exported] == ["Brno"]
    both = rows(account, {"segment_ids": [segment_id], "list_ids": ["l"]})
    assert [row["CITY"] for row in both] == ["Brno", "Praha", "Wien"]
    kinds = [(job["export_type"], job["segments"]) for job in account.get(EXPORTS)["result"]]
    assert kinds == [("segment_export", [{"ID": segment_id, "Name": "One"}])] * 2
    assert account.ask("POST", EXPORTS, {"segment_ids": ["nowhere"]}).status == 404
    assert account.ask("POST", EXPORTS, {"segment_ids": [v1_id]}).status == 400


def test_without_duckdb_nothing_is_counted(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    account.emulator.seed()
    assert count(account, seed.NEWSLETTER_READERS_ID) == 0
    read = account.get(f"{V2}/{seed.NEWSLETTER_READERS_ID}")
    assert (read["contacts_sample"], read["sample_updated_at"] is None) == ([], False)
    assert account.get(f"{V2}/{seed.GMAIL_USERS_V1_ID}")["contacts_count"] > 0
    job = account.ask("POST", EXPORTS, {"segment_ids": [seed.NEWSLETTER_READERS_ID]}).json()
    account.clock.forward(5)
    assert account.get(f"{EXPORTS}/{job['id']}")["status"] == "failure"
    (url,) = urls(account)
    assert gzip.decompress(fetch(account, url).body).count(b"\n") == 361
    monkeypatch.undo()
    assert count(account, seed.NEWSLETTER_READERS_ID) > 0


def test_an_account_without_contacts_needs_no_duckdb(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segctl.audience.duckdb_engine.Engine.__init__", None)
    segment = account.create("One", FROM + "city = 'Brno'")["id"]
    account.clock.forward(10)
    assert count(account, segment) == 0


def test_the_sandbox_of_a_project_counts_and_exports(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = dataclasses.replace(Settings.sandbox(), export_delay=0.0)
    monkeypatch.setattr(Settings, "sandbox", lambda: ready)
    project.declare("Newsletter readers", FROM + "city = 'Brno'")
    listed = json.loads(project.run("--target", "sandbox", "list", "--format", "json").out)
    counted = {entry["name"]: entry["contacts_count"] for entry in listed["segments"]}
    assert min(counted.values()) > 0
    plan = project.run("--target", "sandbox", "plan")
    assert f"{counted['Newsletter readers']} contacts now" in plan.out
    with open_sandbox(Folder(project.root)) as mount:
        headers = {**HEADERS, "Host": "sandbox.invalid"}
        export_id = json.loads(mount("POST", EXPORTS, headers, b"")[2])["id"]
        job = json.loads(mount("GET", f"{EXPORTS}/{export_id}", headers, b"")[2])
        (url,) = job["urls"]
        assert url.startswith("https://sandbox.invalid/contact-exports/")
        target = url.removeprefix("https://sandbox.invalid")
        status, _, content = mount("GET", target, {"Host": "sandbox.invalid"}, b"")
        assert (status, gzip.decompress(content).count(b"\n")) == (200, 361)
        assert mount("GET", target, headers, b"")[0] == 400
