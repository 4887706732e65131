"""Refreshes: requests that SendGrid count segments now, and what its answers mean.

The most important segments come first. Each refresh is reserved in the usage log before its
request, so that two processes cannot use the same one, and released where the answer shows that
nothing was started. A refresh whose answer was lost is looked up and never sent again: a second
request would use up a second refresh, or be refused. A quota is not an error: segments are counted
on a schedule anyway (sendgrid-api.md §1, §2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from segctl.account.snapshot import at_once
from segctl.common.clock import format_utc, sleep_unless
from segctl.common.timestamps import parse_time_as_utc
from segctl.errors import Forbidden, NotFound, RateLimited, RemoteError
from segctl.model import Validation
from segctl.model.report import Refresh, RefreshStatus
from segctl.refreshing.quota import Candidate, after_refusal, next_day, schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from segctl.model import Remote
    from segctl.refreshing.quota import Slot, Usage
    from segctl.refreshing.usage_log import UsageLog
    from segctl.sendgrid.api import Reader, Writer

RATE_WINDOW = 60.0
"""Seconds after which the account's rate limit resets, where the answer does not say (§2)."""

_SCHEDULED = "SendGrid also counts on its own every 1 to 24 hours"
_REFUSALS_OF_A_FULL_DAY = 2

LOOKS_AFTER_FAILURE = (0.0, 3.0)
"""Seconds before each look at a segment whose refresh the server reported as failed."""

LOOKS_AFTER_SILENCE = (0.0, 3.0, 12.0)
"""The same where no answer came: new counts take 3 to 15 s (sendgrid-api.md §1)."""

SKEW = timedelta(minutes=1)
"""How far the server's clock may be behind ours."""


@dataclass(frozen=True, slots=True)
class ChangedSegment:
    """A segment that an apply changed; `priority` is from its file, `is_new` means a new id."""

    id: str
    name: str
    priority: int = 0
    is_new: bool = False


def refresh_changed(
    account: Writer,
    changed: Sequence[ChangedSegment],
    usage_log: UsageLog,
    zone: str,
    stopped: Callable[[], bool],
) -> Iterator[Refresh]:
    """Refresh the changed segments whose query is VALID, as `refresh_segments` does.

    Each is read again: only the account knows whether the query is valid, and how many contacts it
    has.
    """
    if stopped():
        yield from map(_not_requested, changed)
        return
    by_id = {item.id: item for item in at_once(lambda segment: _read(account, segment), changed)}
    results = [by_id[segment.id] for segment in changed]
    yield from (result for result in results if isinstance(result, Refresh))
    candidates = [result for result in results if isinstance(result, Candidate)]
    yield from refresh_segments(account, candidates, usage_log, zone, stopped)


def refresh_segments(
    account: Writer,
    candidates: Sequence[Candidate],
    usage_log: UsageLog,
    zone: str,
    stopped: Callable[[], bool] = lambda: False,
    *,
    force: bool = False,
) -> Iterator[Refresh]:
    """Refresh what the quota allows, the most important first; yield when the rest can follow.

    A segment's quota resets at midnight in `zone`, an IANA name. `force` requests all of them,
    whatever is known of the quota. Once `stopped()` is true nothing more is sent, and the rest is
    skipped. Answers of the server are results, never raised.
    """
    run = _Run(account, usage_log, zone, stopped, force=force)
    waiting = list(candidates)
    refused: list[Candidate] = []
    while waiting and not stopped():
        claim = run.claim(waiting)
        if claim is None:
            break
        waiting = [item for item in waiting if item.id != claim.candidate.id]
        result = run.request(claim)
        if result is None:
            refused.append(claim.candidate)
        else:
            yield result
        if result is not None and result.status is RefreshStatus.FORBIDDEN:
            # It is the account's plan, or the key: the others would get the same answer.
            yield from (replace(result, name=item.name, id=item.id) for item in waiting)
            waiting = []
    remaining = [*refused, *waiting]
    yield from map(_not_requested, remaining) if stopped() else run.defer(remaining)


def candidate_of(remote: Remote, priority: int = 0, *, is_new: bool = False) -> Candidate:
    """Return a candidate with what the account returned of a segment."""
    return Candidate(
        remote.id,
        remote.name,
        priority,
        remote.contacts_count,
        remote.refreshes_used,
        remote.max_refreshes,
        parse_time_as_utc(remote.last_refreshed_at),
        is_new,
    )


