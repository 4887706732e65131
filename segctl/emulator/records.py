"""The rows of segments, of both versions: reading, writing, and what they look like by now.

Owns `Record` and every statement on the `segment` table. Checks no rule of the API: the
operations and the web interface do that before they write.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from segctl.emulator.request import timestamp
from segctl.emulator.validation import uses_events

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from segctl.emulator.settings import Settings

V1 = 1
V2 = 2


@dataclass(frozen=True, slots=True)
class Record:
    """One stored segment. Instants are in seconds since 1970.

    `error` is the message of an INVALID query, which shows from `validated_at` on.
    `locked_from` is the last write through the API, or `None`: writes by hand start no lock.
    `sampled_from` is when the sample was asked for the last time. `counted_at` is the sample that
    `contacts_count` is of: `None` before the first, infinite for a count given by hand, which
    stays until the query changes. `parent_list_ids` is `None`
    without a parent list, as in recorded answers.
    """

    id: str
    version: int
    name: str
    query: str
    parent_list_ids: tuple[str, ...] | None
    created_at: float
    updated_at: float
    locked_from: float | None
    validated_at: float
    error: str | None
    contacts_count: int
    sampled_from: float
    counted_at: float | None = None
    deleted_at: float | None = None

    def validation(self, now: float) -> dict[str, str]:
        """Return the `status` object: PENDING, VALID, or INVALID with its message."""
        if now < self.validated_at:
            return {"query_validation": "PENDING"}
        if self.error is None:
            return {"query_validation": "VALID"}
        return {"query_validation": "INVALID", "error_message": self.error}

    def last_sample(self, settings: Settings, now: float) -> float | None:
        """Return the instant of the last sample, `None` before the first.

        Nothing is sampled before its query is checked (guessed), and a query over events starts to
        fill late (documented). Samples recur on a fixed interval; the real one varies from 1 to
        24 h (sendgrid-api.md §1).
        """
        late = settings.event_sample_delay if uses_events(self.query) else 0.0
        first = max(self.sampled_from + settings.sample_delay, self.validated_at + late)
        if now < first:
            return None
        passed = math.floor((now - first) / settings.sample_interval)
        return first + passed * settings.sample_interval

    def sample_times(self, settings: Settings, now: float) -> dict[str, str | None]:
        """Return `sample_updated_at` and `next_sample_update`, null before the first sample."""
        last = self.last_sample(settings, now)
        if last is None:
            return {"sample_updated_at": None, "next_sample_update": None}
        return {
            "sample_updated_at": timestamp(last),
            "next_sample_update": timestamp(last + settings.sample_interval),
        }


def _record(row: sqlite3.Row) -> Record:
    parents = row["parent_list_ids"]
    return Record(
        id=row["id"],
        version=row["version"],
        name=row["name"],
        query=row["query"],
        parent_list_ids=None if parents is None else tuple(json.loads(parents)),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        locked_from=row["locked_from"],
        validated_at=row["validated_at"],
        error=row["error"],
        contacts_count=row["contacts_count"],
        sampled_from=row["sampled_from"],
        counted_at=row["counted_at"],
        deleted_at=row["deleted_at"],
    )


def find(db: sqlite3.Connection, account: str, segment_id: str) -> Record | None:
    """Return the segment with this id unless it is deleted."""
    row = db.execute(
        "SELECT * FROM segment WHERE account = ? AND id = ? AND deleted_at IS NULL",
        (account, segment_id),
    ).fetchone()
    return None if row is None else _record(row)


def named(db: sqlite3.Connection, account: str, name: str) -> list[Record]:
    """Return the segments of both versions with exactly this name."""
    rows = db.execute(
        "SELECT * FROM segment WHERE account = ? AND name = ? AND deleted_at IS NULL",
        (account, name),
    )
    return [_record(row) for row in rows]


def count(db: sqlite3.Connection, account: str) -> int:
    """Count the segments of both versions: what the cap counts."""
    (number,) = db.execute(
        "SELECT count(*) FROM segment WHERE account = ? AND deleted_at IS NULL", (account,)
    ).fetchone()
    return int(number)


def everything(
    db: sqlite3.Connection, account: str, *, deleted_after: float = math.inf
) -> list[Record]:
    """Return all segments, oldest entry first, with those deleted later than `deleted_after`."""
    rows = db.execute(
        "SELECT * FROM segment WHERE account = ? AND (deleted_at IS NULL OR deleted_at > ?) "
        "ORDER BY seq",
        (account, deleted_after),
    )
    return [_record(row) for row in rows]


def by_ids(
    db: sqlite3.Connection, account: str, ids: Sequence[str], *, deleted_after: float
) -> list[Record]:
    """Return the segments with these ids, as `everything` does; unknown ids are passed over."""
    rows = db.execute(
        "SELECT * FROM segment WHERE account = ? AND id IN (SELECT value FROM json_each(?)) "
        "AND (deleted_at IS NULL OR deleted_at > ?) ORDER BY seq",
        (account, json.dumps(ids), deleted_after),
    )
    return [_record(row) for row in rows]


def insert(db: sqlite3.Connection, account: str, record: Record) -> None:
    """Store a new segment. Raises `sqlite3.IntegrityError` when its id is taken."""
    db.execute(
        "INSERT INTO segment (account, id, version, name, query, parent_list_ids, created_at, "
        "updated_at, locked_from, validated_at, error, contacts_count, sampled_from, counted_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            account,
            record.id,
            record.version,
            record.name,
            record.query,
            None if record.parent_list_ids is None else json.dumps(record.parent_list_ids),
            record.created_at,
            record.updated_at,
            record.locked_from,
            record.validated_at,
            record.error,
            record.contacts_count,
            record.sampled_from,
            record.counted_at,
        ),
    )


def update(db: sqlite3.Connection, account: str, record: Record) -> None:
    """Store what an edit may change of a segment: all but its id, version and creation."""
    db.execute(
        "UPDATE segment SET name = ?, query = ?, updated_at = ?, locked_from = ?, "
        "validated_at = ?, error = ?, contacts_count = ?, sampled_from = ?, counted_at = ? "
        "WHERE account = ? AND id = ?",
        (
            record.name,
            record.query,
            record.updated_at,
            record.locked_from,
            record.validated_at,
            record.error,
            record.contacts_count,
            record.sampled_from,
            record.counted_at,
            account,
            record.id,
        ),
    )


def delete(db: sqlite3.Connection, account: str, segment_id: str, *, at: float) -> None:
    """Mark a segment deleted: it keeps nothing but its place in the lists that lag behind."""
    db.execute(
        "UPDATE segment SET deleted_at = ? WHERE account = ? AND id = ?", (at, account, segment_id)
    )


def erase(db: sqlite3.Connection, account: str, segment_id: str) -> None:
    """Remove a segment at once and without a trace."""
    db.execute("DELETE FROM segment WHERE account = ? AND id = ?", (account, segment_id))


def purge(db: sqlite3.Connection, *, deleted_until: float) -> None:
    """Remove for good what was deleted at `deleted_until` or before."""
    db.execute("DELETE FROM segment WHERE deleted_at <= ?", (deleted_until,))


def keep_counts(db: sqlite3.Connection, account: str, counted: Iterable[Record]) -> None:
    """Store the counts of segments, and nothing else of them."""
    db.executemany(
        "UPDATE segment SET contacts_count = ?, counted_at = ? WHERE account = ? AND id = ?",
        [(record.contacts_count, record.counted_at, account, record.id) for record in counted],
    )


def summary(record: Record, settings: Settings, now: float) -> dict[str, Any]:
    """Return the fields that segments of both versions share in lists and on their own.

    A v1 segment may lack a name (in examples of the official description).
    """
    return {
        "id": record.id,
        **({} if record.version == 1 and not record.name else {"name": record.name}),
        "contacts_count": record.contacts_count,
        "created_at": timestamp(record.created_at),
        "updated_at": timestamp(record.updated_at),
        **record.sample_times(settings, now),
        "parent_list_ids": None if record.parent_list_ids is None else [*record.parent_list_ids],
    }
