"""What the process ends with, beside 0 for done and 1 for an error; `cli.main` lists them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segctl.model import Plan

CHANGES_PRESENT = 2
REFUSED = 3
IN_PART = 4
INTERRUPTED = 130


def exit_code(plan: Plan, *, detailed: bool) -> int:
    """Give the exit code of a plan that was shown."""
    if plan.errors:
        return 1
    if plan.refusals:
        return REFUSED
    return CHANGES_PRESENT if detailed and plan.changes else 0
