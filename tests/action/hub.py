"""A fake GitHub: the part of its API that the action uses, on a socket."""

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
MAX_BODY = 65_536
HEAD = "ad" * 20
"""The last commit of the pull request under review."""


@dataclass
class Hub:
    """A repository.

    `faults` are statuses for the next requests, where 0 lets one succeed. `read_only` refuses
    writes.
    """

    url: str = ""
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    pulls: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    reviews: list[dict[str, Any]] = field(default_factory=list)
    permissions: dict[str, str] = field(default_factory=dict)
    minutes: int = 0
    faults: list[int] = field(default_factory=list)
    read_only: bool = False
    requests: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    def add_comment(self, number: int, body: str, login: str = BOT) -> int:
        """Write a comment on a pull request and return its id."""
        comment_id = len(self.comments) + 1
        user = {"login": login}
        self.comments[comment_id] = {
            "id": comment_id,
            "on": number,
            "body": body,
            "user": user,
            "updated_at": self.time(),
        }
        return comment_id

    def time(self) -> str:
        """Return a time later than every earlier one, as GitHub writes it."""
        self.minutes += 1
        return f"2026-07-15T{self.minutes // 60:02}:{self.minutes % 60:02}:00Z"

    def merge(self, number: int, commit: str, *, head: str = HEAD, base: str = "main") -> None:
        """Record that a commit merged a pull request."""
        self.pulls.setdefault(commit, []).append(
            {
                "number": number,
                "merged_at": self.time(),
                "merge_commit_sha": commit,
                "head": {"sha": head},
                "base": {"ref": base, "repo": {"full_name": "shop/audiences"}},
            }
        )

    def review(
        self,
        login: str,
        state: str = "APPROVED",
        *,
        commit: str = HEAD,
        permission: str = "write",
        kind: str = "User",
    ) -> None:
        """Record a review of the pull request, by someone with this permission."""
        self.permissions[login] = permission
        self.reviews.append(
            {
                "user": {"login": login, "type": kind},
                "state": state,
                "commit_id": commit,
                "submitted_at": self.time(),
            }
        )

    def comments_on(self, number: int) -> list[str]:
        """Return the bodies of the comments on a pull request."""
        return [comment["body"] for comment in self.comments.values() if comment["on"] == number]

    def respond(self, method: str, target: str, body: Any) -> tuple[int, Any]:
        """Return the status and the body of the response to a request."""
        parts = urlsplit(target)
        path = parts.path.removeprefix("/repos/shop/audiences")
        query = {key: value[0] for key, value in parse_qs(parts.query).items()}
        self.requests.append(f"{method} {path}")
        fault = self.faults.pop(0) if self.faults else 0
        if fault:
            return fault, {"message": "fault"}
        if self.read_only and method != "GET":
            return 403, {"message": "Resource not accessible by integration"}
        if body and len(body.get("body", "")) > MAX_BODY:
            return 422, {"message": "body is too long"}
        return self._route(method, path, query, body)

    def _route(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if path.startswith(("/commits/", "/pulls/", "/collaborators/")):
            return 200, self._approval(path, query)
        if match := re.fullmatch(r"/issues/(\d+)/comments", path):
            return self._comments(method, int(match[1]), query, body)
        if match := re.fullmatch(r"/issues/comments/(\d+)", path):
            return self._comment(method, int(match[1]), body)
        if path == "/issues":
            return self._issues(method, query, body)
        if match := re.fullmatch(r"/issues/(\d+)", path):
            self.issues[int(match[1])] |= body
            return 200, self.issues[int(match[1])]
        return 404, {"message": "Not Found"}

    def _approval(self, path: str, query: dict[str, str]) -> Any:
        """Return what GitHub knows of merges, reviews and permissions."""
        if match := re.fullmatch(r"/commits/(\w+)/pulls", path):
            return self._page(self.pulls.get(match[1], []), query)
        if match := re.fullmatch(r"/collaborators/([\w-]+)/permission", path):
            return {"permission": self.permissions[match[1]]}
        assert path == "/pulls/7/reviews"
        return self._page(self.reviews, query)

    def _page(self, items: list[Any], query: dict[str, str]) -> list[Any]:
        size = int(query.get("per_page", "30"))
        start = (int(query.get("page", "1")) - 1) * size
        return items[start : start + size]

    def _comments(
        self, method: str, number: int, query: dict[str, str], body: Any
    ) -> tuple[int, Any]:
        if method == "POST":
            return 201, self.comments[self.add_comment(number, body["body"])]
        comments = [comment for comment in self.comments.values() if comment["on"] == number]
        return 200, self._page(comments, query)

    def _comment(self, method: str, comment_id: int, body: Any) -> tuple[int, Any]:
        if method == "DELETE":
            del self.comments[comment_id]
            return 204, None
        self.comments[comment_id] |= {**body, "updated_at": self.time()}
        return 200, self.comments[comment_id]

    def _issues(self, method: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if method == "POST":
            number = len(self.issues) + 1
            issue = {"number": number, "state": "open", "user": {"login": BOT}, **body}
            self.issues[number] = issue
            return 201, issue
        issues = [
            issue
            for issue in self.issues.values()
            if issue["state"] == query["state"] and issue["user"]["login"] == query["creator"]
        ]
        return 200, self._page(issues, query)


@contextmanager
def serve_hub() -> Iterator[Hub]:
    """Serve an empty repository, `shop/audiences`."""
    hub = Hub()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            text = self.rfile.read(length)
            with lock:
                hub.tokens.add(self.headers.get("Authorization", ""))
                status, data = hub.respond(
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
