"""`plan` and `apply` as whole processes, against an emulated account on a socket.

A cold plan reads every definition, a warm one none. The measuring process serves the account and
does nothing else meanwhile.
"""

from __future__ import annotations

import sys
import sysconfig
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import other_tools
from benchmarks.measure import Figure, command, compare, peak
from benchmarks.world import account, write_project
from segctl.app import ApplyOptions
from segctl.sendgrid import CONCURRENCY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COUNT = 1000
MANY = 10_000
LATENCY = 0.05
WRITE_LATENCY = 0.1
MEGABYTES = 250
_PARALLELISM = ApplyOptions().parallelism
"""The default number of writes that `apply` sends at once."""

_CREATES = min(COUNT, 125 * _PARALLELISM)
"""Enough creates to take several seconds."""


def figures(runs: int, *, short: bool) -> Iterator[Figure]:
    """Yield the times of plans and applies of a thousand segments, and of plans of ten thousand."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_project(root / "small", COUNT)
        yield _cold(root / "small", 1 if short else runs)
        write_project(root / "new", _CREATES)
        yield _apply(root / "new", 1 if short else runs)
        with account(COUNT) as url:
            warm = _plan(root / "small", url, root / "cache")
            yield from _against_others(root, warm.run, runs, short=short)
            yield from _growth(root, warm.run, 1 if short else runs)


@dataclass(frozen=True, slots=True)
class _Segctl:
    """A command line of segctl and its environment."""

    argv: tuple[str, ...]
    env: dict[str, str]

    def run(self) -> object:
        return command(*self.argv, env=self.env, quiet=True)()

    def peak(self) -> int:
        return peak(*self.argv, env=self.env)


def _segctl(project: Path, url: str, *argv: str, **env: str) -> _Segctl:
    program = str(Path(sysconfig.get_path("scripts")) / "segctl")
    env |= {"SEGCTL_BASE_URL": url, "SENDGRID_API_KEY": "benchmark"}
    return _Segctl((program, "-C", str(project), *argv), env)


def _plan(project: Path, url: str, cache: Path) -> _Segctl:
    # Exit code 2 would mean that there are changes.
    argv = ("plan", "--detailed-exitcode")
    return _segctl(project, url, *argv, SEGCTL_CACHE_DIR=str(cache))


def _bare(*argv: str) -> Callable[[], object]:
    return command(sys.executable, "-m", "benchmarks.bare", *argv)


def _cold(project: Path, runs: int) -> Figure:
    with account(COUNT, LATENCY) as url:
        return compare(
            f"cold plan of {COUNT:,}, {LATENCY * 1000:.0f} ms latency / bare httpx",
            _segctl(project, url, "--no-cache", "plan", "--detailed-exitcode").run,
            _bare("get", url, str(CONCURRENCY)),
            bound=1.25,
            runs=runs,
        )


def _apply(project: Path, runs: int) -> Figure:
    """Return the figure of an apply; each run has a new, empty account."""
    with ExitStack() as stack:
        url = ""

        def renew() -> None:
            nonlocal url
            stack.close()
            url = stack.enter_context(account(0, WRITE_LATENCY))

        def post() -> object:
            return _bare("post", url, str(_PARALLELISM), str(_CREATES))()

        return compare(
            f"apply of {_CREATES:,} creates, {WRITE_LATENCY * 1000:.0f} ms latency / bare httpx",
            lambda: _segctl(project, url, "--no-cache", "apply", "--auto-approve").run(),
            post,
            bound=1.3,
            runs=runs,
            before=renew,
            warm=False,
        )


def _against_others(
    root: Path, warm: Callable[[], object], runs: int, *, short: bool
) -> Iterator[Figure]:
    plan = f"warm plan of {COUNT:,}"
    octodns = other_tools.octodns(root / "octodns", COUNT)
    if octodns is not None:
        yield compare(f"{plan} / octodns-sync", warm, octodns, bound=1.25, runs=runs)
    terraform = other_tools.terraform(root / "terraform", COUNT)
    if terraform is not None and not short:
        # Several seconds each, and far from the bound.
        few_runs = 3
        yield compare(f"{plan} / terraform plan", warm, terraform, bound=0.2, runs=few_runs)


def _growth(root: Path, small: Callable[[], object], runs: int) -> Iterator[Figure]:
    write_project(root / "large", MANY)
    with account(MANY) as url:
        large = _plan(root / "large", url, root / "cache")
        name = f"warm plan of {MANY:,} / of {COUNT:,}"
        yield compare(name, large.run, small, bound=11.0, runs=runs)
        used = large.peak() / 1e6
    ratio = used / MEGABYTES
    name = f"memory of a plan of {MANY:,} / allowed, MB"
    yield Figure(name, used, MEGABYTES, ratio, 1.0, counts=True)
