"""The requests of a probe: any read, and writes to segments that it created, to no other.

`GuardedTransport` is the only way out. It refuses every write to an id that is not in the record,
whatever the code above it believes. Draws no conclusions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from segctl.errors import (
    BadRequest,
    Forbidden,
    NotFound,
    RemoteError,
    Unauthorized,
    UpdateLocked,
)
from segctl.sendgrid.api import SEGMENTS, Reader, path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from segctl.common.clock import Clock
    from segctl.common.stopping import Stop
    from segctl.model import Remote
    from segctl.probing.record import ProbeRecord
    from segctl.sendgrid.rate_limit_headers import RateLimitHeaders
    from segctl.sendgrid.transport import Answer, Transport

T = TypeVar("T")

LOOK_UP_PAUSES = (0.0, 2.0, 3.0, 5.0, 10.0, 20.0, 20.0)
"""Seconds before each look for a segment whose creation had no clear answer."""


MOST_UNANSWERED = 4
"""Requests in a row without a clear answer, each tried several times, after which a probe ends."""

INTERRUPTED = "interrupted"
UNANSWERED = "SendGrid stopped answering"


class ProbeStopped(Exception):
    """The trials are over, because someone asked to stop or SendGrid no longer answers."""


class GuardedTransport:
    """A transport that writes to nothing but the segments of a record."""

    def __init__(self, transport: Transport, record: ProbeRecord) -> None:
        self._transport = transport
        self._record = record

    def send(
        self,
        method: str,
        url: str,
        *,
        operation: str,
        params: Mapping[str, str | list[str]] | None = None,
        body: Any = None,
    ) -> Answer:
        """Send a request. Raises `RuntimeError` for a write to what no probe created."""
        if method != "GET" and not self._is_own(method, url, body):
            raise RuntimeError("a probe was about to change a segment that it did not create")
        return self._transport.send(method, url, operation=operation, params=params, body=body)

    def _is_own(self, method: str, url: str, body: Any) -> bool:
        if method == "POST":
            return url == SEGMENTS and self._record.expects(body["name"])
        return method in ("PATCH", "DELETE") and url in {path(id_) for id_ in self._record.ids}


@dataclass(frozen=True, slots=True)
class Reply:
    """What SendGrid answered to a request that was sent and answered at these times (monotonic).

    `status` is `None` without a clear answer; `failure` says why, and `ambiguous` whether SendGrid
    may have acted. `text` is its message. `locked`: the update came too soon, by its text.
    """

    status: int | None
    sent: float
    answered: float
    data: Any = None
    text: str = ""
    locked: bool = False
    failure: str = ""
    ambiguous: bool = False

    @property
    def is_success(self) -> bool:
        """Whether it was carried out."""
        return self.status is not None and self.status < 300  # noqa: PLR2004

    @property
    def reason(self) -> str:
        """Why nothing can be learnt from it."""
        return self.failure or f"{self.status}: {self.text}"


@dataclass(frozen=True, slots=True)
class Created:
    """A segment of this probe. `reply` is the answer to its creation, which may have been lost."""

    id: str
    name: str
    query: str
    reply: Reply


class ProbeAccount:
    """The account, as a probe uses it. `prefix` begins the names of this run.

    `limits` has the rate limit of every success, `None` where it had no headers.
    """

    def __init__(
        self,
        transport: Transport,
        record: ProbeRecord,
        clock: Clock,
        stop: Stop,
        *,
        prefix: str,
        others: frozenset[str],
    ) -> None:
        self.record = record
        self.prefix = prefix
        self.limits: list[RateLimitHeaders | None] = []
        self._transport = GuardedTransport(transport, record)
        self._reader = Reader(transport)
        self._sanitize = transport.sanitize
        self._clock = clock
        self._stop = stop
        self._others = others
        self._unanswered = 0

    @property
    def now(self) -> float:
        """Monotonic seconds."""
        return self._clock.monotonic()

    def sanitize(self, text: str) -> str:
        """Return a text of the server fit for a report."""
        return self._sanitize(text)

    def check_stop(self) -> None:
        """Raise `ProbeStopped` if someone asked to stop, or too many requests had no answer."""
        if self._stop.requested:
            raise ProbeStopped(INTERRUPTED)
        if self._unanswered >= MOST_UNANSWERED:
            raise ProbeStopped(UNANSWERED)

    def sleep(self, seconds: float) -> None:
        """Wait. Raises `ProbeStopped`."""
        self.check_stop()
        if seconds > 0:
            self._stop.sleep(seconds, self._clock)
        self.check_stop()

    def ask(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str | list[str]] | None = None,
        body: Any = None,
    ) -> Reply:
        """Send a request and return the answer; an error is a reply as well."""
        sent = self.now
        operation = f"{method} {url.removeprefix('/v3/marketing/').partition('/')[0]}"
        try:
            answer = self._transport.send(
                method, url, operation=operation, params=params, body=body
            )
        except RemoteError as error:
            reply = _failed(error, sent, self.now)
            self._unanswered = self._unanswered + 1 if reply.status is None else 0
            return reply
        self._unanswered = 0
        self.limits.append(answer.limits)
        return Reply(answer.status, sent, self.now, data=answer.data)

    def segments(self) -> dict[str, Remote]:
        """Return every segment by id. Raises `RemoteError`."""
        return {segment.id: segment for segment in self._counted(self._reader.list_segments)}

    def segment(self, segment_id: str) -> Remote:
        """Return one segment. Raises `RemoteError`."""
        return self._counted(lambda: self._reader.get_segment(segment_id))

    def _counted(self, read: Callable[[], T]) -> T:
        """Return what is read, and count requests without an answer."""
        try:
            result = read()
        except RemoteError as error:
            self._unanswered = self._unanswered + 1 if error.status is None else 0
            raise
        self._unanswered = 0
        return result

    def create(self, name: str, query: str) -> Created | Reply:
        """Create a segment; return the answer where it was not created, or may not have been."""
        self.check_stop()
        self.record.intend(name)
        reply = self.ask("POST", SEGMENTS, body={"name": name, "query_dsl": query})
        segment_id = self._new_id(reply.data, name) if reply.is_success else None
        if segment_id is None:
            if not (reply.is_success or reply.ambiguous):
                self.record.forget(name)
                return reply
            segment_id = self.look_up(name)
            if segment_id is None:
                return Reply(
                    None,
                    reply.sent,
                    self.now,
                    failure=reply.failure or "the answer to the creation is unusable",
                    ambiguous=True,
                )
            reply = Reply(
                None, reply.sent, self.now, failure=reply.failure or "its answer is unusable"
            )
        self.record.created(name, segment_id)
        return Created(segment_id, name, query, reply)

    def _new_id(self, data: Any, name: str) -> str | None:
        """Return the id in the answer to a creation, unless it could be that of another segment."""
        segment_id = data.get("id") if isinstance(data, dict) else None
        if not isinstance(segment_id, str) or not segment_id or data.get("name") != name:
            return None
        return segment_id if self.is_new(segment_id) else None

    def is_new(self, segment_id: str) -> bool:
        """Return whether a segment can be one that a probe created."""
        return segment_id not in self._others and segment_id not in self.record.ids

    def look_up(self, name: str) -> str | None:
        """Return the id of the segment with a name of this probe; look for it for a while.

        `None` if it is not in the list, the account cannot be read, or someone asks to stop.
        """
        for pause in LOOK_UP_PAUSES:
            if pause and not self._stop.requested:
                self._stop.sleep(pause, self._clock)
            segment_id = self.find(name)
            if segment_id is not None or self._stop.requested:
                return segment_id
        return None

    def find(self, name: str) -> str | None:
        """Look once; see `look_up`."""
        try:
            listed = self.segments()
        except RemoteError:
            return None
        ids = [segment.id for segment in listed.values() if segment.name == name]
        return ids[0] if len(ids) == 1 and self.is_new(ids[0]) else None


def _failed(error: RemoteError, sent: float, answered: float) -> Reply:
    text = "; ".join(error.messages)
    # What a proxy answers says nothing about SendGrid, and it has no message.
    is_clear = isinstance(error, BadRequest | NotFound) and (text or isinstance(error, NotFound))
    if is_clear or isinstance(error, Forbidden | Unauthorized):
        is_locked = isinstance(error, UpdateLocked)
        return Reply(error.status, sent, answered, text=text, locked=is_locked)
    return Reply(None, sent, answered, failure=error.message, ambiguous=error.ambiguous)
