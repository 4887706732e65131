"""Lists and fields that are created through the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .account import Account, error

if TYPE_CHECKING:
    from segctl.emulator import Response

LISTS = "/v3/marketing/lists"
FIELDS = "/v3/marketing/field_definitions"


def test_a_created_list_is_listed_read_and_renamed(account: Account) -> None:
    created = account.ask("POST", LISTS, {"name": "Readers"})
    assert created.status == 201
    content = created.json()
    assert content == {
        "id": content["id"],
        "name": "Readers",
        "contact_count": 0,
        "_metadata": {"self": f"https://api.sendgrid.com{LISTS}/{content['id']}"},
    }
    target = f"{LISTS}/{content['id']}"
    assert account.get(target) == content
    assert account.get(LISTS)["result"] == [content]
    renamed = account.ask("PATCH", target, {"name": "Subscribers"}).json()
    assert renamed == account.get(target) == content | {"name": "Subscribers"}
    assert account.create("One", "SELECT contact_id, updated_at FROM contact_data", content["id"])


@pytest.mark.parametrize("name", [None, "", "n" * 101, 7])
def test_a_list_needs_a_name(account: Account, name: object) -> None:
    assert error(account.ask("POST", LISTS, {"name": name}))[:2] == (400, "name")


def test_an_unknown_list_is_a_404(account: Account) -> None:
    assert error(account.ask("GET", f"{LISTS}/x"))[0] == 404
    assert error(account.ask("PATCH", f"{LISTS}/x", {"name": "One"}))[0] == 404


def test_a_list_shows_a_sample_of_its_contacts(account: Account) -> None:
    console = account.emulator.console
    list_id = console.add_list("Readers")
    console.add_contact("a@x.test", id="1", list_ids=[list_id])
    console.add_contact("b@x.test", id="2")
    assert "contact_sample" not in account.get(f"{LISTS}/{list_id}")
    content = account.get(f"{LISTS}/{list_id}?contact_sample=true")
    assert content["contact_count"] == 1
    (contact,) = content["contact_sample"]
    assert (contact["email"], contact["list_ids"]) == ("a@x.test", [list_id])


def test_a_created_field_is_a_column(account: Account) -> None:
    query = "SELECT contact_id, updated_at FROM contact_data WHERE tier = 'gold'"
    assert account.create("Before", query)["status"]["query_validation"] == "INVALID"
    reply = account.ask("POST", FIELDS, {"name": "tier", "field_type": "Text"})
    assert reply.status == 200
    assert account.get(FIELDS)["custom_fields"] == [reply.json()]
    assert account.create("After", query)["status"]["query_validation"] == "VALID"


def field_reply(account: Account, **content: Any) -> Response:
    return account.ask("POST", FIELDS, {"name": "tier", "field_type": "Text"} | content)


def test_a_field_must_be_a_new_word_of_a_known_type(account: Account) -> None:
    assert field_reply(account).status == 200
    for name in ("tier", "TIER", "Email", "two words", "9lives", "", None):
        assert error(field_reply(account, name=name))[:2] == (400, "name"), name
    assert error(field_reply(account, name="spend", field_type="text"))[1] == "field_type"


def test_an_account_has_at_most_500_fields(account: Account) -> None:
    for number in range(500):
        account.emulator.console.add_field(f"f{number}", "Text")
    assert error(field_reply(account))[0] == 400
