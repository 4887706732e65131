"""V2 segments of an account as files that declare them as they are.

Owns which segments can be imported, and the layout of their queries: that of `segctl fmt` where it
is proved to mean the same, else byte for byte. A pure function, as planning is: writes and sends
nothing.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from segctl.common.secrets import redact
from segctl.declarations.updating import formatted_query
from segctl.errors import Diagnostic, Severity
from segctl.importing.file_builder import (
    Conversion,
    Draft,
    NewFiles,
    Skipped,
    build_files,
    segment_label,
)
from segctl.planning.equality import same_query
from segctl.planning.matching import find_undeclared
from segctl.query.personal_data import mask_email_addresses

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from segctl.importing.file_builder import FileOptions
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
    options: FileOptions | None = None,
) -> NewFiles:
    """Return the files that import the segments with the ids `picked`.

    The snapshot holds the definition of each segment that `segments_to_read` returns. The rest
    is as for `build_files`.
    """
    conversion = _Import(snapshot, declared)
    return build_files(
        conversion,
        snapshot,
        picked,
        declared,
        tombstones,
        taken=taken,
        lists=lists,
        options=options,
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
        return import_draft(remote)


def import_draft(remote: Remote) -> Draft:
    """Return what a file that imports a V2 segment declares."""
    formatted = formatted_query(remote.query or "")
    segment = dataclasses.replace(remote.definition, query=formatted.text)
    if not formatted.reason and same_query(segment, remote.definition):
        return Draft(segment)
    reason = formatted.reason or "segctl could not prove that it would mean the same"
    note = Diagnostic(
        "not-formatted",
        Severity.WARNING,
        f"{segment_label(remote)} keeps its query byte for byte: "
        + redact(mask_email_addresses(reason)),
    )
    return Draft(remote.definition, notes=(note,))
