"""V2 segments of an account as files that declare them exactly as they are.

Owns which segments can be imported. A pure function, as planning is: writes and sends nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.importing.file_builder import (
    Conversion,
    Draft,
    NewFiles,
    Skipped,
    build_files,
    segment_label,
)
from segctl.planning.matching import find_undeclared

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from segctl.model import Declared, Remote, Snapshot, Tombstone
    from segctl.model.contact_fields import ListNames


def segments_to_read(
    picked: Iterable[Remote], declared: Sequence[Declared], listed: Iterable[Remote]
) -> list[Remote]:
    """Return the picked segments, out of all `listed`, whose definitions an import needs."""
    ids = {remote.id for remote in find_undeclared(declared, listed)}
    return [remote for remote in picked if remote.id in ids and not remote.is_v1]


def build_import(
    snapshot: Snapshot,
    picked: Iterable[str],
    declared: Sequence[Declared],
    tombstones: Sequence[Tombstone] = (),
    *,
    taken: Iterable[str] = (),
    lists: ListNames | None = None,
    schema: str = "",
) -> NewFiles:
    """Return the files that import the segments with the ids `picked`.

    The snapshot holds the definition of each segment that `segments_to_read` returns. The rest
    is as for `build_files`.
    """
    conversion = _Import(snapshot, declared)
    return build_files(
        conversion, snapshot, picked, declared, tombstones, taken=taken, lists=lists, schema=schema
    )


class _Import(Conversion):
    def __init__(self, snapshot: Snapshot, declared: Sequence[Declared]) -> None:
        self.undeclared = {remote.id for remote in find_undeclared(declared, snapshot.remotes)}
        self.upgraded = {segment.upgrade_from for segment in declared}

    def is_declared(self, remote: Remote) -> bool:
        if remote.id in self.undeclared:
            return False
        return not remote.is_v1 or remote.id.lower() in self.upgraded

    def reason_to_skip(self, remote: Remote) -> Skipped | None:
        if not remote.is_v1:
            return None
        return Skipped(
            remote,
            f"{segment_label(remote)} is a v1 segment: SendGrid does not allow changes to it",
            "run `segctl upgrade` to write a file for a V2 segment that replaces it",
        )

    def draft(self, remote: Remote) -> Draft | Skipped:
        return Draft(remote.definition)
