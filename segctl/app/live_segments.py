"""Segments as they are on the account, in the form of their files. Reads only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from segctl.account.contact_lists import ContactLists
from segctl.account.snapshot import with_definitions
from segctl.app.console import SILENT
from segctl.app.list_names import parent_list_names
from segctl.app.lookup import find_segments
from segctl.app.new_files import schema_path
from segctl.errors import NotFound, UsageError
from segctl.importing.importer import import_draft
from segctl.render.live_segments import LiveSegment, segment_file

if TYPE_CHECKING:
    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.model import Remote
    from segctl.sendgrid.api import Reader


def live_segments(
    project: Project, connection: Connection, name: str, console: Console = SILENT
) -> tuple[LiveSegment, ...]:
    """Return the segments of the account with a name or an id, of either version, read now.

    Several only where the account has several of that name. Raises `UsageError` where it has none,
    and `RemoteError`.
    """
    reader = connection.reader
    with console.progress("reading the account") as update:
        selected = _find(reader, name)
        # Not from the cache: someone may look at what they changed a second ago.
        snapshot = with_definitions(reader.lenient(), selected, selected, update)
    if not snapshot.remotes:
        raise NotFound(
            f"segment `{name}` was deleted a moment ago, and SendGrid still lists it",
            operation="read the segment",
        )
    lists = parent_list_names(ContactLists(connection.reader), snapshot.remotes, console)
    schema = schema_path(project)
    return tuple(
        LiveSegment(remote, segment_file(_as_imported(remote), remote, lists, schema), lists)
        for remote in snapshot.remotes
    )


def _as_imported(remote: Remote) -> Remote:
    """Return a segment with its query as an import would write it."""
    if remote.is_v1 or remote.query is None:
        return remote
    return replace(remote, query=import_draft(remote).segment.query)


def _find(reader: Reader, name: str) -> list[Remote]:
    """Return the listed segments with a name or an id. Raises `UsageError`."""
    listed = reader.list_segments()
    try:
        return find_segments([name], listed)
    except UsageError:
        # That the V2 list has the v1 segments, too, is only observed (sendgrid-api.md §1).
        known = {remote.id for remote in listed}
        try:
            rest = tuple(item for item in reader.list_v1_segments() if item.id not in known)
        except NotFound:
            rest = ()
        if not rest:
            raise
        return find_segments([name], [*listed, *rest])
