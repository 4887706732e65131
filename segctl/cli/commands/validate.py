"""`segctl validate`: check everything in the files. Offline, without a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.app.selection import select_files
from segctl.app.validate import validate_project
from segctl.cli.options import format_option, with_project
from segctl.cli.output import Output
from segctl.errors import InvalidInput, Severity
from segctl.render.diagnostics import severity_summary
from segctl.render.terminal import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.app.console import Console
    from segctl.app.project import Project


@click.command("validate")
@click.argument("files", metavar="[FILE]...", nargs=-1)
@format_option("the diagnostics")
@with_project
def command(project: Project, console: Console, *, files: tuple[str, ...], format_name: str) -> int:
    """Check the segment files and segctl.yaml, offline.

    Reports every problem of every file, with file, line and column. Needs no API key and no
    network. Exits with 1 if there is an error; warnings do not fail it. With FILE, a file or a
    folder, only what is wrong there is reported; all files are still read, since a name may be
    declared twice. The files are checked for every target unless --target or SEGCTL_TARGET chooses
    one or a group; what is wrong in some targets only names them.

    \b
    Examples:
      segctl validate
      segctl validate segments/vip-customers.yaml
      segctl validate --format json | jq '.diagnostics[].summary'
      segctl validate --format sarif > segctl.sarif
    """
    return report_validation(project, console, "validate", format_name, files)


def report_validation(
    project: Project,
    console: Console,
    command_name: str,
    format_name: str,
    files: Sequence[str] = (),
    *,
    show_info: bool = False,
) -> int:
    """Report what is wrong with the files; return the exit code.

    `files` limit it to some. Mere information is only in the JSON, unless `show_info` or -v asks
    for it. Raises `InvalidInput` if there is an error.
    """
    output = Output(format_name, project, console)
    with output.showing_errors(command_name):
        validation = validate_project(project, select_files(project, files))
    diagnostics = validation.diagnostics
    show_info = show_info or console.verbosity > 0
    shown = [
        diagnostic
        for diagnostic in diagnostics
        if show_info or diagnostic.severity is not Severity.INFO
    ]
    summary = severity_summary(diagnostics)
    verdict = summary if validation.has_errors else f"valid{f', {summary}' if summary else ''}"
    segments = count(validation.segments, "segment")
    closing = f"{segments} in {project.config.segments}/: {verdict}."
    if output.name == "json":
        text = output.diagnostics(diagnostics, command_name, segments=validation.segments)
        output.show(text)
    elif not output.is_text:
        output.show(output.diagnostics(shown, command_name, closing=closing))
    if validation.has_errors:
        raise InvalidInput(shown)
    if output.is_text:
        console.warn(shown)
        console.show(f"{closing}\n")
    return 0
