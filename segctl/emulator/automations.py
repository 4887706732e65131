"""Automations: their table, and the two undocumented operations that read them.

Source: sendgrid-api.md §3. Public clients read a list by `offset` and `limit`, and one automation
by its id, with `status`, `entrance_criteria`, `exit_criteria`, `steps` and `goal`; the rest is
guessed. None of it is written through the API; `console` writes it.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from segctl.emulator.request import timestamp
from segctl.emulator.response import Response, json_response, not_found, refuse

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from segctl.emulator.request import Request

STATUSES = ("draft", "live")
MAX_LIMIT = 100
DEFAULT_LIMIT = 50


def definition(
    entrance: str | None, exits: Sequence[str], steps: Sequence[str], goal: str | None
) -> dict[str, Any]:
    """Return the parts of an automation that refer to segments.

    `entrance` is the id of a segment, `exits` and `steps` those of others, `goal` a query. Only the
    shape of the entrance is known (observed); that of the rest is guessed.
    """
    return {
        "entrance_criteria": (
            None if entrance is None else {"occurs": "once", "id": entrance, "type": "segment"}
        ),
        "exit_criteria": [{"id": segment_id, "type": "segment"} for segment_id in exits],
        "steps": [
            {"type": "send_email", "delay": 0, "subject": "Hello"},
            *({"type": "branch", "segment_id": segment_id} for segment_id in steps),
        ],
        "goal": None if goal is None else {"query_dsl": goal},
    }


def insert(
    db: sqlite3.Connection,
    account: str,
    automation: Mapping[str, str],
    parts: Mapping[str, Any],
    at: float,
) -> None:
    """Store a new automation, with its `id`, `name` and `status` and what `definition` returns.

    Raises `sqlite3.IntegrityError` when its id is taken.
    """
    db.execute(
        "INSERT INTO automation (account, id, name, status, parts, created_at, updated_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            account,
            *(automation[key] for key in ("id", "name", "status")),
            json.dumps(parts),
            at,
            at,
        ),
    )


def set_status(
    db: sqlite3.Connection, account: str, automation_id: str, status: str, at: float
) -> bool:
    """Change the status of an automation; return whether it exists."""
    changed = db.execute(
        "UPDATE automation SET status = ?, updated_at = ? WHERE account = ? AND id = ?",
        (status, at, account, automation_id),
    )
    return changed.rowcount == 1


def list_all(request: Request) -> Response:
    """GET the automations in a short form, `limit` of them from `offset` on."""
    rows = request.db.execute(
        "SELECT * FROM automation WHERE account = ? ORDER BY seq LIMIT ? OFFSET ?",
        (
            request.account,
            _number(request, "limit", DEFAULT_LIMIT, least=1, most=MAX_LIMIT),
            _number(request, "offset", 0, least=0, most=1 << 31),
        ),
    ).fetchall()
    return json_response(HTTPStatus.OK, {"result": [_short(row) for row in rows]})


def get(request: Request, automation_id: str) -> Response:
    """GET one automation with everything that refers to a segment."""
    row = request.db.execute(
        "SELECT * FROM automation WHERE account = ? AND id = ?", (request.account, automation_id)
    ).fetchone()
    if row is None:
        raise not_found()
    return json_response(HTTPStatus.OK, _short(row) | json.loads(row["parts"]))


def _short(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "status": row["status"],
        "created_at": timestamp(row["created_at"]),
        "updated_at": timestamp(row["updated_at"]),
    }


def _number(request: Request, name: str, default: int, *, least: int, most: int) -> int:
    text = request.params.get(name, ("",))[-1] or str(default)
    if not (text.isascii() and text.isdigit() and least <= int(text[:10]) <= most):
        raise refuse(f"{name} must be between {least} and {most}", name)
    return int(text)
