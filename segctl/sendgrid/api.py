"""One method for each operation of the Segments API that segctl uses (sendgrid-api.md §1).

`Reader` cannot write: planning is handed one. `Writer` adds what applying needs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict
from urllib.parse import quote

from segctl.errors import NotFound, UsageError
from segctl.sendgrid import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Unpack

    from segctl.model import Remote, Segment
    from segctl.model.contact_fields import ContactList, Field
    from segctl.model.single_sends import SingleSend
    from segctl.sendgrid.transport import Transport

SEGMENTS = "/v3/marketing/segments/2.0"
V1_SEGMENTS = "/v3/marketing/segments"
"""What is left of the first API: list, get and delete (sendgrid-api.md §5)."""

LISTS = "/v3/marketing/lists"
SINGLE_SENDS = "/v3/marketing/singlesends"
FIELDS = "/v3/marketing/field_definitions"
MAX_PARENT_LISTS = 50
MAX_PAGES = 100
"""An account holds 200 segments (sendgrid-api.md §1) and rarely thousands of Single Sends, of which
a page has a hundred: more pages are a server in a loop."""


class Filters(TypedDict, total=False):
    """What narrows a list of segments, as in both versions of the API (sendgrid-api.md §1).

    `ids` overrides the other two; parent lists, at most 50, and `no_parent_list` add up.
    """

    parent_list_ids: Sequence[str]
    no_parent_list: bool
    ids: Sequence[str]


class Reader:
    """The reading half."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def transport(self) -> Transport:
        """The connection, for who adds something to the operations."""
        return self._transport

    def list_segments(self, **filters: Unpack[Filters]) -> tuple[Remote, ...]:
        """List segments, v1 ones included, without their queries.

        Raises `UsageError` for more than 50 parent lists, and a `RemoteError` for anything but a
        whole, well-formed list.
        """
        return self._segments(SEGMENTS, "list the segments", _params(filters))

    def list_v1_segments(self, **filters: Unpack[Filters]) -> tuple[Remote, ...]:
        """List the v1 segments by the path of the first API, whose filters are the same (§5).

        Whatever it lists has no version there, so a segment that the V2 list has is what that one
        says it is. Raises as `list_segments`.
        """
        return self._segments(V1_SEGMENTS, "list the v1 segments", _params(filters))

    def _segments(
        self, address: str, operation: str, params: Mapping[str, str | list[str]]
    ) -> tuple[Remote, ...]:
        found: dict[str, Remote] = {}
        for item in self._items(address, "results", operation, params):
            one = self._fit_to_show(wire.remote(item, operation))
            if one.id in found:
                raise wire.unexpected(operation, "it lists the same segment twice")
            found[one.id] = one
        return tuple(found.values())

    def list_contact_lists(self) -> tuple[ContactList, ...]:
        """List the contact lists, by which queries and parent lists are named (§4)."""
        from segctl.sendgrid import wire_related  # noqa: PLC0415 - seldom read

        operation = "list the contact lists"
        found = self._items(LISTS, "result", operation, {"page_size": "1000"})
        return tuple(wire_related.contact_list(item, operation) for item in found)

    def list_single_sends(self) -> tuple[SingleSend, ...]:
        """List the Single Sends, without who gets them (sendgrid-api.md §3)."""
        from segctl.sendgrid import wire_related  # noqa: PLC0415 - seldom read

        operation = "list the Single Sends"
        found = self._items(SINGLE_SENDS, "result", operation, {"page_size": "100"})
        return tuple(wire_related.single_send(item, operation) for item in found)

    def get_single_send(self, send_id: str) -> SingleSend:
        """Read one Single Send with who gets it. Raises `NotFound`."""
        from segctl.sendgrid import wire_related  # noqa: PLC0415 - seldom read

        operation = self._transport.clean(f"read Single Send {send_id}")
        answer = self._transport.send("GET", path(send_id, SINGLE_SENDS), operation=operation)
        read = wire_related.audience(answer.data, operation)
        if read.id != send_id:
            raise wire.unexpected(operation, "it is for another Single Send")
        return read

    def list_fields(self) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
        """List the custom and the reserved fields of contacts (sendgrid-api.md §4)."""
        from segctl.sendgrid import wire_related  # noqa: PLC0415 - seldom read

        operation = "list the fields"
        answer = self._transport.send("GET", FIELDS, operation=operation)
        return wire_related.fields(answer.data, operation)

    def _items(
        self, address: str, key: str, operation: str, params: Mapping[str, str | list[str]]
    ) -> Iterator[object]:
        """Read a list item by item; its further pages on the same server alone."""
        for _ in range(MAX_PAGES):
            try:
                answer = self._transport.send("GET", address, operation=operation, params=params)
            except NotFound as error:
                # Every account has these lists: this is no SendGrid.
                raise NotFound(
                    f"could not {operation}: not found on this server",
                    hint="check SEGCTL_BASE_URL",
                    operation=operation,
                    status=error.status,
                    messages=error.messages,
                ) from None
            yield from wire.items(answer.data, key, operation)
            link = wire.next_page(answer.data)
            if link is None:
                return
            following = self._transport.follow(address, link)
            if following is None:
                raise wire.unexpected(operation, "its next page is on another server")
            address, params = following, {}
        raise wire.unexpected(operation, f"it has more than {MAX_PAGES} pages")

    def get_segment(self, segment_id: str, *, v1: bool = False) -> Remote:
        """Read one segment with its query, without any contact. Raises `NotFound`.

        `v1`: by the path of the first API, which knows the segments of that alone; the query is
        SGQL then (sendgrid-api.md §5).
        """
        return self._read(segment_id, wire.definition, v1=v1)

    def lenient(self) -> Reader:
        """Give a reader to which a segment without a query is one: `query` is then `None`.

        For looking at what an account holds. A plan must not take a query that did not come for
        one that is not there.
        """
        return _Lenient(self._transport)

    def _read(self, segment_id: str, shape: Callable[[object, str], Remote], *, v1: bool) -> Remote:
        operation = self._naming("read", segment_id)
        answer = self._transport.send(
            "GET",
            path(segment_id, V1_SEGMENTS if v1 else SEGMENTS),
            operation=operation,
            # v1 documents no such wish; should its answer bring contacts, nobody looks at them.
            params={"contacts_sample": "false"},
        )
        read = shape(answer.data, operation)
        if read.id != segment_id:
            raise wire.unexpected(operation, "it is for another segment")
        return self._fit_to_show(read)

    def _fit_to_show(self, remote: Remote) -> Remote:
        """Clean the server's words on a query, which are as free as those of any error."""
        said = remote.validation_error
        return replace(remote, validation_error=self._transport.clean(said)) if said else remote

    def _naming(self, verb: str, segment_id: str) -> str:
        # The id is the server's own text and ends up in messages.
        return self._transport.clean(f"{verb} segment {segment_id}")


