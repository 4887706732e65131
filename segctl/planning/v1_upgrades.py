"""Diagnostics about upgrades of v1 segments that cannot happen, must wait, or are finished.

Also decides whether the segment that already has the name may take the v1 segment's place. Pure.
`matching` finds the two segments, and the planner builds the action.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity
from segctl.planning.equality import changed_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from segctl.model import Declared, Remote
    from segctl.planning.match_state import Match


def needs_change_first(match: Match) -> bool:
    """Return whether a V2 segment that already has the name must first be changed.

    It may not be the upgraded form of the v1 segment, so the plan shows its change like that of
    any declared segment before it takes the place of another.
    """
    declared, remote = match.declared, match.remote
    if remote is None or remote.name != declared.name:
        return False
    return bool(changed_fields(remote.definition, declared.segment))


def upgrade_query_missing(declared: Declared, v1_segment: Remote) -> Diagnostic:
    """Return the error that a v1 segment without a query cannot be upgraded."""
    return Diagnostic(
        "query-missing",
        Severity.ERROR,
        f"`{declared.name}` cannot be upgraded: SendGrid returns no query of the v1 segment "
        f"{v1_segment.id}",
        declared.upgrade_span or declared.span,
        hint="without its query, segctl cannot check for changes before it deletes the segment: "
        "check it in SendGrid, and remove `upgrade_from` if it is broken",
    )


def v1_segment_not_found(declared: Declared) -> Diagnostic:
    """Return the warning that the v1 segment does not exist: its id may be wrong."""
    return Diagnostic(
        "upgrade-from-nothing",
        Severity.WARNING,
        f"v1 segment {declared.upgrade_from} not found, so `{declared.name}` cannot be compared "
        "with it",
        declared.upgrade_span or declared.span,
        hint="run `segctl list --v1` to see the v1 segments; remove `upgrade_from` if it is gone",
    )


def upgrade_deferred(declared: Declared, v1_segment: Remote) -> Diagnostic:
    """Return the warning that this apply leaves the v1 segment to the next one."""
    return Diagnostic(
        "upgrade-later",
        Severity.WARNING,
        f"the account has a V2 segment `{declared.name}`, which is changed first: it can replace "
        f"the v1 segment {v1_segment.id} only once it is as declared",
        declared.upgrade_span or declared.span,
        hint="apply twice: the second apply upgrades the v1 segment",
    )


def finished_upgrades(matches: Iterable[Match]) -> Iterator[Diagnostic]:
    """Report, in one diagnostic, the upgrades that are finished but still in the files.

    `matches` are those whose v1 segment is gone. An upgrade is finished once the new segment has
    its name and no other successor exists.
    """
    finished = [
        match.declared
        for match in matches
        if match.remote and match.remote.name == match.declared.name and not match.surplus
    ]
    if not finished:
        return
    first, *others = finished
    if others:
        segments = "one more segment" if len(others) == 1 else f"{len(others)} more segments"
        summary = f"`{first.name}` and {segments} are upgraded: their v1 segments are gone"
        hint = "remove `upgrade_from` from the files"
    else:
        summary = f"`{first.name}` is upgraded: its v1 segment is gone"
        hint = "remove `upgrade_from` from the file"
    span = first.upgrade_span or first.span
    yield Diagnostic("upgrade-finished", Severity.INFO, summary, span, hint)
