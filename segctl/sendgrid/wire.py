"""The JSON of the Segments API, converted to the model.

Tolerates null where the contract promises a value, and unknown fields. A response without an id, a
name or a list of results is an `UnexpectedResponse`, never "nothing there" (sendgrid-api.md §1).
Sends nothing.
"""

from __future__ import annotations

from typing import Any

from segctl.errors import UnexpectedResponse
from segctl.model import Remote, Validation

MAX_COUNT = 2**53 - 1
"""The largest integer that JSON carries safely; no float of it overflows."""


def remote(data: Any, operation: str, *, written: bool = False) -> Remote:
    """Return one segment, from a list or by itself.

    `written`: it is the response to a write. Raises `UnexpectedResponse` where it has no id or no
    name, and where its parent lists are not ids: partly read, they would look changed.
    """
    if not isinstance(data, dict) or not text(data, "id") or not isinstance(data.get("name"), str):
        raise unexpected(operation, "a segment has no id or no name", written=written)
    parents = _parents(data)
    if parents is None:
        raise unexpected(operation, "the parent lists of a segment are not ids", written=written)
    status = data.get("status")
    status = status if isinstance(status, dict) else {}
    return Remote(
        id=data["id"],
        name=data["name"],
        parent_list_ids=parents,
        query=text(data, "query_dsl"),
        query_version=_version(data),
        contacts_count=number(data, "contacts_count"),
        created_at=text(data, "created_at"),
        updated_at=text(data, "updated_at"),
        sample_updated_at=text(data, "sample_updated_at"),
        next_sample_update=text(data, "next_sample_update"),
        validation=_validation(status),
        validation_error=text(status, "error_message") or "",
        refreshes_used=number(data, "refreshes_used"),
        max_refreshes=number(data, "max_refreshes"),
        last_refreshed_at=text(data, "last_refreshed_at"),
    )


def nameless_v1(data: Any, *, is_v1: bool) -> str | None:
    """Return the id of a v1 segment without a name, `None` for anything else.

    SendGrid's own examples hold one (sendgrid-api.md §5). `is_v1`: the list has v1 segments only.
    In another list it must have its version, or all of what a v1 segment has and nothing of what
    only a V2 one has: otherwise it may be anything.
    """
    if not isinstance(data, dict) or data.get("name") not in (None, ""):
        return None
    version = _version(data)
    is_like_v1 = (
        version is None
        and "status" not in data
        and text(data, "created_at") is not None
        and text(data, "updated_at") is not None
        and number(data, "contacts_count") is not None
    )
    return text(data, "id") if is_v1 or is_like_v1 or version not in (None, "2") else None


def definition(data: Any, operation: str) -> Remote:
    """Return one segment with its query. Raises `UnexpectedResponse` without a query."""
    segment = remote(data, operation)
    if segment.query is None:
        raise unexpected(operation, "the segment has no query")
    return segment


def items(data: Any, key: str, operation: str) -> list[Any]:
    """Return the items of a list response: `results` for segments, `result` for lists.

    Raises `UnexpectedResponse` where there is no list.
    """
    values = data.get(key) if isinstance(data, dict) else None
    if not isinstance(values, list):
        # An empty response comes from a proxy, another shape from SendGrid itself.
        raise unexpected(operation, "it is empty" if data is None else f"it has no list `{key}`")
    return values


def next_page(data: Any) -> str | None:
    """Return the address of the next page, `None` where the response names none."""
    metadata = data.get("_metadata") if isinstance(data, dict) else None
    address = metadata.get("next") if isinstance(metadata, dict) else None
    return address if isinstance(address, str) and address else None


def unexpected(operation: str, what: str, *, written: bool = False) -> UnexpectedResponse:
    """Return the error for a success that does not hold what the contract promises.

    After a write (`written`) it is ambiguous: the server reported a success.
    """
    return UnexpectedResponse(
        f"could not {operation}: the response is unusable: {what}",
        hint="run the command again; if it fails again, the API may have changed",
        operation=operation,
        ambiguous=written,
    )


def text(data: dict[str, Any], key: str) -> str | None:
    """Return a text of an object; `None` where it is missing or empty."""
    value = data.get(key)
    return value if isinstance(value, str) and value else None


def number(data: dict[str, Any], key: str) -> int | None:
    """Return a count of an object; `None` where it is missing or is not a plausible count."""
    value = data.get(key)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_COUNT
    return value if is_count else None


def _version(data: dict[str, Any]) -> str | None:
    version = number(data, "query_version")
    return text(data, "query_version") if version is None else str(version)


def _parents(data: dict[str, Any]) -> tuple[str, ...] | None:
    """Return the parent lists, `None` where they are not ids.

    v1 segments have `parent_list_id` in addition or instead (sendgrid-api.md §5); empty means none.
    """
    ids_or_id = data.get("parent_list_ids")
    items = ids_or_id if isinstance(ids_or_id, list) else [ids_or_id]
    ids = [item for item in items if item not in (None, "")]
    if not all(isinstance(item, str) for item in ids) or (ids and not isinstance(ids_or_id, list)):
        return None
    single = text(data, "parent_list_id")
    return tuple(ids) if ids or single is None else (single,)


def _validation(status: dict[str, Any]) -> Validation:
    try:
        return Validation(str(status.get("query_validation", "")).upper())
    except ValueError:
        return Validation.UNKNOWN
