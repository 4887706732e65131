"""The quota of manual refreshes: which segments may be refreshed now, and when the others may.

Three limits (sendgrid-api.md §2), and the order in which segments are refreshed. Refreshes by hand
in SendGrid are known only as far as the account's answers show them. Reads no clock and no file.

A segment that can be refreshed now never waits for a more important one that cannot: segctl does
not run by itself later, so a refresh that is saved may be one that is lost.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ACCOUNT_DAY = 10
"""Refreshes of an account between one 00:00 UTC and the next."""

SEGMENT_DAY = 2
"""Refreshes of a segment between one midnight of the time zone and the next."""

INTERVAL = timedelta(hours=1)
"""From one refresh of a segment to its next."""

MEMORY = timedelta(days=2)
"""Beyond it an earlier refresh no longer counts, in any time zone."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A segment to refresh, and what the account returns about its refreshes.

    `used` counts those since midnight, `daily_limit` is what the account allows in a day, `last` is
    the time of the latest; each `None` where the account does not return it. `is_new`: the segment
    was created a moment ago, so nobody else can have refreshed it.
    """

    id: str
    name: str
    priority: int = 0
    contacts: int | None = None
    used: int | None = None
    daily_limit: int | None = None
    last: datetime | None = None
    is_new: bool = False

    @property
    def key(self) -> str:
        """Return the key in the usage log, 32 hex digits: the log holds no text of the server."""
        return hashlib.sha256(self.id.encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Usage:
    """Earlier refreshes and refusals, by the `Candidate.key` of the segments.

    `uses` has the times of each segment's refreshes; `closed` the time until which a segment is not
    requested again, since the account refused it; `account_closed` the same for all segments.
    """

    uses: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    closed: Mapping[str, datetime] = field(default_factory=dict)
    account_closed: datetime | None = None

    def with_use(self, key: str, moment: datetime) -> Usage:
        """Return the usage with this refresh added."""
        return replace(self, uses={**self.uses, key: (*self.uses.get(key, ()), moment)})

    def without_use(self, key: str, moment: datetime) -> Usage:
        """Return the usage without this refresh, which turned out not to have happened."""
        moments = list(self.uses.get(key, ()))
        if moment in moments:
            moments.remove(moment)
        return replace(self, uses={**self.uses, key: tuple(moments)})

    def with_closed(self, key: str, until: datetime) -> Usage:
        """Return the usage with this segment closed until then."""
        return replace(self, closed={**self.closed, key: until})

    def with_account_closed(self, until: datetime) -> Usage:
        """Return the usage with all segments closed until then."""
        return replace(self, account_closed=until)

    def at(self, now: datetime) -> Usage:
        """Return the part that still counts at this time.

        A time in the future was written by a clock that was ahead: up to `INTERVAL` it counts as
        the present; beyond that it is ignored.
        """
        early, late = now - MEMORY, now + INTERVAL
        uses = {
            key: tuple(sorted(min(at, now) for at in moments if early <= at <= late))
            for key, moments in self.uses.items()
        }
        closed = {key: until for key, until in self.closed.items() if now < until <= now + MEMORY}
        account = self.account_closed
        return Usage(
            {key: moments for key, moments in uses.items() if moments},
            closed,
            account if account is not None and now < account <= now + MEMORY else None,
        )


@dataclass(frozen=True, slots=True)
class Slot:
    """The time `at` which a segment can be refreshed: the present where it can be at once.

    `reason` is the limit that it waits for, empty where it need not wait.
    """

    candidate: Candidate
    at: datetime
    reason: str = ""


def schedule(
    candidates: Iterable[Candidate], usage: Usage, now: datetime, zone: tzinfo
) -> tuple[Slot, ...]:
    """Return a slot for each segment, the most important first.

    Each slot is the earliest that breaks no limit, given the slots before it: those of all segments
    that can be refreshed now, then those of the more important ones that cannot. A segment's day
    begins at midnight in `zone`.
    """
    usage = usage.at(now)
    ranked = sorted({item.id: item for item in candidates}.values(), key=_rank)
    known = {item.key: _uses(item, usage, now, zone) for item in ranked}
    others = (moments for key, moments in usage.uses.items() if key not in known)
    days = Counter(
        moment.astimezone(UTC).date()
        for moments in (*known.values(), *others)
        for moment in moments
    )
    own_slots = [_own_slot(item, known[item.key], usage, now, zone) for item in ranked]
    slots: dict[str, Slot] = {}

    def assign(slot: Slot) -> None:
        days[slot.at.astimezone(UTC).date()] += 1
        slots[slot.candidate.id] = slot

    for slot in own_slots:
        within_account = _within_account(slot, days, usage)
        if within_account.at <= now:
            assign(within_account)
    for slot in own_slots:
        if slot.candidate.id not in slots:
            assign(_within_account(slot, days, usage))
    return tuple(slots[item.id] for item in ranked)


def after_refusal(now: datetime, zone: tzinfo) -> datetime:
    """Return when a segment that was refused unexpectedly may be requested again.

    SendGrid does not say which of the three limits was reached: the first to end is assumed.
    """
    return min(now + INTERVAL, next_day(now, zone), next_day(now, UTC))


def next_day(moment: datetime, zone: tzinfo) -> datetime:
    """Return the first instant, in UTC, of the day after this one in a time zone."""
    return _first_instant(moment.astimezone(zone).date() + timedelta(days=1), zone)


def _rank(candidate: Candidate) -> tuple[int, int]:
    return -candidate.priority, -(candidate.contacts or 0)


def _first_instant(day: date, zone: tzinfo) -> datetime:
    # Where clocks are put forward at midnight, 00:00 reckoned by the old offset is that moment.
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _uses(candidate: Candidate, usage: Usage, now: datetime, zone: tzinfo) -> tuple[datetime, ...]:
    """Combine what the usage log and the account know of a segment's refreshes.

    Two refreshes of a segment are at least an hour apart, so one nearer to a logged one is the
    same. Those that the account only counts are dated to midnight: a later date would delay the
    next refresh without proof.
    """
    moments = list(usage.uses.get(candidate.key, ()))
    if candidate.last is not None and candidate.last > now - MEMORY:
        last = min(candidate.last, now)
        if all(abs(last - moment) >= INTERVAL for moment in moments):
            moments.append(last)
    midnight = _first_instant(now.astimezone(zone).date(), zone)
    missing = (candidate.used or 0) - sum(moment >= midnight for moment in moments)
    return (*moments, *([midnight] * min(missing, SEGMENT_DAY)))


def _own_slot(
    candidate: Candidate, moments: Sequence[datetime], usage: Usage, now: datetime, zone: tzinfo
) -> Slot:
    """Return the earliest slot that the segment's own limits and refusals allow."""
    daily_limit = min(candidate.daily_limit, SEGMENT_DAY) if candidate.daily_limit else SEGMENT_DAY
    at, reason = now, ""
    closed = usage.closed.get(candidate.key)
    if closed is not None:
        at, reason = closed, "SendGrid refused it without naming the limit"
    waited = max((moment + INTERVAL for moment in moments), default=now)
    if waited > at:
        at, reason = waited, "the limit is 1 refresh an hour for each segment"
    midnight = _first_instant(at.astimezone(zone).date(), zone)
    if sum(moment >= midnight for moment in moments) >= daily_limit:
        at, reason = (
            next_day(at, zone),
            f"the limit is {daily_limit} refreshes a day for each segment",
        )
    return Slot(candidate, at, reason)


def _within_account(slot: Slot, days: Counter[date], usage: Usage) -> Slot:
    """Move a slot to the next day on which the account has a refresh left."""
    at, reason = slot.at, slot.reason
    if usage.account_closed is not None and usage.account_closed > at:
        at, reason = usage.account_closed, "the account's refreshes for the day are used up"
    while days[at.astimezone(UTC).date()] >= ACCOUNT_DAY:
        at = next_day(at, UTC)
        reason = f"the limit is {ACCOUNT_DAY} refreshes a day for the account"
    return replace(slot, at=at, reason=reason)
