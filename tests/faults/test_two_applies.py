"""Two applies of the same files at once, crossed at every request: nothing is lost or doubled.

The first is held before each of its requests in turn; the second begins there, is held in turn as
well until the first has ended, and goes on. Afterwards one apply more and all is as declared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from segctl.model.report import Status

from .harness import Run, crossed, wired, write
from .scenarios import SCENARIOS, Scenario
from .test_matrix import apply, described, prepared, struggle, undisturbed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOGETHER = [one for one in SCENARIOS if one.name not in ("mixed", "replace-pending", "ring")]
STRIDE = 2
"""Where the second is held: at every request but the ones between."""


@pytest.mark.parametrize("scenario", TOGETHER, ids=lambda one: one.name)
def test_two_applies_at_once(
    scenario: Scenario, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    write(tmp_path, scenario.files())
    number = len(undisturbed(scenario.name, tmp_path))
    cases = [
        (first, second)
        for first in range(1, number + 1)
        for second in range(1 + first % STRIDE, number + 3, STRIDE)
    ]
    for first, second in cases:
        problem = together(scenario, tmp_path, first, second)
        assert not problem, f"{scenario.name}: crossed at {first} and {second}: {problem}"
    record_property("count: two applies crossed", len(cases))


def together(scenario: Scenario, root: Path, first: int, second: int) -> str:
    world, witness = prepared(scenario, root)

    def apply_it(run: Run) -> Run:
        return apply(world, scenario, root, run)

    with wired(world):
        runs = crossed(apply_it, first, second)
        told = "\n".join(described(run) for run in runs)
        if world.violations:
            return f"{world.violations[0]}\n{told}"
        for run in runs:
            if run.report is not None and run.report.counts[Status.UNKNOWN]:
                return f"unknown, though every request was answered\n{told}"
        found = struggle(world, scenario, root, witness)
        return f"{found}\n{told}" if isinstance(found, str) else ""
