"""Saved plans: writing and reading one, and holding the plan made now against what was approved.

The plan that is applied is always the one made now, under the rules of now; what was saved can only
refuse it.
"""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from segctl import __version__
from segctl.app.folders import repository_top
from segctl.common.clock import format_utc
from segctl.common.files import read_bounded, write_named
from segctl.common.json_text import json_text
from segctl.errors import Refused, UsageError
from segctl.planfile.loading import MAX_BYTES, load_plan
from segctl.planfile.staleness import account_differences, other_project, plan_differences
from segctl.planfile.to_json import SHORT_DIGEST, digest, plan_to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from segctl.app.project import Project
    from segctl.errors import Diagnostic
    from segctl.model import Plan, TargetRef
    from segctl.planfile.loading import SavedPlan


def save_plan(project: Project, plan: Plan, path: str, *, generated_at: str | None = None) -> None:
    """Write a plan as JSON, whole or not at all: the document that docs/plan-json.md describes.

    `generated_at` is the time at which it was made (ISO 8601, UTC), by default now. Raises
    `UsageError`, and `Refused` for a link inside the repository.
    """
    made_at = generated_at or format_utc(project.clock.now())
    write_named(path, json_text(plan_to_json(plan, made_at)), repository_top(project))


def read_saved_plan(path: str | Path) -> SavedPlan:
    """Read a plan that `save_plan` or `segctl plan --out` wrote.

    Raises `UsageError` if the file cannot be read, and `InvalidInput` if it holds no plan.
    """
    try:
        data = read_bounded(path, MAX_BYTES)
    except (OSError, ValueError) as error:
        raise unreadable_plan(str(path), error) from None
    return load_plan(data, str(path))


def unreadable_plan(name: str, error: Exception) -> UsageError:
    """Return the error for a plan file that cannot be read."""
    reason = getattr(error, "strerror", None) or "invalid file name"
    hint = "run `segctl plan --out FILE` to write a plan"
    return UsageError(f"cannot read {name}: {reason}", hint=hint)


def check_applicable(saved: SavedPlan, name: str) -> None:
    """Raise `Refused` for a plan that this segctl must not apply; `name` is that of its file."""
    made_with, this = saved.version.split(".")[0], __version__.split(".")[0]
    if made_with != this:
        raise Refused(
            f"the plan was made by segctl {saved.version}, but this is segctl {__version__}",
            hint="apply it with that version, or make a new plan with this one",
        )
    if not saved.plan.is_applicable:
        raise Refused(
            "the plan could not be applied when it was made, and cannot be applied now",
            hint=f"run `segctl show {quote(name)}` to see why, then make a new plan",
        )


def check_same_account(saved: SavedPlan, target: TargetRef) -> None:
    """Raise `Refused`, with the differences, if the plan is for another account."""
    _refuse(
        account_differences(saved.plan.target, target),
        "the plan is for another account; nothing was changed",
        "choose its target with --target, or make a plan for this one",
    )


def check_current(saved: SavedPlan, plan: Plan) -> None:
    """Raise `Refused`, with the differences, unless the plan made now equals the saved one."""
    differences = plan_differences(saved.plan, plan)
    if differences and (reason := other_project(saved.plan, plan)):
        raise Refused(
            f"the saved plan is of another project: {reason}; nothing was changed",
            hint="open its project with -C DIR, or make a plan for this one with "
            "`segctl plan --out FILE`",
        )
    _refuse(
        differences,
        "the saved plan is stale; nothing was changed",
        "make a new plan with `segctl plan --out`, and have it approved"
        if plan.changes
        else "nothing is left to do: the account matches the files",
    )


def check_digest(plan: Plan, expected: str) -> None:
    """Raise `Refused` unless the digest of the plan begins with these hex digits."""
    actual = digest(plan)
    if not actual.startswith(expected):
        raise Refused(
            f"the digest of the plan must be {expected[:SHORT_DIGEST]}, got "
            f"{actual[:SHORT_DIGEST]}; nothing was changed",
            hint="the files or the account changed since: have the plan above approved, with "
            f"--expect-digest {actual[:SHORT_DIGEST]}",
        )


def _refuse(differences: Sequence[Diagnostic], message: str, hint: str) -> None:
    if differences:
        raise Refused(message, hint=hint, diagnostics=differences)
