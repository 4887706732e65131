"""Every fault at every request of every scenario: further applies make all as declared.

A case is a scenario, a fault and the number of the request that it strikes. The fault strikes the
first apply, whose report must be true. Then `apply` is run again, as people do, until it has
nothing to do. At no moment is a segment lost or doubled, or a replaced segment absent in both its
forms, and undeclared segments stay untouched to the byte.

With SEGCTL_FULL_MATRIX every scenario meets every fault; without it, faults that are much alike
strike a few scenarios only.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import TYPE_CHECKING

import pytest

from .harness import Run, World, wired, write
from .scenarios import SCENARIOS, Scenario, Witness
from .truth import untrue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from segctl.emulator import Record

KILLED = "killed"
BEFORE = (
    "refuse",
    "refuse x5",
    "drop",
    "drop x5",
    "hang",
    "429 3s",
    "429-epoch 3s",
    "429 600s",
    "429-empty",
    "429-empty x5",
    "500",
    "502-html",
    "503",
    "504",
    "empty",
    "truncated",
    "wrong-json",
    "cut",
    "drip 100s",
    "drip 900s",
    KILLED,
)
"""Faults of any request. With `xN` they spoil every attempt, so that segctl gives up."""

AFTER = (
    "drop after",
    "drop after x5",
    "hang after",
    "500 after",
    "500 after x5",
    "502-html after",
    "504 after",
    f"{KILLED} after",
)
"""Faults of writes only, after the server has acted: a GET changes nothing."""

FAULTS = (*BEFORE, *AFTER)
RIDDEN_OUT = frozenset(
    (
        *("refuse", "drop", "hang", "429 3s", "429-epoch 3s", "429-empty", "500", "502-html"),
        *("503", "504", "cut"),
        *("drop after", "hang after", "500 after", "502-html after", "504 after"),
    )
)
"""Short faults of the network or the server, which the retries of one apply overcome."""

VARIANTS = ("ring", "create-pending", "patch-locked", "replace-freed", "refresh")
WHEN_VARIED = ("refuse x5", "hang", "429 3s", "500", "empty", KILLED, *AFTER)
"""Scenarios that resemble others, and the faults that test where they differ."""

WHEN_MIXED = ("500 after x5", f"{KILLED} after")
"""The faults of the largest scenario, whose cases take ten times as long."""

ALIKE = frozenset(
    ("drop x5", "429 600s", "429-empty x5", "503", "504", "cut", "drip 100s", "504 after")
)
PLAIN = ("create", "patch", "replace")
"""The scenarios that also meet the faults that segctl handles like another fault."""

ALMOST_ALL = 0.9
"""The share of cases whose fault must strike: threads may send a few requests more or less."""

MOST_RUNS = 5
"""How many further applies may be needed until one has nothing to do."""

LEAST_CASES = 1_500


def faults_of(scenario: Scenario) -> tuple[str, ...]:
    if os.environ.get("SEGCTL_FULL_MATRIX"):
        return FAULTS
    if scenario.name == "mixed":
        return WHEN_MIXED
    if scenario.name in VARIANTS:
        return WHEN_VARIED
    return (
        FAULTS if scenario.name in PLAIN else tuple(fault for fault in FAULTS if fault not in ALIKE)
    )


CASE_NUMBERS = count()
CASES = [(scenario, fault) for scenario in SCENARIOS for fault in faults_of(scenario)]


def prepared(scenario: Scenario, root: Path) -> tuple[World, Witness]:
    """Return the account of a scenario and its witness."""
    # Another case has the same ids at the same times with other definitions: no shared cache.
    world = World(scenario.settings, cache=f"{root}-cache/{next(CASE_NUMBERS)}")
    witness = scenario.populate(world)
    world.watch = witness.watch
    return world, witness


def apply(world: World, scenario: Scenario, root: Path, run: Run | None = None) -> Run:
    return world.run(root, "apply", "--auto-approve", *scenario.argv, run=run)


@cache
def undisturbed(name: str, root: Path) -> tuple[str, ...]:
    """Return the requests of a scenario without faults; check that it ends as declared."""
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == name)
    world, witness = prepared(scenario, root)
    with wired(world):
        run = apply(world, scenario, root)
        assert world.violations == []
        result = struggle(world, scenario, root, witness)
        assert isinstance(result, int), result
    return tuple(run.requests)


def struggle(world: World, scenario: Scenario, root: Path, witness: Witness) -> int | str:
    """Apply until there is nothing to do; return how often, or the first problem."""
    for number in range(1, MOST_RUNS + 2):
        before = {segment.id: segment for segment in world.segments()}
        run = apply(world, scenario, root)
        problem = faithful(world, run, before)
        if problem:
            return problem
        if run.code == 0 and "No changes." in run.out:
            return witness.end(world) or number - 1
        world.clock.forward(0.0 if number == 1 else scenario.pause)
    return f"not done after {MOST_RUNS} further runs\n{described(run)}"


def faithful(world: World, run: Run, before: Mapping[str, Record]) -> str:
    """Return a violation of a run or an untruth of its report; an empty text if none."""
    if world.violations:
        return f"{world.violations[0]}\n{described(run)}"
    if run.dead:
        return ""
    if run.report is not None:
        mismatch = untrue(run.report, before, {segment.id: segment for segment in world.segments()})
        if mismatch:
            return f"{mismatch}\n{described(run)}"
        if run.report.is_complete != (run.code == 0):
            return f"exit code {run.code} does not fit the report\n{described(run)}"
    elif run.writes:
        return f"no report\n{described(run)}"
    return ""


def described(run: Run) -> str:
    lines = "\n".join(f"  {number:3} {request}" for number, request in enumerate(run.requests, 1))
    return f"requests:\n{lines}\nexit {run.code}\n{run.out}\n{run.err}"


@dataclass(frozen=True)
class Verdict:
    """The result of a case: whether its fault struck, the number of further runs, the problem."""

    struck: bool
    more: int = 0
    problem: str = ""


def case(scenario: Scenario, root: Path, fault: str, index: int) -> Verdict:
    """Run a case and return its verdict."""
    world, witness = prepared(scenario, root)
    with wired(world):
        run = Run()
        kind, _, options = fault.partition(" ")
        if kind == KILLED:
            run = Run(kill=index, kill_after="after" in options)
        else:
            methods = "!GET" if "after" in options else "*"
            world.emulator.faults.add(f"{methods} * {kind} {options} #{index}")
        before = {segment.id: segment for segment in world.segments()}
        apply(world, scenario, root, run)
        struck = run.dead or world.emulator.faults.struck > 0
        world.emulator.faults.clear()
        problem = faithful(world, run, before)
        if not problem and fault in RIDDEN_OUT and run.code != 0:
            problem = f"a short fault was not overcome\n{described(run)}"
        if problem:
            return Verdict(struck, problem=problem)
        result = struggle(world, scenario, root, witness)
        if isinstance(result, str):
            return Verdict(
                struck, problem=f"{result}\n\nThe run that was struck:\n{described(run)}"
            )
        return Verdict(struck, result)


@pytest.mark.parametrize(
    ("scenario", "fault"), CASES, ids=[f"{scenario.name}-{fault}" for scenario, fault in CASES]
)
def test_further_applies_after_a_fault_make_all_as_declared(
    scenario: Scenario,
    fault: str,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    write(tmp_path, scenario.files())
    requests = undisturbed(scenario.name, tmp_path)
    writes = [request for request in requests if not request.startswith("GET")]
    number = len(writes if fault in AFTER else requests)
    assert number >= (scenario.writes if fault in AFTER else scenario.requests)
    verdicts = []
    for index in range(1, number + 1):
        verdict = case(scenario, tmp_path, fault, index)
        if verdict.problem:
            pytest.fail(
                f"{scenario.name}: {fault} at request {index}: {verdict.problem}", pytrace=False
            )
        verdicts.append(verdict)
    struck = sum(verdict.struck for verdict in verdicts)
    assert struck >= number * ALMOST_ALL
    record_property("count: fault matrix, cases", struck)
    for more in range(MOST_RUNS):
        several = f"{more} more applies" if more != 1 else "1 more apply"
        record_property(
            f"count: fault matrix, as declared after {several}",
            sum(verdict.more == more for verdict in verdicts),
        )


def test_the_matrix_has_enough_cases() -> None:
    number = sum(
        scenario.writes if fault in AFTER else scenario.requests for scenario, fault in CASES
    )
    assert number >= LEAST_CASES
