"""Promise: no response takes more memory than a bound, however few bytes stand for it.

Against a server, or a proxy in its place, that compresses gigabytes into bytes or never stops.
"""

from __future__ import annotations

import gzip
import itertools
import json
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import httpx
import pytest

from segctl.errors import RemoteError, UnexpectedResponse
from segctl.sendgrid.api import MAX_ITEMS, MAX_PAGES, Reader
from segctl.sendgrid.exchange import Unusable, read_body
from segctl.sendgrid.transport import MAX_BODY, MAX_HEADERS
from tests.sendgrid.support import answer, scripted

from .server import connect, hostile_server, response

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def bomb(size: int, times: int = 1) -> bytes:
    """Return `size` MiB of zeros, compressed `times` times."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = b"".join(packer.compress(bytes(1 << 20)) for _ in range(size)) + packer.flush()
    for _ in range(times - 1):
        data = gzip.compress(data)
    return data


def refused(pieces: Iterable[bytes], method: str = "GET") -> str:
    """Return the message with which the response is refused, after a single request."""
    with hostile_server(lambda _: pieces) as server, connect(server) as transport:
        with pytest.raises(UnexpectedResponse) as caught:
            transport.send(method, "/v3/x", operation="do it")
        assert len(server.requests) == 1
    assert caught.value.ambiguous == (method == "POST")
    return caught.value.message


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_bomb_is_refused_and_never_unpacked(method: str) -> None:
    packed = bomb(64)
    assert len(packed) < 1 << 17
    tracemalloc.start()
    try:
        message = refused([response(packed, "Content-Encoding: gzip")], method)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "larger than 8 MiB" in message
    assert peak < 4 * MAX_BODY


@pytest.mark.parametrize(
    "codings",
    [
        ["Content-Encoding: gzip, gzip"],
        ["Content-Encoding: gzip", "Content-Encoding: gzip"],
        ["Content-Encoding: gzip", "content-encoding: identity"],
        ["Content-Encoding: gzip,"],
        ["Content-Encoding: br"],
        ["Content-Encoding: zstd"],
        ["Content-Encoding: deflate"],
        ["Content-Encoding: GZIP, br"],
        ["Content-Encoding: " + ", ".join(["gzip"] * 1_000)],
    ],
    ids=lambda codings: " + ".join(codings)[:50],
)
def test_a_coding_that_was_not_asked_for_is_refused(codings: list[str]) -> None:
    assert "content coding other than gzip" in refused([response(bomb(64, 2), *codings)])


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", " gzip "])
def test_a_response_compressed_once_is_read(coding: str) -> None:
    packed = gzip.compress(b'{"a": 1}')
    pieces = [response(packed, f"Content-Encoding: {coding}")]
    with hostile_server(lambda _: pieces) as server, connect(server) as transport:
        assert transport.send("GET", "/v3/x", operation="do it").data == {"a": 1}
        assert b"accept-encoding: gzip\r\n" in server.requests[0].lower()


@pytest.mark.parametrize("cut", [1, 9, 12, -1])
def test_a_compressed_response_that_is_cut_is_not_read(cut: int) -> None:
    pieces = [response(gzip.compress(b'{"a": 1}')[:cut], "Content-Encoding: gzip")]
    with (
        hostile_server(lambda _: pieces) as server,
        connect(server) as transport,
        pytest.raises(RemoteError),
    ):
        transport.send("GET", "/v3/x", operation="do it")


FLOODS: dict[str, tuple[bytes, bytes]] = {
    "body without a length": (b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65_536),
    "chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"10000\r\n" + b" " * 65_536 + b"\r\n",
    ),
    "tiny chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"1;padding=aaaaaaaaaaaaaaaaaaaaaaaa\r\n \r\n" * 1_000,
    ),
    "interim responses": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" * 1_000),
    "continues": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_is_cut_off(flood: str) -> None:
    head, piece = FLOODS[flood]
    most = 4 * (MAX_BODY + MAX_HEADERS) // len(piece)
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        yield head
        for _ in range(most):
            sent += 1
            yield piece

    assert "is larger than" in refused(pieces())
    assert sent < most


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX-A: ", b"H"])
def test_endless_headers_are_cut_off(head: bytes) -> None:
    sent = 0

    def pieces(_: bytes) -> Iterator[bytes]:
        nonlocal sent
        for piece in itertools.chain((head,), itertools.repeat(b"a" * 65_536, 200)):
            sent += 1
            yield piece

    with (
        hostile_server(pieces) as server,
        connect(server) as transport,
        pytest.raises(RemoteError),
    ):
        transport.send("POST", "/v3/x", operation="do it")
    assert sent < 200


def test_pages_without_end_are_cut_off_by_their_items() -> None:
    items = [{"id": f"{number:06}", "name": "N"} for number in range(2_000)]
    pages = iter(range(MAX_PAGES))

    def page() -> bytes:
        number = next(pages)
        results = [{**item, "id": f"{number}-{item['id']}"} for item in items]
        return json.dumps({"results": results, "_metadata": {"next": f"?p={number}"}}).encode()

    with scripted(answer(200, None)) as (transport, script):
        script.answers = [answer(200, page()) for _ in range(MAX_PAGES)]
        with pytest.raises(UnexpectedResponse, match="more than 100,000 items"):
            Reader(transport).list_segments()
        assert len(script.seen) == MAX_ITEMS // len(items) + 1


def test_no_decoded_piece_is_larger_than_the_bound() -> None:
    packed = bomb(64)
    answered = httpx.Response(
        200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(packed)
    )
    tracemalloc.start()
    try:
        with pytest.raises(Unusable):
            read_body(answered, 1 << 16)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
