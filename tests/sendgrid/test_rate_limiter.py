"""The rate limiter in a simulation: virtual time, many senders, several kinds of servers."""

from __future__ import annotations

import heapq
import itertools
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segctl.sendgrid.rate_limit_headers import RateLimitHeaders
from segctl.sendgrid.rate_limiter import LEASE, ROUNDING, Delay, Permit, RateLimiter

PATH = "/v3/marketing/segments/2.0"
SEARCH = "/v3/marketing/contacts/search"
BACKOFF = 0.25

Rounding: TypeAlias = Callable[[float], float]


class FixedWindow:
    """Counts by the clock, like the emulator; its windows have borders at multiples of `length`."""

    def __init__(self, limit: int, length: float, rounding: Rounding = math.ceil) -> None:
        self.limit, self.length, self.rounding = limit, length, rounding
        self.used: Counter[int] = Counter()
        self.refused: Counter[int] = Counter()

    def number(self, now: float) -> int:
        return math.floor(now / self.length)

    def serve(self, now: float) -> tuple[bool, RateLimitHeaders]:
        number = self.number(now)
        accepted = self.used[number] < self.limit
        if accepted:
            self.used[number] += 1
        else:
            self.refused[number] += 1
        reset = self.rounding((number + 1) * self.length - now)
        return accepted, RateLimitHeaders(self.limit, self.limit - self.used[number], reset)


class Sliding(FixedWindow):
    """Counts the requests of the last `length` seconds; `Reset` is when the oldest one expires."""

    def __init__(self, limit: int, length: float, rounding: Rounding = math.ceil) -> None:
        super().__init__(limit, length, rounding)
        self.times: list[float] = []

    def serve(self, now: float) -> tuple[bool, RateLimitHeaders]:
        self.times = [moment for moment in self.times if moment > now - self.length]
        accepted = len(self.times) < self.limit
        if accepted:
            self.times.append(now)
        else:
            self.refused[self.number(now)] += 1
        reset = self.rounding(self.times[0] + self.length - now)
        return accepted, RateLimitHeaders(self.limit, self.limit - len(self.times), reset)


@dataclass(frozen=True)
class Sent:
    """A request and its result; `after_an_answer`: its process knew the limit when it was sent."""

    permit: Permit
    after_an_answer: bool
    accepted: bool


@dataclass
class World:
    """Senders that share a queue of requests; each sends its next after the last one's response.

    `trips` holds the seconds that each request in turn takes there and back. `mute` are the numbers
    of the responses that state no limit, `lost` of those that never arrive. `limiters` is the
    number of processes, each with a rate limiter of its own.
    """

    server: FixedWindow
    trips: list[tuple[float, float]]
    limiters: int = 1
    mute: frozenset[int] = frozenset()
    lost: frozenset[int] = frozenset()
    start: float = 0.0
    sent: list[Sent] = field(default_factory=list)
    delays: list[tuple[float, Delay]] = field(default_factory=list)
    now: float = 0.0

    def run(self, requests: int, senders: int) -> None:  # noqa: C901, PLR0915 - one loop of events
        """Send this many requests; raise `AssertionError` if a sender would wait for ever."""
        self.now = self.start
        rate_limiters = [RateLimiter(lambda: self.now) for _ in range(self.limiters)]
        order = itertools.count()
        events: list[tuple[float, int, Callable[[], None]]] = []
        waiting: dict[int, set[int]] = {number: set() for number in range(self.limiters)}
        answered = [False] * self.limiters
        left = requests
        done = 0

        def at(moment: float, act: Callable[[], None]) -> None:
            heapq.heappush(events, (moment, next(order), act))

        def take(sender: int) -> None:
            nonlocal left
            if left:
                left -= 1
                ask(sender)

        def ask(sender: int) -> None:
            mine = sender % self.limiters
            granted = rate_limiters[mine].acquire(PATH)
            if isinstance(granted, Delay):
                assert granted.seconds > 0
                self.delays.append((self.now, granted))
                waiting[mine].add(sender)
                at(self.now + granted.seconds, lambda: wake(sender))
                return
            permit = granted
            number = len(self.sent)
            outbound, inbound = self.trips[number % len(self.trips)]
            known = answered[mine]
            self.sent.append(Sent(permit, known, accepted=True))
            at(self.now + outbound, lambda: arrive(sender, permit, number, inbound))

        def wake(sender: int) -> None:
            mine = sender % self.limiters
            if sender in waiting[mine]:
                waiting[mine].remove(sender)
                ask(sender)

        def arrive(sender: int, permit: Permit, number: int, back: float) -> None:
            accepted, limits = self.server.serve(self.now)
            self.sent[number] = Sent(permit, self.sent[number].after_an_answer, accepted)
            at(self.now + back, lambda: end(sender, permit, number, limits, accepted=accepted))

        def end(
            sender: int, permit: Permit, number: int, limits: RateLimitHeaders, *, accepted: bool
        ) -> None:
            nonlocal done
            mine = sender % self.limiters
            limiter = rate_limiters[mine]
            if number in self.lost:
                others_may_go = limiter.release(permit, answered=False)
            else:
                says = None if number in self.mute else limits
                pause = None if accepted else max(BACKOFF, limits.reset if says else 0.0)
                others_may_go = limiter.release(permit, says, pause=pause)
                answered[mine] = answered[mine] or says is not None
            if others_may_go:
                for other in sorted(waiting[mine]):
                    wake(other)
            if accepted and number not in self.lost:
                done += 1
                take(sender)
            else:
                ask(sender)

        for sender in range(senders):
            at(self.start, lambda sender=sender: take(sender))  # type: ignore[misc]
        while events and len(self.sent) < requests * 20 + 500:
            self.now, _, act = heapq.heappop(events)
            act()
            if done == requests:
                return
        raise AssertionError(f"{done} of {requests} done, and every sender waits")


