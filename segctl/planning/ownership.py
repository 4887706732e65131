"""Which undeclared segments belong to this project, so that a removed file may delete them.

Has the removals of git history as values, and the rule that decides on them. Pure: does not read
git (`history`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from segctl.common.timestamps import parse_time_or_none

if TYPE_CHECKING:
    from segctl.model import Remote, Segment


class Ownership(StrEnum):
    """The setting `ownership` of segctl.yaml: which undeclared segments are deleted.

    `HISTORY`: those that git history shows to be ours. `DECLARED`: none. `EXCLUSIVE`: all, since
    the account belongs to this project.
    """

    HISTORY = "history"
    DECLARED = "declared"
    EXCLUSIVE = "exclusive"


@dataclass(frozen=True, slots=True)
class Removal:
    """A segment that was declared in git history and is not any more.

    `segment` and `is_protected` are as last declared, in `file`. `commit` removed the declaration
    at `removed_at` (ISO 8601 in UTC, the committer's time). `renamed_to` is the new name that the
    same commit gave it in the same file, empty where it gave none.
    """

    segment: Segment
    is_protected: bool
    file: str
    commit: str
    removed_at: str
    renamed_to: str = ""

    @property
    def name(self) -> str:
        """The declared name."""
        return self.segment.name


@dataclass(frozen=True, slots=True)
class RemovalHistory:
    """What git history shows of segments that are no longer declared.

    `removals` holds the latest removal of each name, in the order of commits. `unavailable` is the
    reason why the history cannot be used (no git, a shallow clone, a read error), empty where it
    is complete; `remedy` says what to do about it. `uncommitted` are the names that the last commit
    declares and the work tree does not: no commit removed or renamed them yet. `dated_ahead` holds
    the removals whose commit has a date in the future, which proves nothing.
    """

    removals: tuple[Removal, ...] = ()
    unavailable: str = ""
    remedy: str = ""
    uncommitted: tuple[str, ...] = ()
    dated_ahead: tuple[Removal, ...] = ()


def is_ours(removal: Removal, remote: Remote) -> bool:
    """Return whether a segment is the one whose declaration was removed.

    It must be older than the removal: a namesake that someone created later is not ours. A time
    that cannot be read proves nothing.
    """
    if remote.is_v1:
        return False
    created, removed = parse_time_or_none(remote.created_at), parse_time_or_none(removal.removed_at)
    return created is not None and removed is not None and created < removed


def may_delete(removal: Removal, remote: Remote) -> bool:
    """Return whether a segment may be deleted: it is ours, and was not last declared protected."""
    return is_ours(removal, remote) and not removal.is_protected
