"""One method for each operation of the Segments API that segctl uses (sendgrid-api.md §1).

`Reader` cannot write: planning is handed one. `Writer` adds what applying needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from segctl.errors import UsageError
from segctl.sendgrid import wire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segctl.model import Remote, Segment
    from segctl.sendgrid.transport import Transport

SEGMENTS = "/v3/marketing/segments/2.0"
MAX_PARENT_LISTS = 50
MAX_PAGES = 1000


class Reader:
    """The reading half."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_segments(
        self,
        *,
        parent_list_ids: Sequence[str] = (),
        no_parent_list: bool = False,
        ids: Sequence[str] = (),
    ) -> tuple[Remote, ...]:
        """List segments, v1 ones included, without their queries.

        The filters are the API's own: `ids` overrides the other two; parent lists and
        `no_parent_list` add up. Raises `UsageError` for more than 50 parent lists, and a
        `RemoteError` for anything but a whole, well-formed list.
        """
        if len(parent_list_ids) > MAX_PARENT_LISTS:
            raise UsageError(f"SendGrid filters by at most {MAX_PARENT_LISTS} parent lists at once")
        params: dict[str, str | list[str]] = {}
        if parent_list_ids:
            params["parent_list_ids"] = ",".join(parent_list_ids)
        if no_parent_list:
            params["no_parent_list_id"] = "true"
        if ids:
            params["ids"] = list(ids)
        operation = "list the segments"
        found: dict[str, Remote] = {}
        address = SEGMENTS
        for _ in range(MAX_PAGES):
            answer = self._transport.send("GET", address, operation=operation, params=params)
            for item in wire.results(answer.data, operation):
                one = wire.remote(item, operation)
                if one.id in found:
                    raise wire.unexpected(operation, f"the id {one.id} stands in it twice")
                found[one.id] = one
            following = wire.next_page(answer.data)
            if following is None:
                return tuple(found.values())
            if not self._transport.same_origin(following):
                raise wire.unexpected(operation, "its next page is on another server")
            address, params = following, {}
        raise wire.unexpected(operation, f"it has more than {MAX_PAGES} pages")

    def get_segment(self, segment_id: str) -> Remote:
        """Read one segment with its query, without any contact. Raises `NotFound`."""
        operation = f"read segment {segment_id}"
        answer = self._transport.send(
            "GET", _path(segment_id), operation=operation, params={"contacts_sample": "false"}
        )
        read = wire.definition(answer.data, operation)
        if read.id != segment_id:
            raise wire.unexpected(operation, f"it is segment {read.id}")
        return read


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
        return wire.remote(answer.data, operation)

    def patch_segment(self, segment_id: str, fields: Mapping[str, str]) -> Remote:
        """Change `name` or `query_dsl` or both. Raises `UpdateLocked`, `NotFound` and others."""
        operation = f"change segment {segment_id}"
        answer = self._transport.send(
            "PATCH", _path(segment_id), operation=operation, body=dict(fields)
        )
        return wire.remote(answer.data, operation)

    def delete_segment(self, segment_id: str) -> None:
        """Delete a segment; its contacts stay. Raises `NotFound` and others."""
        self._transport.send("DELETE", _path(segment_id), operation=f"delete segment {segment_id}")

    def refresh_segment(self, segment_id: str, time_zone: str) -> None:
        """Ask for contacts to be counted now.

        `time_zone` is an IANA name; its midnight resets the quota of two a segment a day. A 429
        is not waited for: it can mean "tomorrow" (sendgrid-api.md §2).
        """
        self._transport.send(
            "POST",
            f"{SEGMENTS}/refresh/{quote(segment_id, safe='')}",
            operation=f"refresh segment {segment_id}",
            body={"user_time_zone": time_zone},
            patient=False,
        )


def _path(segment_id: str) -> str:
    return f"{SEGMENTS}/{quote(segment_id, safe='')}"
