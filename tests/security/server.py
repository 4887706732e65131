"""A server on a loopback socket that answers with whatever bytes a test makes up."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from segctl.common.secrets import Secret
from segctl.sendgrid.transport import Transport
from tests.support.account import KEY
from tests.support.clock import FakeClock
from tests.support.process import HANG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class HostileServer:
    """Answers each request with the pieces that `answer` returns for it.

    `requests` has what arrived, `pieces` the number of pieces that were sent.
    """

    def __init__(self, answer: Callable[[bytes], Iterable[bytes]]) -> None:
        self.requests: list[bytes] = []
        self.pieces = 0
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; a connection in use ends with its client."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(HANG)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection = self._listener.accept()[0]
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            # Each piece leaves in a packet of its own.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while request := connection.recv(1 << 20):
                self.requests.append(request)
                for piece in self._answer(request):
                    connection.sendall(piece)
                    self.pieces += 1


@contextmanager
def hostile_server(answer: Callable[[bytes], Iterable[bytes]]) -> Iterator[HostileServer]:
    """Yield a server that answers with pieces of bytes."""
    server = HostileServer(answer)
    try:
        yield server
    finally:
        server.close()


def connect(server: HostileServer, monotonic: Callable[[], float] = time.monotonic) -> Transport:
    """Return a transport to the server; waits between its attempts take no time."""
    return Transport(server.url, Secret(KEY), FakeClock(), direct=True, monotonic=monotonic)


def response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return a whole response with a length."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body
