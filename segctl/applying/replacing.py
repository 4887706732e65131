"""Makes a segment anew under its name, so that at every point at least one of the two exists.

Owns the order: the old one gets a temporary name (`temporary_names.py`), the new one is created and
watched until SendGrid calls it valid, and only then the old one goes. Whatever breaks in between,
the temporary name tells the next plan where to go on: with the new one, where it is there already,
and by the same steps. Deletes the old one on no other ground, and the new one only where SendGrid
never accepted its query, and nobody can have begun to use it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from segctl.applying import writes
from segctl.applying.context import Stopped
from segctl.applying.resuming import resume_successor, status_of_stop
from segctl.applying.usage_check import refuse_if_used
from segctl.applying.validation import watch
from segctl.applying.writes import WRITE_ERRORS, Unknown
from segctl.errors import Interrupted, RemoteError
from segctl.model import Validation
from segctl.model.report import Outcome, Status
from segctl.planning.equality import changed_fields
from segctl.planning.safety import targets_phrase
from segctl.planning.temporary_names import Marker, temporary_name

if TYPE_CHECKING:
    from segctl.applying.context import ApplyContext, Steps
    from segctl.applying.validation import Verdict
    from segctl.model import Remote, Replace, Segment

AGAIN_HINT = "apply again later: it deletes the old one once the new one is valid"
FINISH_HINT = "apply again: it deletes what is left of the old one"


def replace(change: Replace, context: ApplyContext) -> Steps[Outcome]:
    """Perform one replacement.

    Raises as `writes.patch` does where the first request, the renaming or what the new one of an
    earlier run still needs, is not done: then nothing was. From there on every end is an `Outcome`
    that says what stands.
    """
    aside = _aside(change)
    if change.before == aside:
        now = context.account.get_segment(change.id)
        if now.definition.sha256 != aside.sha256:
            raise writes.changed_meanwhile(change.before, now)
    else:
        fields = {"name": aside.name}
        yield from writes.patch(change.id, change.before, aside, fields, context)
    if change.successor is not None:
        new = yield from resume_successor(change.successor, change.after, context)
        verdict = yield from watch(new, context)
        return (yield from _judged(change, verdict, context))
    try:
        made = yield from writes.create(change.after, context)
    except WRITE_ERRORS as error:
        # Where the new one may exist, or nothing more may be sent, the old one stays aside.
        stays = isinstance(error, Unknown | Stopped | Interrupted)
        name = aside.name if stays else (yield from _give_back(change, context))
        return _ended(change, status_of_stop(error), error.message, name, error.hint)
    verdict = yield from watch(made.remote, context)
    return (yield from _judged(change, verdict, context))


def _judged(change: Replace, verdict: Verdict, context: ApplyContext) -> Steps[Outcome]:
    new = verdict.remote
    aside = _aside(change)
    if verdict.gone:
        name = yield from _give_back(change, context)
        what = "somebody deleted the new segment while SendGrid was checking it"
        return _ended(change, Status.CONFLICT, what, name)
    match new.validation:
        case Validation.VALID:
            return (yield from _finish(change, new, context))
        case Validation.INVALID:
            return (yield from _roll_back(change, verdict, context))
        case Validation.PENDING | Validation.UNKNOWN:
            when = f"{verdict.stop_reason}, and " if verdict.stop_reason else ""
            return Outcome(
                change,
                Status.WAITING,
                new.id,
                f"{when}SendGrid is still validating the new segment; the old one stays as "
                f"`{aside.name}`",
                AGAIN_HINT,
                is_written=True,
            )


def _finish(change: Replace, new: Remote, context: ApplyContext) -> Steps[Outcome]:
    """Delete the old one, now that the new one is good."""
    try:
        refuse_if_used(change, context)
        note = yield from writes.delete(change.id, _aside(change), context)
    except WRITE_ERRORS as error:
        message = f"the new segment stands, and the old one may, too: {error.message}"
        status = status_of_stop(error)
        return Outcome(change, status, new.id, message, FINISH_HINT, is_written=True)
    return Outcome(change, Status.DONE, new.id, note and f"of the old one: {note}")


def _roll_back(change: Replace, verdict: Verdict, context: ApplyContext) -> Steps[Outcome]:
    """Delete the new one, whose query is not accepted, and let the old one have its name."""
    new = verdict.remote
    why = f"SendGrid does not accept the query of the new segment ({verdict.complaint})"
    span = change.query_span or change.span
    kept = _keeps(change, context)
    if kept:
        return Outcome(
            change,
            Status.FAILED,
            new.id,
            f"{why}; it stays, since {kept}, and so does the old one, as `{_aside(change).name}`",
            "correct the query and apply again",
            span,
            is_written=_is_patched(change),
        )
    try:
        stored = writes.stored(new, change.after)
        yield from writes.delete(new.id, stored, context)
    except WRITE_ERRORS as error:
        return Outcome(
            change,
            Status.FAILED,
            new.id,
            f"{why}; it was to be deleted again: {error.message}; the old one stays as "
            f"`{_aside(change).name}`",
            "correct the query and apply again",
            span,
            is_written=True,
        )
    name = yield from _give_back(change, context)
    return Outcome(
        change,
        Status.FAILED,
        change.id,
        f"{why}, which was deleted again; the old one stays as `{name}`",
        "correct the query and apply again",
        span,
    )


def _keeps(change: Replace, context: ApplyContext) -> str:
    """Say why the new one is not deleted though its query is not accepted; empty where it may go.

    One of an earlier run may have been good, and in use, until its query was changed.
    """
    successor = change.successor
    if successor is None:
        return ""
    if _is_patched(change):
        return "it had another query before"
    try:
        sends = context.usage_checker.single_sends_using(successor.id)
    except RemoteError as error:
        return f"what uses it could not be read ({error.message})"
    return f"{targets_phrase(sends)} it" if sends else ""


def _is_patched(change: Replace) -> bool:
    """Say whether the new one of an earlier run got another query; see `taken_up`."""
    successor = change.successor
    return successor is not None and "query_dsl" in changed_fields(
        successor.definition, change.after
    )


def _give_back(change: Replace, context: ApplyContext) -> Steps[str]:
    """Try to give the old segment its name again; say what it is called now.

    SendGrid refuses it within five minutes of the renaming (sendgrid-api.md §1), which is waited
    for. Where it fails all the same the next plan does it, or goes on with the replacement.
    """
    aside = _aside(change)
    name = change.after.name if change.before.name == aside.name else change.before.name
    after = dataclasses.replace(aside, name=name)
    try:
        yield from writes.patch(change.id, aside, after, {"name": name}, context)
    except WRITE_ERRORS:
        return aside.name
    return name


def _aside(change: Replace) -> Segment:
    """Give the old segment under its temporary name."""
    name = temporary_name(change.after.name, change.id, Marker.OLD)
    return dataclasses.replace(change.before, name=name)


def _ended(change: Replace, status: Status, message: str, name: str, hint: str = "") -> Outcome:
    return Outcome(
        change,
        status,
        change.id,
        f"{message}; the old one stays as `{name}`",
        hint or "apply again",
    )