class _Lenient(Reader):
    def get_segment(self, segment_id: str, *, v1: bool = False) -> Remote:
        return self._read(segment_id, wire.remote, v1=v1)


Operation: TypeAlias = Literal["create", "patch", "delete", "refresh"]
"""What is written."""


class Writer(Reader):
    """The reading half and the writing one."""

    def create_segment(self, segment: Segment) -> Remote:
        """Create a segment and give it as the server made it.

        Raises `RemoteError`; where its `ambiguous` is true the segment may exist all the same.
        """
        operation = f"create `{segment.name}`"
        body: dict[str, object] = {"name": segment.name, "query_dsl": segment.query}
        if segment.parent_list_ids:
            body["parent_list_ids"] = list(segment.parent_list_ids)
        answer = self._transport.send("POST", SEGMENTS, operation=operation, body=body)
        return self._fit_to_show(wire.remote(answer.data, operation, written=True))

    def patch_segment(self, segment_id: str, fields: Mapping[str, str]) -> Remote:
        """Change `name` or `query_dsl` or both, and give the segment as it is then.

        Raises `UpdateLocked`, `NotFound` and others; where `ambiguous` is true the segment may
        have changed all the same.
        """
        operation = self._naming("change", segment_id)
        answer = self._transport.send(
            "PATCH", path(segment_id), operation=operation, body=dict(fields)
        )
        changed = self._fit_to_show(wire.remote(answer.data, operation, written=True))
        if changed.id != segment_id:
            raise wire.unexpected(operation, "it is for another segment", written=True)
        return changed

    def delete_segment(self, segment_id: str, *, v1: bool = False) -> None:
        """Delete a segment, of the first API where `v1` says so; its contacts stay.

        Raises `NotFound` and others.
        """
        operation = self._naming("delete", segment_id)
        where = path(segment_id, V1_SEGMENTS if v1 else SEGMENTS)
        self._transport.send("DELETE", where, operation=operation)

    def refresh_segment(self, segment_id: str, time_zone: str) -> None:
        """Ask for contacts to be counted now.

        `time_zone` is an IANA name; its midnight resets the quota of two a segment a day. A 429
        is not waited for: it can mean "tomorrow" (sendgrid-api.md §2).
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
        """Take note of what became of a write whose answers were lost: nothing, here.

        `key` is the name of a segment that was to be created, else its id; `done` says whether the
        account was found to hold what was wanted, `segment_id` under which id.
        """


def _params(filters: Filters) -> dict[str, str | list[str]]:
    """Write the filters of a list of segments. Raises `UsageError` for too many parent lists."""
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
    """Give the path of a thing, whatever its id holds: nothing in it may lead elsewhere."""
    quoted = quote(segment_id, safe="", errors="surrogatepass")
    if not segment_id.strip("."):
        # `quote` lets dots be, and `..` would climb.
        quoted = segment_id.replace(".", "%2E")
    return f"{above}/{quoted}"
