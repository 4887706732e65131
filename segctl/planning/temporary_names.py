"""Temporary names: how the account itself tells the next run what was left half done.

Owns three forms. `VIP ~segctl-1a2b3c4d`: a segment that was VIP and is on its way to another name.
`VIP ~segctl-old-1a2b3c4d`: a segment that another one replaces as VIP. `VIP ~segctl-v2-1a2b3c4d`:
the V2 twin of a v1 segment, which is to be VIP once that is gone. The eight hex digits are of a
digest of the segment's own id, of a twin that of the v1 segment, so that a name that somebody
copied marks nothing; nothing is read out of a name: one is recognised by making it again. Pure.
"""

from __future__ import annotations

import hashlib
import re
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
    SUCCESSOR = " ~segctl-v2-"


_MARK = " ~segctl-"
"""What every marker begins with: a name without it needs no digest to be told from a marked one."""

_DIGITS = 8
_TWIN = re.compile(rf"{re.escape(Marker.SUCCESSOR)}[0-9a-f]{{{_DIGITS}}}\Z")


def temporary_name(name: str, segment_id: str, marker: Marker) -> str:
    """Give the marked name of the segment with this id that is, or was, called `name`."""
    digest = hashlib.sha256(segment_id.encode("utf-8", "surrogatepass")).hexdigest()
    mark = marker.value + digest[:_DIGITS]
    return name[: LONGEST_NAME - len(mark)] + mark


def find_marked(name: str, remotes: Iterable[Remote], *markers: Marker) -> tuple[Remote, ...]:
    """Pick the segments that carry a marker of these kinds (all, unless told) for `name`."""
    kinds = markers or tuple(Marker)
    return tuple(
        remote
        for remote in remotes
        if _MARK in remote.name
        and any(remote.name == temporary_name(name, remote.id, kind) for kind in kinds)
    )


def is_marked(remote: Remote) -> bool:
    """Say whether a segment's name is a temporary one of its own, whatever it was called before.

    Whose twin a segment is, only a file can tell that names the v1 one.
    """
    return _MARK in remote.name and any(
        remote.name.endswith(temporary_name("", remote.id, kind)) for kind in Marker
    )


def successors_of(v1_id: str, remotes: Iterable[Remote]) -> tuple[Remote, ...]:
    """Pick the V2 segments that were made to take the place of a v1 one, under whatever name."""
    ending = temporary_name("", v1_id, Marker.SUCCESSOR)
    return tuple(one for one in remotes if not one.is_v1 and one.name.endswith(ending))


def successors_by_name(
    names: Iterable[str], remotes: Iterable[Remote]
) -> dict[str, tuple[Remote, ...]]:
    """Sort what looks like a twin, whatever v1 segment it is of, by the names that it is to get.

    The digits are not looked at, so this proves nothing by itself.
    """
    found: dict[str, list[Remote]] = {}
    for one in remotes:
        if looks_like_successor(one):
            found.setdefault(one.name[:-_DIGITS], []).append(one)
    stems = {name: temporary_name(name, "", Marker.SUCCESSOR)[:-_DIGITS] for name in names if found}
    return {name: tuple(found[stem]) for name, stem in stems.items() if stem in found}


def looks_like_successor(remote: Remote) -> bool:
    """Say whether a name has the form of a twin's; enough to leave it alone, and for no more."""
    return not remote.is_v1 and _TWIN.search(remote.name) is not None
