"""World files: what they put into the accounts, and what is wrong with them, at its place."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from segctl.app.emulator_server import serve_emulator
from segctl.app.emulator_world import load_world, read_world
from segctl.errors import InvalidInput, UsageError
from tests.support.account import KEY

from .account import HEADERS, V1, V2, Account

if TYPE_CHECKING:
    from pathlib import Path

    from segctl.emulator import Response

LISTS = "/v3/marketing/lists"
WORLD = """\
keys: [parent]
read_only_keys: [auditor]
lists:
  - name: Newsletter
segments:
  - name: Ours
    query_dsl: SELECT contact_id, updated_at FROM contact_data WHERE city = 'Brno'
subusers:
  shop-eu:
    keys: [shop]
    plan: free
    lists:
      - {name: Newsletter, contact_count: 9}
      - {name: Customers, id: 0b1f4a10-5c1d-4a6e-9f02-000000000099}
    custom_fields: {tier: Text, spend: Number, joined: Date}
    segments:
      - name: Gold
        query_dsl: SELECT contact_id, updated_at FROM contact_data WHERE tier = 'gold'
        parent_list: Customers
      - {query_dsl: "email LIKE '%x'", v1: true, contacts_count: 3}
      - {query_dsl: "email LIKE '%y'", v1: true}
    contacts:
      - email: Ada@example.com
        lists: [Customers]
        fields: {tier: gold, spend: 7.5, joined: "2026-01-01T00:00:00Z", first_name: Ada}
        events:
          - {event_type: open, timestamp: "2026-06-01T09:00:00Z", data: {a: {b: 1}}}
    single_sends:
      - {name: Spring, status: scheduled, segments: [Gold], send_at: "2026-09-01T09:00:00Z"}
    automations:
      - {name: Welcome, segment: Gold}
      - {name: Idea, status: draft}
  shop-us: {}
