"""The threads that advance the generators of an apply.

Knows nothing of changes and their order: `scheduler.py` decides what is advanced when.
"""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from segctl.applying.context import Steps, Stopped, Wait
    from segctl.model.report import Outcome

J = TypeVar("J")


class WorkerPool(Generic[J]):
    """Threads that advance generators, started when they are needed.

    They are daemons: a process that has to end at once leaves them behind.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._threads: list[threading.Thread] = []
        self._tasks: SimpleQueue[tuple[J, Steps[Outcome], Stopped | None] | None] = SimpleQueue()
        self._results: SimpleQueue[tuple[J, Wait | Outcome | BaseException]] = SimpleQueue()
        self.busy = 0

    @property
    def has_free_worker(self) -> bool:
        """Whether a worker has nothing to do."""
        return self.busy < self._size

    def advance(self, job: J, steps: Steps[Outcome], stop: Stopped | None) -> None:
        """Advance a generator to its next wait or its end; throw `stop` in, if there is one."""
        self.busy += 1
        if len(self._threads) < self.busy:
            thread = threading.Thread(target=self._work, name="apply", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._tasks.put((job, steps, stop))

    def collect(self, timeout: float) -> tuple[J, Wait | Outcome] | None:
        """Return the result of a step, `None` if none ends within `timeout` seconds.

        Raises what a generator raised, which is always a bug.
        """
        try:
            job, result = self._results.get(timeout=timeout)
        except Empty:
            return None
        self.busy -= 1
        if isinstance(result, BaseException):
            raise result
        return job, result

    def close(self) -> None:
        """End the idle workers, and the others after their current step."""
        for _ in self._threads:
            self._tasks.put(None)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            job, steps, stop = task
            result: Wait | Outcome | BaseException
            try:
                result = next(steps) if stop is None else steps.throw(stop)
            except StopIteration as end:
                result = end.value
            except BaseException as error:  # noqa: BLE001 - `collect` raises it
                result = error
            self._results.put((job, result))
