"""Manual refresh and its quotas (sendgrid-api.md §2)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from segctl.emulator import AccountPlan, Response, Settings

from .account import V2, Account

PRAGUE = {"user_time_zone": "Europe/Prague"}


def refresh(account: Account, segment_id: str, content: Any = None) -> Response:
    return account.ask("POST", f"{V2}/refresh/{segment_id}", content or PRAGUE)


def test_a_refresh_takes_a_new_sample_and_is_not_an_edit(account: Account) -> None:
    created = account.create("One")
    account.clock.forward(1000)
    reply = refresh(account, created["id"])
    assert reply.status == 202
    assert [*reply.json()] == ["job_id"]
    account.clock.forward(10)
    after = account.get(f"{V2}/{created['id']}")
    assert after["sample_updated_at"] == "2026-07-15T16:21:23Z"
    assert after["updated_at"] == created["updated_at"]
    assert after["refreshes_used"] == 1
    assert after["max_refreshes"] == 2
    assert after["last_refreshed_at"] == "2026-07-15T16:21:13Z"
    (listed,) = account.get(V2)["results"]
    assert listed["refreshes_used"] == 1


def test_a_segment_waits_an_hour_between_refreshes(account: Account) -> None:
    segment = account.create("One")["id"]
    assert refresh(account, segment).status == 202
    account.clock.forward(3599)
    refused = refresh(account, segment)
    assert (refused.status, refused.body) == (429, b"")
    account.clock.forward(1)
    assert refresh(account, segment).status == 202


def test_the_day_of_a_segment_ends_at_midnight_in_the_user_time_zone(account: Account) -> None:
    segment = account.create("One")["id"]
    for _ in range(2):
        assert refresh(account, segment).status == 202
        account.clock.forward(3600)
    assert refresh(account, segment).status == 429
    account.clock.moment = datetime(2026, 7, 15, 21, 59, 59, tzinfo=UTC)
    assert refresh(account, segment).status == 429
    account.clock.forward(1)
    assert account.get(f"{V2}/{segment}")["refreshes_used"] == 0
    assert refresh(account, segment, {"user_time_zone": "UTC"}).status == 429
    assert refresh(account, segment).status == 202


def test_the_day_of_the_account_ends_at_midnight_in_utc(account: Account) -> None:
    segments = [account.create(f"Segment {number}")["id"] for number in range(11)]
    assert [refresh(account, segment).status for segment in segments] == [202] * 10 + [429]
    account.clock.moment = datetime(2026, 7, 15, 23, 59, 59, tzinfo=UTC)
    assert refresh(account, segments[10]).status == 429
    account.clock.forward(1)
    assert refresh(account, segments[10]).status == 202


def test_a_free_plan_cannot_refresh() -> None:
    with Account(Settings(plan=AccountPlan.FREE)) as account:
        reply = refresh(account, account.create("One")["id"])
        assert (reply.status, reply.body) == (403, b"")


def test_an_unknown_or_v1_segment_cannot_be_refreshed(account: Account) -> None:
    v1_id = account.emulator.console.seed_v1("Old", "email LIKE '%'")
    for segment_id in (v1_id, "11111111-2222-4333-8444-555555555555"):
        reply = refresh(account, segment_id)
        assert (reply.status, reply.json()) == (404, {"error": "Segment does not exist."})


@pytest.mark.parametrize("zone", [None, "", 7, "Mars/Olympus", "../etc/passwd", "Europe", "a\0b"])
def test_the_time_zone_must_be_an_iana_name(account: Account, zone: object) -> None:
    segment = account.create("One")["id"]
    reply = refresh(account, segment, {"user_time_zone": zone})
    assert (reply.status, [*reply.json()]) == (400, ["error"])
    assert refresh(account, segment).status == 202
