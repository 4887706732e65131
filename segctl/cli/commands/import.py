# ruff: noqa: N999 - the name of a command, which no import statement needs to spell.
"""`segctl import`: adopt the segments that an account has already, one file each."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import click

from segctl.cli.session import with_session
from segctl.declarations.collection import Declarations
from segctl.errors import Diagnostic, InvalidInput, RemoteError, Severity, UsageError
from segctl.importer import find, make_import, to_read
from segctl.render.style import clean, count
from segctl.snapshot import take_snapshot
from segctl.suggest import closest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from segctl.cli.session import Account, Session
    from segctl.importer import Import
    from segctl.model import Remote, Snapshot

SCHEMA = "schemas/segment.schema.json"


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
    _check_usage(names, everything=everything)
    folder = session.root / session.config.segments
    declarations = _declarations(session, folder)
    with session.connect(read_only=True) as account:
        snapshot, picked = _read(session, account, names, declarations)
        lists = _list_names(
            session, account, to_read(picked, declarations.declared, snapshot.remotes)
        )
    result = make_import(
        snapshot,
        [one.id for one in picked],
        declarations.declared,
        declarations.tombstones,
        taken=[path.name for path in folder.iterdir()] if folder.exists() else [],
        lists=lists,
        schema=_schema(session),
    )
    severity = Severity.WARNING if everything else Severity.ERROR
    session.warn(
        [Diagnostic("not-imported", severity, one.reason, hint=one.hint) for one in result.left]
    )
    for file in result.files:
        if not dry_run:
            _write_new(folder, file.name, file.text)
        session.show(f"{session.config.segments}/{file.name}  {clean(file.remote.name)}\n")
    session.talk(_closing(result, dry_run=dry_run))
    return int(bool(result.left) and not everything)


def _check_usage(names: Sequence[str], *, everything: bool) -> None:
    if everything and names:
        raise click.UsageError("--all and NAME do not go together.")
    if not everything and not names:
        raise click.UsageError("Missing which segments: give their names or ids, or --all.")


def _declarations(session: Session, folder: Path) -> Declarations:
    """Read what files declare; nothing where the folder is still to be made.

    Raises `InvalidInput` with every problem of every file: what is declared is not known then.
    """
    name = session.config.segments
    if not _stays_inside(session.root, folder):
        raise UsageError(
            f"{name}/ is behind a link that leads out of the project",
            hint="put the folder itself there, or go to the other project with -C DIR",
        )
    if not folder.exists():
        return Declarations()
    if session.declarations.has_errors:
        raise InvalidInput(session.declarations.diagnostics)
    return session.declarations


def _stays_inside(root: Path, folder: Path) -> bool:
    try:
        return folder.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        # RuntimeError: a link to itself, before Python 3.13.
        return False


def _read(
    session: Session, account: Account, names: Sequence[str], declarations: Declarations
) -> tuple[Snapshot, list[Remote]]:
    """Read the account; give the snapshot and the segments asked for, which are all without names.

    Raises `UsageError` with every name that the account does not have.
    """
    picked: list[Remote] = []

    def wanted(listed: tuple[Remote, ...]) -> list[Remote]:
        found, unknown = find(names, listed) if names else ([*listed], [])
        if unknown:
            raise _unknown(unknown, listed)
        picked.extend(found)
        return to_read(found, declarations.declared, listed)

    with session.progress("reading the account") as tell:
        snapshot = take_snapshot(
            account.reader.lenient(),
            wanted,
            tell,
            account.definitions,
            # Who asks for one by its name is told that it has gone.
            is_loose=lambda _: not names,
        )
    return snapshot, picked


def _unknown(names: Sequence[str], listed: Sequence[Remote]) -> UsageError:
    known = [one.name for one in listed]
    near = {name: closest(name, known) for name in names}
    meant = [f"`{near[name]}` for `{name}`" for name in names if near[name]]
    return UsageError(
        "the account has no segment " + ", ".join(f"`{name}`" for name in names),
        hint=f"did you mean {', '.join(meant)}?" if meant else "`segctl list` shows what it has",
    )


def _list_names(session: Session, account: Account, remotes: Sequence[Remote]) -> dict[str, str]:
    """Give the names of contact lists by their ids; none where they are not needed or not told."""
    if not any(one.parent_list_ids for one in remotes):
        return {}
    try:
        return {one.id.lower(): one.name for one in account.reader.list_contact_lists()}
    except RemoteError as error:
        summary = f"parent lists are written without their names: {error.message}"
        session.warn([Diagnostic("lists-unknown", Severity.WARNING, summary, hint=error.hint)])
        return {}


def _schema(session: Session) -> str:
    """Give the way from the segments folder to the project's own copy of the schema, if any."""
    if not (session.root / SCHEMA).is_file():
        return ""
    return posixpath.relpath(SCHEMA, session.config.segments)


def _write_new(folder: Path, name: str, text: str) -> None:
    """Write a file that does not exist yet, whole or not at all. Raises `UsageError`."""
    path = folder / name
    made = False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as stream:
            made = True
            stream.write(text.encode())
    except BaseException as error:
        if made:
            path.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        reason = error.strerror or type(error).__name__
        raise UsageError(
            f"cannot write {path}: {reason}",
            hint="the files named above are written; run it again for the rest",
        ) from None


def _closing(result: Import, *, dry_run: bool) -> str:
    """Say what was done: "Imported 37 segments, skipped 3: 2 v1, 1 already declared."."""
    v1 = sum(one.remote.is_v1 for one in result.left)
    parts = {
        "v1": v1,
        "already declared": result.declared,
        "that cannot be imported": len(result.left) - v1,
    }
    skipped = sum(parts.values())
    done, left = ("Would import", "skip") if dry_run else ("Imported", "skipped")
    words = ", ".join(f"{number} {what}" for what, number in parts.items() if number)
    rest = f", {left} {skipped}: {words}" if skipped else ""
    return f"{done} {count(len(result.files), 'segment')}{rest}."
