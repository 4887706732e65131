"""The one seam for HTTP: a request goes out, an answer or a typed error comes back.

Owns time-outs, retries of what may be repeated and the key's place in the headers; what a failed
answer means is `failures.py`. The only importer of httpx. Refuses to follow redirects (the key
would travel), to send anything but GET where it was told to only read, to send anything to another
server than its own, and to read bodies without end.
"""

from __future__ import annotations

import json
import random
import ssl
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from segctl import __version__
from segctl.errors import (
    RateLimited,
    RemoteError,
    ServerFault,
    UnexpectedAnswer,
    Unreachable,
    UsageError,
)
from segctl.sendgrid import failures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

    from segctl.clock import Clock
    from segctl.secrets import Secret

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 60.0
"""Seconds; answers of over 15 s have been seen (sendgrid-api.md §2)."""

ANSWER_TIMEOUT = 300.0
"""Seconds for a whole body: one that drips would never meet READ_TIMEOUT."""

MAX_BODY = 64 << 20
CONCURRENCY = 16
ATTEMPTS = 5
LONGEST_WAIT = 90.0
"""Seconds; a server that asks for more is not waited for, and the error says what it asked."""


class Mount(Protocol):
    """A server inside this process: what the emulator is for the sandbox."""

    def __call__(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Answer one request; `target` is the path with the query."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A success: its status and its body as JSON data (`None` where it is empty)."""

    status: int
    data: Any


@dataclass(frozen=True, slots=True)
class _Setback:
    """One attempt that failed: the error, whether to repeat, how long the server says to wait."""

    error: RemoteError
    repeatable: bool
    asked: float | None = None


class Transport:
    """A connection to one account. Safe to share among threads; close it when done.

    `read_only` makes every method but GET a `RuntimeError`: it is how a plan is known not to
    write. `direct` passes the environment's proxies by. `notify` is told, in a sentence, of every
    wait before a request is repeated. Raises `UsageError` where the environment's proxy or
    certificates cannot be used.
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
    ) -> None:
        self._key = key
        self._clock = clock
        self._subuser = subuser
        self._read_only = read_only
        self._notify = notify
        self._jitter = random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._lock = threading.Lock()
        self._requests = 0
        self._told_until = float("-inf")
        headers = {
            "Authorization": f"Bearer {_word(key.reveal(), 'the API key')}",
            "Accept": "application/json",
            "User-Agent": f"segctl/{__version__}",
        }
        if subuser is not None:
            headers["on-behalf-of"] = _word(subuser, "the subuser's name")
        try:
            self._client = httpx.Client(
                base_url=base_url,
                headers=headers,
                # No limit on waiting for a free connection: those who hold one have theirs.
                timeout=httpx.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT, pool=None),
                limits=httpx.Limits(
                    max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY
                ),
                follow_redirects=False,
                trust_env=not direct,
                transport=_Mounted(mount) if mount is not None else None,
            )
        except OSError:
            raise UsageError(
                "the certificates of SSL_CERT_FILE or SSL_CERT_DIR cannot be used",
                hint="name a readable PEM file, or unset the variable",
            ) from None
        except (ImportError, ValueError, httpx.InvalidURL):
            # The message of the cause would show the proxy's password.
            raise UsageError(
                "the proxy of HTTPS_PROXY or ALL_PROXY cannot be used",
                hint="write http://HOST:PORT; SOCKS needs `pip install 'httpx[socks]'`",
            ) from None

    @property
    def requests(self) -> int:
        """How many requests were sent so far, repeated ones included."""
        return self._requests

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def clean(self, text: str) -> str:
        """Make a text from outside fit to be shown: no key, no control characters, not endless."""
        return failures.clean(text, self._key)

    def follow(self, url: str, link: str) -> str | None:
        """Resolve a link that stood in the answer to `url`; `None` where it leads elsewhere.

        Elsewhere is any other scheme, host or port, and any address with a user in it: the key
        goes nowhere but to its own server (sendgrid-api.md §1).
        """
        try:
            there = self._client.build_request("GET", url).url.join(link)
        except (httpx.InvalidURL, ValueError):
            return None
        return str(there) if self._is_own(there) else None

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
        """Send one request and give its answer.

        `operation` names it in messages ("list the segments"). A GET is repeated on 429, 5xx and
        connection errors; other methods only where it is certain that nothing was done: on 429
        and where no connection came about. `patient=False` repeats nothing. Raises the
        `RemoteError` that fits, its `ambiguous` true where a write may have been carried out.
        """
        if self._read_only and method != "GET":
            raise RuntimeError(f"a read-only transport was asked to {method}")
        attempt = 1
        while True:
            result = self._once(method, url, operation, params, body)
            if isinstance(result, Answer):
                return result
            too_long = result.asked is not None and result.asked > LONGEST_WAIT
            if not (patient and result.repeatable and attempt < ATTEMPTS) or too_long:
                raise result.error
            self._wait(result, attempt)
            attempt += 1

    def _wait(self, setback: _Setback, attempt: int) -> None:
        pause = 0.5 * 2 ** (attempt - 1) * self._jitter.uniform(0.5, 1.5)
        if setback.asked is not None:
            pause = max(pause, setback.asked + self._jitter.uniform(0.0, 0.5))
        wait = failures.duration(pause)
        if isinstance(setback.error, RateLimited):
            self._tell(f"the rate limit is reached: waiting {wait}", pause)
        else:
            again = f"attempt {attempt + 1} of {ATTEMPTS} in {wait}"
            self._tell(f"{setback.error.message}; {again}", pause)
        self._clock.sleep(pause)

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

    def _once(
        self,
        method: str,
        url: str,
        operation: str,
        params: Mapping[str, str | list[str]] | None,
        body: Any,
    ) -> Answer | _Setback:
        # `params or None`: httpx takes an empty mapping for "drop the query of the address".
        request = self._client.build_request(method, url, params=params or None, json=body)
        if not self._is_own(request.url):
            raise RuntimeError("a request was about to leave for another server")
        with self._lock:
            self._requests += 1
        try:
            response = self._client.send(request, stream=True)
            try:
                content = self._read(response, method, operation)
            finally:
                response.close()
        except httpx.RequestError as error:
            return self._unreachable(error, method, operation)
        if response.is_success:
            return Answer(
                response.status_code, self._json(response.status_code, content, method, operation)
            )
        return self._failed(response, content, method, operation)

    def _failed(
        self, response: httpx.Response, content: bytes, method: str, operation: str
    ) -> _Setback:
        now = self._clock.now()
        error = failures.failure(
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
        return _Setback(
            error, repeatable, failures.asked_pause(response.status_code, response.headers, now)
        )

    def _read(self, response: httpx.Response, method: str, operation: str) -> bytes:
        content = bytearray()
        until = self._clock.monotonic() + ANSWER_TIMEOUT
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > MAX_BODY:
                raise UnexpectedAnswer(
                    f"could not {operation}: the answer is larger than {MAX_BODY >> 20} MiB",
                    operation=operation,
                    status=response.status_code,
                    ambiguous=method != "GET",
                )
            if self._clock.monotonic() > until:
                raise httpx.ReadError(f"its answer took over {ANSWER_TIMEOUT:.0f} s")
        return bytes(content)

    def _json(self, status: int, content: bytes, method: str, operation: str) -> Any:
        if not content.strip():
            return None
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise UnexpectedAnswer(
                f"could not {operation}: the answer is not JSON",
                hint=failures.BETWEEN,
                operation=operation,
                status=status,
                ambiguous=method != "GET",
            ) from None

    def _unreachable(self, error: httpx.RequestError, method: str, operation: str) -> _Setback:
        host = self._client.base_url.host
        never_sent = isinstance(error, _NEVER_SENT)
        untrusted = _is_untrusted(error)
        hint = "check the network, the proxy and SEGCTL_BASE_URL"
        if "WRONG_VERSION_NUMBER" in str(error):
            what = "its port does not speak https"
            hint = "SEGCTL_BASE_URL says https; plain http is for this machine alone"
        elif untrusted:
            what = f"the certificate of {host} is not trusted"
            hint = "where a proxy of your own signs for it, name its certificate in SSL_CERT_FILE"
        elif isinstance(error, httpx.ProxyError):
            what = "the proxy does not let us through"
            hint = "check HTTPS_PROXY and ALL_PROXY in the environment"
        elif isinstance(error, httpx.TimeoutException):
            limit = CONNECT_TIMEOUT if never_sent else READ_TIMEOUT
            what = f"{host} did not answer within {limit:.0f} s"
        elif never_sent:
            what = f"no connection to {host}"
        else:
            what = f"the connection to {host} broke"
        # What httpx cannot send it quotes, and the headers hold the key.
        detail = "" if isinstance(error, httpx.LocalProtocolError) else self.clean(str(error))
        ambiguous = method != "GET" and not never_sent
        return _Setback(
            Unreachable(
                f"could not {operation}: {what}" + (f" ({detail})" if detail else ""),
                hint=hint,
                operation=operation,
                ambiguous=ambiguous,
            ),
            # A certificate does not become good by asking again.
            repeatable=not ambiguous and not untrusted,
        )


_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


def _is_untrusted(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _word(text: str, what: str) -> str:
    """Let only what a header can hold pass; the codec's own error would quote the key."""
    if not text or not all("!" <= char <= "~" for char in text):
        raise UsageError(f"{what} must be one word without accents")
    return text


class _Mounted(httpx.BaseTransport):
    """Lets httpx speak to a server in this process."""

    def __init__(self, mount: Mount) -> None:
        self._mount = mount

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        status, headers, body = self._mount(
            request.method,
            request.url.raw_path.decode("ascii"),
            dict(request.headers),
            request.read(),
        )
        return httpx.Response(status, headers=dict(headers), content=body, request=request)
