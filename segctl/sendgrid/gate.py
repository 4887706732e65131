"""The rate gate: which request may go now, and how long the others wait.

Owns what is known of the account's rate limit, for all threads of a process. It learns from
answers alone, since other processes use the same account; it holds requests back before the limit
is hit, and all of them together after it was. Sleeps never and sends nothing: `patience.py` waits.

Three rules make it:

1. *What is left is the least that was told, less what is under way.* Answers overtake each other,
   and within a window the remainder only falls: the smallest is the latest. A request under way
   may or may not be counted in it, and is therefore taken as not yet counted.
2. *A later request that is told more proves a new window.* It was sent after the smaller remainder
   had arrived. This needs no clock, so it holds where a window rolls over early.
3. *Once a window that was used up is over, one request goes first.* `Reset` has whole seconds and
   other processes wake as well; the answer to that one says what is left for the rest.

There is a window for each limit that answers tell (600 on `/v3/marketing/*`, 200 on the search of
contacts, sendgrid-api.md §2). Endpoints that tell the same limit share a window: the 600 are
attested for all of `/v3/marketing/*` together, and which limit a request counts against is known
from its answer, not from its path.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from segctl.sendgrid.limits import Told

LEASE = 2.0
"""Seconds for which the others wait for the request that goes first; then another one may."""

ROUNDING = 1.0
"""Seconds by which the end of a window is told too early or too late: `Reset` has whole ones."""

_WORD = re.compile(r"[a-z_]+")


@dataclass(frozen=True, slots=True)
class Ticket:
    """A request that may go: it counts as under way until `leave` is told of its end."""

    place: str
    sent: float
    first: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """A request that may not go yet: ask again in `seconds`, or when `leave` says so.

    `used_up` is true where the server's limit is reached until then, false where only an answer
    is missing that is under way.
    """

    seconds: float
    used_up: bool


@dataclass(slots=True)
class _Window:
    """What is known of one limit. `left` `None`: nothing, so nothing is held back.

    `told` is when `left` was told, `began` when an answer proved that the window had begun,
    `ends` when it is over as far as was told, `first` since when a request is under way that goes
    first. `ended` is when the requests ended that were not the last to set `left` anew.
    """

    left: int | None = None
    told: float = float("-inf")
    began: float = float("-inf")
    ends: float = float("-inf")
    first: float | None = None
    ended: list[float] = field(default_factory=list)

    def spend(self, now: float) -> None:
        """Take one off for a request that may have been counted, though nobody said so."""
        self.left = max((self.left or 0) - 1, 0)
        self.ended.append(now)


class Gate:
    """The gate of one account. Safe to share among threads; `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[int | None, _Window] = {}
        self._limits: dict[str, int | None] = {}
        self._latest: int | None = None
        self._under_way: Counter[str] = Counter()

    def enter(self, path: str) -> Ticket | Hold:
        """Ask to send a request to this path now."""
        with self._lock:
            now = self._clock()
            place = _place(path)
            # An endpoint not asked before most likely shares the limit that the others have.
            window = self._window(self._limits.setdefault(place, self._latest))
            free = self._free(window)
            if free is None or free > 0:
                first = False
            elif now < window.ends:
                return Hold(window.ends - now, used_up=window.left == 0)
            elif window.first is not None and now < window.first + LEASE:
                return Hold(window.first + LEASE - now, used_up=False)
            else:
                window.first = now
                first = True
            self._under_way[place] += 1
            return Ticket(place, now, first)

    def leave(
        self,
        ticket: Ticket,
        told: Told | None = None,
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
            self._under_way[ticket.place] -= 1
            if ticket.first:
                self._window(self._limits[ticket.place]).first = None
            if told is not None:
                self._limits[ticket.place] = self._latest = told.limit
            window = self._window(self._limits[ticket.place])
            before = window.ends
            if pause is not None:
                _shut(window, ticket, now + pause, None if asked is None else now + asked)
            elif told is not None:
                _learn(window, ticket, now, told)
            elif ticket.first and answered:
                # The server let it pass and says nothing more of a limit: there is none to keep.
                window.left = None
                window.ended.clear()
            elif window.left is not None:
                window.spend(now)
            free = self._free(window)
            return free is None or free > 0 or ticket.first or window.ends < before

    def _window(self, limit: int | None) -> _Window:
        return self._windows.setdefault(limit, _Window())

    def _free(self, window: _Window) -> int | None:
        """Count the requests that may go without being refused as far as is known."""
        if window.left is None:
            return None
        shared = (one for one, limit in self._limits.items() if self._windows[limit] is window)
        return window.left - sum(self._under_way[place] for place in shared)


def _learn(window: _Window, ticket: Ticket, now: float, told: Told) -> None:
    ends = now + told.reset
    over = window.left is None or ticket.sent >= window.ends
    if over or (told.remaining > (window.left or 0) and ticket.sent > window.told):
        # What ended while this one was under way may have been counted after it.
        missed = sum(end >= ticket.sent for end in window.ended)
        window.left = max(told.remaining - missed, 0)
        window.ended.clear()
        window.told = now
        if over or ends > window.ends + ROUNDING:
            window.began = now
            window.ends = ends
    elif ticket.sent < window.began and ends < window.ends - ROUNDING:
        # A late answer about the window before this one. The request may count in this one.
        window.spend(now)
        return
    else:
        window.ended.append(now)
        if told.remaining < (window.left or 0):
            window.left = told.remaining
            window.told = now
    if ticket.sent >= window.began:
        # Each answer rounds anew: the earliest end that any of them gives is nearest to the truth.
        window.ends = min(window.ends, ends)


def _shut(window: _Window, ticket: Ticket, until: float, at_least: float | None) -> None:
    if window.left == 0 and ticket.sent < window.ends:
        # Sent before it was known that nothing is left: all that can be new is `Retry-After`.
        window.ends = max(window.ends, at_least or window.ends)
    elif ticket.sent >= window.began or at_least is not None:
        window.left = 0
        window.ends = until


def _place(path: str) -> str:
    """Give the words of a path, without versions and ids: one endpoint, whatever it is asked."""
    return "/".join(part for part in path.split("/") if _WORD.fullmatch(part))
