"""The emulator on a socket: keep-alive, concurrency, and every fault as a client meets it."""

from __future__ import annotations

import http.client
import json
import socket
import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

from segctl.emulator import Emulator, Settings, serve
from tests.support.process import HANG, eventually

from .account import HEADERS, QUERY, V1, V2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.emulator import Server

NEW = json.dumps({"name": "One", "query_dsl": QUERY})


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def server(emulator: Emulator) -> Iterator[Server]:
    with serve(emulator) as running:
        yield running


def connect(server: Server, timeout: float = HANG) -> closing[http.client.HTTPConnection]:
    return closing(http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=timeout))


def names(emulator: Emulator) -> list[str]:
    return [segment.name for segment in emulator.console.segments()]


def test_one_connection_carries_many_requests_without_stalls(server: Server) -> None:
    with connect(server) as connection:
        connection.request("POST", V2, NEW, HEADERS)
        created = connection.getresponse()
        assert created.status == 201
        assert created.headers["Content-Type"] == "application/json"
        segment_id = json.load(created)["id"]
        socket_used = connection.sock
        for _ in range(20):
            connection.request("GET", f"{V2}/{segment_id}", headers=HEADERS)
            # A response in two packets stalls: the second waits until the first is acknowledged.
            whole = connection.sock.recv(1 << 16, socket.MSG_PEEK)
            response = connection.getresponse()
            body = response.read()
            assert json.loads(body)["name"] == "One"
            assert whole.endswith(b"\r\n\r\n" + body)
        assert connection.sock is socket_used
        connection.request("DELETE", f"{V2}/{segment_id}", headers=HEADERS)
        deleted = connection.getresponse()
        assert (deleted.status, deleted.headers["Content-Length"]) == (202, "0")
        assert deleted.read() == b""


def test_links_lead_back_to_the_server(server: Server, emulator: Emulator) -> None:
    emulator.console.add_list("One")
    emulator.console.add_list("Two")
    with connect(server) as connection:
        connection.request("GET", "/v3/marketing/lists?page_size=1", headers=HEADERS)
        link = json.load(connection.getresponse())["_metadata"]["next"]
        assert link.startswith(f"{server.url}/v3/")


def test_every_method_gets_a_response(server: Server) -> None:
    with connect(server) as connection:
        for method, status in (("PUT", 405), ("HEAD", 405), ("OPTIONS", 405), ("BREW", 405)):
            connection.request(method, V2, headers=HEADERS)
            reply = connection.getresponse()
            assert reply.status == status
            assert (reply.read() == b"") is (method == "HEAD")


@pytest.mark.parametrize("kind", ["refuse", "drop", "drop after"])
def test_a_broken_connection_is_a_connection_error_for_the_client(
    server: Server, emulator: Emulator, kind: str
) -> None:
    emulator.faults.add(f"POST * {kind}")
    with connect(server) as connection:
        connection.request("POST", V2, NEW, HEADERS)
        with pytest.raises(ConnectionError):
            connection.getresponse()
    assert names(emulator) == (["One"] if "after" in kind else [])
    with connect(server) as connection:
        connection.request("GET", V2, headers=HEADERS)
        assert connection.getresponse().status == 200


@pytest.mark.parametrize("kind", ["hang", "hang after"])
def test_a_hung_connection_times_out(server: Server, emulator: Emulator, kind: str) -> None:
    emulator.faults.add(f"POST * {kind}")
    with connect(server, timeout=0.05) as connection:
        connection.request("POST", V2, NEW, HEADERS)
        with pytest.raises(TimeoutError):
            connection.getresponse()
    assert eventually(lambda: len(emulator.log) == 1)
    assert names(emulator) == (["One"] if "after" in kind else [])


def test_a_hang_ends_by_itself(server: Server, emulator: Emulator) -> None:
    emulator.faults.add("GET * hang 0.02s")
    with connect(server) as connection:
        connection.request("GET", V2, headers=HEADERS)
        with pytest.raises(ConnectionError):
            connection.getresponse()


def test_a_cut_body_is_noticed(server: Server, emulator: Emulator) -> None:
    emulator.faults.add("GET * cut")
    with connect(server) as connection:
        connection.request("GET", V2, headers=HEADERS)
        with pytest.raises(http.client.IncompleteRead):
            connection.getresponse().read()


def test_a_dripped_body_arrives_whole_and_late(server: Server, emulator: Emulator) -> None:
    emulator.faults.add("* * drip 0.1s x2")
    with connect(server) as connection:
        start = time.perf_counter()
        connection.request("POST", V2, NEW, HEADERS)
        reply = connection.getresponse()
        early = time.perf_counter() - start
        assert json.load(reply)["name"] == "One"
        assert time.perf_counter() - start > max(0.08, early)
        connection.request("DELETE", f"{V2}/x", headers=HEADERS)
        assert connection.getresponse().read() == b""


