"""Rounds of the fuzzer: mutate a seed, feed it, keep what breaks a promise."""

from __future__ import annotations

import traceback
from random import Random
from typing import TYPE_CHECKING

from .mutate import mutate
from .targets import TARGETS, seed_of

if TYPE_CHECKING:
    from pathlib import Path


def fuzz(target: str, folder: Path, *, rounds: int, seed: int) -> list[tuple[bytes, str]]:
    """Return the inputs of a target that broke a promise, each with what happened."""
    start = seed_of(target, folder)
    random = Random(seed)  # noqa: S311 - repeatable inputs, no secret
    failures = []
    for _ in range(rounds):
        data = mutate(start, random)
        try:
            TARGETS[target](folder, data)
        except Exception:  # noqa: BLE001 - whatever ends a round is what the fuzzer looks for
            failures.append((data, traceback.format_exc()))
    return failures
