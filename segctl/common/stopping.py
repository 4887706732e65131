"""The request to stop: an event that every wait watches, and the signals that ask for it.

Owns what it means to be asked once and twice. Knows nothing of what is being stopped, and never
ends a wait by an exception from a signal handler: that could be swallowed, or come too late.
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
"""Ctrl-C, and what a service manager or a CI runner sends."""


class Stop:
    """A request to stop. May be made by any thread, and by a signal handler.

    `requested`, by the first request, ends every wait and begins nothing more, but lets what was
    sent be answered. `insisted`, by the second one, leaves behind what was sent, too.
    """

    def __init__(self) -> None:
        self.requested = False
        self.insisted = False
        # Both are used in single steps: a signal handler could wait for a lock forever.
        self._numbers = count()
        self._watchers: set[WakeEvent] = set()

    def request(self, *, insist: bool = False) -> None:
        """Ask to stop, or insist on it right away."""
        is_first = next(self._numbers) == 0
        self.insisted = self.insisted or insist or not is_first
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
        """Wait for so many seconds, or until anyone asks to stop."""
        wake_event = WakeEvent()
        with self.watched_by(wake_event):
            if not self.requested:
                clock.wait(wake_event, seconds)

    def wait(self) -> None:
        """Wait until anyone asks to stop."""
        wake_event = WakeEvent()
        with self.watched_by(wake_event):
            while not self.requested:
                wake_event.wait()


@contextmanager
def stop_on_signals(
    stop: Stop, notify: Callable[[], None] = lambda: None, *, insist: bool = False
) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into requests to stop, and raise nothing for them.

    `notify` is called after the first one, on another thread. `insist`: one signal is enough.
    Python allows signal handlers on the main thread only: on any other one, signals stay as they
    are.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # The interpreter writes the number of each signal to a socket the moment it arrives, whatever
    # the main thread is doing. A Python handler would have to wait for that thread, which may just
    # be entering a system call that the signal came too early to end.
    with ExitStack() as cleanup:
        receiver, sender = socket.socketpair()
        cleanup.callback(receiver.close)
        sender.settimeout(0)
        watcher = threading.Thread(
            target=_forward, args=(receiver, stop, notify, insist), name="signals", daemon=True
        )
        watcher.start()
        cleanup.callback(watcher.join)
        cleanup.callback(sender.close)
        previous = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        cleanup.callback(signal.set_wakeup_fd, previous)
        for number in SIGNALS:
            # A handler that was not set from Python is shown as None, and cannot be set again.
            handler = signal.signal(number, _ignore) or signal.SIG_DFL
            cleanup.callback(signal.signal, number, handler)
        yield


def _ignore(_number: int, _frame: object) -> None:
    """Handle a signal that `_forward` has already heard of."""


def _forward(receiver: socket.socket, stop: Stop, notify: Callable[[], None], insist: bool) -> None:
    while numbers := receiver.recv(64):
        for number in numbers:
            if number not in SIGNALS:
                continue
            is_first = not stop.requested
            stop.request(insist=insist)
            if is_first:
                # Where nothing can be written, the next signal must be heard all the same.
                with suppress(OSError, ValueError):
                    notify()
