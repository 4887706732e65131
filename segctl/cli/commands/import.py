# ruff: noqa: N999 - the name of a command, which no import statement needs to spell.
"""`segctl import`: adopt the segments that an account has already, one file each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.account.snapshot import take_snapshot
from segctl.app.list_names import parent_names
from segctl.app.lookup import find_segments
from segctl.app.new_files import read_files, schema_path, write_new
from segctl.cli.options import check_usage, with_session
from segctl.errors import Diagnostic, Severity
from segctl.importing.importer import build_import, segments_to_read
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.app.session import Account, Session
    from segctl.declarations.collection import Declarations
    from segctl.importing.file_builder import NewFiles
    from segctl.model import Remote, Snapshot


@click.command("import")
@click.argument("names", metavar="[NAME...]", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every segment that no file declares.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@with_session
def command(session: Session, *, names: tuple[str, ...], everything: bool, dry_run: bool) -> int:
    """Write a file for segments that the account has already.

    NAME is a segment's name or id. Each file declares one segment as it is on the account, its
    query to the byte, so that `segctl plan` has nothing to change. No file is overwritten, and
    the account is only read. v1 segments, and what no file can hold, are reported and left.
    Exit code 1 when a segment asked for by NAME could not be imported.

    \b
    Examples:
      segctl import --all --dry-run
      segctl import --all
      segctl import 'VIP customers' 'Churn risk'
    """
    check_usage(names, everything=everything)
    folder = session.root / session.config.segments
    declarations = read_files(session, folder)
    with session.connect(read_only=True) as account:
        snapshot, picked = _read(session, account, names, declarations)
        lists = parent_names(
            session, account, segments_to_read(picked, declarations.declared, snapshot.remotes)
        )
    result = build_import(
        snapshot,
        [one.id for one in picked],
        declarations.declared,
        declarations.tombstones,
        taken=[path.name for path in folder.iterdir()] if folder.exists() else [],
        lists=lists,
        schema=schema_path(session),
    )
    severity = Severity.WARNING if everything else Severity.ERROR
    session.warn(
        [Diagnostic("not-imported", severity, one.reason, hint=one.hint) for one in result.skipped]
    )
    for file in result.files:
        if not dry_run:
            write_new(folder, file.name, file.text)
        session.show(f"{session.config.segments}/{file.name}  {clean(file.remote.name)}\n")
    session.talk(_closing(result, dry_run=dry_run))
    return int(bool(result.skipped) and not everything)


def _read(
    session: Session, account: Account, names: Sequence[str], declarations: Declarations
) -> tuple[Snapshot, list[Remote]]:
    """Read the account; give the snapshot and the segments asked for, which are all without names.

    Raises `UsageError` with every name that the account does not have.
    """
    picked: list[Remote] = []

    def wanted(listed: tuple[Remote, ...]) -> list[Remote]:
        found = find_segments(names, listed) if names else [*listed]
        picked.extend(found)
        return segments_to_read(found, declarations.declared, listed)

    with session.progress("reading the account") as tell:
        snapshot = take_snapshot(
            account.reader.lenient(),
            wanted,
            tell,
            account.definitions,
            # Who asks for one by its name is told that it has gone.
            is_undeclared=lambda _: not names,
        )
    return snapshot, picked


def _closing(result: NewFiles, *, dry_run: bool) -> str:
    """Say what was done: "Imported 37 segments, skipped 3: 2 v1, 1 already declared."."""
    v1 = sum(one.remote.is_v1 for one in result.skipped)
    parts = {
        "v1": v1,
        "already declared": result.declared,
        "that cannot be imported": len(result.skipped) - v1,
    }
    skipped = sum(parts.values())
    done, left = ("Would import", "skip") if dry_run else ("Imported", "skipped")
    words = ", ".join(f"{number} {what}" for what, number in parts.items() if number)
    rest = f", {left} {skipped}: {words}" if skipped else ""
    return f"{done} {count(len(result.files), 'segment')}{rest}."