def _read(account: Reader, segment: ChangedSegment) -> Candidate | Refresh:
    """Read a segment again; return why it is not refreshed unless its query is VALID."""
    try:
        remote = account.get_segment(segment.id)
    except NotFound:
        return _gone(segment)
    except RemoteError as error:
        return Refresh(segment.name, segment.id, RefreshStatus.FAILED, error.message, error.hint)
    if remote.validation is Validation.VALID:
        return candidate_of(remote, segment.priority, is_new=segment.is_new)
    reason = {
        Validation.PENDING: "SendGrid is still validating its query",
        Validation.INVALID: "SendGrid does not accept its query",
    }.get(remote.validation, "SendGrid does not show whether its query is valid")
    hint = "run `segctl list` to see its state: only segments with a valid query are counted"
    return Refresh(segment.name, segment.id, RefreshStatus.SKIPPED, reason, hint)


def _not_requested(segment: ChangedSegment | Candidate) -> Refresh:
    reason = "interrupted before the refresh was requested"
    hint = f"run `segctl refresh NAME` to request it; {_SCHEDULED}"
    return Refresh(segment.name, segment.id, RefreshStatus.SKIPPED, reason, hint)


def _gone(segment: ChangedSegment | Candidate) -> Refresh:
    return Refresh(
        segment.name,
        segment.id,
        RefreshStatus.NOT_FOUND,
        "the segment no longer exists on the account",
        "run `segctl plan` to see the state",
    )


@dataclass(frozen=True, slots=True)
class _Claim:
    """A refresh reserved in the usage log: it counts as used until it is released."""

    candidate: Candidate
    moment: datetime


class _Run:
    """One run of requests, with the refusals so far."""

    def __init__(
        self,
        account: Writer,
        usage_log: UsageLog,
        zone: str,
        stopped: Callable[[], bool],
        *,
        force: bool,
    ) -> None:
        self._account = account
        self._usage_log = usage_log
        self._zone_name = zone
        self._zone: tzinfo = ZoneInfo(zone)
        self._stopped = stopped
        self._force = force
        self._refusals = 0
        self._soonest: dict[str, datetime] = {}

    def claim(self, waiting: Sequence[Candidate]) -> _Claim | None:
        """Reserve a refresh for the most important segment that can be refreshed now, if any."""
        claimed: list[_Claim] = []

        def reserve(usage: Usage, now: datetime) -> Usage:
            for slot in schedule(waiting, usage, now, self._zone):
                if slot.at <= now or self._force:
                    claimed.append(_Claim(slot.candidate, now))
                    return usage.with_use(slot.candidate.key, now)
            return usage

        self._usage_log.update(reserve)
        return claimed[0] if claimed else None

    def request(self, claim: _Claim) -> Refresh | None:
        """Request one refresh; return `None` where a limit was reached and it must wait."""
        candidate = claim.candidate
        refusals, self._refusals = self._refusals, 0
        try:
            self._account.refresh_segment(candidate.id, self._zone_name)
        except RateLimited as error:
            self._release(claim)
            if _is_rate_limit(error):
                pause = RATE_WINDOW if error.retry_after is None else error.retry_after
                self._soonest[candidate.id] = self._usage_log.clock.now() + timedelta(seconds=pause)
            else:
                self._refusals = refusals + 1
                self._record_refusal(candidate)
            return None
        except Forbidden as error:
            self._release(claim)
            return _forbidden(candidate, error)
        except NotFound:
            self._release(claim)
            return _gone(candidate)
        except RemoteError as error:
            if error.ambiguous:
                self._confirm(claim)
                return self._looked_up(claim, error)
            self._release(claim)
            return Refresh(
                candidate.name, candidate.id, RefreshStatus.FAILED, error.message, error.hint
            )
        self._confirm(claim)
        return Refresh(candidate.name, candidate.id, RefreshStatus.ACCEPTED)

    def _looked_up(self, claim: _Claim, lost: RemoteError) -> Refresh:
        """Return the outcome of a refresh whose answer was lost.

        The account can show that it was started, never that it was not: the fields may be absent
        (sendgrid-api.md §1), or late.
        """
        candidate = claim.candidate
        for seconds in LOOKS_AFTER_SILENCE if lost.status is None else LOOKS_AFTER_FAILURE:
            sleep_unless(self._stopped, seconds, self._usage_log.clock)
            if self._stopped():
                break
            try:
                evidence = _evidence(claim, self._account.lenient().get_segment(candidate.id))
            except RemoteError:
                # The transport has retried it already.
                break
            if evidence:
                self._account.record_result("refresh", candidate.id, done=True)
                return Refresh(candidate.name, candidate.id, RefreshStatus.ACCEPTED, evidence)
        hint = (
            "run `segctl list` to see the refreshes used: SendGrid may have started this one, "
            "and then it counts against the quota"
        )
        return Refresh(candidate.name, candidate.id, RefreshStatus.FAILED, lost.message, hint)

    def defer(self, waiting: Sequence[Candidate]) -> Iterator[Refresh]:
        """Yield for each segment that the quota had no room for when it can be refreshed."""
        if not waiting:
            return
        usage = self._usage_log.update(lambda usage, _: usage)
        for slot in schedule(waiting, usage, self._usage_log.clock.now(), self._zone):
            yield self._deferred(slot)

    def _deferred(self, slot: Slot) -> Refresh:
        candidate = slot.candidate
        at, reason = slot.at, slot.reason
        soonest = self._soonest.get(candidate.id)
        if soonest is not None and soonest >= at:
            at, reason = soonest, "the account's rate limit was reached"
        local = _whole(at, timedelta(minutes=1)).astimezone(self._zone)
        words = f"not before {local:%Y-%m-%d %H:%M} {self._zone_name}"
        return Refresh(
            candidate.name,
            candidate.id,
            RefreshStatus.DEFERRED,
            f"{words}: {reason}" if reason else words,
            f"run `segctl refresh NAME` after that time; {_SCHEDULED}",
            format_utc(_whole(at, timedelta(seconds=1))),
        )

    def _release(self, claim: _Claim) -> None:
        key, moment = claim.candidate.key, claim.moment
        self._usage_log.update(lambda usage, _: usage.without_use(key, moment))

    def _confirm(self, claim: _Claim) -> None:
        # The hour until the next refresh runs from when the server acted, which was before now.
        key, moment = claim.candidate.key, claim.moment
        self._usage_log.update(lambda usage, now: usage.without_use(key, moment).with_use(key, now))

    def _record_refusal(self, candidate: Candidate) -> None:
        """Record a refusal that the usage log does not explain.

        Nobody can have refreshed a segment that was created a moment ago, and two segments that
        reached their own limits unknown to the log are less likely than an account that has.
        """
        account_is_full = candidate.is_new or self._refusals >= _REFUSALS_OF_A_FULL_DAY

        def close(usage: Usage, now: datetime) -> Usage:
            if account_is_full:
                return usage.with_account_closed(next_day(now, UTC))
            return usage.with_closed(candidate.key, after_refusal(now, self._zone))

        self._usage_log.update(close)


