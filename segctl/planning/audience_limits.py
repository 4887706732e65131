"""How far a change of an audience may go: what has one, its measure, the refusal of too much.

Pure. Owns no limit: segctl.yaml has one, and each file may allow more.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity
from segctl.model import Delete, Upgrade

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from segctl.model import Change, Create, Impact, Patch, Replace


def with_audience(changes: Iterable[Change]) -> list[Create | Patch | Replace]:
    """Give the changes that have an audience to count.

    What goes away has none, and what an upgrade comes from was no V2 query.
    """
    return [change for change in changes if not isinstance(change, Delete | Upgrade)]


def impact_of(change: Change) -> Impact | None:
    """Give the impact of a change, where it has one and somebody counted it."""
    return None if isinstance(change, Delete | Upgrade) else change.impact


def audience_change(impact: Impact) -> float:
    """Say by how many percent an audience changes: those who come and those who go, of all in it.

    Of the whole base where nobody is in it, as in every new segment: a first audience has nothing
    to be compared with, and one that takes in most of the base is seldom meant.
    """
    moved = impact.gained + impact.lost
    return 100 * moved / (impact.before or impact.base) if moved else 0


def audience_change_refusals(
    changes: Iterable[Change], limit: int | None, allowed: Mapping[str, float]
) -> Iterator[Diagnostic]:
    """Refuse what changes more of an audience than the limit and its file allow, in percent.

    What nobody could count is let through: nothing is guessed.
    """
    if limit is None:
        return
    for change in with_audience(changes):
        impact = change.impact
        if impact is None:
            continue
        most = max(limit, allowed.get(change.name, 0))
        percent = audience_change(impact)
        if percent <= most:
            continue
        # Rounded up, it is never the very number that it exceeds, and it is enough to allow it.
        whole = math.ceil(percent)
        if impact.before:
            said = (
                f"the audience of `{change.name}` would change by {whole:,} %: from "
                f"{impact.before:,} to {impact.after:,} contacts, {impact.gained:,} gained and "
                f"{impact.lost:,} lost"
            )
        else:
            said = (
                f"`{change.name}` would reach {whole:,} % of the contacts it is counted in: "
                f"{impact.after:,} of {impact.base:,}, and nobody is in it now"
            )
        yield Diagnostic(
            "audience-change",
            Severity.ERROR,
            f"{said}; the most is {most:,} %",
            change.query_span or change.span,
            hint=f"if that is what you want, write `allow_audience_change: {whole}%` into its "
            "file; else look at the query again",
        )
