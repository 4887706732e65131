"""What is left of the first segments API: list, get, delete (sendgrid-api.md §5).

Owns the shapes of v1 answers. Creation and change were removed in 2023; the router answers them
as it answers any method that a path does not have.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from segctl.emulator import records
from segctl.emulator.records import V1, Record
from segctl.emulator.response import Reply, json_reply, not_found
from segctl.emulator.segments import filtered

if TYPE_CHECKING:
    from segctl.emulator.request import Call


def list_all(call: Call) -> Reply:
    """GET the list: `{"results": […]}`, the filters of V2, v1 segments alone (guessed)."""
    return json_reply(
        HTTPStatus.OK,
        {"results": [_short(call, record) for record in filtered(call) if record.version == V1]},
    )


def get(call: Call, segment_id: str) -> Reply:
    """GET one, its SGQL in `query_dsl`.

    `query_json=true` adds that field; documented is an undrawn syntax tree, given is the text in
    an object. A V2 segment is a 404 here (guessed).
    """
    record = _existing(call, segment_id)
    content = _short(call, record) | {"query_dsl": record.query, "contacts_sample": []}
    if call.boolean("query_json", default=False):
        content["query_json"] = {"sgql": record.query}
    return json_reply(HTTPStatus.OK, content)


def remove(call: Call, segment_id: str) -> Reply:
    """DELETE one: 202 with an empty object (documented). No contact is deleted."""
    _existing(call, segment_id)
    records.purge(call.db, deleted_until=call.now - call.settings.delete_linger)
    records.delete(call.db, call.account, segment_id, at=call.now)
    return json_reply(HTTPStatus.ACCEPTED, {})


def _existing(call: Call, segment_id: str) -> Record:
    record = records.find(call.db, call.account, segment_id)
    if record is None or record.version != V1:
        raise not_found()
    return record


def _short(call: Call, record: Record) -> dict[str, Any]:
    content = records.summary(record, call.settings, call.now)
    if record.parent_list_ids:
        content["parent_list_id"] = record.parent_list_ids[0]
    return content
