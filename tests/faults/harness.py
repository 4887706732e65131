"""An emulated account, and runs of segctl on it whose every request can be disturbed.

A `World` has an emulated account and a clock that both sides share and on which waiting takes no
time. Runs of the real command line (`main`) reach the account through httpx, whose network half is
replaced by a wire that acts out what the emulator's faults say, that lets another run step in
before any request, and that kills a run at any request.

**Killed.** A run is killed by an exception that no clean-up catches, raised where its request
leaves or where the answer arrives; from then on none of its threads gets a request out or a sleep
over with. That equals SIGKILL as far as the account can tell, since segctl keeps no state of its
own on which the next run relies: what it knows it reads from the files, git and the account (a
cache of definitions is checked against the list, and every write against what is there).
`test_killed.py` does the same with real processes.
"""

from __future__ import annotations

import heapq
import io
import signal
import threading
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import httpx
import pytest

from segctl.cli.main import main
from segctl.emulator import Delivery, Emulator, Settings, seed
from segctl.model.report import Report
from segctl.sendgrid import connection
from tests.support.account import KEY
from tests.support.process import HANG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from segctl.common.clock import WakeEvent
    from segctl.emulator import Record, Response

OTHER_KEY = KEY[:-1] + "c"
"""The key of a second run at the same time: it is how the wire tells two runs apart."""

START = datetime(2026, 7, 15, 16, 4, 33, tzinfo=UTC)
A_MOMENT = 0.001
"""Real seconds for which a sleeping thread lets others run before the clock moves on."""

A_NAP = 0.25
"""Seconds of the clock up to which a wait ends at once, without `A_MOMENT` for others."""


class Killed(BaseException):
    """The end of a killed run. No `except Exception` catches it, as none catches SIGKILL."""


class Clock:
    """A clock on which waiting takes no time. Threads continue in the order of their wake-ups."""

    def __init__(self) -> None:
        # A float, since a datetime would round short waits away.
        self.moment = 0.0
        self._sleeping: list[float] = []
        self._changed = threading.Condition()

    def now(self) -> datetime:
        return START + timedelta(seconds=self.moment)

    def monotonic(self) -> float:
        return self.moment

    def forward(self, seconds: float) -> None:
        with self._changed:
            self.moment += seconds
            self._changed.notify_all()

    def sleep(self, seconds: float) -> None:
        with self._changed:
            until = self.moment + seconds
            heapq.heappush(self._sleeping, until)
            while self.moment < until:
                naps_next = seconds <= A_NAP and self._sleeping[0] == until
                # Only waiting releases the lock, which an earlier sleeper needs to wake up.
                moved = not naps_next and self._changed.wait(A_MOMENT)
                if not moved and self._sleeping[0] == until:
                    self.moment = until
            self._sleeping.remove(until)
            heapq.heapify(self._sleeping)
            self._changed.notify_all()

    def wait(self, wake_event: WakeEvent, seconds: float) -> bool:
        if wake_event.wait(0.0):
            return True
        self.sleep(seconds)
        return wake_event.wait(0.0)


