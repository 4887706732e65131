"""The checkout, what this system can do, and the environment of a process of segctl."""

from __future__ import annotations

import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
HAS_MODES = sys.platform != "win32"
"""Whether a file's mode says who may read it."""

IS_ROOT = HAS_MODES and os.geteuid() == 0
"""Whether this user may write everywhere."""


def child_env(**more: str) -> dict[str, str]:
    """Return this process's environment without what would steer segctl, and with `more`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SEGCTL", "SEND"))}
    return {**kept, **more}
