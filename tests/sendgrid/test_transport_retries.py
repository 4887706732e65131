"""Retries: which requests, how often, and after which pause, on a fake clock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from segctl.errors import RateLimited, RemoteError, ServerFault, UnexpectedResponse
from segctl.sendgrid import error_mapping
from segctl.sendgrid.backoff import LONGEST_WAIT
from segctl.sendgrid.transport import ATTEMPTS, Transport
from tests.support.clock import START, FakeClock

from .support import Served, answer, listening, scripted

FINE = answer(200, {})
LIMITED = answer(429)


def attempts(served: Served, method: str, *, patient: bool = True) -> tuple[int, FakeClock]:
    clock = FakeClock()
    with scripted(served, clock=clock) as (transport, script), pytest.raises(RemoteError):
        transport.send(method, "/v3/x", operation="do it", patient=patient)
    return len(script.seen), clock


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 406, 409, 429, 451, 500, 502, 503])
def test_only_safe_requests_are_repeated(method: str, status: int) -> None:
    repeated = status == 429 or (status >= 500 and method == "GET")
    seen, clock = attempts(answer(status), method)
    assert seen == (ATTEMPTS if repeated else 1)
    assert len(clock.slept) == seen - 1
    assert attempts(answer(status), method, patient=False)[0] == 1


@pytest.mark.parametrize("body", [b"", b'{"results": [', b"<html>"])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_a_success_with_a_broken_body_is_repeated_only_for_a_get(method: str, body: bytes) -> None:
    with scripted(answer(200, body), answer(200, {"results": []})) as (transport, script):
        try:
            got = transport.send(method, "/v3/x", operation="do it").data
        except UnexpectedResponse as error:
            got = error.ambiguous
    # Some successful writes have no response body.
    assert got == ({"results": []} if method == "GET" else True if body else None)
    assert len(script.seen) == (2 if method == "GET" else 1)
    if method == "GET":
        assert attempts(answer(200, body), method)[0] == ATTEMPTS


def test_pauses_grow_and_vary() -> None:
    pauses = [attempts(answer(500), "GET")[1].slept for _ in range(20)]
    for attempt_pauses in pauses:
        for number, pause in enumerate(attempt_pauses):
            assert 0.25 * 2**number <= pause <= 0.75 * 2**number
    assert len({attempt_pauses[0] for attempt_pauses in pauses}) > 1


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_a_limited_request_is_sent_again_and_succeeds(method: str) -> None:
    with scripted(LIMITED, LIMITED, FINE) as (transport, script):
        got = transport.send(method, "/v3/x", operation="do it", body={"a": "ž"})
    assert got.status == 200
    assert len({(request.method, request.target, request.body) for request in script.seen}) == 1


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"Retry-After": "7"}, 7, 7.5),
        ({"retry-after": " 7.5 "}, 7.5, 8),
        ({"Retry-After": "7", "X-RateLimit-Reset": "50"}, 7, 7.5),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "50"}, 50, 50.5),
        ({"Retry-After": "Wed, 15 Jul 2026 16:04:53 GMT"}, 20, 20.5),
        ({"Retry-After": "Wed, 15 Jul 2020 16:04:53 GMT"}, 0.25, 0.75),
        ({"X-RateLimit-Reset": "25"}, 25, 25.5),
        ({"X-RateLimit-Reset": str(int(START.timestamp()) + 31)}, 31, 31.5),
        ({"X-RateLimit-Reset": str(int(START.timestamp()) - 31)}, 0.25, 0.75),
        ({"X-RateLimit-Reset": "0"}, 0.25, 0.75),
        ({"X-RateLimit-Reset": "-5"}, 0.25, 0.75),
        ({"X-RateLimit-Reset": "nan"}, 0.25, 0.75),
        ({"X-RateLimit-Reset": "1e3"}, 0.25, 0.75),
        ({"X-RateLimit-Reset": "9" * 400}, 0.25, 0.75),
        ({"X-RateLimit-Reset": "0x10"}, 0.25, 0.75),
        ({"X-RateLimit-Reset": ""}, 0.25, 0.75),
        ({}, 0.25, 0.75),
    ],
)
def test_the_pause_is_what_the_server_asks_for(
    headers: dict[str, str], least: float, most: float
) -> None:
    clock = FakeClock()
    with scripted((429, headers, b""), FINE, clock=clock) as (transport, _):
        transport.send("GET", "/v3/x", operation="do it")
    (pause,) = clock.slept
    assert least <= pause <= most


def test_a_503_may_state_how_long_to_wait() -> None:
    clock = FakeClock()
    busy = answer(503, None, Retry_After="30", X_RateLimit_Reset="60")
    with scripted(busy, answer(500, None, X_RateLimit_Reset="60"), FINE, clock=clock) as (
        transport,
        _,
    ):
        transport.send("GET", "/v3/x", operation="do it")
    assert 30 <= clock.slept[0] <= 30.5
    assert clock.slept[1] <= 1.5


@pytest.mark.parametrize(
    ("retry_after", "words"),
    [
        (str(LONGEST_WAIT + 1), "wait 91 s"),
        ("600", "wait 10 min"),
        ("36000", "wait 10 h"),
        ("999999", "wait 12 days"),
        ("999999999999", "days"),
    ],
)
def test_a_wait_that_is_too_long_is_an_error_with_its_time(retry_after: str, words: str) -> None:
    clock = FakeClock()
    headers = {"Retry-After": retry_after}
    with (
        scripted((429, headers, b""), clock=clock) as (transport, script),
        pytest.raises(RateLimited) as caught,
    ):
        transport.send("GET", "/v3/x", operation="list the segments")
    assert words in caught.value.message
    assert "run the command again in" in caught.value.hint
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > LONGEST_WAIT
    assert (clock.slept, len(script.seen)) == ([], 1)


def test_each_wait_is_announced() -> None:
    messages: list[str] = []
    served = (answer(429, None, X_RateLimit_Reset="25"), answer(502), FINE)
    with scripted(*served, notify=messages.append) as (transport, _):
        transport.send("GET", "/v3/x", operation="list the segments")
    assert messages[0] == "the rate limit is reached: waiting 26 s"
    assert messages[1].startswith(
        "could not list the segments: SendGrid failed (502); attempt 3 of 5 in"
    )


def test_requests_of_all_threads_are_counted() -> None:
    with listening() as server:
        from segctl.common.secrets import Secret  # noqa: PLC0415

        with Transport(server.url, Secret("k" * 20), FakeClock(), direct=True) as transport:
            with ThreadPoolExecutor(16) as pool:
                answers = list(
                    pool.map(
                        lambda n: transport.send("GET", f"/v3/{n}", operation="read"), range(400)
                    )
                )
            assert transport.requests == len(server.seen) == len(answers) == 400
            # Connections are kept: a handshake a request would double the time over TLS.
            assert len(server.connections) <= 16


def test_a_read_only_transport_sends_nothing_but_get() -> None:
    with scripted(FINE, read_only=True) as (transport, script):
        for method in ("POST", "PATCH", "PUT", "DELETE", "get"):
            with pytest.raises(RuntimeError, match="read-only"):
                transport.send(method, "/v3/x", operation="do it")
        assert script.seen == []
        assert transport.requests == 0
        transport.send("GET", "/v3/x", operation="do it")
    assert len(script.seen) == 1


def test_ambiguity_of_a_5xx_ends_the_attempts_of_a_write() -> None:
    with scripted(answer(502), FINE) as (transport, script), pytest.raises(ServerFault) as caught:
        transport.send("POST", "/v3/x", operation="do it")
    assert caught.value.ambiguous
    assert len(script.seen) == 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (0.2, "1 s"), (120, "120 s"), (121, "3 min"), (7300, "3 h"), (200_000, "3 days")],
)
def test_durations_are_written_in_words(seconds: float, words: str) -> None:
    assert error_mapping.format_duration(seconds) == words
