"""A GitHub of our own: as much of its API as the action speaks to, on a socket."""

from __future__ import annotations

import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

BOT = "github-actions[bot]"
LONGEST = 65_536


@dataclass
class Hub:
    """One repository.

    `faults` are statuses for the next requests, where 0 lets one through; `read_only` refuses
    writes.
    """

    url: str = ""
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    pulls: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    faults: list[int] = field(default_factory=list)
    read_only: bool = False
    seen: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    def say(self, number: int, body: str, login: str = BOT) -> int:
        """Write a comment as somebody does."""
        one = len(self.comments) + 1
        self.comments[one] = {"id": one, "on": number, "body": body, "user": {"login": login}}
        return one

    def on(self, number: int) -> list[str]:
        """Give the comments of a pull request."""
        return [one["body"] for one in self.comments.values() if one["on"] == number]

    def answer(self, method: str, target: str, body: Any) -> tuple[int, Any]:
        """Answer one request."""
        parts = urlsplit(target)
        path = parts.path.removeprefix("/repos/shop/audiences")
        query = {key: value[0] for key, value in parse_qs(parts.query).items()}
        self.seen.append(f"{method} {path}")
        fault = self.faults.pop(0) if self.faults else 0
        if fault:
            return fault, {"message": "fault"}
        if self.read_only and method != "GET":
            return 403, {"message": "Resource not accessible by integration"}
        if body and len(body.get("body", "")) > LONGEST:
            return 422, {"message": "body is too long"}
        return self._route(method, path, query, body)

    def _route(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if found := re.fullmatch(r"/commits/(\w+)/pulls", path):
            return 200, self._page(self.pulls.get(found[1], []), query)
        if found := re.fullmatch(r"/issues/(\d+)/comments", path):
            return self._comments(method, int(found[1]), query, body)
        if found := re.fullmatch(r"/issues/comments/(\d+)", path):
            return self._comment(method, int(found[1]), body)
        if path == "/issues":
            return self._issues(method, query, body)
        if found := re.fullmatch(r"/issues/(\d+)", path):
            self.issues[int(found[1])] |= body
            return 200, self.issues[int(found[1])]
        return 404, {"message": "Not Found"}

    def _page(self, things: list[Any], query: dict[str, str]) -> list[Any]:
        size = int(query.get("per_page", "30"))
        start = (int(query.get("page", "1")) - 1) * size
        return things[start : start + size]

    def _comments(
        self, method: str, number: int, query: dict[str, str], body: Any
    ) -> tuple[int, Any]:
        if method == "POST":
            return 201, self.comments[self.say(number, body["body"])]
        here = [one for one in self.comments.values() if one["on"] == number]
        return 200, self._page(here, query)

    def _comment(self, method: str, one: int, body: Any) -> tuple[int, Any]:
        if method == "DELETE":
            del self.comments[one]
            return 204, None
        self.comments[one] |= body
        return 200, self.comments[one]

    def _issues(self, method: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if method == "POST":
            number = len(self.issues) + 1
            made = {"number": number, "state": "open", "user": {"login": BOT}, **body}
            self.issues[number] = made
            return 201, made
        here = [
            one
            for one in self.issues.values()
            if one["state"] == query["state"] and one["user"]["login"] == query["creator"]
        ]
        return 200, self._page(here, query)


@contextmanager
def serve_hub() -> Iterator[Hub]:
    """Serve an empty repository `shop/audiences`."""
    hub = Hub()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            text = self.rfile.read(length)
            with lock:
                hub.tokens.add(self.headers.get("Authorization", ""))
                status, data = hub.answer(
                    self.command, self.path, json.loads(text) if text else None
                )
            out = b"" if data is None else json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(out)))
            self.end_headers()
            self.wfile.write(out)

        do_GET = do_POST = do_PATCH = do_DELETE = do_any  # noqa: N815 - the library's names

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
