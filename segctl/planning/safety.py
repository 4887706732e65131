"""The safety rules: functions that say why a plan must not be applied.

Pure. A refusal is data in the plan, so that every view shows it. Does not stop anything itself:
the command line applies no plan with a refusal, and exits with code 3.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity
from segctl.model import Create, Delete, Plan, Reason, Replace, Upgrade
from segctl.planning.audience_limits import audience_change_refusals, scheduled_send_refusals
from segctl.planning.capacity import capacity_refusals, net_growth, with_headroom
from segctl.planning.references import (
    reference_refusals,
    reference_warnings,
    with_waiting_upgrades,
)
from segctl.planning.takeovers import Overwrites, overwrite_warnings, takeover_refusals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from segctl.model.references import References

DEFAULT_MAX_SEGMENTS = 200
"""Segments that an account may hold, v1 ones included (sendgrid-api.md §1)."""

DEFAULT_MAX_UPGRADE_DIFFERENCE = 5
"""Percent. The two segments are counted at different times, and contacts change meanwhile."""

LEAST_MAX_DESTROY = 3
MAX_DESTROY_SHARE = 5
"""Without `limits.max_destroy`, a plan may destroy one in this many managed segments, or
`LEAST_MAX_DESTROY` if that is more."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The `limits` of segctl.yaml.

    `max_destroy` is the number of deletes and replacements that a plan may have, `None` for the
    larger of 3 and 20 % of the managed segments. `allow_destroy` is the exact number that lets one
    plan exceed it. `max_upgrade_difference` is the percentage by which the counts of a v1 segment
    and its upgraded form may differ, relative to the larger one; 100 turns the comparison off.
    `max_audience_change` is the percentage by which an audience may change, `None` for no limit;
    `scheduled_send_change` is that of a segment that a scheduled Single Send goes to.
    """

    max_segments: int = DEFAULT_MAX_SEGMENTS
    max_destroy: int | None = None
    allow_destroy: int | None = None
    max_upgrade_difference: int = DEFAULT_MAX_UPGRADE_DIFFERENCE
    max_audience_change: int | None = None
    scheduled_send_change: int | None = None

    @property
    def on_audiences(self) -> str:
        """The name of a limit that needs the audiences counted; empty where there is none."""
        names = ("max_audience_change", "scheduled_send_change")
        return next((name for name in names if getattr(self, name) is not None), "")


def apply_safety_rules(
    plan: Plan,
    limits: Limits,
    account_size: int,
    references: References | None = None,
    allowed_changes: Mapping[str, float] | None = None,
    *,
    overwrites: Overwrites | None = None,
) -> Plan:
    """Return the plan with its refusals and warnings, in an order that fits under the cap.

    `account_size` is the number of all segments of the account. `references` are needed where the
    plan ends any segment's id: `None` refuses such a plan, since "not read" is not "none". They
    refuse deletes and replacements, and hold upgrades back before their last steps.
    `allowed_changes` has the percentages by which the files let the audiences of segments change,
    by name. `overwrites` are the changes of segments that may be someone else's. In an account that
    is too full to create first, deletes come first.
    """
    overwrites = overwrites or Overwrites()
    plan = overwrites.with_proofs(plan)
    plan = with_headroom(with_waiting_upgrades(plan, references), limits.max_segments, account_size)
    refusals = (
        *plan.refusals,
        *takeover_refusals(overwrites),
        *_replacement_refusals(plan),
        *_destruction_refusals(plan, limits, account_size),
        *capacity_refusals(plan, limits.max_segments, account_size),
        *reference_refusals(plan, references),
        *audience_change_refusals(plan.changes, limits.max_audience_change, allowed_changes or {}),
        *scheduled_send_refusals(plan, limits.scheduled_send_change, allowed_changes or {}),
    )
    return dataclasses.replace(
        plan,
        diagnostics=(
            *plan.diagnostics,
            *overwrite_warnings(overwrites),
            *_id_warnings(plan),
            *reference_warnings(plan, references),
        ),
        refusals=refusals,
    )


def destructive_changes(plan: Plan) -> tuple[Delete | Replace, ...]:
    """Return the changes that `max_destroy` counts.

    Upgrades are not counted: a reviewed file names the v1 segment, which is deleted only once the
    new one selects as many contacts.
    """
    return tuple(change for change in plan.changes if isinstance(change, Delete | Replace))


def _replacement_refusals(plan: Plan) -> Iterator[Diagnostic]:
    for change in plan.changes:
        if isinstance(change, Upgrade) and change.is_protected:
            yield Diagnostic(
                "protected",
                Severity.ERROR,
                f"`{change.name}` is protected, but an upgrade deletes its v1 segment",
                change.span,
                hint="remove `protected: true` until the segment is upgraded",
            )
        if not isinstance(change, Replace):
            continue
        if change.is_protected:
            yield Diagnostic(
                "protected",
                Severity.ERROR,
                f"`{change.name}` is protected, and must be replaced (deleted and re-created) to "
                "change its parent list",
                change.span,
                hint="restore the parent list, or remove `protected: true` in a separate change",
            )
        elif not change.is_allowed:
            yield Diagnostic(
                "replace-refused",
                Severity.ERROR,
                f"`{change.name}` must be replaced (deleted and re-created): SendGrid cannot "
                "change a segment's parent list",
                change.span,
                hint="a new id breaks campaigns that use the old one. Restore the parent list and "
                "add array_contains(list_ids, ['…']) to the query instead, or add "
                "`allow_replace: true` to the file",
            )


def _id_warnings(plan: Plan) -> Iterator[Diagnostic]:
    for change in plan.changes:
        if isinstance(change, Replace) and change.is_allowed and change.successor is None:
            yield Diagnostic(
                "id-changes",
                Severity.WARNING,
                f"`{change.name}` gets a new id: it is replaced, since its parent list changes",
                change.span,
                hint="to keep the id, restore the parent list and add array_contains(list_ids, "
                "['…']) to the query",
            )


def _destruction_refusals(plan: Plan, limits: Limits, account_size: int) -> Iterator[Diagnostic]:
    destructive = destructive_changes(plan)
    number, names = len(destructive), tuple(change.before.name for change in destructive)
    if number in (0, limits.allow_destroy):
        return
    hint = f"to allow exactly this plan, add `limits: {{allow_destroy: {number}}}` to segctl.yaml"
    limit = limits.max_destroy
    if limit is None:
        limit = max(LEAST_MAX_DESTROY, _count_managed(plan) // MAX_DESTROY_SHARE)
    if number > limit:
        segments = "1 segment" if number == 1 else f"{number} segments"
        yield Diagnostic(
            "too-destructive",
            Severity.ERROR,
            f"the plan would delete or replace {segments}, more than the limit of {limit}",
            hint=hint,
            names=names,
        )
    elif account_size and account_size + net_growth(plan.changes) <= 0:
        yield Diagnostic(
            "would-empty",
            Severity.ERROR,
            "the plan would leave the account without any segment",
            hint=hint,
            names=names,
        )


def _count_managed(plan: Plan) -> int:
    """Count the segments of the account that belong to this project."""
    return len(plan.kept) + sum(
        change.reason not in (Reason.FREES_NAME, Reason.NOT_DECLARED)
        for change in plan.changes
        if not isinstance(change, Create)
    )
