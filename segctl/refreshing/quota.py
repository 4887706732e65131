"""Who may be refreshed now, and who has to wait until when. Pure: the hour is handed in.

Owns the three limits of manual refresh (sendgrid-api.md §2) and the order in which segments get
their turn. It knows of earlier refreshes what it is told; whoever else refreshes by hand in
SendGrid is known only as far as the account's answers show it.

A segment that can go now is never kept back for one that is more important and cannot: nothing
happens by itself later, so a turn that is saved may be a turn that is lost.
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
    """A segment that somebody wants refreshed, and what the account says of its refreshes.

    `used` counts those since midnight, `most` is what the account allows in a day, `last` is when
    the latest was; `None` where the account does not say. `is_new`: it was made a moment ago, so
    nobody else can have refreshed it.
    """

    id: str
    name: str
    priority: int = 0
    contacts: int | None = None
    used: int | None = None
    most: int | None = None
    last: datetime | None = None
    is_new: bool = False

    @property
    def key(self) -> str:
        """Name it in a record, where the server's own text has no place: 32 hex digits."""
        return hashlib.sha256(self.id.encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of earlier refreshes, by the `Candidate.key` of the segments.

    `uses` has the moments of each segment's; `closed` until when a segment need not be asked for,
    since the account refused it; `account_closed` the same for all of them.
    """

    uses: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    closed: Mapping[str, datetime] = field(default_factory=dict)
    account_closed: datetime | None = None

    def with_use(self, key: str, moment: datetime) -> Past:
        """Count one more."""
        return replace(self, uses={**self.uses, key: (*self.uses.get(key, ()), moment)})

    def without_use(self, key: str, moment: datetime) -> Past:
        """Count one less: it turned out not to be."""
        moments = list(self.uses.get(key, ()))
        if moment in moments:
            moments.remove(moment)
        return replace(self, uses={**self.uses, key: tuple(moments)})

    def with_closed(self, key: str, until: datetime) -> Past:
        """Do not ask for this segment before."""
        return replace(self, closed={**self.closed, key: until})

    def with_account_closed(self, until: datetime) -> Past:
        """Ask for nothing before."""
        return replace(self, account_closed=until)

    def at(self, now: datetime) -> Past:
        """Give what of it still counts.

        A moment that has not come yet was written by a clock that was ahead: by a little, it is
        taken for this very moment; by more, it is not believed.
        """
        early, late = now - MEMORY, now + INTERVAL
        uses = {
            key: tuple(sorted(min(at, now) for at in moments if early <= at <= late))
            for key, moments in self.uses.items()
        }
        closed = {key: until for key, until in self.closed.items() if now < until <= now + MEMORY}
        account = self.account_closed
        return Past(
            {key: moments for key, moments in uses.items() if moments},
            closed,
            account if account is not None and now < account <= now + MEMORY else None,
        )


@dataclass(frozen=True, slots=True)
class Turn:
    """When a segment can be refreshed: at once where `at` is the present moment.

    `reason` says what it has to wait for, and is empty where it need not.
    """

    candidate: Candidate
    at: datetime
    reason: str = ""


def turns(
    candidates: Iterable[Candidate], past: Past, now: datetime, zone: tzinfo
) -> tuple[Turn, ...]:
    """Give each segment its turn, the most important first.

    Every turn is the earliest that breaks no limit, given the turns that come before it: those of
    all segments that can go now, then those of the more important ones that cannot. `zone` is the
    one whose midnight begins a segment's day.
    """
    past = past.at(now)
    ranked = sorted({one.id: one for one in candidates}.values(), key=_rank)
    known = {one.key: _uses(one, past, now, zone) for one in ranked}
    others = (moments for key, moments in past.uses.items() if key not in known)
    days = Counter(
        moment.astimezone(UTC).date() for some in (*known.values(), *others) for moment in some
    )
    own = [_own_turn(one, known[one.key], past, now, zone) for one in ranked]
    found: dict[str, Turn] = {}

    def give(turn: Turn) -> None:
        days[turn.at.astimezone(UTC).date()] += 1
        found[turn.candidate.id] = turn

    for turn in own:
        given = _within_account(turn, days, past)
        if given.at <= now:
            give(given)
    for turn in own:
        if turn.candidate.id not in found:
            give(_within_account(turn, days, past))
    return tuple(found[one.id] for one in ranked)


def after_refusal(now: datetime, zone: tzinfo) -> datetime:
    """Give the earliest moment at which a segment may go that was refused against expectation.

    Which of the three limits it met nobody says: the first to end is assumed.
    """
    return min(now + INTERVAL, next_day(now, zone), next_day(now, UTC))


def next_day(moment: datetime, zone: tzinfo) -> datetime:
    """Give the first instant, in UTC, of the day after this one in a time zone."""
    return _first_instant(moment.astimezone(zone).date() + timedelta(days=1), zone)


def _rank(one: Candidate) -> tuple[int, int]:
    return -one.priority, -(one.contacts or 0)


def _first_instant(day: date, zone: tzinfo) -> datetime:
    # Where clocks are put forward at midnight, 00:00 reckoned by the old offset is that moment.
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _uses(one: Candidate, past: Past, now: datetime, zone: tzinfo) -> tuple[datetime, ...]:
    """Put together what the record and the account know of a segment's refreshes.

    Two of a segment lie an hour apart, so one nearer to a recorded one is the same. Those that
    the account merely counts are taken to have been at midnight: later they would bind longer, and
    that is not known.
    """
    moments = list(past.uses.get(one.key, ()))
    if one.last is not None and one.last > now - MEMORY:
        last = min(one.last, now)
        if all(abs(last - moment) >= INTERVAL for moment in moments):
            moments.append(last)
    midnight = _first_instant(now.astimezone(zone).date(), zone)
    missing = (one.used or 0) - sum(moment >= midnight for moment in moments)
    return (*moments, *([midnight] * min(missing, SEGMENT_DAY)))


def _own_turn(
    one: Candidate, moments: Sequence[datetime], past: Past, now: datetime, zone: tzinfo
) -> Turn:
    """Give the earliest moment that the segment's own limits and refusals allow."""
    most = min(one.most, SEGMENT_DAY) if one.most else SEGMENT_DAY
    at, reason = now, ""
    closed = past.closed.get(one.key)
    if closed is not None:
        at, reason = closed, "SendGrid refused it, and does not say which limit it met"
    waited = max((moment + INTERVAL for moment in moments), default=now)
    if waited > at:
        at, reason = waited, "a segment has 1 refresh in an hour"
    midnight = _first_instant(at.astimezone(zone).date(), zone)
    if sum(moment >= midnight for moment in moments) >= most:
        at, reason = next_day(at, zone), f"a segment has no more than {most} in a day"
    return Turn(one, at, reason)


def _within_account(turn: Turn, days: Counter[date], past: Past) -> Turn:
    """Move a turn to the next day of the account that has one left."""
    at, reason = turn.at, turn.reason
    if past.account_closed is not None and past.account_closed > at:
        at, reason = past.account_closed, "the account's refreshes of the day are used up"
    while days[at.astimezone(UTC).date()] >= ACCOUNT_DAY:
        at = next_day(at, UTC)
        reason = f"an account has {ACCOUNT_DAY} refreshes in a day"
    return replace(turn, at=at, reason=reason)
