"""The exit codes of a process beside 0 (done) and 1 (error); `cli.main` lists them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segctl.model import Plan

CHANGES_PRESENT = 2
REFUSED = 3
IN_PART = 4
INTERRUPTED = 130


def plan_exit_code(plan: Plan, *, detailed: bool = False) -> int:
    """Return the exit code of a plan that was shown."""
    if plan.errors:
        return 1
    if plan.refusals:
        return REFUSED
    return CHANGES_PRESENT if detailed and plan.changes else 0