trip = st.floats(0.001, 0.4)
trips = st.lists(st.tuples(trip, trip), min_size=1, max_size=40)
slow_trips = st.lists(st.tuples(st.floats(0.001, 20.0), trip), min_size=1, max_size=40)
lengths = st.sampled_from([2.0, 10.0, 60.0])
starts = st.floats(0.0, 60.0)
senders = st.integers(1, 16)
limits = st.integers(16, 120)
requests = st.integers(1, 300)


@given(trips, lengths, starts, senders, limits, requests)
@example([(0.3125, 0.25)], 2.0, 0.0, 6, 16, 40)
def test_nothing_is_refused_after_a_response_states_the_limit(  # noqa: PLR0917 - a world has many parts
    trips: list[tuple[float, float]],
    length: float,
    start: float,
    senders: int,
    limit: int,
    requests: int,
) -> None:
    world = World(FixedWindow(limit, length), trips, start=start)
    world.run(requests, senders)
    assert all(request.accepted for request in world.sent if request.after_an_answer)


@given(slow_trips, lengths, starts, senders, limits, requests)
@example(
    [(0.125, 0.1875), (0.1875, 0.14315636342471968), (0.3726558393505306, 0.3125), (0.0956, 0.001)],
    2.0, 28.65625, 12, 45, 187,
)  # fmt: skip
@example([(0.3125, 0.09375), (0.21875, 0.001), (0.1778, 0.02834)], 2.0, 21.78125, 16, 44, 300)
def test_after_an_early_reset_only_the_first_request_is_refused(  # noqa: PLR0917 - a world has many parts
    trips: list[tuple[float, float]],
    length: float,
    start: float,
    senders: int,
    limit: int,
    requests: int,
) -> None:
    world = World(FixedWindow(limit, length, math.floor), trips, start=start)
    world.run(requests, senders)
    refused = [
        request for request in world.sent if not request.accepted and request.after_an_answer
    ]
    assert all(request.permit.first for request in refused)


@given(trips, lengths, starts, senders, requests)
def test_no_request_waits_while_the_limit_allows_more(
    trips: list[tuple[float, float]], length: float, start: float, senders: int, requests: int
) -> None:
    world = World(FixedWindow(requests + 2 * senders, length), trips, start=start)
    world.run(requests, senders)
    assert world.delays == []


