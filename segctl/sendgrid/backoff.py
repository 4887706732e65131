"""Waits before a request goes out: for the rate limit, and between two attempts.

Owns how long one waits, what is said about it and what ends it early. The rate limit is kept by
`rate_limiter.py`, for all threads; this waits where that one delays. Sends nothing.
"""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

from segctl.common.clock import WakeEvent
from segctl.errors import Interrupted, RateLimited
from segctl.sendgrid import error_mapping
from segctl.sendgrid.rate_limiter import Delay, RateLimiter

if TYPE_CHECKING:
    from collections.abc import Callable

    from segctl.common.clock import Clock
    from segctl.common.stopping import Stop
    from segctl.errors import RemoteError
    from segctl.sendgrid.rate_limit_headers import RateLimitHeaders
    from segctl.sendgrid.rate_limiter import Permit

LONGEST_WAIT = 90.0
"""Seconds; a server that asks for more is not waited for, and the error says what it asked."""

TICK = 0.001
"""Seconds that any wait lasts: what is less, a clock may not even show."""

SILENCE = 1.0
"""Seconds that a wait for answers under way, or a little more of one announced, goes unsaid."""


class Backoff:
    """The waits of one transport. Safe to share among threads.

    `notify` is told, in a sentence, of each wait before it begins; threads that wait for the same
    are one wait. No wait is longer than `LONGEST_WAIT`, and `stop` ends each.
    """

    def __init__(self, clock: Clock, notify: Callable[[str], None], stop: Stop) -> None:
        self._clock = clock
        self._stop = stop
        self._notify = notify
        self._limiter = RateLimiter(clock.monotonic)
        self._jitter = random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._lock = threading.Lock()
        self._told_until = float("-inf")
        self._waiting: set[WakeEvent] = set()

    def acquire(self, path: str, operation: str, before: RemoteError | None) -> Permit:
        """Wait until a request to this path may go; hand its ticket to `release` at its end.

        `before` is the error of the attempt before this one. Raises `RateLimited` where the limit
        lasts longer than `LONGEST_WAIT`, and `Interrupted` if a stop was requested and the request
        would have to wait, or if the stop was forced.
        """
        self._check_stop(operation, before, waits=False)
        granted = self._limiter.acquire(path)
        if not isinstance(granted, Delay):
            return granted
        wake_event = WakeEvent()
        # Known before the limiter is asked again, so that nothing that happens meanwhile is missed.
        self._waiting.add(wake_event)
        try:
            said = None
            with self._stop.watched_by(wake_event):
                while isinstance(granted := self._limiter.acquire(path), Delay):
                    said = self._await_turn(granted, wake_event, said, operation, before)
        finally:
            self._waiting.discard(wake_event)
        return granted

    def release(
        self,
        permit: Permit,
        limits: RateLimitHeaders | None,
        *,
        answered: bool,
        pause: float | None,
        asked: float | None,
    ) -> None:
        """Take in how an admitted request ended; see `RateLimiter.release`."""
        if self._limiter.release(permit, limits, answered=answered, pause=pause, asked=asked):
            # The copy is one step, which needs no lock.
            for wake_event in tuple(self._waiting):
                wake_event.set()

    def pause(self, attempt: int, asked: float | None) -> float:
        """Choose how many seconds to wait after a failed attempt.

        It is longer each time, never shorter than asked, and never quite the same, so that
        processes do not come back all at once.
        """
        grown: float = 0.5 * 2 ** (attempt - 1) * self._jitter.uniform(0.5, 1.5)
        return grown if asked is None else max(grown, asked + self._jitter.uniform(0.0, 0.5))

    def sleep(self, pause: float, error: RemoteError, attempt: int, attempts: int) -> None:
        """Wait between an attempt that failed and the next. Raises `Interrupted`."""
        again = f"attempt {attempt + 1} of {attempts} in {error_mapping.duration(pause)}"
        wake_event = WakeEvent()
        with self._stop.watched_by(wake_event):
            self._check_stop(error.operation, error)
            self._tell(f"{error.message}; {again}", pause)
            self._clock.wait(wake_event, pause)
            self._check_stop(error.operation, error)

    def _check_stop(
        self, operation: str, before: RemoteError | None, *, waits: bool = True
    ) -> None:
        """Raise `Interrupted` if the stop forbids to wait, or without `waits` to send."""
        if self._stop.forced or (waits and self._stop.requested):
            raise _interrupted(operation, before)

    def _await_turn(
        self,
        hold: Delay,
        wake_event: WakeEvent,
        said: float | None,
        operation: str,
        before: RemoteError | None,
    ) -> float:
        """Wait once, having said so; `said` and the result are until when it was said."""
        self._check_stop(operation, before)
        if hold.seconds > LONGEST_WAIT:
            raise _too_long(hold, operation)
        now = self._clock.monotonic()
        seconds = hold.seconds
        until = now + seconds
        wait = error_mapping.duration(seconds)
        if not hold.used_up and (said is None or now < said + SILENCE):
            # Mostly over in a moment, and then not worth a word.
            said = now if said is None else said
            seconds, until = min(seconds, said + SILENCE - now), said
        elif not hold.used_up:
            self._tell(f"requests in flight use up the rate limit: waiting {wait} at most", seconds)
        elif said is None or until > said + SILENCE:
            self._tell(f"the rate limit is reached: waiting {wait}", seconds)
        else:
            until = said
        self._clock.wait(wake_event, max(seconds, TICK))
        self._check_stop(operation, before)
        return until

    def _tell(self, sentence: str, pause: float) -> None:
        """Announce a wait, unless another thread is in an announced one that lasts as long."""
        now = self._clock.monotonic()
        until = now + pause
        with self._lock:
            known = now < self._told_until - 0.01 and until <= self._told_until + 1
            if not known:
                self._told_until = until
        if not known:
            self._notify(sentence)


def _interrupted(operation: str, before: RemoteError | None) -> Interrupted:
    when = "it was sent" if before is None else f"the next attempt ({before.message})"
    return Interrupted(
        f"could not {operation}: interrupted before {when}",
        hint="run the command again",
        operation=operation,
        status=None if before is None else before.status,
        ambiguous=before is not None and before.ambiguous,
    )


def _too_long(hold: Delay, operation: str) -> RateLimited:
    wait = error_mapping.duration(hold.seconds)
    error = RateLimited(
        f"could not {operation}: the rate limit is reached, and SendGrid asks to wait {wait}",
        hint=f"run the command again in {wait}",
        operation=operation,
    )
    error.retry_after = hold.seconds
    error.exhausted = True
    return error
