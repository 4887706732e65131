"""`python -m segctl` and the `segctl` command: hands the process over to `cli.main`."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

_NEW_OBJECTS = 200_000
"""After so many new objects the collector looks for cycles. The default of 700 is a tenth of the
time of a plan of 1,000 segments, in which there are none worth finding."""


def run() -> NoReturn:
    """Run the command line of this process and exit with its code."""
    gc.set_threshold(_NEW_OBJECTS)
    from segctl.cli import main  # noqa: PLC0415 - keeps `import segctl.__main__` free

    _leave(main(sys.argv[1:], os.environ))


def _leave(code: int) -> NoReturn:
    """End the process, and leave its memory to the system.

    To take a hundred thousand objects apart one by one, and look for cycles among them, is a tenth
    of the time of a large plan. Nothing waits for that: files and databases are closed by whoever
    opened them, and threads that are left over could not finish anyway.
    """
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except (OSError, ValueError):
        # The output did not arrive: Python says so, and exits with a code of its own.
        sys.exit(code)
    if sys.gettrace() or sys.getprofile():
        # A coverage or profile is written at a proper end.
        sys.exit(code)
    os._exit(code)


if __name__ == "__main__":
    run()
