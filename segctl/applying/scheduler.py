"""The order in which changes are carried out, on a few threads, while others only wait.

Decides which change goes on when, and nothing about what it does. Three rules make the order:

- Consecutive changes of one kind are a stage. A stage begins when all changes of the previous one
  have ended or only wait for an update lock or a validation: creates do not overtake the renames
  that free names, and a lock of five minutes delays nothing else.
- A change waits for an earlier one of the same segment, and for the one that frees its name. A
  change that creates a segment before it deletes another one needs capacity for both, and only as
  many of these are in progress as the account has capacity for. An upgrade returns its capacity
  before it ends: once it waits for a lock, it only has to rename its new segment.
- Deletes begin when everything before them has ended, and what follows deletes (they free capacity
  in a full account) when those have: a segment may be needed until the rest is known.

One thread, the caller's, decides everything; the workers only advance generators. The work for
each change is logarithmic in the number of changes.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field
from itertools import count, groupby
from typing import TYPE_CHECKING, TypeAlias

from segctl.applying.context import Stopped, Wait, WaitReason
from segctl.applying.worker_pool import WorkerPool
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
    """A change is about to be carried out."""

    change: Change


@dataclass(frozen=True, slots=True)
class Waiting:
    """A change waits, as `wait` describes."""

    change: Change
    wait: Wait


Event: TypeAlias = Started | Waiting | Outcome


@dataclass(slots=True, eq=False)
class _Job:
    """A change and its progress.

    `blockers`: the number of earlier changes that it still waits for. `is_open`: its stage has
    begun. `is_active`: it is ready or in progress, and does not merely wait for time to pass.
    `holds_capacity`: it has created a segment, or may, and has not yet deleted the other one.
    """

    number: int
    change: Change
    blockers: int = 0
    dependents: list[_Job] = field(default_factory=list)
    steps: Steps[Outcome] | None = None
    is_open: bool = False
    is_active: bool = False
    holds_capacity: bool = False


class Scheduler:
    """Carries out changes, each by the generator that `begin` returns.

    `stopped` is called again and again. Once it returns true or a reason, the requests in flight
    are finished, waits end, and no further change begins. `capacity` is the number of changes
    that may hold a second segment at once.
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
        capacity: int = 1,
    ) -> None:
        self._begin = begin
        self._stopped = stopped
        self._clock = clock
        self._fail_fast = fail_fast
        self._capacity = capacity
        self._jobs = _build_jobs(changes)
        self._stages = _stages(self._jobs)
        self._next_stage = 0
        self._active = 0
        self._ended = 0
        self._failures = _Failures()
        self._stop: Stopped | None = None
        self._closed = ""
        # Changes that may begin, in the plan's order; those that only lack capacity; those that
        # wait, by the time they are due; those that are due.
        self._ready: list[tuple[int, _Job]] = []
        self._without_capacity: list[tuple[int, _Job]] = []
        self._waiting: list[tuple[float, int, _Job]] = []
        self._due: deque[_Job] = deque()
        self._sequence = count()
        self._pool = WorkerPool[_Job](parallelism)

    def run(self) -> Generator[Event]:
        """Yield `Started` and `Waiting` as they happen, and exactly one `Outcome` for each change.

        Outcomes come as the changes end, not in the plan's order.
        """
        try:
            while self._ended < len(self._jobs):
                self._update()
                yield from self._start_ready()
                if self._pool.busy:
                    yield from self._collect()
                elif self._waiting and not self._due:
                    seconds = self._waiting[0][0] - self._clock.monotonic()
                    sleep_unless(self._stopped, seconds, self._clock)
                elif not self._due:
                    yield from self._skip_without_capacity()
        finally:
            self._pool.close()

    def _update(self) -> None:
        """Check whether the apply was stopped, a wait is over, or a stage may begin."""
        self._check_stopped()
        now = self._clock.monotonic()
        while self._waiting and (self._stop is not None or self._waiting[0][0] <= now):
            self._due.append(heapq.heappop(self._waiting)[2])
        while self._may_open_stage():
            for job in self._stages[self._next_stage]:
                job.is_open = True
                self._enqueue_if_ready(job)
            self._next_stage += 1

    def _check_stopped(self) -> None:
        """Begin nothing more once the apply was stopped."""
        if self._stop is None and (reason := self._stopped()):
            self._stop = Stopped(reason if isinstance(reason, str) else "interrupted")
            self._closed = f"{self._stop.message}; {self._stop.effect}"

    def _may_open_stage(self) -> bool:
        if self._next_stage == len(self._stages) or self._active:
            return False
        stage = self._stages[self._next_stage]
        previous = self._stages[self._next_stage - 1] if self._next_stage else ()
        is_strict = any(isinstance(jobs[0].change, Delete) for jobs in (stage, previous) if jobs)
        return not is_strict or self._ended == stage[0].number

    def _enqueue_if_ready(self, job: _Job) -> None:
        if job.is_open and not job.blockers:
            heapq.heappush(self._ready, (job.number, job))
            job.is_active = True
            self._active += 1

    def _start_ready(self) -> Iterator[Event]:
        """Have free workers resume the changes that are due, then begin those that are ready."""
        while self._due and self._pool.has_free_worker:
            job = self._due.popleft()
            assert job.steps is not None  # noqa: S101 - a job that waited has begun
            self._pool.advance(job, job.steps, self._stop)
        while self._ready and (self._closed or self._pool.has_free_worker):
            self._check_stopped()
            _, job = heapq.heappop(self._ready)
            reason = self._closed or self._failures.reason_to_skip(job.change)
            if reason:
                yield self._end(job, not_attempted(job.change, reason))
                continue
            if needs_headroom(job.change):
                if not self._capacity:
                    self._without_capacity.append((job.number, job))
                    continue
                self._capacity -= 1
                job.holds_capacity = True
            yield Started(job.change)
            job.steps = self._begin(job.change)
            self._pool.advance(job, job.steps, None)

    def _collect(self) -> Iterator[Event]:
        """Wait for a step to end, or for the next wait to be over if a worker is free for it.

        Only briefly, so that a request to stop is noticed soon.
        """
        timeout = MAX_WAIT_STEP
        if self._waiting and self._pool.has_free_worker:
            timeout = min(timeout, max(0.0, self._waiting[0][0] - self._clock.monotonic()))
        collected = self._pool.collect(timeout)
        if collected is None:
            return
        job, result = collected
        if isinstance(result, Outcome):
            yield self._end(job, result)
            return
        due = self._clock.monotonic() + result.seconds
        heapq.heappush(self._waiting, (due, next(self._sequence), job))
        if result.reason is not WaitReason.PAUSE:
            self._deactivate(job)
        if (
            result.reason is WaitReason.LOCK
            and isinstance(job.change, Upgrade)
            and job.holds_capacity
        ):
            self._release_capacity(job)
        self._check_stopped()
        if self._stop is None:
            yield Waiting(job.change, result)

    def _release_capacity(self, job: _Job) -> None:
        """Let another change use the capacity of a job."""
        job.holds_capacity = False
        self._capacity += 1
        for entry in self._without_capacity:
            heapq.heappush(self._ready, entry)
        self._without_capacity.clear()

    def _skip_without_capacity(self) -> Iterator[Event]:
        """End the changes that lack capacity: nothing is in progress that could free any."""
        without_capacity, self._without_capacity = self._without_capacity, []
        for _, job in without_capacity:
            if self._closed:
                yield self._end(job, not_attempted(job.change, self._closed))
                continue
            outcome = Outcome(
                job.change,
                Status.WAITING,
                job.change.id,
                "the account has no room for the new segment while the old one exists",
                "finish the pending replacements and upgrades, then apply again",
            )
            yield self._end(job, outcome)

    def _deactivate(self, job: _Job) -> None:
        if job.is_active:
            job.is_active = False
            self._active -= 1

    def _end(self, job: _Job, outcome: Outcome) -> Outcome:
        self._deactivate(job)
        if _frees_capacity(job, outcome):
            self._release_capacity(job)
        self._ended += 1
        self._failures.record(outcome)
        is_failure = outcome.status not in (Status.DONE, Status.WAITING)
        if self._fail_fast and is_failure and not self._closed:
            self._closed = "an earlier change was not done (--fail-fast); nothing was sent"
        for dependent in job.dependents:
            dependent.blockers -= 1
            self._enqueue_if_ready(dependent)
        return outcome


