"""SendGrid's verdict on a query that was just written, and the wait for it.

A query is VALID at once, or PENDING first; its contacts are counted seconds later, or half an hour
(sendgrid-api.md §1). Reads only; the caller decides what follows from a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.applying.context import Stopped, Wait, WaitReason
from segctl.common.timestamps import parse_time_or_none
from segctl.errors import NotFound, RemoteError
from segctl.model import Validation

if TYPE_CHECKING:
    from collections.abc import Callable

    from segctl.applying.context import ApplyContext, Steps
    from segctl.model import Remote

POLL_INTERVAL = 1.0
LONGEST_POLL_INTERVAL = 15.0

VALIDATION_DESCRIPTION = "SendGrid is validating the query"
COUNT_DESCRIPTION = "SendGrid is counting the contacts"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a query in the end.

    `remote` is the segment as it was last read. `stop_reason` says why watching it ended early;
    `is_deleted`: someone deleted the segment meanwhile.
    """

    remote: Remote
    stop_reason: str = ""
    is_deleted: bool = False

    @property
    def is_open(self) -> bool:
        """Whether SendGrid has not decided, or does not return a decision."""
        return self.remote.validation in (Validation.PENDING, Validation.UNKNOWN)

    @property
    def is_uncounted(self) -> bool:
        """Whether its contacts were not counted since it was changed.

        A count of 0 without a sample means nothing, and a sample from before `updated_at`, which
        does not move with a sample (sendgrid-api.md §1), is of the previous query.
        """
        counted = parse_time_or_none(self.remote.sample_updated_at)
        if counted is None:
            return self.remote.sample_updated_at is None and not self.remote.contacts_count
        changed = parse_time_or_none(self.remote.updated_at)
        return changed is not None and counted < changed

    @property
    def complaint(self) -> str:
        """SendGrid's reason for not accepting the query, already sanitized."""
        return self.remote.validation_error or "no reason given"


def watch_validation(remote: Remote, context: ApplyContext) -> Steps[Verdict]:
    """Read a segment until its query is validated, the time is up or the apply is stopped."""
    timeout = context.options.validation_timeout
    return (
        yield from _watch(
            remote, context, lambda verdict: verdict.is_open, timeout, VALIDATION_DESCRIPTION
        )
    )


def watch_count(remote: Remote, context: ApplyContext) -> Steps[Verdict]:
    """Read a segment until SendGrid has counted it, the time is up or the apply is stopped."""
    timeout = context.options.count_timeout
    return (
        yield from _watch(
            remote, context, lambda verdict: verdict.is_uncounted, timeout, COUNT_DESCRIPTION
        )
    )


def _watch(
    remote: Remote,
    context: ApplyContext,
    goes_on: Callable[[Verdict], bool],
    timeout: float,
    description: str,
) -> Steps[Verdict]:
    until = context.clock.monotonic() + timeout
    pause = POLL_INTERVAL
    verdict = Verdict(remote)
    while goes_on(verdict):
        remaining = until - context.clock.monotonic()
        if remaining <= 0:
            break
        try:
            yield Wait(min(pause, remaining), description, WaitReason.VALIDATION, remaining)
        except Stopped as stop:
            return Verdict(verdict.remote, stop_reason=stop.message)
        pause = min(pause * 1.5, LONGEST_POLL_INTERVAL)
        try:
            verdict = Verdict(context.account.get_segment(remote.id))
        except NotFound:
            return Verdict(verdict.remote, is_deleted=True)
        except RemoteError:
            # A read that failed decides nothing.
            continue
    return verdict
