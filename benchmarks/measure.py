"""How a figure is taken: two things timed in turn, and the median of the ratios of the pairs.

Machines are noisy and drift; the two halves of a pair stand next to each other in time, so that
their ratio holds where neither time does.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: medians in seconds, or counts, and the median ratio of the pairs."""

    name: str
    subject: float
    baseline: float
    ratio: float
    bound: float
    counts: bool = False

    @property
    def holds(self) -> bool:
        """Whether the ratio is within its bound."""
        return self.ratio <= self.bound


def compare(
    name: str,
    subject: Callable[[], object],
    baseline: Callable[[], object],
    *,
    bound: float,
    runs: int,
) -> Figure:
    """Time two functions in turn, `runs` times after one that does not count."""
    subject()
    baseline()
    pairs = [(_seconds(subject), _seconds(baseline)) for _ in range(runs)]
    return Figure(
        name,
        statistics.median(pair[0] for pair in pairs),
        statistics.median(pair[1] for pair in pairs),
        statistics.median(one / other for one, other in pairs),
        bound,
    )


def command(*argv: str) -> Callable[[], object]:
    """Make a function that runs a command as a user's shell would, byte code kept."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}

    def run() -> object:
        return subprocess.run(argv, env=env, check=True, stdout=subprocess.DEVNULL)

    return run


def _seconds(function: Callable[[], object]) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def table(figures: Sequence[Figure]) -> str:
    """Lay the figures out for reading."""
    lines = [f"{'':<56} {'segctl':>10} {'baseline':>10} {'ratio':>7} {'bound':>7}"]
    lines += [
        f"{one.name:<56} {_quantity(one, one.subject)} {_quantity(one, one.baseline)} "
        f"{one.ratio:>7.2f} {one.bound:>7.2f}{'' if one.holds else '  over'}"
        for one in figures
    ]
    return "\n".join(lines) + "\n"


def _quantity(figure: Figure, value: float) -> str:
    return f"{value:>10.0f}" if figure.counts else f"{value * 1000:>7.1f} ms"
