"""Fault rules: their text, the requests that they strike, and the responses to these."""

from __future__ import annotations

import re

import pytest

from segctl.cli.main import main
from segctl.emulator import Delivery, Fault, Kind, parse_fault
from tests.support.clock import START

from .account import QUERY, V1, V2, Account

NEW = {"name": "One", "query_dsl": QUERY}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("POST /v3/marketing/segments/2.0 502 x2", Fault(Kind.BAD_GATEWAY, "POST", V2, times=2)),
        ("patch * DROP after", Fault(Kind.DROP, "PATCH", after=True)),
        (
            "* /v3/* 429-epoch #3 4s always",
            Fault(Kind.RATE_LIMITED_EPOCH, path="/v3/*", nth=3, times=None, seconds=4.0),
        ),
        ("GET * drip 0.5s", Fault(Kind.DRIP, "GET", seconds=0.5)),
        ("!get * 503 #2", Fault(Kind.UNAVAILABLE, "!GET", nth=2)),
    ],
)
def test_the_text_of_a_fault_is_parsed(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected METHOD PATH KIND"),
        ("POST *", "expected METHOD PATH KIND"),
        ("5 * 502", "must be an HTTP method, .* got '5'"),
        ("! * 502", "must be an HTTP method, .* got '!'"),
        ("!* * 502", "must be an HTTP method, .* got '!\\*'"),
        ("GET v3 502", "must start with .* got 'v3'"),
        ("GET * 418", "unknown kind '418'; must be one of 400, 401"),
        ("GET * 502 twice", "unknown option 'twice'; must be one of after"),
        ("GET * 502 x0", "at least once"),
        ("GET * 502 #0", "from request #1"),
        ("GET * cut after", "remove 'after'"),
        ("GET * refuse after", "remove 'after'"),
    ],
)
def test_an_invalid_fault_is_explained(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_fault(text)


def test_a_fault_cannot_take_forever() -> None:
    with pytest.raises(ValueError, match="endless"):
        Fault(Kind.HANG, seconds=float("inf"))


def test_rules_strike_the_requests_they_name(account: Account) -> None:
    faults = account.emulator.faults
    faults.add("GET /v3/marketing/segments/2.0 500 #2 x2", "* */lists 503 always")
    statuses = [account.ask("GET", V2).status for _ in range(4)]
    assert statuses == [200, 500, 500, 200]
    assert account.ask("GET", f"{V2}?ids=x").status == 200
    assert [account.ask("GET", "/v3/marketing/lists").status for _ in range(3)] == [503] * 3
    assert account.ask("POST", V2, NEW).status == 201
    assert faults.struck == 5
    faults.clear()
    assert account.ask("GET", "/v3/marketing/lists").status == 200


def test_a_rule_can_exclude_a_method(account: Account) -> None:
    account.emulator.faults.add("!GET * 503 #2")
    assert [account.ask("GET", V2).status for _ in range(3)] == [200] * 3
    assert account.ask("POST", V2, NEW).status == 201
    assert account.ask("GET", V2).status == 200
    assert account.ask("DELETE", f"{V2}/x").status == 503
    assert account.ask("DELETE", f"{V2}/x").status == 404


def test_the_first_of_two_rules_strikes(account: Account) -> None:
    account.emulator.faults.add(Fault(Kind.SERVER_ERROR), Fault(Kind.NOT_FOUND_EMPTY, times=2))
    assert [account.ask("GET", V1).status for _ in range(3)] == [500, 404, 200]


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("400", 400, b'{"errors":[{"field":null,'),
        ("401", 401, b"authorization grant is invalid"),
        ("403", 403, b"access forbidden"),
        ("404", 404, b'"errors"'),
        ("404-empty", 404, None),
        ("406", 406, b'"errors"'),
        ("429", 429, b"too many requests"),
        ("429-empty", 429, None),
        ("451", 451, b'"errors"'),
        ("500", 500, b'"errors"'),
        ("502", 502, b'{"message":"Internal server error"}'),
        ("502-html", 502, b"<html>"),
        ("503", 503, b'"message"'),
        ("504", 504, b'"message"'),
    ],
)
@pytest.mark.parametrize("when", ["", " after"])
def test_error_faults_strike_before_or_after_the_server_acts(
    account: Account, kind: str, status: int, body: bytes | None, when: str
) -> None:
    account.emulator.faults.add(f"POST * {kind}{when}")
    reply = account.ask("POST", V2, NEW)
    assert reply.status == status
    assert reply.delivery is Delivery.WHOLE
    assert reply.body == b"" if body is None else body in reply.body
    assert account.names() == (["One"] if when else [])


def test_the_reset_header_has_two_meanings(account: Account) -> None:
    account.emulator.faults.add("GET * 429 7s", "GET * 429-epoch 7s x2")
    delta, epoch = account.ask("GET", V1), account.ask("GET", V1)
    assert delta.header("X-RateLimit-Reset") == "7"
    assert epoch.header("X-RateLimit-Reset") == str(int(START.timestamp()) + 7)
    assert delta.header("X-RateLimit-Remaining") == "0"
    assert delta.header("X-RateLimit-Limit") == "600"


@pytest.mark.parametrize(
    ("text", "delivery", "seconds", "acted"),
    [
        ("refuse", Delivery.REFUSED, 1.0, False),
        ("drop", Delivery.DROPPED, 1.0, False),
        ("drop after", Delivery.DROPPED, 1.0, True),
        ("hang", Delivery.HUNG, 60.0, False),
        ("hang after 3s", Delivery.HUNG, 3.0, True),
    ],
)
def test_connections_break_before_or_after_the_server_acts(
    account: Account, text: str, delivery: Delivery, seconds: float, acted: bool
) -> None:
    account.emulator.faults.add(f"POST * {text}")
    reply = account.ask("POST", V2, NEW)
    assert (reply.status, reply.body) == (0, b"")
    assert (reply.delivery, reply.seconds) == (delivery, seconds)
    assert account.names() == (["One"] if acted else [])


def test_a_damaged_body_comes_after_the_server_acted(account: Account) -> None:
    whole = account.ask("GET", V1).body
    account.emulator.faults.add(
        "GET * empty", "GET * truncated #2", "GET * wrong-json #3", "GET * cut #4"
    )
    empty, truncated, wrong, cut = (account.ask("GET", V1) for _ in range(4))
    assert (empty.status, empty.body) == (200, b"")
    assert whole.startswith(truncated.body)
    with pytest.raises(ValueError, match="column"):
        truncated.json()
    assert wrong.status == 200
    assert isinstance(wrong.json(), list)
    assert (cut.body, cut.delivery) == (whole, Delivery.CUT)
    account.emulator.faults.add("POST * empty")
    assert account.ask("POST", V2, NEW).status == 201
    assert account.names() == ["One"]


def test_slow_responses_are_whole(account: Account) -> None:
    account.emulator.faults.add("GET * drip", "GET * latency 2s #2")
    dripped, late = account.ask("GET", V1), account.ask("GET", V1)
    assert (dripped.delivery, dripped.seconds) == (Delivery.DRIPPED, 5.0)
    assert (late.delivery, late.delay) == (Delivery.WHOLE, 2.0)
    assert dripped.json() == late.json()


def test_the_help_of_the_command_names_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["emulator", "--help"], {}) == 0
    words = set(re.findall(r"[\w-]+", capsys.readouterr().out))
    assert {kind.value for kind in Kind} <= words
