"""Planning takes linear time: the tests count calls and lines, and measure no time."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from segctl.errors import Span
from segctl.model import (
    Declared,
    Disposal,
    Remote,
    Segment,
    Snapshot,
    TargetRef,
    Tombstone,
    Validation,
)
from segctl.model.proof import CommitRef, DeclaredVersion
from segctl.planning.ownership import Ownership, Removal, RemovalHistory
from segctl.planning.planner import PlanInputs, definitions_to_read, make_plan, needs_history
from tests.support.builders import query

if TYPE_CHECKING:
    from collections.abc import Callable

SPAN = Span("segments/a.yaml", 1, 1)
DECLARED = CommitRef("decade", "2026-01-01T00:00:00Z")
FEW, MANY = 40, 160


def declared(number: int, *previous: str, more: int = 0) -> Declared:
    segment = Segment(f"S{number}", query(f"age > {number + more}"))
    return Declared(segment, Span(f"segments/{number}.yaml", 1, 7), SPAN, previous_names=previous)


def remote(number: int, name: str = "S") -> Remote:
    return Remote(
        f"id-{number}",
        f"{name}{number}",
        query=query(f"age > {number}"),
        created_at="2026-01-01T00:00:00Z",
        updated_at="2026-01-01T00:00:00Z",
        validation=Validation.VALID,
    )


def removals(count: int, name: str) -> RemovalHistory:
    return RemovalHistory(
        tuple(
            Removal(
                segment.definition,
                is_protected=False,
                file=f"old/{segment.id}.yaml",
                commit="c0ffee",
                removed_at="2026-06-01T00:00:00Z",
                versions=(DeclaredVersion(segment.definition, "old/a.yaml", DECLARED),),
            )
            for segment in (remote(number, name) for number in range(count))
        )
    )


def tombstones(count: int, name: str) -> tuple[Tombstone, ...]:
    return tuple(Tombstone(f"{name}{n}", Disposal.DELETE, SPAN) for n in range(count))


Case = tuple[list[Declared], list[Remote], PlanInputs]

CASES: dict[str, Callable[[int], Case]] = {
    "nothing changed": lambda n: (
        [declared(i) for i in range(n)],
        [remote(i) for i in range(n)],
        PlanInputs(),
    ),
    "all new, as many unmanaged": lambda n: (
        [declared(i) for i in range(n)],
        [remote(i, "U") for i in range(n)],
        PlanInputs(),
    ),
    "all edited": lambda n: (
        [declared(i, more=1) for i in range(n)],
        [remote(i) for i in range(n)],
        PlanInputs(),
    ),
    "all renamed": lambda n: (
        [declared(i, f"Old{i}") for i in range(n)],
        [remote(i, "Old") for i in range(n)],
        PlanInputs(),
    ),
    "all renamed long ago": lambda n: (
        [declared(i, f"Old{i}") for i in range(n)],
        [remote(i) for i in range(n)],
        PlanInputs(),
    ),
    "all removed by files": lambda n: (
        [],
        [remote(i) for i in range(n)],
        PlanInputs(tombstones=tombstones(n, "S")),
    ),
    "files remove others": lambda n: (
        [],
        [remote(i) for i in range(n)],
        PlanInputs(tombstones=tombstones(n, "X")),
    ),
    "all removed in the history": lambda n: (
        [],
        [remote(i) for i in range(n)],
        PlanInputs(removal_history=removals(n, "S")),
    ),
    "the history removed others": lambda n: (
        [declared(i) for i in range(n)],
        [remote(i, "U") for i in range(n)],
        PlanInputs(removal_history=removals(n, "X")),
    ),
    "the history renamed all": lambda n: (
        [declared(i) for i in range(n)],
        [remote(i, "X") for i in range(n)],
        PlanInputs(removal_history=removals(n, "X")),
    ),
    "exclusive": lambda n: (
        [],
        [remote(i) for i in range(n)],
        PlanInputs(ownership=Ownership.EXCLUSIVE),
    ),
}


def count_steps(case: Case) -> int:
    """Return the number of calls and lines that run while a plan is made."""
    count = 0

    def trace(_frame: Any, event: str, _: Any) -> Any:
        nonlocal count
        count += event in {"call", "line"}
        return trace

    files, remotes, inputs = case
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        definitions_to_read(files, remotes, inputs)
        needs_history(files, remotes, inputs)
        make_plan(TargetRef("test", "test"), files, Snapshot(tuple(remotes)), inputs)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("make", CASES.values(), ids=CASES)
def test_planning_takes_linear_time(make: Callable[[int], Case]) -> None:
    count_steps(make(FEW))  # warms up imports and compiled patterns
    few, many = count_steps(make(FEW)), count_steps(make(MANY))
    # Linear is 4 times the work, and a little more for sorting; quadratic is 16.
    assert many < 5.5 * few
