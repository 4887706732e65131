"""Import: files that declare segments of the account as they are. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from segctl.account.contact_lists import ContactLists
from segctl.account.snapshot import take_snapshot
from segctl.app.account_pin import check_account
from segctl.app.console import SILENT
from segctl.app.folded_files import existing_files, file_reader, fold_names
from segctl.app.list_names import parent_list_names
from segctl.app.lookup import find_segments
from segctl.app.new_files import existing_declarations, file_names, only_target, schema_path
from segctl.common.suggest import did_you_mean
from segctl.declarations.file_layout import Layout
from segctl.errors import UsageError
from segctl.importing.file_builder import FileOptions
from segctl.importing.fold_files import fold_files
from segctl.importing.importer import build_import, segments_to_read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.declarations.collection import Declarations
    from segctl.importing.file_builder import NewFiles
    from segctl.model import Remote, Snapshot
    from segctl.model.contact_fields import ListNames


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Which segments to import, and how their files look.

    `only` are globs: with any, only segments with such names. `layout` is the path of a file below
    the folder of segment files, with placeholders. `owner` and `tags` are written into each file.
    With `fold`, segments that differ only in literals and names are declared by one file, those of
    existing files included.
    """

    only: tuple[str, ...] = ()
    layout: str | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()
    fold: bool = False


def import_segments(
    project: Project,
    connection: Connection,
    names: Sequence[str] = (),
    console: Console = SILENT,
    *,
    options: ImportOptions | None = None,
) -> NewFiles:
    """Return files for the segments that a name, an id or a glob picks; for all, without `names`.

    Nothing is written: `write_new_file` does that. Raises `UsageError` with every name that the
    account does not have, or for an option, `InvalidInput`, and `RemoteError`.
    """
    options = options or ImportOptions()
    file_options = _file_options(project, options)
    declarations = existing_declarations(project)
    contact_lists = ContactLists(connection.reader)
    check_account(project, connection, contact_lists)
    snapshot, selected = _read_account(connection, names, options.only, declarations, console)
    to_read = segments_to_read(selected, declarations.declared, snapshot.remotes)
    lists: ListNames
    if file_options.layout.needs_parent_list and any(item.parent_list_ids for item in to_read):
        # All of them: a list is named in a path so that no other one has the same name.
        lists = contact_lists.by_id()
    else:
        lists = parent_list_names(contact_lists, to_read, console)
    taken = file_names(project)
    new = build_import(
        snapshot,
        [remote.id for remote in selected],
        declarations.declared,
        declarations.tombstones,
        taken=taken,
        lists=lists,
        options=file_options,
    )
    if not options.fold:
        return new
    is_limited = bool(names or options.only)
    existing = existing_files(project, {remote.name for remote in selected} if is_limited else None)
    return fold_files(
        new,
        existing,
        fold_names(project, lists),
        file_reader(project),
        taken=taken,
        options=file_options,
    )


def _file_options(project: Project, options: ImportOptions) -> FileOptions:
    """Return what the files have in common. Raises `UsageError`."""
    owners = () if options.owner is None else (options.owner,)
    for option, texts in (("--owner", owners), ("--tag", options.tags)):
        if any(not text or text != text.strip() or not text.isprintable() for text in texts):
            raise UsageError(f"{option} must be one line of text, without spaces around it")
    known = project.config.owners
    if options.owner and known and options.owner not in known:
        raise UsageError(
            f"`owners:` in segctl.yaml has no owner `{options.owner}`",
            hint=did_you_mean(options.owner, known, f"the owners are {', '.join(known)}"),
        )
    layout, folder = Layout(), project.config.segments
    if options.layout is not None:
        layout = Layout.parse(options.layout)
        if options.layout.startswith(f"{folder}/"):
            message = f"--layout is below {folder}/ already, got `{options.layout}`"
            raise UsageError(message, hint=f"remove `{folder}/`")
    tags = tuple(dict.fromkeys(options.tags))
    return FileOptions(
        schema_path(project), layout, options.owner or "", tags, only_target(project)
    )


def _read_account(
    connection: Connection,
    names: Sequence[str],
    only: Sequence[str],
    declarations: Declarations,
    console: Console,
) -> tuple[Snapshot, list[Remote]]:
    """Return a snapshot, and the segments that are asked for."""
    selected: list[Remote] = []

    def wanted(listed: tuple[Remote, ...]) -> list[Remote]:
        matching = find_segments([*_expanded(names, listed)], listed) if names else [*listed]
        selected.extend(_limited(matching, only))
        return segments_to_read(selected, declarations.declared, listed)

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


def _expanded(names: Sequence[str], listed: Sequence[Remote]) -> Iterator[str]:
    """Yield the names; for one that no segment has, the ids of those that match it as a glob."""
    known = {key for remote in listed for key in (remote.name, remote.id)}
    for name in names:
        matching = [remote.id for remote in listed if fnmatchcase(remote.name, name)]
        yield from [name] if name in known or not matching else matching


def _limited(remotes: Sequence[Remote], only: Sequence[str]) -> list[Remote]:
    """Return the segments that `--only` picks. Raises `UsageError` for a glob without a match."""
    for pattern in only:
        if not any(fnmatchcase(remote.name, pattern) for remote in remotes):
            is_key = pattern.partition(":")[0] in ("tag", "owner")
            hint = "tags and owners are in files, which these segments do not have yet"
            known = [remote.name for remote in remotes]
            raise UsageError(
                f"--only `{pattern}` matches no segment of the account",
                hint=hint
                if is_key
                else did_you_mean(pattern, known, "run `segctl list` to list its segments"),
            )
    return [
        remote
        for remote in remotes
        if not only or any(fnmatchcase(remote.name, pattern) for pattern in only)
    ]
