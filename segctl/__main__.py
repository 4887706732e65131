"""The process around `cli.main`: `python -m segctl` and the `segctl` command."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from segctl.cli.main import main


def run() -> NoReturn:
    """Run the command line of this process and exit with its code."""
    sys.exit(main(sys.argv[1:], os.environ))


if __name__ == "__main__":
    run()
