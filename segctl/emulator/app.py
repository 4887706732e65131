"""SendGrid as a state machine: a request goes in, an answer comes out, the state has moved.

`Emulator` takes a request through faults, key, subuser, rate limit and router, in one
transaction. The operations have modules of their own. Never sleeps and opens no socket: latency
and broken connections are written on the `Response`, for its carrier to act out.
"""

from __future__ import annotations

import math
import uuid
from collections import deque
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qs

from segctl.emulator import assumptions, catalogue, downloads, seed
from segctl.emulator.console import Console
from segctl.emulator.faults import Faults
from segctl.emulator.request import Request
from segctl.emulator.response import (
    ACCESS_FORBIDDEN,
    BAD_GRANT,
    TOO_MANY_REQUESTS,
    RefusalError,
    Response,
    refuse,
)
from segctl.emulator.routes import CONTACT_SEARCH, PREFIX, route
from segctl.emulator.settings import ResetStyle, Settings
from segctl.emulator.store import Store
from segctl.emulator.world import put

if TYPE_CHECKING:
    import os
    import sqlite3
    from collections.abc import Callable, Mapping

    from segctl.emulator.world import World

_LOG_LENGTH = 10_000
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One request as it went: never its headers, which hold the key, nor its body.

    `target` lacks the query where that is a signature, which is as good as a key.
    `status` is that of the answer on the wire, 0 where none arrived; `fault` is the kind that
    struck, or `None`.
    """

    method: str
    target: str
    status: int
    fault: str | None = None


class Emulator:
    """An emulated account with its subusers. Safe to request from several threads.

    `path` is the state file, shared with any other process that opens it; `None` keeps the
    state in memory. `now` gives the time, with a zone. `new_id` makes the ids of segments and
    jobs. Raises `StateError` when the file cannot be used.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        settings: Settings | None = None,
        *,
        now: Callable[[], datetime] | None = None,
        new_id: Callable[[], str] | None = None,
    ) -> None:
        self.settings = assumptions.applied(Settings() if settings is None else settings)
        self.faults = Faults()
        self._now = _utc_now if now is None else now
        self._new_id = _random_id if new_id is None else new_id
        self._log: deque[LogEntry] = deque(maxlen=_LOG_LENGTH)
        self._store = Store(path)

    @property
    def log(self) -> tuple[LogEntry, ...]:
        """Return the last 10,000 requests of this object, oldest first."""
        return tuple(self._log)

    def clear_log(self) -> None:
        """Forget the requests so far."""
        self._log.clear()

    @property
    def console(self) -> Console:
        """Return the web interface of the parent account."""
        return self.console_of("")

    def console_of(self, subuser: str) -> Console:
        """Return the web interface of a subuser's account, empty until something is put there."""
        return Console(self._store.transaction, subuser, self._seconds)

    def seed(self, subuser: str = "") -> bool:
        """Put the small world of `world` into an account that holds nothing yet.

        Returns whether it did. Safe against another process that does the same.
        """
        with self._store.transaction() as db:
            if not catalogue.is_empty(db, subuser):
                return False
            now = self._seconds()
            seed.seed_account(Console(lambda: nullcontext(db), subuser, lambda: now), now)
        return True

    def put(self, world: World) -> None:
        """Put a world into the accounts that hold nothing yet, and take its keys and plans.

        Raises `ValueError` or `LookupError` for what an account does not allow.
        """
        self.settings = world.settings(self.settings)
        with self._store.transaction() as db:
            put(db, world, self._seconds())

    def handle(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Response:
        """Answer one request; `target` is the path with its query string.

        Names of headers may have any case. Raises `StateError` when the state file fails.
        """
        method = method.upper()
        path, _, query = target.partition("?")
        fault = self.faults.strike(method, path)
        fields = {name.lower(): value for name, value in headers.items()}
        response = None
        if fault is None or fault.acts:
            response = self._act(method, path, query, fields, body)
            response = replace(response, delay=self.settings.latency)
        if fault is not None:
            limit = self.settings.rate_limit or 0
            response = fault.spoil(response, now=self._seconds(), limit=limit)
        assert response is not None  # noqa: S101 - one of the two branches has run.
        response = self.with_rate_headers(response, path, fields.get("on-behalf-of", ""))
        date = ("Date", format_datetime(self._now().astimezone(UTC), usegmt=True))
        response = replace(response, headers=(date, *response.headers))
        kind = None if fault is None else fault.kind.value
        target = path if path.startswith(downloads.FILES) else target
        self._log.append(LogEntry(method, target, response.status, kind))
        return response

    def with_rate_headers(self, response: Response, path: str, account: str = "") -> Response:
        """Return a response with the rate headers, which every one has (§2), files apart.

        A request that was answered before it was counted, by a fault or for its body, is not
        counted. Raises `StateError`.
        """
        has_them = response.header("X-RateLimit-Limit") is not None
        if has_them or self.settings.rate_limit is None or path.startswith(downloads.FILES):
            return response
        now = self._seconds()
        with self._store.transaction() as db:
            row = db.execute(
                "SELECT used FROM rate WHERE account = ? AND window = ?",
                (_bucket(account, path), math.floor(now / self.settings.rate_window)),
            ).fetchone()
        rate = self._rate_headers(self._limit(path), 0 if row is None else row["used"], now)
        return replace(response, headers=response.headers + rate)

    def close(self) -> None:
        """Close the state; twice is fine."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _seconds(self) -> float:
        return (self._now() - _EPOCH).total_seconds()

    def _act(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> Response:
        with self._store.transaction() as db:
            now = self._seconds()
            if path.startswith(downloads.FILES):
                return downloads.fetch(db, method, f"{path}?{query}", headers, now)
            used = 0
            account = headers.get("on-behalf-of", "")
            limit = self._limit(path)
            try:
                assumptions.check_host(self.settings.flipped, headers.get("host", ""), path)
                key = self._key(headers.get("authorization", ""))
                account = self._account(key, account)
                if path.startswith(PREFIX):
                    used = self._count(db, _bucket(account, path), now)
                    self._check_rate(used, limit)
                _check_accept(headers.get("accept", ""))
                if key in self.settings.read_only_keys and method != "GET":
                    raise refuse(ACCESS_FORBIDDEN, status=HTTPStatus.FORBIDDEN)
                request = Request(
                    settings=self.settings,
                    db=db,
                    account=account,
                    now=now,
                    origin=self.settings.origin or _origin(headers.get("host", "")),
                    path=path,
                    params=parse_qs(query, keep_blank_values=True),
                    body=body,
                    new_id=self._new_id,
                )
                response = assumptions.respond(request, method, route)
            except RefusalError as refusal:
                response = refusal.response
            rate = self._rate_headers(limit, used, now)
            return replace(response, headers=response.headers + rate)

    def _key(self, authorization: str) -> str:
        """Return the bearer token. Without one, or with one that is not accepted, it is a 401."""
        scheme, _, key = authorization.strip().partition(" ")
        key = key.strip()
        keys = self.settings.keys
        accepted = keys is None or key in keys or key in self.settings.read_only_keys
        if scheme.lower() != "bearer" or not key or not accepted:
            raise refuse(BAD_GRANT, status=HTTPStatus.UNAUTHORIZED)
        return key

    def _account(self, key: str, subuser: str) -> str:
        """Return the account a request is about, empty for the parent account.

        A subuser that is unknown, or that the key does not belong to, is answered as an account
        without access (guessed).
        """
        own = self.settings.key_accounts.get(key, "")
        known = self.settings.subusers
        is_foreign = own and subuser not in ("", own)
        if is_foreign or (subuser and known is not None and subuser not in known):
            raise refuse(ACCESS_FORBIDDEN, status=HTTPStatus.FORBIDDEN)
        return own or subuser

    def _limit(self, path: str) -> int | None:
        limit = self.settings.rate_limit
        if limit is None or path != CONTACT_SEARCH:
            return limit
        return min(limit, self.settings.search_rate_limit)

    def _count(self, db: sqlite3.Connection, bucket: str, now: float) -> int:
        """Count a request in a bucket; return how many its window has seen."""
        (used,) = db.execute(
            "INSERT INTO rate (account, window, used) VALUES (?, ?, 1) "
            "ON CONFLICT (account) DO UPDATE SET window = excluded.window, "
            "used = CASE WHEN window = excluded.window THEN used + 1 ELSE 1 END RETURNING used",
            (bucket, math.floor(now / self.settings.rate_window)),
        ).fetchone()
        return int(used)

    def _check_rate(self, used: int, limit: int | None) -> None:
        """Answer what exceeds the limit with a 429, whose body may be empty (observed)."""
        if limit is None or used <= limit:
            return
        if not self.settings.rate_limit_body:
            raise RefusalError(Response(HTTPStatus.TOO_MANY_REQUESTS))
        raise refuse(TOO_MANY_REQUESTS, status=HTTPStatus.TOO_MANY_REQUESTS)

    def _rate_headers(
        self, limit: int | None, used: int, now: float
    ) -> tuple[tuple[str, str], ...]:
        if limit is None:
            return ()
        window = self.settings.rate_window
        end = (math.floor(now / window) + 1) * window
        reset = end if self.settings.reset_style is ResetStyle.EPOCH else end - now
        return (
            ("X-RateLimit-Limit", str(limit)),
            ("X-RateLimit-Remaining", str(max(0, limit - used))),
            ("X-RateLimit-Reset", str(math.ceil(reset))),
        )


def _check_accept(accept: str) -> None:
    """Answer 406 unless JSON is acceptable; the body is guessed."""
    ranges = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    if not {"application/json", "application/*", "*/*"}.intersection(ranges):
        raise refuse("Accept must allow application/json", status=HTTPStatus.NOT_ACCEPTABLE)


def _origin(host: str) -> str:
    """Return the scheme and host of links: `http` on loopback, `https` anywhere else."""
    name = host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host
    name = name if name.startswith("[") else name.partition(":")[0]
    if not host:
        return "https://api.sendgrid.com"
    return f"http://{host}" if name in _LOOPBACK else f"https://{host}"


def _bucket(account: str, path: str) -> str:
    """Return what a request is counted under: the account, with searches apart (observed)."""
    return f"{account}\nsearch" if path == CONTACT_SEARCH else account


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _random_id() -> str:
    return str(uuid.uuid4())
