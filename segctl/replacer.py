"""Makes a segment anew under its name, so that at every point at least one of the two exists.

Owns the order: the old one gets a temporary name (`markers.py`), the new one is created and
watched until SendGrid calls it valid, and only then the old one goes. Whatever breaks in between,
the temporary name tells the next plan what to finish. Deletes the old one on no other ground.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from segctl.errors import NotFound, RemoteError
from segctl.markers import Marker, temporary_name
from segctl.model import Validation
from segctl.report import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from segctl.clock import Clock
    from segctl.model import Remote, Replace
    from segctl.sendgrid.api import Writer

VALIDATION_TIMEOUT = 120.0
"""Seconds for which a new segment is watched; simple queries are valid at once (§1)."""

POLL_INTERVAL = 2.0
LONGEST_POLL_INTERVAL = 15.0


def replace_segment(
    change: Replace, account: Writer, clock: Clock, stopped: Callable[[], bool]
) -> Outcome:
    """Perform one replacement; the old segment was just found to be as the plan saw it.

    Raises `RemoteError` where a request fails before the new segment is known to exist.
    """
    old_id = change.precondition.id
    aside = temporary_name(change.after.name, old_id, Marker.OLD)
    if change.before.name != aside:
        account.patch_segment(old_id, {"name": aside})
    try:
        made = account.create_segment(change.after)
    except RemoteError as error:
        if not error.ambiguous:
            _give_back(change, account)
        raise
    new = _watch(made, account, clock, stopped)
    match new.validation:
        case Validation.VALID:
            return _finish(change, new, account)
        case Validation.INVALID:
            return _roll_back(change, new, account)
        case Validation.PENDING | Validation.UNKNOWN:
            return Outcome(
                change,
                Status.FAILED,
                new.id,
                f"SendGrid is still checking the new segment; the old one stays as `{aside}`",
                "apply again later: it deletes the old one once the new one is valid",
            )


def _watch(made: Remote, account: Writer, clock: Clock, stopped: Callable[[], bool]) -> Remote:
    """Read the new segment until its query is judged, time is up or nobody waits any more."""
    until = clock.monotonic() + VALIDATION_TIMEOUT
    pause = POLL_INTERVAL
    new = made
    while new.validation in (Validation.PENDING, Validation.UNKNOWN):
        if stopped() or clock.monotonic() + pause > until:
            return new
        clock.sleep(pause)
        pause = min(pause * 1.5, LONGEST_POLL_INTERVAL)
        # A read that fails decides nothing, and the old one is still there.
        with suppress(RemoteError):
            new = account.get_segment(made.id)
    return new


def _finish(change: Replace, new: Remote, account: Writer) -> Outcome:
    try:
        account.delete_segment(change.precondition.id)
    except NotFound:
        return Outcome(change, Status.DONE, new.id, "the old one was gone already")
    except RemoteError as error:
        return Outcome(
            change,
            Status.UNKNOWN if error.ambiguous else Status.FAILED,
            new.id,
            f"the new segment stands, and the old one may, too: {error.message}",
            "apply again: it deletes what is left of the old one",
        )
    return Outcome(change, Status.DONE, new.id)


def _roll_back(change: Replace, new: Remote, account: Writer) -> Outcome:
    account.delete_segment(new.id)
    name = _give_back(change, account)
    why = new.validation_error or "it does not say why"
    return Outcome(
        change,
        Status.FAILED,
        change.precondition.id,
        f"SendGrid does not accept the query of the new segment ({why}), which was deleted again; "
        f"the old one stays as `{name}`",
        "correct the query and apply again",
    )


def _give_back(change: Replace, account: Writer) -> str:
    """Try to give the old segment its name again; say what it is called now.

    SendGrid refuses it within five minutes of the last change (sendgrid-api.md §1): then the next
    plan does it, or goes on with the replacement.
    """
    segment_id = change.precondition.id
    aside = temporary_name(change.after.name, segment_id, Marker.OLD)
    name = change.after.name if change.before.name == aside else change.before.name
    try:
        account.patch_segment(segment_id, {"name": name})
    except RemoteError:
        return aside
    return name
