"""The checkout, and the environment of a process of segctl."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def child_env(**more: str) -> dict[str, str]:
    """Return this process's environment without what would steer segctl, and with `more`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SEGCTL", "SEND"))}
    return {**kept, **more}