@pytest.mark.parametrize("kind", ["502-html", "429-epoch", "empty", "truncated", "wrong-json"])
def test_faulty_responses_keep_the_connection(
    server: Server, emulator: Emulator, kind: str
) -> None:
    emulator.faults.add(f"GET * {kind}")
    with connect(server) as connection:
        connection.request("GET", V2, headers=HEADERS)
        connection.getresponse().read()
        connection.request("GET", V2, headers=HEADERS)
        assert json.load(connection.getresponse()) == {"results": []}


def test_a_response_waits_for_its_latency() -> None:
    with (
        Emulator(settings=Settings(latency=0.1)) as emulator,
        serve(emulator) as server,
        connect(server) as connection,
    ):
        start = time.perf_counter()
        connection.request("GET", V1, headers=HEADERS)
        connection.getresponse().read()
        assert time.perf_counter() - start >= 0.1


def test_each_connection_has_a_latency_of_its_own() -> None:
    with (
        Emulator(settings=Settings(latency=3600)) as emulator,
        serve(emulator) as server,
        ExitStack() as stack,
    ):
        for _ in range(8):
            connection = stack.enter_context(connect(server))
            connection.request("GET", V1, headers=HEADERS)
        # Every request has been carried out, and no response is due for an hour.
        assert eventually(lambda: len(emulator.log) == 8)


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Content-Length", "1048577", 413),
        ("Content-Length", "many", 400),
        ("Transfer-Encoding", "gzip, chunked", 411),
    ],
)
def test_bodies_are_bounded(server: Server, header: str, value: str, status: int) -> None:
    with connect(server) as connection:
        connection.putrequest("POST", V2)
        connection.putheader(header, value)
        connection.endheaders()
        reply = connection.getresponse()
        assert (reply.status, reply.headers["Connection"]) == (status, "close")
        assert reply.headers["X-RateLimit-Limit"] == "600"
        assert reply.read() != b""


def test_a_chunked_body_is_read_whole(server: Server, emulator: Emulator) -> None:
    with connect(server) as connection:
        for name in ("One", "Two"):
            body = json.dumps({"name": name, "query_dsl": QUERY}).encode()
            connection.request("POST", V2, iter([body[:7], body[7:]]), HEADERS)
            reply = connection.getresponse()
            assert reply.status == 201
            assert json.load(reply)["name"] == name
    assert names(emulator) == ["One", "Two"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"-1\r\n", 400),
        (b"3\r\nabcd\r\n0\r\n\r\n", 400),
        (b"100001\r\n", 413),
        (b"0\r\n" + b"X: y\r\n" * 101, 400),
        (b"2;note=x\r\n{}\r\n0\r\nX: trailer\r\n\r\n", 400),
    ],
)
def test_a_chunked_body_is_bounded_and_must_be_well_formed(
    server: Server, body: bytes, status: int
) -> None:
    with connect(server) as connection:
        connection.putrequest("POST", V2)
        for name, value in (HEADERS | {"Transfer-Encoding": "chunked"}).items():
            connection.putheader(name, value)
        connection.endheaders(body)
        assert connection.getresponse().status == status


def test_a_broken_state_is_a_500(server: Server, emulator: Emulator) -> None:
    emulator.close()
    with connect(server) as connection:
        connection.request("GET", V2, headers=HEADERS)
        reply = connection.getresponse()
        assert reply.status == 500
        assert b"emulator state" in reply.read()


def test_a_client_that_disconnects_is_not_reported(
    server: Server, emulator: Emulator, capfd: pytest.CaptureFixture[str]
) -> None:
    emulator.faults.add("GET * drip 0.05s")
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"GET /v3/marketing/segments HTTP/1.1\r\nHost: x\r\n\r\n")
    with connect(server) as connection:
        connection.request("GET", V2, headers=HEADERS)
        connection.getresponse().read()
    server.close()
    assert capfd.readouterr() == ("", "")


def test_closing_cuts_hangs_short_and_frees_the_port(emulator: Emulator) -> None:
    server = serve(emulator)
    emulator.faults.add("GET * hang 3600s")
    idle = connect(server)
    hung = connect(server)
    with idle as first, hung as second:
        first.request("POST", V2, NEW, HEADERS)
        first.getresponse().read()
        second.request("GET", V2, headers=HEADERS)
        assert eventually(lambda: len(emulator.log) == 2)
        server.close()
        server.close()
        with pytest.raises(ConnectionError):
            second.getresponse()
    with serve(emulator, port=int(server.url.rpartition(":")[2])) as again:
        assert again.url == server.url


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "::", ""])  # noqa: S104
def test_only_loopback_is_served(emulator: Emulator, host: str) -> None:
    with pytest.raises(ValueError, match="not a loopback address"):
        serve(emulator, host)


@pytest.mark.parametrize(
    ("host", "url"), [("localhost", "http://127.0.0.1:"), ("::1", "http://[::1]:")]
)
def test_loopback_has_several_names(emulator: Emulator, host: str, url: str) -> None:
    if host == "::1" and not has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")
    with serve(emulator, host) as server:
        assert server.url.startswith(url)
        with connect(server) as connection:
            connection.request("GET", V2, headers=HEADERS)
            assert connection.getresponse().status == 200


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
