"""The operations of the Segments API that segctl uses (sendgrid-api.md §1), one method each.

`Reader` cannot write, and planning only gets a `Reader`; `Writer` adds what applying needs. Does
not retry and does not interpret statuses: `transport.py` does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict
from urllib.parse import quote

from segctl.errors import BadRequest, NotFound, UsageError
from segctl.sendgrid import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import Unpack

    from segctl.model import Remote, Segment
    from segctl.model.automations import Automation
    from segctl.model.contact_fields import ContactList, Field
    from segctl.model.single_sends import SingleSend
    from segctl.sendgrid.transport import Transport

SEGMENTS = "/v3/marketing/segments/2.0"
V1_SEGMENTS = "/v3/marketing/segments"
"""What remains of the first API: list, get and delete (sendgrid-api.md §5)."""

LISTS = "/v3/marketing/lists"
SINGLE_SENDS = "/v3/marketing/singlesends"
AUTOMATIONS = "/v3/marketing/automations"
"""Undocumented (sendgrid-api.md §3)."""

AUTOMATIONS_PER_PAGE = 50
FIELDS = "/v3/marketing/field_definitions"
MAX_PARENT_LISTS = 50
MAX_PAGES = 100
"""An account holds 200 segments (sendgrid-api.md §1) and rarely thousands of Single Sends, at a
hundred per page: more pages mean that the server loops."""

MAX_ITEMS = 100_000
"""Items of all pages of a list together."""


class Filters(TypedDict, total=False):
    """The filters of a list of segments, the same in both versions of the API (sendgrid-api.md §1).

    `ids` overrides the other two; parent lists, at most 50, and `no_parent_list` add up.
    """

    parent_list_ids: Sequence[str]
    no_parent_list: bool
    ids: Sequence[str]


class Reader:
    """The operations that only read."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def transport(self) -> Transport:
        """The connection, for subclasses and wrappers."""
        return self._transport

    @property
    def server_time(self) -> datetime | None:
        """The earliest time of a response by the server's clock, `None` where none had one."""
        return self._transport.server_time

    def list_segments(self, **filters: Unpack[Filters]) -> tuple[Remote, ...]:
        """Return all segments, v1 ones included, without their queries.

        Raises `UsageError` for more than 50 parent lists, and a `RemoteError` unless the list is
        complete and well-formed.
        """
        return self._filtered(SEGMENTS, "list the segments", filters)

    def list_v1_segments(self, **filters: Unpack[Filters]) -> tuple[Remote, ...]:
        """Return the v1 segments from the path of the first API, which has the same filters (§5).

        That path returns no versions; where the V2 list has a segment too, its version counts.
        Raises as `list_segments` does.
        """
        return self._filtered(V1_SEGMENTS, "list the v1 segments", filters)

    def _filtered(self, address: str, operation: str, filters: Filters) -> tuple[Remote, ...]:
        """Return what the filters select; by ids, whatever the server makes of several ids.

        How it reads them is not known: repeated, with commas, as `ids[]=`, or only the first.
        """
        segments = self._segments(address, operation, _params(filters))
        ids = frozenset(filters.get("ids", ()))
        if not ids:
            return segments
        if len(ids) > 1 and not ids.issubset(segment.id for segment in segments):
            segments = self._segments(address, operation, {})
        return tuple(segment for segment in segments if segment.id in ids)

    def _segments(
        self, address: str, operation: str, params: Mapping[str, str | list[str]]
    ) -> tuple[Remote, ...]:
        segments: dict[str, Remote] = {}
        for item in self._items(address, "results", operation, params):
            nameless = wire.nameless_v1(item, is_v1=address == V1_SEGMENTS)
            if nameless is not None:
                # Names identify segments, so no file can mean it, and nothing is done to it.
                self._transport.notify_once(
                    f"v1 segment {self._transport.sanitize(nameless)} has no name: left out"
                )
                continue
            segment = self._sanitized(wire.remote(item, operation))
            if segment.id in segments:
                raise wire.unexpected(operation, "it lists the same segment twice")
            segments[segment.id] = segment
        return tuple(segments.values())

    def list_contact_lists(self) -> tuple[ContactList, ...]:
        """Return the contact lists, to which queries and parent lists refer (§4)."""
        from segctl.sendgrid import wire_related  # noqa: PLC0415 - seldom read

        operation = "list the contact lists"
        items = self._items(LISTS, "result", operation, {"page_size": "1000"})
        return tuple(wire_related.contact_list(item, operation) for item in items)

    def list_single_sends(self) -> tuple[SingleSend, ...]:
        """Return the Single Sends, without their audiences (sendgrid-api.md §3)."""
        from segctl.sendgrid import wire_related  # noqa: PLC0415 - seldom read

        operation = "list the Single Sends"
        try:
            items = [*self._items(SINGLE_SENDS, "result", operation, {"page_size": "1000"})]
        except BadRequest:
            # No maximum is documented, as it is for lists.
            items = [*self._items(SINGLE_SENDS, "result", operation, {"page_size": "100"})]
        return tuple(wire_related.single_send(item, operation) for item in items)

    def get_single_send(self, send_id: str) -> SingleSend:
        """Return one Single Send with its audience. Raises `NotFound`."""
        from segctl.sendgrid import wire_related  # noqa: PLC0415 - seldom read

        operation = self._transport.sanitize(f"read Single Send {send_id}")
        answer = self._transport.send("GET", path(send_id, SINGLE_SENDS), operation=operation)
        send = wire_related.audience(answer.data, operation)
        if send.id != send_id:
            raise wire.unexpected(operation, "it is for another Single Send")
        return send

    def list_automation_ids(self) -> tuple[str, ...]:
        """Return the ids of all automations. Raises `RemoteError` unless the list is complete.

        The API is undocumented and may serve fewer in a page than asked for, so only an empty page
        is the last one. No failure is waited for: it can be permanent.
        """
        from segctl.sendgrid import wire_automations  # noqa: PLC0415 - only where they are observed

        operation, ids = "list the automations", list[str]()
        for _ in range(MAX_PAGES):
            params = {"offset": str(len(ids)), "limit": str(AUTOMATIONS_PER_PAGE)}
            answer = self._transport.send(
                "GET", AUTOMATIONS, operation=operation, params=params, patient=False
            )
            page = wire_automations.page(answer.data, operation)
            if not page:
                return tuple(ids)
            ids += page
            if len(set(ids)) != len(ids):
                raise wire.unexpected(operation, "it lists the same automation twice")
        raise wire.unexpected(operation, f"it has more than {MAX_PAGES} pages")

    def get_automation(self, automation_id: str) -> Automation:
        """Return one automation with the segments that it uses. Raises `RemoteError`."""
        from segctl.sendgrid import wire_automations  # noqa: PLC0415 - only where they are observed

        operation = self._transport.sanitize(f"read automation {automation_id}")
        answer = self._transport.send(
            "GET", path(automation_id, AUTOMATIONS), operation=operation, patient=False
        )
        automation = wire_automations.automation(answer.data, operation)
        if automation.id != automation_id:
            raise wire.unexpected(operation, "it is for another automation")
        return automation

    def list_fields(self) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
        """Return the custom and the reserved fields of contacts (sendgrid-api.md §4)."""
        from segctl.sendgrid import wire_related  # noqa: PLC0415 - seldom read

        operation = "list the fields"
        answer = self._transport.send("GET", FIELDS, operation=operation)
        return wire_related.fields(answer.data, operation)

    def _items(
        self, address: str, key: str, operation: str, params: Mapping[str, str | list[str]]
    ) -> Iterator[object]:
        """Yield the items of a list; further pages are only read from the same server."""
        count = 0
        for _ in range(MAX_PAGES):
            try:
                answer = self._transport.send("GET", address, operation=operation, params=params)
            except NotFound as error:
                # Every account has these lists, so this server is not SendGrid.
                raise NotFound(
                    f"could not {operation}: not found on this server",
                    hint="check SEGCTL_BASE_URL",
                    operation=operation,
                    status=error.status,
                    messages=error.messages,
                ) from None
            items = wire.items(answer.data, key, operation)
            count += len(items)
            if count > MAX_ITEMS:
                raise wire.unexpected(operation, f"it has more than {MAX_ITEMS:,} items")
            yield from items
            link = wire.next_page(answer.data)
            if link is None:
                return
            following = self._transport.follow(address, link)
            if following is None:
                raise wire.unexpected(operation, "its next page is on another server")
            address, params = following, {}
        raise wire.unexpected(operation, f"it has more than {MAX_PAGES} pages")

    def get_segment(self, segment_id: str, *, v1: bool = False) -> Remote:
        """Return one segment with its query, without any contact. Raises `NotFound`.

        `v1`: from the path of the first API, which returns only its own segments, with SGQL queries
        (sendgrid-api.md §5).
        """
        return self._read(segment_id, wire.definition, v1=v1)

    def lenient(self) -> Reader:
        """Return a reader that accepts segments without a query: `query` is `None` then.

        For displaying an account. A plan must not take a query missing from the response for an
        empty one.
        """
        return _Lenient(self._transport)

    def _read(self, segment_id: str, parse: Callable[[object, str], Remote], *, v1: bool) -> Remote:
        operation = self._naming("read", segment_id)
        answer = self._transport.send(
            "GET",
            path(segment_id, V1_SEGMENTS if v1 else SEGMENTS),
            operation=operation,
            # v1 documents no such parameter; contacts in its response are ignored.
            params={"contacts_sample": "false"},
        )
        segment = parse(answer.data, operation)
        if segment.id != segment_id:
            raise wire.unexpected(operation, "it is for another segment")
        return self._sanitized(segment)

    def _sanitized(self, remote: Remote) -> Remote:
        """Return the segment with a sanitized `validation_error`, which is free text."""
        message = remote.validation_error
        if not message:
            return remote
        return replace(remote, validation_error=self._transport.sanitize(message))

    def _naming(self, verb: str, segment_id: str) -> str:
        # The id comes from the server and appears in messages.
        return self._transport.sanitize(f"{verb} segment {segment_id}")


