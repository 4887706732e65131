"""Every scenario, struck at every request by every fault: apply again, and all is as declared.

One case is one scenario, one fault and the number of the request that it strikes. The first apply
meets it; its report must be true. Then `apply` is run again, as people do, until it has nothing to
do. All the while no segment may be lost or doubled, a replaced one may never be absent in both its
forms, and what nobody declared stays untouched to the byte.

With SEGCTL_FULL_MATRIX every scenario meets every fault; without it, those that are much alike meet
a few scenarios only.
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
"""Faults of any request. Where `xN` has the answers of all attempts spoilt, giving up is tried."""

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
"""Faults of writes alone, which have happened then: a GET leaves nothing behind."""

FAULTS = (*BEFORE, *AFTER)
RIDDEN_OUT = frozenset(
    (
        *("refuse", "drop", "hang", "429 3s", "429-epoch 3s", "429-empty", "500", "502-html"),
        *("503", "504", "cut", "drip 900s"),
        *("drop after", "hang after", "500 after", "502-html after", "504 after"),
    )
)
"""A hiccup of the network or the server, whatever it hit, that leaves nothing undone or unclear."""

VARIANTS = ("ring", "create-pending", "patch-locked", "replace-freed", "refresh")
WHEN_VARIED = ("refuse x5", "hang", "429 3s", "500", "empty", KILLED, *AFTER)
"""Scenarios that take the same ways as others, and the faults that try these where they differ."""

WHEN_MIXED = ("500 after x5", f"{KILLED} after")
"""Those that the largest scenario meets, whose cases take ten times as long."""

ALIKE = frozenset(
    ("drop x5", "429 600s", "429-empty x5", "503", "504", "cut", "drip 100s", "504 after")
)
PLAIN = ("create", "patch", "replace")
"""Faults that segctl takes as it takes another of the list meet these scenarios alone."""

ALMOST_ALL = 0.9
"""The share of cases that must really strike: threads may send a few requests more or less."""

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
    return FAULTS if scenario.name in PLAIN else tuple(one for one in FAULTS if one not in ALIKE)


CASE_NUMBERS = count()
CASES = [(scenario, fault) for scenario in SCENARIOS for fault in faults_of(scenario)]


def prepared(scenario: Scenario, root: Path) -> tuple[World, Witness]:
    """Write a scenario's project, and make its account."""
    # The same ids at the same times hold something else in another case: no cache fits both.
    world = World(scenario.settings, cache=f"{root}-cache/{next(CASE_NUMBERS)}")
    witness = scenario.populate(world)
    world.watch = witness.watch
    return world, witness


def apply(world: World, scenario: Scenario, root: Path, run: Run | None = None) -> Run:
    return world.run(root, "apply", "--auto-approve", *scenario.argv, run=run)


@cache
def undisturbed(name: str, root: Path) -> tuple[str, ...]:
    """Give the requests of a scenario that meets no fault; check that it ends as declared."""
    scenario = next(one for one in SCENARIOS if one.name == name)
    world, witness = prepared(scenario, root)
    with wired(world):
        run = apply(world, scenario, root)
        assert world.violations == []
        found = struggle(world, scenario, root, witness)
        assert isinstance(found, int), found
    return tuple(run.requests)


def struggle(world: World, scenario: Scenario, root: Path, witness: Witness) -> int | str:
    """Apply until there is nothing to do; give how often, or what does not hold."""
    for number in range(1, MOST_RUNS + 2):
        before = {one.id: one for one in world.segments()}
        run = apply(world, scenario, root)
        problem = faithful(world, run, before)
        if problem:
            return problem
        if run.code == 0 and "No changes." in run.out:
            return witness.end(world) or number - 1
        world.clock.forward(0.0 if number == 1 else scenario.pause)
    return f"not done after {MOST_RUNS} further runs\n{described(run)}"


def faithful(world: World, run: Run, before: Mapping[str, Record]) -> str:
    """Say what was violated in a run, or is not true of its report."""
    if world.violations:
        return f"{world.violations[0]}\n{described(run)}"
    if run.dead:
        return ""
    if run.report is not None:
        found = untrue(run.report, before, {one.id: one for one in world.segments()})
        if found:
            return f"{found}\n{described(run)}"
        if run.report.is_complete != (run.code == 0):
            return f"exit code {run.code} does not fit the report\n{described(run)}"
    elif run.writes:
        return f"no report\n{described(run)}"
    return ""


def described(run: Run) -> str:
    lines = "\n".join(f"  {number:3} {one}" for number, one in enumerate(run.requests, 1))
    return f"requests:\n{lines}\nexit {run.code}\n{run.out}\n{run.err}"


@dataclass(frozen=True)
class Verdict:
    """How one case went: whether the fault struck, how many more runs it took, what is wrong."""

    struck: bool
    more: int = 0
    problem: str = ""


def case(scenario: Scenario, root: Path, fault: str, index: int) -> Verdict:
    """Try one case from beginning to end."""
    world, witness = prepared(scenario, root)
    with wired(world):
        run = Run()
        kind, _, options = fault.partition(" ")
        if kind == KILLED:
            run = Run(kill=index, kill_after="after" in options)
        else:
            methods = "!GET" if "after" in options else "*"
            world.emulator.faults.add(f"{methods} * {kind} {options} #{index}")
        before = {one.id: one for one in world.segments()}
        apply(world, scenario, root, run)
        struck = run.dead or world.emulator.faults.struck > 0
        world.emulator.faults.clear()
        problem = faithful(world, run, before)
        if not problem and fault in RIDDEN_OUT and run.code != 0:
            problem = f"one hiccup was not ridden out\n{described(run)}"
        if problem:
            return Verdict(struck, problem=problem)
        found = struggle(world, scenario, root, witness)
        if isinstance(found, str):
            return Verdict(struck, problem=f"{found}\n\nThe run that was struck:\n{described(run)}")
        return Verdict(struck, found)


@pytest.mark.parametrize(
    ("scenario", "fault"), CASES, ids=[f"{scenario.name}-{fault}" for scenario, fault in CASES]
)
def test_apply_again_and_all_is_as_declared(
    scenario: Scenario,
    fault: str,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    write(tmp_path, scenario.files())
    requests = undisturbed(scenario.name, tmp_path)
    writes = [one for one in requests if not one.startswith("GET")]
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
    struck = sum(one.struck for one in verdicts)
    assert struck >= number * ALMOST_ALL
    record_property("count: fault matrix, cases", struck)
    for more in range(MOST_RUNS):
        several = f"{more} more applies" if more != 1 else "1 more apply"
        record_property(
            f"count: fault matrix, as declared after {several}",
            sum(one.more == more for one in verdicts),
        )


def test_the_matrix_has_enough_cases() -> None:
    number = sum(
        scenario.writes if fault in AFTER else scenario.requests for scenario, fault in CASES
    )
    assert number >= LEAST_CASES
