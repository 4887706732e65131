"""Replacing a segment under its name, so that at every point at least one of the two exists.

First the old segment gets a temporary name (`temporary_names.py`). Then the new one is created and
watched until SendGrid calls it valid. Only then the old one is deleted. After a failure in between,
the temporary name shows the next plan where to resume, by the same steps. The old segment is never
deleted for another reason; the new one only where SendGrid never accepted its query, so that nobody
can have begun to use it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from segctl.applying import writes
from segctl.applying.context import Stopped
from segctl.applying.resuming import resume_successor, status_of_early_end
from segctl.applying.usage_check import check_unused
from segctl.applying.validation import watch_validation
from segctl.applying.write_errors import WRITE_ERRORS, Unknown
from segctl.errors import Interrupted, RemoteError
from segctl.model import Validation
from segctl.model.report import Outcome, Status
from segctl.planning.equality import changed_fields
from segctl.planning.references import usage_phrase
from segctl.planning.temporary_names import Marker, temporary_name

if TYPE_CHECKING:
    from segctl.applying.context import ApplyContext, Steps
    from segctl.applying.validation import Verdict
    from segctl.model import Remote, Replace, Segment

RESUME_HINT = "apply again later to delete the old segment once the new one is valid"
FINISH_HINT = "apply again to delete the old segment"
QUERY_HINT = "correct the query and apply again"


def replace(change: Replace, context: ApplyContext) -> Steps[Outcome]:
    """Carry out one replacement.

    Raises as `writes.patch` does where the first request fails, which renames the old segment or
    patches the new one of an earlier run: then nothing was changed. Every later end is an
    `Outcome` that says which segments exist.
    """
    renamed_old = _renamed_old(change)
    if change.before == renamed_old:
        remote = context.account.get_segment(change.id)
        if remote.definition.sha256 != renamed_old.sha256:
            raise writes.changed_meanwhile(change.before, remote)
    else:
        fields = {"name": renamed_old.name}
        yield from writes.patch(change.id, change.before, renamed_old, fields, context)
    if change.successor is not None:
        remote = yield from resume_successor(change.successor, change.after, context)
        verdict = yield from watch_validation(remote, context)
        return (yield from _continue(change, verdict, context))
    try:
        created = yield from writes.create(change.after, context)
    except WRITE_ERRORS as error:
        # Where the new segment may exist, or nothing more may be sent, the old one is not renamed
        # back.
        keeps_name = isinstance(error, Unknown | Stopped | Interrupted)
        name = renamed_old.name if keeps_name else (yield from _restore_name(change, context))
        return _not_created(change, status_of_early_end(error), error.message, name, error.hint)
    verdict = yield from watch_validation(created.remote, context)
    return (yield from _continue(change, verdict, context))


def _continue(change: Replace, verdict: Verdict, context: ApplyContext) -> Steps[Outcome]:
    """Finish the replacement or undo it, as the verdict on the new segment requires."""
    remote = verdict.remote
    if verdict.is_deleted:
        name = yield from _restore_name(change, context)
        message = "someone deleted the new segment while SendGrid was validating it"
        return _not_created(change, Status.CONFLICT, message, name)
    match remote.validation:
        case Validation.VALID:
            return (yield from _finish(change, remote, context))
        case Validation.INVALID:
            return (yield from _undo(change, verdict, context))
        case Validation.PENDING | Validation.UNKNOWN:
            reason = f"{verdict.stop_reason}; " if verdict.stop_reason else ""
            return Outcome(
                change,
                Status.WAITING,
                remote.id,
                f"{reason}SendGrid is still validating the new segment; the old one stays as "
                f"`{_renamed_old(change).name}`",
                RESUME_HINT,
                is_written=True,
            )


def _finish(change: Replace, remote: Remote, context: ApplyContext) -> Steps[Outcome]:
    """Delete the old segment, now that the new one is valid."""
    try:
        check_unused(change, context)
        note = yield from writes.delete(change.id, _renamed_old(change), context)
    except WRITE_ERRORS as error:
        message = f"the new segment is ready, but the old one may still exist: {error.message}"
        status = status_of_early_end(error)
        return Outcome(change, status, remote.id, message, FINISH_HINT, is_written=True)
    return Outcome(change, Status.DONE, remote.id, note and f"old segment: {note}")


def _undo(change: Replace, verdict: Verdict, context: ApplyContext) -> Steps[Outcome]:
    """Delete the new segment, whose query is not accepted, and restore the old one's name."""
    remote = verdict.remote
    reason = f"SendGrid does not accept the query of the new segment ({verdict.complaint})"
    span = change.query_span or change.span
    renamed_old = _renamed_old(change)
    why_kept = _reason_to_keep(change, context)
    if why_kept:
        return Outcome(
            change,
            Status.FAILED,
            remote.id,
            f"{reason}; it stays because {why_kept}, and the old one stays as `{renamed_old.name}`",
            QUERY_HINT,
            span,
            is_written=_is_patched(change),
        )
    try:
        stored = writes.stored_segment(remote, change.after)
        yield from writes.delete(remote.id, stored, context)
    except WRITE_ERRORS as error:
        return Outcome(
            change,
            Status.FAILED,
            remote.id,
            f"{reason}, and it may still exist: {error.message}; the old one stays as "
            f"`{renamed_old.name}`",
            QUERY_HINT,
            span,
            is_written=True,
        )
    name = yield from _restore_name(change, context)
    return Outcome(
        change,
        Status.FAILED,
        change.id,
        f"{reason}; it was deleted again, and the old one stays as `{name}`",
        QUERY_HINT,
        span,
    )


def _reason_to_keep(change: Replace, context: ApplyContext) -> str:
    """Return why the new segment is kept although its query is not accepted; else empty.

    The new segment of an earlier run may have been valid, and in use, until its query was changed.
    """
    successor = change.successor
    if successor is None:
        return ""
    if _is_patched(change):
        return "it had a different query before"
    try:
        usage = context.usage_checker.references().usage_of(successor.id)
    except RemoteError as error:
        return f"the Single Sends that target it could not be read ({error.message})"
    return f"{usage_phrase(usage)} it" if usage else ""


def _is_patched(change: Replace) -> bool:
    """Return whether the new segment of an earlier run got another query (`resume_successor`)."""
    successor = change.successor
    return successor is not None and "query_dsl" in changed_fields(
        successor.definition, change.after
    )


def _restore_name(change: Replace, context: ApplyContext) -> Steps[str]:
    """Rename the old segment back, if possible; return the name that it has then.

    SendGrid's update lock, five minutes from the renaming (sendgrid-api.md §1), is waited for. If
    it fails, the next plan restores the name or resumes the replacement.
    """
    renamed_old = _renamed_old(change)
    name = change.after.name if change.before.name == renamed_old.name else change.before.name
    after = dataclasses.replace(renamed_old, name=name)
    try:
        yield from writes.patch(change.id, renamed_old, after, {"name": name}, context)
    except WRITE_ERRORS:
        return renamed_old.name
    return name


def _renamed_old(change: Replace) -> Segment:
    """Return the old segment under its temporary name."""
    name = temporary_name(change.after.name, change.id, Marker.OLD)
    return dataclasses.replace(change.before, name=name)


def _not_created(
    change: Replace, status: Status, message: str, name: str, hint: str = ""
) -> Outcome:
    return Outcome(
        change,
        status,
        change.id,
        f"{message}; the old segment stays as `{name}`",
        hint or "apply again",
    )
