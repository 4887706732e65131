"""Saved plans: writing and reading one, and holding the plan made now against what was approved.

The plan that is applied is always the one made now, under the rules of now; what was saved can only
refuse it.
"""

from __future__ import annotations

from dataclasses import replace
from shlex import quote
from typing import TYPE_CHECKING

from segctl import __version__
from segctl.app.folders import repository_top
from segctl.common.clock import format_utc
from segctl.common.files import read_bounded, write_named
from segctl.common.json_text import json_text
from segctl.errors import Refused, UsageError
from segctl.model.fleet import FleetPlan
from segctl.planfile.fleet_json import digest_of, fleet_to_json
from segctl.planfile.loading import MAX_BYTES, SavedFleet, SavedPlan, load_plan, load_saved
from segctl.planfile.staleness import account_differences, other_project, plan_differences
from segctl.planfile.to_json import SHORT_DIGEST, plan_to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from segctl.app.project import Project
    from segctl.errors import Diagnostic
    from segctl.model import Plan, TargetRef


def save_plan(
    project: Project, plan: Plan | FleetPlan, path: str, *, generated_at: str | None = None
) -> None:
    """Write a plan, or those of several targets, as JSON, whole or not at all.

    The documents are those that docs/plan-json.md describes.
    `generated_at` is the time at which it was made (ISO 8601, UTC), by default now. Raises
    `UsageError`, and `Refused` for a link inside the repository.
    """
    made_at = generated_at or format_utc(project.clock.now())
    document = (
        fleet_to_json(plan, made_at) if isinstance(plan, FleetPlan) else plan_to_json(plan, made_at)
    )
    write_named(path, json_text(document), repository_top(project))


def read_saved_plan(path: str | Path) -> SavedPlan:
    """Read a plan of one target that `save_plan` or `segctl plan --out` wrote.

    Raises `UsageError` if the file cannot be read, and `InvalidInput` if it holds no such plan.
    """
    return load_plan(_plan_bytes(path), str(path))


def read_saved(path: str | Path) -> SavedPlan | SavedFleet:
    """Read what `read_saved_plan` does, or the plans of several targets."""
    return load_saved(_plan_bytes(path), str(path))


def _plan_bytes(path: str | Path) -> bytes:
    try:
        return read_bounded(path, MAX_BYTES)
    except (OSError, ValueError) as error:
        raise unreadable_plan(str(path), error) from None


def unreadable_plan(name: str, error: Exception) -> UsageError:
    """Return the error for a plan file that cannot be read."""
    reason = getattr(error, "strerror", None) or "invalid file name"
    hint = "run `segctl plan --out FILE` to write a plan"
    return UsageError(f"cannot read {name}: {reason}", hint=hint)


def check_applicable(saved: SavedPlan | SavedFleet, name: str) -> None:
    """Raise `Refused` for a plan that this segctl must not apply; `name` is that of its file."""
    made_with, this = saved.version.split(".")[0], __version__.split(".")[0]
    if made_with != this:
        raise Refused(
            f"the plan was made by segctl {saved.version}, but this is segctl {__version__}",
            hint="apply it with that version, or make a new plan with this one",
        )
    plan = saved.plan if isinstance(saved, SavedPlan) else saved.fleet
    if not plan.is_applicable:
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


def check_fleet(saved: SavedFleet, plan: FleetPlan) -> None:
    """Raise `Refused`, with the differences, unless the plans made now equal the saved ones.

    One that differs holds all: they were approved together.
    """
    targets, now = ([part.target for part in fleet.parts] for fleet in (saved.fleet, plan))
    if targets != now:
        raise Refused(
            f"the saved plan is for {', '.join(targets)}, but this is for {', '.join(now)}; "
            "nothing was changed",
            hint="choose its targets with --target, or make a plan for these",
        )
    differences: list[Diagnostic] = []
    for before, current in zip(saved.fleet.plans, plan.plans, strict=True):
        differences += (
            replace(item, summary=f"{current.target.name}: {item.summary}")
            for item in account_differences(before.target, current.target)
            or plan_differences(before, current)
        )
    _refuse(
        differences,
        "the saved plan is stale; nothing was changed on any target",
        "make a new plan with `segctl plan --out`, and have it approved"
        if plan.has_changes
        else "nothing is left to do: the accounts match the files",
    )


def check_digest(plan: Plan | FleetPlan, expected: str) -> None:
    """Raise `Refused` unless the digest of the plan begins with these hex digits."""
    actual = digest_of(plan)
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
