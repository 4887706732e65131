"""Upgrade: files for V2 segments that replace v1 segments of the account. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.account.contact_lists import ContactLists
from segctl.account.snapshot import take_snapshot
from segctl.app.account_pin import check_account
from segctl.app.console import SILENT
from segctl.app.list_names import parent_list_names
from segctl.app.lookup import find_segments
from segctl.app.new_files import existing_declarations, file_names, only_target, schema_path
from segctl.declarations.account_file import column_types
from segctl.errors import Diagnostic, RemoteError, Severity
from segctl.importing.file_builder import FileOptions, segment_label
from segctl.importing.v1_upgrader import build_upgrades, v1_segments_to_read
from segctl.planning.ownership import Ownership

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.declarations.collection import Declarations
    from segctl.importing.file_builder import NewFile, NewFiles
    from segctl.model import Remote, Snapshot
    from segctl.query.catalogue import ColumnType

_SHOWN = 5
"""How many names a warning spells out."""


@dataclass(frozen=True, slots=True)
class VerifyWith:
    """The files of contacts and events to verify upgrades with; `None`: those of segctl.yaml."""

    contacts: str | None = None
    events: str | None = None


@dataclass(frozen=True, slots=True)
class Upgrades:
    """The files to write, what was skipped, and what to warn of once they are written.

    `converted` holds every translation. `files` are those of them that were verified: all, unless
    that was asked for.
    """

    converted: NewFiles
    files: tuple[NewFile, ...]
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether nothing that was asked for is left out."""
        return len(self.files) == len(self.converted.files) and not self.converted.skipped


def upgrade_segments(
    project: Project,
    connection: Connection,
    names: Sequence[str] = (),
    console: Console = SILENT,
    *,
    verify_with: VerifyWith | None = None,
) -> Upgrades:
    """Return a file for each v1 segment with one of these names or ids; for all, without names.

    With `verify_with`, only translations that select the same contacts are among the files. Nothing
    is written: `write_new_file` does that. Raises `UsageError` with every name that the account
    does not have, `InvalidInput`, `EvaluationFailed`, and `RemoteError`.
    """
    if verify_with is not None:
        from segctl.app.verify_upgrades import (  # noqa: PLC0415 - DuckDB
            source_to_verify_with,
            verify_upgrades,
        )

        source = source_to_verify_with(project, verify_with.contacts, verify_with.events)
    declarations = existing_declarations(project)
    contact_lists = ContactLists(connection.reader)
    check_account(project, connection, contact_lists)
    snapshot, selected = _read_account(connection, names, declarations, console)
    v1_segments = v1_segments_to_read(selected, declarations.declared)
    lists = parent_list_names(contact_lists, v1_segments, console)
    converted = build_upgrades(
        snapshot,
        [remote.id for remote in selected],
        declarations.declared,
        declarations.tombstones,
        taken=file_names(project),
        lists=lists,
        options=FileOptions(schema_path(project), target=only_target(project)),
        fields=_custom_fields(connection, console) if v1_segments else None,
    )
    files: Sequence[NewFile] = converted.files
    if verify_with is not None and files:
        files = verify_upgrades(project, files, source, console)
    warnings: tuple[Diagnostic, ...] = ()
    if project.config.ownership is Ownership.EXCLUSIVE:
        converted_ids = {file.remote.id for file in files}
        named = {segment.name for segment in declarations.declared}
        named |= {tombstone.name for tombstone in declarations.tombstones}
        warnings = _would_be_deleted(
            [
                remote
                for remote in v1_segments
                if remote.id not in converted_ids and remote.name not in named
            ]
        )
    return Upgrades(converted, tuple(files), warnings)


def _read_account(
    connection: Connection, names: Sequence[str], declarations: Declarations, console: Console
) -> tuple[Snapshot, list[Remote]]:
    """Return a snapshot, and the segments that are asked for: all of v1, without names."""
    selected: list[Remote] = []

    def wanted(listed: tuple[Remote, ...]) -> list[Remote]:
        matching = find_segments(names, listed)
        # An upgrade never means a V2 segment of the same name.
        v1_segments = [remote for remote in matching or listed if remote.is_v1]
        selected.extend(v1_segments or matching)
        return v1_segments_to_read(selected, declarations.declared)

    with console.progress("reading the account") as update:
        snapshot = take_snapshot(
            connection.reader.lenient(), wanted, update, connection.definitions, with_v1=True
        )
    return snapshot, selected


def _custom_fields(connection: Connection, console: Console) -> Mapping[str, ColumnType] | None:
    """Return the types of the account's custom fields; without them less can be translated."""
    try:
        return column_types(connection.reader.list_fields()[0])
    except RemoteError as error:
        summary = f"the types of custom fields are unknown, and may matter: {error.message}"
        console.warn([Diagnostic("account-unknown", Severity.WARNING, summary, hint=error.hint)])
        return None


def _would_be_deleted(remotes: Sequence[Remote]) -> tuple[Diagnostic, ...]:
    """Warn of v1 segments that the next apply deletes, since no file names them."""
    if not remotes:
        return ()
    names = ", ".join(map(segment_label, remotes[:_SHOWN]))
    names += " …" if len(remotes) > _SHOWN else ""
    return (
        Diagnostic(
            "would-be-deleted",
            Severity.WARNING,
            f"`ownership: exclusive` deletes the v1 segments that no file names: {names}",
            hint="write their files first, or add a file with the name and `removed: forget`: "
            "SendGrid cannot re-create a v1 segment",
        ),
    )
