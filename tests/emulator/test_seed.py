"""The seeded world, and edits by hand, as in the web interface."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from segctl.emulator import Settings, contacts, seed, seed_contacts
from tests.support.clock import START

from .account import QUERY, V1, V2, Account


def test_the_seeded_world_is_complete_and_lies_in_the_past(account: Account) -> None:
    assert account.emulator.seed()
    lists = account.get("/v3/marketing/lists")["result"]
    assert {entry["name"]: entry["id"] for entry in lists} == {
        "Newsletter": seed.NEWSLETTER_LIST_ID,
        "Customers": seed.CUSTOMERS_LIST_ID,
        "Event guests 2026": seed.EVENT_GUESTS_LIST_ID,
        "Internal testers": seed.INTERNAL_TESTERS_LIST_ID,
    }
    fields = account.get("/v3/marketing/field_definitions")["custom_fields"]
    assert {field["name"]: field["field_type"] for field in fields} == seed.CUSTOM_FIELDS
    readers = account.get(f"{V2}/{seed.NEWSLETTER_READERS_ID}")
    assert readers["name"] == "Newsletter readers"
    assert seed.NEWSLETTER_LIST_ID in readers["query_dsl"]
    assert readers["status"] == {"query_validation": "VALID"}
    assert readers["sample_updated_at"] is not None
    assert (
        account.get(f"{V2}/{seed.OLD_WEBINAR_GUESTS_ID}")["status"]["query_validation"] == "VALID"
    )
    v1_segment = account.get(f"{V1}/{seed.GMAIL_USERS_V1_ID}")
    assert v1_segment["name"] == "Gmail users (old)"
    for segment in account.emulator.console.segments():
        assert segment.updated_at < START.timestamp() - 14 * 86_400
    send = account.get(f"/v3/marketing/singlesends/{seed.SCHEDULED_SINGLE_SEND_ID}")
    assert send["status"] == "scheduled"
    assert send["send_at"] > "2026-07-15"
    assert send["send_to"]["segment_ids"] == [seed.NEWSLETTER_READERS_ID]
    draft = account.get(f"/v3/marketing/singlesends/{seed.DRAFT_SINGLE_SEND_ID}")
    assert draft["status"] == "draft"


def test_the_seeded_contacts_and_events_are_fictional_and_consistent(account: Account) -> None:
    assert account.emulator.seed()
    with account.emulator._store.transaction() as db:
        all_contacts, events = contacts.read_contacts(db, ""), contacts.read_events(db, "")
    now = START.timestamp()
    assert (
        len({contact.email for contact in all_contacts})
        == len(all_contacts)
        == seed_contacts.HOW_MANY
    )
    reserved = (".test", ".example", "@example.com", "@example.org", "@example.net")
    assert all(contact.email.endswith(reserved) for contact in all_contacts)
    assert all(contact.created_at <= contact.updated_at < now for contact in all_contacts)
    for name in ("first_name", "city", *seed.CUSTOM_FIELDS):
        with_value = sum(name in contact.fields for contact in all_contacts)
        assert 0 < with_value < seed_contacts.HOW_MANY or name == "signed_up", name
    members = Counter(list_id for contact in all_contacts for list_id in contact.list_ids)
    lists = account.get("/v3/marketing/lists")["result"]
    assert {entry["id"]: entry["contact_count"] for entry in lists} == members
    v1_segment = account.get(f"{V1}/{seed.GMAIL_USERS_V1_ID}")
    gmail = [contact for contact in all_contacts if contact.email.endswith("@gmail.example")]
    assert v1_segment["contacts_count"] == len(gmail) > 0
    begin = now - 101 * 86_400
    assert all(begin < event.at < now for event in events)
    created_at = {contact.id: contact.created_at for contact in all_contacts}
    assert all(created_at[event.contact_id] < event.at for event in events)
    kinds = Counter(event.event_type for event in events)
    assert [kind for kind, _ in kinds.most_common()] == ["processed", "delivered", "open", "click"]
    data: list[Any] = [event.data for event in events]
    sends = {event_data["payload"]["unique_args"]["singlesend_id"] for event_data in data}
    assert sends == {*seed.PAST_SINGLE_SEND_IDS}
    for send_id in sends:
        assert account.get(f"/v3/marketing/singlesends/{send_id}")["status"] == "triggered"


def test_the_seeded_world_is_the_same_all_day() -> None:
    day = START.timestamp() // 86_400 * 86_400
    sends = (("s", day - 10 * 86_400),)
    first = seed_contacts.contacts(day), seed_contacts.events(day, sends)
    seed_contacts.contacts.cache_clear()
    seed_contacts.events.cache_clear()
    assert (seed_contacts.contacts(day), seed_contacts.events(day, sends)) == first
    assert seed_contacts.contacts(day + 86_400) != first[0]


def test_seeding_happens_once_and_only_in_an_empty_account(account: Account) -> None:
    assert account.emulator.seed()
    assert not account.emulator.seed()
    assert account.emulator.seed("eu-shop")
    assert len(account.names()) == 3
    with Account() as other:
        other.emulator.console.add_field("tier", "Text")
        assert not other.emulator.seed()
        assert other.names() == []


def test_the_console_edits_without_the_update_lock(account: Account) -> None:
    console = account.emulator.console
    segment = account.create("One")["id"]
    account.clock.forward(10)
    console.edit(segment, name="By hand", query=QUERY + " ")
    entry = account.get(f"{V2}/{segment}")
    assert (entry["name"], entry["query_dsl"]) == ("By hand", QUERY + " ")
    assert entry["updated_at"] == "2026-07-15T16:04:43Z"
    segment_by_hand = console.create("Made by hand", QUERY, parent_list_ids=["l"], contacts_count=7)
    assert account.ask("PATCH", f"{V2}/{segment_by_hand}", {"name": "At once"}).status == 200
    console.edit(segment_by_hand, contacts_count=9)
    entry = account.get(f"{V2}/{segment_by_hand}")
    assert (entry["contacts_count"], entry["parent_list_ids"]) == (9, ["l"])
    console.delete(segment_by_hand)
    assert account.names() == ["By hand"]


def test_the_console_can_backdate_an_edit(account: Account) -> None:
    console = account.emulator.console
    segment = console.create("One", QUERY, at=0.0)
    assert account.get(f"{V2}/{segment}")["created_at"] == "1970-01-01T00:00:00Z"
    console.edit(segment, name="One", at=86_400.0)
    assert account.get(f"{V2}/{segment}")["updated_at"] == "1970-01-02T00:00:00Z"


def test_queries_from_the_console_are_validated_at_once() -> None:
    with Account(Settings(validation_delay=60)) as account:
        console = account.emulator.console
        segment = console.create("One", QUERY + " AND tier = 'gold'")
        assert account.get(f"{V2}/{segment}")["status"]["query_validation"] == "INVALID"
        console.add_field("tier", "Text")
        console.edit(
            segment, query="SELECT contact_id, updated_at FROM contact_data WHERE tier = 'a'"
        )
        assert account.get(f"{V2}/{segment}")["status"]["query_validation"] == "VALID"


def test_the_console_ignores_the_cap() -> None:
    with Account(Settings(cap=1)) as account:
        account.create("One")
        account.emulator.console.create("Two", QUERY)
        assert len(account.names()) == 2


def test_the_console_changes_the_segments_of_single_sends(account: Account) -> None:
    console = account.emulator.console
    send = console.add_single_send("Send", segment_ids=["old"])
    console.edit_single_send(send, segment_ids=["new"])
    console.edit_single_send(send, status="scheduled")
    entry = account.get(f"/v3/marketing/singlesends/{send}")
    assert (entry["status"], entry["send_to"]["segment_ids"]) == ("scheduled", ["new"])


def test_the_console_refuses_what_the_account_cannot_have(account: Account) -> None:
    console = account.emulator.console
    v1_id = console.seed_v1("Old", "email LIKE '%'")
    segment_id = console.create("One", QUERY)
    list_id = console.add_list("Customers")
    console.add_field("tier", "Text")
    send_id = console.add_single_send("Send")
    with pytest.raises(ValueError, match="'Old' is in use"):
        console.create("Old", QUERY)
    with pytest.raises(ValueError, match="'Old' is in use"):
        console.edit(segment_id, name="Old")
    with pytest.raises(ValueError, match="of v1"):
        console.edit(v1_id, name="New")
    with pytest.raises(ValueError, match=f"segment {segment_id} exists"):
        console.create("Two", QUERY, id=segment_id)
    with pytest.raises(ValueError, match=r"list .* exists"):
        console.add_list("Others", id=list_id)
    with pytest.raises(ValueError, match="custom field TIER exists"):
        console.add_field("TIER", "Text")
    with pytest.raises(ValueError, match="'Bool' must be one of"):
        console.add_field("flag", "Bool")
    with pytest.raises(ValueError, match="'sent' must be one of"):
        console.add_single_send("Send", status="sent")
    with pytest.raises(ValueError, match="'sent' must be one of"):
        console.edit_single_send(send_id, status="sent")
    with pytest.raises(ValueError, match=r"Single Send .* exists"):
        console.add_single_send("Send", id=send_id)
    for method in (console.delete, console.edit, console.edit_single_send):
        with pytest.raises(LookupError, match="nowhere"):
            method("nowhere")
