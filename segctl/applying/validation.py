"""What SendGrid says of a query that was just written, and how long to wait for it.

A query is VALID at once, or PENDING first; its contacts are counted seconds later, or half an hour
(sendgrid-api.md §1). Owns the watching; what a verdict leads to is decided by who asked.
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

WATCH_WORDS = "SendGrid is checking the query"
COUNT_WORDS = "SendGrid is counting its contacts"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a query in the end.

    `remote` is the segment as it was read last. `halted` says what cut the watching short; `gone`,
    that somebody deleted the segment meanwhile.
    """

    remote: Remote
    stop_reason: str = ""
    gone: bool = False

    @property
    def is_open(self) -> bool:
        """Whether SendGrid has not decided, or does not say."""
        return self.remote.validation in (Validation.PENDING, Validation.UNKNOWN)

    @property
    def is_uncounted(self) -> bool:
        """Whether its contacts were not counted since it was changed.

        A count of 0 that is of no sample means nothing, and one from before `updated_at`, which
        does not move with a sample (sendgrid-api.md §1), is that of the query before.
        """
        counted = parse_time_or_none(self.remote.sample_updated_at)
        if counted is None:
            return self.remote.sample_updated_at is None and not self.remote.contacts_count
        changed = parse_time_or_none(self.remote.updated_at)
        return changed is not None and counted < changed

    @property
    def complaint(self) -> str:
        """Give SendGrid's words about a query that it does not accept, which came clean."""
        return self.remote.validation_error or "it does not say why"


def watch(made: Remote, context: ApplyContext) -> Steps[Verdict]:
    """Read a segment until its query is judged, time is up or nobody waits any more."""
    patience = context.options.validation_timeout
    return (yield from _watch(made, context, lambda now: now.is_open, patience, WATCH_WORDS))


def watch_count(made: Remote, context: ApplyContext) -> Steps[Verdict]:
    """Read a segment until SendGrid has counted it once, time is up or nobody waits any more."""
    patience = context.options.count_timeout
    return (yield from _watch(made, context, lambda now: now.is_uncounted, patience, COUNT_WORDS))


def _watch(
    made: Remote,
    context: ApplyContext,
    goes_on: Callable[[Verdict], bool],
    patience: float,
    why: str,
) -> Steps[Verdict]:
    until = context.clock.monotonic() + patience
    pause = POLL_INTERVAL
    verdict = Verdict(made)
    while goes_on(verdict):
        left = until - context.clock.monotonic()
        if left <= 0:
            break
        try:
            yield Wait(min(pause, left), why, WaitReason.VALIDATION, left)
        except Stopped as halt:
            return Verdict(verdict.remote, stop_reason=halt.message)
        pause = min(pause * 1.5, LONGEST_POLL_INTERVAL)
        try:
            verdict = Verdict(context.account.get_segment(made.id))
        except NotFound:
            return Verdict(verdict.remote, gone=True)
        except RemoteError:
            # A read that fails decides nothing.
            continue
    return verdict
