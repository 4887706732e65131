"""Lets a V2 segment take the place of a v1 one, so that at every point one of the two exists.

Owns the order: the new one is made under a name of its own, watched until SendGrid calls it valid
and has counted it, and held against the old one; only then, and only if no Single Send goes to that
by then, the old one is deleted and the new one gets its name. Each stop leaves both, and the
temporary name (`temporary_names.py`) tells the next plan where to go on. A v1 segment cannot be
renamed, so `replacing.py` goes about it the other way round.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from segctl.applying import writes
from segctl.applying.context import OnInvalid
from segctl.applying.resuming import resume_successor, status_of_stop
from segctl.applying.usage_check import single_sends_using
from segctl.applying.validation import watch, watch_count
from segctl.applying.writes import WRITE_ERRORS
from segctl.errors import RemoteError
from segctl.model import Validation
from segctl.model.report import Outcome, Status
from segctl.planning.equality import changed_fields
from segctl.planning.safety import targets_phrase

if TYPE_CHECKING:
    from segctl.applying.context import ApplyContext, Steps
    from segctl.applying.validation import Verdict
    from segctl.model import Remote, Upgrade

ALL = 100
"""Percent: the difference at which counts decide nothing."""

AGAIN_HINT = "apply again later: it goes on from here"


def upgrade(change: Upgrade, context: ApplyContext) -> Steps[Outcome]:
    """Perform one upgrade, as far as it can be.

    Raises as `writes` does where the new segment could not be made: then nothing was done. From
    there on every end is an `Outcome` that says what stands.
    """
    old = context.account.get_segment(change.id, v1=True)
    if old.definition.sha256 != change.before.sha256:
        raise writes.changed_meanwhile(change.before, old)
    new = yield from _twin(change, context)
    verdict = yield from watch(new, context)
    stop = yield from _rejected(change, verdict, context)
    if stop is None and context.options.max_upgrade_difference < ALL:
        verdict = yield from watch_count(verdict.remote, context)
        stop = _lost(change, verdict) or _miscounted(change, old, verdict, context)
    stop = stop or _in_use(change, verdict.remote, context)
    return stop or (yield from _finish(change, verdict.remote, context))


def _twin(change: Upgrade, context: ApplyContext) -> Steps[Remote]:
    """Give the new segment as it is wanted: made now, or by an earlier run and corrected since."""
    held = change.successor
    differing = () if held is None else changed_fields(held.definition, change.successor_definition)
    if held is None or "parent_list_ids" in differing:
        if held is not None:
            _refuse_to_lose(change, held.id, context)
            yield from writes.delete(held.id, held.definition, context)
        made = yield from writes.create(change.successor_definition, context)
        return made.remote
    return (yield from resume_successor(held, change.successor_definition, context))


def _refuse_to_lose(change: Upgrade, twin_id: str, context: ApplyContext) -> None:
    """Raise `Conflict` where people did as they were told and send to the new segment already."""
    sends = single_sends_using(change, twin_id, context)
    if sends:
        raise writes.Conflict(
            f"{targets_phrase(sends)} the new segment, which cannot get another parent list and "
            "would have to be made anew",
            "put the parent list back, or give it the v1 segment again until the new one is made",
            twin_id,
        )


def _rejected(change: Upgrade, verdict: Verdict, context: ApplyContext) -> Steps[Outcome | None]:
    """Say why the new segment cannot take over yet, as far as its query goes."""
    lost = _lost(change, verdict)
    if lost is not None:
        return lost
    match verdict.remote.validation:
        case Validation.VALID:
            return None
        case Validation.PENDING | Validation.UNKNOWN:
            what = "SendGrid is still validating the new segment"
            return _waiting(change, verdict.remote, _halted(verdict, what))
        case Validation.INVALID:
            return (yield from _invalid(change, verdict, context))


def _invalid(change: Upgrade, verdict: Verdict, context: ApplyContext) -> Steps[Outcome]:
    new = verdict.remote
    why = f"SendGrid does not accept the query of the new segment ({verdict.complaint})"
    hint = "correct the query and apply again"
    if context.options.on_invalid is OnInvalid.ROLLBACK and change.successor is None:
        try:
            yield from writes.delete(
                new.id, writes.stored(new, change.successor_definition), context
            )
        except WRITE_ERRORS as error:
            why = f"{why}; it was to be deleted again: {error.message}"
        else:
            message = f"{why}, which was deleted again; the v1 one stays"
            place = change.query_span or change.span
            return Outcome(change, Status.FAILED, change.id, message, hint, place)
    return _refused(change, new, why, hint)


def _miscounted(
    change: Upgrade, old: Remote, verdict: Verdict, context: ApplyContext
) -> Outcome | None:
    """Say why the new segment cannot take over yet, as far as its contacts go."""
    new = verdict.remote
    if verdict.is_uncounted:
        what = "SendGrid has not counted the new segment yet"
        return _waiting(change, new, _halted(verdict, what))
    before, after = old.contacts_count, new.contacts_count
    if before is None or after is None:
        return _waiting(
            change,
            new,
            "SendGrid shows no count of the v1 segment",
            "look at both in SendGrid; `limits: {max_upgrade_difference: 100}` in segctl.yaml "
            "upgrades without comparing",
        )
    most = context.options.max_upgrade_difference
    apart = abs(before - after)
    # In whole numbers: a percentage that was rounded could be just as large as is allowed.
    if apart * ALL <= most * max(before, after):
        return None
    share = apart * ALL / max(before, after)
    return _refused(
        change,
        new,
        f"the v1 segment has {before:,} contacts and the new one {after:,}, which is {share:.1f} % "
        f"apart; the most is {most} %",
        "compare the two queries and correct the new one, or raise `limits.max_upgrade_difference` "
        "in segctl.yaml",
    )


def _in_use(change: Upgrade, new: Remote, context: ApplyContext) -> Outcome | None:
    """Say who still needs the old segment, or by now: counting takes half an hour at times."""
    try:
        sends = single_sends_using(change, change.id, context)
    except RemoteError as error:
        what = f"it was ready, and what uses the v1 one was to be read: {error.message}"
        return _stopped(change, new, status_of_stop(error), what, AGAIN_HINT)
    if not sends:
        return None
    return _waiting(
        change,
        new,
        f"{targets_phrase(sends, 'still ')} the v1 segment",
        f"in SendGrid, give it the new segment instead, id {new.id}; then apply again",
    )


def _finish(change: Upgrade, new: Remote, context: ApplyContext) -> Steps[Outcome]:
    """Delete the old segment, now that the new one is as good, and give that its name."""
    try:
        note = yield from writes.delete(change.id, change.before, context, v1=True)
    except WRITE_ERRORS as error:
        message = f"it was ready, and the v1 one was to be deleted: {error.message}"
        return _stopped(change, new, status_of_stop(error), message, AGAIN_HINT)
    stored = writes.stored(new, change.successor_definition)
    if stored.name != change.after.name:
        after = dataclasses.replace(stored, name=change.after.name)
        try:
            yield from writes.patch(new.id, stored, after, {"name": after.name}, context)
        except WRITE_ERRORS as error:
            message = (
                f"the v1 segment is gone, and the new one is still called `{stored.name}`: "
                f"{error.message}"
            )
            hint = "apply again: it gives it its name"
            return Outcome(change, status_of_stop(error), new.id, message, hint, is_written=True)
    return Outcome(change, Status.DONE, new.id, note and f"of the v1 one: {note}")


def _lost(change: Upgrade, verdict: Verdict) -> Outcome | None:
    if not verdict.gone:
        return None
    what = "somebody deleted the new segment before it could take over; the v1 one stays"
    return Outcome(change, Status.CONFLICT, change.id, what, "apply again")


def _halted(verdict: Verdict, what: str) -> str:
    return f"{verdict.stop_reason}, and {what}" if verdict.stop_reason else what


def _waiting(change: Upgrade, new: Remote, what: str, hint: str = AGAIN_HINT) -> Outcome:
    return _stopped(change, new, Status.WAITING, what, hint)


def _stopped(change: Upgrade, new: Remote, status: Status, what: str, hint: str) -> Outcome:
    """Report a stop before the end: both segments stand."""
    message = f"{what}; the v1 one stays, and the new one stands as `{new.name}`"
    return Outcome(change, status, new.id, message, hint, is_written=True)


def _refused(change: Upgrade, new: Remote, why: str, hint: str) -> Outcome:
    """Report a stop for which the query is to blame."""
    place = change.query_span or change.span
    return dataclasses.replace(_stopped(change, new, Status.FAILED, why, hint), span=place)
