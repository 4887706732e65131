"""The bounds of one exchange with a server: its seconds and bytes, headers and body together.

A server that sends a byte now and then never reaches a read timeout, and a few compressed bytes can
stand for gigabytes. Here every read from the network counts, whatever is read: headers, interim
responses, chunk sizes, trailers. Does not send requests and does not know what they mean.
"""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from segctl.common.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from ssl import SSLContext

T = TypeVar("T")

MONOTONIC = SystemClock().monotonic
"""Measures how long a server takes. The clock of a command may jump in tests; this one does not."""


class TooSlow(httpx.ReadTimeout):
    """The exchange took longer than its bound, `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the exchange took over {seconds:.0f} s")
        self.seconds = seconds


class Unusable(httpx.ReadError):
    """The response has more bytes than its bound, or a content coding that was not asked for."""


class TimeBudget:
    """The seconds that the attempts of one request may take together, without the waits between."""

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self._left = seconds
        self._monotonic = monotonic

    @property
    def is_used_up(self) -> bool:
        """Whether less than a second is left, in which no attempt succeeds."""
        return self._left < 1

    @contextmanager
    def spent(self, limit: float, size: int) -> Iterator[Allowance]:
        """Yield the allowance of one attempt, `limit` seconds at most, and take what it used."""
        began = self._monotonic()
        try:
            yield Allowance(min(limit, self._left), size, self._monotonic)
        finally:
            self._left -= self._monotonic() - began


class Allowance:
    """The seconds and bytes that one exchange may take, counted while `run` runs."""

    def __init__(self, seconds: float, size: int, monotonic: Callable[[], float]) -> None:
        self._seconds = seconds
        self._until = monotonic() + seconds
        self._size = self._left = size
        self._monotonic = monotonic

    def run(self, exchange: Callable[[], T]) -> T:
        """Return what `exchange` returns, bound in what it reads and writes on this thread.

        Raises `TooSlow` and `Unusable`.
        """
        token = _ALLOWANCE.set(self)
        try:
            return exchange()
        finally:
            _ALLOWANCE.reset(token)

    def timeout(self, timeout: float | None) -> float:
        """Return how long the next read or write may take. Raises `TooSlow`."""
        left = self._until - self._monotonic()
        if left <= 0:
            raise TooSlow(self._seconds)
        return left if timeout is None else min(timeout, left)

    def count(self, data: bytes) -> bytes:
        """Count bytes that arrived, and return them. Raises `Unusable`."""
        self._left -= len(data)
        if self._left < 0:
            raise Unusable(_too_large(self._size))
        return data


_ALLOWANCE: ContextVar[Allowance | None] = ContextVar("allowance", default=None)


def bound_connections(client: httpx.Client) -> None:
    """Let the client's connections, those to proxies included, heed the `Allowance` in force."""
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001
        if isinstance(transport, httpx.HTTPTransport):
            # httpcore takes a backend, but httpx passes none on. Tests fail if this has no effect.
            pool: Any = transport._pool  # noqa: SLF001
            pool._network_backend = _Network(pool._network_backend)  # noqa: SLF001


def read_body(response: httpx.Response, limit: int) -> bytes:
    """Return the decoded body of a response that was sent as it is or compressed with gzip.

    Never holds more than `limit` decoded bytes. Raises `Unusable`, and other `httpx.RequestError`s
    where the body cannot be read or decoded.
    """
    coding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in ("", "identity", "gzip", "x-gzip"):
        raise Unusable("it has a content coding other than gzip")
    decoder = zlib.decompressobj(16 + zlib.MAX_WBITS) if coding.endswith("gzip") else None
    content = bytearray()
    is_empty = True
    for chunk in response.iter_raw():
        is_empty = is_empty and not chunk
        if decoder is None:
            content += chunk
        elif not decoder.eof:
            try:
                content += decoder.decompress(chunk, limit + 1 - len(content))
            except zlib.error:
                raise httpx.DecodingError("the gzip data is damaged") from None
        if len(content) > limit:
            raise Unusable(_too_large(limit))
    if decoder is not None and not decoder.eof and not is_empty:
        raise httpx.DecodingError("the gzip data is incomplete")
    return bytes(content)


class _Network:
    """The network backend of httpcore, with connections that heed the `Allowance` in force."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, **options: Any
    ) -> _Stream:
        return _Stream(self._backend.connect_tcp(host, port, timeout=_allowed(timeout), **options))


class _Stream:
    """A network stream of httpcore that heeds the `Allowance` in force."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.close: Callable[[], None] = stream.close
        self.get_extra_info: Callable[[str], Any] = stream.get_extra_info

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        allowance = _ALLOWANCE.get()
        try:
            data: bytes = self._stream.read(max_bytes, timeout=_allowed(timeout))
        except Exception:
            # A read that used up the allowance is too slow, not one that ran into its own timeout.
            _allowed(timeout)
            raise
        return data if allowance is None else allowance.count(data)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout=_allowed(timeout))

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> _Stream:
        return _Stream(
            self._stream.start_tls(ssl_context, server_hostname, timeout=_allowed(timeout))
        )


def _too_large(limit: int) -> str:
    return f"it is larger than {limit >> 20} MiB"


def _allowed(timeout: float | None) -> float | None:
    allowance = _ALLOWANCE.get()
    return timeout if allowance is None else allowance.timeout(timeout)
