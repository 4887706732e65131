"""The path of a request to its operation: key, subuser, rate limit, router, log."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import segctl.emulator
from segctl.emulator import Emulator, ResetStyle, Settings

from .account import HEADERS, QUERY, V1, V2, Account, error

if TYPE_CHECKING:
    from collections.abc import Iterator

LISTS = "/v3/marketing/lists"
EXPORTS = "/v3/marketing/contacts/exports"
BAD_GRANT = "The provided authorization grant is invalid, expired, or revoked"


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "*/*"},
        {"Accept": "*/*", "Authorization": "Bearer"},
        {"Accept": "*/*", "Authorization": "Bearer  "},
        {"Accept": "*/*", "Authorization": "Basic a-key"},
        {},
    ],
)
def test_a_request_without_a_bearer_token_is_a_401(
    account: Account, headers: dict[str, str]
) -> None:
    assert error(account.ask("GET", V2, headers=headers)) == (401, None, BAD_GRANT)


def test_keys_can_be_restricted_and_read_only() -> None:
    settings = Settings(keys=frozenset({"full"}), read_only_keys=frozenset({"reader"}))
    assert "full" not in repr(settings)
    assert "reader" not in repr(settings)
    with Account(settings) as account:
        full = {"Accept": "*/*", "authorization": "bearer full"}
        reader = {"Accept": "*/*", "AUTHORIZATION": "Bearer reader"}
        content = {"name": "One", "query_dsl": QUERY}
        assert account.ask("GET", V2).status == 401
        assert account.ask("GET", V2, headers=reader).status == 200
        refused = account.ask("POST", V2, content, headers=reader)
        assert error(refused) == (403, None, "access forbidden")
        assert account.ask("POST", V2, content, headers=full).status == 201


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        (None, 406),
        ("text/html", 406),
        ("*/*", 200),
        ("text/html, application/json;q=0.9", 200),
        ("application/*", 200),
    ],
)
def test_the_client_must_accept_json(account: Account, accept: str | None, status: int) -> None:
    headers = {"Authorization": "Bearer x"} | ({} if accept is None else {"accept": accept})
    assert account.ask("GET", V2, headers=headers).status == status


def test_subusers_have_accounts_of_their_own(account: Account) -> None:
    shop = HEADERS | {"On-Behalf-Of": "eu-shop"}
    account.emulator.console_of("eu-shop").create("Theirs", QUERY)
    account.create("Ours")
    theirs = account.ask("GET", V2, headers=shop).json()["results"]
    assert [entry["name"] for entry in theirs] == ["Theirs"]
    assert account.names() == ["Ours"]
    assert account.ask("GET", f"{V2}/{theirs[0]['id']}").status == 404
    content = {"name": "Ours", "query_dsl": QUERY}
    assert account.ask("POST", V2, content, headers=shop).status == 201


def test_subusers_can_be_limited_to_known_ones() -> None:
    with Account(Settings(subusers=frozenset({"eu-shop"}))) as account:
        for name, status in (("eu-shop", 200), ("us-shop", 403)):
            reply = account.ask("GET", V2, headers=HEADERS | {"on-behalf-of": name})
            assert reply.status == status


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v3/user", 404),
        ("GET", "/v3/marketing/", 404),
        ("GET", "/v3/marketing/contacts", 404),
        ("POST", "/v3/scopes", 405),
        ("GET", f"{V2}/", 404),
        ("GET", f"{V2}/a/b/c", 404),
        ("PUT", V2, 405),
        ("GET", f"{V2}/refresh/x", 405),
        ("DELETE", LISTS, 405),
    ],
)
def test_an_unknown_path_or_method_is_a_404_or_405(
    account: Account, method: str, target: str, status: int
) -> None:
    reply = account.ask(method, target)
    assert error(reply)[0] == status
    assert reply.header("x-ratelimit-limit") == "600"


@pytest.mark.parametrize(
    ("method", "target", "allowed"),
    [("PUT", V2, "GET, POST"), ("PATCH", V1, "GET"), ("POST", "/v3/scopes", "GET")],
)
def test_a_405_names_the_methods_of_its_path(
    account: Account, method: str, target: str, allowed: str
) -> None:
    assert account.ask(method, target).header("Allow") == allowed


def test_a_key_of_a_subuser_acts_for_it_alone() -> None:
    settings = Settings(
        keys=frozenset({"parent", "shop"}),
        key_accounts={"shop": "eu-shop"},
        subusers=frozenset({"eu-shop", "us-shop"}),
    )
    with Account(settings) as account:
        account.emulator.console_of("eu-shop").create("Theirs", QUERY)
        account.emulator.console.create("Ours", QUERY)

        def names(key: str, subuser: str | None) -> list[str] | int:
            headers = HEADERS | {"Authorization": f"Bearer {key}"}
            reply = account.ask(
                "GET", V2, headers=headers | ({"on-behalf-of": subuser} if subuser else {})
            )
            if reply.status != 200:
                return reply.status
            return [segment["name"] for segment in reply.json()["results"]]

        assert names("parent", None) == ["Ours"]
        assert names("parent", "eu-shop") == names("shop", "eu-shop") == names("shop", None)
        assert names("shop", None) == ["Theirs"]
        assert (names("shop", "us-shop"), names("wrong", None)) == (403, 401)


def test_the_rate_headers_are_on_every_response(account: Account) -> None:
    account.emulator.faults.add("GET */lists 502", "GET */lists 404-empty #2")
    account.get(V2)
    left = [account.ask("GET", LISTS).header("X-RateLimit-Remaining") for _ in range(3)]
    assert left == ["599", "599", "598"]
    assert account.ask("GET", V2, headers={}).header("X-RateLimit-Limit") == "600"
    assert account.ask("GET", "/v3/scopes").header("X-RateLimit-Reset") is not None


def test_searches_for_contacts_have_a_limit_of_their_own(account: Account) -> None:
    search = "/v3/marketing/contacts/search"
    for _ in range(2):
        reply = account.ask("POST", search, {"query": "email LIKE '%'"})
    assert reply.header("X-RateLimit-Limit") == "200"
    assert reply.header("X-RateLimit-Remaining") == "198"
    assert account.ask("GET", V2).header("X-RateLimit-Remaining") == "599"


def test_the_rate_limit_counts_down_and_starts_again_each_minute() -> None:
    with Account(Settings(rate_limit=2)) as account:
        first, second, third = (account.ask("GET", V1) for _ in range(3))
        assert [first.status, second.status] == [200, 200]
        rates = [reply.header("X-RateLimit-Remaining") for reply in (first, second, third)]
        assert rates == ["1", "0", "0"]
        assert error(third) == (429, None, "too many requests")
        assert third.header("X-RateLimit-Limit") == "2"
        assert third.header("X-RateLimit-Reset") == "27"
        other = account.ask("GET", V1, headers=HEADERS | {"on-behalf-of": "eu-shop"})
        assert other.status == 200
        account.clock.forward(26.9)
        late = account.ask("GET", V1)
        assert (late.status, late.header("X-RateLimit-Reset")) == (429, "1")
        account.clock.forward(0.1)
        assert account.ask("GET", V1).header("X-RateLimit-Remaining") == "1"


def test_a_request_over_the_limit_does_nothing() -> None:
    with Account(Settings(rate_limit=1)) as account:
        account.create("One")
        assert account.ask("POST", V2, {"name": "Two", "query_dsl": QUERY}).status == 429
        assert [segment.name for segment in account.emulator.console.segments()] == ["One"]


def test_the_shape_of_rate_limited_responses_is_a_setting() -> None:
    settings = Settings(rate_limit=1, rate_limit_body=False, reset_style=ResetStyle.EPOCH)
    with Account(settings) as account:
        account.get(V1)
        reply = account.ask("GET", V1)
        assert (reply.status, reply.body) == (429, b"")
        assert reply.header("X-RateLimit-Reset") == "1784131500"
    with Account(Settings(rate_limit=None)) as account:
        assert account.ask("GET", V1).header("X-RateLimit-Limit") is None


def test_lists_come_in_pages_whose_links_keep_the_origin(account: Account) -> None:
    for number in range(5):
        account.emulator.console.add_list(f"List {number}", contact_count=number)
    names = []
    target = f"{LISTS}?page_size=2"
    for host, origin in (
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("api.sendgrid.com", "https://api.sendgrid.com"),
    ):
        page = account.ask("GET", target, headers=HEADERS | {"Host": host}).json()
        names += [entry["name"] for entry in page["result"]]
        assert page["_metadata"]["self"].startswith(f"{origin}{LISTS}?")
        link = page["_metadata"].get("next")
        if link is not None:
            assert link.startswith(f"{origin}{LISTS}?page_size=2&page_token=")
            target = link.removeprefix(origin)
    assert link is None
    assert names == [f"List {number}" for number in range(5)]
    everything = account.get(LISTS)
    assert [entry["contact_count"] for entry in everything["result"]] == [0, 1, 2, 3, 4]
    assert "next" not in everything["_metadata"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page_size=0", "page_size"),
        ("page_size=1001", "page_size"),
        ("page_size=ten", "page_size"),
        ("page_token=%21", "page_token"),
        ("page_token=LTE%3D", "page_token"),
        ("page_token=OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "page_token"),
    ],
)
def test_an_invalid_page_is_a_400(account: Account, query: str, field: str) -> None:
    assert error(account.ask("GET", f"{LISTS}?{query}"))[:2] == (400, field)


def test_the_origin_of_links_can_be_set() -> None:
    with Account(Settings(origin="https://sandbox.invalid")) as account:
        link = account.get(LISTS)["_metadata"]["self"]
        assert link.startswith("https://sandbox.invalid/v3/marketing/lists?")


def test_field_definitions_show_custom_and_reserved_fields(account: Account) -> None:
    account.emulator.console.add_field("tier", "Text")
    account.emulator.console.add_field("spend", "Number")
    content = account.get("/v3/marketing/field_definitions")
    assert [(f["name"], f["field_type"]) for f in content["custom_fields"]] == [
        ("tier", "Text"),
        ("spend", "Number"),
    ]
    reserved = {field["name"]: field for field in content["reserved_fields"]}
    assert len(reserved) == 29
    first, second = (field["_metadata"]["self"] for field in content["custom_fields"])
    assert first == "https://api.sendgrid.com/v3/marketing/field_definitions/e1_T"
    assert second.endswith("/e2_N")
    assert "read_only" not in reserved["email"]
    assert reserved["contact_id"]["read_only"] is True
    assert reserved["last_opened"]["id"] == "_rf17_D"


def test_single_sends_are_abridged_in_the_list_and_complete_by_id(account: Account) -> None:
    console = account.emulator.console
    first = console.add_single_send("First", segment_ids=["s"], list_ids=["l"])
    console.add_single_send("Second", status="triggered", send_to_all=True, send_at=1_800_000_000)
    page = account.get("/v3/marketing/singlesends?page_size=1")
    assert [entry["name"] for entry in page["result"]] == ["First"]
    assert "send_to" not in page["result"][0]
    link = page["_metadata"]["next"].removeprefix("https://api.sendgrid.com")
    (second,) = account.get(link)["result"]
    assert second["send_at"] == "2027-01-15T08:00:00Z"
    whole = account.get(f"/v3/marketing/singlesends/{first}")
    assert whole["status"] == "draft"
    assert whole["send_to"] == {"list_ids": ["l"], "segment_ids": ["s"], "all": False}
    assert account.ask("GET", "/v3/marketing/singlesends/x").status == 404


def test_single_sends_are_searched_by_name_and_status(account: Account) -> None:
    search = "/v3/marketing/singlesends/search"
    console = account.emulator.console
    for name, status in (("Spring", "draft"), ("Spring too", "scheduled"), ("Autumn", "draft")):
        console.add_single_send(name, status=status)

    def names(content: object, query: str = "") -> list[str]:
        reply = account.ask("POST", search + query, content)
        assert reply.status == 200
        return [entry["name"] for entry in reply.json()["result"]]

    assert names(None) == names({}) == ["Spring", "Spring too", "Autumn"]
    assert names({"name": "spring"}) == ["Spring", "Spring too"]
    assert names({"name": "Spring", "status": ["draft", "triggered"]}) == ["Spring"]
    assert names({"categories": ["x"]}) == []
    assert names({}, "?page_size=2") == ["Spring", "Spring too"]
    for bad, field in (({"status": ["sent"]}, "status"), ({"name": 1}, "name")):
        assert error(account.ask("POST", search, bad))[:2] == (400, field)


def test_the_scopes_show_no_write_scope(account: Account) -> None:
    assert account.get("/v3/scopes") == {"scopes": ["marketing.read"]}


def test_the_log_holds_targets_and_statuses_and_never_a_key(account: Account) -> None:
    account.ask("get", f"{V2}?ids=x", headers=HEADERS | {"Authorization": "Bearer SG.secret"})
    account.emulator.faults.add("GET * 502")
    account.ask("GET", LISTS)
    entries = [(e.method, e.target, e.status, e.fault) for e in account.emulator.log]
    assert entries == [("GET", f"{V2}?ids=x", 200, None), ("GET", LISTS, 502, "502")]
    assert "SG.secret" not in repr(account.emulator.log)
    account.emulator.clear_log()
    assert account.emulator.log == ()


def test_a_response_carries_its_latency() -> None:
    with Account(Settings(latency=2.5)) as account:
        assert account.ask("GET", V1).delay == 2.5


_SEGMENT = "5e9c0de2-71b3-4d5a-8c44-000000000001"
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(_SEGMENT),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
_BODIES = st.binary(max_size=20) | st.dictionaries(
    st.sampled_from(
        ["name", "query_dsl", "parent_list_ids", "user_time_zone", "list_ids", "segment_ids", "x"]
    ),
    _VALUES,
).map(lambda content: json.dumps(content).encode())
_TARGETS = st.builds(
    "{}{}?{}={}".format,
    st.sampled_from([V1, V2, f"{V2}/refresh", LISTS, EXPORTS, "/v3/marketing/singlesends", ""]),
    st.sampled_from(["", f"/{_SEGMENT}", "/%ff%00"]) | st.text(max_size=5),
    st.sampled_from(["ids", "page_size", "page_token", "contacts_sample", "parent_list_ids"]),
    st.text(max_size=8),
)


@pytest.fixture(scope="module")
def seeded() -> Iterator[Account]:
    """A seeded account without a rate limit and without the update lock."""
    with Account(Settings(update_lock=0, rate_limit=None)) as account:
        account.emulator.seed()
        yield account


@settings(max_examples=100, deadline=None)
@given(
    method=st.sampled_from(["GET", "POST", "PATCH", "DELETE", "TRACE"]),
    target=_TARGETS,
    body=_BODIES,
)
def test_every_request_gets_a_response(
    seeded: Account, method: str, target: str, body: bytes
) -> None:
    reply = seeded.emulator.handle(method, target, HEADERS, body)
    assert 200 <= reply.status < 500
    if reply.body:
        reply.json()


@pytest.mark.parametrize(
    ("name", "value"),
    [("rate_window", 0.0), ("sample_interval", 0.0), ("update_lock", -1.0), ("latency", -1.0)],
)
def test_invalid_durations_are_refused(name: str, value: float) -> None:
    invalid: Any = {name: value}
    with pytest.raises(ValueError, match=name):
        Settings(**invalid)


def test_the_system_clock_is_the_default() -> None:
    with Emulator(settings=Settings.sandbox()) as emulator:
        emulator.seed()
        (entry, *_) = emulator.handle("GET", V1, HEADERS).json()["results"]
        assert entry["name"] == "Gmail users (old)"


def test_the_emulator_imports_little_and_nothing_of_the_client() -> None:
    code = "import sys, segctl.emulator; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    modules = done.stdout.split()
    assert "http.server" not in modules
    ours = {name for name in modules if name.partition(".")[0] == "segctl"}
    assert {".".join(name.split(".")[:2]) for name in ours} == {"segctl", "segctl.emulator"}


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    missing: Any = "no_such_name"
    with pytest.raises(AttributeError, match="no_such_name"):
        getattr(segctl.emulator, missing)
