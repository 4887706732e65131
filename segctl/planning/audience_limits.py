"""How much a plan may change audiences: the measure, and the refusal of what exceeds the limit.

Pure. Does not set the limit: segctl.yaml has one, and each file may allow more.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity
from segctl.model import Delete, Upgrade

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from segctl.model import Change, Create, Impact, Patch, Plan, Replace


def with_audience(changes: Iterable[Change]) -> list[Create | Patch | Replace]:
    """Return the changes whose audience can be counted.

    A delete has none, and an upgrade starts from a query that is not SQL.
    """
    return [change for change in changes if not isinstance(change, Delete | Upgrade)]


def impact_of(change: Change) -> Impact | None:
    """Return the impact of a change, or `None` where it has none or it was not counted."""
    return None if isinstance(change, Delete | Upgrade) else change.impact


def audience_change(impact: Impact) -> float:
    """Return by how many percent an audience changes: contacts gained and lost, of those in it.

    Where the audience is empty, as for every new segment, the percentage is of all pulled
    contacts: a new segment that reaches most of them is rarely intended.
    """
    moved = impact.gained + impact.lost
    return 100 * moved / (impact.before or impact.base) if moved else 0


def _most_and_change(
    change: Change, impact: Impact, limit: int, allowed: Mapping[str, float]
) -> tuple[float, int]:
    """Return by how many percent an audience may change, and by how many it does.

    The change is rounded up, so that it differs from the limit and is enough to allow the change.
    """
    return max(limit, allowed.get(change.name, 0)), math.ceil(audience_change(impact))


def scheduled_send_refusals(
    plan: Plan, limit: int | None, allowed: Mapping[str, float]
) -> Iterator[Diagnostic]:
    """Refuse to change by more than `limit` percent who gets a scheduled Single Send.

    Files allow more as for `audience_change_refusals`. A change that could not be counted passes.
    """
    if limit is None:
        return
    for change in with_audience(plan.changes):
        sends = [send for send in plan.single_sends_to(change) if send.is_scheduled]
        if not sends or change.impact is None:
            continue
        most, whole = _most_and_change(change, change.impact, limit, allowed)
        if whole <= most:
            continue
        names, is_one = ", ".join(f"`{send.name}`" for send in sends), len(sends) == 1
        yield Diagnostic(
            "scheduled-send-change",
            Severity.ERROR,
            f"the Single Send{'' if is_one else 's'} {names} {'is' if is_one else 'are'} scheduled "
            f"for `{change.name}`, whose audience would change by {whole:,} %, more than the limit "
            f"of {most:,} %: from {change.impact.before:,} to {change.impact.after:,} contacts",
            change.query_span or change.span,
            hint=f"merge the change after it is sent, or add `allow_audience_change: {whole}%` to "
            "the file if this is intended",
        )


def audience_change_refusals(
    changes: Iterable[Change], limit: int | None, allowed: Mapping[str, float]
) -> Iterator[Diagnostic]:
    """Refuse the changes that exceed the limit and what their files allow, both in percent.

    A change that could not be counted passes.
    """
    if limit is None:
        return
    for change in with_audience(changes):
        impact = change.impact
        if impact is None:
            continue
        most, whole = _most_and_change(change, impact, limit, allowed)
        if whole <= most:
            continue
        more = f"more than the limit of {most:,} %"
        if impact.before:
            summary = (
                f"the audience of `{change.name}` would change by {whole:,} %, {more}: from "
                f"{impact.before:,} to {impact.after:,} contacts, {impact.gained:,} gained and "
                f"{impact.lost:,} lost"
            )
        else:
            summary = (
                f"`{change.name}` is empty and would reach {whole:,} % of the pulled contacts, "
                f"{more}: {impact.after:,} of {impact.base:,}"
            )
        yield Diagnostic(
            "audience-change",
            Severity.ERROR,
            summary,
            change.query_span or change.span,
            hint=f"check the query, or add `allow_audience_change: {whole}%` to its file if this "
            "is intended",
        )
