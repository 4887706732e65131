from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from segctl.emulator import Assumption
from segctl.probing.assumptions import ASSUMPTIONS

from .world import probe_world, verdicts

if TYPE_CHECKING:
    from pathlib import Path


def test_the_emulator_can_flip_every_assumption_of_a_probe() -> None:
    assert {*ASSUMPTIONS} == {*Assumption}


@pytest.mark.parametrize("flipped", [None, *Assumption])
def test_a_probe_reports_exactly_the_flipped_assumption(
    flipped: str | None, tmp_path: Path
) -> None:
    with probe_world(tmp_path, *([flipped] if flipped else ()), used=True) as world:
        run = world.probe()
        assert run.code == 0, run.err
        expected = dict.fromkeys(ASSUMPTIONS, "as_assumed")
        if flipped:
            expected[flipped] = "differs"
        assert verdicts(run) == expected, json.dumps(json.loads(run.out)["assumptions"], indent=1)
        assert json.loads(run.out)["left"] == []
        assert world.left() == set()
        assert world.violations == []
        assert world.others() == world.before
