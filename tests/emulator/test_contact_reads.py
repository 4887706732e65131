"""Counting contacts and searching them in SGQL, over the API."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .account import Account, error

if TYPE_CHECKING:
    import pytest

COUNT = "/v3/marketing/contacts/count"
SEARCH = "/v3/marketing/contacts/search"


def test_contacts_are_counted(account: Account) -> None:
    assert account.get(COUNT) == {"contact_count": 0, "billable_count": 0}
    account.emulator.seed()
    assert account.get(COUNT) == {"contact_count": 360, "billable_count": 360}


def test_contacts_are_searched_in_sgql(account: Account) -> None:
    console = account.emulator.console
    console.add_field("tier", "Text")
    console.add_contact("a@x.test", id="1", fields={"tier": "gold", "city": "Brno"})
    console.add_contact("b@y.test", id="2")
    reply = account.ask("POST", SEARCH, {"query": "tier = 'gold'"})
    assert reply.json() == {
        "result": [
            {
                "id": "1",
                "email": "a@x.test",
                "city": "Brno",
                "list_ids": [],
                "custom_fields": {"tier": "gold"},
                "created_at": "2026-07-15T16:04:33Z",
                "updated_at": "2026-07-15T16:04:33Z",
                "segment_ids": [],
                "_metadata": {"self": "https://api.sendgrid.com/v3/marketing/contacts/1"},
            }
        ],
        "contact_count": 1,
        "_metadata": {"self": f"https://api.sendgrid.com{SEARCH}"},
    }
    both = account.ask("POST", SEARCH, {"query": "email LIKE '%.test'"}).json()
    assert [contact["id"] for contact in both["result"]] == ["1", "2"]


def test_a_search_shows_fifty_contacts_and_counts_all(account: Account) -> None:
    account.emulator.seed()
    content = account.ask("POST", SEARCH, {"query": "email LIKE '%'"}).json()
    assert (len(content["result"]), content["contact_count"]) == (50, 360)


def test_a_search_that_cannot_be_read_is_a_400(account: Account) -> None:
    for query in ("", None, 7, "email LIKE", "SELECT 1", "nonsense = 'x'"):
        assert error(account.ask("POST", SEARCH, {"query": query}))[:2] == (400, "query"), query


def test_a_search_needs_duckdb(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert account.ask("POST", SEARCH, {"query": "email LIKE '%'"}).status == 503
