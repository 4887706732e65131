"""The export of contacts: a job that is asked for, waited for, and fetched from signed addresses.

Owns the tables `export` and `export_file` and the operations on jobs. What the files say is
`export_files`, their way out of the account `downloads`. A job takes its picture of the contacts
when it is asked for. Source: sendgrid-api.md §4; what is guessed says so.
"""

from __future__ import annotations

import json
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from segctl.emulator import catalogue, contacts, counts, downloads, records
from segctl.emulator.records import V2
from segctl.emulator.request import timestamp
from segctl.emulator.response import Response, json_response, not_found, refuse

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from segctl.emulator.contacts import Contact
    from segctl.emulator.records import Record
    from segctl.emulator.request import Request

_JOBS = "/v3/marketing/contacts/exports"
_FILE_TYPES = ("csv", "json")
_BODY = ("list_ids", "segment_ids", "notifications", "file_type", "max_file_size")
_DEFAULT_MEGABYTES = 5000


def start(request: Request) -> Response:
    """POST: 202 with the id of a job; without a body it is about all contacts (observed).

    With lists and segments it has the contacts in any of them (guessed).

    A list or segment that the account does not have is a 404, anything malformed a 400 (guessed).
    """
    content = request.json_object() if request.body else {}
    for key in content:
        if key not in _BODY:
            raise refuse(f"unknown field {key}", key)
    list_ids = _ids(content, "list_ids")
    segment_ids = _ids(content, "segment_ids")
    file_type = content.get("file_type", "csv")
    if file_type not in _FILE_TYPES:
        raise refuse("file_type must be csv or json", "file_type")
    megabytes = content.get("max_file_size", _DEFAULT_MEGABYTES)
    if not isinstance(megabytes, int) or isinstance(megabytes, bool) or megabytes < 1:
        raise refuse("max_file_size must be a positive number of MB", "max_file_size")
    segments = _segments(request, segment_ids)
    for list_id in list_ids:
        if not catalogue.has_list(request.db, request.account, list_id):
            raise refuse("list does not exist", "list_ids", status=HTTPStatus.NOT_FOUND)
    _purge(request)
    chosen = _chosen(request, list_ids, segments)
    failure = request.settings.export_failure
    if chosen is None:
        chosen, failure = [], failure or "segments are evaluated with DuckDB, which is missing"
    export_id = request.new_id()
    ready_at = request.now + request.settings.export_delay
    request.db.execute(
        "INSERT INTO export (account, id, secret, file_type, list_ids, segment_ids, "
        "contact_count, message, created_at, ready_at, expires_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            request.account,
            export_id,
            uuid.uuid4().hex,
            file_type,
            json.dumps(list_ids),
            json.dumps(segment_ids),
            len(chosen),
            failure,
            request.now,
            ready_at,
            ready_at + request.settings.export_expiry,
        ),
    )
    if failure is None:
        from segctl.emulator import export_files  # noqa: PLC0415 - for those who export alone

        custom = tuple(catalogue.fields(request.db, request.account))
        most = request.settings.export_file_contacts
        files = export_files.packed(chosen, custom, file_type, most, megabytes << 20)
        request.db.executemany(
            "INSERT INTO export_file (export_id, number, content) VALUES (?, ?, ?)",
            [(export_id, number, content) for number, content in enumerate(files, start=1)],
        )
    metadata = {"self": f"{request.origin}{request.path}/{export_id}"}
    return json_response(HTTPStatus.ACCEPTED, {"id": export_id, "_metadata": metadata})


def get(request: Request, export_id: str) -> Response:
    """GET one job: `pending`, then `ready` with its addresses, or `failure` with a message.

    A job that is expired is unknown (guessed).
    """
    _purge(request)
    row = request.db.execute(
        "SELECT * FROM export WHERE account = ? AND id = ?", (request.account, export_id)
    ).fetchone()
    if row is None:
        raise not_found()
    return json_response(HTTPStatus.OK, _job(request, row))


