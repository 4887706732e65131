"""Whether a plan may be performed: the safety rules, each a function that says why not.

Pure. A refusal is data in the plan, so that every view shows it; the command line turns any into
exit code 3 and performs nothing at all.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity
from segctl.model import Create, Delete, Plan, Reason, Replace, Upgrade
from segctl.planning.audience_limits import audience_change_refusals
from segctl.planning.capacity import capacity_refusals, net_growth, with_headroom

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from segctl.model.single_sends import References, SingleSend

DEFAULT_MAX_SEGMENTS = 200
"""Segments an account may hold, v1 ones included (sendgrid-api.md §1)."""

DEFAULT_MAX_UPGRADE_DIFFERENCE = 5
"""Percent. The two were counted at different times, and contacts come and go meanwhile."""

LEAST_MAX_DESTROY = 3
MAX_DESTROY_SHARE = 5
"""Without `limits.max_destroy`, a plan may destroy one in so many of the managed, or the least."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The `limits` of segctl.yaml.

    `max_destroy`: how many deletes and replacements a plan may have, `None` for the larger of 3
    and 20 % of the managed. `allow_destroy`: the exact number that lets one plan beyond that pass.
    `max_upgrade_difference`: by how many percent of the larger one the contacts of a v1 segment and
    of its upgraded form may differ; 100 compares nothing.
    `max_audience_change`: by how many percent an audience may change, `None` for any number.
    """

    max_segments: int = DEFAULT_MAX_SEGMENTS
    max_destroy: int | None = None
    allow_destroy: int | None = None
    max_upgrade_difference: int = DEFAULT_MAX_UPGRADE_DIFFERENCE
    max_audience_change: int | None = None


def apply_safety_rules(
    plan: Plan,
    limits: Limits,
    account_size: int,
    references: References | None = None,
    allowed_changes: Mapping[str, float] | None = None,
) -> Plan:
    """Give the plan with its refusals; `account_size` counts every segment the account holds.

    `references` are needed where the plan ends any id: without them it is refused, since what was
    not read is not "nothing". They refuse a delete or a replacement, and hold an upgrade back
    before its last steps. `allowed_changes` has, by name, the percentage by which the file of a
    segment lets its audience change. Where the account is too full to create first, deletes move
    to the front.
    """
    plan = with_headroom(_held_back(plan, references), limits.max_segments, account_size)
    refusals = (
        *_replacements(plan),
        *_destruction(plan, limits, account_size),
        *capacity_refusals(plan, limits.max_segments, account_size),
        *_in_use(plan, references),
        *audience_change_refusals(plan.changes, limits.max_audience_change, allowed_changes or {}),
    )
    return dataclasses.replace(
        plan,
        diagnostics=(
            *plan.diagnostics,
            *_new_ids(plan),
            *_what_nobody_sees(plan, references),
        ),
        refusals=refusals,
    )


def destructive_changes(plan: Plan) -> tuple[Delete | Replace, ...]:
    """Give the changes that `max_destroy` counts.

    An upgrade is none: it names its v1 segment in a reviewed file, and ends that one only when
    another has proven to select as many contacts.
    """
    return tuple(change for change in plan.changes if isinstance(change, Delete | Replace))


def id_ending_changes(plan: Plan) -> tuple[Delete | Replace | Upgrade, ...]:
    """Give the changes that end a segment's id: whatever names that must be looked after."""
    return tuple(
        change for change in plan.changes if isinstance(change, Delete | Replace | Upgrade)
    )


def _held_back(plan: Plan, references: References | None) -> Plan:
    """Give each upgrade the Single Sends that it has to wait for, and put those last that wait.

    What waits keeps two segments for as long, so first comes what makes room, then what needs it
    for a moment.
    """
    if references is None or not plan.summary.upgrade:
        return plan
    upgrades = [_waiting_for(one, references) for one in plan.changes if isinstance(one, Upgrade)]
    sorted_ones = iter(
        sorted(upgrades, key=lambda one: (bool(one.waits_for), one.successor is None))
    )
    changes = (next(sorted_ones) if isinstance(one, Upgrade) else one for one in plan.changes)
    return dataclasses.replace(plan, changes=tuple(changes))


def _waiting_for(change: Upgrade, references: References) -> Upgrade:
    if is_reference_ignored(change, references.ignored):
        return change
    # Whoever else gets them is none of its business.
    sends = (
        dataclasses.replace(send, segment_ids=(change.id,))
        for send in references.single_sends_using(change.id)
    )
    return dataclasses.replace(change, waits_for=tuple(sends))


def _replacements(plan: Plan) -> Iterator[Diagnostic]:
    for change in plan.changes:
        if isinstance(change, Upgrade) and change.is_protected:
            yield Diagnostic(
                "protected",
                Severity.ERROR,
                f"`{change.name}` is protected, and a v1 segment is deleted when another one takes "
                "its place",
                change.span,
                hint="protect it once it is upgraded: remove `protected: true` until then",
            )
        if not isinstance(change, Replace):
            continue
        if change.is_protected:
            yield Diagnostic(
                "protected",
                Severity.ERROR,
                f"`{change.name}` is protected, and its parent list cannot be changed without "
                "deleting it",
                change.span,
                hint="put the parent list back, or remove `protected: true` in a change of its own",
            )
        elif not change.is_allowed:
            yield Diagnostic(
                "replace-refused",
                Severity.ERROR,
                f"`{change.name}` would have to be deleted and made anew: "
                "SendGrid cannot change the parent list of a segment",
                change.span,
                hint="its id would change, and campaigns that name the old id would lose their "
                "audience. Put the parent list back and add the condition to the query instead: "
                "array_contains(list_ids, ['…']); or write `allow_replace: true` into the file",
            )


