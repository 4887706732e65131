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
from segctl.emulator.response import Reply, json_reply, not_found, refuse

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from segctl.emulator.contacts import Contact
    from segctl.emulator.records import Record
    from segctl.emulator.request import Call

_JOBS = "/v3/marketing/contacts/exports"
_FILE_TYPES = ("csv", "json")
_BODY = ("list_ids", "segment_ids", "notifications", "file_type", "max_file_size")
_DEFAULT_MEGABYTES = 5000


def start(call: Call) -> Reply:
    """POST: 202 with the id of a job; without a body it is about all contacts (observed).

    With lists and segments it is about everybody in one of them (guessed).

    A list or segment that the account does not have is a 404, anything malformed a 400 (guessed).
    """
    content = call.json_object() if call.body else {}
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
    segments = _segments(call, segment_ids)
    for list_id in list_ids:
        if not catalogue.has_list(call.db, call.account, list_id):
            raise refuse("list does not exist", "list_ids", status=HTTPStatus.NOT_FOUND)
    _purge(call)
    chosen = _chosen(call, list_ids, segments)
    failure = call.settings.export_failure
    if chosen is None:
        chosen, failure = [], failure or "segments are evaluated with DuckDB, which is missing"
    export_id = call.new_id()
    ready_at = call.now + call.settings.export_delay
    call.db.execute(
        "INSERT INTO export (account, id, secret, file_type, list_ids, segment_ids, "
        "contact_count, message, created_at, ready_at, expires_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            call.account,
            export_id,
            uuid.uuid4().hex,
            file_type,
            json.dumps(list_ids),
            json.dumps(segment_ids),
            len(chosen),
            failure,
            call.now,
            ready_at,
            ready_at + call.settings.export_expiry,
        ),
    )
    if failure is None:
        from segctl.emulator import export_files  # noqa: PLC0415 - for those who export alone

        custom = tuple(catalogue.fields(call.db, call.account))
        most = call.settings.export_file_contacts
        files = export_files.packed(chosen, custom, file_type, most, megabytes << 20)
        call.db.executemany(
            "INSERT INTO export_file (export_id, number, content) VALUES (?, ?, ?)",
            [(export_id, number, content) for number, content in enumerate(files, start=1)],
        )
    metadata = {"self": f"{call.origin}{call.path}/{export_id}"}
    return json_reply(HTTPStatus.ACCEPTED, {"id": export_id, "_metadata": metadata})


def get(call: Call, export_id: str) -> Reply:
    """GET one job: `pending`, then `ready` with its addresses, or `failure` with a message.

    A job that is expired is unknown (guessed).
    """
    _purge(call)
    row = call.db.execute(
        "SELECT * FROM export WHERE account = ? AND id = ?", (call.account, export_id)
    ).fetchone()
    if row is None:
        raise not_found()
    return json_reply(HTTPStatus.OK, _job(call, row))


def list_all(call: Call) -> Reply:
    """GET the jobs that are not expired (documented), on one page (guessed)."""
    _purge(call)
    rows = call.db.execute("SELECT * FROM export WHERE account = ? ORDER BY seq", (call.account,))
    found = [_listed(call, row) for row in rows.fetchall()]
    metadata = {"self": f"{call.origin}{call.path}"}
    return json_reply(HTTPStatus.OK, {"result": found, "_metadata": metadata})


def _purge(call: Call) -> None:
    """Forget the jobs that are expired; their files answer as what is expired does."""
    call.db.execute(
        "DELETE FROM export_file WHERE export_id IN (SELECT id FROM export WHERE expires_at <= ?)",
        (call.now,),
    )
    call.db.execute("DELETE FROM export WHERE expires_at <= ?", (call.now,))


def _job(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    """Give a job; fields that say nothing yet are left out (guessed)."""
    ended = call.now >= row["ready_at"]
    last = timestamp(row["ready_at"] if ended else row["created_at"])
    content: dict[str, Any] = {
        "id": row["id"],
        "status": "pending",
        "created_at": timestamp(row["created_at"]),
        "updated_at": last,
        "expires_at": timestamp(row["expires_at"]),
        "_metadata": {"self": f"{call.origin}{_JOBS}/{row['id']}"},
    }
    if ended and row["message"] is not None:
        content |= {"status": "failure", "message": row["message"]}
    elif ended:
        content |= {
            "status": "ready",
            "completed_at": last,
            "urls": downloads.addresses(call, row),
            "contact_count": row["contact_count"],
        }
    return content


def _listed(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    """Give a job as the list shows it, which has other fields (documented)."""
    content = _job(call, row)
    for name in ("updated_at", "contact_count", "message"):
        content.pop(name, None)
    lists, segments = json.loads(row["list_ids"]), json.loads(row["segment_ids"])
    kind = "segment_export" if segments else "list_export" if lists else "contacts_export"
    named = _names(call)
    return content | {
        "user_id": "1",
        "export_type": kind,
        "segments": [{"ID": one, "Name": named.get(one, "")} for one in segments],
        "lists": [{"ID": one, "Name": named.get(one, "")} for one in lists],
    }


def _names(call: Call) -> dict[str, str]:
    rows = call.db.execute(
        "SELECT id, name FROM list WHERE account = ?1 "
        "UNION ALL SELECT id, name FROM segment WHERE account = ?1",
        (call.account,),
    )
    return {row["id"]: row["name"] for row in rows}


def _segments(call: Call, segment_ids: Sequence[str]) -> list[Record]:
    """Find the segments to export; one of v1 cannot be, as nothing here evaluates it."""
    found = [records.find(call.db, call.account, segment_id) for segment_id in segment_ids]
    if None in found:
        raise refuse("segment does not exist", "segment_ids", status=HTTPStatus.NOT_FOUND)
    known = [record for record in found if record is not None]
    if any(record.version != V2 for record in known):
        raise refuse("segments of the v1 API cannot be exported", "segment_ids")
    return known


def _chosen(
    call: Call, list_ids: Sequence[str], segments: Sequence[Record]
) -> list[Contact] | None:
    """Give everybody in one of the lists or segments, or all; `None` where segments hide it."""
    everybody = contacts.read_contacts(call.db, call.account)
    if not list_ids and not segments:
        return everybody
    inside = counts.members(call, segments) if segments else {}
    if inside is None:
        return None
    members = {one.id for found in inside.values() for one in found}
    return [
        one for one in everybody if one.id in members or not set(list_ids).isdisjoint(one.list_ids)
    ]


def _ids(content: Mapping[str, Any], name: str) -> list[str]:
    ids = content.get(name) or []
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise refuse(f"{name} must be an array of ids", name)
    return ids
