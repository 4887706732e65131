"""Waits for the rate limit that threads of a transport share, and how they end."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from segctl.common.clock import SystemClock
from segctl.common.secrets import Secret
from segctl.common.stopping import Stop
from segctl.errors import Interrupted, RateLimited, RemoteError
from segctl.sendgrid import CONCURRENCY
from segctl.sendgrid.backoff import LONGEST_WAIT, MIN_WAIT
from segctl.sendgrid.transport import ATTEMPTS, Transport
from tests.support.account import KEY
from tests.support.clock import FakeClock, SteppedClock
from tests.support.process import HANG

from .support import Script, Served, answer, scripted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from segctl.common.clock import Clock
    from segctl.sendgrid.connection import Mount

FINE = answer(200, {})


def limits(remaining: int, reset: float | str, *, status: int = 200, limit: int = 600) -> Served:
    return answer(
        status,
        {},
        X_RateLimit_Limit=str(limit),
        X_RateLimit_Remaining=str(remaining),
        X_RateLimit_Reset=str(reset),
    )


class Server:
    """A `Mount` that records how many requests it serves at once."""

    def __init__(self, serve: Callable[[int], Served]) -> None:
        self.serve = serve
        self.lock = threading.Lock()
        self.count = self.under_way = self.most = 0

    def __call__(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Served:
        with self.lock:
            self.count += 1
            number = self.count
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        try:
            return self.serve(number)
        finally:
            with self.lock:
                self.under_way -= 1


@contextmanager
def open_to(mount: Mount, clock: Clock | None = None, **options: Any) -> Iterator[Transport]:
    """Yield a transport on a real clock, unless another one is given."""
    clock = clock or SystemClock()
    with Transport(
        "https://api.sendgrid.com", Secret(KEY), clock, mount=mount, **options
    ) as transport:
        yield transport


def get(transport: Transport) -> object:
    return transport.send("GET", "/v3/marketing/x", operation="read")


def test_requests_wait_before_the_limit_is_hit() -> None:
    messages: list[str] = []
    clock = FakeClock()
    script = (limits(1, 25), limits(0, 24.5), limits(599, 60))
    with scripted(*script, clock=clock, notify=messages.append) as (transport, seen):
        for _ in range(4):
            get(transport)
    assert clock.slept == [24.5]
    assert messages == ["the rate limit is reached: waiting 25 s"]
    assert len(seen.seen) == 4


@given(
    st.lists(
        st.tuples(st.sampled_from([200, 429]), st.integers(0, 1), st.floats(0.0, 70.0)),
        min_size=1,
        max_size=8,
    )
)
@example([(200, 0, 0.000001)])
@example([(429, 0, 0.000001)])
def test_a_clock_of_whole_microseconds_ends_every_wait(
    stated: list[tuple[int, int, float]],
) -> None:
    clock = FakeClock()
    answers = [limits(left, f"{reset:.6f}", status=status) for status, left, reset in stated]
    with Transport(
        "https://api.sendgrid.com", Secret(KEY), clock, mount=Script(answers)
    ) as transport:
        for _ in range(8):
            with suppress(RateLimited):
                get(transport)
        # A wait that falls short by a rounding is followed by one of a tick.
        assert len(clock.slept) <= 2 * transport.requests + 16
    assert all(pause >= MIN_WAIT for pause in clock.slept)


def test_a_wait_that_is_too_long_is_an_error() -> None:
    clock = FakeClock()
    with scripted(limits(0, LONGEST_WAIT + 1), clock=clock) as (transport, seen):
        get(transport)
        for method in ("GET", "POST"):
            with pytest.raises(RateLimited, match="asks to wait 91 s") as caught:
                transport.send(method, "/v3/marketing/x", operation="do it")
            assert caught.value.retry_after == LONGEST_WAIT + 1
            assert caught.value.exhausted
            assert not caught.value.ambiguous
    assert (clock.slept, len(seen.seen)) == ([], 1)


def test_sixteen_requests_are_sent_at_once() -> None:
    together = threading.Barrier(CONCURRENCY, timeout=HANG)

    def serve(number: int) -> Served:
        # Each request is answered only when all have arrived.
        together.wait()
        return limits(600 - number, 60)

    server = Server(serve)
    with open_to(server) as transport, ThreadPoolExecutor(CONCURRENCY) as pool:
        list(pool.map(lambda _: get(transport), range(CONCURRENCY * 5), timeout=HANG))
    assert server.most == CONCURRENCY


def test_threads_that_are_limited_wait_together_and_are_announced_once() -> None:
    messages: list[str] = []
    together = threading.Barrier(CONCURRENCY, timeout=HANG)
    clock = SteppedClock()
    beside_the_first: list[int] = []

    def serve(number: int) -> Served:
        if number <= CONCURRENCY:
            together.wait()
            return answer(429, None, Retry_After="0.3")
        if number == CONCURRENCY + 1:
            # The others wait again, for this response.
            clock.wait_until_waiting(CONCURRENCY - 1)
            beside_the_first.append(server.under_way)
        return FINE

    server = Server(serve)
    with (
        open_to(server, clock, notify=messages.append) as transport,
        ThreadPoolExecutor(CONCURRENCY) as pool,
    ):
        sent = [pool.submit(get, transport) for _ in range(CONCURRENCY)]
        clock.wait_until_waiting(CONCURRENCY)
        clock.forward(1)
        for future in sent:
            future.result(HANG)
    assert server.count == CONCURRENCY * 2
    assert beside_the_first == [1]
    assert messages == ["the rate limit is reached: waiting 1 s"]


def test_a_refresh_is_repeated_only_after_the_rate_limit() -> None:
    clock = FakeClock()
    script = (limits(0, 25, status=429), FINE)
    with scripted(*script, clock=clock) as (transport, seen):
        transport.send("POST", "/v3/marketing/x", operation="refresh it", patient=False)
    assert len(seen.seen) == 2
    assert len(clock.slept) == 1


@pytest.mark.parametrize(
    ("served", "exhausted"),
    [(limits(34, 25, status=429), False), (answer(429, None, Retry_After="36000"), None)],
)
def test_a_quota_does_not_delay_other_requests(served: Served, exhausted: bool | None) -> None:
    clock = FakeClock()
    with scripted(served, FINE, clock=clock) as (transport, seen):
        with pytest.raises(RateLimited) as caught:
            transport.send("POST", "/v3/marketing/x", operation="refresh it", patient=False)
        get(transport)
    assert caught.value.exhausted is exhausted
    assert (clock.slept, len(seen.seen)) == ([], 2)


def test_a_limit_of_one_kind_of_request_does_not_use_up_its_attempts() -> None:
    """Other responses report capacity, so only the refused request waits."""
    sent_at: list[float] = []

    def serve(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Served:
        if not target.endswith("/narrow"):
            return limits(500, 37)
        sent_at.append(time.monotonic())
        return limits(0, 1, status=429) if len(sent_at) < 3 else FINE

    done = threading.Event()
    with open_to(serve) as transport, ThreadPoolExecutor(2) as pool:

        def others() -> None:
            while not done.wait(0.005):
                get(transport)

        busy = pool.submit(others)
        try:
            transport.send("GET", "/v3/marketing/narrow", operation="read")
        finally:
            done.set()
        busy.result()
    first, second, third = sent_at
    # After the first refusal the rate limiter waits, and other responses may end its delay.
    assert first <= second <= third - 0.9


# Interruptions.


def send_and_stop(
    transport: Transport, stop: Stop, waiting: threading.Event, threads: int
) -> list[BaseException | None]:
    """Send from threads, stop once one of them waits; return the result of each."""
    ended: list[BaseException | None] = []

    def send() -> None:
        try:
            get(transport)
            ended.append(None)
        except RemoteError as error:
            ended.append(error)

    workers = [threading.Thread(target=send, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    assert waiting.wait(HANG)
    stop.request()
    for worker in workers:
        worker.join(HANG)
        assert not worker.is_alive()
    return ended


@pytest.mark.parametrize(
    "served",
    [
        answer(429, None, Retry_After="80"),
        limits(0, 80, status=429),
        answer(503, None, Retry_After="80"),
    ],
)
@pytest.mark.parametrize("threads", [1, CONCURRENCY])
def test_a_request_to_stop_ends_every_wait_at_once(served: Served, threads: int) -> None:
    waiting, stop = threading.Event(), Stop()
    server = Server(lambda _: served)
    with open_to(server, notify=lambda _: waiting.set(), stop=stop) as transport:
        ended = send_and_stop(transport, stop, waiting, threads)
        sent = server.count
        assert len(ended) == threads
        for error in ended:
            assert isinstance(error, Interrupted)
            assert not error.ambiguous
            assert error.message.startswith("could not read: interrupted before")
        # From now on nothing waits, so nothing is sent while the limit is reached.
        with pytest.raises(Interrupted):
            get(transport)
        assert server.count - sent == (served[0] == 503)


def test_a_request_that_need_not_wait_is_sent_after_a_request_to_stop() -> None:
    stop = Stop()
    with scripted(FINE, stop=stop) as (transport, seen):
        stop.request()
        get(transport)
        transport.send("POST", "/v3/marketing/x", operation="create it")
    assert len(seen.seen) == 2


def test_nothing_is_sent_after_a_forced_stop() -> None:
    stop = Stop()
    with scripted(FINE, stop=stop) as (transport, seen):
        stop.request(force=True)
        with pytest.raises(Interrupted) as caught:
            transport.send("POST", "/v3/marketing/x", operation="create it")
    assert not caught.value.ambiguous
    assert seen.seen == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_forced_stop_abandons_a_request_in_flight(method: str) -> None:
    arrived, release, stop = threading.Event(), threading.Event(), Stop()

    def hang(_: int) -> Served:
        arrived.set()
        assert release.wait(HANG)
        return FINE

    def force() -> None:
        assert arrived.wait(HANG)
        stop.request()
        stop.request()

    asking = threading.Thread(target=force, daemon=True)
    try:
        with open_to(Server(hang), stop=stop) as transport:
            asking.start()
            with pytest.raises(Interrupted, match="while waiting for the response") as caught:
                transport.send(method, "/v3/marketing/x", operation="do it")
    finally:
        release.set()
        asking.join(HANG)
    # The server may or may not have performed a write.
    assert caught.value.ambiguous == (method == "POST")


def test_one_request_to_stop_abandons_no_request_in_flight() -> None:
    stop = Stop()

    def serve(_: int) -> Served:
        stop.request()
        return FINE

    with open_to(Server(serve), stop=stop) as transport:
        get(transport)


def test_the_attempt_before_a_request_to_stop_is_reported() -> None:
    stop = Stop()
    with scripted(answer(502), stop=stop) as (transport, seen):
        stop.request()
        with pytest.raises(Interrupted, match=r"SendGrid failed \(502\)") as caught:
            get(transport)
    assert caught.value.status == 502
    assert len(seen.seen) == 1
    assert ATTEMPTS > 1


@pytest.mark.posix
def test_a_signal_handler_may_request_to_stop() -> None:
    """The handler runs in the thread that waits, between any two of its steps."""
    server, stop = Server(lambda _: answer(429, None, Retry_After="80")), Stop()
    with open_to(
        server, notify=lambda _: os.kill(os.getpid(), signal.SIGUSR1), stop=stop
    ) as transport:
        before = signal.signal(signal.SIGUSR1, lambda *_: stop.request())
        try:
            with pytest.raises(Interrupted):
                get(transport)
        finally:
            signal.signal(signal.SIGUSR1, before)
