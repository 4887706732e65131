"""The exports of an account's contacts: start one, read its state (sendgrid-api.md §4).

Converts their JSON both ways. After a start without a response, the caller calls `find_export`.
Does not fetch the files, which are on another server that must not get the key: `downloads.py`
does. The address of a file grants access like a key, and is treated as a secret.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from segctl.common.secrets import Secret
from segctl.common.timestamps import parse_time_or_none
from segctl.sendgrid import wire
from segctl.sendgrid.api import Reader, path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

EXPORTS = "/v3/marketing/contacts/exports"

_ADDRESS = re.compile(r"(?<!\S)\S*://\S*")


class ExportStatus(StrEnum):
    """The state of an export. An unknown state counts as `PENDING`."""

    PENDING = "pending"
    READY = "ready"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Export:
    """One export.

    `message` is the sanitized reason of a failure. `urls` lead to its files, for a limited time;
    `contact_count` is the number of contacts in them, `None` where it is missing. `created_at` and
    `expires_at` are `None` where they are not valid times.
    """

    id: str
    status: ExportStatus
    message: str
    urls: tuple[Secret, ...]
    contact_count: int | None
    created_at: datetime | None
    expires_at: datetime | None


class Exports(Reader):
    """The operations on exports, and those of `Reader`."""

    def start_export(self, list_ids: Sequence[str] = ()) -> str:
        """Start an export of some lists, or of all contacts; return its id.

        It changes nothing in the account and sends no e-mail. Raises `RemoteError`; where its
        `ambiguous` is true, an export may have been started all the same.
        """
        operation = "start an export of contacts"
        body: dict[str, object] = {"file_type": "csv", "notifications": {"email": False}}
        if list_ids:
            body["list_ids"] = list(list_ids)
        answer = self._transport.send("POST", EXPORTS, operation=operation, body=body)
        started = wire.text(answer.data, "id") if isinstance(answer.data, dict) else None
        if started is None:
            raise wire.unexpected(operation, "the export has no id", written=True)
        return started

    def get_export(self, export_id: str) -> Export:
        """Return the state of an export. Raises `NotFound` once the account no longer has it."""
        operation = self._transport.sanitize(f"read export {export_id}")
        answer = self._transport.send("GET", path(export_id, EXPORTS), operation=operation)
        export = self._export(answer.data, operation)
        if export.id != export_id:
            raise wire.unexpected(operation, "it is for another export")
        return export

    def find_export(self, earliest: datetime, list_ids: Sequence[str] = ()) -> Export | None:
        """Return the latest export of exactly these lists (or of all contacts) since `earliest`.

        Raises `RemoteError` where the exports cannot be read.
        """
        operation = "look for the export"
        latest: tuple[datetime, Export] | None = None
        for item in self._items(EXPORTS, "result", operation, {}):
            export = self._export(item, operation)
            created = export.created_at
            if created is None or created < earliest or _lists(item) != frozenset(list_ids):
                continue
            if latest is None or created > latest[0]:
                latest = created, export
        return None if latest is None else latest[1]

    def _export(self, data: Any, operation: str) -> Export:
        if not isinstance(data, dict) or not wire.text(data, "id"):
            raise wire.unexpected(operation, "an export has no id")
        urls = data.get("urls")
        urls = urls if isinstance(urls, list) else []
        if not all(isinstance(url, str) for url in urls):
            raise wire.unexpected(operation, "an export has files without addresses")
        # An address in the message could be that of a file.
        message = _ADDRESS.sub("(an address)", wire.text(data, "message") or "")
        return Export(
            data["id"],
            _status(data.get("status")),
            self._transport.sanitize(message),
            tuple(Secret(url) for url in urls),
            wire.number(data, "contact_count"),
            parse_time_or_none(wire.text(data, "created_at")),
            parse_time_or_none(wire.text(data, "expires_at")),
        )


def _status(word: Any) -> ExportStatus:
    try:
        return ExportStatus(str(word).lower())
    except ValueError:
        return ExportStatus.PENDING


def _lists(data: Any) -> frozenset[str] | None:
    """Return the list ids of an export; `None` for an export of segments or of unknown type."""
    kind = wire.text(data, "export_type")
    if kind == "contacts_export":
        return frozenset()
    lists = data.get("lists")
    if kind != "list_export" or not isinstance(lists, list):
        return None
    return frozenset(str(item.get("ID")) for item in lists if isinstance(item, dict))
