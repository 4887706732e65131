"""`segctl owners`: who owns which segments, and the block of CODEOWNERS. Offline, without a key."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

import click

from segctl.app.owners import code_owners, list_owners, write_code_owners
from segctl.cli.options import with_project
from segctl.common.clock import format_utc
from segctl.errors import Diagnostic, Severity
from segctl.planning.wording import list_names
from segctl.render.owners import owners_json, owners_text
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.owners import CodeOwners
    from segctl.app.project import Project

_FIND = "*"


@click.command("owners")
@click.option(
    "--codeowners",
    "file",
    is_flag=False,
    flag_value=_FIND,
    metavar="[FILE]",
    help="Write who reviews which file into CODEOWNERS; without FILE, into the one that GitHub "
    "reads.",
)
@click.option(
    "--check",
    is_flag=True,
    help="With --codeowners, change nothing; exit with 1 if the file would change.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json"]),
    default="text",
    help="The format of the owners.",
)
@with_project
def command(
    project: Project, console: Console, *, file: str | None, check: bool, format_name: str
) -> int:
    """Show who owns which segments, or keep CODEOWNERS.

    An owner is what segment files have in `owner`; `owners:` in segctl.yaml says who that is. With
    --codeowners, GitHub asks the owners to review a change of their segments: segctl keeps one
    marked block in the file, and leaves everything outside it as it is.

    \b
    Examples:
      segctl owners
      segctl owners --codeowners
      segctl owners --codeowners --check
    """
    if file is not None:
        return _keep_file(project, console, None if file == _FIND else file, check=check)
    if check:
        raise click.UsageError("--check requires --codeowners")
    rows = [(owner.name, owner.who, owner.segments) for owner in list_owners(project)]
    if format_name == "json":
        console.show_json(owners_json(rows, format_utc(project.clock.now())))
        return 0
    has_owners = bool(project.config.owners)
    text = owners_text(rows, console.style, has_owners=has_owners, width=console.width)
    if text:
        console.show(text)
    else:
        console.talk("No segments.")
    return 0


def _keep_file(project: Project, console: Console, file: str | None, *, check: bool) -> int:
    result = code_owners(project, file)
    if result.unknown:
        console.warn(
            [
                Diagnostic(
                    "unknown-owner",
                    Severity.WARNING,
                    f"`owners:` in segctl.yaml does not have {list_names(result.unknown)}, so "
                    "nobody is asked to review their segments",
                    hint="run `segctl lint` to see where, and correct them or add them",
                )
            ]
        )
    path = clean(result.shown_path)
    if result.is_current:
        console.talk(f"{path} is up to date.")
        return 0
    if not check:
        write_code_owners(result)
        console.show(f"{path}\n")
        return 0
    _show_difference(console, result)
    argument = "" if file is None else f" {clean(quote(file))}"
    console.warn(
        [
            Diagnostic(
                "stale-codeowners",
                Severity.ERROR,
                f"{path} is out of date",
                hint=f"run `segctl owners --codeowners{argument}` and commit the file",
            )
        ]
    )
    return 1


def _show_difference(console: Console, result: CodeOwners) -> None:
    style = console.style
    for mark, paint, lines in (("-", style.red, result.removed), ("+", style.green, result.added)):
        for line in lines:
            console.show(paint(f"{mark}{clean(line)}") + "\n", as_is=True)
