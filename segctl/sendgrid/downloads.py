"""Downloads of the files of an export: from another server, without the key.

Uses an HTTP client of its own, which knows no secret. A file of any size goes to the disk; what has
arrived is kept and resumed from there where the server supports it (RFC 9110, `If-Range`). Refuses
plain http, except for an account on this machine, and files without end. The address of a file is
a secret: it is in no message and no log.
"""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import httpx

from segctl import __version__
from segctl.common.loopback import is_loopback
from segctl.common.stopping import Stop
from segctl.errors import (
    BadRequest,
    Interrupted,
    NotFound,
    RateLimited,
    RemoteError,
    ServerFault,
    UnexpectedResponse,
    Unreachable,
)
from segctl.sendgrid import exchange
from segctl.sendgrid.backoff import Backoff
from segctl.sendgrid.connection import describe_failure, open_client
from segctl.sendgrid.exchange import Allowance, TooSlow
from segctl.sendgrid.io_threads import Abandoned, IoThreads

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from segctl.common.clock import Clock
    from segctl.common.folder import Folder
    from segctl.common.secrets import Secret
    from segctl.sendgrid.connection import Mount

T = TypeVar("T")

READ_TIMEOUT = 60.0
"""Seconds without a byte."""

LARGEST = 32 << 30
"""Bytes of one file: an export is cut into files of 5,000 MB (sendgrid-api.md §4)."""

ATTEMPTS = 5
MIN_PROGRESS = 1 << 16
"""Bytes after which an attempt counts as successful, so that the count of attempts restarts."""

PROGRESS_TIMEOUT = 120.0
"""Seconds for the headers of a response, and for each `MIN_PROGRESS` bytes of its body."""

MAX_OVERHEAD = 1 << 20
"""Bytes that a server may send for the headers, and for each `MIN_PROGRESS` bytes of the body."""

REDIRECTS = 5

_TAG = re.compile(r'"[!#-~]{0,200}"')
_GONE = frozenset((401, 403, 404, 410))
_MOVED = frozenset((301, 302, 303, 307, 308))