@given(trips, lengths, starts, senders, limits, requests)
@example(
    [(0.125, 0.0625), (0.0625, 0.3125), (0.125, 0.03125), (0.125, 0.125)], 2.0, 0.5, 13, 66, 81
)
def test_the_whole_limit_is_used(  # noqa: PLR0917 - a world has many parts
    trips: list[tuple[float, float]],
    length: float,
    start: float,
    senders: int,
    limit: int,
    requests: int,
) -> None:
    world = World(FixedWindow(limit, length), trips, start=start)
    world.run(requests, senders)
    for moment, delay in world.delays:
        if delay.used_up:
            # Used up, or reset so lately that the rounding of `Reset` and the way back hide it.
            number = world.server.number(moment)
            full = world.server.used[number] == limit
            assert full or world.server.used[number - 1] == limit
            assert full or moment - number * length <= 1 + 0.4


@given(
    slow_trips,
    lengths,
    starts,
    senders,
    st.integers(1, 60),
    st.integers(1, 60),
    st.integers(1, 3),
    st.frozensets(st.integers(0, 400), max_size=60),
    st.frozensets(st.integers(0, 400), max_size=60),
    st.sampled_from([FixedWindow, Sliding]),
    st.sampled_from([math.ceil, math.floor, round]),
)
@settings(max_examples=60)
def test_every_sender_finishes_whatever_happens(  # noqa: PLR0917 - a world has many parts
    trips: list[tuple[float, float]],
    length: float,
    start: float,
    senders: int,
    limit: int,
    requests: int,
    limiters: int,
    mute: frozenset[int],
    lost: frozenset[int],
    kind: type[FixedWindow],
    rounding: Rounding,
) -> None:
    world = World(
        kind(limit, length, rounding), trips, limiters=limiters, mute=mute, lost=lost, start=start
    )
    world.run(requests, senders)


@given(trips, starts, limits, st.integers(2, 4), requests)
def test_processes_that_share_an_account_have_few_refusals(
    trips: list[tuple[float, float]], start: float, limit: int, limiters: int, requests: int
) -> None:
    world = World(FixedWindow(limit, 60.0), trips, limiters=limiters, start=start)
    world.run(requests, 4 * limiters)
    # Requests in flight when others used up the limit, and the first request of each process.
    assert all(count <= 5 * limiters for count in world.server.refused.values())


@given(slow_trips, starts, senders, st.integers(1, 40), requests)
@settings(max_examples=30)
def test_refusals_without_a_stated_limit_delay_all_senders(
    trips: list[tuple[float, float]], start: float, senders: int, limit: int, requests: int
) -> None:
    world = World(FixedWindow(limit, 2.0), trips, start=start, mute=frozenset(range(10_000)))
    world.run(requests, senders)


# Each rule by itself.


class Bench:
    """A rate limiter and its clock."""

    def __init__(self) -> None:
        self.now = 100.0
        self.limiter = RateLimiter(lambda: self.now)

    def permitted(self, path: str = PATH) -> Permit:
        granted = self.limiter.acquire(path)
        assert isinstance(granted, Permit)
        return granted

    def delayed(self, path: str = PATH) -> Delay:
        granted = self.limiter.acquire(path)
        assert isinstance(granted, Delay)
        return granted

    def ask(self, remaining: int, reset: float, limit: int = 600, path: str = PATH) -> None:
        self.limiter.release(self.permitted(path), RateLimitHeaders(limit, remaining, reset))


def test_requests_in_flight_count_against_the_remainder() -> None:
    bench = Bench()
    bench.ask(2, 25)
    first, _ = bench.permitted(), bench.permitted()
    assert bench.delayed() == Delay(25 + ROUNDING, used_up=False)
    assert bench.limiter.release(first, RateLimitHeaders(600, 1, 25)) is False
    bench.delayed()


def test_a_response_that_arrives_late_does_not_raise_the_remainder() -> None:
    bench = Bench()
    slow, quick = bench.permitted(), bench.permitted()
    bench.now += 1
    bench.limiter.release(quick, RateLimitHeaders(600, 1, 24))
    bench.limiter.release(slow, RateLimitHeaders(600, 2, 24))
    bench.permitted()
    bench.delayed()


def test_a_window_that_resets_early_is_noticed() -> None:
    bench = Bench()
    bench.ask(1, 25)
    bench.now += 1
    bench.ask(599, 60)
    for _ in range(16):
        bench.permitted()


