"""Runs the actions of a plan on a few threads, and others while some only wait.

Owns who goes when, and nothing of what is done. Three rules make the order:

- Consecutive changes of one kind are a stage. The next one begins when all of this one have ended
  or merely wait out an update lock or a validation: creates do not overtake the renames that free
  names, and five minutes of a lock keep nobody else waiting.
- A change waits for an earlier one of the same segment, and for the one that frees its name. What
  makes a segment before it deletes another one needs room for both, and of these only so many are
  under way as the account has room for. An upgrade gives its room back before it ends: where it
  waits for a lock, only its new segment's name is still to come.
- Deletes begin when everything before them has ended, and what stands behind deletes (they make
  room in a full account) when those have: what goes may be needed until the rest is known.

One thread, that of the caller, decides everything; the workers only advance generators. Its work
for each change is logarithmic in the number of changes.
"""

from __future__ import annotations

import heapq
import threading
from collections import deque
from dataclasses import dataclass, field
from itertools import count, groupby
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeAlias

from segctl.applying.context import Stopped, Wait, WaitReason
from segctl.common.clock import MAX_WAIT_STEP, sleep_unless
from segctl.model import Create, Delete, Patch, Replace, Upgrade
from segctl.model.report import Outcome, Status, not_attempted
from segctl.planning.capacity import needs_headroom

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from segctl.applying.context import Steps
    from segctl.common.clock import Clock
    from segctl.model import Change


@dataclass(frozen=True, slots=True)
class Started:
    """An action is about to be performed."""

    change: Change


@dataclass(frozen=True, slots=True)
class Waiting:
    """An action waits, for what `wait` says."""

    change: Change
    wait: Wait


Event: TypeAlias = Started | Waiting | Outcome


@dataclass(slots=True, eq=False)
class _Job:
    """A change on its way.

    `blockers`: how many earlier changes it still waits for; `is_settled`: it has ended, or only
    time is missing. `has_room`: it has made a segment, or may, and not yet deleted the other one.
    """

    number: int
    change: Change
    blockers: int = 0
    dependents: list[_Job] = field(default_factory=list)
    steps: Steps[Outcome] | None = None
    is_open: bool = False
    is_settled: bool = False
    has_room: bool = False


