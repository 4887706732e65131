"""Whose a segment is that no file declares: the rule by which absence may delete.

Owns what the history says of removed declarations, as values, and the one decision: may segctl
delete this segment because nothing declares it any more? Pure; git is asked by `git.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from segctl.common.timestamps import moment

if TYPE_CHECKING:
    from segctl.model import Remote, Segment


class Ownership(StrEnum):
    """What segctl.yaml says of segments that no file declares.

    `HISTORY`: those that git knows are ours and are deleted. `DECLARED`: none is deleted.
    `EXCLUSIVE`: the account belongs to the files, and every segment beside them is deleted.
    """

    HISTORY = "history"
    DECLARED = "declared"
    EXCLUSIVE = "exclusive"


@dataclass(frozen=True, slots=True)
class Removal:
    """A segment that the history declared and no file declares now.

    `segment` and `is_protected` are as last declared, in `file`; `commit` removed it, at
    `removed_at` (ISO 8601 in UTC, the committer's time). `successor` is the new name that the same
    commit put in its place in the same file, empty where it put none.
    """

    segment: Segment
    is_protected: bool
    file: str
    commit: str
    removed_at: str
    successor: str = ""

    @property
    def name(self) -> str:
        """The name that was declared."""
        return self.segment.name


@dataclass(frozen=True, slots=True)
class RemovalHistory:
    """What git knows of segments that are no longer declared.

    `removals` are in the order of commits, the latest removal of each name. `unavailable` says why
    nothing can be known (no git, a shallow clone, a history that cannot be read), and is empty
    where the history is whole; `remedy` says what to do then. `uncommitted` are the names that
    the last commit declares and the work tree does not: no commit removed or renamed them yet.
    """

    removals: tuple[Removal, ...] = ()
    unavailable: str = ""
    remedy: str = ""
    uncommitted: tuple[str, ...] = ()


def is_ours(removal: Removal, remote: Remote) -> bool:
    """Say whether a segment is the one whose declaration the history saw removed.

    It is only if it was there before: a namesake that somebody made later, by hand, is not ours.
    A time that cannot be read, or zones that cannot be compared, prove nothing. That its name was
    declared and is not now is what a removal is; the ledger has them alone.
    """
    if remote.is_v1:
        return False
    made, removed = moment(remote.created_at), moment(removal.removed_at)
    return made is not None and removed is not None and made < removed


def may_delete(removal: Removal, remote: Remote) -> bool:
    """Say whether absence may delete it: ours, and not protected when it was last declared."""
    return is_ours(removal, remote) and not removal.is_protected
