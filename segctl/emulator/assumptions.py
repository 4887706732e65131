"""The assumptions about SendGrid that can be turned round: each one a different SendGrid.

What no document says, the emulator assumes. A flipped assumption makes it behave otherwise, so that
a probe, and whatever relies on an assumption, can be tested against both. Each flip is an example
of how SendGrid could differ: nothing is known of any of them.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from segctl.emulator import records
from segctl.emulator.response import (
    Response,
    errors_response,
    json_response,
    not_found,
    refuse,
)
from segctl.emulator.settings import ResetStyle

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from segctl.emulator.request import Request
    from segctl.emulator.settings import Settings


class Assumption(StrEnum):
    """What can be flipped; `FLIPPED` says what SendGrid does then."""

    INVALID_QUERY = "invalid-query"
    NAME_CASE = "name-case"
    LOCK_STATUS = "lock-status"
    LOCK_LENGTH = "lock-length"
    LOCK_NAME_ONLY = "lock-name-only"
    PATCH_PARENT_LIST = "patch-parent-list"
    LIST_AFTER_CREATE = "list-after-create"
    LIST_AFTER_DELETE = "list-after-delete"
    IDS_REPEATED = "ids-repeated"
    IDS_COMMA = "ids-comma"
    EU_HOST = "eu-host"
    AUTOMATIONS = "automations"
    RATE_LIMIT_HEADERS = "rate-limit-headers"
    GROUP_BY = "group-by"
    BARE_JOIN = "bare-join"
    FUNCTIONS = "functions"
    INTERVAL = "interval"
    DOUBLE_QUOTED_TEXT = "double-quoted-text"
    BYTE_EXACT = "byte-exact"


FLIPPED: dict[Assumption, str] = {
    Assumption.INVALID_QUERY: "refuses an INVALID query with 400 and stores nothing",
    Assumption.NAME_CASE: "treats names that differ only in case as one name",
    Assumption.LOCK_STATUS: "answers a locked update with 409",
    Assumption.LOCK_LENGTH: "locks a segment for two minutes",
    Assumption.LOCK_NAME_ONLY: "does not lock a change of the name alone",
    Assumption.PATCH_PARENT_LIST: "ignores `parent_list_ids` in an update",
    Assumption.LIST_AFTER_CREATE: "lists a new segment 20 seconds later",
    Assumption.LIST_AFTER_DELETE: "lists a deleted segment for three minutes",
    Assumption.IDS_REPEATED: "uses the first of several `ids` parameters only",
    Assumption.IDS_COMMA: "reads `ids` with commas as one id",
    Assumption.EU_HOST: "has no Marketing Campaigns on the European host",
    Assumption.AUTOMATIONS: "has no path for automations",
    Assumption.RATE_LIMIT_HEADERS: "writes `X-RateLimit-Reset` as an epoch",
    Assumption.GROUP_BY: "accepts GROUP BY",
    Assumption.BARE_JOIN: "refuses `ON contact_id`",
    Assumption.FUNCTIONS: "refuses undocumented functions",
    Assumption.INTERVAL: "refuses `now() - 30 days`",
    Assumption.DOUBLE_QUOTED_TEXT: "accepts texts in double quotes",
    Assumption.BYTE_EXACT: "squeezes the white space of a query",
}
"""What the emulated SendGrid does when an assumption is flipped."""

SETTINGS: dict[Assumption, dict[str, Any]] = {
    Assumption.LOCK_STATUS: {"update_lock_status": 409},
    Assumption.LOCK_LENGTH: {"update_lock": 120.0},
    Assumption.LIST_AFTER_DELETE: {"delete_linger": 180.0},
    Assumption.RATE_LIMIT_HEADERS: {"reset_style": ResetStyle.EPOCH},
}
"""The flips that are other values of `Settings`."""

_LATE = 20.0
_EU = "api.eu.sendgrid.com"
_LIST = "/v3/marketing/segments/2.0"
_KNOWN_FUNCTIONS = frozenset(["max", "array_contains", "timestampadd", "current_timestamp", "now"])
_NO_FUNCTIONS = frozenset(["in", "on", "and", "or", "not", "where", "from", "join", "as"])


def applied(settings: Settings) -> Settings:
    """Return settings with the values of those flips that are values.

    Raises `ValueError` for a name that is not that of an assumption.
    """
    for name in sorted(settings.flipped):
        settings = replace(settings, **SETTINGS.get(Assumption(name), {}))
    return settings


def check_host(flipped: Collection[str], host: str, path: str) -> None:
    """Answer 404 where a host has no such path, whatever the key is (guessed)."""
    if host == _EU and (Assumption.EU_HOST in flipped or not path.startswith("/v3/marketing/")):
        raise not_found()


def respond(request: Request, method: str, act: Callable[..., Response]) -> Response:
    """Answer a request as `act` does, but for what is flipped in the settings."""
    flipped = request.settings.flipped
    if not flipped:
        return act(request, method)
    if Assumption.AUTOMATIONS in flipped and request.path.startswith("/v3/marketing/automations"):
        raise not_found()
    if not request.path.startswith(_LIST):
        return act(request, method)
    if method == "GET" and request.path == _LIST:
        return _listed(request, act(_with_other_ids(request), method))
    if method == "POST" and request.path == _LIST:
        return _created(request, act(_before_create(request), method))
    if method == "PATCH":
        return _patched(request, act)
    return act(request, method)


def verdict(flipped: Collection[str], query: str, judge: Callable[[str], str | None]) -> str | None:
    """Return what is wrong with a query; `judge` says what is wrong where nothing is flipped."""
    text = query
    if Assumption.GROUP_BY in flipped:
        text = re.sub(r"\bGROUP\s+BY\s+[\w., ]+", " ", text, flags=re.IGNORECASE)
    if Assumption.DOUBLE_QUOTED_TEXT in flipped:
        text = re.sub(r'(=\s*)"([^"]*)"', r"\1'\2'", text)
    error = judge(text)
    if error is None and Assumption.BARE_JOIN in flipped:
        error = _refusal(r"\bON\s+contact_id\b(?!\s*=)", query, "ambiguous column 'CONTACT_ID'")
    if error is None and Assumption.INTERVAL in flipped:
        error = _refusal(r"\bnow\(\)\s*-\s*\d+\s+days\b", query, "syntax error: unexpected 'days'")
    if error is None and Assumption.FUNCTIONS in flipped:
        error = _unknown_function(query)
    return error


def _refusal(pattern: str, query: str, message: str) -> str | None:
    return message if re.search(pattern, query, re.IGNORECASE) else None


def _unknown_function(query: str) -> str | None:
    for match in re.finditer(r"\b([a-z_]+)\s*\(", query, re.IGNORECASE):
        name = match[1].lower()
        if name not in _KNOWN_FUNCTIONS | _NO_FUNCTIONS:
            return f"unknown function {name.upper()}"
    return None


def _with_other_ids(request: Request) -> Request:
    ids = request.params.get("ids", ())
    if len(ids) > 1 and Assumption.IDS_REPEATED in request.settings.flipped:
        return replace(request, params={**request.params, "ids": ids[:1]})
    if len(ids) == 1 and "," in ids[0] and Assumption.IDS_COMMA in request.settings.flipped:
        return replace(request, params={**request.params, "ids": ["unknown"]})
    return request


def _listed(request: Request, response: Response) -> Response:
    if Assumption.LIST_AFTER_CREATE not in request.settings.flipped:
        return response
    late = {
        record.id
        for record in records.everything(request.db, request.account)
        if request.now < record.created_at + _LATE
    }
    results = [item for item in response.json()["results"] if item["id"] not in late]
    return json_response(response.status, {"results": results})


def _before_create(request: Request) -> Request:
    content = request.json_object()
    name = content.get("name")
    if Assumption.NAME_CASE in request.settings.flipped and isinstance(name, str):
        taken = {
            record.name.casefold() for record in records.everything(request.db, request.account)
        }
        if name.casefold() in taken:
            raise refuse("segment name already exists", "name")
    return _squeezed(request, content)


def _squeezed(request: Request, content: dict[str, Any]) -> Request:
    query = content.get("query_dsl")
    if Assumption.BYTE_EXACT not in request.settings.flipped or not isinstance(query, str):
        return request
    body = json.dumps({**content, "query_dsl": " ".join(query.split())}).encode()
    return replace(request, body=body)


def _created(request: Request, response: Response) -> Response:
    if Assumption.INVALID_QUERY not in request.settings.flipped:
        return response
    content = response.json()
    if content["status"]["query_validation"] != "INVALID":
        return response
    records.erase(request.db, request.account, content["id"])
    return errors_response(HTTPStatus.BAD_REQUEST, content["status"]["error_message"], "query_dsl")


def _patched(request: Request, act: Callable[..., Response]) -> Response:
    flipped = request.settings.flipped
    content = request.json_object()
    segment_id = request.path.rpartition("/")[2]
    if Assumption.PATCH_PARENT_LIST in flipped and "parent_list_ids" in content:
        del content["parent_list_ids"]
        if not content:
            return act(request, "GET")
        request = replace(request, body=json.dumps(content).encode())
    if Assumption.LOCK_NAME_ONLY in flipped and [*content] == ["name"]:
        record = records.find(request.db, request.account, segment_id)
        if record is not None:
            records.update(request.db, request.account, replace(record, locked_from=None))
    return act(_squeezed(request, content), "PATCH")
