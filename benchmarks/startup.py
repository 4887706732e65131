"""Start-up: the time before a command does anything."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, command, compare

if TYPE_CHECKING:
    from collections.abc import Iterator


def figures(runs: int) -> Iterator[Figure]:
    """Yield the start-up time of the installed `segctl`, against the interpreter alone."""
    segctl = str(Path(sysconfig.get_path("scripts")) / "segctl")
    yield compare(
        "segctl --version / python -c pass",
        command(segctl, "--version"),
        command(sys.executable, "-c", "pass"),
        bound=5.0,
        runs=runs,
    )
    yield compare(
        "segctl --help / python -c 'import click'",
        command(segctl, "--help"),
        command(sys.executable, "-c", "import click"),
        bound=2.0,
        runs=runs,
    )