def list_all(request: Request) -> Response:
    """GET the jobs that are not expired (documented), on one page (guessed)."""
    _purge(request)
    rows = request.db.execute(
        "SELECT * FROM export WHERE account = ? ORDER BY seq", (request.account,)
    )
    jobs = [_listed(request, row) for row in rows.fetchall()]
    metadata = {"self": f"{request.origin}{request.path}"}
    return json_response(HTTPStatus.OK, {"result": jobs, "_metadata": metadata})


def _purge(request: Request) -> None:
    """Forget the jobs that are expired; their files answer as what is expired does."""
    request.db.execute(
        "DELETE FROM export_file WHERE export_id IN (SELECT id FROM export WHERE expires_at <= ?)",
        (request.now,),
    )
    request.db.execute("DELETE FROM export WHERE expires_at <= ?", (request.now,))


def _job(request: Request, row: sqlite3.Row) -> dict[str, Any]:
    """Return a job; fields that say nothing yet are left out (guessed)."""
    ended = request.now >= row["ready_at"]
    last = timestamp(row["ready_at"] if ended else row["created_at"])
    content: dict[str, Any] = {
        "id": row["id"],
        "status": "pending",
        "created_at": timestamp(row["created_at"]),
        "updated_at": last,
        "expires_at": timestamp(row["expires_at"]),
        "_metadata": {"self": f"{request.origin}{_JOBS}/{row['id']}"},
    }
    if ended and row["message"] is not None:
        content |= {"status": "failure", "message": row["message"]}
    elif ended:
        content |= {
            "status": "ready",
            "completed_at": last,
            "urls": downloads.addresses(request, row),
            "contact_count": row["contact_count"],
        }
    return content


def _listed(request: Request, row: sqlite3.Row) -> dict[str, Any]:
    """Return a job as the list shows it, which has other fields (documented)."""
    content = _job(request, row)
    for name in ("updated_at", "contact_count", "message"):
        content.pop(name, None)
    lists, segments = json.loads(row["list_ids"]), json.loads(row["segment_ids"])
    kind = "segment_export" if segments else "list_export" if lists else "contacts_export"
    named = _names(request)
    return content | {
        "user_id": "1",
        "export_type": kind,
        "segments": [
            {"ID": segment_id, "Name": named.get(segment_id, "")} for segment_id in segments
        ],
        "lists": [{"ID": list_id, "Name": named.get(list_id, "")} for list_id in lists],
    }


def _names(request: Request) -> dict[str, str]:
    rows = request.db.execute(
        "SELECT id, name FROM list WHERE account = ?1 "
        "UNION ALL SELECT id, name FROM segment WHERE account = ?1",
        (request.account,),
    )
    return {row["id"]: row["name"] for row in rows}


def _segments(request: Request, segment_ids: Sequence[str]) -> list[Record]:
    """Find the segments to export; not a v1 one, whose query nothing here evaluates."""
    matches = [records.find(request.db, request.account, segment_id) for segment_id in segment_ids]
    if None in matches:
        raise refuse("segment does not exist", "segment_ids", status=HTTPStatus.NOT_FOUND)
    known = [record for record in matches if record is not None]
    if any(record.version != V2 for record in known):
        raise refuse("segments of the v1 API cannot be exported", "segment_ids")
    return known


def _chosen(
    request: Request, list_ids: Sequence[str], segments: Sequence[Record]
) -> list[Contact] | None:
    """Return the contacts in the lists or segments, or all; `None` where segments hide it."""
    all_contacts = contacts.read_contacts(request.db, request.account)
    if not list_ids and not segments:
        return all_contacts
    inside = counts.members(request, segments) if segments else {}
    if inside is None:
        return None
    members = {contact.id for segment in inside.values() for contact in segment}
    return [
        contact
        for contact in all_contacts
        if contact.id in members or not set(list_ids).isdisjoint(contact.list_ids)
    ]


def _ids(content: Mapping[str, Any], name: str) -> list[str]:
    ids = content.get(name) or []
    if not isinstance(ids, list) or not all(isinstance(item, str) for item in ids):
        raise refuse(f"{name} must be an array of ids", name)
    return ids
