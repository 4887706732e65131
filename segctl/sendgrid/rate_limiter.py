"""The rate limiter: which request may be sent now, and how long the others wait.

Tracks what is known of the account's rate limit, for all threads of a process. It learns from
responses only, since other processes use the same account. It delays requests before the limit is
reached, and all of them afterwards. Never sleeps and sends nothing: `backoff.py` waits.

Everything is based on one response, the server's latest as far as can be determined:

1. *What is left is what that response states, less what may have been counted after it*: the
   requests in flight, and those that ended since it was sent unless their own responses say
   otherwise.
2. *Within a window less is later, and a later end is a later window.* `Reset` has whole seconds,
   and it is unknown when a request was counted on its way: a response gives its window's end with
   a margin. Two responses whose margins do not overlap belong to two windows; of all others the one
   that states less is later. If a request sent after that response states more, a new window has
   begun, whatever the clock says; so a window that resets early is noticed.
3. *Where nothing is left, one request goes first once the window is over*, and its response says
   what is left for the others: `Reset` may be early, and other processes wake up too. The same
   applies where no response states that nothing is left, but all of it may be used up and nothing
   is in flight.

What cannot be determined: where windows are shorter than a second and two round trips, a response
of one can look like one of the next. The limiter then allows too little until the next response,
and the request that goes first may be refused; nothing waits longer than a used-up window lasts.

There is a window for each limit that responses state (600 on `/v3/marketing/*`, 200 on the search
of contacts, sendgrid-api.md §2). Endpoints that state the same limit share a window: the 600 are
documented for all of `/v3/marketing/*` together, and which limit a request counts against is known
from its response, not from its path.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from segctl.sendgrid.rate_limit_headers import RateLimitHeaders

LEASE = 2.0
"""Seconds for which the others wait for the request that goes first; then another one may go."""

ROUNDING = 1.0
"""Seconds between the earliest and the latest end that one `Reset` can mean, in whole seconds.
Whether it is rounded up or down shifts all ends alike, and they are only compared."""

_WORD = re.compile(r"[a-z_]+")


@dataclass(frozen=True, slots=True)
class Permit:
    """A request that may be sent: it counts as in flight until `release`.

    `after` is the number of requests that had ended when it was sent: it orders what a clock may
    show as the same moment.
    """

    endpoint: str
    sent: float
    after: int
    first: bool = False


@dataclass(frozen=True, slots=True)
class Delay:
    """A request that may not be sent yet: ask again in `seconds`, or once `release` returns true.

    `used_up`: the server's limit is reached until then; else only a response in flight is missing.
    """

    seconds: float
    used_up: bool


@dataclass(frozen=True, slots=True)
class _End:
    """How a request ended: its number, what its response states is left, when its window may end.

    `after` is that of its permit. `left` is below 0 where no response states it.
    """

    after: int
    number: int
    left: int = -1
    earliest: float = float("-inf")
    latest: float = float("inf")

    def may_follow(self, other: _End) -> bool:
        """Return whether the server may have counted this one after the other, in its window."""
        return self.number > other.after and self.latest > other.earliest and self.left < other.left


@dataclass(slots=True)
class _Window:
    """What is known of one limit.

    `last` is the response everything is based on, its margin narrowed by the others of its window;
    `None` where nothing is known and nothing is delayed. `left` is what it stated, less what
    `ended` since it was sent and may have been counted after it. `until` is when a request may go
    again after a refusal, `first` since when a request that goes first is in flight.
    """

    last: _End | None = None
    left: int = 0
    ended: list[_End] = field(default_factory=list)
    until: float | None = None
    first: float | None = None

    @property
    def used_up(self) -> bool:
        """Whether the latest response states that nothing is left, however old it is."""
        return self.until is not None or (self.last is not None and self.last.left == 0)

    @property
    def opens(self) -> float:
        """When a request may go although nothing is left."""
        if self.until is not None:
            return self.until
        return float("-inf") if self.last is None else self.last.latest

    def on_limits(self, end: _End) -> None:
        """Learn from a response that states what is left."""
        self.ended.append(end)
        self._rebase(end)

    def on_counted(self, end: _End) -> None:
        """Count an end without such a response: the server may have counted it."""
        if self.last is not None:
            self.ended.append(end)
            self.left -= 1

    def on_rejected(self, end: _End, until: float, retry_at: float | None) -> None:
        """Learn from a refusal, which the server does not count.

        `until` is when the pause ends, `retry_at` when `Retry-After` allows the next request.
        """
        known = self.last is not None and self.last.left == 0 and end.after < self.last.number
        if known and retry_at is not None:
            self.until = max(self.opens, retry_at)
        elif not known and (self._rebase(end) or retry_at is not None):
            self.until = until

    def forget(self) -> None:
        """Forget the limit."""
        self.last = self.until = None
        self.ended.clear()

    def _rebase(self, end: _End) -> bool:
        """Use this end as the basis if it is the latest; return whether it is."""
        last = self.last
        sent_after = last is None or end.after >= last.number
        if last is not None and not (
            end.earliest >= last.latest or (sent_after and end.left > last.left)
        ):
            # Not of a later window, as far as can be determined.
            if end.left > last.left or end.latest <= last.earliest:
                return False
            earliest, latest = max(end.earliest, last.earliest), min(end.latest, last.latest)
            end = replace(end, earliest=earliest, latest=latest)
        if sent_after:
            self.until = None
        self.last = end
        self.ended = [other for other in self.ended if other.number > end.after]
        self.left = end.left - sum(other.may_follow(end) for other in self.ended)
        return True


class RateLimiter:
    """The limiter of one account. Safe to share among threads; `clock` is monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[int | None, _Window] = {}
        self._limits: dict[str, int | None] = {}
        self._latest: int | None = None
        self._in_flight: Counter[str] = Counter()
        self._ends = 0

    def acquire(self, path: str) -> Permit | Delay:
        """Return a permit to send a request to this path now, or the delay."""
        with self._lock:
            now = self._clock()
            endpoint = _endpoint(path)
            # A new endpoint most likely shares the limit of the others.
            window = self._window(self._limits.setdefault(endpoint, self._latest))
            delay = self._delay(window, now)
            if delay is not None:
                return delay
            first = window.last is not None and window.left <= self._sent(window)
            if first:
                window.first = now
            self._in_flight[endpoint] += 1
            return Permit(endpoint, now, self._ends, first)

    def release(
        self,
        permit: Permit,
        limits: RateLimitHeaders | None = None,
        *,
        answered: bool = True,
        pause: float | None = None,
        retry_after: float | None = None,
    ) -> bool:
        """Record how a request ended; return whether the waiting requests should ask again.

        `limits` is what its response states; `answered` is false where none came. `pause` is given
        for a request that was refused by the rate limit: nothing is sent for so many seconds, and
        for at least `retry_after`, the value of `Retry-After`.
        """
        with self._lock:
            now = self._clock()
            self._ends += 1
            self._in_flight[permit.endpoint] -= 1
            if permit.first:
                self._window(self._limits[permit.endpoint]).first = None
            if limits is not None:
                self._limits[permit.endpoint] = self._latest = limits.limit
            window = self._window(self._limits[permit.endpoint])
            before = window.opens
            end = _End(permit.after, self._ends)
            if limits is not None:
                earliest, latest = permit.sent + limits.reset - ROUNDING, now + limits.reset
                end = replace(end, left=limits.remaining, earliest=earliest, latest=latest)
            if pause is not None:
                end = replace(end, left=0)
                retry_at = None if retry_after is None else now + retry_after
                window.on_rejected(end, now + pause, retry_at)
            elif limits is not None:
                window.on_limits(end)
            elif permit.first and answered and permit.sent >= window.opens:
                # The server accepted it and no longer states a limit, so none applies.
                window.forget()
            else:
                window.on_counted(end)
            return permit.first or window.opens < before or self._delay(window, now) is None

    def _window(self, limit: int | None) -> _Window:
        return self._windows.setdefault(limit, _Window())

    def _sent(self, window: _Window) -> int:
        """Return the number of requests in flight that count in this window as far as is known."""
        shared = (
            endpoint for endpoint, limit in self._limits.items() if self._windows[limit] is window
        )
        return sum(self._in_flight[endpoint] for endpoint in shared)

    def _delay(self, window: _Window, now: float) -> Delay | None:
        """Return the delay of a request; `None` where it may be sent now, even as the first one."""
        in_flight = self._sent(window)
        if window.last is None or window.left > in_flight:
            return None
        # The response in flight will show it: another request now would use up one more.
        until = window.opens + (0.0 if window.used_up else ROUNDING)
        if now < until and (window.used_up or in_flight):
            return Delay(until - now, window.used_up)
        if window.first is not None and now < window.first + LEASE:
            return Delay(window.first + LEASE - now, used_up=False)
        return None


def _endpoint(path: str) -> str:
    """Return the words of a path, without versions and ids: they identify the endpoint."""
    return "/".join(part for part in path.split("/") if _WORD.fullmatch(part))