@dataclass
class Run:
    """One run of segctl: what disturbs it, what it sent, what it printed.

    `kill` is the number of the request, from 1, at which it is killed; with `kill_after`, GET
    requests do not count, and the server acts on the request first. `before` holds what happens
    before the request of a number is served.
    """

    key: str = KEY
    kill: int = 0
    kill_after: bool = False
    before: dict[int, Callable[[], None]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    code: int | None = None
    out: str = ""
    err: str = ""
    report: Report | None = None
    dead: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def writes(self) -> list[str]:
        """The requests other than GET."""
        return [request for request in self.requests if not request.startswith("GET")]

    def check_alive(self) -> None:
        """Raise `Killed` in a run that was killed."""
        if self.dead:
            raise Killed

    def die(self) -> None:
        """Kill this run."""
        self.dead = True
        raise Killed


class _RunClock:
    """The clock of a world for one run: a wait raises `Killed` once the run was killed."""

    def __init__(self, clock: Clock, run: Run) -> None:
        self._clock, self._run = clock, run

    def now(self) -> datetime:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self._run.check_alive()
        self._clock.sleep(seconds)
        self._run.check_alive()

    def wait(self, wake_event: WakeEvent, seconds: float) -> bool:
        self._run.check_alive()
        was_set = self._clock.wait(wake_event, seconds)
        self._run.check_alive()
        return was_set


class World:
    """An emulated account with the real limits, the rate limit aside, and runs on it.

    `watch` is called after every request other than GET and after every change by hand; a text that
    it returns is a violation. Runs continue after one: check `violations` when they have ended.
    """

    def __init__(
        self, settings: Settings, watch: Callable[[World], str] = lambda _: "", *, cache: str = ""
    ) -> None:
        self.clock = Clock()
        self._ids = 0
        self.emulator = Emulator(None, settings, now=self.clock.now, new_id=self._new_id)
        self.watch = watch
        self.violations: list[str] = []
        self.runs: dict[str, Run] = {}
        self.run_of: WeakKeyDictionary[threading.Thread, Run] = WeakKeyDictionary()
        self.env = {"SEGCTL_BASE_URL": "http://127.0.0.1:9", "SEGCTL_CACHE_DIR": cache}
        for name, kind in seed.CUSTOM_FIELDS.items():
            self.emulator.console.add_field(name, kind)

    def _new_id(self) -> str:
        self._ids += 1
        return f"0e0e0e0e-0000-4000-8000-{self._ids:012}"

    def close(self) -> None:
        """Close the emulator."""
        self.emulator.close()

    def segments(self) -> tuple[Record, ...]:
        """Return the segments of the account, including what the API does not show."""
        return self.emulator.console.segments()

    def look(self) -> None:
        """Check what must hold at every moment, and record a violation."""
        violation = self.watch(self)
        if violation:
            self.violations.append(violation)

    def run(self, root: Path, *argv: str, run: Run | None = None, env: Any = None) -> Run:
        """Run segctl until it ends or is killed; return the run."""
        run = Run() if run is None else run
        self.runs[run.key] = run
        environ = {**self.env, "SENDGRID_API_KEY": run.key, **(env or {})}
        outer = _RUNNING.get(threading.get_ident())
        self.run_of[threading.current_thread()] = run
        _RUNNING[threading.get_ident()] = run
        try:
            run.code = main(["-C", str(root), *argv], environ, _RunClock(self.clock, run))
        except Killed:
            assert run.dead
        finally:
            del _RUNNING[threading.get_ident()]
            if outer is not None:
                _RUNNING[threading.get_ident()] = outer
                self.run_of[threading.current_thread()] = outer
        return run

    def serve(self, request: httpx.Request) -> httpx.Response:
        """Return the emulator's response to a request of a run. Raises what the fault says."""
        run = self.runs[request.headers["Authorization"].removeprefix("Bearer ")]
        run.check_alive()
        # A thread of a run that was killed sends nothing more, not even as the next run.
        self.run_of.setdefault(threading.current_thread(), run).check_alive()
        target = request.url.raw_path.decode("ascii")
        with run.lock:
            run.requests.append(f"{request.method} {target}")
            number = len(run.requests)
            is_last = run.kill == (len(run.writes) if run.kill_after else number)
            is_last = is_last and not (run.kill_after and request.method == "GET")
        run.before.pop(number, lambda: None)()
        run.check_alive()
        if is_last and not run.kill_after:
            run.die()
        body = request.read()
        assert "delete_contacts" not in target + body.decode(), "no contact is ever deleted"
        reply = self.emulator.handle(request.method, target, dict(request.headers), body)
        fault = self.emulator.log[-1].fault
        with run.lock:
            sent = "" if not body else f" {body.decode()}"
            run.requests[number - 1] += f"{sent} -> {reply.status}" + (
                f" ({fault})" if fault else ""
            )
        if request.method != "GET":
            self.look()
        run.check_alive()
        if is_last:
            run.die()
        return self._deliver(request, reply)

    def _deliver(self, request: httpx.Request, reply: Response) -> httpx.Response:
        if reply.delay:
            self.clock.forward(reply.delay)
        match reply.delivery:
            case Delivery.REFUSED:
                raise httpx.ConnectError("connection refused", request=request)
            case Delivery.DROPPED:
                raise httpx.ReadError("connection reset by peer", request=request)
            case Delivery.HUNG:
                patience = request.extensions["timeout"]["read"]
                self.clock.forward(min(patience, reply.seconds))
                if reply.seconds < patience:
                    raise httpx.ReadError("connection reset by peer", request=request)
                raise httpx.ReadTimeout("timed out", request=request)
            case _:
                return httpx.Response(
                    reply.status,
                    headers=list(reply.headers),
                    stream=_Stream(self.clock, reply),
                    request=request,
                )


class _Stream(httpx.SyncByteStream):
    """A response body: whole, cut in the middle, or in slow pieces."""

    def __init__(self, clock: Clock, reply: Response) -> None:
        self._clock, self._reply = clock, reply

    def __iter__(self) -> Iterator[bytes]:
        body, reply = self._reply.body, self._reply
        match reply.delivery:
            case Delivery.CUT:
                yield body[: len(body) // 2]
                raise httpx.RemoteProtocolError("peer closed connection without sending all of it")
            case Delivery.DRIPPED:
                for start in range(0, len(body), size := max(1, -(-len(body) // 10))):
                    self._clock.forward(reply.seconds / 10)
                    yield body[start : start + size]
            case _:
                yield body


_RUNNING: dict[int, Run] = {}
"""The run of each thread, without the threads that a run starts itself."""


class Output(io.TextIOBase):
    """A stream that appends to the output of the run that writes to it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def write(self, text: str) -> int:
        run = _RUNNING.get(threading.get_ident())
        if run is not None:
            setattr(run, self._name, getattr(run, self._name) + text)
        return len(text)


@contextmanager
def wired(world: World) -> Iterator[World]:
    """Connect every run of segctl in this process to this world only."""
    note = Report.__post_init__
    hear = signal.signal

    def noted(report: Report) -> None:
        note(report)
        run = _RUNNING.get(threading.get_ident())
        if run is not None:
            run.report = report

    def heard(number: int, handler: Any) -> Any:
        # A run during another may be on a thread, where Python allows no signal handlers.
        if threading.current_thread() is threading.main_thread():
            return hear(number, handler)
        return signal.getsignal(number)

    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(Output("out")),
        redirect_stderr(Output("err")),
    ):
        patch.setattr(httpx.HTTPTransport, "__init__", lambda *_, **__: None)
        patch.setattr(connection, "bound_connections", lambda _client: None)
        patch.setattr(httpx.HTTPTransport, "__enter__", lambda self: self)
        patch.setattr(httpx.HTTPTransport, "__exit__", lambda *_: None)
        patch.setattr(httpx.HTTPTransport, "close", lambda _: None)
        patch.setattr(
            httpx.HTTPTransport, "handle_request", lambda _, request: world.serve(request)
        )
        patch.setattr(Report, "__post_init__", noted)
        patch.setattr(signal, "signal", heard)
        try:
            yield world
        finally:
            world.close()


def crossed(apply: Callable[[Run], Run], first: int, second: int) -> tuple[Run, Run]:
    """Run an apply that begins during another and ends after it; return both.

    The outer apply pauses before its request number `first`. There the inner apply begins, and
    pauses before its request number `second` until the outer apply has ended.
    """
    outer_ended, inner_paused = threading.Event(), threading.Event()

    def pause() -> None:
        inner_paused.set()
        assert outer_ended.wait(HANG)

    def work() -> None:
        apply(inner)
        inner_paused.set()

    def begin() -> None:
        thread.start()
        assert inner_paused.wait(HANG)

    inner = Run(key=OTHER_KEY, before={second: pause})
    outer = Run(before={first: begin})
    thread = threading.Thread(target=work, daemon=True)
    apply(outer)
    outer_ended.set()
    if thread.ident is not None:
        thread.join(HANG)
        assert not thread.is_alive()
    return outer, inner


def write(root: Path, files: Mapping[str, str]) -> None:
    """Write files, by path relative to the project."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
