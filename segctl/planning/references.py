"""What a plan says of Single Sends and automations that use a segment whose id ends.

Pure. A reference is a reason to refuse a delete or a replacement, and to hold an upgrade back. What
is not known, or cannot be, is said.
"""

from __future__ import annotations

import dataclasses
from itertools import compress
from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity
from segctl.model import Delete, Replace, Upgrade
from segctl.planning.wording import list_names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from segctl.model import Plan
    from segctl.model.automations import Automation
    from segctl.model.references import References, Usage

UNSEEN = "the exclusion lists of scheduled Single Sends"
"""What SendGrid shows nobody (sendgrid-api.md §3)."""

OBSERVE = "add `references: {automations: observed}` to segctl.yaml to read automations"


def id_ending_changes(plan: Plan) -> tuple[Delete | Replace | Upgrade, ...]:
    """Return the changes that end a segment's id, and so break every reference to it."""
    return tuple(
        change for change in plan.changes if isinstance(change, Delete | Replace | Upgrade)
    )


def is_reference_ignored(change: Delete | Replace | Upgrade, names: Collection[str]) -> bool:
    """Return whether the user ignores references to a segment, by its old or its new name."""
    return change.name in names or change.before.name in names


def usage_phrase(usage: Usage, still: str = "") -> str:
    """Return the start of a sentence, "the Single Send `…` (draft) targets", to be completed."""
    sends = [f"the Single Send `{send.name}` ({send.timing})" for send in usage.sends]
    automations = [
        f"the automation `{automation.name}` ({describe_use(automation, usage.segment_id)})"
        for automation in usage.automations
    ]
    phrases = [f"{', '.join(sends)} {still}{'targets' if len(sends) == 1 else 'target'}"]
    phrases += [f"{', '.join(automations)} {still}{'uses' if len(automations) == 1 else 'use'}"]
    return " and ".join(compress(phrases, (sends, automations)))


def describe_use(automation: Automation, segment_id: str) -> str:
    """Return the status of an automation and how it uses a segment: "live: entrance and exit"."""
    roles = " and ".join(role.value for role in automation.roles_of(segment_id))
    return f"{automation.status}: {roles}"


def with_waiting_upgrades(plan: Plan, references: References | None) -> Plan:
    """Return the plan with what each upgrade waits for; waiting upgrades last.

    An upgrade that waits keeps two segments until a later run. So the upgrades that free a place
    come first, then those that need one for a moment.
    """
    if references is None or not plan.summary.upgrade:
        return plan
    upgrades = [
        _with_usage(change, references) for change in plan.changes if isinstance(change, Upgrade)
    ]
    upgrades.sort(key=lambda upgrade: (upgrade.is_waiting, upgrade.successor is None))
    ordered = iter(upgrades)
    changes = (next(ordered) if isinstance(change, Upgrade) else change for change in plan.changes)
    return dataclasses.replace(plan, changes=tuple(changes))


def _with_usage(change: Upgrade, references: References) -> Upgrade:
    if is_reference_ignored(change, references.ignored):
        return change
    usage = references.usage_of(change.id)
    # Other segments that they use do not matter to this upgrade.
    return dataclasses.replace(
        change,
        waits_for=tuple(
            dataclasses.replace(send, segment_ids=(change.id,)) for send in usage.sends
        ),
        waits_for_automations=tuple(
            automation.limited_to([change.id]) for automation in usage.automations
        ),
    )


def reference_refusals(plan: Plan, references: References | None) -> Iterator[Diagnostic]:
    """Yield a refusal for each delete and replacement of a segment that something uses."""
    for change in id_ending_changes(plan):
        if references is None:
            yield Diagnostic(
                "references-unread",
                Severity.ERROR,
                f"the Single Sends that use `{change.before.name}` were not read, so it cannot be "
                "deleted",
                change.span,
                names=(change.before.name,),
            )
            continue
        if is_reference_ignored(change, references.ignored) or isinstance(change, Upgrade):
            continue
        for usage, remedy in _each_use(references.usage_of(change.id)):
            yield Diagnostic(
                "in-use",
                Severity.ERROR,
                f"{usage_phrase(usage)} `{change.before.name}`, which would be deleted",
                change.span,
                hint=f"{remedy} in SendGrid, or ignore it with --ignore-references '{change.name}'",
                names=(change.before.name,),
            )


