"""The six operations on V2 segments, as sendgrid-api.md §1 describes them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from segctl.emulator import Settings

from .account import HEADERS, QUERY, V1, V2, Account, error

UNKNOWN = "11111111-2222-4333-8444-555555555555"
TOO_SOON = "Update request came too soon, please wait 5 minutes before trying again"


def test_a_created_segment_reads_back_as_sent(account: Account) -> None:
    query = "SELECT contact_id,  updated_at\nFROM contact_data WHERE city = 'Ústí \U0001f333'\t-- x"
    created = account.create("Ústí", query)
    assert created["query_dsl"] == query
    assert created["name"] == "Ústí"
    assert str(uuid.UUID(created["id"])) == created["id"]
    assert created["created_at"] == created["updated_at"] == "2026-07-15T16:04:33Z"
    assert created["query_version"] == "2"
    assert created["status"] == {"query_validation": "VALID"}
    assert created["contacts_count"] == 0
    assert created["contacts_sample"] == []
    assert created["parent_list_ids"] is None
    assert created["sample_updated_at"] is None
    assert created["next_sample_update"] is None
    assert "refreshes_used" not in created
    counts = {"identifier_counts": {"AID": 0, "EID": 0, "EXTID": 0, "PHNID": 0}}
    assert account.get(f"{V2}/{created['id']}") == created | counts


def test_the_list_has_only_results_and_never_a_query(account: Account) -> None:
    account.create("One")
    account.create("Two")
    content = account.get(V2)
    assert [*content] == ["results"]
    assert [entry["name"] for entry in content["results"]] == ["One", "Two"]
    for entry in content["results"]:
        assert "query_dsl" not in entry
        assert "contacts_sample" not in entry


def test_the_sample_can_be_left_out(account: Account) -> None:
    target = f"{V2}/{account.create('One')['id']}"
    assert "contacts_sample" not in account.get(f"{target}?contacts_sample=false")
    assert account.get(f"{target}?contacts_sample=true")["contacts_sample"] == []
    assert error(account.ask("GET", f"{target}?contacts_sample=7"))[:2] == (400, "contacts_sample")


def test_samples_come_later_and_recur_without_moving_updated_at(account: Account) -> None:
    target = f"{V2}/{account.create('One')['id']}"
    account.clock.forward(10)
    first = account.get(target)
    assert first["sample_updated_at"] == "2026-07-15T16:04:43Z"
    assert first["next_sample_update"] == "2026-07-15T17:04:43Z"
    account.clock.forward(2 * 3600 + 5)
    later = account.get(target)
    assert later["sample_updated_at"] == "2026-07-15T18:04:43Z"
    assert later["updated_at"] == first["updated_at"]


def test_identifier_counts_come_with_a_segment_by_its_id_alone(account: Account) -> None:
    account.emulator.console.create("One", QUERY, contacts_count=7)
    (listed,) = account.get(V2)["results"]
    assert "identifier_counts" not in listed
    read = account.get(f"{V2}/{listed['id']}?contacts_sample=false")
    assert read["identifier_counts"] == {"AID": 0, "EID": 7, "EXTID": 0, "PHNID": 0}
    changed = account.ask("PATCH", f"{V2}/{listed['id']}", {"name": "Two"}).json()
    assert "identifier_counts" not in changed
    with Account(Settings(extra_fields=False)) as plain:
        created = plain.create("One")
        assert "identifier_counts" not in plain.get(f"{V2}/{created['id']}")


def test_a_change_returns_an_empty_sample_and_no_time_of_the_next(account: Account) -> None:
    console = account.emulator.console
    console.add_contact("a@x.test", fields={"city": "Brno"})
    target = f"{V2}/{account.create('One')['id']}"
    account.clock.forward(600)
    before = account.get(target)
    assert (before["contacts_count"], len(before["contacts_sample"])) == (1, 1)
    changed = account.ask("PATCH", target, {"name": "Two"}).json()
    assert changed["contacts_sample"] == []
    assert changed["next_sample_update"] is None
    assert changed["sample_updated_at"] == before["sample_updated_at"]
    assert account.get(target)["contacts_sample"] == before["contacts_sample"]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"query_dsl": QUERY}, "name"),
        ({"name": "", "query_dsl": QUERY}, "name"),
        ({"name": " ", "query_dsl": QUERY}, "name"),
        ({"name": 7, "query_dsl": QUERY}, "name"),
        ({"name": "n" * 101, "query_dsl": QUERY}, "name"),
        ({"name": "One"}, "query_dsl"),
        ({"name": "One", "query_dsl": " \n"}, "query_dsl"),
        ({"name": "One", "query_dsl": ["SELECT"]}, "query_dsl"),
        ({"name": "One", "query_dsl": QUERY, "parent_list_ids": "x"}, "parent_list_ids"),
        ({"name": "One", "query_dsl": QUERY, "parent_list_ids": [1]}, "parent_list_ids"),
        ({"name": "One", "query_dsl": QUERY, "parent_list_ids": ["a", "b"]}, "parent_list_ids"),
        ({"name": "One", "query_dsl": QUERY, "description": "x"}, "description"),
        ({"name": "\ud800", "query_dsl": QUERY}, None),
        ([], None),
    ],
)
def test_a_bad_creation_is_a_400_that_names_the_field(
    account: Account, content: Any, field: str | None
) -> None:
    assert error(account.ask("POST", V2, content))[:2] == (400, field)
    assert account.names() == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_not_json_is_a_400(account: Account, body: bytes) -> None:
    assert error(account.emulator.handle("POST", V2, HEADERS, body))[0] == 400


def test_a_name_may_have_a_hundred_characters(account: Account) -> None:
    assert account.create("é" * 100)["name"] == "é" * 100


def test_a_parent_list_must_exist(account: Account) -> None:
    content = {"name": "One", "query_dsl": QUERY, "parent_list_ids": [UNKNOWN]}
    refused = account.ask("POST", V2, content)
    assert (refused.status, refused.body) == (404, b"")
    list_id = account.emulator.console.add_list("Customers")
    assert account.create("One", QUERY, list_id)["parent_list_ids"] == [list_id]


@pytest.mark.parametrize("parents", [None, []])
def test_no_parent_list_reads_back_as_null(account: Account, parents: object) -> None:
    content = {"name": "One", "query_dsl": QUERY, "parent_list_ids": parents}
    assert account.ask("POST", V2, content).json()["parent_list_ids"] is None


def test_names_are_unique_until_the_segment_is_gone(account: Account) -> None:
    first = account.create("One")
    second = account.create("Two")
    account.clock.forward(300)
    assert error(account.ask("POST", V2, {"name": "One", "query_dsl": QUERY}))[:2] == (400, "name")
    renamed = account.ask("PATCH", f"{V2}/{second['id']}", {"name": "One"})
    assert error(renamed)[:2] == (400, "name")
    account.ask("DELETE", f"{V2}/{first['id']}")
    assert account.ask("PATCH", f"{V2}/{second['id']}", {"name": "One"}).status == 200


def test_a_v1_segment_holds_its_name_unless_the_setting_frees_it(account: Account) -> None:
    account.emulator.console.seed_v1("Old", "email LIKE '%'")
    assert account.ask("POST", V2, {"name": "Old", "query_dsl": QUERY}).status == 400
    with Account(Settings(v1_holds_names=False)) as other:
        other.emulator.console.seed_v1("Old", "email LIKE '%'")
        other.create("Old")


def test_the_cap_counts_v1_and_can_be_lifted() -> None:
    with Account(Settings(cap=2)) as account:
        account.emulator.console.seed_v1("Old", "email LIKE '%'")
        created = account.create("One")
        status, field, message = error(account.ask("POST", V2, {"name": "Two", "query_dsl": QUERY}))
        assert (status, field) == (400, None)
        assert "2 segments" in message
        account.ask("DELETE", f"{V2}/{created['id']}")
        account.create("Two")
    with Account(Settings(cap=None, rate_limit=None)) as account:
        for number in range(201):
            account.create(f"Segment {number}")
        assert len(account.names()) == 201


def test_the_update_lock_follows_creation_and_update(account: Account) -> None:
    target = f"{V2}/{account.create('One')['id']}"
    account.clock.forward(299.9)
    assert error(account.ask("PATCH", target, {"name": "Two"})) == (400, None, TOO_SOON)
    account.clock.forward(0.1)
    patched = account.ask("PATCH", target, {"name": "Two"})
    assert (patched.status, patched.json()["name"]) == (200, "Two")
    assert patched.json()["updated_at"] == "2026-07-15T16:09:33Z"
    assert account.ask("PATCH", target, {"name": "Three"}).status == 400
    assert account.get(target)["name"] == "Two"


def test_the_status_of_the_update_lock_is_a_setting() -> None:
    with Account(Settings(update_lock_status=429)) as account:
        target = f"{V2}/{account.create('One')['id']}"
        assert error(account.ask("PATCH", target, {"name": "Two"})) == (429, None, TOO_SOON)


def test_an_update_changes_only_what_it_carries(account: Account) -> None:
    created = account.create("One")
    account.clock.forward(301)
    other = QUERY.replace("Brno", "Praha")
    patched = account.ask("PATCH", f"{V2}/{created['id']}", {"query_dsl": other}).json()
    assert (patched["name"], patched["query_dsl"]) == ("One", other)
    assert patched["created_at"] == created["created_at"]
    assert patched["sample_updated_at"] is None


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"name": "Two", "parent_list_ids": []}, "parent_list_ids"),
        ({"owner": "x"}, "owner"),
        ({"name": None}, "name"),
        ({"query_dsl": ""}, "query_dsl"),
        ({}, None),
    ],
)
def test_a_bad_update_is_a_400(account: Account, content: Any, field: str | None) -> None:
    target = f"{V2}/{account.create('One')['id']}"
    account.clock.forward(301)
    assert error(account.ask("PATCH", target, content))[:2] == (400, field)
    assert account.get(target)["name"] == "One"


def test_a_v1_segment_can_be_read_and_deleted_but_not_updated_through_v2(account: Account) -> None:
    v1_id = account.emulator.console.seed_v1("Old", "email LIKE '%'")
    entry = account.get(f"{V2}/{v1_id}")
    assert "query_version" not in entry
    assert entry["query_dsl"] == "email LIKE '%'"
    assert account.ask("PATCH", f"{V2}/{v1_id}", {"name": "New"}).status == 400
    assert account.names() == ["Old"]
    assert account.ask("DELETE", f"{V2}/{v1_id}").status == 202
    with Account(Settings(v1_in_v2_list=False)) as other:
        other.emulator.console.seed_v1("Old", "email LIKE '%'")
        assert other.names() == []


def test_deletion_is_accepted_without_a_body_and_lags_in_the_list(account: Account) -> None:
    created = account.create("One")
    target = f"{V2}/{created['id']}"
    reply = account.ask("DELETE", target)
    assert (reply.status, reply.body) == (202, b"")
    assert account.ask("GET", target).status == 404
    assert account.ask("DELETE", target).status == 404
    account.clock.forward(29)
    assert account.names() == ["One"]
    assert account.names(f"?ids={created['id']}") == ["One"]
    account.clock.forward(1)
    assert account.names() == []
    account.ask("DELETE", f"{V2}/{account.create('Two')['id']}")
    assert account.names() == ["Two"]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_unknown_segment_is_a_404_without_a_body(account: Account, method: str) -> None:
    for unknown in (UNKNOWN, "not-a-uuid", "%2F"):
        content = {"name": "x"} if method == "PATCH" else None
        reply = account.ask(method, f"{V2}/{unknown}", content)
        assert (reply.status, reply.body) == (404, b"")


def test_ids_may_come_with_commas_repeated_or_in_brackets(account: Account) -> None:
    a, b, _ = (account.emulator.console.create(name, QUERY) for name in "abc")
    for query in (f"ids={a},{b}", f"ids={a}&ids={b}", f"ids[]={a}&ids[]={b}", f"ids%5B%5D={b},{a}"):
        assert account.names(f"?{query}") == ["a", "b"]


def test_the_list_filters_combine_as_the_api_table_says(account: Account) -> None:
    console = account.emulator.console
    a, b, c = (console.add_list(name) for name in "abc")
    in_a = account.create("in a", QUERY, a)["id"]
    account.create("in b", QUERY, b)
    in_none = account.create("in none")["id"]
    assert account.names() == ["in a", "in b", "in none"]
    assert account.names("?no_parent_list_id=false&parent_list_ids=") == ["in a", "in b", "in none"]
    assert account.names(f"?parent_list_ids={a},{c}") == ["in a"]
    assert account.names(f"?parent_list_ids={a}&no_parent_list_id=true") == ["in a", "in none"]
    assert account.names("?no_parent_list_id=true") == ["in none"]
    ids = f"{in_a},{in_none},{UNKNOWN}"
    assert account.names(f"?ids={ids}&parent_list_ids={b}") == ["in a", "in none"]
    assert account.names(f"?ids={in_a}&ids={in_none}&no_parent_list_id=true") == ["in a", "in none"]
    assert account.names(f"?parent_list_ids={c}") == []


def test_the_filters_of_the_list_have_limits(account: Account) -> None:
    ids = ",".join(str(uuid.UUID(int=number)) for number in range(51))
    refused = account.ask("GET", f"{V2}?parent_list_ids={ids}")
    assert error(refused)[:2] == (400, "parent_list_ids")
    refused = account.ask("GET", f"{V2}?no_parent_list_id=maybe")
    assert error(refused)[:2] == (400, "no_parent_list_id")


def test_validation_is_pending_before_it_is_valid_or_invalid() -> None:
    with Account(Settings(validation_delay=4)) as account:
        good = account.create("Good")
        bad = account.create("Bad", "SELECT * FROM contact_data")
        assert good["status"] == bad["status"] == {"query_validation": "PENDING"}
        account.clock.forward(4)
        assert account.get(f"{V2}/{good['id']}")["status"] == {"query_validation": "VALID"}
        verdict = account.get(f"{V2}/{bad['id']}")["status"]
        assert verdict["query_validation"] == "INVALID"
        assert "contact_id and updated_at" in verdict["error_message"]
        account.clock.forward(300)
        same = account.ask("PATCH", f"{V2}/{good['id']}", {"name": "x", "query_dsl": QUERY})
        assert same.json()["status"] == {"query_validation": "VALID"}
        mended = account.ask("PATCH", f"{V2}/{bad['id']}", {"query_dsl": QUERY}).json()
        assert mended["status"] == {"query_validation": "PENDING"}


def test_event_queries_stay_pending_for_longer(account: Account) -> None:
    query = (
        "SELECT c.contact_id, c.updated_at FROM contact_data c "
        "JOIN event_data e ON c.contact_id = e.contact_id WHERE e.event_type = 'open'"
    )
    created = account.create("Openers", query)
    assert created["status"]["query_validation"] == "PENDING"
    account.clock.forward(60)
    assert account.get(f"{V2}/{created['id']}")["status"]["query_validation"] == "VALID"


def test_v1_segments_are_listed_read_and_deleted_through_v1(account: Account) -> None:
    console = account.emulator.console
    parent = console.add_list("Customers")
    alone = console.seed_v1("Alone", "email LIKE '%@example.com'", contacts_count=3)
    child = console.seed_v1("Child", "lower(city)='brno'", parent_list_id=parent)
    v2_id = account.create("New")["id"]
    listed = account.get(V1)
    assert [entry["name"] for entry in listed["results"]] == ["Alone", "Child"]
    assert all("query_dsl" not in entry for entry in listed["results"])
    assert listed["results"][1]["parent_list_id"] == parent
    orphans = account.get(f"{V1}?no_parent_list_id=true")
    assert [entry["name"] for entry in orphans["results"]] == ["Alone"]
    read = account.get(f"{V1}/{child}?query_json=true")
    assert read["query_dsl"] == "lower(city)='brno'"
    assert read["parent_list_ids"] == [parent]
    assert isinstance(read["query_json"], dict)
    assert "query_json" not in account.get(f"{V1}/{alone}")
    assert account.get(f"{V1}/{alone}")["contacts_count"] == 3
    assert account.ask("GET", f"{V1}/{v2_id}").status == 404
    removed = account.ask("DELETE", f"{V1}/{alone}")
    assert (removed.status, removed.json()) == (202, {})
    assert account.ask("DELETE", f"{V1}/{alone}").status == 404


def test_v1_segments_cannot_be_created_or_updated(account: Account) -> None:
    v1_id = account.emulator.console.seed_v1("Old", "email LIKE '%'")
    assert error(account.ask("POST", V1, {"name": "x"}))[0] == 405
    assert error(account.ask("PATCH", f"{V1}/{v1_id}", {"name": "x"}))[0] == 405