class Downloads:
    """Fetches files. Close it when done.

    `local`: the account is on this machine, so plain http to it is allowed and the environment's
    proxies are bypassed. `notify` receives a sentence before each retry. Once `stop` is requested
    nothing is retried, and once a stop is forced nothing is waited for.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        mount: Mount | None = None,
        local: bool = False,
        notify: Callable[[str], None] = lambda _: None,
        stop: Stop | None = None,
        monotonic: Callable[[], float] = exchange.MONOTONIC,
    ) -> None:
        # httpx logs the address of each request, which is secret here.
        logging.getLogger("httpx").disabled = True
        self._monotonic = monotonic
        self._local = local
        self._mounted = mount is not None
        stop = stop or Stop()
        self._backoff = Backoff(clock, notify, stop)
        self._threads = IoThreads(stop)
        self._client = open_client(
            "",
            {"Accept-Encoding": "identity", "User-Agent": f"segctl/{__version__}"},
            connections=1,
            read_timeout=READ_TIMEOUT,
            mount=mount,
            direct=local,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.close(self._client.close)

    def fetch(
        self,
        url: Secret,
        folder: Folder,
        name: str,
        *,
        operation: str,
        tag: str | None,
        keep: Callable[[str | None], None],
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> int:
        """Fetch a file into a file of a folder, mode 0600, and return its size.

        What is already in it is kept where the server confirms that its file still has `tag`;
        `keep` receives the tag to resume with, before anything of the file is written. `progress`
        receives the bytes so far and the total. Raises `NotFound` where the address is not valid
        (any more), and other `RemoteError`s; what has arrived stays then. Raises
        `OSError` where it cannot be written.
        """
        request = _Request(url, folder, name, operation, tag, keep, progress)
        attempt, reached = 1, request.size()
        while True:
            try:
                return self._once(request)
            except _AttemptFailed as failure:
                if request.size() >= reached + MIN_PROGRESS:
                    attempt, reached = 1, request.size()
                if attempt == ATTEMPTS:
                    raise failure.error from None
                pause = self._backoff.pause(attempt, None)
                self._backoff.sleep(pause, failure.error, attempt, ATTEMPTS)
                attempt += 1

    def _once(self, request: _Request) -> int:
        tag, operation = request.tag, request.operation
        start = 0 if tag is None else request.size()
        headers = {"Range": f"bytes={start}-", "If-Range": tag} if start and tag else {}
        try:
            response = self._opened(request.url, headers, operation)
            try:
                if response.status_code == 416:  # noqa: PLR2004 - the file is longer than on the server
                    request.remember(None)
                    raise _AttemptFailed(
                        _unusable(operation, "the file on the server became shorter")
                    )
                if response.status_code != 206:  # noqa: PLR2004
                    _refuse_failure(response.status_code, operation)
                    request.remember(_tag(response))
                    start = 0
                elif not _continues(response, start, tag):
                    raise _unusable(
                        operation, "the server sent a different part of the file than requested"
                    )
                return self._save(response, start, request)
            finally:
                # The connection of an abandoned read is closed with the client.
                if not self._threads.busy:
                    response.close()
        except httpx.RequestError as error:
            failure = describe_failure(error, error.request.url.host, READ_TIMEOUT)
            hint = "check the network and the proxy: files are on a different server than the API"
            broken = Unreachable(
                f"could not {operation}: {failure.message}",
                hint=failure.hint if failure.untrusted else hint,
                operation=operation,
            )
            # A server that sends a byte now and then would do so again.
            if failure.untrusted or isinstance(error, TooSlow):
                raise broken from None
            raise _AttemptFailed(broken) from None

    def _opened(self, url: Secret, headers: dict[str, str], operation: str) -> httpx.Response:
        """Send the request, and follow redirects to the file."""
        try:
            address = httpx.URL(url.reveal())
            for _ in range(REDIRECTS):
                self._refuse_in_the_clear(address, operation)
                request = self._client.build_request("GET", address, headers=headers)
                send = partial(self._client.send, request, stream=True)
                response = self._awaited(partial(self._allowance().run, send), operation)
                if response.status_code not in _MOVED:
                    return response
                response.close()
                address = address.join(response.headers.get("Location", ""))
        except (httpx.InvalidURL, ValueError):
            raise _unusable(operation, "the address of the file is invalid") from None
        raise _unusable(operation, "too many redirects")

    def _save(self, response: httpx.Response, start: int, request: _Request) -> int:
        """Append the response to the file; return the size that it has then."""
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isascii() and length.isdigit() else 0
        size = start
        with os.fdopen(request.folder.open(request.name), "wb") as out:
            out.seek(start)
            out.truncate()
            read = partial(next, response.iter_raw(), None)
            allowance, mark = self._allowance(), size
            while (
                chunk := self._awaited(partial(allowance.run, read), request.operation)
            ) is not None:
                size += len(chunk)
                if size >= mark + MIN_PROGRESS:
                    allowance, mark = self._allowance(), size
                if max(size, total) > LARGEST:
                    what = f"the file is larger than {LARGEST >> 30} GiB"
                    raise _unusable(request.operation, what)
                out.write(chunk)
                request.progress(size, max(size, total))
            out.flush()
            os.fsync(out.fileno())
        if total and size != total:
            raise httpx.ReadError("the file is incomplete", request=response.request)
        return size

    def _allowance(self) -> Allowance:
        return Allowance(PROGRESS_TIMEOUT, MAX_OVERHEAD, self._monotonic)

    def _awaited(self, call: Callable[[], T], operation: str) -> T:
        """Read from the network. Raises `Interrupted` as soon as a stop is forced."""
        try:
            return self._threads.run(call)
        except Abandoned:
            raise Interrupted(
                f"could not {operation}: interrupted",
                hint="run the command again",
                operation=operation,
            ) from None

    def _refuse_in_the_clear(self, address: httpx.URL, operation: str) -> None:
        stays_local = self._mounted or (self._local and is_loopback(address.host))
        if address.scheme != "https" and not (address.scheme == "http" and stays_local):
            raise _unusable(operation, "the address of the file must use https")
        if address.userinfo:
            raise _unusable(operation, "the address of the file contains a password")


@dataclass(slots=True)
class _Request:
    """A file to fetch; see `Downloads.fetch`."""

    url: Secret
    folder: Folder
    name: str
    operation: str
    tag: str | None
    keep: Callable[[str | None], None]
    progress: Callable[[int, int], None]

    def size(self) -> int:
        """Return the bytes that have arrived."""
        return self.folder.size(self.name) or 0

    def remember(self, tag: str | None) -> None:
        self.tag = tag
        self.keep(tag)


class _AttemptFailed(Exception):
    """A failed attempt that may be repeated."""

    def __init__(self, error: RemoteError) -> None:
        super().__init__()
        self.error = error


def _refuse_failure(status: int, operation: str) -> None:
    """Raise the error for a status. The body is not shown: it may quote the address."""
    hint = "run the command again"
    words = f"could not {operation}: the file server"
    if status in _GONE:
        text = f"{words} denies access ({status}): the address of a file expires"
        raise NotFound(text, hint=hint, operation=operation, status=status)
    if status == 429:  # noqa: PLR2004 - the status of a limit
        text = f"{words} has reached its rate limit"
        raise _AttemptFailed(RateLimited(text, hint=hint, operation=operation, status=status))
    if status >= 500:  # noqa: PLR2004
        text = f"{words} failed ({status})"
        raise _AttemptFailed(ServerFault(text, hint=hint, operation=operation, status=status))
    if status != 200:  # noqa: PLR2004
        raise BadRequest(
            f"{words} rejects the request ({status})", operation=operation, status=status
        )


def _unusable(operation: str, what: str) -> UnexpectedResponse:
    return UnexpectedResponse(
        f"could not {operation}: {what}",
        hint="run the command again; if it fails again, the API may have changed",
        operation=operation,
    )


def _continues(response: httpx.Response, start: int, tag: str | None) -> bool:
    """Return whether a response continues the partial file."""
    same = _tag(response) in {None, tag}
    return same and response.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _tag(response: httpx.Response) -> str | None:
    """Return the tag of a file, `None` for a weak one, which guarantees nothing about its bytes."""
    tag = response.headers.get("ETag", "")
    return tag if _TAG.fullmatch(tag) else None
