"""Upgrading a v1 segment to a V2 one, so that at every point one of the two exists.

The new segment is created under a temporary name, watched until SendGrid calls it valid and has
counted it, and compared with the old one. Only then, and only if no Single Send targets the old
one by then, the old one is deleted and the new one gets its name. Each early end keeps both, and
the temporary name (`temporary_names.py`) shows the next plan where to resume. A v1 segment cannot
be renamed, which is why `replacing.py` orders its steps the other way round.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from segctl.applying import writes
from segctl.applying.context import OnInvalid
from segctl.applying.resuming import resume_successor, status_of_early_end
from segctl.applying.usage_check import usage_of
from segctl.applying.validation import watch_count, watch_validation
from segctl.applying.write_errors import WRITE_ERRORS, Conflict
from segctl.errors import RemoteError
from segctl.model import Validation
from segctl.model.report import Outcome, Status
from segctl.planning.equality import changed_fields
from segctl.planning.references import usage_phrase

if TYPE_CHECKING:
    from segctl.applying.context import ApplyContext, Steps
    from segctl.applying.validation import Verdict
    from segctl.model import Remote, Upgrade

ALL = 100
"""Percent: the limit at which the counts are not compared."""

RESUME_HINT = "apply again later: the upgrade resumes from this point"


def upgrade(change: Upgrade, context: ApplyContext) -> Steps[Outcome]:
    """Carry out one upgrade, as far as possible.

    Raises as `writes` does where the new segment could not be created: then nothing was changed.
    Every later end is an `Outcome` that says which segments exist.
    """
    v1_segment = context.account.get_segment(change.id, v1=True)
    if v1_segment.definition.sha256 != change.before.sha256:
        raise writes.changed_meanwhile(change.before, v1_segment)
    successor = yield from _create_or_resume(change, context)
    verdict = yield from watch_validation(successor, context)
    obstacle = yield from _check_validation(change, verdict, context)
    if obstacle is None and context.options.max_upgrade_difference < ALL:
        verdict = yield from watch_count(verdict.remote, context)
        obstacle = _check_exists(change, verdict) or _check_counts(
            change, v1_segment, verdict, context
        )
    obstacle = obstacle or _check_usage(change, verdict.remote, context)
    return obstacle or (yield from _finish(change, verdict.remote, context))


def _create_or_resume(change: Upgrade, context: ApplyContext) -> Steps[Remote]:
    """Return the new segment as desired: created now, or by an earlier run and patched since."""
    successor, desired = change.successor, change.successor_definition
    if successor is not None:
        if "parent_list_ids" not in changed_fields(successor.definition, desired):
            return (yield from resume_successor(successor, desired, context))
        _check_successor_unused(change, successor.id, context)
        yield from writes.delete(successor.id, successor.definition, context)
    created = yield from writes.create(desired, context)
    return created.remote


def _check_successor_unused(change: Upgrade, successor_id: str, context: ApplyContext) -> None:
    """Raise `Conflict` where something already uses the new segment, as segctl advised."""
    usage = usage_of(change, successor_id, context)
    if usage:
        raise Conflict(
            f"{usage_phrase(usage)} the new segment, which would have to be replaced: SendGrid "
            "cannot change a segment's parent list",
            "restore the parent list in the file, or let what uses it use the v1 segment until the "
            "new one is created",
            successor_id,
        )


def _check_validation(
    change: Upgrade, verdict: Verdict, context: ApplyContext
) -> Steps[Outcome | None]:
    """Return the outcome where the new segment's query is not known to be valid, else `None`."""
    deleted = _check_exists(change, verdict)
    if deleted is not None:
        return deleted
    match verdict.remote.validation:
        case Validation.VALID:
            return None
        case Validation.PENDING | Validation.UNKNOWN:
            message = _with_stop_reason(verdict, "SendGrid is still validating the new segment")
            return _waiting(change, verdict.remote, message)
        case Validation.INVALID:
            return (yield from _invalid(change, verdict, context))


def _invalid(change: Upgrade, verdict: Verdict, context: ApplyContext) -> Steps[Outcome]:
    successor = verdict.remote
    reason = f"SendGrid does not accept the query of the new segment ({verdict.complaint})"
    hint = "correct the query and apply again"
    if context.options.on_invalid is OnInvalid.ROLLBACK and change.successor is None:
        stored = writes.stored_segment(successor, change.successor_definition)
        try:
            yield from writes.delete(successor.id, stored, context)
        except WRITE_ERRORS as error:
            reason = f"{reason}, and deleting it failed: {error.message}"
        else:
            message = f"{reason}; it was deleted again, and the v1 segment stays"
            span = change.query_span or change.span
            return Outcome(change, Status.FAILED, change.id, message, hint, span)
    return _failed(change, successor, reason, hint)


