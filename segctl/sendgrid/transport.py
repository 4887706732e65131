"""The one seam for HTTP: a request goes out, an answer or a typed error comes back.

Owns time-outs, retries of what may be repeated, the key's place in the headers, and the meaning of
status codes. The only importer of httpx. Refuses to follow redirects (the key would travel), to
send anything but GET where it was told to only read, and to read bodies without end.
"""

from __future__ import annotations

import json
import random
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from segctl import __version__
from segctl.errors import (
    BadRequest,
    Forbidden,
    NotFound,
    RateLimited,
    RemoteError,
    ServerFault,
    Unauthorized,
    UnexpectedAnswer,
    Unreachable,
    UpdateLocked,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

    from segctl.clock import Clock
    from segctl.secrets import Secret

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 60.0
"""Seconds; answers of over 15 s have been seen (sendgrid-api.md §2)."""

MAX_BODY = 64 << 20
CONCURRENCY = 16
ATTEMPTS = 5
LONGEST_WAIT = 90.0
EPOCH_FROM = 1_000_000
"""`X-RateLimit-Reset` below this is seconds left, above it an epoch (sendgrid-api.md §2)."""

_LOCKED = "update request came too soon"
_PAUSE = re.compile(r"^\d+(\.\d+)?$")


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


class Transport:
    """A connection to one account. Safe to share among threads; close it when done.

    `read_only` makes every method but GET a `RuntimeError`: it is how a plan is known not to
    write. `direct` passes the environment's proxies by. `notify` is told, in a sentence, of every
    wait for the rate limit.
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
        self._read_only = read_only
        self._notify = notify
        self._jitter = random.Random()  # noqa: S311 - spreads retries, guards nothing
        headers = {
            "Authorization": f"Bearer {key.reveal()}",
            "Accept": "application/json",
            "User-Agent": f"segctl/{__version__}",
        }
        if subuser is not None:
            headers["on-behalf-of"] = subuser
        self._client = httpx.Client(
            base_url=base_url,
            headers=headers,
            timeout=httpx.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT),
            limits=httpx.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY),
            follow_redirects=False,
            trust_env=not direct,
            transport=_Mounted(mount) if mount is not None else None,
        )
        self.requests = 0

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

    def same_origin(self, url: str) -> bool:
        """Say whether a URL from an answer leads to the server that gave it."""
        mine, other = self._client.base_url, httpx.URL(url)
        return other.is_relative_url or (mine.scheme, mine.host, mine.port) == (
            other.scheme,
            other.host,
            other.port,
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
        connection errors; other methods on 429 alone, which says that nothing was done.
        `patient=False` repeats nothing. Raises the `RemoteError` that fits.
        """
        if self._read_only and method != "GET":
            raise RuntimeError(f"a read-only transport was asked to {method}")
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._once(method, url, operation, params, body)
            except (RateLimited, ServerFault, Unreachable) as error:
                repeatable = method == "GET" or isinstance(error, RateLimited)
                if not (patient and repeatable and attempt < ATTEMPTS):
                    raise
                self._wait(error, attempt)

    def _wait(self, error: RemoteError, attempt: int) -> None:
        pause = 0.5 * 2 ** (attempt - 1) * self._jitter.uniform(0.5, 1.5)
        if isinstance(error, RateLimited) and error.retry_after is not None:
            if error.retry_after > LONGEST_WAIT:
                raise error
            pause = max(error.retry_after, 0.0) + self._jitter.uniform(0.0, 0.5)
        if isinstance(error, RateLimited) and pause > 1:
            self._notify(f"the rate limit is reached: waiting {pause:.0f} s")
        self._clock.sleep(pause)

    def _once(
        self,
        method: str,
        url: str,
        operation: str,
        params: Mapping[str, str | list[str]] | None,
        body: Any,
    ) -> Answer:
        self.requests += 1
        try:
            with self._client.stream(method, url, params=params, json=body) as response:
                content = self._read(response, operation)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self._unreachable(error, method, operation) from None
        if not response.is_success:
            raise self._failure(response, content, operation)
        return Answer(response.status_code, self._json(response, content, operation, method))

    def _read(self, response: httpx.Response, operation: str) -> bytes:
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > MAX_BODY:
                raise UnexpectedAnswer(
                    f"could not {operation}: the answer is larger than {MAX_BODY >> 20} MiB",
                    operation=operation,
                    status=response.status_code,
                    ambiguous=True,
                )
        return bytes(content)

    def _json(self, response: httpx.Response, content: bytes, operation: str, method: str) -> Any:
        if not content.strip():
            return None
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise UnexpectedAnswer(
                f"could not {operation}: the answer is not JSON",
                hint="is something between you and SendGrid, such as a proxy with a login page?",
                operation=operation,
                status=response.status_code,
                ambiguous=method != "GET",
            ) from None

    def _unreachable(self, error: Exception, method: str, operation: str) -> Unreachable:
        host = self._client.base_url.host
        never_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
        if isinstance(error, httpx.TimeoutException):
            limit = CONNECT_TIMEOUT if never_sent else READ_TIMEOUT
            what = f"{host} did not answer within {limit:.0f} s"
        elif never_sent:
            what = f"no connection to {host}"
        else:
            what = f"the connection to {host} broke"
        detail = self._clean(str(error))
        return Unreachable(
            f"could not {operation}: {what}" + (f" ({detail})" if detail else ""),
            hint="check the network, the proxy and SEGCTL_BASE_URL",
            operation=operation,
            ambiguous=method != "GET" and not never_sent,
        )

    def _failure(self, response: httpx.Response, content: bytes, operation: str) -> RemoteError:
        status = response.status_code
        messages = tuple(self._clean(text) for text in _messages(content))
        said = "; ".join(message for message in messages if message)
        kind, what, hint = _meaning(status, said)
        text = f"could not {operation}: {what}"
        if said and said not in text:
            text += f": {said}"
        error = kind(
            text,
            hint=hint,
            operation=operation,
            status=status,
            messages=messages,
            ambiguous=status >= 500,  # noqa: PLR2004
        )
        if isinstance(error, RateLimited):
            error.retry_after = self._retry_after(response)
        return error

    def _retry_after(self, response: httpx.Response) -> float | None:
        for header in ("Retry-After", "X-RateLimit-Reset"):
            text = response.headers.get(header, "").strip()
            if _PAUSE.match(text):
                value = float(text)
                if value >= EPOCH_FROM:
                    value -= self._clock.now().timestamp()
                return max(value, 0.0)
        return None

    def _clean(self, text: str) -> str:
        """Make a text from outside fit to be shown: no key, no control characters, not endless."""
        shown = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text[:2000])
        return self._key.mask(" ".join(shown.split()))[:300]