class _Lenient(Reader):
    def get_segment(self, segment_id: str, *, v1: bool = False) -> Remote:
        return self._read(segment_id, wire.remote, v1=v1)


Operation: TypeAlias = Literal["create", "patch", "delete", "refresh"]
"""The kinds of writes."""


class Writer(Reader):
    """The operations that read and those that write."""

    def create_segment(self, segment: Segment) -> Remote:
        """Create a segment and return it as the server stored it.

        Raises `RemoteError`; where its `ambiguous` is true, the segment may exist all the same.
        """
        operation = f"create `{segment.name}`"
        body: dict[str, object] = {"name": segment.name, "query_dsl": segment.query}
        if segment.parent_list_ids:
            body["parent_list_ids"] = list(segment.parent_list_ids)
        try:
            answer = self._transport.send("POST", SEGMENTS, operation=operation, body=body)
        except NotFound as error:
            raise _nothing_to_create_in(segment, error) from None
        return self._sanitized(wire.remote(answer.data, operation, written=True))

    def patch_segment(self, segment_id: str, fields: Mapping[str, str]) -> Remote:
        """Change `name`, `query_dsl` or both, and return the changed segment.

        Raises `UpdateLocked`, `NotFound` and other `RemoteError`s; where `ambiguous` is true, the
        segment may have changed all the same.
        """
        operation = self._naming("change", segment_id)
        answer = self._transport.send(
            "PATCH", path(segment_id), operation=operation, body=dict(fields)
        )
        changed = self._sanitized(wire.remote(answer.data, operation, written=True))
        if changed.id != segment_id:
            raise wire.unexpected(operation, "it is for another segment", written=True)
        return changed

    def delete_segment(self, segment_id: str, *, v1: bool = False) -> None:
        """Delete a segment, with `v1` one of the first API; its contacts stay.

        Raises `NotFound` and other `RemoteError`s.
        """
        operation = self._naming("delete", segment_id)
        address = path(segment_id, V1_SEGMENTS if v1 else SEGMENTS)
        self._transport.send("DELETE", address, operation=operation)

    def refresh_segment(self, segment_id: str, time_zone: str) -> None:
        """Request a count of the contacts now.

        `time_zone` is an IANA name; its midnight resets the quota of two refreshes per segment and
        day. A 429 is not waited for: it can mean "tomorrow" (sendgrid-api.md §2).
        """
        self._transport.send(
            "POST",
            path(segment_id, f"{SEGMENTS}/refresh"),
            operation=self._naming("refresh", segment_id),
            body={"user_time_zone": time_zone},
            patient=False,
        )

    def record_result(
        self, operation: Operation, key: str, *, done: bool, segment_id: str | None = None
    ) -> None:
        """Record the result of a write whose responses were lost; does nothing in this class.

        `key` is the name of a segment to create, else its id. `done`: whether the account was found
        to hold the desired definition, under `segment_id` where that is known.
        """


