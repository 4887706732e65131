"""Contacts, their lists and their events."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from segctl.emulator import Contact, Emulator, Event, contacts, store
from tests.support.clock import START

from .account import Account

if TYPE_CHECKING:
    from pathlib import Path


def stored(account: Account) -> tuple[list[Contact], list[Event]]:
    with account.emulator._store.transaction() as db:
        return contacts.read_contacts(db, ""), contacts.read_events(db, "")


def test_contacts_and_events_are_stored_as_given(account: Account) -> None:
    console = account.emulator.console
    console.add_field("Spend", "Number")
    list_id = console.add_list("Readers", contact_count=4711)
    console.add_list("Nobody", contact_count=12)
    fields: dict[str, contacts.Value] = {"Spend": 12.5, "city": "Brno"}
    first_id = console.add_contact("Ann@Example.com", fields=fields, list_ids=[list_id, list_id])
    second_id = console.add_contact(
        "b@x.test", fields={"alternate_emails": ["b@example.com"]}, at=5.0
    )
    console.add_event(second_id, "click", data={"payload": {"url": "https://example.com"}}, at=7.0)
    at = START.timestamp()
    first = Contact(first_id, "ann@example.com", fields, (list_id,), at, at)
    second = Contact(second_id, "b@x.test", {"alternate_emails": ["b@example.com"]}, (), 5.0, 5.0)
    event = Event(second_id, "click", 7.0, "mail", {"payload": {"url": "https://example.com"}})
    assert stored(account) == ([first, second], [event])
    assert second.email_domains == ["x.test", "example.com"]
    lists = account.get("/v3/marketing/lists")["result"]
    assert [entry["contact_count"] for entry in lists] == [1, 12]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"spend": "much"}, "spend cannot be 'much'"),
        ({"spend": True}, "spend cannot be True"),
        ({"since": "2026-01-01"}, "since cannot be"),
        ({"since": "soon"}, "since cannot be"),
        ({"tier": 1}, "tier cannot be 1"),
        ({"city": 1}, "city cannot be 1"),
        ({"alternate_emails": "a@x.test"}, "alternate_emails cannot be"),
        ({"shoe_size": 43}, "no field shoe_size"),
    ],
)
def test_a_value_must_fit_its_field(account: Account, fields: dict[str, Any], words: str) -> None:
    console = account.emulator.console
    for name, kind in (("spend", "Number"), ("since", "Date"), ("tier", "Text")):
        console.add_field(name, kind)
    with pytest.raises((ValueError, LookupError), match=words):
        console.add_contact("a@x.test", fields=fields)
    assert stored(account) == ([], [])


def test_an_invalid_batch_is_refused_whole(account: Account) -> None:
    console = account.emulator.console
    known = console.add_contact("a@x.test")
    with pytest.raises(ValueError, match="exists"):
        console.add_contacts(
            [Contact("1", "new@x.test", {}, (), 0, 0), Contact("2", "A@x.test", {}, (), 0, 0)]
        )
    with pytest.raises(LookupError, match="no list nowhere"):
        console.add_contact("b@x.test", list_ids=["nowhere"])
    with pytest.raises(LookupError, match="no contact nobody"):
        console.add_events([Event(known, "open", 0), Event("nobody", "open", 0)])
    all_contacts, events = stored(account)
    assert [contact.email for contact in all_contacts] == ["a@x.test"]
    assert events == []


def test_an_account_with_a_contact_is_not_seeded(account: Account) -> None:
    account.emulator.console.add_contact("a@x.test")
    assert not account.emulator.seed()


def test_a_state_of_the_previous_version_is_upgraded(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with sqlite3.connect(path) as db:
        db.executescript(store._STEPS[0])
        db.execute(f"PRAGMA application_id = {store._APPLICATION_ID}")
        db.execute("PRAGMA user_version = 1")
        db.execute("INSERT INTO list VALUES (1, '', 'l', 'Readers', 3)")
    db.close()
    for name in "ab":
        with Emulator(path) as emulator:
            emulator.console.add_contact(f"{name}@x.test", list_ids=["l"])
    with Account(path=path) as account:
        assert account.get("/v3/marketing/lists")["result"][0]["contact_count"] == 2
