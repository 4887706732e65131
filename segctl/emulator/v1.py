"""What is left of the first segments API: list, get, delete (sendgrid-api.md §5).

Owns the shapes of v1 answers. Creation and change were removed in 2023; the router answers them
as it answers any method that a path does not have.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from segctl.emulator import records
from segctl.emulator.records import V1, Record
from segctl.emulator.response import Response, json_response, not_found
from segctl.emulator.segments import filtered

if TYPE_CHECKING:
    from segctl.emulator.request import Request


def list_all(request: Request) -> Response:
    """GET the list: `{"results": […]}`, the filters of V2, v1 segments alone (guessed)."""
    return json_response(
        HTTPStatus.OK,
        {
            "results": [
                _short(request, record) for record in filtered(request) if record.version == V1
            ]
        },
    )


def get(request: Request, segment_id: str) -> Response:
    """GET a segment, its SGQL in `query_dsl`.

    `query_json=true` adds that field; documented as a syntax tree without a schema; here it is the
    text in an object. A V2 segment is a 404 here (guessed).
    """
    record = _existing(request, segment_id)
    content = _short(request, record) | {"query_dsl": record.query, "contacts_sample": []}
    if request.boolean("query_json", default=False):
        content["query_json"] = {"sgql": record.query}
    return json_response(HTTPStatus.OK, content)


def remove(request: Request, segment_id: str) -> Response:
    """DELETE a segment: 202 with an empty object (documented). No contact is deleted."""
    _existing(request, segment_id)
    records.purge(request.db, deleted_until=request.now - request.settings.delete_linger)
    records.delete(request.db, request.account, segment_id, at=request.now)
    return json_response(HTTPStatus.ACCEPTED, {})


def _existing(request: Request, segment_id: str) -> Record:
    record = records.find(request.db, request.account, segment_id)
    if record is None or record.version != V1:
        raise not_found()
    return record


def _short(request: Request, record: Record) -> dict[str, Any]:
    content = records.summary(record, request.settings, request.now)
    if record.parent_list_ids:
        content["parent_list_id"] = record.parent_list_ids[0]
    return content
