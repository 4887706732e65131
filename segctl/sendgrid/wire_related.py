"""JSON of what stands around segments: Single Sends, contact lists, fields.

As tolerant and as strict as `wire.py`, whose errors it raises. By itself, since most plans read
segments alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from segctl.model.contact_fields import ContactList, Field, FieldType
from segctl.model.single_sends import SingleSend
from segctl.sendgrid import wire

_FIELD_TYPES = frozenset(kind.value for kind in FieldType)


def single_send(data: Any, operation: str) -> SingleSend:
    """Read a Single Send in its short form. Raises `UnexpectedResponse` without an id."""
    if not isinstance(data, dict) or not wire.text(data, "id"):
        raise wire.unexpected(operation, "a Single Send has no id")
    name = wire.text(data, "name") or data["id"]
    status = wire.text(data, "status") or "of unknown status"
    return SingleSend(data["id"], name, status, updated_at=wire.text(data, "updated_at"))


def audience(data: Any, operation: str) -> SingleSend:
    """Read a Single Send with who gets it (sendgrid-api.md §3).

    A draft that goes to nobody yet may have no `send_to`, or null in it. Raises
    `UnexpectedResponse` where the segments cannot be made out.
    """
    send = single_send(data, operation)
    send_to = data.get("send_to")
    found = send_to.get("segment_ids") if isinstance(send_to, dict) else send_to
    ids = [] if found is None else found
    if not isinstance(ids, list) or not all(isinstance(item, str) for item in ids):
        raise wire.unexpected(operation, "the segments of a Single Send are not ids")
    return replace(send, segment_ids=tuple(ids))


def contact_list(data: Any, operation: str) -> ContactList:
    """Read one contact list (sendgrid-api.md §4). Raises `UnexpectedResponse` without an id."""
    if not isinstance(data, dict) or not wire.text(data, "id"):
        raise wire.unexpected(operation, "a contact list has no id")
    return ContactList(data["id"], wire.text(data, "name") or data["id"])


def fields(data: Any, operation: str) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
    """Read the custom and the reserved fields (sendgrid-api.md §4).

    A field of a type nobody told us of is left out: it can be used, and is not checked. Raises
    `UnexpectedResponse` where a list or a name is missing.
    """
    custom, reserved = (
        tuple(
            Field(item["name"], FieldType(item["field_type"]))
            for item in _named(wire.items(data, key, operation), operation)
            if item.get("field_type") in _FIELD_TYPES
        )
        for key in ("custom_fields", "reserved_fields")
    )
    return custom, reserved


def _named(found: list[Any], operation: str) -> list[dict[str, Any]]:
    for item in found:
        if not isinstance(item, dict) or not wire.text(item, "name"):
            raise wire.unexpected(operation, "a field has no name")
    return found
