"""What every view of several targets shows: a row for each, and each remark once.

Formats nothing: the views do.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING

from segctl.errors import Severity
from segctl.model import Create, Delete
from segctl.model.fleet import ALL_TARGETS, Failure, FleetPlan
from segctl.model.report import Status
from segctl.planfile.to_json import action_name
from segctl.planning.attention import review_order
from segctl.render.as_diagnostics import (
    plan_diagnostics,
    plan_problem_diagnostics,
    report_diagnostics,
)
from segctl.render.context import Repeated, target_name
from segctl.render.merging import merge_by_target
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from segctl.errors import Diagnostic
    from segctl.model import Change, Plan, Segment
    from segctl.model.fleet import FleetReport, TargetPlan, TargetReport

_UNKNOWN = "?"


def plan_table(fleet: FleetPlan) -> tuple[list[str], list[list[str]]]:
    """Return the heads and the rows of the table of targets."""
    # Most accounts have no v1 segments left.
    has_upgrades = bool(fleet.summary.upgrade)
    keys = ["create", "patch", "replace", *(["upgrade"] if has_upgrades else []), "delete"]
    keys.append("unchanged")
    rows = []
    for part in fleet.parts:
        plan = part.plan
        counts = [_UNKNOWN if plan is None else f"{getattr(plan.summary, key):,}" for key in keys]
        rows.append([clean(part.target), *counts, plan_result(part)])
    return ["target", *keys, "result"], rows


def plan_result(part: TargetPlan) -> str:
    """Return what came of planning a target, in a few words."""
    plan = part.result
    if isinstance(plan, Failure):
        return f"failed: {clean(plan.message)}"
    if plan.errors:
        return count(len(plan.errors), "error")
    if plan.refusals:
        codes = dict.fromkeys(clean(refusal.code) for refusal in plan.refusals)
        return f"refused: {', '.join(codes)}"
    if not plan.changes:
        return "no changes"
    pressing = sum(bool(item.reasons) for item in review_order(plan))
    need = f"{pressing} needs" if pressing == 1 else f"{pressing} need"
    return f"changes, {need} attention" if pressing else "changes"


def report_table(report: FleetReport) -> tuple[list[str], list[list[str]]]:
    """Return the heads and the rows of the table of what an apply did."""
    statuses = [
        status
        for status in Status
        if status is Status.DONE or any(part.report.counts[status] for part in report.parts)
    ]
    rows = [
        [
            clean(part.target),
            *(f"{part.report.counts[status]:,}" for status in statuses),
            report_result(part),
        ]
        for part in report.parts
    ]
    return ["target", *(status.label for status in statuses), "result"], rows


def report_result(part: TargetReport) -> str:
    """Return what came of an apply to a target, in a few words."""
    report = part.report
    if part.failure is not None:
        return f"failed: {clean(part.failure.message)}"
    if report.interrupted:
        return "interrupted"
    if not report.outcomes:
        return "nothing to apply"
    if report.is_complete:
        return "applied"
    if report.counts[Status.NOT_ATTEMPTED] == len(report.outcomes):
        return "not begun"
    return "partially applied" if report.is_partial else "nothing applied"


def fleet_summary(fleet: FleetPlan) -> str:
    """Return the line that summarizes the plans of several targets."""
    name, total = clean(fleet.name), len(fleet.parts)
    failed = len(fleet.failures) + sum(bool(plan.errors) for plan in fleet.plans)
    refused = sum(bool(plan.refusals and not plan.errors) for plan in fleet.plans)
    if failed or refused:
        numbers = [f"{failed} failed"] if failed else []
        numbers += [f"{refused} refused"] if refused else []
        targets = (
            f"{count(total, 'target')} of {name}" if name != ALL_TARGETS else f"{total} targets"
        )
        return f"{' and '.join(numbers)} among {targets}: nothing can be applied to any."
    summary = fleet.summary
    if not fleet.has_changes:
        matches = "matches" if summary.unchanged == 1 else "match"
        return (
            f"No changes. {count(summary.unchanged, 'segment')} of {count(total, 'target')} "
            f"{matches} the files."
        )
    upgrades = f"{summary.upgrade} to upgrade, " if summary.upgrade else ""
    changed = sum(bool(plan.changes) for plan in fleet.plans)
    return (
        f"Plan for {name}, {changed} of {count(total, 'target')}: {summary.create} to create, "
        f"{summary.patch} to patch, {summary.replace} to replace, {upgrades}{summary.delete} to "
        f"delete."
    )


def report_fleet_summary(report: FleetReport) -> str:
    """Return the line that summarizes what an apply did to several targets."""
    name, total = clean(report.name), len(report.parts)
    complete = sum(part.failure is None and part.report.is_complete for part in report.parts)
    changed = [part for part in report.parts if part.report.outcomes]
    if not changed and report.is_complete:
        return f"Nothing to apply to {name}: the accounts match the files."
    if report.is_complete:
        return f"Applied to {name}: {len(changed)} of {count(total, 'target')} changed."
    head = "Partially applied" if report.is_partial else "Nothing applied"
    head = "Interrupted, partially applied" if report.interrupted and report.is_partial else head
    return f"{head} to {name}: {complete} of {count(total, 'target')} match the files."


def notices_of(fleet: FleetPlan) -> tuple[Diagnostic, ...]:
    """Return the warnings and notes of all plans, each once."""
    by_target = [(plan.target.name, plan.notices) for plan in fleet.plans]
    return merge_by_target(by_target, len(fleet.parts))


def failures_of(fleet: FleetPlan | FleetReport) -> tuple[Diagnostic, ...]:
    """Return the errors of the targets that failed, and those in their plans, each once."""
    by_target = _failures(fleet)
    if isinstance(fleet, FleetPlan):
        by_target += [(plan.target.name, plan.errors) for plan in fleet.plans]
    merged = merge_by_target(by_target, len(fleet.parts))
    return tuple(problem for problem in merged if problem.severity is Severity.ERROR)


def _failures(fleet: FleetPlan | FleetReport) -> list[tuple[str, tuple[Diagnostic, ...]]]:
    return [
        (part.target, part.failure.diagnostics) for part in fleet.parts if part.failure is not None
    ]


def without_diagnostics(plan: Plan) -> Plan:
    """Return a plan without its diagnostics, which are shown once for all targets."""
    return dataclasses.replace(plan, diagnostics=())


def part_title(plan: Plan) -> str:
    """Return the title of the part of a target: its name, and what is wrong with its plan."""
    wrong = f" ({count(len(plan.errors), 'error')})" if plan.errors else ""
    return f"{clean(plan.target.name)}{wrong}"


def has_part(plan: Plan) -> bool:
    """Return whether a plan has more to show than its row in the table."""
    return bool(plan.changes or plan.refusals)


def repeated_changes(plans: Iterable[Plan]) -> dict[str, dict[int, Repeated]]:
    """Return which changes of each target an earlier target shows, and which target that is.

    The outer keys are the names of targets, the inner ones the identities of their changes. Equal
    are the action and the whole definitions before and after, with lists by their names: each
    account has ids of its own. Counts and uses are each target's own.
    """
    from segctl.planning.list_references import list_ids_in  # noqa: PLC0415 - query.ast: 30 ms

    first: dict[tuple[object, ...], tuple[str, list[str]]] = {}
    repeated: dict[str, dict[int, Repeated]] = {}
    for plan in plans:
        target = target_name(plan.target)
        of_target = repeated[plan.target.name] = {}
        for change in plan.changes:
            ids = sorted({*list_ids_in([change])})
            named = {list_id: name for list_id in ids if (name := plan.lists.get(list_id))}
            counts = Counter(named.values())
            # A name that two lists have does not say which one is meant.
            by_name = {list_id: name for list_id, name in named.items() if counts[name] == 1}
            shown, shown_ids = first.setdefault(_definitions(change, by_name), (target, ids))
            if shown != target:
                of_target[id(change)] = Repeated(shown, by_name=ids != shown_ids)
    return repeated


def _definitions(change: Change, lists: Mapping[str, str]) -> tuple[object, ...]:
    """Return what is equal for equal changes, with names in place of ids of lists."""
    before = None if isinstance(change, Create) else _by_name(change.before, lists)
    after = None if isinstance(change, Delete) else _by_name(change.after, lists)
    fields = tuple(getattr(change, "changed_fields", ()))
    return action_name(change), before, after, fields, tuple(sorted(lists.values()))


def _by_name(segment: Segment, lists: Mapping[str, str]) -> tuple[object, ...]:
    query = segment.query
    for list_id, name in lists.items():
        # No query has a character of this kind.
        query = query.replace(list_id, f"\0{name}\0")
    parents = tuple(lists.get(list_id, list_id) for list_id in segment.parent_list_ids)
    return segment.name, query, parents


def fleet_diagnostics(fleet: FleetPlan) -> tuple[Diagnostic, ...]:
    """Return the diagnostics of all plans and one for each change, each once."""
    # GitHub shows ten notices: the changes of every target come before the notes of any.
    by_target = [
        (plan.target.name, plan_diagnostics(without_diagnostics(plan))) for plan in fleet.plans
    ]
    by_target += [(plan.target.name, plan.diagnostics) for plan in fleet.plans]
    return merge_by_target(_failures(fleet) + by_target, len(fleet.parts))


def fleet_problem_diagnostics(fleet: FleetPlan) -> tuple[Diagnostic, ...]:
    """Return the diagnostics of all plans, and one for each change that ends an id, each once."""
    by_target = [(plan.target.name, plan_problem_diagnostics(plan)) for plan in fleet.plans]
    return merge_by_target(_failures(fleet) + by_target, len(fleet.parts))


def fleet_report_diagnostics(report: FleetReport) -> tuple[Diagnostic, ...]:
    """Return the diagnostics of what an apply did to several targets, each once."""
    by_target = [(part.target, report_diagnostics(part.report)) for part in report.parts]
    return merge_by_target(_failures(report) + by_target, len(report.parts))
