"""`segctl fmt`: the files in one layout. Offline; the meaning of nothing changes."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import click

from segctl.app.formatting import format_files, write_formatted
from segctl.app.selection import select_files
from segctl.cli.options import with_project
from segctl.render.distinct import distinct
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.formatting import FormattedFile
    from segctl.app.project import Project


@click.command("fmt")
@click.argument("files", metavar="[FILE]...", nargs=-1)
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if a file would change.")
@click.option("--diff", is_flag=True, help="Change nothing; show what would change.")
@with_project
def command(
    project: Project, console: Console, *, files: tuple[str, ...], check: bool, diff: bool
) -> int:
    """Format the segment files.

    All of them, or with FILE those that are this file or in this folder.

    Queries get one condition per line and keywords in capitals, keys a fixed order; comments stay.
    Before a file is written, segctl checks that only its layout has changed. A file that cannot be
    read is reported and left as it is.

    \b
    Examples:
      segctl fmt
      segctl fmt --check
      segctl fmt --diff
      segctl fmt segments/vip-customers.yaml
    """
    changed, has_errors = 0, False
    for file in format_files(project, select_files(project, files)):
        console.warn(file.problems)
        has_errors |= file.has_errors
        if not file.is_changed:
            continue
        changed += 1
        if diff:
            console.show(_difference(file, console), as_is=True)
            continue
        if not check:
            write_formatted(project, file)
        console.show(f"{file.path}\n", as_is=True)
    if changed:
        verb = "would be formatted" if check or diff else "formatted"
        console.talk(f"{count(changed, 'file')} {verb}.")
    elif not has_errors:
        console.talk("All files are formatted.")
    return int(has_errors or (check and changed > 0))


def _difference(file: FormattedFile, console: Console) -> str:
    style = console.style
    before, after = file.before.splitlines(), file.after.splitlines()
    if before == after:
        before, after = file.before.split("\n"), file.after.split("\n")  # other line breaks
    show = distinct((*before, *after))
    lines = difflib.unified_diff(
        [*map(show, before)],
        [*map(show, after)],
        f"a/{clean(file.path)}",
        f"b/{clean(file.path)}",
        lineterm="",
    )
    paints = {"+": style.green, "-": style.red, "@": style.dim}
    return "".join(f"{paints.get(line[:1], str)(line)}\n" for line in lines)
