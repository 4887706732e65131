"""Contact lists, field definitions and Single Sends: their tables and read operations.

Source: sendgrid-api.md §3 and §4. None of it is written through the API here; `console` writes it.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from segctl.emulator.request import timestamp
from segctl.emulator.response import Response, json_response, not_found

if TYPE_CHECKING:
    import sqlite3

    from segctl.emulator.request import Request

# The reserved fields of the official description, each with its type and whether it is read-only.
_RESERVED = (
    ("first_name", "Text", False),
    ("last_name", "Text", False),
    ("email", "Text", False),
    ("alternate_emails", "Text", False),
    ("address_line_1", "Text", False),
    ("address_line_2", "Text", False),
    ("city", "Text", False),
    ("state_province_region", "Text", False),
    ("postal_code", "Text", False),
    ("country", "Text", False),
    ("phone_number", "Text", False),
    ("whatsapp", "Text", False),
    ("line", "Text", False),
    ("facebook", "Text", False),
    ("unique_name", "Text", False),
    ("email_domains", "Text", True),
    ("last_clicked", "Date", True),
    ("last_opened", "Date", True),
    ("last_emailed", "Date", True),
    ("singlesend_id", "Text", True),
    ("automation_id", "Text", True),
    ("created_at", "Date", True),
    ("updated_at", "Date", True),
    ("contact_id", "Text", True),
)


def has_list(db: sqlite3.Connection, account: str, list_id: str) -> bool:
    """Return whether the account has this contact list."""
    rows = db.execute("SELECT 1 FROM list WHERE account = ? AND id = ?", (account, list_id))
    return rows.fetchone() is not None


def fields(db: sqlite3.Connection, account: str) -> dict[str, str]:
    """Return the custom fields with their types: columns of `contact_data` (sendgrid-api.md §4)."""
    rows = db.execute("SELECT * FROM field WHERE account = ? ORDER BY seq", (account,))
    return {row["name"]: row["field_type"] for row in rows}


def is_empty(db: sqlite3.Connection, account: str) -> bool:
    """Return whether an account has nothing at all, segments included."""
    (has_rows,) = db.execute(
        "SELECT EXISTS (SELECT 1 FROM segment WHERE account = ?1) "
        "OR EXISTS (SELECT 1 FROM list WHERE account = ?1) "
        "OR EXISTS (SELECT 1 FROM field WHERE account = ?1) "
        "OR EXISTS (SELECT 1 FROM single_send WHERE account = ?1) "
        "OR EXISTS (SELECT 1 FROM automation WHERE account = ?1) "
        "OR EXISTS (SELECT 1 FROM contact WHERE account = ?1)",
        (account,),
    ).fetchone()
    return not has_rows


def list_lists(request: Request) -> Response:
    """GET the contact lists, a page at a time; `_metadata.next` is a full URL (documented).

    A list that has contacts counts them; another shows the count that it was created with.
    """
    size, after = request.page()
    rows = request.db.execute(
        "SELECT *, (SELECT count(*) FROM membership AS m "
        "WHERE m.account = list.account AND m.list_id = list.id) AS members "
        "FROM list WHERE account = ? AND seq > ? ORDER BY seq LIMIT ?",
        (request.account, after, size + 1),
    ).fetchall()
    result = [
        {
            "id": row["id"],
            "name": row["name"],
            "contact_count": row["members"] or row["contact_count"],
            "_metadata": {"self": f"{request.origin}{request.path}/{row['id']}"},
        }
        for row in rows[:size]
    ]
    return _page(request, rows, result, size, after)


def list_fields(request: Request) -> Response:
    """GET the field definitions, custom and reserved (documented)."""
    rows = request.db.execute(
        "SELECT * FROM field WHERE account = ? ORDER BY seq", (request.account,)
    )
    custom = [
        {
            "id": f"e{number}_{row['field_type'][0]}",
            "name": row["name"],
            "field_type": row["field_type"],
        }
        for number, row in enumerate(rows, start=1)
    ]
    reserved = []
    for number, (name, kind, read_only) in enumerate(_RESERVED):
        entry: dict[str, Any] = {
            "id": f"_rf{number}_{kind[0]}",
            "name": name,
            "field_type": kind,
        }
        if read_only:
            entry["read_only"] = True
        reserved.append(entry)
    return json_response(
        HTTPStatus.OK,
        {
            "custom_fields": custom,
            "reserved_fields": reserved,
            "_metadata": {"self": f"{request.origin}{request.path}"},
        },
    )


def list_single_sends(request: Request) -> Response:
    """GET the Single Sends in their short form, without `send_to` (documented), with pages."""
    size, after = request.page()
    rows = request.db.execute(
        "SELECT * FROM single_send WHERE account = ? AND seq > ? ORDER BY seq LIMIT ?",
        (request.account, after, size + 1),
    ).fetchall()
    result = [
        _single_send(row) | {"abtest": None, "is_abtest": False, "categories": []}
        for row in rows[:size]
    ]
    return _page(request, rows, result, size, after)


def get_single_send(request: Request, single_send_id: str) -> Response:
    """GET one Single Send with its `send_to`: lists, segments, or all (documented)."""
    row = request.db.execute(
        "SELECT * FROM single_send WHERE account = ? AND id = ?", (request.account, single_send_id)
    ).fetchone()
    if row is None:
        raise not_found()
    return json_response(
        HTTPStatus.OK,
        _single_send(row) | {"categories": [], "send_to": json.loads(row["send_to"])},
    )


def _single_send(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "status": row["status"],
        "send_at": None if row["send_at"] is None else timestamp(row["send_at"]),
        "created_at": timestamp(row["created_at"]),
        "updated_at": timestamp(row["updated_at"]),
    }


def _page(
    request: Request, rows: list[sqlite3.Row], result: list[dict[str, Any]], size: int, after: int
) -> Response:
    following = rows[size - 1]["seq"] if len(rows) > size else None
    metadata: dict[str, Any] = {
        **request.page_metadata(size, after, following),
        "count": len(result),
    }
    return json_response(HTTPStatus.OK, {"result": result, "_metadata": metadata})
