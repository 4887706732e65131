"""A fault at every request of a probe: nothing of others is touched, and nothing is learnt wrongly.

What the probe could not delete, it names, and `--clean-up` deletes it; so it does after a probe
that was killed. With SEGCTL_FULL_MATRIX, every fault strikes every request.
"""

from __future__ import annotations

import json
import os
from functools import cache
from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from segctl.emulator import Assumption
from segctl.probing.assumptions import ASSUMPTIONS
from tests.faults.harness import Run
from tests.faults.test_matrix import AFTER, BEFORE, KILLED, described

from .world import TARGET, ProbeWorld, probe_world, verdicts

if TYPE_CHECKING:
    from pathlib import Path

PARTS = 8
FLIPS = (None, *Assumption)


@cache
def undisturbed(root: Path) -> tuple[str, ...]:
    """Return the requests of a probe without faults."""
    with probe_world(root) as world:
        return tuple(world.probe().requests)


def cases(root: Path) -> list[tuple[str, int, str | None]]:
    """Return faults with the number of the request that each strikes, and what is flipped."""
    requests = undisturbed(root)
    writes = sum(not request.startswith("GET") for request in requests)
    flips = cycle(FLIPS)
    if os.environ.get("SEGCTL_FULL_MATRIX"):
        pairs = [(fault, index) for fault in BEFORE for index in range(1, len(requests) + 1)]
        pairs += [(fault, index) for fault in AFTER for index in range(1, writes + 1)]
    else:
        before, after = cycle(BEFORE), cycle(AFTER)
        pairs = [(next(before), index) for index in range(1, len(requests) + 1)]
        pairs += [(next(after), index) for index in range(1, writes + 1)]
    return [(fault, index, next(flips)) for fault, index in pairs]


def wrong(world: ProbeWorld, run: Run, flipped: str | None) -> str:
    """Return what is wrong after a run; an empty text if nothing is."""
    if world.violations:
        return world.violations[0]
    if run.dead or not run.out:
        return "" if run.dead or not world.left() or run.code else "no findings"
    for id_, verdict in verdicts(run).items():
        if verdict not in ("not_learnt", "differs" if id_ == flipped else "as_assumed"):
            return f"{id_} {verdict}"
    named = {entry["name"].removesuffix("-renamed") for entry in json.loads(run.out)["left"]}
    left = {name.removesuffix("-renamed") for name in world.left()}
    if not left <= named:
        return f"left without a word: {left - named}"
    if (run.code == 0) != (not named and not json.loads(run.out)["stopped"]):
        return f"exit code {run.code}"
    return ""


@pytest.mark.parametrize("part", range(PARTS))
def test_a_fault_teaches_nothing_wrong_and_leaves_nothing_in_the_end(
    part: int, tmp_path: Path
) -> None:
    struck = 0
    chosen = cases(tmp_path)[part::PARTS]
    for fault, index, flipped in chosen:
        with probe_world(tmp_path, *([flipped] if flipped else ()), used=True) as world:
            run = Run()
            kind, _, options = fault.partition(" ")
            if kind == KILLED:
                run = Run(kill=index, kill_after="after" in options)
            else:
                method = "!GET" if "after" in options else "*"
                world.emulator.faults.add(f"{method} * {kind} {options} #{index}")
            world.probe(run=run)
            struck += run.dead or world.emulator.faults.struck > 0
            world.emulator.faults.clear()
            problem = wrong(world, run, flipped)
            if not problem:
                world.clock.forward(900)
                cleaning = world.probe("--clean-up")
                if cleaning.code != 0 or world.left() or world.violations:
                    problem = f"not cleaned up: {world.left()}\n{described(cleaning)}"
            assert not problem, (
                f"{fault} at request {index}, {flipped}: {problem}\n{described(run)}"
            )
    # A flip may make the requests a few less.
    assert struck >= len(chosen) * 0.9


def test_every_assumption_is_learnt_in_spite_of_a_short_fault(tmp_path: Path) -> None:
    with probe_world(tmp_path) as world:
        world.emulator.faults.add("GET * 503 #5 x2", "DELETE * drop after x2", "* * 429 #30 3s")
        run = world.probe("--confirm", TARGET, "--format", "json")
        assert run.code == 0, run.err
        assert verdicts(run) == dict.fromkeys(ASSUMPTIONS, "as_assumed")
        assert world.left() == set()
