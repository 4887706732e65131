"""The threads that send requests, so that a caller can stop waiting for a response.

A thread that reads from a socket cannot be woken, so callers, which must notice a request to stop,
do not read from one. Sends nothing itself.
"""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from segctl.common.clock import WakeEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from segctl.common.stopping import Stop

T = TypeVar("T")


class Abandoned(Exception):
    """The caller stopped waiting for a call, which may still run to its end."""


class IoThreads:
    """Runs calls on other threads, as many at a time as there are callers. Safe among threads.

    The threads do not keep the process alive: an abandoned call ends with it.
    """

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._lock = threading.Lock()
        self._idle: list[SimpleQueue[_Call[Any] | None]] = []
        self._busy = 0
        self._close: Callable[[], None] | None = None

    @property
    def busy(self) -> bool:
        """Whether any call is still running, abandoned ones included."""
        return self._busy > 0

    def run(self, call: Callable[[], T]) -> T:
        """Return what `call` returns, and raise what it raises.

        Raises `Abandoned` as soon as the stop is forced. The call then goes on without its caller,
        as it does if an exception such as `KeyboardInterrupt` ends the wait.
        """
        running = _Call(call)
        with self._stop.watched_by(running.ended):
            self._start(running)
            while not running.results and not self._stop.forced:
                running.ended.wait()
        if not running.results:
            raise Abandoned
        result = running.results.pop()
        if isinstance(result, _Raised):
            raise result.error
        return result

    def close(self, close: Callable[[], None]) -> None:
        """Call `close` once no call is running, which is at once unless calls were abandoned.

        If a connection is closed while a thread reads from it, that thread can end up reading from
        the next connection that the system gives the same number.
        """
        with self._lock:
            self._close = close
            is_idle = not self._busy
            for tasks in self._idle:
                tasks.put(None)
            self._idle.clear()
        if is_idle:
            close()

    def _start(self, call: _Call[Any]) -> None:
        with self._lock:
            self._busy += 1
            tasks = self._idle.pop() if self._idle else None
        if tasks is None:
            tasks = SimpleQueue()
            threading.Thread(target=self._work, args=(tasks,), name="request", daemon=True).start()
        tasks.put(call)

    def _work(self, tasks: SimpleQueue[_Call[Any] | None]) -> None:
        while (call := tasks.get()) is not None:
            call.run()
            with self._lock:
                self._busy -= 1
                close = self._close
                is_last = close is not None and not self._busy
                if close is None:
                    self._idle.append(tasks)
            call.ended.set()
            if close is not None:
                if is_last:
                    close()
                return
            # An idle thread must not keep the result.
            del call


class _Call(Generic[T]):
    """A running call; `ended` is set once it has a result."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self.ended = WakeEvent()
        self.results: list[T | _Raised] = []

    def run(self) -> None:
        try:
            self.results.append(self._call())
        except BaseException as error:  # noqa: BLE001 - raised again in the caller
            self.results.append(_Raised(error))


class _Raised:
    """An exception that ended a call."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
