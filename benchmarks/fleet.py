"""`plan` of ten accounts at once, as a process, against emulated accounts on one socket.

The baseline is a plan of the slowest account alone. The measuring process serves all accounts, so
with every definition to read it is as busy as segctl.
"""

from __future__ import annotations

import dataclasses
import sysconfig
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, command, compare, peak
from benchmarks.world import account_settings, fill, write_project
from segctl.account.definition_cache import FOLDER
from segctl.common.secrets import Secret
from segctl.emulator import Emulator, serve
from segctl.project.environment import account_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ACCOUNTS = 10
COUNT = 200
LATENCY = 0.05
MEGABYTES = 300
_KEY = "benchmark"


def figures(runs: int, *, short: bool) -> Iterator[Figure]:
    """Yield the times of plans of ten accounts, and the memory of one."""
    what = f"plan of {ACCOUNTS} accounts x {COUNT}, {LATENCY * 1000:.0f} ms latency"
    with tempfile.TemporaryDirectory() as folder, _accounts() as url:
        root = Path(folder)
        _write_project(root / "project")
        env = {
            "SEGCTL_BASE_URL": url,
            "SENDGRID_API_KEY": _KEY,
            "SEGCTL_CACHE_DIR": str(root / "cache"),
        }

        def plan(*options: str) -> Callable[[], object]:
            # Exit code 2 would mean that there are changes.
            argv = _argv(root, *options, "plan", "--detailed-exitcode")
            return command(*argv, env=env, quiet=True)

        slowest = root / "cache" / FOLDER / f"{account_digest(url, _subuser(0), Secret(_KEY))}.json"
        every, one = plan("--target", "all"), plan("--target", _target(0))
        every()
        yield compare(
            f"{what}, one to be read / that one",
            every,
            one,
            bound=1.25,
            runs=runs,
            before=lambda: slowest.unlink(missing_ok=True),
        )
        used = peak(*_argv(root, "--no-cache", "--target", "all", "plan"), env=env) / 1e6
        yield Figure(
            f"memory of a plan of {ACCOUNTS} accounts / allowed, MB",
            used,
            MEGABYTES,
            used / MEGABYTES,
            1.0,
            counts=True,
        )
        if short:
            return
        yield compare(f"{what}, all cached / one of them", every, one, bound=2.0, runs=runs)
        yield compare(
            f"{what}, all to be read / one of them",
            plan("--no-cache", "--target", "all"),
            plan("--no-cache", "--target", _target(0)),
            bound=ACCOUNTS / 2,
            runs=runs,
        )


def _argv(root: Path, *arguments: str) -> tuple[str, ...]:
    program = Path(sysconfig.get_path("scripts")) / "segctl"
    return (str(program), "-C", str(root / "project"), *arguments)


def _target(number: int) -> str:
    return f"shop-{number}"


def _subuser(number: int) -> str:
    return f"subuser-{number}"


def _write_project(root: Path) -> None:
    write_project(root, COUNT)
    targets = "".join(
        f"  {_target(number)}: {{subuser: {_subuser(number)}}}\n" for number in range(ACCOUNTS)
    )
    group = ", ".join(map(_target, range(ACCOUNTS)))
    settings = root / "segctl.yaml"
    settings.write_text(f"{settings.read_text()}targets:\n{targets}groups: {{all: [{group}]}}\n")


@contextmanager
def _accounts() -> Iterator[str]:
    """Serve ten accounts with the segments of the project; yield their URL."""
    subusers = [*map(_subuser, range(ACCOUNTS))]
    settings = dataclasses.replace(account_settings(LATENCY), subusers=frozenset(subusers))
    with Emulator(None, settings) as emulator:
        for subuser in subusers:
            fill(emulator.console_of(subuser), COUNT)
        with serve(emulator) as server:
            yield server.url
