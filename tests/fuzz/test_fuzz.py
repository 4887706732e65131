"""Any input ends a command with a documented exit code, without a traceback or the key.

Runs a few mutations of each seed, and all of the corpus: inputs that broke something once, in files
named for their targets. `python -m tests.fuzz` runs more. Rounds are counted, not timed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .rounds import fuzz
from .targets import TARGETS, seed_of

ROUNDS = 25
CORPUS = sorted(Path(__file__).with_name("corpus").glob("*.bin"))


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_mutated_inputs_end_with_a_documented_exit_code(target: str, tmp_path: Path) -> None:
    assert fuzz(target, tmp_path, rounds=ROUNDS, seed=1) == []


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_what_once_broke_something_no_longer_does(file: Path, tmp_path: Path) -> None:
    TARGETS[file.stem.partition("-")[0]](tmp_path, file.read_bytes())


@pytest.mark.slow
@pytest.mark.parametrize("target", [target for target in TARGETS if target != "server"])
def test_the_seeds_are_valid(target: str, tmp_path: Path) -> None:
    """So that a mutated one is refused for its mutation, and read at all."""
    codes = TARGETS[target](tmp_path, seed_of(target, tmp_path))
    assert (codes[0], codes[-1]) == (0, 0)
