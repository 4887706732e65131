"""The paths of the API: which operation answers which method on which path.

What no path has is a 404 or a 405; the operations decide everything else.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import unquote

from segctl.emulator import (
    automations,
    catalogue,
    contact_reads,
    exports,
    refresh,
    segments,
    single_sends,
    v1,
)
from segctl.emulator.response import RefusalError, Response, errors_response, not_found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from segctl.emulator.request import Request

PREFIX = "/v3/marketing/"
SCOPES = "/v3/scopes"
CONTACT_SEARCH = "/v3/marketing/contacts/search"

# The first pattern that fits decides: "2.0" is not the id of a v1 segment.
_ROUTES: tuple[tuple[tuple[str, ...], dict[str, Callable[..., Response]]], ...] = (
    (("segments", "2.0"), {"GET": segments.list_all, "POST": segments.create}),
    (
        ("segments", "2.0", "*"),
        {"GET": segments.get, "PATCH": segments.update, "DELETE": segments.remove},
    ),
    (("segments", "2.0", "refresh", "*"), {"POST": refresh.run}),
    (("segments",), {"GET": v1.list_all}),
    (("segments", "*"), {"GET": v1.get, "DELETE": v1.remove}),
    (("lists",), {"GET": catalogue.list_lists, "POST": catalogue.create_list}),
    (("lists", "*"), {"GET": contact_reads.get_list, "PATCH": catalogue.update_list}),
    (("field_definitions",), {"GET": catalogue.list_fields, "POST": catalogue.create_field}),
    (("singlesends",), {"GET": single_sends.list_all}),
    (("singlesends", "search"), {"POST": single_sends.search}),
    (("singlesends", "*"), {"GET": single_sends.get}),
    (("automations",), {"GET": automations.list_all}),
    (("automations", "*"), {"GET": automations.get}),
    (("contacts", "count"), {"GET": contact_reads.count}),
    (("contacts", "search"), {"POST": contact_reads.search}),
    (("contacts", "exports"), {"GET": exports.list_all, "POST": exports.start}),
    (("contacts", "exports", "*"), {"GET": exports.get}),
)


def route(request: Request, method: str) -> Response:
    """Find the operation and run it.

    A path without the method is a 405 (guessed) that names the others, v1 writes among them.
    """
    if request.path == SCOPES:
        if method == "GET":
            return contact_reads.scopes(request)
        raise _not_allowed(["GET"])
    parts = tuple(unquote(part) for part in request.path.removeprefix(PREFIX).split("/"))
    if not request.path.startswith(PREFIX) or "" in parts:
        raise not_found()
    for pattern, operations in _ROUTES:
        ids = _ids(pattern, parts)
        if ids is not None:
            if method not in operations:
                raise _not_allowed(operations)
            return operations[method](request, *ids)
    raise not_found()


def _ids(pattern: tuple[str, ...], parts: tuple[str, ...]) -> list[str] | None:
    """Return what matches each `*` of a pattern, or `None` where it does not fit."""
    if len(pattern) != len(parts):
        return None
    if any(wanted not in ("*", part) for wanted, part in zip(pattern, parts, strict=True)):
        return None
    return [part for wanted, part in zip(pattern, parts, strict=True) if wanted == "*"]


def _not_allowed(methods: Iterable[str]) -> RefusalError:
    response = errors_response(HTTPStatus.METHOD_NOT_ALLOWED, "method not allowed")
    allow = ("Allow", ", ".join(methods))
    return RefusalError(replace(response, headers=(*response.headers, allow)))
