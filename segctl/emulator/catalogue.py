"""Contact lists and field definitions: their tables and operations.

Source: sendgrid-api.md §4 and the official description; what is guessed says so. Neither is ever
deleted here.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from segctl.emulator.request import paged
from segctl.emulator.response import Response, json_response, not_found, refuse

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from segctl.emulator.request import Request

MAX_NAME = 100
MAX_FIELDS = 500
FIELD_TYPES = ("Text", "Number", "Date")

_LISTS_PATH = "/v3/marketing/lists"
_LISTS = (
    "SELECT *, (SELECT count(*) FROM membership AS m "
    "WHERE m.account = list.account AND m.list_id = list.id) AS members FROM list"
)

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
    # Recorded, and not in the official description; their places and types are guessed.
    ("list_ids", "Text", True),
    ("segment_ids", "Text", True),
    ("phone_number_id", "Text", False),
    ("external_id", "Text", False),
    ("anonymous_id", "Text", False),
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
        f"{_LISTS} WHERE account = ? AND seq > ? ORDER BY seq LIMIT ?",
        (request.account, after, size + 1),
    ).fetchall()
    return paged(request, rows, [_list(request, row) for row in rows[:size]], size, after)


def get_list(request: Request, list_id: str) -> dict[str, Any]:
    """Return one contact list in the form of the API; an unknown one is a 404."""
    row = request.db.execute(
        f"{_LISTS} WHERE account = ? AND id = ?", (request.account, list_id)
    ).fetchone()
    if row is None:
        raise not_found()
    return _list(request, row)


def create_list(request: Request) -> Response:
    """POST a list: 201 with the list (documented). That names may repeat is guessed."""
    content = request.json_object()
    list_id = request.new_id()
    request.db.execute(
        "INSERT INTO list (account, id, name, contact_count) VALUES (?, ?, ?, 0)",
        (request.account, list_id, _name(content)),
    )
    return json_response(HTTPStatus.CREATED, get_list(request, list_id))


def update_list(request: Request, list_id: str) -> Response:
    """PATCH the name of a list: 200 with the list (documented)."""
    name = _name(request.json_object())
    get_list(request, list_id)
    request.db.execute(
        "UPDATE list SET name = ? WHERE account = ? AND id = ?", (name, request.account, list_id)
    )
    return json_response(HTTPStatus.OK, get_list(request, list_id))


def _list(request: Request, row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "contact_count": row["members"] or row["contact_count"],
        "_metadata": {"self": f"{request.origin}{_LISTS_PATH}/{row['id']}"},
    }


def _name(content: Mapping[str, Any]) -> str:
    name = content.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME:
        raise refuse(f"name must be between 1 and {MAX_NAME} characters", "name")
    return name


def list_fields(request: Request) -> Response:
    """GET the field definitions, custom and reserved (documented)."""
    rows = request.db.execute(
        "SELECT * FROM field WHERE account = ? ORDER BY seq", (request.account,)
    )
    custom = [_field(request, number, row) for number, row in enumerate(rows, start=1)]
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


def create_field(request: Request) -> Response:
    """POST a custom field: 200 with the field, a column of queries to come (documented).

    A name that is not a word, is reserved or is in use in any case is a 400, as is the 501st field
    (documented limits, guessed answers).
    """
    content = request.json_object()
    name = _name(content)
    kind = content.get("field_type")
    if kind not in FIELD_TYPES:
        raise refuse(f"field_type must be one of {', '.join(FIELD_TYPES)}", "field_type")
    custom = fields(request.db, request.account)
    problem = field_name_problem(name, custom)
    if problem is not None:
        raise refuse(problem, "name")
    if len(custom) >= MAX_FIELDS:
        raise refuse(f"an account can have at most {MAX_FIELDS} custom fields")
    request.db.execute(
        "INSERT INTO field (account, name, field_type) VALUES (?, ?, ?)",
        (request.account, name, kind),
    )
    row = {"name": name, "field_type": kind}
    return json_response(HTTPStatus.OK, _field(request, len(custom) + 1, row))


def field_name_problem(name: str, others: Iterable[str]) -> str | None:
    """Return why a custom field cannot have a name beside others, or `None` (documented)."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is None:
        return "name must consist of letters, digits and underscores"
    if name.lower() in {field for field, _, _ in _RESERVED}:
        return "field name is reserved"
    if name.lower() in {field.lower() for field in others}:
        return "field name already exists"
    return None


def _field(request: Request, number: int, row: sqlite3.Row | Mapping[str, str]) -> dict[str, Any]:
    field_id = f"e{number}_{row['field_type'][0]}"
    return {
        "id": field_id,
        "name": row["name"],
        "field_type": row["field_type"],
        "_metadata": {"self": f"{request.origin}{request.path}/{field_id}"},
    }
