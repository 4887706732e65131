"""`segctl render`: what is sent of the segments that files declare. Offline, without a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.app.list_names import recorded_list_names
from segctl.app.rendering import render_segments
from segctl.cli.options import with_project
from segctl.cli.shell_completion import complete_segment_names
from segctl.common.clock import format_utc
from segctl.render.rendered import rendered_json, rendered_text
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.project import Project


@click.command("render")
@click.argument("names", shell_complete=complete_segment_names, metavar="[NAME]...", nargs=-1)
@click.option(
    "--since",
    metavar="COMMIT",
    help="Show what changed since this commit, branch or tag, instead of whole definitions.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json"]),
    default="text",
    help="The format of the segments.",
)
@with_project
def command(
    project: Project,
    console: Console,
    *,
    names: tuple[str, ...],
    since: str | None,
    format_name: str,
) -> int:
    """Show what is sent of segments, with values, conditions and ids in place.

    One file may declare many segments, whose queries are nowhere written out. NAME is a segment's
    name or file, or a shell pattern of them; without one, all segments of the target are shown.

    --since compares with another commit: what a changed value, condition or instance changes in
    every query that uses it.

    \b
    Examples:
      segctl render 'Winback *'
      segctl render segments/winback.yaml --target shop-us
      segctl render --since origin/main
      segctl render --format json | jq '.segments[].definition'
    """
    segments = render_segments(project, names, since=since)
    if not segments and format_name == "text":
        console.talk(f"No file declares a segment for {clean(project.target_name)}.")
    elif format_name == "json":
        now = format_utc(project.clock.now())
        console.show_json(rendered_json(segments, now, since=since))
    else:
        lists = recorded_list_names(project)
        console.show(rendered_text(segments, lists, console.style, since=since))
    return 0
