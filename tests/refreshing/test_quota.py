"""The schedule of refreshes: within every limit, important segments first, and no needless wait."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segctl.refreshing.quota import (
    ACCOUNT_DAY,
    INTERVAL,
    SEGMENT_DAY,
    Candidate,
    Usage,
    after_refusal,
    next_day,
    schedule,
)

# Clocks change at 1:00 UTC, at local midnight (Beirut, Santiago), by half an hour, at other dates.
ZONES = [
    "UTC", "Europe/Prague", "America/New_York", "Asia/Beirut", "America/Santiago",
    "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Kiritimati", "Pacific/Apia",
]  # fmt: skip
CHANGES = [
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 3, 8, 7, tzinfo=UTC),
    datetime(2026, 3, 28, 22, tzinfo=UTC),
    datetime(2026, 9, 6, 4, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2011, 12, 30, 10, tzinfo=UTC),
]
NOW = datetime(2026, 7, 15, 16, 4, 33, tzinfo=UTC)
HOUR = timedelta(hours=1)

zones = st.sampled_from(ZONES).map(ZoneInfo)
nows = st.builds(
    lambda change, minutes: change + timedelta(minutes=minutes),
    st.sampled_from(CHANGES),
    st.integers(-2 * 1440, 2 * 1440),
)


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Candidate], Usage, datetime, ZoneInfo]:
    """Return candidates, any usage, a moment near a change of clocks, and a time zone."""
    now = draw(nows)
    candidates = [
        Candidate(
            f"id {number}",
            "",
            draw(st.integers(0, 3)),
            draw(st.none() | st.integers(0, 3)),
        )
        for number in range(draw(st.integers(0, 14)))
    ]
    ago = st.integers(-90, 3 * 1440).map(lambda minutes: now - timedelta(minutes=minutes))
    names = [candidate.key for candidate in candidates] + ["another", "a third"]
    uses = st.dictionaries(
        st.sampled_from(names), st.lists(ago, max_size=4).map(tuple), max_size=16
    )
    ahead = st.integers(-60, 1440).map(lambda minutes: now + timedelta(minutes=minutes))
    closed = st.dictionaries(st.sampled_from(names), ahead, max_size=2)
    past = Usage(draw(uses), draw(closed), draw(st.none() | ahead))
    return candidates, past, now, draw(zones)


def day_of(moment: datetime, zone: ZoneInfo | None = None) -> object:
    return moment.astimezone(zone or UTC).date()


def legal(
    candidate: Candidate, at: datetime, past: Usage, days: Counter[object], zone: ZoneInfo
) -> bool:
    """Return whether a moment is within the three limits and after every recorded refusal."""
    own = past.uses.get(candidate.key, ())
    return (
        all(at - moment >= INTERVAL for moment in own)
        and sum(day_of(moment, zone) == day_of(at, zone) for moment in own) < SEGMENT_DAY
        and days[day_of(at)] < ACCOUNT_DAY
        and at >= past.closed.get(candidate.key, at)
        and at >= (past.account_closed or at)
    )


@given(situations())
def test_each_turn_is_the_earliest_within_every_limit(
    situation: tuple[list[Candidate], Usage, datetime, ZoneInfo],
) -> None:
    candidates, past, now, zone = situation
    turns = schedule(candidates, past, now, zone)
    ranks = [(-turn.candidate.priority, -(turn.candidate.contacts or 0)) for turn in turns]
    assert ranks == sorted(ranks)
    assert {turn.candidate.id for turn in turns} == {candidate.id for candidate in candidates}
    past = past.at(now)
    days = Counter(day_of(moment) for moments in past.uses.values() for moment in moments)
    for turn in sorted(turns, key=lambda turn: turn.at > now):
        assert legal(turn.candidate, turn.at, past, days, zone)
        assert bool(turn.reason) == (turn.at > now)
        before = turn.at - timedelta(microseconds=1)
        while before >= now:
            assert not legal(turn.candidate, before, past, days, zone)
            before -= timedelta(minutes=13)
        if turn.at > now:
            assert not legal(turn.candidate, now, past, days, zone)
        days[day_of(turn.at)] += 1


@given(situations(), st.lists(st.integers(0, 300), max_size=12))
def test_refreshes_at_their_turn_never_exceed_a_limit(
    situation: tuple[list[Candidate], Usage, datetime, ZoneInfo], waits: list[int]
) -> None:
    candidates, past, now, zone = situation
    past = past.at(now)
    for wait in waits:
        now += timedelta(minutes=wait)
        for _ in range(ACCOUNT_DAY + 2):
            due = [turn for turn in schedule(candidates, past, now, zone) if turn.at <= now]
            if not due:
                break
            days = Counter(day_of(moment) for moments in past.uses.values() for moment in moments)
            assert legal(due[0].candidate, now, past, days, zone)
            past = past.with_use(due[0].candidate.key, now)
        else:
            pytest.fail("more refreshes than an account has in a day")


@given(nows, zones)
def test_a_day_ends_where_the_date_changes(moment: datetime, zone: ZoneInfo) -> None:
    end = next_day(moment, zone)
    assert moment < end
    assert day_of(end - timedelta(microseconds=1), zone) == day_of(moment, zone)
    assert day_of(end, zone) != day_of(moment, zone)
    assert moment < after_refusal(moment, zone) <= moment + HOUR


def at(candidate: Candidate, past: Usage | None = None, zone: str = "UTC") -> datetime:
    (turn,) = schedule([candidate], past or Usage(), NOW, ZoneInfo(zone))
    return turn.at


MIDNIGHT = datetime(2026, 7, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("candidate", "zone", "expected"),
    [
        (Candidate("a", "A"), "UTC", NOW),
        (Candidate("a", "A", used=1, daily_limit=2), "UTC", NOW),
        (Candidate("a", "A", used=2, daily_limit=2), "UTC", MIDNIGHT),
        (Candidate("a", "A", used=2, daily_limit=2), "Europe/Prague", MIDNIGHT - 2 * HOUR),
        (Candidate("a", "A", used=1, daily_limit=1), "UTC", MIDNIGHT),
        # A daily limit above the documented one, or below 1, is not believed.
        (Candidate("a", "A", used=2, daily_limit=9), "UTC", MIDNIGHT),
        (Candidate("a", "A", used=1, daily_limit=0), "UTC", NOW),
        (Candidate("a", "A", used=10**9), "UTC", MIDNIGHT),
        (Candidate("a", "A", last=NOW - HOUR / 2), "UTC", NOW + HOUR / 2),
        (Candidate("a", "A", used=1, last=NOW - HOUR), "UTC", NOW),
        (Candidate("a", "A", last=NOW + timedelta(days=900)), "UTC", NOW + HOUR),
    ],
)
def test_usage_that_the_account_reports_counts(
    candidate: Candidate, zone: str, expected: datetime
) -> None:
    assert at(candidate, zone=zone) == expected


def test_a_refresh_that_account_and_log_know_counts_once() -> None:
    known_to_both = Candidate("a", "A", used=1, last=NOW - 3 * HOUR + timedelta(seconds=2))
    assert at(known_to_both, Usage({known_to_both.key: (NOW - 3 * HOUR,)})) == NOW
    # Refreshed by hand in SendGrid, after segctl's own refresh.
    refreshed_by_hand = Candidate("a", "A", last=NOW - HOUR)
    assert at(refreshed_by_hand, Usage({known_to_both.key: (NOW - 3 * HOUR,)})) == MIDNIGHT


def test_refreshes_by_others_count_for_the_account() -> None:
    refreshed = [Candidate(f"{n}", "", 9, used=2, last=NOW - HOUR / 2) for n in range(5)]
    late = schedule([*refreshed, Candidate("new", "")], Usage(), NOW, ZoneInfo("UTC"))[-1]
    assert (late.candidate.id, late.at) == ("new", MIDNIGHT)


def test_a_deferred_segment_does_not_delay_others() -> None:
    first = Candidate("first", "", priority=9)
    second = Candidate("second", "")
    moments = tuple(NOW - timedelta(minutes=n) for n in range(8))
    past = Usage({first.key: (NOW - HOUR / 2,), "others": moments})
    assert [(turn.candidate.id, turn.at) for turn in schedule([second, first], past, NOW, UTC)] == [
        ("first", MIDNIGHT),
        ("second", NOW),
    ]


def test_usage_is_forgotten_after_two_days() -> None:
    past = Usage({"a": (NOW,)}, {"a": NOW + HOUR}, NOW + HOUR)
    assert past.at(NOW + timedelta(days=3)) == Usage()
    assert past.at(NOW) == past
    # A clock that ran ahead wrote this entry.
    assert past.at(NOW - timedelta(days=300)) == Usage()
