"""Performs a plan: one action after another, each re-read just before it is written.

Owns the order of requests and the truth of what is reported: an action is `done` only when the
server said so, and `unknown` when it may have acted. An action that fails does not stop the
others. Decides nothing about what should be done: it walks the plan that was shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, assert_never

from segctl.errors import NotFound, RemoteError
from segctl.model import Change, Create, Delete, Outcome, Patch, Replace, Segment, Status
from segctl.planner import changed_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from segctl.model import Plan, Remote
    from segctl.sendgrid.api import Writer


@dataclass(frozen=True, slots=True)
class Started:
    """An action is about to be performed."""

    change: Change


Event: TypeAlias = Started | Outcome


def perform(plan: Plan, account: Writer, stopped: Callable[[], bool]) -> Iterator[Event]:
    """Perform every change of a plan that nothing refuses, in its order.

    Yields `Started` before and an `Outcome` after each. Once `stopped()` is true nothing more is
    sent and the rest is `not_attempted`.
    """
    if plan.refusals:
        raise RuntimeError("a refused plan was handed to the applier")
    for change in plan.changes:
        if stopped():
            yield Outcome(change, Status.NOT_ATTEMPTED, message="interrupted before it was sent")
            continue
        yield Started(change)
        yield _attempt(change, account)


def _attempt(change: Change, account: Writer) -> Outcome:
    known_id = None if isinstance(change, Create) else change.precondition.id
    try:
        match change:
            case Create():
                made = account.create_segment(change.after)
                return _done(change, made, change.after)
            case Patch():
                return _patch(change, account)
            case Delete():
                return _delete(change, account)
            case Replace():
                raise RuntimeError("a replace was handed to the applier")
            case _:
                assert_never(change)
    except RemoteError as error:
        status = Status.UNKNOWN if error.ambiguous else Status.FAILED
        hint = error.hint
        if status is Status.UNKNOWN:
            hint = "SendGrid may have done it all the same: `segctl plan` shows how it stands"
        return Outcome(change, status, known_id, error.message, hint)


def _patch(change: Patch, account: Writer) -> Outcome:
    conflict = _conflict(change, account)
    if conflict is not None:
        return conflict
    wanted = change.after.as_json()
    fields = {field: str(wanted[field]) for field in change.changed_fields}
    changed = account.patch_segment(change.precondition.id, fields)
    return _done(change, changed, change.after)


def _delete(change: Delete, account: Writer) -> Outcome:
    try:
        conflict = _conflict(change, account)
        if conflict is not None:
            return conflict
        account.delete_segment(change.precondition.id)
    except NotFound:
        return Outcome(change, Status.DONE, message="it was gone already")
    return Outcome(change, Status.DONE)


def _conflict(change: Patch | Delete, account: Writer) -> Outcome | None:
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

    found = DeepDiff(before.as_json(), now.definition.as_json(), ignore_order=True)
    fields = {path.path(output_format="list")[0] for group in found.tree.values() for path in group}
    return ", ".join(sorted(map(str, fields)))


def _done(change: Change, remote: Remote, wanted: Segment) -> Outcome:
    """Report a success, and say so if the server did not keep what it was sent."""
    if remote.query is not None:
        altered = changed_fields(remote.definition, wanted)
        if altered:
            return Outcome(
                change,
                Status.DONE,
                remote.id,
                f"SendGrid stored another {' and '.join(altered)} than it was sent",
                "the next plan will show the difference",
            )
    return Outcome(change, Status.DONE, remote.id)
