"""Measurement of a figure: two functions timed in turn, and the median ratio of the pairs.

Machines are noisy and drift. The two times of a pair are taken right after each other, so their
ratio is stable where neither time is.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


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
    before: Callable[[], object] = lambda: None,
    warm: bool = True,
) -> Figure:
    """Return the figure of two functions, timed in turn `runs` times after an uncounted warm-up.

    `before` is called before each and is not timed. Without `warm` there is no warm-up: for
    functions that start from nothing each time.
    """

    def seconds(function: Callable[[], object]) -> float:
        before()
        started = time.perf_counter()
        function()
        return time.perf_counter() - started

    if warm:
        seconds(subject)
        seconds(baseline)
    pairs = [(seconds(subject), seconds(baseline)) for _ in range(runs)]
    return Figure(
        name,
        statistics.median(pair[0] for pair in pairs),
        statistics.median(pair[1] for pair in pairs),
        statistics.median(subject_time / baseline_time for subject_time, baseline_time in pairs),
        bound,
    )


def command(
    *argv: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, quiet: bool = False
) -> Callable[[], object]:
    """Return a function that runs a command as a user's shell would, with byte code cached.

    `quiet` drops its stderr; `env` is added to the environment.
    """
    errors = subprocess.DEVNULL if quiet else None

    def run() -> object:
        return subprocess.run(
            argv,
            cwd=cwd,
            env=_environment(env),
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )

    return run


def output(*argv: str, env: Mapping[str, str]) -> str:
    """Return what a command writes to stdout; its exit code does not matter."""
    done = subprocess.run(
        argv, env=_environment(env), check=False, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


_PEAK = """\
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(used if sys.platform == "darwin" else used * 1024)
"""


def peak(*argv: str, env: Mapping[str, str]) -> int:
    """Return the peak memory of a command, in bytes.

    A small process starts the command, since a child's peak includes its parent's memory at the
    start, and the measuring process may use a lot.
    """
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, *argv],
        env=_environment(env),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return int(done.stdout)


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **(more or {})}


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a table of text."""
    lines = [f"{'':<56} {'segctl':>10} {'baseline':>10} {'ratio':>7} {'bound':>7}"]
    lines += [
        f"{figure.name:<56} {_quantity(figure, figure.subject)} "
        f"{_quantity(figure, figure.baseline)} {figure.ratio:>7.2f} {figure.bound:>7.2f}"
        f"{'' if figure.holds else '  over'}"
        for figure in figures
    ]
    return "\n".join(lines) + "\n"


def _quantity(figure: Figure, value: float) -> str:
    return f"{value:>10.0f}" if figure.counts else f"{value * 1000:>7.1f} ms"