"""


@pytest.fixture
def world(account: Account) -> Account:
    parsed, diagnostics = read_world("world.yaml", WORLD.encode())
    assert parsed is not None, diagnostics
    account.emulator.put(parsed)
    return account


def ask(
    account: Account, target: str, key: str, subuser: str = "", method: str = "GET"
) -> Response:
    headers = HEADERS | {"Authorization": f"Bearer {key}"}
    return account.ask(method, target, None, headers | {"on-behalf-of": subuser})


def test_the_accounts_of_a_world_are_apart(world: Account) -> None:
    assert [item["name"] for item in ask(world, V2, "parent").json()["results"]] == ["Ours"]
    ours, nameless, other = ask(world, V2, "parent", "shop-eu").json()["results"]
    assert (ours["name"], ours["contacts_count"]) == ("Gold", 1)
    assert ours["parent_list_ids"] == ["0b1f4a10-5c1d-4a6e-9f02-000000000099"]
    assert "name" not in nameless.keys() | other.keys()
    assert (nameless["contacts_count"], other["contacts_count"]) == (3, 0)
    assert ask(world, V1, "shop").json()["results"][0]["id"] == nameless["id"]
    lists = ask(world, LISTS, "shop").json()["result"]
    counts = [(item["name"], item["contact_count"]) for item in lists]
    assert counts == [("Newsletter", 9), ("Customers", 1)]
    assert ask(world, LISTS, "parent", "shop-us").json()["result"] == []
    (send,) = ask(world, "/v3/marketing/singlesends", "shop").json()["result"]
    whole = ask(world, f"/v3/marketing/singlesends/{send['id']}", "shop").json()
    assert whole["send_to"]["segment_ids"] == [ours["id"]]
    assert (whole["status"], whole["send_at"]) == ("scheduled", "2026-09-01T09:00:00Z")
    welcome, idea = ask(world, "/v3/marketing/automations", "shop").json()["result"]
    assert (welcome["status"], idea["status"]) == ("live", "draft")
    entered = ask(world, f"/v3/marketing/automations/{welcome['id']}", "shop").json()
    assert entered["entrance_criteria"]["id"] == ours["id"]
    (contact,) = ask(world, f"{V2}/{ours['id']}", "shop").json()["contacts_sample"]
    assert (contact["email"], contact["first_name"]) == ("ada@example.com", "Ada")


def test_the_keys_and_plans_of_a_world_hold(world: Account) -> None:
    for key, subuser, status in (
        ("wrong", "", 401),
        ("parent", "shop-uk", 403),
        ("shop", "shop-us", 403),
        ("shop", "shop-eu", 200),
        ("auditor", "shop-us", 200),
    ):
        assert ask(world, V2, key, subuser).status == status, (key, subuser)
    assert ask(world, V2, "auditor", method="POST").status == 403
    body = json.dumps({"user_time_zone": "UTC"}).encode()
    for account, status in (("shop-eu", 403), ("", 202)):
        headers = HEADERS | {"Authorization": "Bearer parent", "on-behalf-of": account}
        segment = ask(world, V2, "parent", account).json()["results"][0]["id"]
        target = f"{V2}/refresh/{segment}"
        assert world.emulator.handle("POST", target, headers, body).status == status


def test_a_world_has_the_same_ids_every_time_and_leaves_a_used_account_alone(
    tmp_path: Path,
) -> None:
    parsed, _ = read_world("world.yaml", WORLD.encode())
    assert parsed is not None
    lists = []
    for path in (None, tmp_path / "state", tmp_path / "state"):
        with Account(path=path) as account:
            account.emulator.put(parsed)
            lists.append(ask(account, LISTS, "shop").json()["result"])
    assert lists[0] == lists[1] == lists[2]


def test_a_world_without_keys_accepts_any(account: Account) -> None:
    parsed, _ = read_world("world.yaml", b"lists: [{name: One}]")
    assert parsed is not None
    account.emulator.put(parsed)
    assert ask(account, LISTS, "any").status == 200


EVENT = (
    "contacts:\n- email: a@x.test\n  events:\n  - event_type: open\n"
    '    timestamp: "2026-06-01"\n    '
)
QUERY = "query_dsl: SELECT contact_id, updated_at FROM contact_data"


@pytest.mark.parametrize(
    ("text", "place", "code", "message"),
    [
        ("", (1, 1), "empty-file", "the file is empty"),
        ("list: []", (1, 1), "unknown-key", "unknown key `list`"),
        ("plan: gratis", (1, 7), "bad-value", "`plan` must be free or basic or advanced"),
        ("subusers:\n  eu:\n    plan: 7", (3, 11), "bad-value", "`subusers.eu.plan` must be"),
        ("lists:\n  - name: ''", (2, 11), "empty-value", "`lists.name`, item 1, must not be"),
        ("lists:\n  - id: x", (2, 5), "missing-key", "missing key `name`"),
        (f"segments:\n  - {QUERY}", (2, 5), "missing-key", "missing key `name`"),
        (
            f"segments:\n  - {{name: A, {QUERY[:12]}x}}\n  - {{name: A, {QUERY[:12]}y}}",
            (3, 12),
            "duplicate-name",
            "duplicate segment `A`",
        ),
        (
            "lists: [{name: Readers}]\nsegments:\n  - {name: A, query_dsl: x, parent_list: Reader}",
            (3, 42),
            "unknown-list",
            "list `Reader` not found",
        ),
        (
            "lists: [{name: A}, {name: A}]\ncontacts: [{email: a@x.test, lists: [A]}]",
            (2, 38),
            "ambiguous-list",
            "several lists are named `A`",
        ),
        ("lists: [{name: A, id: x}, {name: B, id: x}]", (1, 41), "duplicate-id", "duplicate id"),
        (
            "contacts: [{email: a@x.test}, {email: A@x.test}]",
            (1, 39),
            "duplicate-contact",
            "duplicate contact",
        ),
        (
            "custom_fields: {tier: Text}\ncontacts: [{email: a@x.test, fields: {teir: x}}]",
            (2, 45),
            "unknown-field",
            "unknown field `teir`",
        ),
        (
            "custom_fields: {spend: Number}\ncontacts: [{email: a@x.test, fields: {spend: x}}]",
            (2, 46),
            "wrong-type",
            "`spend` has an invalid value for its type, Number",
        ),
        (
            "contacts: [{email: a@x.test, fields: {city: 7}}]",
            (1, 45),
            "wrong-type",
            "`city` has an invalid value for its type, Text",
        ),
        (
            "contacts:\n- email: a@x.test\n  events: [{event_type: open, timestamp: soon}]",
            (3, 42),
            "bad-time",
            "`timestamp` must be a time, got `soon`",
        ),
        (
            "single_sends: [{name: S, segments: [Nobody]}]",
            (1, 37),
            "unknown-segment",
            "segment `Nobody` not found",
        ),
        (
            "automations: [{name: A, segment: Nobody}]",
            (1, 34),
            "unknown-segment",
            "segment `Nobody` not found",
        ),
        (
            "keys: [a]\nsubusers: {eu: {read_only_keys: [a]}}",
            (2, 34),
            "duplicate-key",
            "duplicate API key `a`",
        ),
        (
            "custom_fields: {tier: Text, Tier: Text}",
            (1, 29),
            "bad-field",
            "invalid custom field `Tier`: field name already exists",
        ),
        ("custom_fields: {two words: Text}", (1, 17), "bad-field", "invalid custom field"),
        ("custom_fields: {email: Text}", (1, 17), "bad-field", "invalid custom field `email`"),
        ("subusers: {'': {}}", (1, 12), "empty-value", "the name of a subuser must not be empty"),
        (
            f"{EVENT}data: {{a: [2026-01-01]}}",
            (6, 16),
            "wrong-type",
            "a date in `data` must be a string",
        ),
        (
            f"{EVENT}data: {{a: .nan}}",
            (6, 15),
            "wrong-type",
            "a number in `data` must be finite",
        ),
        (
            "custom_fields: {spend: Number}\ncontacts: [{email: a@x.test, fields: {spend: .inf}}]",
            (2, 46),
            "wrong-type",
            "`spend` has an invalid value",
        ),
        ("lists: [{name: A, contact_count: 10000000000}]", (1, 34), "bad-value", "`lists.contact"),
        (f"keys: ['{KEY}']", (1, 9), "key-in-file", ""),
    ],
)
def test_an_error_in_a_world_file_has_a_place(
    text: str, place: tuple[int, int], code: str, message: str
) -> None:
    world, (diagnostic, *_) = read_world("world.yaml", text.encode())
    assert world is None
    assert diagnostic.span is not None
    assert (diagnostic.span.line, diagnostic.span.column, diagnostic.code) == (*place, code)
    assert diagnostic.summary.startswith(message)
    assert KEY not in f"{diagnostic}"


def test_a_world_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    for name in ("missing.yaml", "\0"):
        with pytest.raises(UsageError, match="cannot read"):
            load_world(str(tmp_path / name) if name != "\0" else name)
    file = tmp_path / "world.yaml"
    file.write_text("plan: gratis")
    with pytest.raises(InvalidInput) as raised, serve_emulator(port=0, world=str(file)):
        pass
    assert [item.code for item in raised.value.diagnostics] == ["bad-value"]


@pytest.mark.parametrize("options", [{"keys": ["k"]}, {"plan": "free"}])
def test_a_world_has_its_own_keys_and_plan(tmp_path: Path, options: dict[str, Any]) -> None:
    file = tmp_path / "world.yaml"
    file.write_text(dedent(WORLD))
    with (
        pytest.raises(UsageError, match="--world cannot be combined"),
        serve_emulator(port=0, world=str(file), **options),
    ):
        pass
