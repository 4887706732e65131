"""Two applies of the same files at once, crossed at every request: nothing is lost or doubled.

The first apply pauses before each of its requests in turn. The second begins there, pauses before
each of its own in turn until the first has ended, and continues. Further applies then make all as
declared.
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

CONCURRENT = [
    scenario for scenario in SCENARIOS if scenario.name not in ("mixed", "replace-pending", "ring")
]
STRIDE = 2
"""The second apply pauses at every request of this step."""


@pytest.mark.parametrize("scenario", CONCURRENT, ids=lambda scenario: scenario.name)
def test_two_applies_at_once_lose_and_double_nothing(
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
        details = "\n".join(described(run) for run in runs)
        if world.violations:
            return f"{world.violations[0]}\n{details}"
        for run in runs:
            if run.report is not None and run.report.counts[Status.UNKNOWN]:
                return f"unknown, though every request was answered\n{details}"
        result = struggle(world, scenario, root, witness)
        return f"{result}\n{details}" if isinstance(result, str) else ""
