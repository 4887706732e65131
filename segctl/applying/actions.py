"""One change of a plan, from its first request to its outcome.

Owns the truth of what is reported of it: `done` only when the account is known to hold what was
wanted, `unknown` only when it could not be found out, and what SendGrid says of a query counts.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, assert_never

from segctl.applying import writes
from segctl.applying.context import OnInvalid, Stopped
from segctl.applying.replacing import replace
from segctl.applying.upgrading import upgrade
from segctl.applying.usage_check import refuse_if_used
from segctl.applying.validation import Verdict, watch
from segctl.applying.writes import WRITE_ERRORS, Conflict, Unknown, Written, status_of
from segctl.errors import Interrupted, NotFound, RemoteError, UpdateLocked
from segctl.model import Create, Delete, Patch, Replace, Upgrade, Validation
from segctl.model.report import Outcome, Status, not_attempted
from segctl.planning.equality import changed_fields

if TYPE_CHECKING:
    from collections.abc import Collection

    from segctl.applying.context import ApplyContext, Steps
    from segctl.model import Change, Remote


def carry_out(change: Change, context: ApplyContext) -> Steps[Outcome]:
    """Make one change, and say how it ended. Raises nothing that a server or a person can cause."""
    try:
        return (yield from _made(change, context))
    except WRITE_ERRORS as error:
        return _not_done(change, error)


def _made(change: Change, context: ApplyContext) -> Steps[Outcome]:
    match change:
        case Create():
            return (yield from _create(change, context))
        case Patch():
            return (yield from _patch(change, context))
        case Delete():
            refuse_if_used(change, context)
            note = yield from writes.delete(change.id, change.before, context, v1=change.is_v1)
            return Outcome(change, Status.DONE, message=note)
        case Replace():
            return (yield from replace(change, context))
        case Upgrade():
            return (yield from upgrade(change, context))
        case _:
            assert_never(change)


def _not_done(change: Change, error: Conflict | RemoteError | Unknown | Stopped) -> Outcome:
    """Say how a change ended of which nothing was done, as far as is known."""
    match error:
        case Stopped() | Interrupted():
            halt = error if isinstance(error, Stopped) else Stopped("interrupted")
            return not_attempted(change, f"{halt.message} {halt.when}")
        case Conflict():
            return Outcome(change, Status.CONFLICT, error.id, error.message, error.hint)
        case NotFound() if isinstance(change, Patch | Replace | Upgrade):
            # No failure of ours: what the plan saw is not there any more, and nothing was written.
            return Outcome(
                change,
                Status.CONFLICT,
                message="somebody deleted it since the plan was made",
                hint="`segctl plan` shows how it stands now, and would create it anew",
            )
        case UpdateLocked():
            hint = (
                "SendGrid wants five minutes between two changes of a segment: apply again then, "
                "or wait longer with --lock-timeout"
            )
            return Outcome(change, Status.FAILED, change.id, error.message, hint)
        case _:
            return Outcome(change, status_of(error), change.id, error.message, error.hint)


def _create(change: Create, context: ApplyContext) -> Steps[Outcome]:
    made = yield from writes.create(change.after, context)
    done = _done(change, made, change.after.as_json())
    return (yield from _judged(done, made.remote, context))


def _patch(change: Patch, context: ApplyContext) -> Steps[Outcome]:
    wanted = change.after.as_json()
    fields = {field: str(wanted[field]) for field in change.changed_fields}
    written = yield from writes.patch(change.id, change.before, change.after, fields, context)
    done = _done(change, written, fields)
    if "query_dsl" not in fields:
        return done
    return (yield from _judged(done, written.remote, context))


def _done(change: Create | Patch, written: Written, sent: Collection[str]) -> Outcome:
    """Report a success, and say so if the server did not keep a field that it was sent."""
    remote = written.remote
    stored = writes.stored(remote, change.after)
    altered = [field for field in changed_fields(stored, change.after) if field in sent]
    if not altered:
        return Outcome(change, Status.DONE, remote.id, written.note)
    return Outcome(
        change,
        Status.DONE,
        remote.id,
        f"SendGrid stored another {' and '.join(altered)} than it was sent",
        "the next plan will show the difference",
    )


def _judged(done: Outcome, written: Remote, context: ApplyContext) -> Steps[Outcome]:
    """Let SendGrid judge the query that was written."""
    if written.validation is Validation.UNKNOWN:
        written = _read_again(written, context)
    verdict = Verdict(written)
    if written.validation is Validation.PENDING:
        verdict = yield from watch(written, context)
    if verdict.gone:
        what = "somebody deleted it while SendGrid was checking its query"
        hint = "`segctl plan` shows how it stands now"
        return dataclasses.replace(done, status=Status.CONFLICT, id=None, message=what, hint=hint)
    match verdict.remote.validation:
        case Validation.VALID | Validation.UNKNOWN:
            return done
        case Validation.PENDING:
            what = "SendGrid is still validating its query"
            if verdict.stop_reason:
                what = f"{verdict.stop_reason} while SendGrid was still validating its query"
            return dataclasses.replace(done, message="; ".join(filter(None, (done.message, what))))
        case Validation.INVALID:
            return (yield from _invalid(done, verdict, context))


def _read_again(written: Remote, context: ApplyContext) -> Remote:
    """Ask once for the verdict that the answer to a write did not have."""
    try:
        return context.account.get_segment(written.id)
    except RemoteError:
        return written


def _invalid(done: Outcome, verdict: Verdict, context: ApplyContext) -> Steps[Outcome]:
    """Report a query that SendGrid does not accept; take it back where that is wanted."""
    change = done.change
    assert isinstance(change, Create | Patch)  # noqa: S101 - nothing else is judged here
    segment_id: str | None = verdict.remote.id
    stays = "it stays on the account, and nobody is in it"
    is_written = True
    if context.options.on_invalid is OnInvalid.ROLLBACK:
        stored = writes.stored(verdict.remote, change.after)
        try:
            if isinstance(change, Create):
                yield from writes.delete(verdict.remote.id, stored, context)
                stays, segment_id, is_written = "it was deleted again", None, False
            else:
                before = dataclasses.replace(stored, query=change.before.query)
                fields = {"query_dsl": change.before.query}
                yield from writes.patch(verdict.remote.id, stored, before, fields, context)
                stays = "its previous query was restored"
                # Its new name stays: the old one may be taken by now.
                is_written = change.before.name != change.after.name
        except WRITE_ERRORS as error:
            stays = f"it could not be taken back: {error.message}"
    return Outcome(
        change,
        Status.FAILED,
        segment_id,
        f"SendGrid does not accept its query ({verdict.complaint}); {stays}",
        "correct the query and apply again",
        change.query_span or change.span,
        is_written=is_written,
    )
