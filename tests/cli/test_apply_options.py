"""The options of `segctl apply` that control how it works, and what it reports meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from segctl.cli.commands.apply import duration
from tests.support.builders import query
from tests.support.clock import FakeClock

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.account import Remote
    from tests.support.project import Project


VIP, LESS = query("total_spend > 500"), query("total_spend > 250")
WRONG = query("no_such_field = 1")


class Together(FakeClock):
    """A clock that also advances the clock of the account."""

    def __init__(self, watch: FakeClock) -> None:
        super().__init__()
        self._watch = watch

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self._watch.forward(seconds=seconds)


@pytest.fixture
def in_time(connected: Project, remote: Remote) -> Project:
    connected.clock = Together(remote.clock)
    connected.write({"segctl.yaml": "version: 1\nlint: {rules: {unknown-column: off}}\n"})
    return connected


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("90", 90), ("90s", 90), ("6m", 360), ("1 h", 3600)]
)
def test_a_duration_has_an_optional_unit(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("--lock-timeout", "6x"), "write it as 90, 90s, 6m or 1h"),
        (("--lock-timeout", "-1"), "write it as 90, 90s, 6m or 1h"),
        (("--validation-timeout", ""), "write it as 90, 90s, 6m or 1h"),
        (("--validation-timeout", "٣"), "write it as 90, 90s, 6m or 1h"),
        (("--parallelism", "0"), "1<=x<=16"),
        (("--parallelism", "17"), "1<=x<=16"),
        (("--on-invalid", "panic"), "is not one of 'keep', 'rollback'"),
    ],
)
def test_an_invalid_option_is_refused(
    connected: Project, remote: Remote, argv: tuple[str, ...], message: str
) -> None:
    connected.declare("VIP", VIP)
    result = connected.run("apply", "--auto-approve", *argv)
    assert result.code == 1
    assert message in result.err
    assert remote.emulator.log == ()


def test_a_wait_for_the_lock_is_reported_once(in_time: Project, remote: Remote) -> None:
    in_time.declare("VIP", VIP)
    assert in_time.run("apply", "--auto-approve").code == 0
    in_time.declare("VIP", LESS)
    in_time.declare("New", VIP)
    result = in_time.run("apply", "--auto-approve")
    assert result.code == 0
    assert result.err.splitlines() == [
        "create New …",
        "patch VIP …",
        "patch VIP: waiting 5 min 2 s, SendGrid requires five minutes between two changes",
    ]
    assert result.out.splitlines()[-3].startswith("  created       New")
    assert result.out.splitlines()[-2].startswith("  patched       VIP")
    assert remote.definitions()["VIP"] == (LESS, ())
    assert in_time.run("plan", "--detailed-exitcode").code == 0


def test_a_lock_timeout_of_zero_fails_at_once(in_time: Project) -> None:
    in_time.declare("VIP", VIP)
    assert in_time.run("apply", "--auto-approve").code == 0
    in_time.declare("VIP", LESS)
    result = in_time.run("apply", "--auto-approve", "--lock-timeout", "0")
    assert result.code == 1
    assert "failed        patch VIP" in result.out
    # The server's own words for it say it once more.
    assert "too soon" not in result.out
    assert "waiting" not in result.err


def test_an_invalid_query_is_reported_with_its_place(in_time: Project, remote: Remote) -> None:
    file = in_time.declare("VIP", WRONG)
    result = in_time.run("apply", "--auto-approve")
    assert result.code == 4
    assert "failed        create VIP: SendGrid does not accept its query" in result.out
    assert f"    at {file}:2:12\n" in result.out
    assert "Partially applied to production: 0 done, 1 failed." in result.out
    assert remote.definitions()["VIP"] == (WRONG, ())
    again = in_time.run("apply", "--auto-approve")
    assert again.code == 0
    assert f"{file}:2:12: warning[query-not-accepted]" in again.err + again.out
    assert "No changes." in again.out + again.err


def test_an_invalid_query_is_rolled_back(in_time: Project, remote: Remote) -> None:
    in_time.declare("VIP", VIP)
    assert in_time.run("apply", "--auto-approve").code == 0
    in_time.declare("VIP", WRONG)
    in_time.declare("New", WRONG)
    result = in_time.run("apply", "--auto-approve", "--on-invalid", "rollback")
    assert result.code == 1
    assert "the previous query was restored" in result.out
    assert "the new segment was deleted" in result.out
    assert remote.definitions() == {"VIP": (VIP, ())}


def test_fail_fast_starts_no_more_changes(connected: Project, remote: Remote) -> None:
    for letter in "ABCD":
        connected.declare(letter, VIP)
    remote.emulator.faults.add("POST * 403 #2")
    argv = ("apply", "--auto-approve", "--parallelism", "1", "--fail-fast")
    result = connected.run(*argv)
    assert result.code == 4
    assert "Partially applied to production: 1 done, 1 failed, 2 not attempted." in result.out
    assert connected.run(*argv).code == 0


def test_the_sandbox_locks_a_segment_for_two_seconds(project: Project) -> None:
    from segctl.common.clock import SystemClock  # noqa: PLC0415

    class Real(FakeClock):
        """The machine's time, which is the sandbox's."""

        def now(self) -> datetime:
            return SystemClock().now()

        def monotonic(self) -> float:
            return SystemClock().monotonic()

        def sleep(self, seconds: float) -> None:
            self.slept.append(seconds)
            SystemClock().sleep(seconds)

    project.clock = Real()
    project.declare("VIP", VIP)
    argv = ("--target", "sandbox", "apply", "--auto-approve")
    assert project.run(*argv, "--validation-timeout", "0").code == 0
    project.declare("VIP", LESS)
    assert project.run(*argv).code == 0
    # The account's lock lasts for five minutes.
    assert sum(project.clock.slept) < 120
