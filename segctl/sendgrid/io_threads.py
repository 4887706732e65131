"""The threads on which requests are sent, so that whoever waits for an answer can stop waiting.

A thread that reads from a socket cannot be woken, so nobody who must hear a request to stop reads
from one. Sends nothing itself, and decides nothing about what is sent.
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
    """Nobody waits for this call any more, which may still run to its end."""


class IoThreads:
    """Runs calls on other threads, as many at a time as there are callers. Safe among threads.

    The threads keep no process alive: a call that was left behind ends with it.
    """

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._lock = threading.Lock()
        self._idle: list[SimpleQueue[_Call[Any] | None]] = []
        self._busy = 0
        self._close: Callable[[], None] | None = None

    @property
    def busy(self) -> bool:
        """Whether any call has not ended, be it one that was left behind."""
        return self._busy > 0

    def run(self, call: Callable[[], T]) -> T:
        """Return what `call` returns, and raise what it raises.

        Raises `Abandoned` as soon as anyone insists on stopping; the call goes on by itself then,
        as it does where an exception such as `KeyboardInterrupt` ends the wait.
        """
        running = _Call(call)
        with self._stop.watched_by(running.ended):
            self._start(running)
            while not running.results and not self._stop.insisted:
                running.ended.wait()
        if not running.results:
            raise Abandoned
        result = running.results.pop()
        if isinstance(result, _Raised):
            raise result.error
        return result

    def close(self, close: Callable[[], None]) -> None:
        """Call `close` once nothing runs any more, which is at once unless calls were left behind.

        A connection that is closed under a thread that reads from it could leave that thread with
        the connection that the system gives the same number next.
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
            # Nothing that the call came to is kept for as long as this thread is idle.
            del call


class _Call(Generic[T]):
    """A call on its way; `ended` is set once it has a result."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self.ended = WakeEvent()
        self.results: list[T | _Raised] = []

    def run(self) -> None:
        try:
            self.results.append(self._call())
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits for it
            self.results.append(_Raised(error))


class _Raised:
    """An exception that ended a call."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
