"""The deletion of what probes created: of every segment in the record, and of nothing else.

Runs at the end of a probe whatever ended it, and at the start of the next one. What cannot be
deleted stays in the record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import NotFound, RemoteError
from segctl.sendgrid.api import path

if TYPE_CHECKING:
    from collections.abc import Callable

    from segctl.common.clock import Clock
    from segctl.common.stopping import Stop
    from segctl.probing.account import ProbeAccount
    from segctl.probing.record import Entry

ATTEMPTS = 4
"""Deletes of one segment whose answers were lost; the others are repeated by the transport."""

MOST_FAILURES = 2
"""Segments in a row that cannot be deleted, after which the others are not tried."""

PAUSE = 3.0
"""Seconds between two attempts."""

APPEARS_WITHIN = 120.0
"""Seconds after which a segment that is not in the list does not exist."""


def clean_up(
    account: ProbeAccount,
    clock: Clock,
    stop: Stop,
    notify: Callable[[str], None] = lambda _: None,
    *,
    earlier: bool = False,
) -> tuple[Entry, ...]:
    """Delete every segment of the record; return what is left, or may be.

    `earlier`: an earlier run created them, so one that has another name by now is left alone, and
    leaves the record. Once someone asked to stop, it no longer waits, but still sends.
    """
    for entry in account.record.entries:
        _resolve(account, entry, clock, stop)
    failures = 0
    for entry in account.record.entries:
        if entry.id is None or failures == MOST_FAILURES:
            continue
        if earlier and _is_renamed(account, entry):
            notify(f"segment {entry.id} of an earlier probe was renamed since: it is left alone")
            account.record.forget(entry.name)
        elif _delete(account, entry.id, clock, stop):
            account.record.forget(entry.name)
            failures = 0
        else:
            failures += 1
    return account.record.entries


def _resolve(account: ProbeAccount, entry: Entry, clock: Clock, stop: Stop) -> None:
    """Find the id of a segment whose creation had no answer; forget one that does not exist."""
    if entry.id is not None:
        return
    while True:
        age = (clock.now() - entry.sent).total_seconds()
        try:
            segments = account.segments().values()
        except RemoteError:
            return
        ids = [segment.id for segment in segments if segment.name == entry.name]
        if len(ids) == 1 and account.is_new(ids[0]):
            account.record.created(entry.name, ids[0])
            return
        if not 0 <= age < APPEARS_WITHIN:
            account.record.forget(entry.name)
            return
        if stop.requested:
            return
        stop.sleep(min(20.0, APPEARS_WITHIN - age), clock)


def _is_renamed(account: ProbeAccount, entry: Entry) -> bool:
    """Return whether a segment has a name that its probe did not give it."""
    try:
        name = account.segment(entry.id or "").name
    except RemoteError:
        return False
    return not name.lower().startswith(entry.name.lower())


def _delete(account: ProbeAccount, segment_id: str, clock: Clock, stop: Stop) -> bool:
    """Delete a segment; return whether it is gone."""
    for attempt in range(ATTEMPTS):
        if attempt and not stop.requested:
            stop.sleep(PAUSE * attempt, clock)
        reply = account.ask("DELETE", path(segment_id))
        if reply.is_success or reply.status == 404:  # noqa: PLR2004
            return True
        if not reply.ambiguous:
            return False
        try:
            account.segment(segment_id)
        except NotFound:
            return True
        except RemoteError:
            continue
    return False
