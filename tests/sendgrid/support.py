"""Fakes for the client: a server that is a function, a server that is a socket, a clock."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, TypeAlias

from segctl.common.secrets import Secret
from segctl.sendgrid.transport import Transport
from tests.support.account import KEY
from tests.support.clock import FakeClock

if TYPE_CHECKING:
    from segctl.emulator import Emulator
    from segctl.sendgrid.connection import Mount

PLAIN_KEY = "opensesame-4711"
"""A key that does not look like one."""

SEGMENTS = "/v3/marketing/segments/2.0"
Served: TypeAlias = tuple[int, Mapping[str, str], bytes]


@dataclass(frozen=True)
class Seen:
    """A request as a server received it, with header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


def answer(status: int, data: Any = None, **headers: str) -> Served:
    """Return a response: JSON of data, bytes as they are, an empty body for `None`."""
    body = data if isinstance(data, bytes) else b"" if data is None else json.dumps(data).encode()
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, body


def segment_json(number: int = 1, **fields: Any) -> dict[str, Any]:
    """Return a segment as GET returns it."""
    return {
        "id": f"00000000-0000-4000-8000-{number:012}",
        "name": f"Segment {number}",
        "query_dsl": f"SELECT contact_id, updated_at FROM contact_data WHERE age = {number}",  # noqa: S608
        "query_version": "2",
        "parent_list_ids": None,
        **fields,
    }


@dataclass
class Script:
    """A `Mount` that serves a list of responses, repeats the last, and records the requests."""

    answers: list[Served]
    seen: list[Seen] = field(default_factory=list)

    def __call__(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Served:
        lower = {name.lower(): value for name, value in headers.items()}
        self.seen.append(Seen(method, target, lower, body))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def emulated(emulator: Emulator) -> Mount:
    """Return the mount of an emulator. Faults that break connections need a socket."""

    def mount(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Served:
        reply = emulator.handle(method, target, headers, body)
        return reply.status, dict(reply.headers), reply.body

    return mount


@contextmanager
def scripted(
    *answers: Served, key: str = KEY, clock: FakeClock | None = None, **options: Any
) -> Iterator[tuple[Transport, Script]]:
    """Yield a transport to a script, and the script."""
    script = Script(list(answers))
    with Transport(
        "https://api.sendgrid.com",
        Secret(key),
        clock or FakeClock(),
        mount=script,
        **options,
    ) as transport:
        yield transport, script


@dataclass
class Listener:
    """A socket server that records every request; `answer` may be changed while it runs."""

    url: str
    seen: list[Seen]
    answer: Callable[[Seen], Served]
    connections: list[Any]


@contextmanager
def listening(serve: Callable[[Seen], Served] | None = None) -> Iterator[Listener]:
    """Yield a server of a function on a loopback socket, one thread a connection."""
    state = Listener("", [], serve or (lambda _: answer(200, {"results": []})), [])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            state.connections.append(self.client_address)
            super().setup()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen = Seen(self.command, self.path, headers, self.rfile.read(length))
            state.seen.append(seen)
            status, extra, body = state.answer(seen)
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Say nothing: clients that go away in the middle are what tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
