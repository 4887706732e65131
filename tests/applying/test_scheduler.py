"""The scheduler: it keeps the order, whatever the plan, the waits and the failures."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segctl.applying.context import Stopped, Wait, WaitReason
from segctl.applying.scheduler import Scheduler, Started, Waiting
from segctl.errors import Span
from segctl.model import Create, Delete, Patch, Precondition, Replace, Segment
from segctl.model.report import Outcome, Status
from segctl.planning.ordering import order_changes
from tests.support.clock import FakeClock

if TYPE_CHECKING:
    from segctl.applying.context import Steps
    from segctl.model import Change

SPAN = Span("segments/a.yaml", 1, 7)
NAMES = [f"S{number}" for number in range(8)]


@dataclasses.dataclass(frozen=True)
class Course:
    """The course of an action: what it waits for, and how it ends."""

    waits: tuple[WaitReason, ...]
    status: Status
    is_written: bool = False


COURSES = st.builds(
    Course,
    st.lists(st.sampled_from(WaitReason), max_size=3).map(tuple),
    st.sampled_from([Status.DONE, Status.DONE, Status.FAILED, Status.CONFLICT, Status.UNKNOWN]),
    st.booleans(),
)


@st.composite
def plans(draw: st.DrawFn) -> tuple[Change, ...]:
    """Draw changes of an account, in the order of the planner."""
    existing = draw(st.lists(st.sampled_from(NAMES), unique=True))
    wanted = draw(st.permutations(NAMES))
    changes: list[Change] = []
    free = [name for name in NAMES if name not in existing]
    for name, new in zip(existing, wanted, strict=False):
        before = Segment(name, "q")
        known = Precondition(f"id of {name}", None, before.sha256)
        match draw(st.sampled_from(["rename", "patch", "replace", "delete", "keep"])):
            case "rename":
                after = Segment(new, "q")
                changes.append(Patch(before, after, ("name",), known, SPAN))
            case "patch":
                changes.append(Patch(before, Segment(name, "r"), ("query_dsl",), known, SPAN))
            case "replace":
                after = Segment(name, "q", ("list",))
                changes.append(Replace(before, after, ("parent_list_ids",), known, SPAN))
            case "delete":
                changes.append(Delete(before, known))
            case _:
                free.append(name)
    new_names = draw(st.lists(st.sampled_from([*free, "New"]), unique=True))
    changes += [Create(Segment(name, "q"), SPAN) for name in new_names]
    taken = [change.after.name for change in changes if isinstance(change, Patch)]
    ordered = order_changes(
        change for change in changes if isinstance(change, Delete) or clear(change, taken)
    )
    if draw(st.booleans()):
        # In a full account deletes come first, after the renames.
        deletes = [change for change in ordered if isinstance(change, Delete)]
        renames = [change for change in ordered if isinstance(change, Patch)]
        rest = [change for change in ordered if not isinstance(change, Delete | Patch)]
        return (*renames, *deletes, *rest)
    return ordered


def clear(change: Change, taken: list[str]) -> bool:
    """Return whether no other change takes its name."""
    return isinstance(change, Patch) or change.name not in taken


class Witness:
    """Performs the actions, and records those that ran at the wrong time."""

    def __init__(self, changes: tuple[Change, ...], courses: list[Course], most: int) -> None:
        self.courses = {id(change): courses[n % len(courses)] for n, change in enumerate(changes)}
        self.changes = changes
        self.most = most
        self.lock = threading.Lock()
        self.at_work = 0
        self.begun: set[int] = set()
        self.ended: set[int] = set()
        self.settled: set[int] = set()
        self.refused: set[int] = set()
        self.wrong: list[str] = []

    def begin(self, change: Change) -> Steps[Outcome]:
        course = self.courses[id(change)]
        self.enter(change)
        try:
            for reason in course.waits:
                if reason is not WaitReason.PAUSE:
                    self.settled.add(id(change))
                self.leave()
                try:
                    yield Wait(5, "it must", reason)
                finally:
                    self.enter(None)
        except Stopped:
            self.finish(change)
            return Outcome(change, Status.UNKNOWN)
        self.finish(change)
        return Outcome(change, course.status, is_written=course.is_written)

    def enter(self, change: Change | None) -> None:
        with self.lock:
            self.at_work += 1
            if self.at_work > self.most:
                self.wrong.append(f"{self.at_work} at once")
            if change is not None:
                self.check(change)
                self.begun.add(id(change))

    def leave(self) -> None:
        with self.lock:
            self.at_work -= 1

    def finish(self, change: Change) -> None:
        self.ended.add(id(change))
        self.leave()

    def check(self, change: Change) -> None:
        """Check a change that begins against all those before it in the plan."""
        place = next(n for n, other in enumerate(self.changes) if other is change)
        for earlier in self.changes[:place]:
            known = getattr(earlier, "precondition", None)
            ours = getattr(change, "precondition", None)
            must = isinstance(change, Delete) != isinstance(earlier, Delete)
            must |= isinstance(change, Replace) and isinstance(earlier, Replace)
            must |= known is not None and ours is not None and known.id == ours.id
            must |= not isinstance(change, Delete) and freed(earlier) == change.after.name
            if must and id(earlier) not in self.ended and not self.is_hopeless(earlier):
                self.wrong.append(f"{change} before the end of {earlier}")

    def is_hopeless(self, change: Change) -> bool:
        """Return whether it never began because another change prevented it."""
        return id(change) not in self.begun and id(change) in self.refused


def freed(change: Change) -> str | None:
    if isinstance(change, Create):
        return None
    if isinstance(change, Delete):
        return change.before.name
    return change.before.name if change.before.name != change.after.name else None


@settings(max_examples=300)
@given(
    plans(),
    st.lists(COURSES, min_size=1, max_size=9),
    st.sampled_from([1, 2, 5]),
    st.booleans(),
    st.none() | st.integers(0, 20),
)
def test_every_change_has_one_outcome_and_begins_in_order(
    changes: tuple[Change, ...],
    courses: list[Course],
    parallelism: int,
    fail_fast: bool,
    patience: int | None,
) -> None:
    witness = Witness(changes, courses, parallelism)
    calls = 0

    def stopped() -> bool:
        nonlocal calls
        calls += 1
        return patience is not None and calls > patience

    scheduler = Scheduler(
        changes,
        witness.begin,
        stopped,
        FakeClock(),
        parallelism=parallelism,
        fail_fast=fail_fast,
    )
    started: list[int] = []
    outcomes: list[Outcome] = []
    for event in scheduler.run():
        match event:
            case Started(change=change):
                started.append(id(change))
            case Waiting(change=change):
                assert id(change) in started
            case Outcome():
                if event.status is Status.NOT_ATTEMPTED:
                    witness.refused.add(id(event.change))
                outcomes.append(event)
    assert not witness.wrong
    ended = [id(outcome.change) for outcome in outcomes]
    assert sorted(ended) == sorted(map(id, changes))
    assert len(started) == len(set(started))
    attempted = {
        id(outcome.change) for outcome in outcomes if outcome.status is not Status.NOT_ATTEMPTED
    }
    assert attempted == set(started) == witness.begun == witness.ended
    if patience is None and not fail_fast:
        for outcome in outcomes:
            if outcome.status is Status.NOT_ATTEMPTED:
                assert (
                    "change of the same segment" in outcome.message
                    or "still the name" in outcome.message
                )


def test_a_parallelism_of_one_keeps_the_order_of_the_plan() -> None:
    changes = tuple(Create(Segment(name, "q"), SPAN) for name in NAMES)
    witness = Witness(changes, [Course((), Status.DONE)], 1)
    scheduler = Scheduler(
        changes, witness.begin, lambda: False, FakeClock(), parallelism=1, fail_fast=False
    )
    events = [type(event) for event in scheduler.run()]
    assert events == [Started, Outcome] * len(changes)


def test_an_exception_in_an_action_is_raised() -> None:
    def begin(change: Change) -> Steps[Outcome]:
        yield Wait(1, "it must", WaitReason.PAUSE)
        raise ZeroDivisionError(change.name)

    changes = tuple(Create(Segment(name, "q"), SPAN) for name in NAMES)
    scheduler = Scheduler(
        changes, begin, lambda: False, FakeClock(), parallelism=3, fail_fast=False
    )
    with pytest.raises(ZeroDivisionError):
        list(scheduler.run())


def at_once(change: Change) -> Steps[Outcome]:
    yield from ()
    return Outcome(change, Status.DONE)


def test_the_work_of_the_scheduler_is_linear_in_the_plan() -> None:
    """The measure is the calls of `stopped`, a fixed number for each change."""
    calls = []
    for size in (100, 1000):
        changes = tuple(Create(Segment(str(number), "q"), SPAN) for number in range(size))
        count = [0]

        def stopped(count: list[int] = count) -> bool:
            count[0] += 1
            return False

        scheduler = Scheduler(
            changes, at_once, stopped, FakeClock(), parallelism=8, fail_fast=False
        )
        assert sum(isinstance(event, Outcome) for event in scheduler.run()) == size
        calls.append(count[0])
    assert calls[1] <= 11 * calls[0]
