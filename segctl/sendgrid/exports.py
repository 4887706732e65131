"""The exports of an account's contacts: start one, look how it is getting on (sendgrid-api.md §4).

Owns their JSON, both ways. What a start that got no answer came to is for the caller to find out:
`find_export` does that. Refuses to fetch the files: they are on another server, where the key does
not go (`downloads.py`). The address of a file is as good as a key to it, and treated as one.
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

_ADDRESS = re.compile(r"\S*://\S*")


class ExportStatus(StrEnum):
    """How far an export is. A word that nobody told us of counts as `PENDING`."""

    PENDING = "pending"
    READY = "ready"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Export:
    """One export.

    `message` says, cleaned, why it failed. `urls` lead to its files, for a while; `contact_count`
    is how many contacts are in them, `None` where the answer does not say. `created_at` and
    `expires_at` are `None` where they are no moments.
    """

    id: str
    status: ExportStatus
    message: str
    urls: tuple[Secret, ...]
    contact_count: int | None
    created_at: datetime | None
    expires_at: datetime | None


class Exports(Reader):
    """The operations on exports, beside those of reading."""

    def start_export(self, list_ids: Sequence[str] = ()) -> str:
        """Start an export of some lists, or of all contacts; give its id.

        It changes nothing of the account, and sends nobody an e-mail. Raises `RemoteError`; where
        its `ambiguous` is true an export may have been started all the same.
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
        """Look how an export is getting on. Raises `NotFound` once the account forgot it."""
        operation = self._transport.clean(f"read export {export_id}")
        answer = self._transport.send("GET", path(export_id, EXPORTS), operation=operation)
        found = self._export(answer.data, operation)
        if found.id != export_id:
            raise wire.unexpected(operation, "it is for another export")
        return found

    def find_export(self, earliest: datetime, list_ids: Sequence[str] = ()) -> Export | None:
        """Find the latest export of just these lists (or of all contacts) since a moment.

        Raises `RemoteError` where the exports cannot be read.
        """
        operation = "look for the export"
        latest: tuple[datetime, Export] | None = None
        for item in self._items(EXPORTS, "result", operation, {}):
            found = self._export(item, operation)
            created = found.created_at
            if created is None or created < earliest or _lists(item) != frozenset(list_ids):
                continue
            if latest is None or created > latest[0]:
                latest = created, found
        return None if latest is None else latest[1]

    def _export(self, data: Any, operation: str) -> Export:
        if not isinstance(data, dict) or not wire.text(data, "id"):
            raise wire.unexpected(operation, "an export has no id")
        urls = data.get("urls")
        found = urls if isinstance(urls, list) else []
        if not all(isinstance(url, str) for url in found):
            raise wire.unexpected(operation, "an export has files without addresses")
        # An address in it could be that of a file.
        message = _ADDRESS.sub("(an address)", wire.text(data, "message") or "")
        return Export(
            data["id"],
            _status(data.get("status")),
            self._transport.clean(message),
            tuple(Secret(url) for url in found),
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
    """Give the lists of an export in the overview; `None` for one of segments, or of who knows."""
    kind = wire.text(data, "export_type")
    if kind == "contacts_export":
        return frozenset()
    lists = data.get("lists")
    if kind != "list_export" or not isinstance(lists, list):
        return None
    return frozenset(str(one.get("ID")) for one in lists if isinstance(one, dict))