class Scheduler:
    """Carries out changes, each by the generator that `begin` gives.

    `stopped` is asked again and again; once it gives true, or the reason, the requests under way
    are finished, what waits is told to end, and nothing more is begun.
    """

    def __init__(
        self,
        changes: Sequence[Change],
        begin: Callable[[Change], Steps[Outcome]],
        stopped: Callable[[], str | bool],
        clock: Clock,
        *,
        parallelism: int,
        fail_fast: bool,
        room: int = 1,
    ) -> None:
        self._begin = begin
        self._stopped = stopped
        self._clock = clock
        self._fail_fast = fail_fast
        self._room = room
        self._jobs = _jobs(changes)
        self._stages = _stages(self._jobs)
        self._next_stage = 0
        self._unsettled = 0
        self._ended = 0
        self._obstacles = _Obstacles()
        self._halt: Stopped | None = None
        self._closed = ""
        # What may begin, in the plan's order, and what could if there were room; what waits, by
        # when it is due; what may go on.
        self._ready: list[tuple[int, _Job]] = []
        self._cramped: list[tuple[int, _Job]] = []
        self._waiting: list[tuple[float, int, _Job]] = []
        self._due: deque[_Job] = deque()
        self._tickets = count()
        self._crew = _WorkerPool(parallelism)

    def run(self) -> Generator[Event]:
        """Yield `Started` and `Waiting` as it happens, and exactly one `Outcome` for each change.

        Outcomes come as the actions end, not in the plan's order.
        """
        try:
            while self._ended < len(self._jobs):
                self._look_around()
                yield from self._hand_out()
                if self._crew.busy:
                    yield from self._take_in()
                elif self._waiting and not self._due:
                    left = self._waiting[0][0] - self._clock.monotonic()
                    sleep_unless(self._stopped, left, self._clock)
                elif not self._due:
                    yield from self._turn_away()
        finally:
            self._crew.dismiss()

    def _look_around(self) -> None:
        """Notice that it was stopped, that a wait is over, that a stage may begin."""
        self._heed()
        now = self._clock.monotonic()
        while self._waiting and (self._halt is not None or self._waiting[0][0] <= now):
            self._due.append(heapq.heappop(self._waiting)[2])
        while self._may_open():
            for job in self._stages[self._next_stage]:
                job.is_open = True
                self._offer(job)
            self._next_stage += 1

    def _heed(self) -> None:
        """Begin nothing more once it was stopped."""
        if self._halt is None and (why := self._stopped()):
            self._halt = Stopped(why if isinstance(why, str) else "interrupted")
            self._closed = f"{self._halt.message} before it was sent"

    def _may_open(self) -> bool:
        if self._next_stage == len(self._stages) or self._unsettled:
            return False
        stage = self._stages[self._next_stage]
        before = self._stages[self._next_stage - 1] if self._next_stage else ()
        is_strict = any(isinstance(jobs[0].change, Delete) for jobs in (stage, before) if jobs)
        return not is_strict or self._ended == stage[0].number

    def _offer(self, job: _Job) -> None:
        if job.is_open and not job.blockers:
            heapq.heappush(self._ready, (job.number, job))
            self._unsettled += 1

    def _hand_out(self) -> Iterator[Event]:
        """Give the free hands what may go on, then what may begin."""
        while self._due and self._crew.is_free:
            job = self._due.popleft()
            assert job.steps is not None  # noqa: S101 - it has waited, so it has begun
            self._crew.advance(job, job.steps, self._halt)
        while self._ready and (self._closed or self._crew.is_free):
            self._heed()
            _, job = heapq.heappop(self._ready)
            reason = self._closed or self._obstacles.to(job.change)
            if reason:
                yield self._end(job, not_attempted(job.change, reason))
                continue
            if needs_headroom(job.change):
                if not self._room:
                    self._cramped.append((job.number, job))
                    continue
                self._room -= 1
                job.has_room = True
            yield Started(job.change)
            job.steps = self._begin(job.change)
            self._crew.advance(job, job.steps, None)

    def _take_in(self) -> Iterator[Event]:
        """Wait for a step to end, or for the next wait to be over if a hand is free for it.

        Not for long at a time: whoever waits should hear soon that it was stopped.
        """
        patience = MAX_WAIT_STEP
        if self._waiting and self._crew.is_free:
            patience = min(patience, max(0.0, self._waiting[0][0] - self._clock.monotonic()))
        taken = self._crew.take_in(patience)
        if taken is None:
            return
        job, result = taken
        if isinstance(result, Outcome):
            yield self._end(job, result)
            return
        due = self._clock.monotonic() + result.seconds
        heapq.heappush(self._waiting, (due, next(self._tickets), job))
        if result.reason is not WaitReason.PAUSE:
            self._settle(job)
        if result.reason is WaitReason.LOCK and isinstance(job.change, Upgrade) and job.has_room:
            self._make_room(job)
        self._heed()
        if self._halt is None:
            yield Waiting(job.change, result)

    def _make_room(self, job: _Job) -> None:
        """Let another one begin in the room that a job leaves."""
        job.has_room = False
        self._room += 1
        for waiting in self._cramped:
            heapq.heappush(self._ready, waiting)
        self._cramped.clear()

    def _turn_away(self) -> Iterator[Event]:
        """End what has no room, and will have none: nothing is under way that could make any."""
        cramped, self._cramped = self._cramped, []
        for _, job in cramped:
            if self._closed:
                yield self._end(job, not_attempted(job.change, self._closed))
                continue
            what = "the account has no room for its new segment beside it"
            hint = "finish what stands there twice, and apply again"
            yield self._end(job, Outcome(job.change, Status.WAITING, job.change.id, what, hint))

    def _settle(self, job: _Job) -> None:
        if not job.is_settled:
            job.is_settled = True
            self._unsettled -= 1

    def _end(self, job: _Job, outcome: Outcome) -> Outcome:
        self._settle(job)
        if _leaves_room(job, outcome):
            self._make_room(job)
        self._ended += 1
        self._obstacles.note(outcome)
        is_failure = outcome.status not in (Status.DONE, Status.WAITING)
        if self._fail_fast and is_failure and not self._closed:
            self._closed = "an earlier action was not done, and --fail-fast stops there"
        for dependent in job.dependents:
            dependent.blockers -= 1
            self._offer(dependent)
        return outcome


