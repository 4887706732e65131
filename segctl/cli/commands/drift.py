"""`segctl drift`: what changed on the account that no commit did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.app.connection import connect
from segctl.app.drift import detect_drift
from segctl.app.drift_acceptance import accept_drift, write_accepted
from segctl.cli.exit_codes import CHANGES_PRESENT
from segctl.cli.options import (
    all_targets_option,
    chosen_group,
    format_option,
    with_project,
)
from segctl.cli.output import Output
from segctl.cli.shell_completion import complete_segment_names
from segctl.model.drift import DriftKind
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.project import Project


@click.command("drift")
@format_option("the drift")
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit with 2 if there is drift, with 0 only if there is none.",
)
@click.option("--managed-only", is_flag=True, help="Leave out segments that no file ever declared.")
@click.option(
    "--accept",
    "accepted",
    metavar="NAME",
    multiple=True,
    shell_complete=complete_segment_names,
    help="Bring the edit of this segment into its file, instead of showing drift; may be repeated.",
)
@all_targets_option
@with_project
def command(
    project: Project,
    console: Console,
    *,
    format_name: str,
    detailed_exitcode: bool,
    managed_only: bool,
    accepted: tuple[str, ...],
    all_targets: bool,
) -> int:
    """Show what changed on the account that no commit did.

    Assumes that the files are what was applied last, and reports segments that someone edited,
    renamed, deleted or created by hand. Run it on a schedule, on a branch whose every commit is
    applied. Changes that commits ask for and nobody has applied yet are counted separately, as far
    as git history shows them. A segment created by hand is no longer drift once a file declares
    its name with `removed: forget`.

    --accept writes the segment's name, query and parent list into the file that declares it, as
    they are in SendGrid: comments and all other keys stay. Review the change with `git diff`.

    \b
    Examples:
      segctl drift
      segctl drift --detailed-exitcode --managed-only
      segctl drift --accept 'VIP customers'
      segctl drift --format json | jq -r '.drift[].name'
      segctl drift --target shops --detailed-exitcode
    """
    output = Output(format_name, project, console)
    if accepted:
        return _accept(project, console, accepted)
    with output.showing_errors("drift"):
        group = chosen_group(project, all_targets=all_targets)
    if group is not None:
        from segctl.cli.fleet import drift_group  # noqa: PLC0415 - only for several targets

        return drift_group(
            project,
            console,
            group,
            format_name=format_name,
            detailed=detailed_exitcode,
            managed_only=managed_only,
        )
    with output.showing_errors("drift"), connect(project, console) as connection:
        detected = detect_drift(project, connection, console, managed_only=managed_only)
    if output.is_text:
        console.warn(detected.diagnostics)
    output.show(output.drift(detected, connection.target))
    if any(drift.kind in (DriftKind.EDITED, DriftKind.RENAMED) for drift in detected.report.drifts):
        console.talk("`segctl drift --accept NAME` brings an edit or a new name into its file.")
    return CHANGES_PRESENT if detailed_exitcode and detected.report.drifts else 0


def _accept(project: Project, console: Console, names: tuple[str, ...]) -> int:
    with connect(project, console) as connection:
        result = accept_drift(project, connection, names, console)
    for file in result.files:
        write_accepted(project, file)
        console.show(f"{clean(file.path)}  {clean(file.name)}\n")
    console.warn(result.problems)
    console.talk(f"Updated {count(len(result.files), 'file')}.")
    return int(bool(result.problems))
