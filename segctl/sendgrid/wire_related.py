"""The JSON of Single Sends, contact lists and fields, converted to the model.

As tolerant and as strict as `wire.py`, and with its errors. Separate because most plans only read
segments. Sends nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from segctl.model.contact_fields import ContactList, Field, FieldType
from segctl.model.single_sends import SingleSend
from segctl.sendgrid import wire

_FIELD_TYPES = frozenset(kind.value for kind in FieldType)


def single_send(data: Any, operation: str) -> SingleSend:
    """Return a Single Send without its audience. Raises `UnexpectedResponse` without an id."""
    if not isinstance(data, dict) or not wire.text(data, "id"):
        raise wire.unexpected(operation, "a Single Send has no id")
    name = wire.text(data, "name") or data["id"]
    status = wire.text(data, "status") or "of unknown status"
    return SingleSend(
        data["id"],
        name,
        status,
        updated_at=wire.text(data, "updated_at"),
        send_at=wire.text(data, "send_at"),
    )


def audience(data: Any, operation: str) -> SingleSend:
    """Return a Single Send with its audience (sendgrid-api.md §3).

    A draft without an audience may have no `send_to`, or null in it. Raises `UnexpectedResponse`
    where the segments are not ids.
    """
    send = single_send(data, operation)
    send_to = data.get("send_to")
    value = send_to.get("segment_ids") if isinstance(send_to, dict) else send_to
    ids = [] if value is None else value
    if not isinstance(ids, list) or not all(isinstance(item, str) for item in ids):
        raise wire.unexpected(operation, "the segments of a Single Send are not ids")
    return replace(send, segment_ids=tuple(ids))


def contact_list(data: Any, operation: str) -> ContactList:
    """Return one contact list (sendgrid-api.md §4). Raises `UnexpectedResponse` without an id."""
    if not isinstance(data, dict) or not wire.text(data, "id"):
        raise wire.unexpected(operation, "a contact list has no id")
    name = wire.text(data, "name") or data["id"]
    return ContactList(data["id"], name, wire.number(data, "contact_count"))


def fields(data: Any, operation: str) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
    """Return the custom and the reserved fields (sendgrid-api.md §4).

    A field of an unknown type is left out: queries can use it, and it is not checked. Raises
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


def _named(items: list[Any], operation: str) -> list[dict[str, Any]]:
    for item in items:
        if not isinstance(item, dict) or not wire.text(item, "name"):
            raise wire.unexpected(operation, "a field has no name")
    return items