def _check_counts(
    change: Upgrade, v1_segment: Remote, verdict: Verdict, context: ApplyContext
) -> Outcome | None:
    """Return the outcome where the two counts are unknown or too different, else `None`."""
    successor = verdict.remote
    if verdict.is_uncounted:
        message = _with_stop_reason(verdict, "SendGrid has not counted the new segment yet")
        return _waiting(change, successor, message)
    before, after = v1_segment.contacts_count, successor.contacts_count
    if before is None or after is None:
        return _waiting(
            change,
            successor,
            "SendGrid returned no count of the v1 segment",
            "compare both segments in SendGrid, then set `limits: {max_upgrade_difference: 100}` "
            "in segctl.yaml to upgrade without comparing",
        )
    limit = context.options.max_upgrade_difference
    difference = abs(before - after)
    # In whole numbers: a rounded percentage could equal the limit.
    if difference * ALL <= limit * max(before, after):
        return None
    percent = difference * ALL / max(before, after)
    return _failed(
        change,
        successor,
        f"the v1 segment has {before:,} contacts and the new one {after:,}, a difference of "
        f"{percent:.1f} %, more than the limit of {limit} %",
        "compare the two queries and correct the new one, or raise `limits.max_upgrade_difference` "
        "in segctl.yaml",
    )


def _check_usage(change: Upgrade, successor: Remote, context: ApplyContext) -> Outcome | None:
    """Return the outcome where something still uses the v1 segment, else `None`.

    The plan read that before the count, which can take half an hour.
    """
    try:
        usage = usage_of(change, change.id, context)
    except RemoteError as error:
        message = (
            "the new segment is ready, but the Single Sends that target the v1 one could not be "
            f"read: {error.message}"
        )
        return _unfinished(change, successor, status_of_early_end(error), message, RESUME_HINT)
    if not usage:
        return None
    verb = "target" if usage.sends else "use"
    return _waiting(
        change,
        successor,
        f"{usage_phrase(usage, 'still ')} the v1 segment",
        f"in SendGrid, let it {verb} the new segment (id {successor.id}) instead, then apply again",
    )


def _finish(change: Upgrade, successor: Remote, context: ApplyContext) -> Steps[Outcome]:
    """Delete the v1 segment, now that the new one is ready, and rename the new one."""
    try:
        note = yield from writes.delete(change.id, change.before, context, v1=True)
    except WRITE_ERRORS as error:
        message = f"the new segment is ready, but deleting the v1 one failed: {error.message}"
        return _unfinished(change, successor, status_of_early_end(error), message, RESUME_HINT)
    stored = writes.stored_segment(successor, change.successor_definition)
    if stored.name != change.after.name:
        after = dataclasses.replace(stored, name=change.after.name)
        try:
            yield from writes.patch(successor.id, stored, after, {"name": after.name}, context)
        except WRITE_ERRORS as error:
            message = (
                f"the v1 segment was deleted, but the new one is still named `{stored.name}`: "
                f"{error.message}"
            )
            status = status_of_early_end(error)
            hint = "apply again to rename it"
            return Outcome(change, status, successor.id, message, hint, is_written=True)
    return Outcome(change, Status.DONE, successor.id, note and f"v1 segment: {note}")


def _check_exists(change: Upgrade, verdict: Verdict) -> Outcome | None:
    """Return the outcome where someone deleted the new segment meanwhile, else `None`."""
    if not verdict.is_deleted:
        return None
    message = "someone deleted the new segment before the upgrade finished; the v1 segment stays"
    return Outcome(change, Status.CONFLICT, change.id, message, "apply again")


def _with_stop_reason(verdict: Verdict, message: str) -> str:
    return f"{verdict.stop_reason}; {message}" if verdict.stop_reason else message


def _waiting(change: Upgrade, successor: Remote, message: str, hint: str = RESUME_HINT) -> Outcome:
    return _unfinished(change, successor, Status.WAITING, message, hint)


def _unfinished(
    change: Upgrade, successor: Remote, status: Status, message: str, hint: str
) -> Outcome:
    """Return the outcome of an early end: both segments exist, unless a delete is `UNKNOWN`."""
    v1_segment = "may still exist" if status is Status.UNKNOWN else "stays"
    message = f"{message}; the v1 segment {v1_segment}, and the new one is named `{successor.name}`"
    return Outcome(change, status, successor.id, message, hint, is_written=True)


def _failed(change: Upgrade, successor: Remote, message: str, hint: str) -> Outcome:
    """Return the outcome of an early end that the query caused."""
    span = change.query_span or change.span
    outcome = _unfinished(change, successor, Status.FAILED, message, hint)
    return dataclasses.replace(outcome, span=span)
