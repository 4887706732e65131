"""Calls on threads of their own: their results, and calls that are abandoned."""

from __future__ import annotations

import threading

import pytest

from segctl.common.stopping import Stop
from segctl.sendgrid.io_threads import Abandoned, IoThreads
from tests.support.process import HANG


def test_a_call_returns_and_raises_as_it_would_in_the_caller() -> None:
    threads = IoThreads(Stop())
    assert threads.run(lambda: 3) == 3
    assert threads.run(lambda: None) is None
    with pytest.raises(ZeroDivisionError):
        threads.run(lambda: 1 // 0)
    assert not threads.busy
    threads.close(lambda: None)


def test_one_caller_needs_one_thread() -> None:
    threads = IoThreads(Stop())
    used = {threads.run(threading.get_ident) for _ in range(20)}
    assert len(used) == 1
    assert threading.get_ident() not in used
    threads.close(lambda: None)


def test_an_abandoned_call_closes_its_connection_when_it_ends() -> None:
    stop, begun, release, closed = (
        Stop(),
        threading.Event(),
        threading.Event(),
        threading.Event(),
    )
    threads = IoThreads(stop)

    def hang() -> None:
        begun.set()
        assert release.wait(HANG)

    def force() -> None:
        assert begun.wait(HANG)
        stop.request(force=True)

    asking = threading.Thread(target=force)
    asking.start()
    with pytest.raises(Abandoned):
        threads.run(hang)
    asking.join(HANG)
    assert threads.busy
    threads.close(closed.set)
    # The connection must stay open while the call uses it.
    assert not closed.is_set()
    release.set()
    assert closed.wait(HANG)
    assert not threads.busy


def test_one_request_to_stop_abandons_no_call() -> None:
    stop = Stop()
    threads = IoThreads(stop)

    def ask() -> str:
        stop.request()
        return "answered"

    assert threads.run(ask) == "answered"
    threads.close(lambda: None)