def _meaning(status: int, said: str) -> tuple[type[RemoteError], str, str]:  # noqa: PLR0911
    """Give the error class, the words and the advice for a status (sendgrid-api.md §2)."""
    match status:
        case 401:
            return Unauthorized, "the API key is not accepted", "check the key and its region"
        case 403:
            return (
                Forbidden,
                "the API key may not do this",
                "give the key full access to Marketing in SendGrid's settings",
            )
        case 404:
            return NotFound, "there is no such thing on the account", ""
        case 429:
            return RateLimited, "too many requests", "wait a minute and run it again"
        case 451:
            return (
                BadRequest,
                "this account's data lives in another region",
                "set `region: eu` (or `global`) for the target in segctl.yaml",
            )
        case _ if _LOCKED in said.lower():
            return (
                UpdateLocked,
                "it was written less than five minutes ago, and SendGrid locks it for that long",
                "wait five minutes and run it again",
            )
        case _ if 400 <= status < 500:  # noqa: PLR2004
            return BadRequest, f"SendGrid refuses it ({status})", ""
        case _ if status >= 500:  # noqa: PLR2004
            return (
                ServerFault,
                f"SendGrid failed ({status})",
                "try again; https://status.sendgrid.com tells of outages",
            )
        case _:
            return UnexpectedAnswer, f"SendGrid answered {status}, which means nothing here", ""


def _messages(content: bytes) -> list[str]:
    """Take the server's words out of any of its error shapes (sendgrid-api.md §2)."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return []
    if not isinstance(data, dict):
        return []
    found = []
    errors = data.get("errors")
    for entry in errors if isinstance(errors, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("message"), str):
            field = entry.get("field")
            found.append(f"{field}: {entry['message']}" if field else entry["message"])
    found += [data[key] for key in ("error", "message") if isinstance(data.get(key), str)]
    return found


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
