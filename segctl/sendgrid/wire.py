"""JSON of the Segments API to the model, and back.

Owns the tolerance: null where the contract promises a value, fields nobody told us of. And the
strictness: an answer without an id, a name or a list of results is an `UnexpectedAnswer`, never
"nothing there" (sendgrid-api.md §1).
"""

from __future__ import annotations

from typing import Any

from segctl.errors import UnexpectedAnswer
from segctl.model import Remote, Validation


def remote(data: Any, operation: str) -> Remote:
    """Read one segment, from a list or by itself.

    Raises `UnexpectedAnswer` where it has no id or no name.
    """
    if not isinstance(data, dict) or not _text(data, "id") or not isinstance(data.get("name"), str):
        raise unexpected(operation, "a segment has neither id nor name")
    status = data.get("status")
    status = status if isinstance(status, dict) else {}
    return Remote(
        id=data["id"],
        name=data["name"],
        parent_list_ids=_parents(data),
        query=_text(data, "query_dsl"),
        query_version=_version(data),
        contacts_count=_number(data, "contacts_count"),
        created_at=_text(data, "created_at"),
        updated_at=_text(data, "updated_at"),
        sample_updated_at=_text(data, "sample_updated_at"),
        next_sample_update=_text(data, "next_sample_update"),
        validation=_validation(status),
        validation_error=_text(status, "error_message") or "",
        refreshes_used=_number(data, "refreshes_used"),
        max_refreshes=_number(data, "max_refreshes"),
    )


def definition(data: Any, operation: str) -> Remote:
    """Read one segment with its query. Raises `UnexpectedAnswer` where the query is missing."""
    read = remote(data, operation)
    if read.query is None:
        raise unexpected(operation, "the segment has no query")
    return read


def results(data: Any, operation: str) -> list[Any]:
    """Take the items out of a list answer. Raises `UnexpectedAnswer` where there is no list."""
    items = data.get("results") if isinstance(data, dict) else None
    if not isinstance(items, list):
        raise unexpected(operation, "there is no list of results in it")
    return items


def next_page(data: Any) -> str | None:
    """Give the address of the next page where an answer names one."""
    metadata = data.get("_metadata") if isinstance(data, dict) else None
    address = metadata.get("next") if isinstance(metadata, dict) else None
    return address if isinstance(address, str) and address else None


def unexpected(operation: str, what: str) -> UnexpectedAnswer:
    """Make the error for an answer that is not what the contract promises."""
    return UnexpectedAnswer(
        f"could not {operation}: SendGrid's answer is not usable: {what}",
        hint="run it again; if it stays, the API has changed",
        operation=operation,
    )


def _text(data: dict[str, Any], key: str) -> str | None:
    value = data.get(key)
    return value if isinstance(value, str) and value else None


def _number(data: dict[str, Any], key: str) -> int | None:
    value = data.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _version(data: dict[str, Any]) -> str | None:
    value = data.get("query_version")
    return str(value) if value is not None and value != "" else None


def _parents(data: dict[str, Any]) -> tuple[str, ...]:
    value = data.get("parent_list_ids")
    if isinstance(value, list):
        return tuple(item for item in value if isinstance(item, str))
    single = _text(data, "parent_list_id")
    return (single,) if single else ()


def _validation(status: dict[str, Any]) -> Validation:
    try:
        return Validation(str(status.get("query_validation", "")).upper())
    except ValueError:
        return Validation.UNKNOWN
