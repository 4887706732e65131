"""Single writes, each with certainty about its result.

After a request whose result is unknown, the account is read, and the request is sent again only
where that shows that nothing was done (sendgrid-api.md §2: POST is not idempotent). Right before
each PATCH and DELETE, repeated ones included, the precondition is read. A read that failed is never
taken for an answer: the result is `Unknown` then.

Each function is a generator of waits (`context.Steps`). It raises a `RemoteError` where nothing was
done, `Conflict` for a change by someone else, `Unknown` where the result stays unknown, and
`Stopped` where the apply was stopped before anything was sent. Does not decide what is written.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.applying.context import Stopped, Wait, WaitReason
from segctl.applying.update_lock import LockWait
from segctl.applying.write_errors import Conflict, Unknown
from segctl.errors import Interrupted, NotFound, RemoteError, ServerFault, UpdateLocked
from segctl.model import Segment
from segctl.planning.definition_diff import definition_diff
from segctl.planning.equality import changed_fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from segctl.applying.context import ApplyContext, Steps
    from segctl.model import Remote
    from segctl.sendgrid.api import Operation

MAX_ATTEMPTS = 3
"""How often one write is sent at most."""

LOOKS_AFTER_FAILURE = (0.0, 2.0)
"""Seconds before each look at the account after the server reported a failure."""

LOOKS_AFTER_SILENCE = (0.0, 5.0, 15.0)
"""The same where no response came: the server may still be working on the request."""

IN_FLIGHT = "segctl was stopped while the request was in flight"
LOOK_DESCRIPTION = "to check whether the request succeeded"
SUCCEEDED_UNSEEN = "the request succeeded although no response was received"
REVIEW_HINT = "run `segctl plan` again and review the current state"


@dataclass(frozen=True, slots=True)
class Written:
    """A write that was done: the segment afterwards, and a note where it did not go as usual."""

    remote: Remote
    note: str = ""


def create(segment: Segment, context: ApplyContext) -> Steps[Written]:
    """Create a segment, never two of them.

    An existing segment of the same name and definition counts as created. Raises `Conflict` for
    one with another definition.
    """
    with _recording_failure(context, "create", segment.name):
        written = yield from _create(segment, context)
    context.account.record_result("create", segment.name, done=True, segment_id=written.remote.id)
    return written


def _create(segment: Segment, context: ApplyContext) -> Steps[Written]:
    ambiguous: RemoteError | None = None
    for _ in range(MAX_ATTEMPTS):
        try:
            return Written(context.account.create_segment(segment))
        except Stopped as stop:
            raise _stopped(stop, ambiguous) from None
        except RemoteError as error:
            _check_not_abandoned(error)
            if error.ambiguous:
                ambiguous = error
            else:
                # The name may be taken, by an earlier attempt of ours or by someone else. How
                # SendGrid reports that is not documented, so the account is read instead.
                may_exist = ambiguous is not None or error.status in _MAY_MEAN_TAKEN
                written = _find_created(segment, context, ambiguous) if may_exist else None
                if written is None:
                    raise _rejected(error, ambiguous) from None
                return written
        for seconds in _looks_after(ambiguous):
            yield from _pause(seconds, ambiguous)
            written = _find_created(segment, context, ambiguous)
            if written is not None:
                return written
    raise _exhausted(ambiguous)


def patch(
    segment_id: str,
    before: Segment,
    after: Segment,
    fields: Mapping[str, str],
    context: ApplyContext,
) -> Steps[Written]:
    """Change `fields` of a segment that must equal `before`, byte for byte, so it equals `after`.

    Waits for the update lock for at most `ApplyOptions.lock_timeout`. Raises `NotFound` where the
    segment is gone, and `Conflict` also where another segment has taken its new name.
    """
    with _recording_failure(context, "patch", segment_id):
        written = yield from _patch(segment_id, before, after, fields, context)
    context.account.record_result("patch", segment_id, done=True)
    return written


def _patch(
    segment_id: str,
    before: Segment,
    after: Segment,
    fields: Mapping[str, str],
    context: ApplyContext,
) -> Steps[Written]:
    ambiguous: RemoteError | None = None
    lock_wait = LockWait(context)
    remote = context.account.get_segment(segment_id)
    attempts = 0
    while True:
        written = _find_patched(remote, before, after, ambiguous)
        if written is not None:
            return written
        if attempts == MAX_ATTEMPTS:
            raise _exhausted(ambiguous)
        try:
            return Written(context.account.patch_segment(segment_id, fields))
        except UpdateLocked as error:
            wait = lock_wait.next_wait(remote)
            if wait is None:
                raise _rejected(error, ambiguous) from None
            yield from _wait(wait, ambiguous)
            remote = _read(segment_id, context, ambiguous)
        except (Stopped, RemoteError) as error:
            _check_not_abandoned(error)
            if isinstance(error, RemoteError) and "name" in fields:
                _check_name(segment_id, fields["name"], error, context)
            ambiguous = _require_ambiguous(error, ambiguous)
            attempts += 1
            for seconds in _looks_after(ambiguous):
                yield from _pause(seconds, ambiguous)
                remote = _read(segment_id, context, ambiguous)
                if remote.definition.sha256 != before.sha256:
                    break


def delete(
    segment_id: str, expected: Segment, context: ApplyContext, *, v1: bool = False
) -> Steps[str]:
    """Delete a segment that must equal `expected`, byte for byte; return a note, often empty.

    A segment that is gone counts as deleted. `v1`: it belongs to the first API.
    """
    with _recording_failure(context, "delete", segment_id):
        note = yield from _delete(segment_id, expected, context, v1=v1)
    context.account.record_result("delete", segment_id, done=True)
    return note


def _delete(segment_id: str, expected: Segment, context: ApplyContext, *, v1: bool) -> Steps[str]:
    ambiguous: RemoteError | None = None
    try:
        remote = context.account.get_segment(segment_id, v1=v1)
        for _ in range(MAX_ATTEMPTS):
            if remote.definition.sha256 != expected.sha256:
                raise changed_meanwhile(expected, remote)
            try:
                context.account.delete_segment(segment_id, v1=v1)
            except (Stopped, RemoteError) as error:
                _check_not_abandoned(error)
                ambiguous = _require_ambiguous(error, ambiguous)
            else:
                return ""
            for seconds in _looks_after(ambiguous):
                yield from _pause(seconds, ambiguous)
                remote = _read(segment_id, context, ambiguous, v1=v1)
    except NotFound:
        return "already deleted" if ambiguous is None else SUCCEEDED_UNSEEN
    raise _exhausted(ambiguous)


def changed_meanwhile(before: Segment, remote: Remote) -> Conflict:
    """Return the conflict that names the fields in which a segment differs from the plan."""
    fields = ", ".join(definition_diff(before, remote.definition))
    return Conflict(
        f"someone changed the segment after the plan was made ({fields}), so it was left alone",
        REVIEW_HINT,
        remote.id,
    )


def stored_segment(remote: Remote, sent: Segment) -> Segment:
    """Return what the server stored, with the query as sent where the response omits it."""
    query = sent.query if remote.query is None else remote.query
    return Segment(remote.name, query, remote.parent_list_ids)


_MAY_MEAN_TAKEN = (400, 409, 422)


@contextmanager
def _recording_failure(context: ApplyContext, operation: Operation, key: str) -> Iterator[None]:
    """Record that the attempts without a response did nothing, where that was verified.

    A segment that is gone, or that someone changed, verifies nothing.
    """
    try:
        yield
    except NotFound:
        raise
    except RemoteError:
        context.account.record_result(operation, key, done=False)
        raise


def _looks_after(ambiguous: RemoteError) -> tuple[float, ...]:
    return LOOKS_AFTER_FAILURE if ambiguous.status is not None else LOOKS_AFTER_SILENCE


def _pause(seconds: float, ambiguous: RemoteError) -> Steps[None]:
    if seconds:
        yield from _wait(Wait(seconds, LOOK_DESCRIPTION, WaitReason.PAUSE), ambiguous)


def _wait(wait: Wait, ambiguous: RemoteError | None) -> Steps[None]:
    try:
        yield wait
    except Stopped as stop:
        if wait.reason is WaitReason.LOCK:
            reason = f"{stop.message} while waiting for SendGrid's update lock"
            stop = Stopped(reason, "nothing was changed")
        raise _stopped(stop, ambiguous) from None


def _find_created(
    segment: Segment, context: ApplyContext, ambiguous: RemoteError | None
) -> Written | None:
    """Return the existing segment as created. Raises `Conflict` for one with the same name only."""
    try:
        namesakes = _read_by_name(segment.name, context)
    except RemoteError as error:
        if ambiguous is None:
            # The request was rejected, no matter which segment has the name.
            return None
        raise _unverified(ambiguous, error) from None
    for remote in namesakes:
        if not remote.is_v1 and not changed_fields(remote.definition, segment):
            already = "the segment already existed"
            return Written(remote, already if ambiguous is None else SUCCEEDED_UNSEEN)
    if namesakes:
        raise Conflict(
            "someone created another segment with this name after the plan was made",
            REVIEW_HINT,
            namesakes[0].id,
        )
    return None


def _check_name(segment_id: str, name: str, rejection: RemoteError, context: ApplyContext) -> None:
    """Raise `Conflict` where a rename is rejected because another segment has the name by now.

    An earlier attempt without a response is rejected for the same reason: it changes nothing.
    """
    if rejection.ambiguous or rejection.status not in _MAY_MEAN_TAKEN:
        return
    try:
        namesakes = [remote for remote in _read_by_name(name, context) if remote.id != segment_id]
    except RemoteError:
        # The request was rejected, no matter which segment has the name.
        return
    if namesakes:
        kind = "a v1 segment" if namesakes[0].is_v1 else "another segment"
        raise Conflict(
            f"{kind} ({namesakes[0].id}) took the name `{name}` after the plan was made",
            "rename or delete that segment, or choose another name in the file",
            segment_id,
        )


def _read_by_name(name: str, context: ApplyContext) -> list[Remote]:
    """Read all segments with a name, v1 ones included."""
    namesakes = []
    for listed in context.account.list_segments():
        if listed.name != name:
            continue
        # The definition of a v1 segment is not compared: it only matters that it exists.
        reader = context.account.lenient() if listed.is_v1 else context.account
        try:
            namesakes.append(reader.get_segment(listed.id, v1=listed.is_v1))
        except NotFound:
            # A deleted segment stays in the list for up to a minute (sendgrid-api.md §1).
            continue
    return namesakes


def _find_patched(
    remote: Remote, before: Segment, after: Segment, ambiguous: RemoteError | None
) -> Written | None:
    """Return the segment where it is already changed, `None` where it is unchanged.

    Raises `Conflict` where it is neither.
    """
    if remote.definition.sha256 == before.sha256:
        return None
    if ambiguous is not None and not changed_fields(remote.definition, after):
        return Written(remote, SUCCEEDED_UNSEEN)
    if remote.definition.sha256 == after.sha256:
        return Written(remote, "the segment was already as declared")
    raise changed_meanwhile(before, remote)


def _read(
    segment_id: str, context: ApplyContext, ambiguous: RemoteError | None, *, v1: bool = False
) -> Remote:
    """Read a segment. Raises `Unknown` where that fails after an ambiguous attempt."""
    try:
        return context.account.get_segment(segment_id, v1=v1)
    except NotFound:
        raise
    except RemoteError as error:
        raise (error if ambiguous is None else _unverified(ambiguous, error)) from None


def _require_ambiguous(error: Stopped | RemoteError, earlier: RemoteError | None) -> RemoteError:
    """Return an error after which the write may have been done; raise any other.

    `earlier` is the ambiguous error of an earlier attempt.
    """
    if isinstance(error, Stopped):
        raise _stopped(error, earlier) from None
    if not error.ambiguous:
        raise _rejected(error, earlier) from None
    return error


def _check_not_abandoned(error: Exception) -> None:
    """Raise `Unknown` where a request was sent and a forced stop abandoned it."""
    if isinstance(error, Interrupted) and error.ambiguous:
        raise Unknown(IN_FLIGHT) from None


def _stopped(stop: Stopped, ambiguous: RemoteError | None) -> Exception:
    if ambiguous is None:
        return stop
    return Unknown(f"{ambiguous.message}; {stop.message} before the result was verified")


def _unverified(ambiguous: RemoteError, error: RemoteError) -> Unknown:
    return Unknown(f"{ambiguous.message}, and the result could not be verified: {error.message}")


def _rejected(error: RemoteError, ambiguous: RemoteError | None) -> Exception:
    """Return what a rejection means: after an attempt without a response, that may still act."""
    if ambiguous is None or ambiguous.status is not None or isinstance(error, NotFound):
        return error
    return Unknown(f"{ambiguous.message}; the next attempt failed: {error.message}")


def _exhausted(ambiguous: RemoteError | None) -> Exception:
    if ambiguous is None:
        return RuntimeError("no attempt of a write failed, yet it was given up")
    attempts = f"{ambiguous.message} (in each of {MAX_ATTEMPTS} attempts)"
    if isinstance(ambiguous, ServerFault):
        return ServerFault(
            f"{attempts}; nothing was changed",
            hint=ambiguous.hint,
            operation=ambiguous.operation,
            status=ambiguous.status,
            messages=ambiguous.messages,
        )
    return Unknown(f"{attempts}, and the account does not show the change")
