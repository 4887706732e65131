"""What a plan says of a v1 segment whose place a V2 one takes: that it cannot, not yet, no more.

Owns the findings, and the question whether what has the name already may take over. The matching of
the two is `matching.py`'s, the action the planner's. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity
from segctl.planning.equality import changed_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from segctl.model import Declared, Remote
    from segctl.planning.matching import Match


def needs_change_first(match: Match) -> bool:
    """Say whether what has the name already is no upgraded form of the v1 segment yet.

    Whoever made it, it is changed as any declared segment, for all to see, before it takes a place.
    """
    one, remote = match.declared, match.remote
    if remote is None or remote.name != one.name:
        return False
    return bool(changed_fields(remote.definition, one.segment))


def upgrade_query_missing(one: Declared, old: Remote) -> Diagnostic:
    """Refuse to end a segment of which nothing can be checked before."""
    return Diagnostic(
        "query-missing",
        Severity.ERROR,
        f"`{one.name}` cannot be upgraded: SendGrid shows no query of the v1 segment {old.id}",
        one.upgrade_span or one.span,
        hint="without it nobody can tell whether it was changed before it is deleted: look at it "
        "in SendGrid, and leave `upgrade_from` out if it is broken",
    )


def v1_segment_not_found(one: Declared) -> Diagnostic:
    """Warn of a v1 segment that was never seen: its id may be wrong."""
    return Diagnostic(
        "upgrade-from-nothing",
        Severity.WARNING,
        f"the account has no v1 segment {one.upgrade_from}, so `{one.name}` has nothing to be "
        "compared with",
        one.upgrade_span or one.span,
        hint="`segctl list --v1` shows what there is; remove `upgrade_from` if it is gone",
    )


def upgrade_deferred(one: Declared, old: Remote) -> Diagnostic:
    """Say that an apply leaves the v1 segment to the next one."""
    return Diagnostic(
        "upgrade-later",
        Severity.WARNING,
        f"the account has a V2 segment `{one.name}` that is not as declared, and a v1 one, "
        f"id {old.id}, whose place it is to take: first it is changed",
        one.upgrade_span or one.span,
        hint="apply twice: the second time the v1 segment is upgraded",
    )


def finished_upgrades(matches: Iterable[Match]) -> Iterator[Diagnostic]:
    """Say once what is left in the files of upgrades that are over, of those whose v1 one is gone.

    Over they are when the new segment has its name, and is the only one.
    """
    done = [
        match.declared
        for match in matches
        if match.remote and match.remote.name == match.declared.name and not match.surplus
    ]
    if not done:
        return
    first, *more = done
    yield Diagnostic(
        "upgrade-finished",
        Severity.INFO,
        f"the v1 segment that `{first.name}` was upgraded from is gone" + _and_of(len(more)),
        first.upgrade_span or first.span,
        hint="`upgrade_from` may be removed from the file" + ("s" if more else ""),
    )


def _and_of(more: int) -> str:
    if more == 1:
        return ", and so is that of one more segment"
    return f", and so are those of {more} more segments" if more else ""
