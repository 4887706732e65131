"""Single Sends: list, search and get. None is written through the API here; `console` writes them.

Source: sendgrid-api.md §3.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from segctl.emulator.request import paged, timestamp
from segctl.emulator.response import Response, json_response, not_found, refuse

if TYPE_CHECKING:
    import sqlite3

    from segctl.emulator.request import Request

STATUSES = ("draft", "scheduled", "triggered")


def list_all(request: Request) -> Response:
    """GET the Single Sends in their short form, without `send_to` (documented), with pages."""
    size, after = request.page()
    rows = request.db.execute(
        "SELECT * FROM single_send WHERE account = ? AND seq > ? ORDER BY seq LIMIT ?",
        (request.account, after, size + 1),
    ).fetchall()
    result = [_short(row) for row in rows[:size]]
    return paged(request, rows, result, size, after)


def get(request: Request, single_send_id: str) -> Response:
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


def search(request: Request) -> Response:
    """POST a search by name, statuses and categories: the short forms, with pages (documented).

    That a part of the name is enough, in any case, is guessed. None here has a category.
    """
    content = request.json_object() if request.body else {}
    name = content.get("name")
    statuses = content.get("status") or []
    categories = content.get("categories") or []
    if name is not None and not isinstance(name, str):
        raise refuse("name must be a string", "name")
    if not isinstance(statuses, list) or not all(status in STATUSES for status in statuses):
        raise refuse(f"status must be an array of {', '.join(STATUSES)}", "status")
    if not isinstance(categories, list):
        raise refuse("categories must be an array", "categories")
    size, after = request.page()
    rows = [
        row
        for row in request.db.execute(
            "SELECT * FROM single_send WHERE account = ? AND seq > ? ORDER BY seq",
            (request.account, after),
        )
        if (name or "").lower() in row["name"].lower()
        and (not statuses or row["status"] in statuses)
        and not categories
    ][: size + 1]
    return paged(request, rows, [_short(row) for row in rows[:size]], size, after)


def _short(row: sqlite3.Row) -> dict[str, Any]:
    return _single_send(row) | {"abtest": None, "is_abtest": False, "categories": []}
