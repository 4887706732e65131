"""The journal: every write is recorded before and after it, without private data."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import stat
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from segctl.applying.context import Stopped
from segctl.applying.journal import Journal, Origin
from segctl.errors import NotFound, UsageError
from segctl.model import TargetRef
from tests.support.account import KEY, Remote
from tests.support.builders import query
from tests.support.clock import FakeClock
from tests.support.process import HANG, IS_ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.project import Project

VIP = query("total_spend > 500")
ORIGIN = Origin(
    "digest", TargetRef("production", "api.sendgrid.com"), "c0ffee", {"GITHUB_RUN_ID": "12"}
)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def journaled(project: Project, *argv: str, **env: str) -> list[dict[str, Any]]:
    path = project.root / "journal.ndjson"
    project.run("apply", "--auto-approve", "--journal", str(path), *argv, **env)
    return lines(path)


def test_every_write_is_recorded_before_and_after_it(connected: Project, remote: Remote) -> None:
    old = remote.emulator.console.create("Old", VIP)
    remote.emulator.console.create("Other", VIP)
    kept = remote.emulator.console.create("Kept", VIP)
    connected.write({"segments/old.yaml": "name: Old\nremoved: true\n"})
    connected.declare("Kept", query("total_spend > 1"))
    connected.declare("New", VIP)
    entries = journaled(
        connected, "--refresh", "changed", "--parallelism", "1", GITHUB_RUN_ID="12", SHELL="x"
    )
    new = next(
        segment.id for segment in remote.emulator.console.segments() if segment.name == "New"
    )
    writes = [(entry["operation"], entry["segment"]["name"], entry["event"]) for entry in entries]
    assert writes[:6] == [
        ("create", "New", "sent"),
        ("create", "New", "answered"),
        ("patch", "Kept", "sent"),
        ("patch", "Kept", "answered"),
        ("delete", "Old", "sent"),
        ("delete", "Old", "answered"),
    ]
    assert {write[0] for write in writes[6:]} == {"refresh"}
    assert [entry["sequence"] for entry in entries] == [n // 2 + 1 for n in range(len(entries))]
    assert len({entry["run"] for entry in entries}) == 1
    assert {entry["by"]["plan"] for entry in entries if "by" in entry} != {""}
    assert entries[0]["by"]["ci"] == {"GITHUB_RUN_ID": "12"}
    host = remote.url.removeprefix("http://")
    assert entries[0]["by"]["target"] == {"name": "production", "host": host, "subuser": None}
    assert entries[0]["segment"]["id"] is None
    assert entries[1]["segment"]["id"] == new
    assert entries[2]["segment"]["id"] == kept
    assert entries[2]["fields"] == ["query_dsl"]
    assert entries[4]["segment"]["id"] == old
    assert {entry["outcome"] for entry in entries if entry["event"] == "answered"} == {"done"}
    digests = {entry["sha256"] for entry in entries if "sha256" in entry}
    assert len(digests) == 2
    assert all(len(digest) == 64 for digest in digests)


def test_the_journal_holds_the_commit(connected: Project) -> None:
    def git(*argv: str) -> str:
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(connected.root),
            **{f"GIT_{role}_{what}": "x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME",)},
            **{f"GIT_{role}_EMAIL": "x@example.com" for role in ("AUTHOR", "COMMITTER")},
        }
        done = subprocess.run(
            ["git", *argv], cwd=connected.root, env=env, capture_output=True, check=True, text=True
        )
        return done.stdout.strip()

    connected.declare("New", VIP)
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "segments")
    assert journaled(connected)[0]["by"]["commit"] == git("rev-parse", "HEAD")


def test_the_journal_holds_nothing_private(connected: Project, remote: Remote) -> None:
    connected.write({"segctl.yaml": "version: 1\nlint: {rules: {personal-data: off}}\n"})
    connected.declare("of ann@example.com", query("email = 'bob@example.com'"))
    remote.emulator.faults.add("POST * 400")
    entries = journaled(connected, CI_JOB_ID=f"x{KEY}", GITHUB_ACTOR="eve@example.com")
    text = (connected.root / "journal.ndjson").read_text()
    assert entries[0]["segment"]["name"].startswith("of ***")
    for private in ("ann@", "bob@", "eve@", KEY, "SELECT", "email"):
        assert private not in text


@pytest.mark.parametrize(
    ("fault", "outcome", "error", "status"),
    [
        ("403", "not_done", "Forbidden", 403),
        ("500", "unknown", "ServerFault", 500),
        ("drop after", "unknown", "Unreachable", None),
        ("truncated", "unknown", "UnexpectedResponse", 201),
    ],
)
def test_the_journal_holds_the_result_of_a_write(
    *,
    connected: Project,
    remote: Remote,
    fault: str,
    outcome: str,
    error: str,
    status: int | None,
) -> None:
    connected.declare("New", VIP)
    remote.emulator.faults.add(f"POST * {fault}")
    answered = journaled(connected)[1]
    assert (answered["outcome"], answered["error"]) == (outcome, error)
    assert (answered["status"], answered["ambiguous"]) == (status, outcome == "unknown")


def sends(entries: list[dict[str, Any]]) -> dict[int, list[str]]:
    """Return the outcomes of each write in their order, by sequence number."""
    outcomes: dict[int, list[str]] = {entry["sequence"]: [] for entry in entries}
    for entry in entries:
        if entry["event"] != "sent":
            outcomes[entry["sequence"]].append(entry["outcome"])
    return outcomes


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("POST * 500 after", {1: ["unknown", "done"]}),
        ("POST * drop after", {1: ["unknown", "done"]}),
        ("POST * truncated", {1: ["unknown", "done"]}),
        # Sent again, because the account does not have the segment.
        ("POST * 500", {1: ["unknown", "done"], 2: ["done"]}),
        ("POST * 500 always", {number: ["unknown", "not_done"] for number in (1, 2, 3)}),
        ("POST * drop always", {number: ["unknown"] for number in (1, 2, 3)}),
        ("POST * 403", {1: ["not_done"]}),
    ],
)
def test_verification_resolves_an_unknown_create(
    connected: Project, remote: Remote, fault: str, expected: dict[int, list[str]]
) -> None:
    connected.declare("New", VIP)
    remote.emulator.faults.add(fault)
    entries = journaled(connected)
    assert sends(entries) == expected
    ids = {segment.name: segment.id for segment in remote.emulator.console.segments()}
    for entry in entries:
        if entry.get("outcome") == "done":
            assert entry["segment"] == {"name": "New", "id": ids["New"]}
    assert {entry["operation"] for entry in entries} == {"create"}


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("drop after", ["unknown", "done"]),
        ("500 always", ["unknown", "not_done"]),
        ("drop always", ["unknown"]),
    ],
)
def test_verification_resolves_an_unknown_patch_or_delete(
    connected: Project, remote: Remote, method: str, fault: str, expected: list[str]
) -> None:
    segment_id = remote.emulator.console.create("A", VIP)
    remote.emulator.console.create("Other", VIP)
    if method == "PATCH":
        connected.declare("A", query("total_spend > 1"))
    else:
        connected.write({"segments/a.yaml": "name: A\nremoved: true\n"})
    remote.emulator.faults.add(f"{method} * {fault}")
    entries = journaled(connected)
    assert set(map(tuple, sends(entries).values())) == {tuple(expected)}
    assert [entry["segment"] for entry in entries] == [{"name": "A", "id": segment_id}] * len(
        entries
    )


def test_an_edit_by_hand_leaves_a_write_unknown(
    connected: Project, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = remote.emulator.console
    segment_id = console.create("A", VIP)
    connected.declare("A", query("total_spend > 1"))
    remote.emulator.faults.add("PATCH * drop after")
    handle = remote.emulator.handle

    def intervene(method: str, target: str, headers: Any, body: bytes = b"") -> Any:
        reply = handle(method, target, headers, body)
        if method == "PATCH":
            console.edit(segment_id, query=query("total_spend > 2"))
        return reply

    monkeypatch.setattr(remote.emulator, "handle", intervene)
    assert sends(journaled(connected)) == {1: ["unknown"]}


@pytest.mark.posix
def test_only_the_owner_can_read_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path, FakeClock(), ORIGIN):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.posix
@pytest.mark.parametrize("what", ["missing folder", "folder", "pipe", "device", "read-only folder"])
def test_a_journal_that_cannot_be_opened_refuses_the_apply(
    connected: Project, remote: Remote, what: str
) -> None:
    connected.declare("New", VIP)
    path = connected.root / "journal"
    if what == "missing folder":
        path = path / "in" / "it"
    elif what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "device":
        path.symlink_to("/dev/full")
    elif IS_ROOT:
        pytest.skip("root may write anywhere")
    else:
        path.parent.chmod(0o500)
    result = connected.run("apply", "--auto-approve", "--journal", str(path))
    # A link in a project is not followed.
    assert result.code == (3 if what == "device" else 1)
    assert "journal" in result.err
    assert not [request for request in remote.emulator.log if request.method != "GET"]


def test_an_incomplete_line_is_not_continued(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_text('{"a": 1}\n{"b": ')
    with Journal(path, FakeClock(), ORIGIN) as journal, journal.recording({"operation": "x"}, {}):
        pass
    first, torn, sent, answered = path.read_text().splitlines()
    assert (first, torn) == ('{"a": 1}', '{"b": ')
    assert json.loads(sent)["event"] == "sent"
    assert json.loads(answered)["event"] == "answered"


def append(path: str, number: int) -> None:
    with Journal(path, FakeClock(), ORIGIN) as journal:  # type: ignore[arg-type]
        for write in range(100):
            with journal.recording({"operation": f"{number}-{write}", "padding": "x" * 3000}, {}):
                pass


def test_two_processes_write_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=append, args=(str(path), number)) for number in range(2)]
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(HANG)
    finally:
        for worker in workers:
            worker.kill()
    assert [worker.exitcode for worker in workers] == [0, 0]
    entries = lines(path)
    assert len(entries) == 400
    assert len({(entry["run"], entry["sequence"], entry["event"]) for entry in entries}) == 400


def test_an_error_passes_through_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with (
        Journal(path, FakeClock(), ORIGIN) as journal,
        pytest.raises(NotFound),
        journal.recording({"operation": "x"}, {}),
    ):
        raise NotFound("gone", status=404)
    assert lines(path)[1]["outcome"] == "not_done"


class FullDisk:
    """`os.write` of a disk with room for this many more writes, the last of them truncated."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.real = os.write

    def __call__(self, file: int, data: bytes) -> int:
        if not data.startswith((b'{"format_version"', b"\n{")):
            return self.real(file, data)
        self.room -= 1
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.real(file, data[: len(data) // 2] if self.room == 0 else data)


@pytest.mark.parametrize(("room", "posted"), [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2)])
@pytest.mark.parametrize("parallelism", ["1", "4"])
def test_a_disk_that_fills_up_stops_further_writes(
    *,
    connected: Project,
    remote: Remote,
    monkeypatch: pytest.MonkeyPatch,
    room: int,
    posted: int,
    parallelism: str,
) -> None:
    for letter in "ABCD":
        connected.declare(letter, VIP)
    path = connected.root / "journal"
    monkeypatch.setattr("segctl.applying.journal.os.write", FullDisk(room))
    result = connected.run(
        *("apply", "--auto-approve", "--parallelism", parallelism, "--journal", str(path))
    )
    posts = [request for request in remote.emulator.log if request.method == "POST"]
    assert len(posts) == len(remote.definitions())
    assert len(posts) <= room
    if parallelism == "1":
        assert len(posts) == posted
    assert result.code in {1, 4}
    assert "the journal could not be written" in result.out
    assert f"{4 - len(posts)} not attempted" in result.out
    assert "the journal could not be written" in result.err
    # The line that had no room left nothing behind.
    assert path.read_bytes().endswith(b"\n") or not path.read_bytes()
    assert all(line["run"] for line in lines(path))


def test_a_write_that_cannot_be_recorded_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segctl.applying.journal.os.write", FullDisk(0))
    sent = False
    with Journal(tmp_path / "journal", FakeClock(), ORIGIN) as journal:
        with pytest.raises(Stopped, match="No space left"), journal.recording({}, {}):
            sent = True
        assert journal.failure
    assert not sent


def test_an_abandoned_request_writes_into_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path, FakeClock(), ORIGIN) as journal:
        left_behind = journal.recording({"operation": "x"}, {})
        left_behind.__enter__()
    # The system gives the number of the closed file to the next one.
    other = os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT)
    left_behind.__exit__(None, None, None)
    os.close(other)
    assert (tmp_path / "other").read_bytes() == b""
    assert [entry["event"] for entry in lines(path)] == ["sent"]


def test_a_journal_in_a_missing_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        Journal(tmp_path / "no" / "journal", FakeClock(), ORIGIN)
