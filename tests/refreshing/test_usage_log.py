"""The usage log of refreshes: private, shared between processes, and never an obstacle."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from segctl.common.files import LARGEST_PRIVATE
from segctl.common.folder import Folder
from segctl.refreshing.quota import Usage
from segctl.refreshing.usage_log import UsageLog
from tests.support.clock import FakeClock
from tests.support.process import running

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "0123456789abcdef0123456789abcdef"


def note(key: str) -> Any:
    return lambda past, now: past.with_use(key, now)


def read(record: UsageLog) -> Usage:
    return record.update(lambda past, _: past)


def test_a_recorded_refresh_is_known_in_the_next_run(tmp_path: Path) -> None:
    clock = FakeClock()
    folder = tmp_path / "deep" / "cache"
    UsageLog(Folder(folder), DIGEST, clock).update(note("a"))
    clock.sleep(60)
    UsageLog(Folder(folder), DIGEST, clock).update(
        lambda past, now: (
            past.with_use("a", now).with_closed("b", now + timedelta(hours=1))
        ).with_account_closed(now + timedelta(hours=2))
    )
    past = read(UsageLog(Folder(folder), DIGEST, clock))
    assert [len(past.uses["a"]), len(past.closed), past.account_closed is None] == [2, 1, False]
    assert read(UsageLog(Folder(folder), "another", clock)) == Usage()


@pytest.mark.posix
def test_only_the_owner_can_read_the_log_and_no_other_file_remains(tmp_path: Path) -> None:
    UsageLog(Folder(tmp_path), DIGEST, FakeClock()).update(note("a"))
    paths = sorted(tmp_path.iterdir())
    assert [path.suffix for path in paths] == [".json", ".lock"]
    if os.name == "posix":
        assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}


def test_expired_usage_is_dropped(tmp_path: Path) -> None:
    clock = FakeClock()
    record = UsageLog(Folder(tmp_path), DIGEST, clock)
    record.update(note("old"))
    clock.sleep(3 * 86_400)
    record.update(note("new"))
    (path,) = tmp_path.glob("*.json")
    assert list(json.loads(path.read_text())["uses"]) == ["new"]


MOMENT = '"2026-07-15T16:00:00+00:00"'


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\x00",
        b"[]",
        b"{",
        b"[" * 100_000,
        b'{"version": 2, "uses": {}, "closed": {}, "account_closed": null}',
        b'{"version": 1}',
        b'{"version": 1, "uses": [], "closed": {}, "account_closed": null}',
        b'{"version": 1, "uses": {"a": 5}, "closed": {}, "account_closed": null}',
        b'{"version": 1, "uses": {"a": ["x"]}, "closed": {}, "account_closed": null}',
        b'{"version": 1, "uses": {"a": ["2026-07-15"]}, "closed": {}, "account_closed": null}',
        b'{"version": 1, "uses": {}, "closed": {}, "account_closed": 7}',
        b" " * (LARGEST_PRIVATE + 1),
    ],
)
def test_a_damaged_log_starts_over(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / f"refreshes-{DIGEST}.json"
    path.write_bytes(content)
    assert list(UsageLog(Folder(tmp_path), DIGEST, FakeClock()).update(note("a")).uses) == ["a"]
    assert list(read(UsageLog(Folder(tmp_path), DIGEST, FakeClock())).uses) == ["a"]


@pytest.mark.parametrize("folder", [None, "file/below", "\0", "folder"])
def test_without_a_usable_folder_the_log_lasts_as_long_as_the_process(
    tmp_path: Path, folder: str | None
) -> None:
    (tmp_path / "file").write_text("")
    # A folder has the path of the log.
    (tmp_path / "folder" / f"refreshes-{DIGEST}.json").mkdir(parents=True)
    record = UsageLog(None if folder is None else Folder(tmp_path / folder), DIGEST, FakeClock())
    record.update(note("a"))
    assert list(record.update(note("b")).uses) == ["a", "b"]


def test_a_lock_that_is_never_released_does_not_block_a_run(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    record = UsageLog(Folder(tmp_path), DIGEST, FakeClock())
    with (tmp_path / f"refreshes-{DIGEST}.lock").open("w") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        record.update(note("a"))
    assert not list(tmp_path.glob("*.json"))
    assert list(read(record).uses) == ["a"]


def test_concurrent_processes_lose_no_usage(tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from segctl.common.clock import SystemClock
from segctl.common.folder import Folder
from segctl.refreshing.usage_log import UsageLog
record = UsageLog(Folder(Path({str(tmp_path)!r})), "d", SystemClock())
for number in range(25):
    record.update(lambda past, now: past.with_use(sys.argv[1] + str(number), now))
"""
    with ExitStack() as stack:
        processes = [stack.enter_context(running("-c", script, name)) for name in "abc"]
        assert [process.finish() for process in processes] == [(0, "", "")] * 3
    (path,) = tmp_path.glob("*.json")
    assert len(json.loads(path.read_text())["uses"]) == 75
