"""The program as a function of its arguments and environment.

`--version` is answered without importing the rest, which would take longer than the answer.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segctl.common.clock import Clock


def main(argv: Sequence[str], env: Mapping[str, str], clock: Clock | None = None) -> int:
    """Run segctl with these arguments and this environment; return the exit code.

    `clock` is by default that of the machine. Exit codes: 0 done; 1 error; 2 changes present
    (`--detailed-exitcode`); 3 refused by a safety rule; 4 applied in part; 130 interrupted.
    """
    if [*argv] == ["--version"]:
        from segctl import __version__  # noqa: PLC0415

        try:
            sys.stdout.write(f"segctl {__version__}\n")
            sys.stdout.flush()
        except (AttributeError, OSError):
            # Closed by the shell, or a full disk: `run` reports it.
            pass
        else:
            return 0
    from segctl.cli.program import run  # noqa: PLC0415

    return run(argv, env, clock)
