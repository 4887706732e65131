"""The rate limiter: which request may go now, and how long the others wait.

Owns what is known of the account's rate limit, for all threads of a process. It learns from
answers alone, since other processes use the same account; it holds requests back before the limit
is hit, and all of them together after it was. Sleeps never and sends nothing: `patience.py` waits.

All that is known rests on one answer, the latest that the server gave as far as can be told:

1. *What is left is what that answer told, less what may have been counted after it*: the requests
   under way, and those that ended since it was sent unless their own answers say otherwise.
2. *Within a window less is later, and a later end is a later window.* `Reset` has whole seconds,
   and at what moment of its way a request was counted is not known: an answer gives its window's
   end with a margin. Two answers whose margins do not meet are of two windows; of all others the
   one that was told less is later. A request sent after that one was answered, and told more,
   proves a new window without any clock, so that one that rolls over early is seen.
3. *Where nothing is left, one goes first once the window is over*, and the answer to it says what
   is left for the rest: `Reset` may be early, and other processes wake as well. The same where
   nobody said that nothing is left, but all of it may be spent and no answer is under way.

What cannot be told: where windows are shorter than a second and two ways, an answer of the one may
pass for one of the other. What may go is then underrated until the next answer, and the one that
goes first may be refused; nothing waits for longer than a window that was used up lasts.

There is a window for each limit that answers tell (600 on `/v3/marketing/*`, 200 on the search of
contacts, sendgrid-api.md §2). Endpoints that tell the same limit share a window: the 600 are
attested for all of `/v3/marketing/*` together, and which limit a request counts against is known
from its answer, not from its path.
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
"""Seconds for which the others wait for the request that goes first; then another one may."""

ROUNDING = 1.0
"""Seconds between the earliest and the latest end that one `Reset` can mean: it has whole ones.
Whether it is rounded up or down shifts all ends alike, and those are only compared."""

_WORD = re.compile(r"[a-z_]+")


@dataclass(frozen=True, slots=True)
class Permit:
    """A request that may go: it counts as under way until `release`.

    `after` is how many requests had ended when it was sent: it orders what a clock may show as
    one moment.
    """

    place: str
    sent: float
    after: int
    first: bool = False


@dataclass(frozen=True, slots=True)
class Delay:
    """A request that may not go yet: ask again in `seconds`, or when `release` says so.

    `used_up` is true where the server's limit is reached until then, false where only an answer
    is missing that is under way.
    """

    seconds: float
    used_up: bool


@dataclass(frozen=True, slots=True)
class _End:
    """How a request ended: as which one, what it was told is left, when its window may end.

    `after` is its ticket's. `left` below 0 stands for an end without an answer that says it.
    """

    after: int
    number: int
    left: int = -1
    earliest: float = float("-inf")
    latest: float = float("inf")

    def may_follow(self, other: _End) -> bool:
        """Tell whether the server may have counted this one after the other, in its window."""
        return self.number > other.after and self.latest > other.earliest and self.left < other.left


@dataclass(slots=True)
class _Window:
    """What is known of one limit.

    `last` is the answer that all rests on, its margin narrowed by the others of its window; `None`
    where nothing is known and nothing held back. `left` is what it was told, less what `ended`
    since it was sent and may have been counted after it. `until` is when a refusal lets one go
    again, `first` since when a request is under way that goes first.
    """

    last: _End | None = None
    left: int = 0
    ended: list[_End] = field(default_factory=list)
    until: float | None = None
    first: float | None = None

    @property
    def used_up(self) -> bool:
        """Whether the server said so, be it long ago."""
        return self.until is not None or (self.last is not None and self.last.left == 0)

    @property
    def opens(self) -> float:
        """When one may go although nothing is left."""
        if self.until is not None:
            return self.until
        return float("-inf") if self.last is None else self.last.latest

    def on_limits(self, end: _End) -> None:
        """Take in an answer that says what is left."""
        self.ended.append(end)
        self._rest_on(end)

    def on_counted(self, end: _End) -> None:
        """Take in an end without such an answer: it may have been counted."""
        if self.last is not None:
            self.ended.append(end)
            self.left -= 1

    def on_rejected(self, end: _End, until: float, asked: float | None) -> None:
        """Take in a refusal, which was not counted. `asked` is until when the server said."""
        known = self.last is not None and self.last.left == 0 and end.after < self.last.number
        if known and asked is not None:
            self.until = max(self.opens, asked)
        elif not known and (self._rest_on(end) or asked is not None):
            self.until = until

    def forget(self) -> None:
        """Know of no limit."""
        self.last = self.until = None
        self.ended.clear()

    def _rest_on(self, end: _End) -> bool:
        """Let all that is known rest on this end if it is the latest; give whether it does."""
        last = self.last
        sent_after = last is None or end.after >= last.number
        if last is not None and not (
            end.earliest >= last.latest or (sent_after and end.left > last.left)
        ):
            # Not of a later window, as far as can be told.
            if end.left > last.left or end.latest <= last.earliest:
                return False
            earliest, latest = max(end.earliest, last.earliest), min(end.latest, last.latest)
            end = replace(end, earliest=earliest, latest=latest)
        if sent_after:
            self.until = None
        self.last = end
        self.ended = [one for one in self.ended if one.number > end.after]
        self.left = end.left - sum(one.may_follow(end) for one in self.ended)
        return True


class RateLimiter:
    """The limiter of one account. Safe to share among threads; `clock` is monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[int | None, _Window] = {}
        self._limits: dict[str, int | None] = {}
        self._latest: int | None = None
        self._under_way: Counter[str] = Counter()
        self._ends = 0

    def acquire(self, path: str) -> Permit | Delay:
        """Ask to send a request to this path now."""
        with self._lock:
            now = self._clock()
            place = _place(path)
            # An endpoint not asked before most likely shares the limit that the others have.
            window = self._window(self._limits.setdefault(place, self._latest))
            hold = self._hold(window, now)
            if hold is not None:
                return hold
            first = window.last is not None and window.left <= self._sent(window)
            if first:
                window.first = now
            self._under_way[place] += 1
            return Permit(place, now, self._ends, first)

    def release(
        self,
        permit: Permit,
        limits: RateLimitHeaders | None = None,
        *,
        answered: bool = True,
        pause: float | None = None,
        asked: float | None = None,
    ) -> bool:
        """Take in how a request ended; give whether those who wait should ask again.

        `told` is what its answer said of the limit; `answered` is false where none came. `pause` is
        given for a request that was refused for its rate: nobody sends anything for so many
        seconds, and for `asked` at least, which is what `Retry-After` said.
        """
        with self._lock:
            now = self._clock()
            self._ends += 1
            self._under_way[permit.place] -= 1
            if permit.first:
                self._window(self._limits[permit.place]).first = None
            if limits is not None:
                self._limits[permit.place] = self._latest = limits.limit
            window = self._window(self._limits[permit.place])
            before = window.opens
            end = _End(permit.after, self._ends)
            if limits is not None:
                earliest, latest = permit.sent + limits.reset - ROUNDING, now + limits.reset
                end = replace(end, left=limits.remaining, earliest=earliest, latest=latest)
            if pause is not None:
                end = replace(end, left=0)
                window.on_rejected(end, now + pause, None if asked is None else now + asked)
            elif limits is not None:
                window.on_limits(end)
            elif permit.first and answered and permit.sent >= window.opens:
                # The server let it pass and says nothing more of a limit: there is none to keep.
                window.forget()
            else:
                window.on_counted(end)
            return permit.first or window.opens < before or self._hold(window, now) is None

    def _window(self, limit: int | None) -> _Window:
        return self._windows.setdefault(limit, _Window())

    def _sent(self, window: _Window) -> int:
        """Count the requests under way that count in this window as far as is known."""
        shared = (one for one, limit in self._limits.items() if self._windows[limit] is window)
        return sum(self._under_way[place] for place in shared)

    def _hold(self, window: _Window, now: float) -> Delay | None:
        """Give why a request may not go now; `None` where it may, be it as the first."""
        under_way = self._sent(window)
        if window.last is None or window.left > under_way:
            return None
        # What is under way will tell: going first before the window is over would take its place.
        until = window.opens + (0.0 if window.used_up else ROUNDING)
        if now < until and (window.used_up or under_way):
            return Delay(until - now, window.used_up)
        if window.first is not None and now < window.first + LEASE:
            return Delay(window.first + LEASE - now, used_up=False)
        return None


def _place(path: str) -> str:
    """Give the words of a path, without versions and ids: one endpoint, whatever it is asked."""
    return "/".join(part for part in path.split("/") if _WORD.fullmatch(part))
