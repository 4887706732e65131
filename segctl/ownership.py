"""Whose a segment is that no file declares: the rule by which absence may delete.

Owns the one decision: may segctl delete this segment because nothing declares it any more? Pure;
what the history says comes in as a `Ledger`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segctl.model import Remote, Removal


class Ownership(StrEnum):
    """What segctl.yaml says of segments that no file declares.

    `HISTORY`: those that git knows are ours and are deleted. `DECLARED`: none is deleted.
    `EXCLUSIVE`: the account belongs to the files, and every V2 segment beside them is deleted.
    """

    HISTORY = "history"
    DECLARED = "declared"
    EXCLUSIVE = "exclusive"


def is_ours(removal: Removal, remote: Remote) -> bool:
    """Say whether a segment is the one whose declaration the history saw removed.

    It is only if it was there before: a namesake that somebody made later, by hand, is not ours.
    A time that cannot be read, or zones that cannot be compared, prove nothing. That its name was
    declared and is not now is what a removal is; the ledger has them alone.
    """
    if remote.is_v1:
        return False
    made, removed = _moment(remote.created_at), _moment(removal.removed_at)
    return made is not None and removed is not None and made < removed


def may_delete(removal: Removal, remote: Remote) -> bool:
    """Say whether absence may delete it: ours, and not protected when it was last declared."""
    return is_ours(removal, remote) and not removal.is_protected


def _moment(text: str | None) -> datetime | None:
    """Read a time; the server's and git's own texts have a zone, and one without has none."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None