class _WorkerPool:
    """Threads that advance generators, made as they are needed.

    They keep no process alive: whoever insists on leaving leaves them behind.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._threads: list[threading.Thread] = []
        self._tasks: SimpleQueue[tuple[_Job, Steps[Outcome], Stopped | None] | None] = SimpleQueue()
        self._results: SimpleQueue[tuple[_Job, Wait | Outcome | BaseException]] = SimpleQueue()
        self.busy = 0

    @property
    def is_free(self) -> bool:
        """Whether somebody has nothing to do."""
        return self.busy < self._size

    def advance(self, job: _Job, steps: Steps[Outcome], halt: Stopped | None) -> None:
        """Have a generator go on to its next wait or its end; throw `halt` in, if there is one."""
        self.busy += 1
        if len(self._threads) < self.busy:
            thread = threading.Thread(target=self._work, name="apply", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._tasks.put((job, steps, halt))

    def take_in(self, patience: float) -> tuple[_Job, Wait | Outcome] | None:
        """Give what a step came to, `None` if there is nothing within `patience` seconds.

        Raises what a generator raised: none is meant to.
        """
        try:
            job, result = self._results.get(timeout=patience)
        except Empty:
            return None
        self.busy -= 1
        if isinstance(result, BaseException):
            raise result
        return job, result

    def dismiss(self) -> None:
        """Let everybody go who has nothing to do, and the others after that."""
        for _ in self._threads:
            self._tasks.put(None)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            job, steps, halt = task
            result: Wait | Outcome | BaseException
            try:
                result = next(steps) if halt is None else steps.throw(halt)
            except StopIteration as end:
                result = end.value
            except BaseException as error:  # noqa: BLE001 - it is raised by who waits for it
                result = error
            self._results.put((job, result))


class _Obstacles:
    """What went wrong so far, and what that stands in the way of."""

    def __init__(self) -> None:
        self._stuck_names: set[str] = set()
        self._stuck_ids: set[str] = set()

    def to(self, change: Change) -> str:
        """Say why a change cannot be made any more, if it cannot."""
        if change.id in self._stuck_ids:
            return "an earlier step of it was not made"
        if not isinstance(change, Delete) and change.after.name in self._stuck_names:
            return f"`{change.after.name}` is still the name of another segment"
        return ""

    def note(self, outcome: Outcome) -> None:
        """Remember what a change that was not made leaves in the way."""
        change = outcome.change
        if outcome.status is Status.DONE or outcome.is_written:
            return
        if isinstance(change, Patch):
            self._stuck_ids.add(change.id)
        freed = _freed(change)
        if freed is not None and not isinstance(change, Replace):
            self._stuck_names.add(freed)


def _leaves_room(job: _Job, outcome: Outcome) -> bool:
    """Say whether a change ended with one segment less than it needed, or than were there.

    A replacement that stopped halfway is rare, and the next one learns of it from SendGrid. An
    upgrade that stopped may have been meant to: for some as long as people take.
    """
    if not isinstance(job.change, Replace | Upgrade):
        return job.has_room
    if outcome.status is Status.DONE:
        # One that went on from where an earlier run stopped found two, and leaves one.
        return job.has_room or job.change.successor is not None
    if isinstance(job.change, Replace):
        return job.has_room
    return job.has_room and not outcome.is_written and outcome.status is not Status.UNKNOWN


def _jobs(changes: Sequence[Change]) -> list[_Job]:
    """Make a job of each change and tie it to the earlier ones that it needs."""
    jobs = [_Job(number, change) for number, change in enumerate(changes)]
    by_id: dict[str, _Job] = {}
    freeing: dict[str, _Job] = {}
    for job in jobs:
        change = job.change
        needed: list[_Job | None] = []
        if change.id is not None:
            needed.append(by_id.get(change.id))
            by_id[change.id] = job
        if not isinstance(change, Delete):
            needed.append(freeing.get(change.after.name))
        for other in {id(one): one for one in needed if one is not None}.values():
            other.dependents.append(job)
            job.blockers += 1
        freed = _freed(change)
        if freed is not None:
            freeing[freed] = job
    return jobs


def _freed(change: Change) -> str | None:
    """Give the name that nobody has any more once a change is made."""
    match change:
        case Create():
            return None
        case Delete():
            return change.before.name
        case Patch() | Replace() | Upgrade():
            return change.before.name if change.before.name != change.after.name else None


def _stages(jobs: Sequence[_Job]) -> list[list[_Job]]:
    return [list(group) for _, group in groupby(jobs, key=lambda job: type(job.change))]
