"""The record of the segments that probes created on an account, kept in the user's cache.

A name is in it before the segment is created, and leaves it once the segment is known to be gone.
So whatever ends a probe, the next one knows what to delete, by ids and by names of its own alone.
Holds no key and no contact.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from segctl.common import files
from segctl.common.clock import format_utc
from segctl.common.timestamps import parse_time
from segctl.errors import Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from segctl.common.clock import Clock
    from segctl.common.folder import Folder

VERSION = 1
PREFIX = "segctl-probe-"


@dataclass(frozen=True, slots=True)
class Entry:
    """A segment that a probe created or may have created at `sent`; `id` is `None` until known."""

    name: str
    sent: datetime
    id: str | None = None


class ProbeRecord:
    """The open record of one account. Every change is on the disk before anything else happens.

    `path` is that of its file, for messages.
    """

    def __init__(self, folder: Folder, name: str, clock: Clock) -> None:
        self._folder = folder
        self._name = name
        self._clock = clock
        self._entries = {entry.name: entry for entry in self._load()}
        self.path = folder.path / name

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What is not known to be gone."""
        return tuple(self._entries.values())

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the segments that probes created."""
        return frozenset(entry.id for entry in self.entries if entry.id is not None)

    def expects(self, name: object) -> bool:
        """Return whether a creation of this name was announced and has no result yet."""
        entry = self._entries.get(name) if isinstance(name, str) else None
        return entry is not None and entry.id is None

    def intend(self, name: str) -> None:
        """Record that a segment with this name is about to be created. Raises `UsageError`."""
        if not name.lower().startswith(PREFIX) or name in self._entries:
            raise RuntimeError("a probe was about to create a segment with a name of others")
        self._entries[name] = Entry(name, self._clock.now())
        self._save()

    def created(self, name: str, segment_id: str) -> None:
        """Record the id of a segment. Raises `UsageError`."""
        self._entries[name] = replace(self._entries[name], id=segment_id)
        self._save()

    def forget(self, name: str) -> None:
        """Remove a segment that does not exist. Where that fails, the next clean-up finds out."""
        if self._entries.pop(name, None) is not None:
            with suppress(UsageError, Refused):
                self._save()

    def _save(self) -> None:
        content = {
            "segments": [
                {"name": entry.name, "sent": format_utc(entry.sent), "id": entry.id}
                for entry in self.entries
            ]
        }
        try:
            files.write_private_json(self._folder, self._name, VERSION, content)
        except (OSError, ValueError) as error:
            raise files.cannot_write(str(self._folder.path / self._name), _as_os(error)) from None

    def _load(self) -> list[Entry]:
        try:
            content = files.read_private_json(self._folder, self._name, VERSION)
            return [_entry(item) for item in content["segments"]]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is damaged"
            path = self._folder.path / self._name
            raise UsageError(
                f"cannot read the record of earlier probes in {path}: {reason}",
                hint=f"delete the segments whose names start with {PREFIX} in SendGrid, if there "
                "are any, then remove that file",
            ) from None


@contextmanager
def open_record(folder: Folder, digest: str, clock: Clock) -> Iterator[ProbeRecord]:
    """Yield the record of an account, which no other process uses meanwhile. Raises `UsageError`.

    `digest` identifies the account without naming it.
    """
    name = f"probe-{digest}"
    try:
        folder.make(0o700)
        with files.lock(folder, f"{name}.lock") as is_free:
            if not is_free:
                raise UsageError(
                    "another probe of this account is running", hint="wait until it has ended"
                )
            yield ProbeRecord(folder, f"{name}.json", clock)
    except OSError as error:
        raise files.cannot_write(str(folder.path), error) from None


def _entry(item: Any) -> Entry:
    name, segment_id = item["name"], item["id"]
    is_ours = isinstance(name, str) and name.lower().startswith(PREFIX)
    if not is_ours or not isinstance(segment_id, str | None):
        raise ValueError("not an entry of a record")
    return Entry(name, parse_time(item["sent"]), segment_id)


def _as_os(error: Exception) -> OSError:
    return error if isinstance(error, OSError) else OSError(0, str(error))
