"""The result of a refresh for each response, and the share of each segment in the daily limits."""

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


def requested_ids(script: Script) -> list[str]:
    return [request.target.rsplit("/", 1)[1] for request in script.seen if request.method == "POST"]


@contextmanager
def run(*answers: Served) -> Iterator[tuple[Writer, Script, UsageLog, FakeClock]]:
    clock = FakeClock()
    with scripted(*answers, clock=clock) as (transport, script):
        yield Writer(transport), script, UsageLog(None, "d", clock), clock


def refreshed(served: Served) -> Refresh:
    with run(served) as (account, script, record, clock):
        (result,) = refresh_segments(account, [Candidate("abc", "VIP")], record, ZONE)
    # Never sent twice: each request may use one of the two refreshes a day.
    assert requested_ids(script) == ["abc"]
    # Only a lost response is worth a wait, to check whether the refresh started.
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
            "NAME` after that time",
        ),
        (
            FULL,
            RefreshStatus.DEFERRED,
            "18:06 Europe/Prague: the account's rate limit",
            "NAME` after that time",
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
def test_each_response_becomes_a_result_with_a_reason(
    served: Served, status: RefreshStatus, words: str, hint: str
) -> None:
    result = refreshed(served)
    assert (result.name, result.id, result.status) == ("VIP", "abc", status)
    assert words in result.message
    assert bool(words) == bool(result.message)
    assert hint in result.hint
    assert bool(hint) == bool(result.hint)


def test_an_unreachable_account_is_a_failure() -> None:
    clock = FakeClock()
    with Transport("http://127.0.0.1:9", Secret(KEY), clock, direct=True) as transport:
        record = UsageLog(None, "d", clock)
        candidates = [Candidate("abc", "VIP")]
        (result,) = refresh_segments(Writer(transport), candidates, record, ZONE)
    assert result.status is RefreshStatus.FAILED
    assert "no connection to 127.0.0.1" in result.message
    # The request was never sent, so the refresh cannot have started.
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
def test_the_emulated_account_gives_the_same_results(
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
            # With a new usage log, only the account can refuse.
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
def test_a_refresh_without_a_response_is_looked_up_and_never_sent_again(
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
        # Nothing can show that a refresh did not start, so its turn stays used.
        assert ("may have started" in result.hint) == (status is RefreshStatus.FAILED)
        assert [entry.method for entry in emulator.log].count("POST") == 1


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({"used": 1}, {"refreshes_used": 2}, "although no response"),
        ({"used": 1}, {"refreshes_used": 1}, ""),
        # The earlier count is unknown, and this refresh was hours ago.
        ({}, {"refreshes_used": 1, "last_refreshed_at": "2026-07-15T09:00:00Z"}, ""),
        ({}, {"last_refreshed_at": "2026-07-15T16:04:40Z"}, "although no response"),
        ({}, {"sample_updated_at": "2026-07-15T16:04:40Z"}, "counted since"),
        ({}, {"sample_updated_at": "2026-07-15T16:04:30Z"}, ""),
        ({}, {"sample_updated_at": None}, ""),
    ],
)
def test_a_lost_refresh_started_if_the_segment_shows_it(
    before: dict[str, Any], after: dict[str, Any], words: str
) -> None:
    no_response, current = answer(504), answer(200, segment_json(id="abc", **after))
    with run(no_response, current) as (account, script, record, clock):
        (result,) = refresh_segments(account, [Candidate("abc", "VIP", **before)], record, ZONE)
    assert (result.status is RefreshStatus.ACCEPTED) == bool(words)
    assert words in result.message
    assert [request.method for request in script.seen] == ["POST", *["GET"] * (1 if words else 2)]
    assert sum(clock.slept) <= 5


def test_the_lookup_of_a_lost_refresh_ends_when_stopped() -> None:
    with run(answer(504), answer(200, segment_json(id="abc"))) as (account, script, record, clock):
        candidates = [Candidate("abc", "VIP")]
        stops = iter([False] * 3)
        (result,) = refresh_segments(account, candidates, record, ZONE, lambda: next(stops, True))
    assert result.status is RefreshStatus.FAILED
    assert [request.method for request in script.seen] == ["POST", "GET"]
    assert sum(clock.slept) < 1


def test_the_most_important_are_refreshed_and_the_others_deferred() -> None:
    all_candidates = [
        *candidates(12),
        Candidate("big", "Big", contacts=9),
        Candidate("first", "First", priority=100),
    ]
    with run(ACCEPTED) as (account, script, record, _):
        results = list(refresh_segments(account, all_candidates, record, ZONE))
        assert requested_ids(script)[:3] == ["first", "big", "id-00"]
        assert len(script.seen) == 10
        late = results[10:]
        assert {result.status for result in results[:10]} == {RefreshStatus.ACCEPTED}
        assert [(result.name, result.status, result.until) for result in late] == [
            (f"S{n:02}", RefreshStatus.DEFERRED, "2026-07-16T00:00:00Z") for n in range(8, 12)
        ]
        assert late[0].message == (
            "not before 2026-07-16 02:00 Europe/Prague: "
            "the limit is 10 refreshes a day for the account"
        )


def test_an_unused_turn_goes_to_another_segment() -> None:
    with run(answer(404), answer(400, {"error": "no"}), ACCEPTED) as (account, script, record, _):
        results = list(refresh_segments(account, candidates(13), record, ZONE))
    assert len(script.seen) == 12
    assert [result.status for result in results] == [
        RefreshStatus.NOT_FOUND,
        RefreshStatus.FAILED,
        *[RefreshStatus.ACCEPTED] * 10,
        RefreshStatus.DEFERRED,
    ]


def test_an_unclear_response_counts_as_used() -> None:
    with run(answer(502, {"message": "Internal server error"})) as (account, script, record, clock):
        (first,) = refresh_segments(account, candidates(1), record, ZONE)
        (again,) = refresh_segments(account, candidates(1), record, ZONE)
        assert (first.status, again.status) == (RefreshStatus.FAILED, RefreshStatus.DEFERRED)
        assert requested_ids(script) == ["id-00"]
        clock.sleep(3600)
        list(refresh_segments(account, candidates(1), record, ZONE))
    assert requested_ids(script) == ["id-00", "id-00"]


def test_one_refusal_closes_the_segment_and_two_close_the_account() -> None:
    with run(QUOTA, ACCEPTED, QUOTA, QUOTA, ACCEPTED) as (account, script, record, _):
        results = list(refresh_segments(account, candidates(6), record, ZONE))
        # Nothing is requested after the second refusal in a row, now or in a later run.
        assert len(script.seen) == 4
        assert [(result.name, result.until) for result in results] == [
            ("S01", None),
            *[(f"S{n:02}", "2026-07-16T00:00:00Z") for n in (0, 2, 3, 4, 5)],
        ]
        (late,) = refresh_segments(account, [Candidate("other", "O")], record, ZONE)
        assert "the account's refreshes for the day are used up" in late.message
        assert len(script.seen) == 4
        (forced,) = refresh_segments(account, [Candidate("other", "O")], record, ZONE, force=True)
    assert forced.status is RefreshStatus.ACCEPTED


def test_the_refusal_of_a_new_segment_closes_the_account() -> None:
    with run(QUOTA) as (account, script, record, _):
        results = list(refresh_segments(account, candidates(3, is_new=True), record, ZONE))
    assert len(script.seen) == 1
    assert {result.until for result in results} == {"2026-07-16T00:00:00Z"}


def test_an_account_plan_without_refresh_gets_one_request() -> None:
    with run(answer(403)) as (account, script, record, _):
        results = list(refresh_segments(account, candidates(20), record, ZONE))
    assert len(script.seen) == 1
    assert [result.name for result in results] == [f"S{n:02}" for n in range(20)]
    assert {result.status for result in results} == {RefreshStatus.FORBIDDEN}


def test_nothing_more_is_sent_once_stopped() -> None:
    with run(ACCEPTED) as (account, script, record, _):
        all_candidates = candidates(20)
        results = list(
            refresh_segments(account, all_candidates, record, ZONE, lambda: len(script.seen) >= 3)
        )
    assert len(script.seen) == 3
    assert len({result.id for result in results}) == len(results) == len(all_candidates)
    statuses = [result.status for result in results]
    assert statuses.count(RefreshStatus.ACCEPTED) == 3
    assert statuses.count(RefreshStatus.SKIPPED) == 17
    assert "interrupted" in results[-1].message


def test_nothing_is_read_once_stopped() -> None:
    with run(ACCEPTED) as (account, script, record, _):
        changed = [ChangedSegment(f"id-{n}", "") for n in range(3)]
        results = list(refresh_changed(account, changed, record, ZONE, lambda: True))
    assert script.seen == []
    assert [result.id for result in results] == [segment.id for segment in changed]
    assert {result.status for result in results} == {RefreshStatus.SKIPPED}


def test_only_valid_changed_segments_are_refreshed() -> None:
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
    changed = [ChangedSegment(key, "") for key in [*segments, "gone", "lost"]]
    with Transport("https://x.test", Secret(KEY), clock, mount=serve) as transport:
        record = UsageLog(None, "d", clock)
        results = list(refresh_changed(Writer(transport), changed, record, ZONE, lambda: False))
    assert posted == [next(iter(segments))]
    statuses = [result.status for result in results]
    assert {status: statuses.count(status) for status in statuses} == {
        RefreshStatus.SKIPPED: 3,
        RefreshStatus.NOT_FOUND: 1,
        RefreshStatus.FAILED: 1,
        RefreshStatus.ACCEPTED: 1,
    }


def test_refreshes_that_only_the_account_knows_count() -> None:
    segment = segment_json(
        1,
        status={"query_validation": "VALID"},
        refreshes_used=1,
        max_refreshes=2,
        last_refreshed_at="2026-07-15T15:30:00Z",
    )
    with run(answer(200, segment)) as (account, script, record, _):
        changed = [ChangedSegment(segment["id"], "One")]
        (late,) = refresh_changed(account, changed, record, ZONE, lambda: False)
    assert [request.method for request in script.seen] == ["GET"]
    assert late.until == "2026-07-15T16:30:00Z"
    assert late.message == (
        "not before 2026-07-15 18:30 Europe/Prague: the limit is 1 refresh an hour for each segment"
    )


def test_two_processes_share_the_daily_limit(connected: Project, remote: Remote) -> None:
    names = [f"S{n:02}" for n in range(16)]
    for name in names:
        remote.emulator.console.create(name, query("total_spend > 500"))
    argv = ("-C", str(connected.root), "refresh")
    with (
        running_segctl(*argv, *names[::2], **connected.env) as first,
        running_segctl(*argv, *names[1::2], **connected.env) as second,
    ):
        output = first.finish()[1] + second.finish()[1]
    assert (output.count("  refreshing "), output.count("  deferred ")) == (10, 6)
    # Neither process requested a refresh that the other had claimed.
    assert sum("/refresh/" in entry.target for entry in remote.emulator.log) == 10
