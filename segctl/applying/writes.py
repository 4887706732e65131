"""One write at a time, with certainty about what became of it.

Owns what follows a request whose outcome is unknown: look what the account holds, and send again
only where that shows that nothing was done (sendgrid-api.md §2: POST is not idempotent). Owns the
precondition, which is read right before each PATCH and DELETE, repeated ones included. Never takes
a look that failed for an answer: then it is `Unknown`.

Each function is a generator of waits (`steps.py`). It raises a `RemoteError` for what was not done,
`Conflict` for what somebody else did, `Unknown` for what stays unclear, and `Stopped` where it was
told to stop before anything of it was sent.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.applying.context import Stopped, Wait, WaitReason
from segctl.applying.update_lock import LockPatience
from segctl.errors import Interrupted, NotFound, RemoteError, ServerFault, UpdateLocked
from segctl.model import Segment
from segctl.model.report import Status
from segctl.planning.definition_diff import definition_diff
from segctl.planning.equality import changed_fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from segctl.applying.context import ApplyContext, Steps
    from segctl.model import Remote
    from segctl.sendgrid.api import Operation

SENDS = 3
"""How often one write is sent at most."""

AFTER_FAILURE = (0.0, 2.0)
"""Seconds before each look at the account after the server said that it failed."""

AFTER_SILENCE = (0.0, 5.0, 15.0)
"""The same where it said nothing: it may still be at work."""

LOCKED = "while SendGrid did not let it be changed yet, and nothing was changed"
UNDER_WAY = "it was under way when segctl was stopped"
PAUSE_WORDS = "to see whether SendGrid did it"


class Conflict(Exception):
    """Somebody else changed what the plan saw, and it is left alone. `id`: of what is there."""

    def __init__(self, message: str, hint: str = "", segment_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.id = segment_id


class Unknown(Exception):
    """The server may have acted, and it could not be found out."""

    hint = "SendGrid may have done it all the same: `segctl plan` shows how it stands"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


WRITE_ERRORS = (Conflict, RemoteError, Unknown, Stopped)
"""What a write that was not done, or may not have been, is raised as: each has a `message`."""


def status_of(error: BaseException) -> Status:
    """Give the status of an action that ends with one of `WRITE_ERRORS`."""
    match error:
        case Conflict():
            return Status.CONFLICT
        case Unknown():
            return Status.UNKNOWN
        case _:
            return Status.FAILED


@dataclass(frozen=True, slots=True)
class Written:
    """A write that was done: the segment after it, and what is remarkable about how it went."""

    remote: Remote
    note: str = ""


def create(segment: Segment, context: ApplyContext) -> Steps[Written]:
    """Create a segment, once: whatever happens, there are never two.

    A segment of the same name that is as declared counts as done, whoever made it; one that is not
    is a `Conflict`.
    """
    with _settling(context, "create", segment.name):
        made = yield from _create(segment, context)
    context.account.record_result("create", segment.name, done=True, segment_id=made.remote.id)
    return made


def _create(segment: Segment, context: ApplyContext) -> Steps[Written]:
    lost: RemoteError | None = None
    for _ in range(SENDS):
        try:
            return Written(context.account.create_segment(segment))
        except Stopped as halt:
            raise _halted(halt, lost) from None
        except RemoteError as error:
            _check_left_behind(error)
            if error.ambiguous:
                lost = error
            else:
                # The name may be in use, by our own lost attempt or since somebody was faster.
                # How SendGrid says so is nowhere documented, so the account is asked instead.
                asked = lost is not None or error.status in _MAY_MEAN_TAKEN
                found = _made(segment, context, lost) if asked else None
                if found is None:
                    raise _refused(error, lost) from None
                return found
        for seconds in _looks(lost):
            yield from _pause(seconds, lost)
            found = _made(segment, context, lost)
            if found is not None:
                return found
    raise _given_up(lost)


def patch(
    segment_id: str,
    before: Segment,
    after: Segment,
    fields: Mapping[str, str],
    context: ApplyContext,
) -> Steps[Written]:
    """Change `fields` of a segment that must equal `before`, byte for byte, to that of `after`.

    Waits for the update lock for at most `ApplyOptions.lock_timeout`. Raises `NotFound` where the
    segment is gone, and `Conflict` also where another segment has taken its new name.
    """
    with _settling(context, "patch", segment_id):
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
    lost: RemoteError | None = None
    patience = LockPatience(context)
    now = context.account.get_segment(segment_id)
    sends = 0
    while True:
        done = _patched(now, before, after, lost)
        if done is not None:
            return done
        if sends == SENDS:
            raise _given_up(lost)
        try:
            return Written(context.account.patch_segment(segment_id, fields))
        except UpdateLocked as error:
            wait = patience.next_wait(now)
            if wait is None:
                raise _refused(error, lost) from None
            yield from _wait(wait, lost, LOCKED)
            now = _read(segment_id, context, lost)
        except (Stopped, RemoteError) as error:
            _check_left_behind(error)
            if isinstance(error, RemoteError) and "name" in fields:
                _check_name(segment_id, fields["name"], error, context)
            lost = _lost(error, lost)
            sends += 1
            for seconds in _looks(lost):
                yield from _pause(seconds, lost)
                now = _read(segment_id, context, lost)
                if now.definition.sha256 != before.sha256:
                    break


def delete(
    segment_id: str, expected: Segment, context: ApplyContext, *, v1: bool = False
) -> Steps[str]:
    """Delete a segment that must be as `expected`, to the byte; give a remark, if there is any.

    One that is gone is deleted, whoever did it. `v1`: it is of the first API.
    """
    with _settling(context, "delete", segment_id):
        note = yield from _delete(segment_id, expected, context, v1=v1)
    context.account.record_result("delete", segment_id, done=True)
    return note


def _delete(segment_id: str, expected: Segment, context: ApplyContext, *, v1: bool) -> Steps[str]:
    lost: RemoteError | None = None
    try:
        now = context.account.get_segment(segment_id, v1=v1)
        for _ in range(SENDS):
            if now.definition.sha256 != expected.sha256:
                raise changed_meanwhile(expected, now)
            try:
                context.account.delete_segment(segment_id, v1=v1)
            except (Stopped, RemoteError) as error:
                _check_left_behind(error)
                lost = _lost(error, lost)
            else:
                return ""
            for seconds in _looks(lost):
                yield from _pause(seconds, lost)
                now = _read(segment_id, context, lost, v1=v1)
    except NotFound:
        return "it was gone already" if lost is None else "SendGrid had done it, without an answer"
    raise _given_up(lost)


def changed_meanwhile(before: Segment, now: Remote) -> Conflict:
    """Say in what a segment differs from what the plan saw."""
    fields = ", ".join(definition_diff(before, now.definition))
    return Conflict(
        f"somebody changed it since the plan was made ({fields})",
        "run `segctl plan` again and look at what is there now",
        now.id,
    )


def stored(remote: Remote, sent: Segment) -> Segment:
    """Give what the server stored; what its answer leaves out, it cannot contradict."""
    query = sent.query if remote.query is None else remote.query
    return Segment(remote.name, query, remote.parent_list_ids)


_MAY_MEAN_TAKEN = (400, 409, 422)


@contextmanager
def _settling(context: ApplyContext, operation: Operation, key: str) -> Iterator[None]:
    """Say where it was found out that the sends whose answers were lost did nothing.

    A segment that is gone, or that somebody changed, does not tell.
    """
    try:
        yield
    except NotFound:
        raise
    except RemoteError:
        context.account.record_result(operation, key, done=False)
        raise


def _looks(lost: RemoteError) -> tuple[float, ...]:
    return AFTER_FAILURE if lost.status is not None else AFTER_SILENCE


def _pause(seconds: float, lost: RemoteError) -> Steps[None]:
    if seconds:
        yield from _wait(Wait(seconds, PAUSE_WORDS, WaitReason.PAUSE), lost)


def _wait(wait: Wait, lost: RemoteError | None, when: str = "") -> Steps[None]:
    try:
        yield wait
    except Stopped as halt:
        raise _halted(Stopped(halt.message, when or halt.when), lost) from None


def _made(segment: Segment, context: ApplyContext, lost: RemoteError | None) -> Written | None:
    """Look for a segment of this name. Raises `Conflict` for one that is not as declared."""
    try:
        found = _named(segment.name, context)
    except RemoteError as error:
        if lost is None:
            # What was asked for is refused, whoever has the name.
            return None
        raise _unseen(lost, error) from None
    for remote in found:
        if not remote.is_v1 and not changed_fields(remote.definition, segment):
            note = "SendGrid had done it, without an answer"
            return Written(remote, note if lost is not None else "it was there already")
    if found:
        raise Conflict(
            "somebody made another segment of this name since the plan was made",
            "run `segctl plan` again and look at what is there now",
            found[0].id,
        )
    return None


def _check_name(segment_id: str, name: str, refusal: RemoteError, context: ApplyContext) -> None:
    """Raise `Conflict` where a renaming is refused and another segment has the name by now.

    An attempt before, of which nothing is known, is refused for the same reason: it changes
    nothing any more.
    """
    if refusal.ambiguous or refusal.status not in _MAY_MEAN_TAKEN:
        return
    try:
        holders = [one for one in _named(name, context) if one.id != segment_id]
    except RemoteError:
        # What was asked for is refused, whoever has the name.
        return
    if holders:
        kind = "a v1 segment" if holders[0].is_v1 else "another segment"
        raise Conflict(
            f"{kind} took the name `{name}` since the plan was made: {holders[0].id}",
            "give that one another name or delete it, or choose another name in the file",
            segment_id,
        )


def _named(name: str, context: ApplyContext) -> list[Remote]:
    """Read every segment of a name, of either version."""
    found = []
    for listed in context.account.list_segments():
        if listed.name != name:
            continue
        # Of a v1 segment only counts that it is there: nothing of it is compared.
        reader = context.account.lenient() if listed.is_v1 else context.account
        try:
            found.append(reader.get_segment(listed.id, v1=listed.is_v1))
        except NotFound:
            # A deleted segment stays in the list for up to a minute (sendgrid-api.md §1).
            continue
    return found


def _patched(
    now: Remote, before: Segment, after: Segment, lost: RemoteError | None
) -> Written | None:
    """Say whether a segment is changed already, or not yet. Raises `Conflict` for anything else."""
    if now.definition.sha256 == before.sha256:
        return None
    if lost is not None and not changed_fields(now.definition, after):
        return Written(now, "SendGrid had done it, without an answer")
    if now.definition.sha256 == after.sha256:
        return Written(now, "it was as declared already")
    raise changed_meanwhile(before, now)


def _read(
    segment_id: str, context: ApplyContext, lost: RemoteError | None, *, v1: bool = False
) -> Remote:
    """Read a segment; a look that fails after a lost write leaves it unknown."""
    try:
        return context.account.get_segment(segment_id, v1=v1)
    except NotFound:
        raise
    except RemoteError as error:
        raise (error if lost is None else _unseen(lost, error)) from None


def _lost(error: Stopped | RemoteError, before: RemoteError | None) -> RemoteError:
    """Give a write that may have been done all the same; raise what is clear.

    `before` is an earlier attempt of which the same is true.
    """
    if isinstance(error, Stopped):
        raise _halted(error, before) from None
    if not error.ambiguous:
        raise _refused(error, before) from None
    return error


def _check_left_behind(error: Exception) -> None:
    """Raise `Unknown` where a write was sent and someone insisted on not waiting for its answer."""
    if isinstance(error, Interrupted) and error.ambiguous:
        raise Unknown(UNDER_WAY) from None


def _halted(halt: Stopped, lost: RemoteError | None) -> Exception:
    return halt if lost is None else Unknown(f"{lost.message}; {halt.message} while looking for it")


def _unseen(lost: RemoteError, error: RemoteError) -> Unknown:
    return Unknown(f"{lost.message}; nor could be seen whether it was done: {error.message}")


def _refused(error: RemoteError, lost: RemoteError | None) -> Exception:
    """Say what a clear refusal means after an attempt that met silence: that one may still come."""
    if lost is None or lost.status is not None or isinstance(error, NotFound):
        return error
    return Unknown(f"{lost.message}, and later: {error.message}")


def _given_up(lost: RemoteError | None) -> Exception:
    if lost is None:
        return RuntimeError("a write was given up that never failed")
    if isinstance(lost, ServerFault):
        return ServerFault(
            f"{lost.message}, {SENDS} times, and did nothing",
            hint=lost.hint,
            operation=lost.operation,
            status=lost.status,
            messages=lost.messages,
        )
    return Unknown(f"{lost.message}, {SENDS} times, and the account does not show it")
