"""Performs a plan: one action after another, each re-read just before it is written.

Owns the order of requests and the truth of what is reported: an action is `done` only when the
server said so, and `unknown` when it may have acted. An action that fails does not stop the
others. Decides nothing about what should be done: it walks the plan that was shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, assert_never

from segctl.comparison import changed_fields
from segctl.errors import NotFound, RemoteError, Severity, UpdateLocked
from segctl.model import Change, Create, Delete, Patch, Replace, Segment
from segctl.replacer import replace_segment
from segctl.report import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from segctl.clock import Clock
    from segctl.model import Plan, Remote
    from segctl.sendgrid.api import Writer


@dataclass(frozen=True, slots=True)
class Started:
    """An action is about to be performed."""

    change: Change


Event: TypeAlias = Started | Outcome


def perform(
    plan: Plan, account: Writer, stopped: Callable[[], bool], clock: Clock
) -> Iterator[Event]:
    """Perform every change of a plan that nothing refuses, in its order.

    A change that needs what another one did not achieve (a name that is not free, a temporary name
    that was not given) is `not_attempted`. Yields `Started` before each that is attempted and an
    `Outcome` after all. Once `stopped()` is true nothing more is sent and the rest is
    `not_attempted`; `clock` is waited by while a new segment is checked. Raises `RuntimeError` for
    a plan that is refused or could not be worked out: whoever asks has not looked at it.
    """
    broken = any(found.severity is Severity.ERROR for found in plan.diagnostics)
    if plan.refusals or broken:
        raise RuntimeError("a refused plan was handed to the applier")
    run = _Run()
    for change in plan.changes:
        if stopped():
            yield Outcome(change, Status.NOT_ATTEMPTED, message="interrupted before it was sent")
            continue
        reason = run.obstacle(change)
        if reason:
            yield run.note(Outcome(change, Status.NOT_ATTEMPTED, message=reason))
            continue
        yield Started(change)
        yield run.note(_attempt(change, account, stopped, clock))


class _Run:
    """What went wrong so far, and what that stands in the way of."""

    def __init__(self) -> None:
        self.stuck_names: set[str] = set()
        self.stuck_ids: set[str] = set()

    def obstacle(self, change: Change) -> str:
        """Say why a change cannot be made any more, if it cannot."""
        if not isinstance(change, Create) and change.precondition.id in self.stuck_ids:
            return "an earlier step of it was not made"
        if not isinstance(change, Delete) and change.after.name in self.stuck_names:
            return f"`{change.after.name}` is still the name of another segment"
        return ""

    def note(self, outcome: Outcome) -> Outcome:
        """Remember what a change that was not made leaves in the way."""
        change = outcome.change
        if outcome.status is not Status.DONE and isinstance(change, Patch):
            self.stuck_ids.add(change.precondition.id)
            if change.before.name != change.after.name:
                self.stuck_names.add(change.before.name)
        return outcome


def _attempt(change: Change, account: Writer, stopped: Callable[[], bool], clock: Clock) -> Outcome:
    known_id = None if isinstance(change, Create) else change.precondition.id
    try:
        match change:
            case Create():
                made = account.create_segment(change.after)
                return _done(change, made, change.after.as_json())
            case Patch():
                return _patch(change, account)
            case Delete():
                return _delete(change, account)
            case Replace():
                return _replace(change, account, stopped, clock)
            case _:
                assert_never(change)
    except RemoteError as error:
        status = Status.UNKNOWN if error.ambiguous else Status.FAILED
        hint = error.hint
        if isinstance(error, UpdateLocked):
            hint = "SendGrid wants five minutes between two changes of a segment: apply again then"
        if status is Status.UNKNOWN:
            hint = "SendGrid may have done it all the same: `segctl plan` shows how it stands"
        return Outcome(change, status, known_id, error.message, hint)


def _patch(change: Patch, account: Writer) -> Outcome:
    wanted = change.after.as_json()
    fields = {field: str(wanted[field]) for field in change.changed_fields}
    try:
        conflict = _conflict(change, account)
        if conflict is not None:
            return conflict
        changed = account.patch_segment(change.precondition.id, fields)
    except NotFound:
        return _deleted_meanwhile(change)
    return _done(change, changed, fields)


def _delete(change: Delete, account: Writer) -> Outcome:
    try:
        conflict = _conflict(change, account)
        if conflict is not None:
            return conflict
        account.delete_segment(change.precondition.id)
    except NotFound:
        return Outcome(change, Status.DONE, message="it was gone already")
    return Outcome(change, Status.DONE)


def _replace(
    change: Replace, account: Writer, stopped: Callable[[], bool], clock: Clock
) -> Outcome:
    try:
        conflict = _conflict(change, account)
        if conflict is not None:
            return conflict
    except NotFound:
        return _deleted_meanwhile(change)
    return replace_segment(change, account, clock, stopped)


def _deleted_meanwhile(change: Patch | Replace) -> Outcome:
    # No failure of ours: what the plan saw is not there any more, and nothing was written.
    return Outcome(
        change,
        Status.CONFLICT,
        message="somebody deleted it since the plan was made",
        hint="`segctl plan` shows how it stands now, and would create it anew",
    )


def _conflict(change: Patch | Delete | Replace, account: Writer) -> Outcome | None:
    """Read the segment again; say what is no longer as the plan saw it.

    The API has no conditional write, so this is the only guard against somebody else's edit.
    """
    now = account.get_segment(change.precondition.id)
    if now.definition.sha256 == change.precondition.definition_sha256:
        return None
    return Outcome(
        change,
        Status.CONFLICT,
        now.id,
        f"somebody changed it since the plan was made ({_differences(change.before, now)})",
        "run `segctl plan` again and look at what is there now",
    )


def _differences(before: Segment, now: Remote) -> str:
    """Name what differs between two definitions that are known to differ."""
    from deepdiff import DeepDiff  # noqa: PLC0415 - 170 ms, and only where two edits met

    found = DeepDiff(before.as_json(), now.definition.as_json())
    fields = {path.path(output_format="list")[0] for group in found.tree.values() for path in group}
    return ", ".join(sorted(map(str, fields)))


def _done(change: Create | Patch, remote: Remote, sent: Collection[str]) -> Outcome:
    """Report a success, and say so if the server did not keep a field that it was sent."""
    # An answer may leave the query out; what it does not say it cannot contradict.
    query = change.after.query if remote.query is None else remote.query
    stored = Segment(remote.name, query, remote.parent_list_ids)
    altered = [field for field in changed_fields(stored, change.after) if field in sent]
    if not altered:
        return Outcome(change, Status.DONE, remote.id)
    return Outcome(
        change,
        Status.DONE,
        remote.id,
        f"SendGrid stored another {' and '.join(altered)} than it was sent",
        "the next plan will show the difference",
    )
