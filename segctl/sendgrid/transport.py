"""The HTTP transport: a request goes out, an answer or a typed error comes back.

Handles time-outs, retries of requests that may be repeated, and the key in the headers. Meaning of
failures: `error_mapping.py`; waits: `backoff.py`; setup of httpx: `connection.py`. Refuses to
follow redirects (the key would travel), to send anything but GET where it is read-only, to send
anything to another server, and to read bodies without end.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import httpx

from segctl import __version__
from segctl.common.stopping import Stop
from segctl.errors import (
    Interrupted,
    RateLimited,
    RemoteError,
    ServerFault,
    UnexpectedResponse,
    Unreachable,
    UsageError,
)
from segctl.sendgrid import CONCURRENCY, error_mapping, exchange, rate_limit_headers
from segctl.sendgrid.backoff import LONGEST_WAIT, Backoff
from segctl.sendgrid.connection import describe_failure, open_client
from segctl.sendgrid.exchange import TimeBudget, TooSlow, Unusable, read_body
from segctl.sendgrid.io_threads import Abandoned, IoThreads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from typing import Self

    from segctl.common.clock import Clock
    from segctl.common.secrets import Secret
    from segctl.sendgrid.connection import Mount
    from segctl.sendgrid.rate_limit_headers import RateLimitHeaders

READ_TIMEOUT = 60.0
"""Seconds; answers of over 15 s have been seen (sendgrid-api.md §2)."""

EXCHANGE_TIMEOUT = 120.0
"""Seconds for one attempt, headers and body: a byte now and then never reaches READ_TIMEOUT."""

REQUEST_TIMEOUT = 300.0
"""Seconds for all attempts of a request together, without the waits between them."""

MAX_BODY = 8 << 20
"""Bytes of a decoded body. The largest known, a page of a thousand lists, has about 100 KB."""

MAX_HEADERS = 1 << 20
"""Bytes of everything that is not body: headers, interim responses, chunk sizes, trailers."""

ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """A success: its status, its body as JSON data (`None` where it is empty), the rate limit."""

    status: int
    data: Any
    limits: RateLimitHeaders | None = None


@dataclass(frozen=True, slots=True)
class _AttemptFailed:
    """A failed attempt: the error, whether to repeat it, how long the server asks to wait.

    `pause` is how long the rate limiter lets no request pass.
    """

    error: RemoteError
    repeatable: bool
    requested_pause: float | None = None
    pause: float | None = None


class Transport:
    """A connection to one account. Safe to share among threads; close it when done.

    `read_only` makes every method but GET a `RuntimeError`, which guarantees that a plan does not
    write. `direct` bypasses the environment's proxies. `notify` receives a sentence before every
    wait for the rate limit and before every retry. `monotonic` measures how long the server takes.
    Raises `UsageError` where the environment's proxy or certificates cannot be used.

    Once `stop` is requested, a request that has to wait raises `Interrupted` instead. A request in
    flight is finished, and one that need not wait is still sent, so that the result of a write can
    be verified. Once a stop is forced, nothing is sent, and nothing in flight is waited for.
    """

    def __init__(
        self,
        base_url: str,
        key: Secret,
        clock: Clock,
        *,
        subuser: str | None = None,
        read_only: bool = False,
        mount: Mount | None = None,
        direct: bool = False,
        notify: Callable[[str], None] = lambda _: None,
        stop: Stop | None = None,
        monotonic: Callable[[], float] = exchange.MONOTONIC,
    ) -> None:
        self._key = key
        self._clock = clock
        self._monotonic = monotonic
        self._subuser = subuser
        self._read_only = read_only
        stop = stop or Stop()
        self._backoff = Backoff(clock, notify, stop)
        self._threads = IoThreads(stop)
        self._lock = threading.Lock()
        self._requests = 0
        self._server_time: datetime | None = None
        self._notify = notify
        self._notified: set[str] = set()
        headers = {
            "Authorization": f"Bearer {_header_value(key.reveal(), 'the API key')}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": f"segctl/{__version__}",
        }
        if subuser is not None:
            headers["on-behalf-of"] = _header_value(subuser, "the subuser's name")
        self._client = open_client(
            base_url,
            headers,
            connections=CONCURRENCY,
            read_timeout=READ_TIMEOUT,
            mount=mount,
            direct=direct,
        )

    @property
    def requests(self) -> int:
        """The number of requests sent so far, retries included."""
        return self._requests

    @property
    def server_time(self) -> datetime | None:
        """The earliest `Date` of a response, by the server's clock; `None` where none had one."""
        return self._server_time

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, those of abandoned requests once these have ended."""
        self._threads.close(self._client.close)

    def sanitize(self, text: str) -> str:
        """Return a foreign text fit for display; see `error_mapping.sanitize`."""
        return error_mapping.sanitize(text, self._key)

    def notify_once(self, sentence: str) -> None:
        """Pass a sentence on to `notify`, the first time only."""
        with self._lock:
            is_new = sentence not in self._notified
            self._notified.add(sentence)
        if is_new:
            self._notify(sentence)

    def follow(self, url: str, link: str) -> str | None:
        """Return the address of a link in the response to `url`; `None` for a foreign address.

        Foreign is any other scheme, host or port, and any address with a user in it: the key is
        only sent to its own server (sendgrid-api.md §1).
        """
        try:
            target = self._client.build_request("GET", url).url.join(link)
        except (httpx.InvalidURL, ValueError):
            return None
        return str(target) if self._is_own(target) else None

    def _is_own(self, url: httpx.URL) -> bool:
        mine = self._client.base_url
        return not url.userinfo and (
            (url.scheme, url.host, url.port) == (mine.scheme, mine.host, mine.port)
        )

    def send(
        self,
        method: str,
        url: str,
        *,
        operation: str,
        params: Mapping[str, str | list[str]] | None = None,
        body: Any = None,
        patient: bool = True,
    ) -> Answer:
        """Send one request and return its response.

        `operation` names it in messages ("list the segments"). It waits for the account's rate
        limit, which all threads share. A GET is repeated on 429, 5xx, time-outs, connection errors
        and a success whose body is not JSON. Any other method is repeated only where it is certain
        that the server did nothing: on 429, and where no connection was established. Whether to
        repeat a PATCH or DELETE after other failures is left to the caller, who can read what the
        first one did. A kept connection that turns out to be dead counts as broken: the server may
        have read the request.

        `patient=False` repeats only what the rate limit refused explicitly
        (`X-RateLimit-Remaining: 0`): another 429 can be that of a quota, which lasts for more than
        a minute. Raises the `RemoteError` that fits, `ambiguous` where a write may have been
        carried out; `Interrupted` once a stop was requested.
        """
        if self._read_only and method != "GET":
            raise RuntimeError(f"a read-only transport was asked to {method}")
        # `params or None`: httpx takes an empty mapping for "drop the query of the address".
        request = self._client.build_request(method, url, params=params or None, json=body)
        if not self._is_own(request.url):
            raise RuntimeError("a request was about to leave for another server")
        attempt, refused = 1, False
        budget = TimeBudget(REQUEST_TIMEOUT, self._monotonic)
        before = None
        while True:
            result = self._once(request, operation, attempt, before, budget, patient=patient)
            if isinstance(result, Answer):
                return result
            before = result.error
            too_long = result.requested_pause is not None and result.requested_pause > LONGEST_WAIT
            is_last = attempt == ATTEMPTS or too_long or budget.is_used_up
            if is_last or not _repeats(result, patient=patient):
                raise before
            # The limiter makes all threads wait for the rate limit. A request refused twice also
            # waits by itself: the capacity that other responses report is not for its kind then.
            if not isinstance(before, RateLimited) or refused:
                pause = result.pause or self._backoff.pause(attempt, result.requested_pause)
                self._backoff.sleep(pause, before, attempt, ATTEMPTS)
            refused = isinstance(before, RateLimited)
            attempt += 1

    def _once(
        self,
        request: httpx.Request,
        operation: str,
        attempt: int,
        before: RemoteError | None,
        budget: TimeBudget,
        *,
        patient: bool,
    ) -> Answer | _AttemptFailed:
        """Send a request once the rate limit allows it, and pass its response to the limiter."""
        permit = self._backoff.acquire(request.url.path, operation, before)
        limits = pause = retry_after = None
        answered = False
        try:
            try:
                response, content = self._threads.run(
                    lambda: self._exchange(request, operation, budget)
                )
            except httpx.RequestError as error:
                return self._unreachable(error, request.method, operation)
            except Abandoned:
                raise _abandoned(request.method, operation) from None
            answered = True
            now = self._clock.now()
            self._note_date(response.headers)
            limits = rate_limit_headers.read_rate_limit(response.headers, now)
            if response.is_success:
                return _answered(response.status_code, content, request.method, operation, limits)
            failure = self._failed(response, content, request.method, operation, now)
            if isinstance(failure.error, RateLimited) and _repeats(failure, patient=patient):
                pause = self._backoff.pause(attempt, failure.requested_pause)
                retry_after = rate_limit_headers.retry_after(response.headers, now)
            return replace(failure, pause=pause)
        finally:
            self._backoff.release(
                permit, limits, answered=answered, pause=pause, retry_after=retry_after
            )

    def _exchange(
        self, request: httpx.Request, operation: str, budget: TimeBudget
    ) -> tuple[httpx.Response, bytes]:
        with self._lock:
            self._requests += 1
        try:
            with budget.spent(EXCHANGE_TIMEOUT, MAX_BODY + MAX_HEADERS) as allowance:
                return allowance.run(lambda: self._read(request))
        except Unusable as error:
            raise UnexpectedResponse(
                f"could not {operation}: the response is unusable: {error}",
                hint=error_mapping.FOREIGN_HINT,
                operation=operation,
                ambiguous=request.method != "GET",
            ) from None

    def _read(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        response = self._client.send(request, stream=True)
        try:
            return response, read_body(response, MAX_BODY)
        finally:
            response.close()

    def _note_date(self, headers: Mapping[str, str]) -> None:
        date = rate_limit_headers.read_date(headers)
        with self._lock:
            if date is not None and (self._server_time is None or date < self._server_time):
                self._server_time = date

    def _failed(
        self, response: httpx.Response, content: bytes, method: str, operation: str, now: datetime
    ) -> _AttemptFailed:
        error = error_mapping.error_for_response(
            response.status_code,
            response.headers,
            content,
            method=method,
            operation=operation,
            key=self._key,
            now=now,
            subuser=self._subuser,
        )
        repeatable = isinstance(error, RateLimited | ServerFault) and not error.ambiguous
        return _AttemptFailed(
            error,
            repeatable,
            rate_limit_headers.requested_pause(response.status_code, response.headers, now),
        )

    def _unreachable(
        self, error: httpx.RequestError, method: str, operation: str
    ) -> _AttemptFailed:
        failure = describe_failure(error, self._client.base_url.host, READ_TIMEOUT)
        # httpx quotes what it cannot send, and the headers hold the key.
        hidden = isinstance(error, httpx.LocalProtocolError | TooSlow)
        detail = "" if hidden else self.sanitize(str(error))
        ambiguous = method != "GET" and not failure.never_sent
        return _AttemptFailed(
            Unreachable(
                f"could not {operation}: {failure.message}" + (f" ({detail})" if detail else ""),
                hint=failure.hint or "check the network, the proxy and SEGCTL_BASE_URL",
                operation=operation,
                ambiguous=ambiguous,
            ),
            # A server that sends a byte now and then would do so again.
            repeatable=not (ambiguous or failure.untrusted or isinstance(error, TooSlow)),
        )


def _answered(
    status: int, content: bytes, method: str, operation: str, limits: RateLimitHeaders | None
) -> Answer | _AttemptFailed:
    """Return a success. Where its body is unreadable, a write was still carried out."""
    try:
        return Answer(status, error_mapping.data(status, content, method, operation), limits)
    except UnexpectedResponse as error:
        return _AttemptFailed(error, repeatable=method == "GET")


def _abandoned(method: str, operation: str) -> Interrupted:
    return Interrupted(
        f"could not {operation}: interrupted while waiting for the response",
        hint="run the command again",
        operation=operation,
        ambiguous=method != "GET",
    )


def _repeats(failure: _AttemptFailed, *, patient: bool) -> bool:
    """Return whether `send` tries again; see there for `patient`."""
    error = failure.error
    by_rate = isinstance(error, RateLimited) and error.exhausted is True
    return failure.repeatable and (patient or by_rate)


def _header_value(text: str, what: str) -> str:
    """Return the text if a header can hold it; the error of the codec would quote the key."""
    if not text or not all("!" <= char <= "~" for char in text):
        raise UsageError(f"{what} must be ASCII without spaces")
    return text
