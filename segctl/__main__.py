"""`python -m segctl` and the `segctl` command: hands the process over to `cli.main`."""

from __future__ import annotations

import gc
import os
import sys

_NEW_OBJECTS = 50_000
"""After so many new objects the collector looks for cycles. The default of 700 is a tenth of the
time of a plan of 1,000 segments, in which there are none worth finding."""


def run() -> None:
    """Run the command line of this process and exit with its code."""
    gc.set_threshold(_NEW_OBJECTS)
    from segctl.cli import main  # noqa: PLC0415 - keeps `import segctl.__main__` free

    sys.exit(main(sys.argv[1:], os.environ))


if __name__ == "__main__":
    run()