class _Failures:
    """The changes that were not done so far, and the changes that they prevent."""

    def __init__(self) -> None:
        self._blocked_names: set[str] = set()
        self._blocked_ids: set[str] = set()

    def reason_to_skip(self, change: Change) -> str:
        """Return why a change cannot be carried out any more; empty where it can."""
        if change.id in self._blocked_ids:
            return "an earlier change of the same segment was not done; nothing was sent"
        if not isinstance(change, Delete) and change.after.name in self._blocked_names:
            return f"`{change.after.name}` is still the name of another segment; nothing was sent"
        return ""

    def record(self, outcome: Outcome) -> None:
        """Record which names and segments a change that was not done keeps blocked."""
        change = outcome.change
        if outcome.status is Status.DONE or outcome.is_written:
            return
        if isinstance(change, Patch):
            self._blocked_ids.add(change.id)
        freed_name = _freed_name(change)
        if freed_name is not None and not isinstance(change, Replace):
            self._blocked_names.add(freed_name)


def _frees_capacity(job: _Job, outcome: Outcome) -> bool:
    """Return whether a change ended with fewer segments than it needed, or than existed before.

    A replacement that stopped halfway is rare, and the next change learns of it from SendGrid. An
    upgrade often stops on purpose, and may stay unfinished until people act.
    """
    if not isinstance(job.change, Replace | Upgrade):
        return job.holds_capacity
    if outcome.status is Status.DONE:
        # A resumed change began with two segments and leaves one.
        return job.holds_capacity or job.change.successor is not None
    if isinstance(job.change, Replace):
        return job.holds_capacity
    return job.holds_capacity and not outcome.is_written and outcome.status is not Status.UNKNOWN


def _build_jobs(changes: Sequence[Change]) -> list[_Job]:
    """Return a job for each change, tied to the earlier ones that it depends on."""
    jobs = [_Job(number, change) for number, change in enumerate(changes)]
    by_id: dict[str, _Job] = {}
    freed_by_name: dict[str, _Job] = {}
    for job in jobs:
        change = job.change
        blockers: list[_Job | None] = []
        if change.id is not None:
            blockers.append(by_id.get(change.id))
            by_id[change.id] = job
        if not isinstance(change, Delete):
            blockers.append(freed_by_name.get(change.after.name))
        for blocker in {
            id(blocker): blocker for blocker in blockers if blocker is not None
        }.values():
            blocker.dependents.append(job)
            job.blockers += 1
        freed_name = _freed_name(change)
        if freed_name is not None:
            freed_by_name[freed_name] = job
    return jobs


def _freed_name(change: Change) -> str | None:
    """Return the name that no segment has any more once a change is done, if any."""
    match change:
        case Create():
            return None
        case Delete():
            return change.before.name
        case Patch() | Replace() | Upgrade():
            return change.before.name if change.before.name != change.after.name else None


def _stages(jobs: Sequence[_Job]) -> list[list[_Job]]:
    return [list(group) for _, group in groupby(jobs, key=lambda job: type(job.change))]