def test_a_window_used_up_by_other_processes_delays_requests() -> None:
    bench = Bench()
    bench.ask(400, 25)
    bench.ask(0, 25)
    assert bench.delayed() == Delay(25, used_up=True)


def test_one_request_goes_first_and_the_others_follow_its_response() -> None:
    bench = Bench()
    bench.ask(0, 25)
    bench.now += 25
    first = bench.permitted()
    assert first.first
    assert bench.delayed() == Delay(LEASE, used_up=False)
    assert bench.limiter.release(first, RateLimitHeaders(600, 599, 60))
    assert not bench.permitted().first


def test_a_first_request_that_hangs_is_followed_by_another() -> None:
    bench = Bench()
    bench.ask(0, 25)
    bench.now += 25
    hanging = bench.permitted()
    bench.now += LEASE
    assert bench.permitted().first
    assert bench.limiter.release(hanging, answered=False)


def test_a_late_response_of_the_previous_window_delays_nothing() -> None:
    bench = Bench()
    late = bench.permitted()
    bench.ask(3, 10)
    bench.now += 12
    bench.ask(599, 60)
    bench.limiter.release(late, RateLimitHeaders(600, 0, 1))
    bench.permitted()


def test_a_late_refusal_of_the_previous_window_delays_nothing() -> None:
    bench = Bench()
    late = bench.permitted()
    bench.now += 12
    bench.ask(599, 60)
    bench.limiter.release(late, RateLimitHeaders(600, 0, 1), pause=1.0)
    bench.permitted()


@pytest.mark.parametrize("retry_after", [None, 5.0])
def test_only_retry_after_prolongs_a_wait(retry_after: float | None) -> None:
    bench = Bench()
    first, second = bench.permitted(), bench.permitted()
    bench.limiter.release(first, pause=1.0)
    bench.limiter.release(second, pause=6.0, retry_after=retry_after)
    assert bench.delayed() == Delay(retry_after or 1.0, used_up=True)


def test_each_limit_has_its_own_window() -> None:
    bench = Bench()
    bench.ask(300, 25)
    bench.ask(0, 40, limit=200, path=SEARCH)
    assert bench.delayed(SEARCH) == Delay(40, used_up=True)
    bench.permitted()
    bench.ask(0, 25)
    assert bench.delayed() == Delay(25, used_up=True)
    assert bench.delayed(SEARCH).seconds == 40


def test_endpoints_with_the_same_limit_share_a_window() -> None:
    bench = Bench()
    bench.ask(0, 25, path=f"{PATH}/00000000-0000-4000-8000-000000000001")
    # A new endpoint: it most likely has the limit of the others.
    assert bench.delayed("/v3/marketing/lists") == Delay(25, used_up=True)


def test_without_a_limit_nothing_waits() -> None:
    bench = Bench()
    for _ in range(1000):
        bench.limiter.release(bench.permitted())


def test_responses_at_the_same_clock_time_are_in_order() -> None:
    bench = Bench()
    bench.ask(1, 0.5)
    bench.ask(599, 1.0)
    bench.permitted()
    assert not bench.permitted().first


def test_requests_wait_for_responses_in_flight_if_all_may_be_used_up() -> None:
    bench = Bench()
    bench.ask(1, 25)
    under_way = bench.permitted()
    bench.now += 25
    # The window may last for as long as `Reset` is rounded by, and one more would be refused.
    assert bench.delayed() == Delay(ROUNDING, used_up=False)
    assert bench.limiter.release(under_way, RateLimitHeaders(600, 599, 60))
    assert not bench.permitted().first


def test_a_response_without_a_limit_uses_one_up() -> None:
    bench = Bench()
    bench.ask(2, 25)
    bench.limiter.release(bench.permitted())
    bench.limiter.release(bench.permitted(), answered=False)
    # No response stated that nothing is left, so one request may find out.
    asking = bench.permitted()
    assert asking.first
    assert bench.delayed() == Delay(25 + ROUNDING, used_up=False)
    bench.limiter.release(asking, RateLimitHeaders(600, 0, 25))
    assert bench.delayed() == Delay(25, used_up=True)
    bench.now += 25
    # The first request passes and its response states no limit: the limit is gone.
    bench.limiter.release(bench.permitted())
    for _ in range(100):
        bench.permitted()
