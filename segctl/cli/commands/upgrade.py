"""`segctl upgrade`: write files by which V2 segments take the place of v1 ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.account.snapshot import take_snapshot
from segctl.app.list_names import parent_names
from segctl.app.lookup import find_segments
from segctl.app.new_files import read_files, schema_path, write_new
from segctl.cli.exit_codes import IN_PART
from segctl.cli.options import check_usage, with_session
from segctl.errors import Diagnostic, RemoteError, Severity
from segctl.importing.file_builder import segment_label
from segctl.planning.ownership import Ownership
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segctl.app.session import Account, Session
    from segctl.declarations.collection import Declarations
    from segctl.importing.file_builder import NewFile, NewFiles
    from segctl.model import Remote, Snapshot
    from segctl.query.catalogue import ColumnType

_SHOWN = 5
"""How many names a warning spells out."""


@click.command("upgrade")
@click.argument("names", metavar="[NAME...]", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every v1 segment that no file names.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.option(
    "--verify",
    is_flag=True,
    help="Compare who is in the old query and in the new one, contact by contact, and write only "
    "what selects the same.",
)
@click.option(
    "--contacts", metavar="FILE", help="The contacts for --verify; else those of segctl.yaml."
)
@click.option("--events", metavar="FILE", help="What happened to them, in a file likewise.")
@with_session
def command(
    session: Session,
    *,
    names: tuple[str, ...],
    everything: bool,
    dry_run: bool,
    verify: bool,
    contacts: str | None,
    events: str | None,
) -> int:
    """Write files by which V2 segments take the place of v1 ones.

    NAME is a segment's name or id. The old query is translated from SGQL, and stands above the new
    one as a comment; what has no exact equal is reported with the place and the reason, and no
    file is written for it. No file is overwritten, and the account is only read: `segctl plan`
    shows what becomes of it, and `segctl apply` does it.

    Exit code 1 when a segment asked for by NAME could not be translated or verified, 4 when --all
    left some.

    \b
    Examples:
      segctl upgrade --all --dry-run
      segctl upgrade 'Gmail users' 'Lapsed 2022'
      segctl upgrade --all --verify --contacts contacts.csv --events events.csv
    """
    from segctl.importing.v1_upgrader import build_upgrades, v1_segments_to_read  # noqa: PLC0415 - the parsers

    check_usage(names, everything=everything)
    if not verify and (contacts or events):
        raise click.UsageError("--contacts and --events go with --verify.")
    if verify:
        from segctl.app.verify import base_paths, verified  # noqa: PLC0415 - DuckDB

        paths = base_paths(session, contacts, events)
    folder = session.root / session.config.segments
    declarations = read_files(session, folder)
    with session.connect(read_only=True) as account:
        snapshot, picked = _read(session, account, names, declarations)
        new = v1_segments_to_read(picked, declarations.declared)
        lists = parent_names(session, account, new)
        fields = _fields(session, account) if new else None
    result = build_upgrades(
        snapshot,
        [one.id for one in picked],
        declarations.declared,
        declarations.tombstones,
        taken=[path.name for path in folder.iterdir()] if folder.exists() else [],
        lists=lists,
        schema=schema_path(session),
        fields=fields,
    )
    files: Sequence[NewFile] = result.files
    if verify and files:
        files = verified(session, files, paths)
    severity = Severity.WARNING if everything else Severity.ERROR
    session.warn(
        [Diagnostic("not-upgraded", severity, one.reason, hint=one.hint) for one in result.skipped]
    )
    for one in files:
        if not dry_run:
            write_new(folder, one.name, one.text)
        session.show(f"{session.config.segments}/{one.name}  {clean(one.segment.name)}\n")
        session.warn(one.notes)
    if session.config.ownership is Ownership.EXCLUSIVE:
        written = {one.remote.id for one in files}
        named = {one.name for one in declarations.declared}
        named |= {one.name for one in declarations.tombstones}
        bare = [one for one in new if one.id not in written and one.name not in named]
        session.warn(_doomed(bare))
    session.talk(_closing(result, len(files), dry_run=dry_run))
    if len(files) == len(result.files) and not result.skipped:
        return 0
    return IN_PART if everything else 1


def _read(
    session: Session, account: Account, names: Sequence[str], declarations: Declarations
) -> tuple[Snapshot, list[Remote]]:
    """Read the account; give the snapshot and the segments asked for: without names, all of v1.

    Raises `UsageError` with every name that the account does not have.
    """
    from segctl.importing.v1_upgrader import v1_segments_to_read  # noqa: PLC0415 - the parsers

    picked: list[Remote] = []

    def wanted(listed: tuple[Remote, ...]) -> list[Remote]:
        found = find_segments(names, listed)
        # A V2 segment of the same name is not meant by whoever asks for an upgrade.
        old = [one for one in found or listed if one.is_v1]
        picked.extend(old or found)
        return v1_segments_to_read(picked, declarations.declared)

    with session.progress("reading the account") as tell:
        snapshot = take_snapshot(
            account.reader.lenient(), wanted, tell, account.definitions, with_v1=True
        )
    return snapshot, picked


def _fields(session: Session, account: Account) -> Mapping[str, ColumnType] | None:
    """Ask for the account's own fields; without them less can be translated."""
    from segctl.declarations.fields_file import column_types  # noqa: PLC0415

    try:
        return column_types(account.reader.list_fields()[0])
    except RemoteError as error:
        summary = f"fields are not known, and their types may matter: {error.message}"
        session.warn([Diagnostic("account-unknown", Severity.WARNING, summary, hint=error.hint)])
        return None


def _doomed(bare: Sequence[Remote]) -> list[Diagnostic]:
    """Warn of v1 segments that the next apply deletes for want of a file; no API makes one anew."""
    if not bare:
        return []
    names = ", ".join(map(segment_label, bare[:_SHOWN])) + (" …" if len(bare) > _SHOWN else "")
    return [
        Diagnostic(
            "would-be-deleted",
            Severity.WARNING,
            f"`ownership: exclusive` deletes the v1 segments that no file names: {names}",
            hint="write their files first, or `removed: forget` into a file with the name; nobody "
            "can make a v1 segment again",
        )
    ]


def _closing(result: NewFiles, written: int, *, dry_run: bool) -> str:
    """Say what was done: "Wrote 26 files, left 4: 3 without a translation, 1 …"."""
    parts = {
        "that cannot be written": len(result.skipped),
        "not verified": len(result.files) - written,
        "that a file names already": result.declared,
    }
    done, left = ("Would write", "leave") if dry_run else ("Wrote", "left")
    words = ", ".join(f"{number} {what}" for what, number in parts.items() if number)
    rest = f", {left} {sum(parts.values())}: {words}" if words else ""
    return f"{done} {count(written, 'file')}{rest}."
