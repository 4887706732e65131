"""Temporary names: how the account itself tells the next run what was left half done.

Owns two forms. `VIP ~segctl-1a2b3c4d`: a segment that was VIP and is on its way to another name.
`VIP ~segctl-old-1a2b3c4d`: a segment that another one replaces as VIP. The eight hex digits are
of a digest of the segment's own id, so that a name that somebody copied marks nothing; nothing is
read out of a name: one is recognised by making it again. Pure.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.model import Remote

LONGEST_NAME = 100
"""Characters of a segment's name (sendgrid-api.md §1)."""


class Marker(StrEnum):
    """Why a segment has a temporary name."""

    MOVING = " ~segctl-"
    OLD = " ~segctl-old-"


_MARK = " ~segctl-"
"""What every marker begins with: a name without it needs no digest to be told from a marked one."""


def temporary_name(name: str, segment_id: str, marker: Marker) -> str:
    """Give the marked name of the segment with this id that is, or was, called `name`."""
    digest = hashlib.sha256(segment_id.encode("utf-8", "surrogatepass")).hexdigest()
    mark = marker.value + digest[:8]
    return name[: LONGEST_NAME - len(mark)] + mark


def marked(name: str, remotes: Iterable[Remote], *markers: Marker) -> tuple[Remote, ...]:
    """Pick the segments that carry a marker of these kinds (all, unless told) for `name`."""
    kinds = markers or tuple(Marker)
    return tuple(
        remote
        for remote in remotes
        if _MARK in remote.name
        and any(remote.name == temporary_name(name, remote.id, kind) for kind in kinds)
    )


def is_marked(remote: Remote) -> bool:
    """Say whether a segment's name is a temporary one of its own, whatever it was called before."""
    return _MARK in remote.name and any(
        remote.name.endswith(temporary_name("", remote.id, kind)) for kind in Marker
    )
