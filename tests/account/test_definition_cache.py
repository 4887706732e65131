"""The cache of definitions: nothing out of date, and nothing personal."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segctl.account import cache_file
from segctl.account.cache_file import FORMAT, SETTLED
from segctl.account.definition_cache import FOLDER, DefinitionCache
from segctl.common import files
from segctl.common.folder import Folder
from segctl.model import Remote, Validation
from tests.support.account import KEY
from tests.support.builders import ALL, query

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.account import Remote as Account
    from tests.support.project import Project

ACCOUNT = "0123456789abcdef" * 2
NOW = datetime(2026, 7, 15, 16, 4, 33, tzinfo=UTC)
LONG_AGO = "2026-07-01T08:00:00Z"


def read(number: int = 1, **fields: Any) -> Remote:
    """Return a segment as GET returns it."""
    remote = Remote(
        id=f"id-{number}",
        name=f"Segment {number}",
        query=query(f"age = {number}"),
        updated_at=LONG_AGO,
        contacts_count=4711,
        validation=Validation.VALID,
    )
    return dataclasses.replace(remote, **fields)


def listed(remote: Remote, **fields: Any) -> Remote:
    """Return the same segment as LIST returns it."""
    return dataclasses.replace(remote, query=None, **fields)


def cache(folder: Path, now: datetime = NOW, say: Callable[[str], None] = print) -> DefinitionCache:
    return DefinitionCache(Folder(folder), ACCOUNT, now, say)


def file_of(folder: Path) -> Path:
    return folder / FOLDER / f"{ACCOUNT}.json"


def cache_with(folder: Path, *remotes: Remote) -> DefinitionCache:
    cache(folder).store([listed(remote) for remote in remotes], remotes, NOW)
    return cache(folder)


def test_a_definition_is_cached_for_the_next_run(tmp_path: Path) -> None:
    first, second = read(1), read(2, parent_list_ids=("a", "b"), query=f"{ALL}\n\ud800")
    known = cache_with(tmp_path, first, second)
    assert known.find(listed(first)) == first
    assert known.find(listed(second)) == second
    assert known.find(listed(read(3))) is None


def test_only_the_query_comes_from_the_cache(tmp_path: Path) -> None:
    known = cache_with(tmp_path, read())
    state = {"validation": Validation.INVALID, "validation_error": "no"}
    listing = listed(read(), contacts_count=12, **state)
    assert known.find(listing) == dataclasses.replace(listing, query=read().query)


@pytest.mark.parametrize(
    "moved",
    [
        {"updated_at": "2026-07-01T08:00:01Z"},
        {"updated_at": None},
        {"name": "Another"},
        {"parent_list_ids": ("a",)},
        {"query_version": None},
        {"query_version": "3"},
        {"id": "id-2"},
        {"validation": Validation.UNKNOWN},
    ],
)
def test_a_definition_that_the_list_does_not_confirm_is_not_used(
    tmp_path: Path, moved: dict[str, Any]
) -> None:
    assert cache_with(tmp_path, read()).find(listed(read(), **moved)) is None


@pytest.mark.parametrize(
    ("updated_at", "remembered"),
    [
        (NOW - SETTLED, True),
        (NOW - SETTLED + timedelta(seconds=1), False),
        (NOW, False),
        (NOW + timedelta(days=1), False),
    ],
)
def test_a_definition_that_may_change_within_the_same_second_is_not_cached(
    tmp_path: Path, updated_at: datetime, *, remembered: bool
) -> None:
    remote = read(updated_at=updated_at.isoformat())
    assert (cache_with(tmp_path, remote).find(listed(remote)) is not None) is remembered


@pytest.mark.parametrize("behind", [timedelta(minutes=10), None])
def test_a_definition_is_cached_by_the_clock_of_the_server(
    tmp_path: Path, behind: timedelta | None
) -> None:
    server_time = None if behind is None else NOW - behind
    remote = read(updated_at=(NOW - timedelta(minutes=10)).isoformat())
    cache(tmp_path).store([listed(remote)], [remote], server_time)
    assert cache(tmp_path).find(listed(remote)) is None
    cache(tmp_path).store([listed(remote)], [remote], NOW)
    assert cache(tmp_path).find(listed(remote)) == remote


@pytest.mark.parametrize("time", [None, "", "yesterday", "2026-07-01T08:00:00", "2026-07-01"])
def test_a_definition_without_a_usable_time_is_not_cached(tmp_path: Path, time: str | None) -> None:
    remote = read(updated_at=time)
    assert cache_with(tmp_path, remote).find(listed(remote)) is None


@pytest.mark.parametrize(
    ("condition", "remembered"),
    [
        ("email = 'ann@example.com'", False),
        ("email LIKE 'ann.o-neill+x@%'", True),
        ("email LIKE '%@example.com'", True),
        ("total_spend > 5", True),
    ],
)
def test_no_address_is_written_to_the_cache(
    tmp_path: Path, condition: str, *, remembered: bool
) -> None:
    remote = read(query=query(condition))
    assert (cache_with(tmp_path, remote, read(2)).find(listed(remote)) is not None) is remembered
    text = file_of(tmp_path).read_text()
    assert "ann@example.com" not in text
    assert "4711" not in text


def test_a_segment_that_left_the_account_is_forgotten(tmp_path: Path) -> None:
    cache_with(tmp_path, read(1), read(2), read(3))
    cache(tmp_path).store([listed(read(1)), listed(read(3), updated_at=NOW.isoformat())], [], NOW)
    assert set(json.loads(file_of(tmp_path).read_text())["segments"]) == {"id-1"}


def test_a_segment_about_to_be_written_is_forgotten(tmp_path: Path) -> None:
    cache_with(tmp_path, read(1), read(2)).forget({"id-1", "unknown"})
    known = cache(tmp_path)
    assert known.find(listed(read(1))) is None
    assert known.find(listed(read(2))) == read(2)


def test_the_file_is_deleted_if_it_cannot_be_rewritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = cache_with(tmp_path, read(1), read(2))
    real = os.open

    def full(path: Any, flags: int, *mode: int, **folder: Any) -> int:
        if flags & os.O_CREAT:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, flags, *mode, **folder)

    monkeypatch.setattr("segctl.common.folder.os.open", full)
    known.forget({"id-1"})
    assert not file_of(tmp_path).exists()
    assert cache(tmp_path).find(listed(read(1))) is None


def test_nothing_is_written_without_new_definitions(tmp_path: Path) -> None:
    known = cache_with(tmp_path, read())
    file_of(tmp_path).unlink()
    known.store([listed(read())], [read()], NOW)
    assert not file_of(tmp_path).exists()


def good(**fields: Any) -> dict[str, Any]:
    entry = [LONG_AGO, "2", "Segment 1", [], query("age = 1")]
    return {"version": FORMAT, "segments": {"id-1": entry}} | fields


BROKEN: dict[str, bytes] = {
    "empty": b"",
    "cut": json.dumps(good()).encode()[:-9],
    "no text": b"\xff\xfe\x00",
    "deep": b"[" * 100_000,
    "another shape": b"[]",
    "another version": json.dumps(good(version=FORMAT + 1)).encode(),
    "no version": json.dumps(good(version=None)).encode(),
    "a short entry": json.dumps(good(segments={"id-1": [LONG_AGO, "2"]})).encode(),
    "no query": json.dumps(good(segments={"id-1": [LONG_AGO, "2", "n", [], None]})).encode(),
    "no parents": json.dumps(good(segments={"id-1": [LONG_AGO, "2", "n", [1], "q"]})).encode(),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_ignored_and_replaced(tmp_path: Path, content: bytes) -> None:
    cache_with(tmp_path, read())
    file_of(tmp_path).write_bytes(content)
    messages: list[str] = []
    known = cache(tmp_path, say=messages.append)
    assert known.find(listed(read())) is None
    assert len(messages) == 1
    assert "are ignored" in messages[0]
    assert cache_with(tmp_path, read()).find(listed(read())) == read()


@given(st.binary(max_size=200))
def test_no_file_breaks_a_run(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    file_of(folder).parent.mkdir(parents=True, exist_ok=True)
    file_of(folder).write_bytes(content)
    assert cache(folder).find(listed(read())) is None


def test_a_file_that_is_too_large_is_neither_read_nor_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LARGEST_PRIVATE", 300)
    assert cache_with(tmp_path, read()).find(listed(read())) == read()
    messages: list[str] = []
    remotes = [read(number) for number in range(10)]
    cache(tmp_path, say=messages.append).store([listed(remote) for remote in remotes], remotes, NOW)
    assert messages == ["definitions are not cached: there are too many"]
    assert cache(tmp_path).find(listed(read(5))) is None
    monkeypatch.setattr(files, "LARGEST_PRIVATE", 30)
    assert cache(tmp_path).find(listed(read())) is None


def test_the_folder_is_bounded_and_other_files_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    names = [f"{number:032x}.json" for number in range(4)]
    abandoned = f".{0:032x}.{0:016x}.part"
    for age, name in enumerate([*names, abandoned, "notes.json"]):
        (folder / name).write_bytes(b"x" * 400)
        os.utime(folder / name, (1_000_000_000 - age, 1_000_000_000 - age))
    monkeypatch.setattr(cache_file, "LARGEST_FOLDER", 1100)
    cache_with(tmp_path, read())
    kept = {path.name for path in folder.iterdir()}
    assert kept == {f"{ACCOUNT}.json", names[0], names[1], "notes.json"}


@pytest.mark.posix
def test_only_the_owner_can_read_the_cache(tmp_path: Path) -> None:
    above = tmp_path / "new"
    before = os.umask(0)
    try:
        cache_with(above, read())
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (above, above / FOLDER, file_of(above))]
    assert modes == [0o700, 0o700, 0o600]


@pytest.mark.posix
@pytest.mark.parametrize("how", ["writable", "link", "pipe", "folder"])
def test_a_file_that_others_could_have_written_is_not_used(tmp_path: Path, how: str) -> None:
    cache_with(tmp_path, read())
    file = file_of(tmp_path)
    match how:
        case "writable":
            file.chmod(0o666)
        case "link":
            file.symlink_to(file.rename(tmp_path / "elsewhere"))
        case "pipe":
            file.unlink()
            os.mkfifo(file)
        case _:
            file.unlink()
            file.mkdir()
    messages: list[str] = []
    assert cache(tmp_path, say=messages.append).find(listed(read())) is None
    assert len(messages) == 1
    # What is in the way is removed by the first run, and replaced by the second.
    for _ in range(2):
        again = cache_with(tmp_path, read())
    assert (again.find(listed(read())) is None) == (how == "folder")


def test_nothing_is_cached_where_nothing_can_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    messages: list[str] = []
    cache(blocked, say=messages.append).store([listed(read())], [read()], NOW)
    assert "cannot be cached" in messages[-1]
    assert blocked.read_text() == "in the way"


def test_concurrent_runs_leave_a_complete_file(tmp_path: Path) -> None:
    remotes_by_run = [
        [read(number, query=f"{ALL} {run}") for number in range(200)] for run in range(6)
    ]

    def run(remotes: list[Remote]) -> None:
        for _ in range(5):
            cache(tmp_path, say=messages.append).store(
                [listed(remote) for remote in remotes], remotes, NOW
            )

    messages: list[str] = []
    threads = [threading.Thread(target=run, args=(remotes,)) for remotes in remotes_by_run]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    known = cache(tmp_path, say=messages.append)
    assert messages == []
    assert [known.find(listed(remote)) for remote in remotes_by_run[0]] in remotes_by_run
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == [f"{ACCOUNT}.json"]


# By the command line.


def create_settled(remote: Account, name: str, text: str) -> str:
    """Create a segment that was last edited a day ago; return its id."""
    at = (remote.clock.moment - timedelta(days=1)).timestamp()
    return remote.emulator.console.create(name, text, at=at)


def requests_of(remote: Account, project: Project, *argv: str, **env: str) -> list[str]:
    """Run segctl; return method and path of each request, without the common prefix."""
    remote.emulator.clear_log()
    assert project.run(*argv, **env).code == 0
    return [
        f"{entry.method} {entry.target.partition('?')[0].removeprefix('/v3/marketing/')}"
        for entry in remote.emulator.log
    ]


@pytest.fixture
def account(connected: Project, remote: Account) -> dict[str, str]:
    """Three segments that the account has as declared, by name to id, and one undeclared."""
    ids = {}
    for number in range(3):
        name, text = f"Segment {number}", query(f"total_spend > {number}")
        connected.declare(name, text)
        ids[name] = create_settled(remote, name, text)
    create_settled(remote, "By hand", ALL)
    return ids


LIST = "GET segments/2.0"


def test_an_unchanged_plan_sends_one_request(
    connected: Project, remote: Account, account: dict[str, str]
) -> None:
    reads = sorted(f"{LIST}/{id_}" for id_ in account.values())
    first = requests_of(remote, connected, "plan")
    assert (first[0], sorted(first[1:])) == (LIST, reads)
    assert requests_of(remote, connected, "plan") == [LIST]
    assert requests_of(remote, connected, "drift") == [LIST]
    assert requests_of(remote, connected, "apply", "--auto-approve") == [LIST]
    assert connected.run("-v", "plan").err == "1 request sent.\n"
    assert json.loads(connected.run("plan", "--format", "json").out)["requests"] == 1
    for option in (["--no-cache", "plan"], ["plan", "--no-cache"]):
        assert sorted(requests_of(remote, connected, *option)[1:]) == reads
    assert sorted(requests_of(remote, connected, "plan", SEGCTL_NO_CACHE="1")[1:]) == reads
    assert requests_of(remote, connected, "plan") == [LIST]


def test_only_changed_segments_are_read_again(
    connected: Project, remote: Account, account: dict[str, str]
) -> None:
    connected.run("plan")
    moved_id = account["Segment 1"]
    remote.emulator.console.edit(moved_id, query=query("total_spend > 99"))
    remote.emulator.console.edit(account["Segment 2"], contacts_count=12)
    for _ in range(2):
        # A definition that was edited in this second is not cached.
        remote.emulator.clear_log()
        assert "1 to patch" in connected.run("plan").out
        targets = [entry.target.partition("?")[0] for entry in remote.emulator.log]
        assert [target.rpartition("/")[2] for target in targets[:2]] == ["2.0", moved_id]
        # Campaigns may go to it, and its query is checked against the account's fields.
        others = [target.rpartition("/")[2] for target in targets[2:]]
        assert others == ["singlesends", "field_definitions"]
    remote.clock.forward(minutes=3)
    connected.clock.moment = remote.clock.moment
    connected.run("plan")
    remote.emulator.clear_log()
    assert "1 to patch" in connected.run("plan").out
    assert moved_id not in "".join(entry.target for entry in remote.emulator.log)


def test_two_edits_within_a_second_of_a_server_whose_clock_is_behind_both_show(
    connected: Project, remote: Account, account: dict[str, str]
) -> None:
    connected.clock.moment = remote.clock.moment + timedelta(minutes=10)
    edited = account["Segment 1"]
    for condition in ("total_spend > 98", "total_spend > 99"):
        remote.emulator.console.edit(edited, query=query(condition))
        assert condition in connected.run("plan").out


def test_apply_does_not_use_the_cache_for_what_it_writes(
    connected: Project, remote: Account, account: dict[str, str]
) -> None:
    connected.run("plan")
    connected.declare("Segment 1", query("total_spend > 50"))
    moved_id = account["Segment 1"]
    # SendGrid's list lags behind: it does not show this edit.
    at = (remote.clock.moment - timedelta(days=1)).timestamp()
    remote.emulator.console.edit(moved_id, query=query("total_spend > 77"), at=at)
    result = connected.run("apply", "--auto-approve")
    assert result.code == 1
    assert "someone changed the segment after the plan was made" in result.out
    assert remote.definitions()["Segment 1"][0] == query("total_spend > 77")
    assert connected.run("apply", "--auto-approve").code == 0
    assert remote.definitions()["Segment 1"][0] == query("total_spend > 50")
    assert connected.run("plan", "--detailed-exitcode").code == 0


def test_accounts_are_not_mixed_up(
    connected: Project, remote: Account, account: dict[str, str]
) -> None:
    connected.run("plan")
    requests = requests_of(remote, connected, "plan", SENDGRID_API_KEY=f"{KEY}2")
    assert len(requests) == 1 + len(account)
    folder = Path(connected.env["SEGCTL_CACHE_DIR"]) / FOLDER
    texts = [path.name + path.read_text() for path in folder.iterdir()]
    assert len(texts) == 2
    assert not any(KEY in text or remote.url in text or "127.0.0.1" in text for text in texts)


def test_a_damaged_cache_is_reported_only_with_v(
    connected: Project, account: dict[str, str]
) -> None:
    connected.run("plan")
    (file,) = (Path(connected.env["SEGCTL_CACHE_DIR"]) / FOLDER).iterdir()
    file.write_text("{")
    result = connected.run("plan")
    assert (result.code, result.err) == (0, "")
    file.write_text("{")
    assert "are ignored: the file is damaged" in connected.run("-v", "plan").err


def test_without_a_cache_folder_every_plan_reads_every_definition(
    connected: Project, remote: Account, account: dict[str, str]
) -> None:
    del connected.env["SEGCTL_CACHE_DIR"]
    for _ in range(2):
        assert len(requests_of(remote, connected, "plan")) == 1 + len(account)


def test_import_and_plan_share_the_cache(
    connected: Project, remote: Account, account: dict[str, str]
) -> None:
    assert len(requests_of(remote, connected, "import", "--all", "--dry-run")) == 2
    connected.run("plan")
    assert requests_of(remote, connected, "import", "--all", "--dry-run") == [LIST]
