"""What the API shows of contacts outside of exports, and of the key: count, search, samples.

Evaluates nothing itself: `counts` does.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from segctl.emulator import catalogue, contacts, counts
from segctl.emulator.counts import SAMPLE_SIZE
from segctl.emulator.response import Response, json_response, refuse

if TYPE_CHECKING:
    from segctl.emulator.request import Request


def count(request: Request) -> Response:
    """GET the number of contacts, all of which are billed here (documented shape)."""
    (number,) = request.db.execute(
        "SELECT count(*) FROM contact WHERE account = ?", (request.account,)
    ).fetchone()
    return json_response(HTTPStatus.OK, {"contact_count": number, "billable_count": number})


def search(request: Request) -> Response:
    """POST a search in SGQL: up to 50 contacts, and how many there are (documented).

    A query that cannot be read or evaluated is a 400 (guessed); without DuckDB it is a 503, which
    is this emulator's own.
    """
    query = request.json_object().get("query")
    if not isinstance(query, str) or not query.strip():
        raise refuse("query is required", "query")
    matching = counts.search(request, query)
    if matching is None:
        raise refuse(
            "contacts are searched with DuckDB, which is missing",
            status=HTTPStatus.SERVICE_UNAVAILABLE,
        )
    shown = counts.shown(request, matching[:SAMPLE_SIZE])
    metadata = {"self": f"{request.origin}{request.path}"}
    content = {"result": shown, "contact_count": len(matching), "_metadata": metadata}
    return json_response(HTTPStatus.OK, content)


def get_list(request: Request, list_id: str) -> Response:
    """GET a list; `contact_sample=true` adds its newest contacts, at most 50 (documented)."""
    sample = request.boolean("contact_sample", default=False)
    content = catalogue.get_list(request, list_id)
    if sample:
        everyone = contacts.read_contacts(request.db, request.account)
        members = [contact for contact in everyone if list_id in contact.list_ids]
        content["contact_sample"] = counts.shown(request, members[: -SAMPLE_SIZE - 1 : -1])
    return json_response(HTTPStatus.OK, content)


def scopes(request: Request) -> Response:
    """GET the scopes of the key: of Marketing only `marketing.read`, though it may write (seen)."""
    del request
    return json_response(HTTPStatus.OK, {"scopes": ["marketing.read"]})
