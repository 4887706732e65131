"""The request to stop: who hears of it, and how signals become one."""

from __future__ import annotations

import signal
import threading

import pytest

from segctl.common.clock import SystemClock, WakeEvent
from segctl.common.stopping import SIGNALS, Stop, stop_on_signals
from tests.support.clock import FakeClock
from tests.support.process import HANG, running


def test_the_second_request_forces_the_stop() -> None:
    stop = Stop()
    assert (stop.requested, stop.forced) == (False, False)
    stop.request()
    assert (stop.requested, stop.forced) == (True, False)
    stop.request()
    assert (stop.requested, stop.forced) == (True, True)


def test_one_request_can_force_the_stop() -> None:
    stop = Stop()
    stop.request(force=True)
    assert (stop.requested, stop.forced) == (True, True)


def test_every_request_wakes_those_that_watch() -> None:
    stop, early, late = Stop(), WakeEvent(), WakeEvent()
    with stop.watched_by(early):
        stop.request()
        with stop.watched_by(late):
            stop.request()
    stop.request()
    assert [early.wait(0) for _ in range(3)] == [True, True, False]
    assert [late.wait(0) for _ in range(2)] == [True, False]


def test_a_request_ends_a_sleep() -> None:
    stop, clock = Stop(), FakeClock()
    stop.sleep(5, clock)
    stop.request()
    stop.sleep(7, clock)
    assert clock.slept == [5]


def test_a_request_from_another_thread_ends_a_sleep() -> None:
    stop = Stop()
    asking = threading.Timer(0.01, stop.request)
    asking.start()
    # It would go on for a day.
    stop.sleep(86_400, SystemClock())
    stop.wait()
    asking.join(HANG)


@pytest.mark.posix
@pytest.mark.parametrize("number", SIGNALS)
def test_signals_become_requests_and_raise_nothing(number: signal.Signals) -> None:
    stop, notified = Stop(), threading.Event()
    before = [signal.getsignal(one) for one in SIGNALS]
    with stop_on_signals(stop, notified.set):
        signal.raise_signal(number)
        stop.wait()
        assert notified.wait(HANG)
        forced_by_one = stop.forced
        notified.clear()
        signal.raise_signal(number)
        wake_event = WakeEvent()
        with stop.watched_by(wake_event):
            while not stop.forced:
                wake_event.wait()
    assert not forced_by_one
    # The second request needs no message: the process is about to end.
    assert not notified.is_set()
    assert [signal.getsignal(one) for one in SIGNALS] == before
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.posix
def test_one_signal_can_force_the_stop() -> None:
    stop = Stop()
    with stop_on_signals(stop, force=True):
        signal.raise_signal(signal.SIGINT)
        stop.wait()
    assert stop.forced


def unwritable() -> None:
    raise BrokenPipeError


@pytest.mark.posix
def test_a_message_that_cannot_be_written_does_not_cost_the_second_signal() -> None:
    stop, wake_event = Stop(), WakeEvent()
    with stop.watched_by(wake_event), stop_on_signals(stop, unwritable):
        signal.raise_signal(signal.SIGINT)
        stop.wait()
        signal.raise_signal(signal.SIGINT)
        while not stop.forced:
            wake_event.wait()


@pytest.mark.posix
def test_other_signals_request_nothing() -> None:
    stop, handled = Stop(), threading.Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: handled.set())
    try:
        with stop_on_signals(stop):
            signal.raise_signal(signal.SIGUSR1)
            assert handled.wait(HANG)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert not stop.requested


def test_signals_stay_as_they_are_on_another_thread() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def enter() -> None:
        with stop_on_signals(Stop()):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join(HANG)
    assert seen == [before]


SWALLOWING = """
import sys
from segctl.common.stopping import Stop, stop_on_signals

class Careless:
    def __del__(self):
        # An exception that a signal handler raises in here is printed, and lost.
        sum(range(100))

stop = Stop()
with stop_on_signals(stop, force=True):
    print("ready", flush=True)
    while not stop.requested:
        Careless()
"""


@pytest.mark.posix
def test_no_signal_is_lost_where_an_exception_would_be() -> None:
    with running("-c", SWALLOWING) as process:
        assert process.out is not None
        process.out.wait_for("ready")
        process.interrupt()
        assert process.finish() == (0, "ready\n", "")
