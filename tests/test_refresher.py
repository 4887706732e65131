"""What each answer to a refresh means to the person who asked for it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from segctl.emulator import AccountPlan, Emulator, Settings, world
from segctl.refresher import refresh
from segctl.report import Refresh, RefreshStatus
from segctl.secrets import Secret
from segctl.sendgrid.api import Writer
from segctl.sendgrid.transport import Transport

from .sendgrid.support import KEY, FakeClock, Served, answer, emulated, scripted

ZONE = "Europe/Prague"


def refreshed(served: Served) -> Refresh:
    clock = FakeClock()
    with scripted(served, clock=clock) as (transport, script):
        result = refresh(Writer(transport), "VIP", "abc", ZONE)
    # Never twice: each may cost one of two a day.
    assert (len(script.seen), clock.slept) == (1, [])
    return result


@pytest.mark.parametrize(
    ("served", "status", "words", "hint"),
    [
        (answer(202, {"job_id": "j"}), RefreshStatus.ACCEPTED, "", ""),
        (answer(202), RefreshStatus.ACCEPTED, "", ""),
        (answer(403), RefreshStatus.FORBIDDEN, "plan has no manual refresh", "Basic and Advanced"),
        (
            answer(403, {"errors": [{"field": None, "message": "access forbidden"}]}),
            RefreshStatus.FORBIDDEN,
            "the API key may not do this: access forbidden",
            "full access",
        ),
        (
            answer(404, {"error": "Segment does not exist."}),
            RefreshStatus.NOT_FOUND,
            "no such segment any more",
            "segctl plan",
        ),
        (answer(404), RefreshStatus.NOT_FOUND, "no such segment any more", "segctl plan"),
        (answer(429), RefreshStatus.OVER_QUOTA, "quota is used up", f"midnight in {ZONE}"),
        (
            answer(500, {"error": "boom"}),
            RefreshStatus.FAILED,
            "SendGrid failed (500): boom",
            "may have begun it all the same",
        ),
        (answer(401), RefreshStatus.FAILED, "the API key is not accepted", "check the key"),
        (answer(400, {"error": "zone"}), RefreshStatus.FAILED, "refuses it (400): zone", ""),
        (answer(200, b"<html>"), RefreshStatus.FAILED, "not JSON", "may have begun it"),
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
    with Transport("http://127.0.0.1:9", Secret(KEY), FakeClock(), direct=True) as transport:
        result = refresh(Writer(transport), "VIP", "abc", ZONE)
    assert result.status is RefreshStatus.FAILED
    assert "no connection to 127.0.0.1" in result.message
    # It was never sent, so it cannot have begun.
    assert "SEGCTL_BASE_URL" in result.hint


@pytest.mark.parametrize(
    ("settings", "times", "status"),
    [
        ({}, 1, RefreshStatus.ACCEPTED),
        ({}, 2, RefreshStatus.OVER_QUOTA),
        ({"plan": AccountPlan.FREE}, 1, RefreshStatus.FORBIDDEN),
    ],
)
def test_the_emulated_account_agrees(
    settings: dict[str, Any], times: int, status: RefreshStatus
) -> None:
    with (
        Emulator(None, dataclasses.replace(Settings(), **settings)) as emulator,
        Transport("https://x.test", Secret(KEY), FakeClock(), mount=emulated(emulator)) as one,
    ):
        emulator.seed()
        for _ in range(times):
            result = refresh(Writer(one), "R", world.NEWSLETTER_READERS_ID, ZONE)
        gone = refresh(Writer(one), "R", "no-such-id", ZONE)
    assert result.status is status
    if status is not RefreshStatus.FORBIDDEN:
        assert gone.status is RefreshStatus.NOT_FOUND