def _evidence(claim: _Claim, now: Remote) -> str:
    """Return the evidence that a refresh was started since it was reserved; empty without any.

    Counting up needs an earlier number: the list may leave out fields that a single read has.
    """
    before = claim.candidate
    used, last = now.refreshes_used, parse_time_as_utc(now.last_refreshed_at)
    is_counted_up = before.used is not None and used is not None and used > before.used
    if is_counted_up or (last is not None and last > claim.moment - SKEW):
        return "the refresh started although no response was received"
    sample = parse_time_as_utc(now.sample_updated_at)
    if sample is not None and sample > claim.moment:
        return "no response was received, but the segment was counted since"
    return ""


def _is_rate_limit(error: RateLimited) -> bool:
    """Return whether a 429 is the rate limit, which resets in a minute, rather than the quota.

    Without rate-limit headers: the quota's 429 has no body (sendgrid-api.md §1).
    """
    return bool(error.messages) if error.exhausted is None else error.exhausted


def _forbidden(candidate: Candidate, error: Forbidden) -> Refresh:
    if error.messages:
        # A free plan's 403 has no body (sendgrid-api.md §1): this one is about the key.
        return Refresh(
            candidate.name, candidate.id, RefreshStatus.FORBIDDEN, error.message, error.hint
        )
    return Refresh(
        candidate.name,
        candidate.id,
        RefreshStatus.FORBIDDEN,
        "the account's plan does not include manual refresh, or the key has no permission for it",
        f"use a Basic or Advanced plan; {_SCHEDULED}",
    )


def _whole(moment: datetime, unit: timedelta) -> datetime:
    """Round up, so that what is shown is never too early."""
    excess = (moment - datetime(1970, 1, 1, tzinfo=UTC)) % unit
    return moment + (unit - excess) if excess else moment
