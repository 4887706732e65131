"""The snapshot of an account: every read succeeds or the snapshot fails, and fails at once."""

from __future__ import annotations

import textwrap
import threading
from typing import TYPE_CHECKING

import pytest

from segctl.account.snapshot import take_snapshot
from segctl.common.secrets import Secret
from segctl.emulator import Emulator, Settings, seed
from segctl.errors import Forbidden, NotFound, RemoteError, UnexpectedResponse, Unreachable
from segctl.sendgrid import CONCURRENCY
from segctl.sendgrid.api import Reader
from segctl.sendgrid.transport import ATTEMPTS, Transport
from tests.sendgrid.support import Seen, answer, emulated, listening, segment_json
from tests.support.account import KEY
from tests.support.clock import FakeClock
from tests.support.process import HANG, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from segctl.model import Remote
    from segctl.sendgrid.connection import Mount
    from tests.sendgrid.support import Served


def everything(listed: tuple[Remote, ...]) -> Iterable[Remote]:
    return listed


class Account:
    """A mounted account of numbered segments; `on_get` may return another response for one."""

    def __init__(self, size: int, on_get: Callable[[int], Served | None] = lambda _: None) -> None:
        self.size = size
        self.on_get = on_get
        self.targets: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.lock = threading.Lock()

    def __call__(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Served:
        with self.lock:
            self.targets.append(target)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            path = target.partition("?")[0]
            if path.endswith("/2.0"):
                items = [segment_json(n, query_dsl=None) for n in range(self.size)]
                return answer(200, {"results": items})
            number = int(path[-12:])
            return self.on_get(number) or answer(200, segment_json(number))
        finally:
            with self.lock:
                self.at_once -= 1


def mounted(mount: Mount) -> Transport:
    return Transport("https://api.sendgrid.com", Secret(KEY), FakeClock(), mount=mount)


def test_a_snapshot_is_one_list_and_one_get_for_each_wanted_definition() -> None:
    # Each read waits until another one is under way.
    pair = threading.Barrier(2, timeout=HANG)

    def wait_for_another(_: int) -> None:
        pair.wait()

    account = Account(40, wait_for_another)
    progress: list[tuple[int, int]] = []
    with mounted(account) as transport:
        snapshot = take_snapshot(
            Reader(transport), lambda listed: listed[1::2], lambda *counts: progress.append(counts)
        )
        assert transport.requests == 21
    assert [remote.name for remote in snapshot.remotes] == [f"Segment {n}" for n in range(40)]
    assert [remote.query is not None for remote in snapshot.remotes] == [False, True] * 20
    assert progress == [(n, 20) for n in range(1, 21)]
    assert account.targets[0] == "/v3/marketing/segments/2.0"
    assert all(target.endswith("?contacts_sample=false") for target in account.targets[1:])
    assert 1 < account.most_at_once <= CONCURRENCY


def test_without_wanted_definitions_one_request_is_sent() -> None:
    account = Account(3)
    progress: list[tuple[int, int]] = []
    with mounted(account) as transport:
        snapshot = take_snapshot(
            Reader(transport), lambda _: (), lambda *counts: progress.append(counts)
        )
    assert (len(snapshot.remotes), len(account.targets), progress) == (3, 1, [])


def test_the_order_of_the_list_is_kept_whatever_arrives_first() -> None:
    answered = [threading.Event() for _ in range(CONCURRENCY)]

    def last_first(number: int) -> None:
        if number < CONCURRENCY:
            assert number + 1 == CONCURRENCY or answered[number + 1].wait(HANG)
            answered[number].set()

    account = Account(CONCURRENCY + 4, last_first)
    with mounted(account) as transport:
        snapshot = take_snapshot(Reader(transport), everything)
    ids = [segment_json(n)["id"] for n in range(CONCURRENCY + 4)]
    assert [remote.id for remote in snapshot.remotes] == ids
    assert all(
        remote.query == segment_json(n)["query_dsl"] for n, remote in enumerate(snapshot.remotes)
    )


@pytest.mark.parametrize(
    "fault", ["403", "500 always", "truncated always", "wrong-json", "empty always"]
)
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_a_failed_read_fails_the_snapshot(fault: str, nth: int) -> None:
    with Emulator(None, Settings()) as emulator, mounted(emulated(emulator)) as transport:
        emulator.seed()
        kind, _, times = fault.partition(" ")
        emulator.faults.add(f"GET * {kind} #{nth} {times}".strip())
        with pytest.raises(RemoteError) as caught:
            take_snapshot(Reader(transport), everything)
    assert not isinstance(caught.value, NotFound)
    assert not caught.value.ambiguous


@pytest.mark.parametrize(
    ("fault", "message"),
    [("empty always", "it is empty"), ("wrong-json", "it has no list `results`")],
)
def test_a_response_without_a_list_is_explained(fault: str, message: str) -> None:
    with Emulator(None, Settings()) as emulator, mounted(emulated(emulator)) as transport:
        emulator.faults.add(f"GET * {fault}")
        with pytest.raises(RemoteError, match=message):
            take_snapshot(Reader(transport), everything)


def test_a_segment_deleted_between_list_and_get_is_reported() -> None:
    with (
        mounted(Account(3, lambda number: answer(404) if number == 1 else None)) as transport,
        pytest.raises(NotFound, match="`Segment 1` was deleted a moment ago") as caught,
    ):
        take_snapshot(Reader(transport), everything)
    assert "in a minute" in caught.value.hint
    assert caught.value.status == 404
    assert segment_json(1)["id"] in caught.value.operation


def test_a_deleted_segment_that_lingers_in_the_list_is_not_read_as_missing() -> None:
    with Emulator(None, Settings()) as emulator, mounted(emulated(emulator)) as transport:
        emulator.seed()
        reader = Reader(transport)
        transport.send(
            "DELETE",
            f"/v3/marketing/segments/2.0/{seed.OLD_WEBINAR_GUESTS_ID}",
            operation="delete it",
        )
        with pytest.raises(NotFound, match="`Old webinar guests 2024` was deleted"):
            take_snapshot(reader, everything)


def test_a_404_of_a_gateway_is_not_a_deletion() -> None:
    page = answer(404, b"<html><h1>Not Found</h1></html>")
    with (
        mounted(Account(3, lambda number: page if number == 1 else None)) as transport,
        pytest.raises(UnexpectedResponse, match="does not look like SendGrid"),
    ):
        take_snapshot(Reader(transport), everything)


def test_a_segment_renamed_between_list_and_get_is_reported() -> None:
    renamed = answer(200, segment_json(1, name="Other"))
    with (
        mounted(Account(3, lambda number: renamed if number == 1 else None)) as transport,
        pytest.raises(RemoteError, match="`Segment 1` was renamed") as caught,
    ):
        take_snapshot(Reader(transport), everything)
    assert caught.value.hint == "run the command again"


def wait_for_reads(account: Account) -> None:
    """Wait until no request is under way and none can follow."""
    for thread in threading.enumerate():
        if thread.name == "read":
            thread.join(HANG)
    assert account.at_once == 0


def test_the_first_error_ends_the_snapshot_at_once() -> None:
    release = threading.Event()

    def on_get(number: int) -> Served | None:
        if number == 7:
            return answer(403)
        assert release.wait(HANG)
        return None

    account = Account(200, on_get)
    with mounted(account) as transport:
        try:
            with pytest.raises(Forbidden):
                take_snapshot(Reader(transport), everything)
            # The client does not wait for the other requests; only the server still holds them.
            assert account.at_once > 0
        finally:
            release.set()
        begun = len(account.targets)
    wait_for_reads(account)
    # The requests under way ended, and no other was started.
    assert len(account.targets) <= begun + CONCURRENCY < 100


def test_an_unreachable_server_gets_the_usual_attempts() -> None:
    with Transport("http://127.0.0.1:9", Secret(KEY), FakeClock(), direct=True) as transport:
        with pytest.raises(Unreachable, match="could not list the segments"):
            take_snapshot(Reader(transport), everything)
        assert transport.requests == ATTEMPTS


def test_the_progress_callback_can_stop_the_snapshot() -> None:
    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    release = threading.Event()

    def on_get(number: int) -> None:
        if number != 3:
            assert release.wait(HANG)

    account = Account(500, on_get)
    with mounted(account) as transport:
        try:
            with pytest.raises(KeyboardInterrupt):
                take_snapshot(Reader(transport), everything, stop)
        finally:
            release.set()
    wait_for_reads(account)
    assert len(account.targets) < 100


@pytest.mark.posix
@pytest.mark.parametrize("hung", ["list", "get"])
def test_ctrl_c_ends_a_process_whose_reads_hang(hung: str) -> None:
    arrived = threading.Event()
    release = threading.Event()

    def serve(request: Seen) -> Served:
        is_list = request.target.endswith("/2.0")
        if is_list == (hung == "list"):
            arrived.set()
            release.wait(HANG)
        return answer(200, {"results": [segment_json(n) for n in range(40)]})

    program = textwrap.dedent("""
        import sys
        from segctl.common.clock import SystemClock
        from segctl.common.secrets import Secret
        from segctl.sendgrid.api import Reader
        from segctl.sendgrid.transport import Transport
        from segctl.account.snapshot import take_snapshot
        try:
            with Transport(sys.argv[1], Secret("k" * 9), SystemClock(), direct=True) as transport:
                take_snapshot(Reader(transport), lambda listed: listed)
        except KeyboardInterrupt:
            sys.exit(130)
    """)
    with listening(serve) as server:
        try:
            with running("-c", program, server.url) as process:
                process.wait_for(arrived)
                process.interrupt()
                assert process.finish() == (130, "", "")
        finally:
            release.set()