def _each_use(usage: Usage) -> Iterator[tuple[Usage, str]]:
    """Yield each thing that uses a segment by itself, and what to do about it."""
    for send in usage.sends:
        yield dataclasses.replace(usage, sends=(send,), automations=()), "give it another audience"
    for automation in usage.automations:
        yield (
            dataclasses.replace(usage, sends=(), automations=(automation,)),
            "let it use another segment",
        )


def reference_warnings(plan: Plan, references: References | None) -> Iterator[Diagnostic]:
    """Yield what a plan says of references that it allows, and of those that nobody can see."""
    ending = id_ending_changes(plan)
    for change in ending:
        if isinstance(change, Upgrade) and change.is_waiting:
            yield _upgrade_waits(change)
    if references is None or not ending:
        return
    for change in ending:
        if is_reference_ignored(change, references.ignored):
            for usage, _ in _each_use(references.usage_of(change.id)):
                yield Diagnostic(
                    "reference-ignored",
                    Severity.WARNING,
                    f"{usage_phrase(usage)} `{change.before.name}` and loses it: "
                    "--ignore-references allows this",
                    change.span,
                    names=(change.before.name,),
                )
        for automation in references.automations_using(change.id):
            if not automation.is_live:
                yield Diagnostic(
                    "draft-automation",
                    Severity.WARNING,
                    f"the automation `{automation.name}` "
                    f"({describe_use(automation, change.id)}) uses `{change.before.name}` and "
                    "loses it",
                    change.span,
                    hint="let it use another segment in SendGrid before it goes live",
                    names=(change.before.name,),
                )
    yield _unseen(tuple(change.before.name for change in ending), references)
    v1_names = [
        change.before.name
        for change in ending
        if isinstance(change, Upgrade) or (isinstance(change, Delete) and change.is_v1)
    ]
    if v1_names and references.automations is None:
        yield Diagnostic(
            "v1-in-automations",
            Severity.WARNING,
            f"automations likely use what is still v1: {list_names(v1_names)}. SendGrid did not "
            "migrate the v1 segments that an automation or a scheduled Single Send used",
            hint="look in SendGrid which automations use them, and let those use the V2 segments",
            names=tuple(v1_names),
        )


def _unseen(names: tuple[str, ...], references: References) -> Diagnostic:
    """Return what could not be checked."""
    if references.automations is not None:
        return Diagnostic(
            "exclusions-unseen",
            Severity.WARNING,
            f"Single Sends and automations were checked. Not checked: {UNSEEN}, which the SendGrid "
            "API does not expose",
            hint=f"check in SendGrid that no exclusion list has {list_names(names)}",
            names=names,
        )
    hint = f"check in SendGrid that no automation and no exclusion list uses {list_names(names)}"
    return Diagnostic(
        "automations-unseen",
        Severity.WARNING,
        f"Single Sends were checked. Not checked: automations and {UNSEEN}, which the SendGrid API "
        "does not document",
        hint=hint if references.observes_automations else f"{hint}, or {OBSERVE}",
        names=names,
    )


def _upgrade_waits(change: Upgrade) -> Diagnostic:
    new_id = f" (id {change.successor.id})" if change.successor is not None else ""
    verb = "target" if change.waits_for else "use"
    return Diagnostic(
        "upgrade-waits",
        Severity.WARNING,
        f"{usage_phrase(change.usage)} the v1 segment `{change.before.name}`, which is kept "
        "until that changes",
        change.span,
        hint=f"in SendGrid, let it {verb} the new segment{new_id} instead, and apply again to "
        f"finish the upgrade; or ignore it with --ignore-references '{change.name}'",
    )
