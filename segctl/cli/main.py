"""The whole program as a function.

It answers `--version` by itself: importing the rest would take longer than the answer.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segctl.common.clock import Clock


def main(argv: Sequence[str], env: Mapping[str, str], clock: Clock | None = None) -> int:
    """Run segctl with these arguments and this environment; give the exit code.

    `clock` is the machine's own unless another is given.

    0 done; 1 error; 2 changes present (`--detailed-exitcode`); 3 refused by a safety rule;
    4 applied in part; 130 interrupted.
    """
    if [*argv] == ["--version"]:
        from segctl import __version__  # noqa: PLC0415

        try:
            sys.stdout.write(f"segctl {__version__}\n")
            sys.stdout.flush()
        except (AttributeError, OSError):
            # Closed by the shell, or full: `run` has the words for it.
            pass
        else:
            return 0
    from segctl.cli.program import run  # noqa: PLC0415

    return run(argv, env, clock)
