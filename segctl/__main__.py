"""`python -m segctl` and the `segctl` command: hands the process over to `cli.main`."""

from __future__ import annotations

import os
import sys


def run() -> None:
    """Run the command line of this process and exit with its code."""
    from segctl.cli import main  # noqa: PLC0415 - keeps `import segctl.__main__` free

    sys.exit(main(sys.argv[1:], os.environ))


if __name__ == "__main__":
    run()
