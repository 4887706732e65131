# ruff: noqa: N999 - the name of a command, which no import statement needs to spell.
"""`segctl import`: files for the segments that an account already has, one each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.app.connection import connect
from segctl.app.import_files import import_segments
from segctl.app.new_files import new_file_path, write_new_file
from segctl.cli.options import check_names, with_project
from segctl.errors import Diagnostic, Severity
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.importing.file_builder import NewFiles


@click.command("import")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "--all", "everything", is_flag=True, help="Import every segment that no file declares."
)
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@with_project
def command(
    project: Project, console: Console, *, names: tuple[str, ...], everything: bool, dry_run: bool
) -> int:
    """Write files for segments that the account already has.

    NAME is a segment's name or id. Each file declares one segment as it is on the account, its
    query byte for byte, so `segctl plan` has nothing to change. No file is overwritten, and the
    account is only read. v1 segments, and what no file can declare, are reported and skipped.
    Exits with 1 if a segment requested by NAME could not be imported.

    \b
    Examples:
      segctl import --all --dry-run
      segctl import --all
      segctl import 'VIP customers' 'Churn risk'
    """
    check_names(names, everything=everything)
    with connect(project, console) as connection:
        result = import_segments(project, connection, names, console)
    severity = Severity.WARNING if everything else Severity.ERROR
    console.warn(
        [
            Diagnostic("not-imported", severity, skipped.reason, hint=skipped.hint)
            for skipped in result.skipped
        ]
    )
    for file in result.files:
        if not dry_run:
            write_new_file(project, file)
        console.show(f"{new_file_path(project, file)}  {clean(file.remote.name)}\n")
    console.talk(_closing(result, dry_run=dry_run))
    return int(bool(result.skipped) and not everything)


def _closing(result: NewFiles, *, dry_run: bool) -> str:
    """Return a summary: "Imported 37 segments, skipped 3: 2 v1, 1 already declared."."""
    v1 = sum(skipped.remote.is_v1 for skipped in result.skipped)
    reasons = {
        "v1": v1,
        "already declared": result.declared,
        "that cannot be imported": len(result.skipped) - v1,
    }
    total = sum(reasons.values())
    imported, skipped = ("Would import", "skip") if dry_run else ("Imported", "skipped")
    words = ", ".join(f"{number} {reason}" for reason, number in reasons.items() if number)
    rest = f", {skipped} {total}: {words}" if total else ""
    return f"{imported} {count(len(result.files), 'segment')}{rest}."