def _new_ids(plan: Plan) -> Iterator[Diagnostic]:
    for change in plan.changes:
        if isinstance(change, Replace) and change.is_allowed and change.successor is None:
            yield Diagnostic(
                "id-changes",
                Severity.WARNING,
                f"`{change.name}` is made anew with another id, since its parent list changes",
                change.span,
                hint="the id would stay if the parent list were put back and the query had the "
                "condition instead: array_contains(list_ids, ['…'])",
            )


def _destruction(plan: Plan, limits: Limits, account_size: int) -> Iterator[Diagnostic]:
    number = len(destructive_changes(plan))
    if number in (0, limits.allow_destroy):
        return
    hint = (
        "if that is what you want, let this plan pass, and no other: write "
        f"`limits: {{allow_destroy: {number}}}` into segctl.yaml"
    )
    most = limits.max_destroy
    if most is None:
        most = max(LEAST_MAX_DESTROY, _managed(plan) // MAX_DESTROY_SHARE)
    if number > most:
        yield Diagnostic(
            "too-destructive",
            Severity.ERROR,
            f"the plan would delete or replace {number} segments; the most is {most}",
            hint=hint,
        )
    elif account_size and account_size + net_growth(plan.changes) <= 0:
        yield Diagnostic(
            "would-empty",
            Severity.ERROR,
            "the plan would leave the account without any segment",
            hint=hint,
        )


def _managed(plan: Plan) -> int:
    """Count the segments of the account that the files or the history call ours."""
    return len(plan.kept) + sum(
        change.reason not in (Reason.FREES_NAME, Reason.NOT_DECLARED)
        for change in plan.changes
        if not isinstance(change, Create)
    )


def _in_use(plan: Plan, references: References | None) -> Iterator[Diagnostic]:
    for change in id_ending_changes(plan):
        if references is None:
            yield Diagnostic(
                "references-unread",
                Severity.ERROR,
                f"what uses `{change.before.name}` was not read",
                change.span,
                hint="nothing is deleted unseen",
            )
            continue
        if is_reference_ignored(change, references.ignored) or isinstance(change, Upgrade):
            continue
        for send in references.single_sends_using(change.id):
            yield Diagnostic(
                "in-use",
                Severity.ERROR,
                f"{single_send_phrase(send)} goes to `{change.before.name}`, which would be "
                "deleted",
                change.span,
                hint="give it another audience in SendGrid, or ignore it with "
                f"--ignore-references '{change.name}'",
            )


def is_reference_ignored(change: Delete | Replace | Upgrade, names: Collection[str]) -> bool:
    """Say whether a segment may end though Single Sends use it; it is named as it is or will be."""
    return change.name in names or change.before.name in names


def _what_nobody_sees(plan: Plan, references: References | None) -> Iterator[Diagnostic]:
    gone = id_ending_changes(plan)
    for change in gone:
        if isinstance(change, Upgrade) and change.waits_for:
            yield _waiting(change)
    for change in gone if references is not None else ():
        if references is not None and is_reference_ignored(change, references.ignored):
            for send in references.single_sends_using(change.id):
                yield Diagnostic(
                    "reference-ignored",
                    Severity.WARNING,
                    f"{single_send_phrase(send)} goes to `{change.before.name}` and loses it, as "
                    "--ignore-references says",
                    change.span,
                )
    if gone and references is not None:
        yield Diagnostic(
            "automations-unseen",
            Severity.WARNING,
            "Single Sends were checked; automations cannot be: SendGrid shows them to nobody",
            hint="look in SendGrid whether one uses a segment that goes: "
            + ", ".join(f"`{change.before.name}`" for change in gone[:5])
            + (" …" if len(gone) > 5 else ""),  # noqa: PLR2004 - a hint is one line
        )


def _waiting(change: Upgrade) -> Diagnostic:
    """Say what keeps a v1 segment."""
    new = f", id {change.successor.id}," if change.successor is not None else ""
    return Diagnostic(
        "upgrade-waits",
        Severity.WARNING,
        f"{targets_phrase(change.waits_for)} to the v1 segment `{change.before.name}`, which stays "
        "until that changes",
        change.span,
        hint=f"in SendGrid, give it the new segment instead{new} and apply again: the upgrade is "
        f"finished then; or ignore it with --ignore-references '{change.name}'",
    )


def single_send_phrase(send: SingleSend) -> str:
    """Name a Single Send for people."""
    return f"the Single Send `{send.name}` ({send.status})"


def targets_phrase(sends: Sequence[SingleSend], still: str = "") -> str:
    """Say who goes there: the beginning of a sentence that goes on with "to …"."""
    names = ", ".join(map(single_send_phrase, sends))
    return f"{names} {still}{'goes' if len(sends) == 1 else 'go'}"
