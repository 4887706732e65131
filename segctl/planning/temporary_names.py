"""Temporary names, by which the account itself tells the next run what is unfinished.

There are three forms. `VIP ~segctl-1a2b3c4d` was VIP and is about to get another name.
`VIP ~segctl-old-1a2b3c4d` is about to be replaced by another segment as VIP.
`VIP ~segctl-v2-1a2b3c4d` is the V2 successor of a v1 segment, and becomes VIP once that is deleted.
The eight hex digits are from a digest of the segment's own id, or of the v1 segment's id for a
successor, so a name that someone copied marks nothing. No information is read from a name: it is
recognised by building it again. Pure.
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
"""Characters in a segment's name (sendgrid-api.md §1)."""


class Marker(StrEnum):
    """Why a segment has a temporary name."""

    MOVING = " ~segctl-"
    OLD = " ~segctl-old-"
    SUCCESSOR = " ~segctl-v2-"


_PREFIX = " ~segctl-"
"""The common start of all markers: a name without it is rejected before any digest is built."""

_DIGITS = 8
_SUCCESSOR = re.compile(rf"{re.escape(Marker.SUCCESSOR)}[0-9a-f]{{{_DIGITS}}}\Z")


def temporary_name(name: str, segment_id: str, marker: Marker) -> str:
    """Return the temporary name of the segment with this id whose declared name is `name`."""
    digest = hashlib.sha256(segment_id.encode("utf-8", "surrogatepass")).hexdigest()
    suffix = marker.value + digest[:_DIGITS]
    return name[: LONGEST_NAME - len(suffix)] + suffix


def find_marked(name: str, remotes: Iterable[Remote], *markers: Marker) -> tuple[Remote, ...]:
    """Return the segments with a temporary name for `name`, with any of these markers or all."""
    return tuple(
        remote
        for remote in remotes
        if _PREFIX in remote.name
        and any(
            remote.name == temporary_name(name, remote.id, marker) for marker in markers or Marker
        )
    )


def is_marked(remote: Remote) -> bool:
    """Return whether a segment has a temporary name built from its own id, for whatever name.

    False for a successor: only a file that names the v1 segment can tell whose successor it is.
    """
    return _PREFIX in remote.name and any(
        remote.name.endswith(temporary_name("", remote.id, marker)) for marker in Marker
    )


def successors_of(v1_id: str, remotes: Iterable[Remote]) -> tuple[Remote, ...]:
    """Return the V2 segments that were created to replace a v1 segment, for whatever name."""
    suffix = temporary_name("", v1_id, Marker.SUCCESSOR)
    return tuple(remote for remote in remotes if not remote.is_v1 and remote.name.endswith(suffix))


def successors_by_name(
    names: Iterable[str], remotes: Iterable[Remote]
) -> dict[str, tuple[Remote, ...]]:
    """Return what looks like a successor, of whatever v1 segment, by the name that it would get.

    Ignores the digits, so this proves nothing by itself.
    """
    by_stem: dict[str, list[Remote]] = {}
    for remote in remotes:
        if looks_like_successor(remote):
            by_stem.setdefault(remote.name[:-_DIGITS], []).append(remote)
    if not by_stem:
        return {}
    stems = {name: temporary_name(name, "", Marker.SUCCESSOR)[:-_DIGITS] for name in names}
    return {name: tuple(by_stem[stem]) for name, stem in stems.items() if stem in by_stem}


def looks_like_successor(remote: Remote) -> bool:
    """Return whether a name has the form of a successor's: reason enough to leave it alone."""
    return not remote.is_v1 and _SUCCESSOR.search(remote.name) is not None
