"""`segctl upgrade`: files for V2 segments that replace v1 segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.app.connection import connect
from segctl.app.new_files import new_file_path, write_new_file
from segctl.cli.exit_codes import IN_PART
from segctl.cli.options import check_names, with_project
from segctl.errors import Diagnostic, Severity
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.app.upgrade import Upgrades


@click.command("upgrade")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "--all", "everything", is_flag=True, help="Upgrade every v1 segment that no file names."
)
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@click.option(
    "--verify",
    is_flag=True,
    help="Compare the members of the old and the new query, contact by contact, and write only "
    "files that select the same.",
)
@click.option(
    "--contacts", metavar="FILE", help="The contacts for --verify; default: those of segctl.yaml."
)
@click.option("--events", metavar="FILE", help="The events of these contacts, in such a file.")
@with_project
def command(
    project: Project,
    console: Console,
    *,
    names: tuple[str, ...],
    everything: bool,
    dry_run: bool,
    verify: bool,
    contacts: str | None,
    events: str | None,
) -> int:
    """Write files for V2 segments that replace v1 segments.

    NAME is a segment's name or id. The old query is translated from SGQL, and kept in a comment
    above the new one. A query without an exact equivalent is reported with the place and the
    reason, and gets no file. No file is overwritten, and the account is only read: `segctl plan`
    shows what the files would change, and `segctl apply` changes it.

    Exits with 1 if a segment requested by NAME could not be translated or verified, and with 4 if
    --all skipped any.

    \b
    Examples:
      segctl upgrade --all --dry-run
      segctl upgrade 'Gmail users' 'Lapsed 2022'
      segctl upgrade --all --verify --contacts contacts.csv --events events.csv
    """
    from segctl.app.upgrade import VerifyWith, upgrade_segments  # noqa: PLC0415 - the parsers

    check_names(names, everything=everything)
    if not verify and (contacts or events):
        raise click.UsageError("--contacts and --events require --verify")
    verify_with = VerifyWith(contacts, events) if verify else None
    with connect(project, console) as connection:
        result = upgrade_segments(project, connection, names, console, verify_with=verify_with)
    severity = Severity.WARNING if everything else Severity.ERROR
    console.warn(
        [
            Diagnostic("not-upgraded", severity, skipped.reason, hint=skipped.hint)
            for skipped in result.converted.skipped
        ]
    )
    for file in result.files:
        if not dry_run:
            write_new_file(project, file)
        console.show(f"{new_file_path(project, file)}  {clean(file.segment.name)}\n")
        console.warn(file.notes)
    console.warn(result.warnings)
    console.talk(_closing(result, dry_run=dry_run))
    if result.is_complete:
        return 0
    return IN_PART if everything else 1


def _closing(result: Upgrades, *, dry_run: bool) -> str:
    """Return a summary: "Wrote 26 files, skipped 4: 3 that cannot be written, 1 not verified."."""
    converted, written = result.converted, len(result.files)
    reasons = {
        "that cannot be written": len(converted.skipped),
        "not verified": len(converted.files) - written,
        "already in a file": converted.declared,
    }
    wrote, skipped = ("Would write", "skip") if dry_run else ("Wrote", "skipped")
    words = ", ".join(f"{number} {reason}" for reason, number in reasons.items() if number)
    rest = f", {skipped} {sum(reasons.values())}: {words}" if words else ""
    return f"{wrote} {count(written, 'file')}{rest}."
