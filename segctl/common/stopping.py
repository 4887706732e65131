"""The request to stop: an event that every wait watches, and the signals that set it.

A second request forces the stop. Does not know what is being stopped, and never ends a wait by an
exception from a signal handler: that could be swallowed, or come too late.
"""

from __future__ import annotations

import signal
import socket
import threading
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING

from segctl.common.clock import WakeEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from segctl.common.clock import Clock

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C, and the signal that a service manager or a CI runner sends."""


class Stop:
    """A request to stop, which any thread and any signal handler may make.

    `requested` (the first request) ends every wait and starts nothing more, but waits for responses
    to requests that were sent. `forced` (the second one) does not wait for those either.
    """

    def __init__(self) -> None:
        self.requested = False
        self.forced = False
        # Both are used in atomic steps: a signal handler could wait for a lock forever.
        self._numbers = count()
        self._watchers: set[WakeEvent] = set()

    def request(self, *, force: bool = False) -> None:
        """Request to stop; with `force`, as if for the second time."""
        is_first = next(self._numbers) == 0
        self.forced = self.forced or force or not is_first
        self.requested = True
        for wake_event in tuple(self._watchers):
            wake_event.set()

    @contextmanager
    def watched_by(self, wake_event: WakeEvent) -> Iterator[None]:
        """Set this event at every request to stop. Earlier requests do not set it: check first."""
        self._watchers.add(wake_event)
        try:
            yield
        finally:
            self._watchers.discard(wake_event)

    def sleep(self, seconds: float, clock: Clock) -> None:
        """Wait for `seconds`, or until someone requests to stop."""
        wake_event = WakeEvent()
        with self.watched_by(wake_event):
            if not self.requested:
                clock.wait(wake_event, seconds)

    def wait(self) -> None:
        """Wait until someone requests to stop."""
        wake_event = WakeEvent()
        with self.watched_by(wake_event):
            while not self.requested:
                wake_event.wait()


@contextmanager
def stop_on_signals(
    stop: Stop, notify: Callable[[], None] = lambda: None, *, force: bool = False
) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into requests to stop, without raising exceptions.

    Calls `notify` after the first one, on another thread. With `force`, the first signal forces the
    stop. Python allows signal handlers on the main thread only; on any other thread, signals keep
    their handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # The interpreter writes the number of each signal to a socket as soon as it arrives, whatever
    # the main thread is doing. A Python handler would have to wait for that thread, which may just
    # enter a system call that the signal came too early to end.
    with ExitStack() as cleanup:
        receiver, sender = socket.socketpair()
        cleanup.callback(receiver.close)
        sender.settimeout(0)
        watcher = threading.Thread(
            target=_forward, args=(receiver, stop, notify, force), name="signals", daemon=True
        )
        watcher.start()
        cleanup.callback(watcher.join)
        cleanup.callback(sender.close)
        previous = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        cleanup.callback(signal.set_wakeup_fd, previous)
        for number in SIGNALS:
            # Python returns None for a handler that was not set from Python, and cannot restore it.
            handler = signal.signal(number, _ignore) or signal.SIG_DFL
            cleanup.callback(signal.signal, number, handler)
        yield


def _ignore(_number: int, _frame: object) -> None:
    """Handle a signal that `_forward` receives, too."""


def _forward(receiver: socket.socket, stop: Stop, notify: Callable[[], None], force: bool) -> None:
    while numbers := receiver.recv(64):
        for number in numbers:
            if number not in SIGNALS:
                continue
            is_first = not stop.requested
            stop.request(force=force)
            if is_first:
                # The next signal must count even if nothing can be written.
                with suppress(OSError, ValueError):
                    notify()
