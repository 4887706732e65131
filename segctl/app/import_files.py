"""Import: files that declare segments of the account as they are. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.account.snapshot import take_snapshot
from segctl.app.console import SILENT
from segctl.app.list_names import parent_list_names
from segctl.app.lookup import find_segments
from segctl.app.new_files import existing_declarations, file_names, schema_path
from segctl.importing.importer import build_import, segments_to_read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.declarations.collection import Declarations
    from segctl.importing.file_builder import NewFiles
    from segctl.model import Remote, Snapshot


def import_segments(
    project: Project,
    connection: Connection,
    names: Sequence[str] = (),
    console: Console = SILENT,
) -> NewFiles:
    """Return a file for each segment with one of these names or ids; for all, without names.

    Nothing is written: `write_new_file` does that. Raises `UsageError` with every name that the
    account does not have, `InvalidInput`, and `RemoteError`.
    """
    declarations = existing_declarations(project)
    snapshot, selected = _read_account(connection, names, declarations, console)
    to_read = segments_to_read(selected, declarations.declared, snapshot.remotes)
    lists = parent_list_names(connection, to_read, console)
    return build_import(
        snapshot,
        [remote.id for remote in selected],
        declarations.declared,
        declarations.tombstones,
        taken=file_names(project),
        lists=lists,
        schema=schema_path(project),
    )


def _read_account(
    connection: Connection, names: Sequence[str], declarations: Declarations, console: Console
) -> tuple[Snapshot, list[Remote]]:
    """Return a snapshot, and the segments that are asked for."""
    selected: list[Remote] = []

    def wanted(listed: tuple[Remote, ...]) -> list[Remote]:
        matching = find_segments(names, listed) if names else [*listed]
        selected.extend(matching)
        return segments_to_read(matching, declarations.declared, listed)

    with console.progress("reading the account") as update:
        snapshot = take_snapshot(
            connection.reader.lenient(),
            wanted,
            update,
            connection.definitions,
            # If a segment that was named has gone meanwhile, that is an error.
            is_undeclared=lambda _: not names,
        )
    return snapshot, selected
