"""The waits before a request is sent: for the rate limit, and between two attempts.

Decides how long to wait, announces it, and ends the wait on a request to stop. `rate_limiter.py`
decides for all threads whether a request has to wait. Sends nothing.
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
"""Seconds. A server that asks for a longer wait is not waited for; the error says how long."""

MIN_WAIT = 0.001
"""The shortest wait in seconds: a clock may not show less."""

QUIET_PERIOD = 1.0
"""Seconds for which a wait for requests in flight, or the extension of an announced wait, is not
announced."""


class Backoff:
    """The waits of one transport. Safe to share among threads.

    `notify` receives a sentence before each wait; threads that wait for the same thing are
    announced once. No wait is longer than `LONGEST_WAIT`, and `stop` ends each.
    """

    def __init__(self, clock: Clock, notify: Callable[[str], None], stop: Stop) -> None:
        self._clock = clock
        self._stop = stop
        self._notify = notify
        self._limiter = RateLimiter(clock.monotonic)
        self._jitter = random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._lock = threading.Lock()
        self._announced_until = float("-inf")
        self._waiting: set[WakeEvent] = set()

    def acquire(self, path: str, operation: str, before: RemoteError | None) -> Permit:
        """Wait until a request to this path may be sent; its permit must be passed to `release`.

        `before` is the error of the previous attempt. Raises `RateLimited` where the limit lasts
        longer than `LONGEST_WAIT`, and `Interrupted` where it would have to wait once a stop is
        requested, or in any case once a stop is forced.
        """
        self._check_stop(operation, before, waits=False)
        granted = self._limiter.acquire(path)
        if not isinstance(granted, Delay):
            return granted
        wake_event = WakeEvent()
        # Registered before the limiter is asked again, so that no release is missed.
        self._waiting.add(wake_event)
        try:
            announced = None
            with self._stop.watched_by(wake_event):
                while isinstance(granted := self._limiter.acquire(path), Delay):
                    announced = self._wait_once(granted, wake_event, announced, operation, before)
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
        retry_after: float | None,
    ) -> None:
        """Record how a permitted request ended; see `RateLimiter.release`."""
        if self._limiter.release(
            permit, limits, answered=answered, pause=pause, retry_after=retry_after
        ):
            # Copying the set is atomic and needs no lock.
            for wake_event in tuple(self._waiting):
                wake_event.set()

    def pause(self, attempt: int, requested: float | None) -> float:
        """Return how many seconds to wait after a failed attempt.

        The pause grows with each attempt, is never shorter than `requested`, and is randomized so
        that processes do not retry all at once.
        """
        grown: float = 0.5 * 2 ** (attempt - 1) * self._jitter.uniform(0.5, 1.5)
        return (
            grown if requested is None else max(grown, requested + self._jitter.uniform(0.0, 0.5))
        )

    def sleep(self, pause: float, error: RemoteError, attempt: int, attempts: int) -> None:
        """Wait between a failed attempt and the next one. Raises `Interrupted`."""
        again = f"attempt {attempt + 1} of {attempts} in {error_mapping.format_duration(pause)}"
        wake_event = WakeEvent()
        with self._stop.watched_by(wake_event):
            self._check_stop(error.operation, error)
            self._announce(f"{error.message}; {again}", pause)
            self._clock.wait(wake_event, pause)
            self._check_stop(error.operation, error)

    def _check_stop(
        self, operation: str, before: RemoteError | None, *, waits: bool = True
    ) -> None:
        """Raise `Interrupted` if the stop forbids to wait, or without `waits` to send."""
        if self._stop.forced or (waits and self._stop.requested):
            raise _interrupted(operation, before)

    def _wait_once(
        self,
        delay: Delay,
        wake_event: WakeEvent,
        announced: float | None,
        operation: str,
        before: RemoteError | None,
    ) -> float:
        """Wait once, announced if necessary; `announced` and the result are until when."""
        self._check_stop(operation, before)
        if delay.seconds > LONGEST_WAIT:
            raise _too_long(delay, operation)
        now = self._clock.monotonic()
        seconds = delay.seconds
        until = now + seconds
        wait = error_mapping.format_duration(seconds)
        if not delay.used_up and (announced is None or now < announced + QUIET_PERIOD):
            # Usually over in a moment, and then not worth announcing.
            announced = now if announced is None else announced
            seconds, until = min(seconds, announced + QUIET_PERIOD - now), announced
        elif not delay.used_up:
            self._announce(
                f"requests in flight use up the rate limit: waiting {wait} at most", seconds
            )
        elif announced is None or until > announced + QUIET_PERIOD:
            self._announce(f"the rate limit is reached: waiting {wait}", seconds)
        else:
            until = announced
        self._clock.wait(wake_event, max(seconds, MIN_WAIT))
        self._check_stop(operation, before)
        return until

    def _announce(self, sentence: str, pause: float) -> None:
        """Announce a wait, unless another thread has announced one that lasts as long."""
        now = self._clock.monotonic()
        until = now + pause
        with self._lock:
            is_announced = now < self._announced_until - 0.01 and until <= self._announced_until + 1
            if not is_announced:
                self._announced_until = until
        if not is_announced:
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


def _too_long(delay: Delay, operation: str) -> RateLimited:
    wait = error_mapping.format_duration(delay.seconds)
    error = RateLimited(
        f"could not {operation}: the rate limit is reached, and SendGrid asks to wait {wait}",
        hint=f"run the command again in {wait}",
        operation=operation,
    )
    error.retry_after = delay.seconds
    error.exhausted = True
    return error
