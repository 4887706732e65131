"""One change of a plan, from its first request to its outcome.

Reports `done` only where the account is known to hold the desired definition, and `unknown` only
where the result could not be verified. Does not order the changes; `scheduler.py` does.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, assert_never

from segctl.applying import writes
from segctl.applying.context import OnInvalid, Stopped
from segctl.applying.replacing import replace
from segctl.applying.upgrading import upgrade
from segctl.applying.usage_check import check_unused
from segctl.applying.validation import Verdict, watch_validation
from segctl.applying.write_errors import WRITE_ERRORS, Conflict, Unknown, status_of
from segctl.errors import Interrupted, NotFound, RemoteError, UpdateLocked
from segctl.model import Create, Delete, Patch, Replace, Upgrade, Validation
from segctl.model.report import Outcome, Status, not_attempted
from segctl.planning.equality import changed_fields

if TYPE_CHECKING:
    from collections.abc import Collection

    from segctl.applying.context import ApplyContext, Steps
    from segctl.applying.writes import Written
    from segctl.model import Change, Remote


def carry_out(change: Change, context: ApplyContext) -> Steps[Outcome]:
    """Carry out one change and return its outcome.

    Errors that the server or the user cause are outcomes, never raised.
    """
    try:
        return (yield from _carry_out(change, context))
    except WRITE_ERRORS as error:
        return _not_done(change, error)


def _carry_out(change: Change, context: ApplyContext) -> Steps[Outcome]:
    match change:
        case Create():
            return (yield from _create(change, context))
        case Patch():
            return (yield from _patch(change, context))
        case Delete():
            check_unused(change, context)
            note = yield from writes.delete(change.id, change.before, context, v1=change.is_v1)
            return Outcome(change, Status.DONE, message=note)
        case Replace():
            return (yield from replace(change, context))
        case Upgrade():
            return (yield from upgrade(change, context))
        case _:
            assert_never(change)


def _not_done(change: Change, error: Conflict | RemoteError | Unknown | Stopped) -> Outcome:
    """Return the outcome of a change that changed nothing, as far as is known."""
    match error:
        case Stopped() | Interrupted():
            stop = error if isinstance(error, Stopped) else Stopped("interrupted")
            return not_attempted(change, f"{stop.message}; {stop.effect}")
        case Conflict():
            return Outcome(change, Status.CONFLICT, error.id, error.message, error.hint)
        case NotFound() if isinstance(change, Patch | Replace | Upgrade):
            # Not a failure: the segment that the plan saw is gone, and nothing was written.
            return Outcome(
                change,
                Status.CONFLICT,
                message="someone deleted the segment after the plan was made; nothing was changed",
                hint="run `segctl plan` again: it shows the current state, and would re-create "
                "the segment",
            )
        case UpdateLocked():
            hint = "wait five minutes and apply again, or set a longer --lock-timeout"
            return Outcome(change, Status.FAILED, change.id, error.message, hint)
        case _:
            return Outcome(change, status_of(error), change.id, error.message, error.hint)


def _create(change: Create, context: ApplyContext) -> Steps[Outcome]:
    written = yield from writes.create(change.after, context)
    done = _done(change, written, change.after.as_json())
    return (yield from _with_verdict(done, written.remote, context))


def _patch(change: Patch, context: ApplyContext) -> Steps[Outcome]:
    desired = change.after.as_json()
    fields = {field: str(desired[field]) for field in change.changed_fields}
    written = yield from writes.patch(change.id, change.before, change.after, fields, context)
    done = _done(change, written, fields)
    if "query_dsl" not in fields:
        return done
    return (yield from _with_verdict(done, written.remote, context))


def _done(change: Create | Patch, written: Written, sent: Collection[str]) -> Outcome:
    """Return a success, with a message where the server altered a field that was sent."""
    remote = written.remote
    stored = writes.stored_segment(remote, change.after)
    altered = [field for field in changed_fields(stored, change.after) if field in sent]
    if not altered:
        return Outcome(change, Status.DONE, remote.id, written.note)
    return Outcome(
        change,
        Status.DONE,
        remote.id,
        f"SendGrid stored a different {' and '.join(altered)} than segctl sent",
        "run `segctl plan` to see the difference",
    )


def _with_verdict(done: Outcome, written: Remote, context: ApplyContext) -> Steps[Outcome]:
    """Return the outcome of a write once SendGrid has validated its query."""
    if written.validation is Validation.UNKNOWN:
        written = _read_again(written, context)
    verdict = Verdict(written)
    if written.validation is Validation.PENDING:
        verdict = yield from watch_validation(written, context)
    if verdict.is_deleted:
        message = "someone deleted the segment while SendGrid was validating its query"
        hint = "run `segctl plan` to see the current state"
        return dataclasses.replace(
            done, status=Status.CONFLICT, id=None, message=message, hint=hint
        )
    match verdict.remote.validation:
        case Validation.VALID | Validation.UNKNOWN:
            return done
        case Validation.PENDING:
            message = "SendGrid is still validating its query"
            if verdict.stop_reason:
                message = f"{verdict.stop_reason} while SendGrid was still validating its query"
            messages = filter(None, (done.message, message))
            return dataclasses.replace(done, message="; ".join(messages))
        case Validation.INVALID:
            return (yield from _invalid(done, verdict, context))


def _read_again(written: Remote, context: ApplyContext) -> Remote:
    """Read a segment once more where the response to a write had no validation status."""
    try:
        return context.account.get_segment(written.id)
    except RemoteError:
        return written


def _invalid(done: Outcome, verdict: Verdict, context: ApplyContext) -> Steps[Outcome]:
    """Return the failure of a query that SendGrid does not accept; roll it back where asked to."""
    change = done.change
    assert isinstance(change, Create | Patch)  # noqa: S101 - only these get a verdict here
    segment_id: str | None = verdict.remote.id
    effect = "the segment stays on the account, without contacts"
    is_written = True
    if context.options.on_invalid is OnInvalid.ROLLBACK:
        stored = writes.stored_segment(verdict.remote, change.after)
        try:
            if isinstance(change, Create):
                yield from writes.delete(verdict.remote.id, stored, context)
                effect, segment_id, is_written = "the new segment was deleted", None, False
            else:
                before = dataclasses.replace(stored, query=change.before.query)
                fields = {"query_dsl": change.before.query}
                yield from writes.patch(verdict.remote.id, stored, before, fields, context)
                effect = "the previous query was restored"
                # The new name stays: the previous one may be taken by now.
                is_written = change.before.name != change.after.name
        except WRITE_ERRORS as error:
            effect = f"the rollback failed: {error.message}"
    return Outcome(
        change,
        Status.FAILED,
        segment_id,
        f"SendGrid does not accept its query ({verdict.complaint}); {effect}",
        "correct the query and apply again",
        change.query_span or change.span,
        is_written=is_written,
    )
