"""Promise: whatever a server answers, segctl ends with a result or an error, without the key.

Against a server, or a proxy in its place, that breaks the contract of the API: other hosts,
cookies, wrong types, huge numbers, nonsense times. Time and size have tests of their own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from segctl.errors import NotFound, RateLimited, RemoteError, UnexpectedResponse
from segctl.model import Segment
from segctl.sendgrid.api import SEGMENTS, Reader, Writer
from segctl.sendgrid.rate_limit_headers import (
    LONGEST_PAUSE,
    RateLimitHeaders,
    read_rate_limit,
    requested_pause,
)
from tests.sendgrid.support import answer, scripted, segment_json
from tests.support.account import KEY
from tests.support.builders import ALL, query
from tests.support.clock import START

from .server import connect, hostile_server, response

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

LIST_ID = "8c1b5e34-5a6f-4f0e-9f2e-0d3f3c1a2b11"


@pytest.mark.parametrize("status", ["301", "302", "303", "307", "308", "300", "399"])
def test_a_redirect_never_takes_the_key_along(status: str) -> None:
    with hostile_server(lambda _: [response(b"{}")]) as elsewhere:
        moved = response(b"", f"Location: {elsewhere.url}/v3/x", status=f"{status} Moved")
        with hostile_server(lambda _: [moved]) as server, connect(server) as transport:
            for method in ("GET", "POST"):
                with pytest.raises(UnexpectedResponse, match="the key was not sent there"):
                    transport.send(method, "/v3/x", operation="do it")
        assert elsewhere.requests == []


@pytest.mark.parametrize("status", ["101", "199"])
def test_an_interim_response_alone_is_no_answer(status: str) -> None:
    piece = f"HTTP/1.1 {status} Maybe\r\nUpgrade: x\r\n\r\n".encode()
    with hostile_server(lambda _: [piece]) as server, connect(server) as transport:
        server.close()
        with pytest.raises(RemoteError):
            transport.send("POST", "/v3/x", operation="do it")


def test_cookies_are_not_kept() -> None:
    cookies = [f"Set-Cookie: c{number}={'a' * 1_000}; Path=/" for number in range(20)]
    with (
        hostile_server(lambda _: [response(b"{}", *cookies)]) as server,
        connect(server) as transport,
    ):
        for _ in range(3):
            transport.send("GET", "/v3/x", operation="do it")
        assert len(server.requests) == 3
        assert all(b"cookie" not in request.lower() for request in server.requests)


DEEP = b'{"a":' * 100_000
NOT_JSON = {
    "deep arrays": b"[" * 1_000_000,
    "deep objects": DEEP,
    "duplicate key": b'{"results": [{"id": "a", "name": "N"}], "results": []}',
    "duplicate key inside": b'{"results": [{"id": "a", "name": "N", "name": "M"}]}',
    "NaN": b'{"results": [], "a": NaN}',
    "infinity": b'{"results": [], "a": -Infinity}',
    "number of 10,000 digits": b'{"results": [], "a": ' + b"9" * 10_000 + b"}",
    "broken UTF-8": b'{"results": [{"id": "a", "name": "\xff"}]}',
    "two values": b'{"results": []} {"results": []}',
}


@pytest.mark.parametrize("name", NOT_JSON)
def test_what_is_not_plain_json_is_no_answer(name: str) -> None:
    with (
        scripted(answer(200, NOT_JSON[name])) as (transport, _),
        pytest.raises(UnexpectedResponse, match="not JSON"),
    ):
        Reader(transport).list_segments()


@pytest.mark.parametrize("count", [-1, 2**53, 10**400, 1e300])
def test_a_count_beyond_belief_is_unknown(count: float) -> None:
    with scripted(answer(200, segment_json(contacts_count=count))) as (transport, _):
        assert Reader(transport).get_segment(segment_json()["id"]).contacts_count is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "999999999999"},
        {"Retry-After": "Wed, 15 Jul 2099 00:00:00 GMT"},
        {"Retry-After": "Fri, 31 Dec 9999 23:59:59 -2359"},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4087324800"},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "999999999999"},
    ],
)
def test_a_wait_of_years_is_an_error_at_once(headers: dict[str, str]) -> None:
    with scripted((429, headers, b"")) as (transport, script):
        with pytest.raises(RateLimited, match="asks to wait 366 days") as caught:
            transport.send("GET", SEGMENTS, operation="do it")
        assert len(script.seen) == 1
    assert caught.value.retry_after == LONGEST_PAUSE


DATES = (
    "Wed, 15 Jul 2099 00:00:00 GMT",
    "Mon, 01 Jan 0001 00:00:00 +2359",
    "Mon, 01 Jan 0001 00:00:00 -0000",
    "Fri, 31 Dec 9999 23:59:59 -2359",
    "Fri, 31 Dec 9999 23:59:59 -0000",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "yesterday",
)


@pytest.mark.parametrize("date", DATES)
def test_a_date_that_is_nonsense_does_not_change_the_wait(date: str) -> None:
    reset = str(int(START.timestamp()) + 25)
    limits = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset, "Date": date}
    assert requested_pause(429, limits, START) == pytest.approx(25)
    assert read_rate_limit(limits, START) == RateLimitHeaders(None, 0, 25, is_epoch=True)


TIMES = ("0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "soon")


@pytest.mark.parametrize("date", DATES)
@pytest.mark.parametrize("time", TIMES)
def test_times_beyond_the_calendar_stop_no_plan(project: Project, date: str, time: str) -> None:
    segment = segment_json(
        created_at=time,
        updated_at=time,
        sample_updated_at=time,
        next_sample_update=time,
        last_refreshed_at=time,
    )
    content = json.dumps({"results": [segment], "result": [], **segment}).encode()
    project.declare("Segment 1", query("age = 2"))
    with hostile_server(lambda _: [response(content, f"Date: {date}")]) as server:
        project.env |= {"SEGCTL_BASE_URL": server.url, "SENDGRID_API_KEY": KEY}
        for command in (
            ["plan"],
            ["plan"],
            ["drift"],
            ["list", "--references"],
            ["refresh", "Segment 1"],
        ):
            result = project.run(*command)
            assert "Traceback" not in result.out + result.err
            assert "internal error" not in result.out + result.err, command
        assert "1 to patch" in project.run("plan").out


def test_a_refresh_that_must_wait_for_years_is_deferred(project: Project) -> None:
    segment = segment_json(name="N")
    account = response(json.dumps({"results": [segment], **segment}).encode())
    refused = response(
        b"",
        "Retry-After: 999999999999",
        "X-RateLimit-Remaining: 0",
        "X-RateLimit-Reset: 999999999999",
        status="429 Too Many Requests",
    )
    with hostile_server(
        lambda request: [refused if request.startswith(b"POST") else account]
    ) as server:
        project.env |= {"SEGCTL_BASE_URL": server.url, "SENDGRID_API_KEY": KEY}
        result = project.run("refresh", "N")
    assert "not before 2027-07-16" in result.out
    assert "Traceback" not in result.out + result.err


NAMELESS = {"id": "v1-without-a-name", "query_version": "1"}


@pytest.mark.parametrize("item", [NAMELESS, {**NAMELESS, "name": None}, {**NAMELESS, "name": ""}])
def test_a_v1_segment_without_a_name_is_left_out_and_reported(item: dict[str, Any]) -> None:
    said: list[str] = []
    served = answer(200, {"results": [segment_json(), item]})
    with scripted(served, notify=said.append) as (transport, _):
        reader = Reader(transport)
        assert [remote.name for remote in reader.list_segments()] == ["Segment 1"]
        assert [remote.name for remote in reader.list_v1_segments()] == ["Segment 1"]
    assert said == ["v1 segment v1-without-a-name has no name: left out"]


def test_a_v1_segment_without_a_name_stops_no_command(connected: Project, remote: Remote) -> None:
    nameless = remote.emulator.console.seed_v1("", "city = 'Brno'")
    remote.emulator.console.seed_v1("Old", "city = 'Brno'")
    connected.declare("VIP", query("city = 'Brno'"))
    for argv in (["list"], ["list", "--v1"], ["plan"], ["upgrade", "--all", "--dry-run"]):
        result = connected.run(*argv)
        assert result.code == 0, result.err
        assert f"v1 segment {nameless} has no name: left out" in result.err
    assert "1 done." in connected.run("apply", "--auto-approve").out
    assert "No changes." in connected.run("plan").out


def test_a_v2_segment_without_a_name_is_never_left_out() -> None:
    at = "2026-07-15T16:04:33Z"
    times = {"id": "a", "created_at": at, "updated_at": at}
    for item in (
        {"id": "a"},
        {"id": "a", "query_version": "2"},
        {"query_version": "1"},
        {**times, "contacts_count": 1, "query_version": "2"},
        {**times, "contacts_count": 1, "status": {"query_validation": "VALID"}},
        times,
    ):
        with (
            scripted(answer(200, {"results": [item]})) as (transport, _),
            pytest.raises(UnexpectedResponse, match="no id or no name"),
        ):
            Reader(transport).list_segments()


@pytest.mark.parametrize("body", [b"", b'{"errors": [{"message": "resource not found"}]}'])
def test_a_create_that_is_not_found_names_what_can_be_missing(body: bytes) -> None:
    with scripted(answer(404, body)) as (transport, _):
        writer = Writer(transport)
        with pytest.raises(NotFound) as caught:
            writer.create_segment(Segment("N", ALL, (LIST_ID,)))
        assert f"its parent list {LIST_ID} may have been deleted" in caught.value.message
        assert "parent_list_ids" in caught.value.hint
        with pytest.raises(NotFound) as caught:
            writer.create_segment(Segment("N", ALL))
        assert "SEGCTL_BASE_URL" in caught.value.hint


STRANGE = [
    "\ud800",
    "a\x00b\x1b[31mred\x07",
    "\u202eevil\u2066",
    "line\nbreak\r\u2028",
    f"the key is {KEY}",
    "x" * 100_000,
]


@pytest.mark.parametrize("text", STRANGE, ids=lambda text: ascii(text)[:20])
def test_a_strange_text_in_any_field_is_shown_safely(project: Project, text: str) -> None:
    strange = segment_json(name=text, status={"error_message": text}, created_at=text)
    body = json.dumps({"results": [strange], "result": [strange], **strange}).encode()
    with hostile_server(lambda _: [response(body)]) as server:
        project.env |= {"SEGCTL_BASE_URL": server.url, "SENDGRID_API_KEY": KEY}
        for command in (
            ["list"], ["list", "--format", "json"], ["plan"], ["plan", "--format", "json"],
            ["plan", "--format", "markdown"], ["drift"], ["import", "--stdout"], ["list", "--v1"],
        ):  # fmt: skip
            result = project.run(*command)
            shown = result.out + result.err
            assert result.code in (0, 1, 2, 3), command
            assert "Traceback" not in shown, command
            assert "internal error" not in shown, command
            assert KEY not in shown, command
            # JSON keeps every character, and escapes what a terminal would act on.
            formatting = "" if "json" in command else "\u202e\u2066\u2028"
            assert not {*"\x00\x1b\x07\r", *formatting} & set(shown), command
