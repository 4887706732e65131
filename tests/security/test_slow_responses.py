"""Promise: no server keeps segctl waiting for a response without end, however it drips.

Against a server, or a proxy in its place, that sends a byte now and then. The server advances the
clock by which segctl measures; nothing here waits for real time.
"""

from __future__ import annotations

import itertools
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from segctl.common.folder import Folder
from segctl.common.secrets import Secret
from segctl.errors import RemoteError, Unreachable
from segctl.sendgrid.downloads import MIN_PROGRESS, Downloads
from segctl.sendgrid.transport import ATTEMPTS, EXCHANGE_TIMEOUT, REQUEST_TIMEOUT, Transport
from tests.support.account import KEY
from tests.support.clock import FakeClock
from tests.support.process import HANG

from .server import connect, hostile_server, response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DRIP = 5.0
MOST = 2 * EXCHANGE_TIMEOUT / DRIP
"""Pieces that can have been sent when the bound is reached; some of them nobody reads."""

HEAD = b"HTTP/1.1 200 OK\r\nX-Padding: "


class Dripping:
    """Sends its pieces one by one, `DRIP` seconds apart on the clock that it drives."""

    def __init__(self, pieces: Callable[[], Iterator[bytes]]) -> None:
        self.seconds = 0.0
        self.sent = 0
        self._read = threading.Semaphore(0)
        self._pieces = pieces

    def monotonic(self) -> float:
        """Return the time. Whoever asks has read what was sent before."""
        self._read.release()
        return self.seconds

    def answer(self, _: bytes) -> Iterator[bytes]:
        for piece in self._pieces():
            self._read.acquire(timeout=HANG)
            self.seconds += DRIP
            self.sent += 1
            yield piece


def bytewise(head: bytes, rest: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: itertools.chain((head,), itertools.repeat(rest))


DRIPS = {
    "status line": bytewise(b"H", b"T"),
    "headers": bytewise(HEAD, b"a"),
    "many headers": bytewise(b"HTTP/1.1 200 OK\r\n", b"X-Header: a\r\n"),
    "interim responses": bytewise(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "body with a length": bytewise(b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n", b" "),
    "body without a length": bytewise(b"HTTP/1.1 200 OK\r\n\r\n", b" "),
    "chunks": bytewise(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "trailers": bytewise(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Trailer: a\r\n"
    ),
    "body of an error": bytewise(b"HTTP/1.1 500 No\r\nContent-Length: 5000000\r\n\r\n", b" "),
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("drip", DRIPS)
def test_a_dripping_response_is_given_up_and_not_requested_again(drip: str, method: str) -> None:
    dripping = Dripping(DRIPS[drip])
    with (
        hostile_server(dripping.answer) as server,
        connect(server, dripping.monotonic) as transport,
        pytest.raises(Unreachable, match="did not complete its response within 120 s") as caught,
    ):
        transport.send(method, "/v3/x", operation="do it")
    assert caught.value.ambiguous == (method == "POST")
    assert dripping.sent <= MOST
    assert len(server.requests) == 1


def test_a_slow_response_within_the_bound_is_read() -> None:
    dripping = Dripping(lambda: iter([response(b'{"a": 1}')]))
    with (
        hostile_server(dripping.answer) as server,
        connect(server, dripping.monotonic) as transport,
    ):
        assert transport.send("GET", "/v3/x", operation="do it").data == {"a": 1}


def test_all_attempts_of_a_request_share_one_bound() -> None:
    seconds = 0.0

    def answer(_: bytes) -> Iterator[bytes]:
        nonlocal seconds
        seconds += EXCHANGE_TIMEOUT - 1
        yield response(b"no JSON")

    with (
        hostile_server(answer) as server,
        connect(server, lambda: seconds) as transport,
        pytest.raises(RemoteError),
    ):
        transport.send("GET", "/v3/x", operation="do it")
    assert len(server.requests) == 3 < ATTEMPTS
    assert seconds < REQUEST_TIMEOUT + EXCHANGE_TIMEOUT


def test_a_dripping_proxy_is_given_up_too(monkeypatch: pytest.MonkeyPatch) -> None:
    dripping = Dripping(DRIPS["headers"])
    with hostile_server(dripping.answer) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with (
            Transport(
                "https://api.sendgrid.com",
                Secret(KEY),
                FakeClock(),
                monotonic=dripping.monotonic,
            ) as transport,
            pytest.raises(Unreachable, match="within 120 s"),
        ):
            transport.send("GET", "/v3/x", operation="do it")
    assert dripping.sent <= MOST
    assert not any(KEY.encode() in request for request in proxy.requests)


DOWNLOADS = {
    "headers": DRIPS["headers"],
    "interim responses": DRIPS["interim responses"],
    "body": bytewise(b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n", b"a"),
    "redirects": bytewise(b"HTTP/1.1 302 Found\r\n", b"X-Header: a\r\n"),
}


@pytest.mark.parametrize("drip", DOWNLOADS)
def test_a_dripping_download_is_given_up(drip: str, tmp_path: Path) -> None:
    dripping = Dripping(DOWNLOADS[drip])
    with (
        hostile_server(dripping.answer) as server,
        Downloads(FakeClock(), local=True, monotonic=dripping.monotonic) as downloads,
        pytest.raises(Unreachable, match="within 120 s"),
    ):
        downloads.fetch(
            Secret(f"{server.url}/file"),
            Folder(tmp_path),
            "file.part",
            operation="fetch the contacts",
            tag=None,
            keep=lambda _: None,
        )
    assert dripping.sent <= MOST
    assert len(server.requests) == 1


def test_a_slow_download_that_progresses_is_read(tmp_path: Path) -> None:
    size = 20 * MIN_PROGRESS
    body = [b"a" * MIN_PROGRESS] * 20
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode()
    dripping = Dripping(lambda: iter([head, *body]))
    with (
        hostile_server(dripping.answer) as server,
        Downloads(FakeClock(), local=True, monotonic=dripping.monotonic) as downloads,
    ):
        assert size == downloads.fetch(
            Secret(f"{server.url}/file"),
            Folder(tmp_path),
            "file.part",
            operation="fetch the contacts",
            tag=None,
            keep=lambda _: None,
        )
    assert (tmp_path / "file.part").stat().st_size == size


def test_a_silent_server_is_given_up_at_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read that blocks may take no longer than what is left of the bound."""
    timeouts: list[float | None] = []
    settimeout = socket.socket.settimeout

    def recording(self: socket.socket, value: float | None) -> None:
        timeouts.append(value)
        settimeout(self, value)

    monkeypatch.setattr(socket.socket, "settimeout", recording)
    seconds = 0.0

    def answer(_: bytes) -> Iterator[bytes]:
        nonlocal seconds
        seconds = EXCHANGE_TIMEOUT - 0.5
        yield b"HTTP/1.1 200 OK\r\n"
        threading.Event().wait(HANG)

    with (
        hostile_server(answer) as server,
        connect(server, lambda: seconds) as transport,
        pytest.raises(Unreachable),
    ):
        transport.send("POST", "/v3/x", operation="do it")
    assert timeouts[-1] == pytest.approx(0.5)
