"""An emulator on a socket: HTTP/1.1 on loopback, one thread a connection.

Owns the listening socket and the acting out of `Response.delivery` and `Response.delay`. Knows
nothing of the API. It refuses to listen anywhere but on loopback: there is no password to guess.
"""

from __future__ import annotations

import re
import selectors
import socket
import struct
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any, Self

from segctl.emulator.response import Delivery, Response, errors_response
from segctl.emulator.store import StateError

if TYPE_CHECKING:
    from segctl.emulator.app import Emulator

MAX_BODY = 1_048_576
_LINE = 4096
_TRAILERS = 100
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
_DRIPS = 10
_CLOSE_SECONDS = 5.0
_LINGER_NEVER = struct.pack("ii", 1, 0)


class Server:
    """A running server; `serve` makes it. A context manager that closes it at the end."""

    def __init__(self, emulator: Emulator, host: str, port: int) -> None:
        self._http = _HttpServer((host, port), emulator)
        self._thread = threading.Thread(
            target=self._http.serve_until_stopped, name="emulator", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Return the base URL, without a slash at its end."""
        host, port = self._http.server_address[:2]
        name = str(host)
        return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the server is closed by another thread, or for `timeout` seconds."""
        self._thread.join(timeout)

    def close(self) -> None:
        """Stop: no new connections, hung and sleeping answers cut short, all sockets closed.

        Requests that are being carried out end first. The emulator stays open. Twice is fine.
        """
        self._http.stop()
        self._thread.join(_CLOSE_SECONDS)
        self._http.end_connections()
        self._http.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve(emulator: Emulator, host: str = "127.0.0.1", port: int = 0) -> Server:
    """Serve an emulator; port 0 takes a free one.

    Raises `ValueError` for a host that is not loopback, `OSError` for a port that is taken.
    """
    if host == "localhost":
        host = "127.0.0.1"
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(f"{host!r} is not a loopback address: the emulator stays on this machine")
    return Server(emulator, host, port)


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    timeout = 0
    """`handle_request` waits for no connection: `serve_until_stopped` has waited."""

    def __init__(self, address: tuple[str, int], emulator: Emulator) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.emulator = emulator
        self.closing = threading.Event()
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        self._stop, self._stopped = socket.socketpair()
        super().__init__(address, _Handler)

    def serve_until_stopped(self) -> None:
        """Serve connections until `stop`, which ends a wait at once, unlike `shutdown`."""
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            selector.register(self._stopped, selectors.EVENT_READ)
            while self._stopped not in [key.fileobj for key, _ in selector.select()]:
                self.handle_request()

    def stop(self) -> None:
        # The other end becomes readable.
        self._stop.close()

    def server_close(self) -> None:
        super().server_close()
        self._stop.close()
        self._stopped.close()

    def server_bind(self) -> None:
        # The parent's version asks the resolver for the host's name, which can take seconds.
        TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: a client that goes away in the middle is what tests are about."""

    def end_connections(self) -> None:
        self.closing.set()
        with self._changed:
            for connection in self._open:
                try:
                    # Only the reading half: an answer on its way still gets out.
                    connection.shutdown(socket.SHUT_RD)
                except OSError:
                    continue
            self._changed.wait_for(lambda: not self._open, _CLOSE_SECONDS)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _HttpServer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the parent's name.
        """Stay quiet: the emulator keeps a log of its own, without headers."""

    def _answer(self) -> None:
        body = self._body()
        if body is None:
            return
        try:
            response = self.server.emulator.handle(
                self.command, self.path, dict(self.headers.items()), body
            )
        except StateError as error:
            response = errors_response(HTTPStatus.INTERNAL_SERVER_ERROR, f"emulator state: {error}")
        self._deliver(response)

    def __getattr__(self, name: str) -> Any:
        """Answer every method the same way: which ones exist is the emulator's business."""
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _body(self) -> bytes | None:
        """Read the body; return `None` after refusing one that is too large or malformed."""
        length = self.headers.get("Content-Length")
        coding = self.headers.get("Transfer-Encoding")
        if coding is not None:
            # With a length beside it, two readers could disagree on where the body ends.
            if length is None and coding.strip().lower() == "chunked":
                return self._chunks()
            self._refuse_body(HTTPStatus.LENGTH_REQUIRED)
        elif length is None:
            return b""
        elif not (length.isascii() and length.isdigit()):
            self._refuse_body(HTTPStatus.BAD_REQUEST)
        elif int(length[:20]) > MAX_BODY:
            self._refuse_body(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            return self.rfile.read(int(length))
        return None

    def _chunks(self) -> bytes | None:
        """Read a chunked body (RFC 9112, 7.1), trailers included; `None` as `_body`."""
        body = bytearray()
        while True:
            line = self.rfile.readline(_LINE)
            match = _CHUNK_SIZE.match(line)
            if match is None:
                self._refuse_body(HTTPStatus.BAD_REQUEST)
                return None
            size = int(match[1], 16)
            if len(body) + size > MAX_BODY:
                self._refuse_body(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                return None
            if size == 0:
                break
            chunk = self.rfile.read(size)
            if len(chunk) < size or self.rfile.read(2) != b"\r\n":
                self._refuse_body(HTTPStatus.BAD_REQUEST)
                return None
            body += chunk
        for _ in range(_TRAILERS):
            line = self.rfile.readline(_LINE)
            if line in (b"\r\n", b"\n", b""):
                return bytes(body)
        self._refuse_body(HTTPStatus.BAD_REQUEST)
        return None

    def _refuse_body(self, status: HTTPStatus) -> None:
        self.close_connection = True
        refused = errors_response(status, status.phrase.lower())
        self._deliver(self.server.emulator.with_rate_headers(refused, self.path))

    def _deliver(self, response: Response) -> None:
        if response.delay > 0:
            self.server.closing.wait(response.delay)
        match response.delivery:
            case Delivery.DROPPED | Delivery.REFUSED:
                self._reset()
            case Delivery.HUNG:
                self.server.closing.wait(response.seconds)
                self._reset()
            case Delivery.CUT:
                self.wfile.write(self._head(response) + response.body[: len(response.body) // 2])
                self.close_connection = True
            case Delivery.DRIPPED:
                self._drip(response)
            case Delivery.WHOLE:
                # One write: head and body in two would wait for each other's acknowledgement.
                self.wfile.write(self._head(response) + self._sent_body(response))

    def _sent_body(self, response: Response) -> bytes:
        return b"" if self.command == "HEAD" else response.body

    def _head(self, response: Response) -> bytes:
        phrase = HTTPStatus(response.status).phrase
        lines = [f"HTTP/1.1 {response.status:d} {phrase}"]
        lines += [f"{name}: {value}" for name, value in response.headers]
        lines.append(f"Content-Length: {len(response.body)}")
        if self.close_connection:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _drip(self, response: Response) -> None:
        self.wfile.write(self._head(response))
        size = max(1, -(-len(response.body) // _DRIPS))
        for start in range(0, len(response.body), size):
            self.server.closing.wait(response.seconds / _DRIPS)
            self.wfile.write(response.body[start : start + size])

    def _reset(self) -> None:
        """Break the connection with a reset, as a dead peer would."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NEVER)
