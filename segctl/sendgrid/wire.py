"""JSON of the Segments API to the model, and back.

Owns the tolerance: null where the contract promises a value, fields nobody told us of. And the
strictness: an answer without an id, a name or a list of results is an `UnexpectedAnswer`, never
"nothing there" (sendgrid-api.md §1).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from segctl.errors import UnexpectedAnswer
from segctl.fields import ContactList, Field, FieldType
from segctl.model import Remote, Validation
from segctl.sends import SingleSend

_FIELD_TYPES = frozenset(kind.value for kind in FieldType)


def remote(data: Any, operation: str, *, written: bool = False) -> Remote:
    """Read one segment, from a list or by itself.

    `written` says that it is the answer to a write. Raises `UnexpectedAnswer` where it has no id
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
    """Read one segment with its query. Raises `UnexpectedAnswer` where the query is missing."""
    read = remote(data, operation)
    if read.query is None:
        raise unexpected(operation, "the segment has no query")
    return read


def items(data: Any, key: str, operation: str) -> list[Any]:
    """Take the items out of a list answer: segments come as `results`, lists as `result`.

    Raises `UnexpectedAnswer` where there is no list.
    """
    found = data.get(key) if isinstance(data, dict) else None
    if not isinstance(found, list):
        # An empty answer comes from something on the way, another shape from SendGrid itself.
        empty = "it is empty, " if data is None else ""
        raise unexpected(operation, f"{empty}there is no list of {key} in it")
    return found


def single_send(data: Any, operation: str) -> SingleSend:
    """Read a Single Send in its short form. Raises `UnexpectedAnswer` without an id."""
    if not isinstance(data, dict) or not text(data, "id"):
        raise unexpected(operation, "a Single Send has no id")
    name = text(data, "name") or data["id"]
    status = text(data, "status") or "of unknown status"
    return SingleSend(data["id"], name, status, updated_at=text(data, "updated_at"))


def audience(data: Any, operation: str) -> SingleSend:
    """Read a Single Send with who gets it (sendgrid-api.md §3).

    A draft that goes to nobody yet may have no `send_to`, or null in it. Raises
    `UnexpectedAnswer` where the segments cannot be made out.
    """
    send = single_send(data, operation)
    send_to = data.get("send_to")
    found = send_to.get("segment_ids") if isinstance(send_to, dict) else send_to
    ids = [] if found is None else found
    if not isinstance(ids, list) or not all(isinstance(item, str) for item in ids):
        raise unexpected(operation, "the segments of a Single Send are not ids")
    return replace(send, segment_ids=tuple(ids))


def contact_list(data: Any, operation: str) -> ContactList:
    """Read one contact list (sendgrid-api.md §4). Raises `UnexpectedAnswer` without an id."""
    if not isinstance(data, dict) or not text(data, "id"):
        raise unexpected(operation, "a contact list has no id")
    return ContactList(data["id"], text(data, "name") or data["id"])


def fields(data: Any, operation: str) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
    """Read the custom and the reserved fields (sendgrid-api.md §4).

    A field of a type nobody told us of is left out: it can be used, and is not checked. Raises
    `UnexpectedAnswer` where a list or a name is missing.
    """
    custom, reserved = (
        tuple(
            Field(item["name"], FieldType(item["field_type"]))
            for item in _named(items(data, key, operation), operation)
            if item.get("field_type") in _FIELD_TYPES
        )
        for key in ("custom_fields", "reserved_fields")
    )
    return custom, reserved


def _named(found: list[Any], operation: str) -> list[dict[str, Any]]:
    for item in found:
        if not isinstance(item, dict) or not text(item, "name"):
            raise unexpected(operation, "a field has no name")
    return found


def next_page(data: Any) -> str | None:
    """Give the address of the next page where an answer names one."""
    metadata = data.get("_metadata") if isinstance(data, dict) else None
    address = metadata.get("next") if isinstance(metadata, dict) else None
    return address if isinstance(address, str) and address else None


def unexpected(operation: str, what: str, *, written: bool = False) -> UnexpectedAnswer:
    """Make the error for a success that does not hold what the contract promises.

    After a write (`written`) it is ambiguous: the server said that it did something.
    """
    return UnexpectedAnswer(
        f"could not {operation}: SendGrid's answer is not usable: {what}",
        hint="run it again; if it stays, the API has changed",
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
