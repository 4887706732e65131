"""The state file: it lasts, it can be shared, and files of other programs are refused."""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import TYPE_CHECKING

import pytest

from segctl.emulator import Emulator, Settings, StateError
from tests.support.process import running

from .account import HEADERS, QUERY, V2, Account

if TYPE_CHECKING:
    from pathlib import Path

WRITER = """
import json, sys
from segctl.emulator import Emulator, Settings
headers = {"Authorization": "Bearer x", "Accept": "*/*"}
with Emulator(sys.argv[1], Settings(rate_limit=None)) as emulator:
    emulator.seed()
    for number in range(40):
        body = json.dumps({"name": f"{sys.argv[2]} {number}", "query_dsl": sys.argv[3]}).encode()
        reply = emulator.handle("POST", "/v3/marketing/segments/2.0", headers, body)
        assert reply.status == 201, reply
"""


@pytest.mark.posix
def test_the_state_outlives_its_emulator_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "folder" / "state.db"
    with Account(path=path) as first:
        segment = first.create("One")["id"]
        with Account(path=path) as second:
            assert second.names() == ["One"]
            second.clock.forward(300)
            second.ask("PATCH", f"{V2}/{segment}", {"name": "Two"})
        assert first.names() == ["Two"]
        first.clock.forward(599)
        assert first.ask("PATCH", f"{V2}/{segment}", {"name": "Three"}).status == 400
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0
    with Account(path=path) as third:
        assert third.names() == ["Two"]
        assert third.ask("GET", V2).header("X-RateLimit-Remaining") != "599"


def test_an_empty_file_becomes_a_new_state(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.touch()
    with Account(path=path) as account:
        account.create("One")


def test_files_of_other_programs_are_refused_and_left_unchanged(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE precious (value TEXT)")
    db.close()
    before = other.read_bytes()
    with pytest.raises(StateError, match=r"other\.db: a database of another program"):
        Emulator(other)
    assert other.read_bytes() == before
    noise = tmp_path / "noise.db"
    noise.write_bytes(b"not a database at all, " * 100)
    with pytest.raises(StateError, match=r"noise\.db: not a usable emulator state"):
        Emulator(noise)
    with pytest.raises(StateError, match="cannot be opened"):
        Emulator(tmp_path)


@pytest.mark.parametrize(("version", "words"), [(99, "newer emulator"), (0, "never released")])
def test_a_state_of_another_version_is_refused(tmp_path: Path, version: int, words: str) -> None:
    path = tmp_path / "state.db"
    Emulator(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {version}")
    db.close()
    with pytest.raises(StateError, match=words):
        Emulator(path)


def test_a_file_that_breaks_later_is_a_state_error(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with Account(path=path) as account:
        # What opening the state reads; the segments come after it.
        schema = path.stat().st_size
        for number in range(50):
            account.create(f"Segment {number}")
        whole = path.read_bytes()
        path.write_bytes(whole[:schema] + b"\xff" * (len(whole) - schema))
        with Account(path=path) as other, pytest.raises(StateError, match=r"state\.db"):
            other.get(V2)


def test_a_closed_emulator_raises_a_state_error() -> None:
    emulator = Emulator()
    emulator.close()
    emulator.close()
    with pytest.raises(StateError, match="closed"):
        emulator.handle("GET", V2, HEADERS)


def test_a_request_that_fails_inside_leaves_nothing_behind() -> None:
    def no_id() -> str:
        raise RuntimeError("no ids left")

    with Emulator(new_id=no_id) as emulator:
        body = f'{{"name": "One", "query_dsl": "{QUERY}"}}'.encode()
        with pytest.raises(RuntimeError, match="no ids left"):
            emulator.handle("POST", V2, HEADERS, body)
        reply = emulator.handle("GET", V2, HEADERS)
        assert reply.header("X-RateLimit-Remaining") == "599"


def test_processes_share_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with (
        running("-c", WRITER, str(path), "first", QUERY) as first,
        running("-c", WRITER, str(path), "second", QUERY) as second,
    ):
        assert [first.finish(), second.finish()] == [(0, "", "")] * 2
    with Account(path=path) as account:
        assert len(account.names()) == 80 + 3


def test_threads_race_for_a_name_and_one_wins() -> None:
    with Account(Settings(rate_limit=None)) as account:
        statuses: list[int] = []

        def write() -> None:
            for number in range(20):
                reply = account.ask("POST", V2, {"name": f"Name {number}", "query_dsl": QUERY})
                statuses.append(reply.status)

        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [201] * 20 + [400] * 60


def test_reading_one_of_a_thousand_segments_stays_quick(tmp_path: Path) -> None:
    settings = Settings(cap=None, rate_limit=None)
    with Account(settings, tmp_path / "state.db") as account:
        console = account.emulator.console
        for number in range(1_000):
            console.create(f"Segment {number}", QUERY)
        segment = account.get(V2)["results"][500]["id"]
        start = time.thread_time()
        for _ in range(100):
            account.get(f"{V2}/{segment}?contacts_sample=false")
        assert (time.thread_time() - start) / 100 < 0.01
