"""What each answer to a refresh means to the person who asked for it."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from segctl.common.secrets import Secret
from segctl.emulator import AccountPlan, Emulator, Settings, seed, serve
from segctl.model.report import Refresh, RefreshStatus
from segctl.refreshing.quota import Candidate
from segctl.refreshing.refresher import ChangedSegment, refresh_changed, refresh_segments
from segctl.refreshing.usage_log import UsageLog
from segctl.sendgrid.api import Writer
from segctl.sendgrid.transport import Transport
from tests.sendgrid.support import Script, Served, answer, emulated, scripted, segment_json
from tests.support.account import KEY, Remote
from tests.support.builders import query
from tests.support.clock import FakeClock
from tests.support.process import running_segctl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.project import Project

ZONE = "Europe/Prague"
QUOTA = answer(429)
FULL = answer(429, {"errors": [{"field": None, "message": "too many requests"}]})
ACCEPTED = answer(202, {"job_id": "j"})


def candidates(number: int, **fields: Any) -> list[Candidate]:
    return [Candidate(f"id-{n:02}", f"S{n:02}", **fields) for n in range(number)]


def asked(script: Script) -> list[str]:
    return [seen.target.rsplit("/", 1)[1] for seen in script.seen if seen.method == "POST"]


@contextmanager
def run(*answers: Served) -> Iterator[tuple[Writer, Script, UsageLog, FakeClock]]:
    clock = FakeClock()
    with scripted(*answers, clock=clock) as (transport, script):
        yield Writer(transport), script, UsageLog(None, "d", clock), clock


def refreshed(served: Served) -> Refresh:
    with run(served) as (account, script, record, clock):
        (result,) = refresh_segments(account, [Candidate("abc", "VIP")], record, ZONE)
    # Never twice: each may cost one of two a day.
    assert asked(script) == ["abc"]
    # Only a lost answer is worth a wait, to look whether it had begun.
    assert bool(clock.slept) == ("may have started" in result.hint)
    return result


@pytest.mark.parametrize(
    ("served", "status", "words", "hint"),
    [
        (answer(202, {"job_id": "j"}), RefreshStatus.ACCEPTED, "", ""),
        (answer(202), RefreshStatus.ACCEPTED, "", ""),
        (
            answer(403),
            RefreshStatus.FORBIDDEN,
            "plan does not include manual refresh",
            "Basic or Advanced",
        ),
        (
            answer(403, {"errors": [{"field": None, "message": "access forbidden"}]}),
            RefreshStatus.FORBIDDEN,
            "the API key lacks the permission for this: access forbidden",
            "full access",
        ),
        (
            answer(404, {"error": "Segment does not exist."}),
            RefreshStatus.NOT_FOUND,
            "no longer exists",
            "segctl plan",
        ),
        (answer(404), RefreshStatus.NOT_FOUND, "no longer exists", "segctl plan"),
        (QUOTA, RefreshStatus.DEFERRED, f"not before 2026-07-15 19:05 {ZONE}", "counts on its own"),
        (
            answer(429, X_RateLimit_Limit="600", X_RateLimit_Remaining="40", X_RateLimit_Reset="9"),
            RefreshStatus.DEFERRED,
            f"not before 2026-07-15 19:05 {ZONE}",
            "counts on its own",
        ),
        (
            answer(429, X_RateLimit_Limit="600", X_RateLimit_Remaining="0", X_RateLimit_Reset="90"),
            RefreshStatus.DEFERRED,
            "18:07 Europe/Prague: the account's rate limit was reached",
            "NAME` then",
        ),
        (
            FULL,
            RefreshStatus.DEFERRED,
            "18:06 Europe/Prague: the account's rate limit",
            "NAME` then",
        ),
        (
            answer(500, {"error": "boom"}),
            RefreshStatus.FAILED,
            "SendGrid failed (500): boom",
            "may have started",
        ),
        (answer(401), RefreshStatus.FAILED, "the API key is not accepted", "check the key"),
        (
            answer(400, {"error": "zone"}),
            RefreshStatus.FAILED,
            "rejects the request (400): zone",
            "",
        ),
        (answer(200, b"<html>"), RefreshStatus.FAILED, "not JSON", "may have started"),
    ],
)
def test_each_answer_says_what_it_means(
    served: Served, status: RefreshStatus, words: str, hint: str
) -> None:
    result = refreshed(served)
    assert (result.name, result.id, result.status) == ("VIP", "abc", status)
    assert words in result.message
    assert bool(words) == bool(result.message)
    assert hint in result.hint
    assert bool(hint) == bool(result.hint)


def test_an_account_out_of_reach_is_a_failure() -> None:
    clock = FakeClock()
    with Transport("http://127.0.0.1:9", Secret(KEY), clock, direct=True) as transport:
        record = UsageLog(None, "d", clock)
        one = [Candidate("abc", "VIP")]
        (result,) = refresh_segments(Writer(transport), one, record, ZONE)
    assert result.status is RefreshStatus.FAILED
    assert "no connection to 127.0.0.1" in result.message
    # It was never sent, so it cannot have begun.
    assert "SEGCTL_BASE_URL" in result.hint
    assert not record.update(lambda past, _: past).uses


@pytest.mark.parametrize(
    ("settings", "times", "status"),
    [
        ({}, 1, RefreshStatus.ACCEPTED),
        ({}, 2, RefreshStatus.DEFERRED),
        ({"plan": AccountPlan.FREE}, 1, RefreshStatus.FORBIDDEN),
    ],
)
def test_the_emulated_account_agrees(
    settings: dict[str, Any], times: int, status: RefreshStatus
) -> None:
    clock = FakeClock()
    with (
        Emulator(None, dataclasses.replace(Settings(), **settings), now=clock.now) as emulator,
        Transport("https://x.test", Secret(KEY), clock, mount=emulated(emulator)) as transport,
    ):
        emulator.seed()
        account = Writer(transport)
        readers = [Candidate(seed.NEWSLETTER_READERS_ID, "R")]
        for _ in range(times):
            # Without what an earlier run knew, it is the account that says no.
            record = UsageLog(None, "d", clock)
            (result,) = refresh_segments(account, readers, record, ZONE)
        (gone,) = refresh_segments(account, [Candidate("no-such-id", "R")], record, ZONE)
    assert result.status is status
    if status is not RefreshStatus.FORBIDDEN:
        assert gone.status is RefreshStatus.NOT_FOUND


@pytest.mark.parametrize(
    ("fault", "status", "message"),
    [
        (
            "drop after",
            RefreshStatus.ACCEPTED,
            "the refresh started although no response was received",
        ),
        (
            "500 after",
            RefreshStatus.ACCEPTED,
            "the refresh started although no response was received",
        ),
        (
            "truncated",
            RefreshStatus.ACCEPTED,
            "the refresh started although no response was received",
        ),
        ("drop", RefreshStatus.FAILED, "broke"),
        ("500", RefreshStatus.FAILED, "SendGrid failed (500)"),
    ],
)
def test_a_refresh_without_an_answer_is_looked_up_and_never_sent_again(
    fault: str, status: RefreshStatus, message: str
) -> None:
    clock = FakeClock()
    with (
        Emulator(None, Settings(), now=clock.now) as emulator,
        serve(emulator) as server,
        Transport(server.url, Secret(KEY), clock, direct=True) as transport,
    ):
        emulator.seed()
        emulator.faults.add(f"POST * {fault}")
        account, record = Writer(transport), UsageLog(None, "d", clock)
        readers = [Candidate(seed.NEWSLETTER_READERS_ID, "R")]
        (result,) = refresh_segments(account, readers, record, ZONE)
        assert (result.status, len(record.update(lambda past, _: past).uses)) == (status, 1)
        assert message in result.message
        # Nothing shows that it was not begun, only that it was: its turn stays used.
        assert ("may have started" in result.hint) == (status is RefreshStatus.FAILED)
        assert [one.method for one in emulator.log].count("POST") == 1


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({"used": 1}, {"refreshes_used": 2}, "although no response"),
        ({"used": 1}, {"refreshes_used": 1}, ""),
        # The list does not say how many there were, and this one may be of the morning.
        ({}, {"refreshes_used": 1, "last_refreshed_at": "2026-07-15T09:00:00Z"}, ""),
        ({}, {"last_refreshed_at": "2026-07-15T16:04:40Z"}, "although no response"),
        ({}, {"sample_updated_at": "2026-07-15T16:04:40Z"}, "counted since"),
        ({}, {"sample_updated_at": "2026-07-15T16:04:30Z"}, ""),
        ({}, {"sample_updated_at": None}, ""),
    ],
)
def test_what_shows_that_a_refresh_was_begun(
    before: dict[str, Any], after: dict[str, Any], words: str
) -> None:
    lost, now = answer(504), answer(200, segment_json(id="abc", **after))
    with run(lost, now) as (account, script, record, clock):
        (result,) = refresh_segments(account, [Candidate("abc", "VIP", **before)], record, ZONE)
    assert (result.status is RefreshStatus.ACCEPTED) == bool(words)
    assert words in result.message
    assert [seen.method for seen in script.seen] == ["POST", *["GET"] * (1 if words else 2)]
    assert sum(clock.slept) <= 5


def test_a_look_for_a_lost_refresh_ends_when_it_is_stopped() -> None:
    with run(answer(504), answer(200, segment_json(id="abc"))) as (account, script, record, clock):
        one = [Candidate("abc", "VIP")]
        stops = iter([False] * 3)
        (result,) = refresh_segments(account, one, record, ZONE, lambda: next(stops, True))
    assert result.status is RefreshStatus.FAILED
    assert [seen.method for seen in script.seen] == ["POST", "GET"]
    assert sum(clock.slept) < 1


def test_the_most_important_go_and_the_others_are_told_when() -> None:
    some = [
        *candidates(12),
        Candidate("big", "Big", contacts=9),
        Candidate("first", "First", priority=100),
    ]
    with run(ACCEPTED) as (account, script, record, _):
        results = list(refresh_segments(account, some, record, ZONE))
        assert asked(script)[:3] == ["first", "big", "id-00"]
        assert len(script.seen) == 10
        late = results[10:]
        assert {one.status for one in results[:10]} == {RefreshStatus.ACCEPTED}
        assert [(one.name, one.status, one.until) for one in late] == [
            (f"S{n:02}", RefreshStatus.DEFERRED, "2026-07-16T00:00:00Z") for n in range(8, 12)
        ]
        assert late[0].message == (
            "not before 2026-07-16 02:00 Europe/Prague: "
            "the limit is 10 refreshes a day for the account"
        )


def test_a_turn_that_was_not_used_goes_to_another() -> None:
    with run(answer(404), answer(400, {"error": "no"}), ACCEPTED) as (account, script, record, _):
        results = list(refresh_segments(account, candidates(13), record, ZONE))
    assert len(script.seen) == 12
    assert [one.status for one in results] == [
        RefreshStatus.NOT_FOUND,
        RefreshStatus.FAILED,
        *[RefreshStatus.ACCEPTED] * 10,
        RefreshStatus.DEFERRED,
    ]


def test_an_unclear_answer_counts_as_used() -> None:
    with run(answer(502, {"message": "Internal server error"})) as (account, script, record, clock):
        (first,) = refresh_segments(account, candidates(1), record, ZONE)
        (again,) = refresh_segments(account, candidates(1), record, ZONE)
        assert (first.status, again.status) == (RefreshStatus.FAILED, RefreshStatus.DEFERRED)
        assert asked(script) == ["id-00"]
        clock.sleep(3600)
        list(refresh_segments(account, candidates(1), record, ZONE))
    assert asked(script) == ["id-00", "id-00"]


def test_one_refusal_is_the_segments_and_two_are_the_accounts() -> None:
    with run(QUOTA, ACCEPTED, QUOTA, QUOTA, ACCEPTED) as (account, script, record, _):
        results = list(refresh_segments(account, candidates(6), record, ZONE))
        # Nothing is asked after the second refusal in a row, now or in a later run.
        assert len(script.seen) == 4
        assert [(one.name, one.until) for one in results] == [
            ("S01", None),
            *[(f"S{n:02}", "2026-07-16T00:00:00Z") for n in (0, 2, 3, 4, 5)],
        ]
        (late,) = refresh_segments(account, [Candidate("other", "O")], record, ZONE)
        assert "the account's refreshes for the day are used up" in late.message
        assert len(script.seen) == 4
        (forced,) = refresh_segments(account, [Candidate("other", "O")], record, ZONE, force=True)
    assert forced.status is RefreshStatus.ACCEPTED


def test_a_new_segment_that_is_refused_tells_of_the_account() -> None:
    with run(QUOTA) as (account, script, record, _):
        results = list(refresh_segments(account, candidates(3, is_new=True), record, ZONE))
    assert len(script.seen) == 1
    assert {one.until for one in results} == {"2026-07-16T00:00:00Z"}


def test_a_plan_without_refresh_is_asked_once() -> None:
    with run(answer(403)) as (account, script, record, _):
        results = list(refresh_segments(account, candidates(20), record, ZONE))
    assert len(script.seen) == 1
    assert [one.name for one in results] == [f"S{n:02}" for n in range(20)]
    assert {one.status for one in results} == {RefreshStatus.FORBIDDEN}


def test_once_stopped_nothing_more_is_sent() -> None:
    with run(ACCEPTED) as (account, script, record, _):
        some = candidates(20)
        results = list(refresh_segments(account, some, record, ZONE, lambda: len(script.seen) >= 3))
    assert len(script.seen) == 3
    assert len({one.id for one in results}) == len(results) == len(some)
    statuses = [one.status for one in results]
    assert statuses.count(RefreshStatus.ACCEPTED) == 3
    assert statuses.count(RefreshStatus.SKIPPED) == 17
    assert "interrupted" in results[-1].message


def test_once_stopped_nothing_is_read_either() -> None:
    with run(ACCEPTED) as (account, script, record, _):
        wanted = [ChangedSegment(f"id-{n}", "") for n in range(3)]
        results = list(refresh_changed(account, wanted, record, ZONE, lambda: True))
    assert script.seen == []
    assert [one.id for one in results] == [one.id for one in wanted]
    assert {one.status for one in results} == {RefreshStatus.SKIPPED}


def test_of_what_changed_only_the_valid_are_refreshed() -> None:
    states = ["VALID", "PENDING", "INVALID", None]
    segments = {
        segment["id"]: segment
        for n, state in enumerate(states)
        for segment in [segment_json(n, status={"query_validation": state}, contacts_count=n)]
    }
    posted: list[str] = []

    def serve(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Served:
        del headers, body
        segment_id = target.partition("?")[0].rsplit("/", 1)[1]
        if method == "POST":
            posted.append(segment_id)
            return ACCEPTED
        if segment_id == "lost":
            return answer(400, {"error": "no"})
        assert target.endswith("?contacts_sample=false")
        return answer(200, segments[segment_id]) if segment_id in segments else answer(404)

    clock = FakeClock()
    wanted = [ChangedSegment(key, "") for key in [*segments, "gone", "lost"]]
    with Transport("https://x.test", Secret(KEY), clock, mount=serve) as transport:
        record = UsageLog(None, "d", clock)
        results = list(refresh_changed(Writer(transport), wanted, record, ZONE, lambda: False))
    assert posted == [next(iter(segments))]
    statuses = [one.status for one in results]
    assert {status: statuses.count(status) for status in statuses} == {
        RefreshStatus.SKIPPED: 3,
        RefreshStatus.NOT_FOUND: 1,
        RefreshStatus.FAILED: 1,
        RefreshStatus.ACCEPTED: 1,
    }


def test_the_account_knows_of_refreshes_that_the_record_does_not() -> None:
    one = segment_json(
        1,
        status={"query_validation": "VALID"},
        refreshes_used=1,
        max_refreshes=2,
        last_refreshed_at="2026-07-15T15:30:00Z",
    )
    with run(answer(200, one)) as (account, script, record, _):
        wanted = [ChangedSegment(one["id"], "One")]
        (late,) = refresh_changed(account, wanted, record, ZONE, lambda: False)
    assert [seen.method for seen in script.seen] == ["GET"]
    assert late.until == "2026-07-15T16:30:00Z"
    assert late.message == (
        "not before 2026-07-15 18:30 Europe/Prague: the limit is 1 refresh an hour for each segment"
    )


def test_two_processes_share_the_budget(connected: Project, remote: Remote) -> None:
    names = [f"S{n:02}" for n in range(16)]
    for name in names:
        remote.emulator.console.create(name, query("total_spend > 500"))
    argv = ("-C", str(connected.root), "refresh")
    with (
        running_segctl(*argv, *names[::2], **connected.env) as first,
        running_segctl(*argv, *names[1::2], **connected.env) as second,
    ):
        said = first.finish()[1] + second.finish()[1]
    assert (said.count("  refreshing "), said.count("  deferred ")) == (10, 6)
    # Neither asked for what the other had taken.
    assert sum("/refresh/" in entry.target for entry in remote.emulator.log) == 10
