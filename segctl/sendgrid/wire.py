"""JSON of the Segments API to the model, and back.

Owns the tolerance: null where the contract promises a value, fields nobody told us of. And the
strictness: an answer without an id, a name or a list of results is an `UnexpectedResponse`, never
"nothing there" (sendgrid-api.md §1).
"""

from __future__ import annotations

from typing import Any

from segctl.errors import UnexpectedResponse
from segctl.model import Remote, Validation


def remote(data: Any, operation: str, *, written: bool = False) -> Remote:
    """Read one segment, from a list or by itself.

    `written` says that it is the answer to a write. Raises `UnexpectedResponse` where it has no id
    or no name, and where its parent lists cannot be made out: half-read they would look changed.
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


def definition(data: Any, operation: str) -> Remote:
    """Read one segment with its query. Raises `UnexpectedResponse` where the query is missing."""
    read = remote(data, operation)
    if read.query is None:
        raise unexpected(operation, "the segment has no query")
    return read


def items(data: Any, key: str, operation: str) -> list[Any]:
    """Take the items out of a list answer: segments come as `results`, lists as `result`.

    Raises `UnexpectedResponse` where there is no list.
    """
    found = data.get(key) if isinstance(data, dict) else None
    if not isinstance(found, list):
        # An empty response comes from a proxy, another shape from SendGrid itself.
        raise unexpected(operation, "it is empty" if data is None else f"it has no list `{key}`")
    return found


def next_page(data: Any) -> str | None:
    """Give the address of the next page where an answer names one."""
    metadata = data.get("_metadata") if isinstance(data, dict) else None
    address = metadata.get("next") if isinstance(metadata, dict) else None
    return address if isinstance(address, str) and address else None


def unexpected(operation: str, what: str, *, written: bool = False) -> UnexpectedResponse:
    """Make the error for a success that does not hold what the contract promises.

    After a write (`written`) it is ambiguous: the server said that it did something.
    """
    return UnexpectedResponse(
        f"could not {operation}: the response is unusable: {what}",
        hint="run the command again; if it fails again, the API may have changed",
        operation=operation,
        ambiguous=written,
    )


def text(data: dict[str, Any], key: str) -> str | None:
    """Take a text out of an object; `None` where there is none, or an empty one."""
    value = data.get(key)
    return value if isinstance(value, str) and value else None


def number(data: dict[str, Any], key: str) -> int | None:
    """Take a whole number out of an object; `None` where there is none."""
    value = data.get(key)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _version(data: dict[str, Any]) -> str | None:
    found = number(data, "query_version")
    return text(data, "query_version") if found is None else str(found)


def _parents(data: dict[str, Any]) -> tuple[str, ...] | None:
    """Give the parent lists, `None` where they cannot be made out.

    v1 segments have `parent_list_id` beside or instead (sendgrid-api.md §5); empty means none.
    """
    several = data.get("parent_list_ids")
    items = several if isinstance(several, list) else [several]
    ids = [item for item in items if item not in (None, "")]
    if not all(isinstance(item, str) for item in ids) or (ids and not isinstance(several, list)):
        return None
    single = text(data, "parent_list_id")
    return tuple(ids) if ids or single is None else (single,)


def _validation(status: dict[str, Any]) -> Validation:
    try:
        return Validation(str(status.get("query_validation", "")).upper())
    except ValueError:
        return Validation.UNKNOWN