def _nothing_to_create_in(segment: Segment, error: NotFound) -> NotFound:
    """Return the error for a 404 to a create, which has no id that could be missing."""
    if segment.parent_list_ids:
        what = f"its parent list {', '.join(segment.parent_list_ids)} may have been deleted"
        hint = "check `parent_list_ids` in its file against the account's lists"
    else:
        what, hint = "it has no parent list that could be missing", "check SEGCTL_BASE_URL"
    return NotFound(
        f"{error.message}; {what}",
        hint=hint,
        operation=error.operation,
        status=error.status,
        messages=error.messages,
    )


def _params(filters: Filters) -> dict[str, str | list[str]]:
    """Return the query parameters of filters. Raises `UsageError` for too many parent lists."""
    parents = filters.get("parent_list_ids", ())
    if len(parents) > MAX_PARENT_LISTS:
        raise UsageError(
            f"{len(parents)} parent lists to filter by, more than the limit of {MAX_PARENT_LISTS}"
        )
    params: dict[str, str | list[str]] = {}
    if parents:
        params["parent_list_ids"] = ",".join(parents)
    if filters.get("no_parent_list"):
        params["no_parent_list_id"] = "true"
    if filters.get("ids"):
        params["ids"] = list(filters["ids"])
    return params


def path(segment_id: str, above: str = SEGMENTS) -> str:
    """Return the path of a resource, escaped so that an id cannot lead to another path."""
    quoted = quote(segment_id, safe="", errors="surrogatepass")
    if not segment_id.strip("."):
        # `quote` keeps dots, and `..` would climb.
        quoted = segment_id.replace(".", "%2E")
    return f"{above}/{quoted}"
